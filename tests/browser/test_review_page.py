"""The petitions page in a real browser, by keyboard: from the queue to an accepted reply."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fakes_web import fake_services, free_port, serving
from playwright.sync_api import Browser, BrowserContext, Page, expect

from cityllm.petitions.review import Review
from cityllm.web.texts import text
from tests.test_petitions_page import DAY, WHO, shipped
from tests.test_review import queued

pytestmark = pytest.mark.browser
WIDTHS = {"desktop": (1440, 900), "phone": (390, 844)}
MORE = [*DAY, {"编号": "5", "标题": "工地噪声", "内容": "幸福路工地夜里打桩，噪声很大，请处理。", "收到日期": "2026-03-10",
               "区县": "西湖区"}]
Opener = Callable[..., Page]
expect.set_options(timeout=30_000)


@contextmanager
def visiting(browser: Browser, *, quiet: bool = True) -> Iterator[Opener]:
    """Open pages in contexts of their own; at the end no error may have reached a console."""
    problems: list[str] = []
    contexts: list[BrowserContext] = []

    def opening(address: str, width: str = "desktop", path: str = "/petitions") -> Page:
        w, h = WIDTHS[width]
        context = browser.new_context(viewport={"width": w, "height": h}, locale="zh-CN")
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        page.goto(address + path)
        expect(page.locator(".top h1, main h1")).to_be_visible()
        return page

    yield opening
    for context in contexts:
        context.close()
    assert not quiet or problems == []


def office(home: Path, host: str = "127.0.0.1") -> Review:
    """A home with a classified day's petitions, and accounts where people sign in."""
    services = fake_services(home, host=host)
    queued(home, MORE, services.review, make=shipped)
    if host != "127.0.0.1":
        for name, role in WHO.items():
            services.accounts.add(name, f"password of {name}", role)
    return services.review


def press(page: Page, key: str) -> None:
    """A key, once the page takes one again: what was just shown is not decided by a slip."""
    page.wait_for_function("!document.getElementById('site').hasAttribute('aria-busy')")
    page.wait_for_timeout(600)
    page.keyboard.press(key)


def sign_in(page: Page, name: str) -> None:
    page.fill("[name=name]", name)
    page.fill("[name=password]", f"password of {name}")
    page.keyboard.press("Enter")
    expect(page.locator(".user")).to_contain_text(name)


@pytest.mark.parametrize("width", WIDTHS)
def test_by_keyboard_from_the_queue_to_an_accepted_reply(browser: Browser, tmp_path: Path,
                                                         width: str) -> None:
    review = office(tmp_path)
    with visiting(browser) as visit, serving(tmp_path, pause=0.1) as address:
        page = visit(address, width)
        expect(page.locator("#main h2")).to_have_text("请取一件")
        press(page, "n")
        title = page.locator(".petition h2")
        expect(title).to_contain_text("要坍塌了")
        expect(page.locator(".petition .grave")).to_contain_text("生命安全")
        expect(page.locator("#similar .waiting")).to_have_count(0)
        press(page, "n")
        expect(title).to_contain_text("路灯坏了")
        press(page, "n")
        expect(title).to_contain_text("没有规划许可证就盖楼")
        assert page.evaluate("document.activeElement === document.querySelector('.petition h2')")
        expect(page.locator(".periods")).to_contain_text("《信访工作条例》第二十二条")
        press(page, "d")
        expect(page.locator("#reply-part .waiting")).to_be_visible()
        cite = page.locator("#reply-part .cite").first
        expect(cite).to_contain_text("第六十四条")
        cite.focus()
        page.keyboard.press("Enter")
        expect(page.locator("#panel .article h2")).to_contain_text("第六十四条")
        expect(page.locator("#panel .article h2")).to_be_in_viewport()
        press(page, "Escape")
        expect(page.locator("#panel .article")).to_have_count(0)
        press(page, "e")
        box = page.locator("#reply")
        expect(box).to_be_focused()
        page.keyboard.press("End")
        page.keyboard.insert_text("（已核对）")
        page.keyboard.press("Escape")
        press(page, "a")
        expect(page.locator(".notice.done")).to_contain_text("已接受")
        expect(title).not_to_contain_text("没有规划许可证")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    (held,) = review.decided(9)
    assert held.id == "2" and held.told["decided_by"] == "local"
    assert "（已核对）" in held.told["reply"] and "第六十四条" in held.told["reply"]
    assert "草稿" not in held.told["reply"]


def test_a_change_and_a_return_by_keyboard(browser: Browser, tmp_path: Path) -> None:
    review = office(tmp_path)
    with visiting(browser) as visit, serving(tmp_path) as address:
        page = visit(address)
        press(page, "n")
        expect(page.locator(".petition h2")).to_contain_text("要坍塌了")
        press(page, "c")
        expect(page.locator("[name=category]")).to_be_focused()
        page.keyboard.insert_text("没有这一类")
        page.keyboard.press("Enter")
        expect(page.locator("#said .notice")).to_contain_text("不在列表里")
        assert page.locator("[name=category]").input_value() == "没有这一类", "nothing typed is lost"
        page.locator("[name=category]").fill("010501")
        page.keyboard.press("Tab")
        page.keyboard.press("Control+A")
        page.keyboard.insert_text("市住房和城乡建设局")
        page.keyboard.press("Enter")
        expect(page.locator(".notice.done")).to_contain_text("市住房和城乡建设局")
        expect(page.locator(".petition h2")).to_contain_text("路灯坏了")
        press(page, "r")
        expect(page.locator("[data-form=return] [name=reason]")).to_be_focused()
        page.keyboard.insert_text("与前件相同")
        page.keyboard.press("Enter")
        expect(page.locator(".notice.done")).to_contain_text("已退回")
    second, first = review.log(2)
    assert (first.action, first.body["final"]["code"]) == ("changed", "010501")
    assert (second.action, second.body["reason"]) == ("returned", "与前件相同")


def test_a_key_held_down_decides_one_petition_only(browser: Browser, tmp_path: Path) -> None:
    review = office(tmp_path)
    with visiting(browser) as visit, serving(tmp_path) as address:
        page = visit(address)
        press(page, "n")
        expect(page.locator(".petition h2")).to_contain_text("要坍塌了")
        page.wait_for_timeout(600)
        for _ in range(12):
            page.keyboard.down("a")
        page.keyboard.up("a")
        expect(page.locator(".notice.done")).to_be_visible()
        page.keyboard.press("a")
        page.wait_for_timeout(300)
        assert len(review.log(9)) == 1


def test_keys_typed_into_a_box_are_text(browser: Browser, tmp_path: Path) -> None:
    review = office(tmp_path)
    with visiting(browser) as visit, serving(tmp_path) as address:
        page = visit(address)
        page.locator("#find").fill("")
        page.locator("#find").press_sequentially("工地nar", delay=20)
        expect(page.locator(".queue li")).to_have_count(0)
        assert page.locator("#find").input_value() == "工地nar"
        page.locator("#find").fill("工地")
        expect(page.locator(".queue li")).to_have_count(1)
        page.keyboard.press("Tab")
        press(page, "k")
        page.keyboard.press("Enter")
        expect(page.locator(".petition h2")).to_contain_text("工地噪声")
    assert review.log(9) == []


def test_two_clerks_at_once_and_a_lost_lease(browser: Browser, tmp_path: Path) -> None:
    review = office(tmp_path, "0.0.0.0")
    with visiting(browser, quiet=False) as visit, serving(tmp_path, "0.0.0.0") as address:
        pages = {}
        for name in ("li", "wang", "zhao"):
            pages[name] = visit(address)
            sign_in(pages[name], name)
            pages[name].locator(".pages a", has_text="信访审核").click()
            expect(pages[name].locator(".queue li")).to_have_count(6)
        li, wang, zhao = pages["li"], pages["wang"], pages["zhao"]
        press(li, "n")
        press(wang, "n")
        expect(li.locator(".petition h2")).to_contain_text("要坍塌了")
        expect(wang.locator(".petition h2")).to_contain_text("路灯坏了")
        expect(wang.locator(".queue li").first).to_contain_text("li 处理中")
        wang.locator(".queue .pick").first.click()
        expect(wang.locator("#said .notice")).to_contain_text("li 处理")
        expect(wang.locator("[data-do=accept]")).to_have_count(0)
        # The supervisor gives it to wang: li's next word is refused in a sentence.
        zhao.locator(".queue .pick").first.click()
        press(zhao, "m")
        zhao.keyboard.insert_text("wang")
        zhao.keyboard.press("Tab")
        zhao.keyboard.insert_text("更熟悉")
        zhao.keyboard.press("Enter")
        expect(zhao.locator(".notice.done")).to_contain_text("wang")
        press(li, "a")
        expect(li.locator("#said .notice")).to_contain_text("wang")
        wang.locator(".queue .pick").first.click()
        expect(wang.locator("[data-do=accept]")).to_be_visible()
        press(wang, "a")
        expect(wang.locator(".notice.done")).to_contain_text("已接受")
    assert [(entry.who, entry.action) for entry in reversed(review.log(9))] == [
        ("zhao", "assigned"), ("wang", "accepted")]


def test_a_session_that_ended_is_said_and_nothing_is_lost(browser: Browser, tmp_path: Path) -> None:
    review = office(tmp_path, "0.0.0.0")
    with visiting(browser, quiet=False) as visit, serving(tmp_path, "0.0.0.0") as address:
        page = visit(address)
        sign_in(page, "li")
        page.goto(address + "/petitions")
        press(page, "n")
        expect(page.locator(".petition h2")).to_contain_text("要坍塌了")
        press(page, "e")
        page.keyboard.insert_text("已派人到场。")
        page.keyboard.press("Escape")
        page.context.clear_cookies()
        press(page, "a")
        expect(page.locator("#said .notice")).to_contain_text("登录已过期")
        other = page.context.new_page()
        other.goto(address)
        sign_in(other, "li")
        press(page, "a")
        expect(page.locator(".notice.done")).to_contain_text("已接受")
    assert review.decided(1)[0].told["reply"] == "已派人到场。"


def test_each_role_finds_its_page(browser: Browser, tmp_path: Path) -> None:
    office(tmp_path, "0.0.0.0")
    with visiting(browser, quiet=False) as visit, serving(tmp_path, "0.0.0.0") as address:
        for name, seen in (("sun", ""), ("qian", "待审已审记录"), ("li", "待审已审"),
                           ("zhao", "待审已审统计记录")):
            page = visit(address)
            sign_in(page, name)
            expect(page.locator(".pages a", has_text="信访审核")).to_have_count(1 if seen else 0)
            page.goto(address + "/petitions")
            if not seen:
                expect(page.locator("#main")).to_contain_text("planner")
                continue
            words = re.sub(r"\d", "", page.locator(".views").inner_text())
            assert re.sub(r"\s", "", words) == seen
            page.locator(".queue .pick").first.click()
            expect(page.locator(".petition h2")).to_be_visible()
            expect(page.locator("[data-do=accept]")).to_have_count(0 if name == "qian" else 1)
            if name == "li":
                press(page, "n")
                expect(page.locator(".petition h2")).to_contain_text("路灯坏了")
            page.context.close()


def test_a_restart_in_the_middle_loses_nothing(browser: Browser, tmp_path: Path) -> None:
    review = office(tmp_path)
    port = free_port()
    with visiting(browser, quiet=False) as visit:
        with serving(tmp_path, port=port) as address:
            page = visit(address)
            press(page, "n")
            expect(page.locator(".petition h2")).to_contain_text("要坍塌了")
            press(page, "e")
            page.keyboard.insert_text("已派人到场。")
            page.keyboard.press("Escape")
        press(page, "a")
        expect(page.locator("#said .notice")).to_contain_text("连接不上")
        assert page.locator("#reply").input_value() == "已派人到场。"
        with serving(tmp_path, port=port):
            press(page, "n")
            expect(page.locator(".petition h2")).to_contain_text("路灯坏了")
            page.locator(".queue .pick").first.click()
            expect(page.locator(".petition h2")).to_contain_text("要坍塌了")
            assert page.locator("#reply").input_value() == "已派人到场。", "nothing typed is lost"
            press(page, "a")
            expect(page.locator(".notice.done")).to_contain_text("已接受")
            page.reload()
            expect(page.locator(".petition h2")).to_contain_text("路灯坏了")
            expect(page.locator("[data-do=accept]")).to_be_visible()
    assert review.decided(1)[0].told["reply"] == "已派人到场。"


def test_the_whole_page_changes_its_language(browser: Browser, tmp_path: Path) -> None:
    office(tmp_path)
    with visiting(browser) as visit, serving(tmp_path) as address:
        page = visit(address)
        press(page, "n")
        page.locator('.tongues [data-lang="en"]').click()
        expect(page.locator(".labels h3").first).to_have_text("Proposed")
        assert page.title().startswith(text("nav_petitions", "en"))
        assert page.evaluate("document.documentElement.lang") == "en"
        ours = " ".join(page.locator("h1, h3, dt, th, .bar, .small, .views, .top a, .flags, label, "
                                     "legend").all_text_contents())
        assert not re.search(r"[一-鿿]", ours.replace("中文", "")), ours
        for view in ("figures", "log", "decided", "waiting"):
            button = page.locator(f'.view[data-view="{view}"]')
            button.click()
            expect(button).to_have_attribute("aria-pressed", "true")
        assert "lang=en" in page.url


def test_on_a_phone_the_queue_opens_from_the_header(browser: Browser, tmp_path: Path) -> None:
    office(tmp_path)
    with visiting(browser) as visit, serving(tmp_path) as address:
        page = visit(address, "phone")
        expect(page.locator("#side")).to_be_hidden()
        page.locator(".top .menu").click()
        page.locator(".queue .pick", has_text="工地噪声").click()
        expect(page.locator("#side")).to_be_hidden()
        expect(page.locator(".petition h2")).to_contain_text("工地噪声")
        expect(page.locator("[data-do=accept]")).to_be_in_viewport()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
