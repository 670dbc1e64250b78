"""The chat in a real browser: a real server, Debian's Chromium, both widths, both languages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from fakes_web import fake_services, free_port, serving
from playwright.sync_api import Browser, Page, expect

from cityllm.web.conversations import Conversations, Turn
from cityllm.web.texts import text

pytestmark = pytest.mark.browser
WIDTHS = {"desktop": (1440, 900), "phone": (390, 844)}
PENALTY = "没办规划许可证就盖了楼，会怎么罚？"
ROAD = "如果把主路封了，平均车速会怎样？"
Opener = Callable[..., Page]
expect.set_options(timeout=30_000)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chat")


@pytest.fixture(scope="module")
def site(home: Path) -> Iterator[str]:
    with serving(home, pause=0.15) as address:
        yield address


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Opener]:
    """Open a page; at the end, no error may have reached the browser's console."""
    problems: list[str] = []
    contexts = []

    def opening(width: str = "desktop", path: str = "/", address: str = site) -> Page:
        w, h = WIDTHS[width]
        context = browser.new_context(viewport={"width": w, "height": h}, locale="zh-CN")
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        page.on("request", lambda r: problems.append(r.url)
                if not r.url.startswith((address, "data:", "blob:")) else None)
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(address + path)
        expect(page.locator(".top h1")).to_be_visible()
        return page

    yield opening
    for context in contexts:
        context.close()
    assert problems == []


def ask(page: Page, question: str) -> None:
    """Type and press Enter."""
    box = page.locator("#question textarea")
    box.fill(question)
    box.press("Enter")


def answers(page: Page, n: int) -> None:
    """Wait until `n` answers stand there and the box is ready."""
    expect(page.locator("#transcript .turn")).to_have_count(n)
    expect(page.locator("#send")).to_be_visible()


def kept(page: Page, home: Path) -> list[Turn]:
    """What the store holds of the conversation that the page shows."""
    conversation = re.search(r"[?&]c=([\w-]+)", page.url)
    assert conversation
    store = Conversations.open(home / "conversations.sqlite")
    turns = store.turns("local", conversation[1]) or []
    store.close()
    return turns


@pytest.mark.parametrize("width", WIDTHS)
def test_a_question_is_answered_and_its_citation_opens(visit: Opener, width: str) -> None:
    page = visit(width)
    expect(page.locator(".welcome li")).to_have_count(8)
    ask(page, PENALTY)
    expect(page.locator("#live .step")).not_to_have_count(0)
    expect(page.locator("#live .draft")).to_be_visible()
    expect(page.locator("#stop")).to_be_visible()
    answers(page, 1)
    expect(page.locator(".welcome")).to_have_count(0)
    steps = page.locator("#transcript details.fold").first
    expect(steps.locator(".step").first).to_be_hidden()
    steps.locator("summary").click()
    expect(steps.locator(".step").first).to_contain_text("0.21 秒")
    page.locator("#transcript .text .cite").click()
    article = page.locator("#panel .article")
    expect(article.locator("h2")).to_contain_text("第六十四条")
    expect(article.locator("h2")).to_contain_text("全文")
    expect(article).to_contain_text("截至 2025-04-30 所知")
    expect(article.locator(".neighbour")).to_have_count(2)
    expect(article.locator("h2")).to_be_in_viewport()
    box, answer = article.bounding_box(), page.locator("#transcript .reply").bounding_box()
    assert box and answer
    if width == "desktop":
        assert box["x"] >= answer["x"] + answer["width"], "beside the answer"
    else:
        assert box["y"] >= answer["y"] + answer["height"], "below the answer"
    article.locator(".neighbour .act").last.click()
    expect(article.locator("h2")).to_contain_text("第六十五条")
    article.locator("h2").press("Escape")
    expect(article).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "no sideways scroll"


def test_a_simulation_shows_its_map_and_figures(visit: Opener) -> None:
    page = visit()
    page.locator(".welcome button", has_text="主路").click()
    answers(page, 1)
    picture = page.locator("#transcript figure.map img")
    expect(picture).to_be_visible()
    assert picture.evaluate("async (p) => { await p.decode(); return p.naturalWidth }") >= 1
    page.locator("#transcript .text .cite").click()
    expect(page.locator(".figures")).to_contain_text("24.8 km/h")


def test_the_whole_page_changes_its_language(visit: Opener) -> None:
    page = visit()
    ask(page, PENALTY)
    answers(page, 1)
    page.locator('.tongues [data-lang="en"]').click()
    expect(page.locator("h1")).to_have_text(text("title", "en"))
    for where, words in (("#send", "Ask"), ("#transcript", "Articles cited"),
                         (".history", "New conversation"), ("#date-words", "Answer by the law")):
        expect(page.locator(where)).to_contain_text(words)
    expect(page.locator("#question textarea")).to_have_attribute("placeholder",
                                                                 text("placeholder", "en"))
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.title() == text("title", "en")
    outside = page.evaluate("""() => [...document.querySelectorAll('#site *')]
        .filter(e => !e.closest('#transcript, .history li, .tongues'))
        .flatMap(e => [...e.childNodes]).filter(n => n.nodeType === 3)
        .map(n => n.textContent).join(' ')""")
    assert not re.search(r"[一-鿿]", outside)
    page.reload()
    expect(page.locator("h1")).to_have_text(text("title", "en"))
    expect(page.locator("#transcript .turn")).to_have_count(1)


def test_the_chosen_date_reaches_the_assistant(visit: Opener, home: Path) -> None:
    page = visit()
    page.locator("#as-of input").fill("2015-06-01")
    ask(page, PENALTY)
    answers(page, 1)
    (turn,) = kept(page, home)
    assert turn.as_of == date(2015, 6, 1)
    assert turn.answer is not None and turn.answer.as_of == date(2015, 6, 1)
    with page.expect_download() as got:
        page.locator("#transcript a.act", has_text="Markdown").click()
    assert Path(got.value.path()).read_text("utf-8").startswith(f"# {PENALTY}")
    assert page.locator("#as-of input").input_value() == "2015-06-01"


def test_feedback_is_stored_with_its_comment(visit: Opener, home: Path) -> None:
    page = visit()
    ask(page, PENALTY)
    answers(page, 1)
    page.locator(".acts button", has_text="没帮助").click()
    page.locator(".comment textarea").fill("条号不对 <b>")
    page.locator(".comment button").click()
    expect(page.locator(".kept")).to_contain_text("条号不对 <b>")
    (turn,) = kept(page, home)
    assert (turn.verdict, turn.comment) == ("bad", "条号不对 <b>")
    assert turn.as_of is None


def test_a_failed_engine_leaves_a_sentence_and_the_next_question_works(visit: Opener) -> None:
    page = visit()
    ask(page, "故障")
    answers(page, 1)
    sorry = page.locator(".reply.sorry")
    expect(sorry).to_contain_text("编号")
    for word in ("Traceback", "Error", "secret", "/home"):
        assert word not in page.content()
    ask(page, "超时")
    answers(page, 2)
    expect(sorry.last).to_contain_text("30 秒没有回答")
    ask(page, PENALTY)
    answers(page, 3)
    expect(page.locator("#transcript .cite")).not_to_have_count(0)


def test_an_empty_and_an_endless_question_are_told_so(visit: Opener) -> None:
    page = visit()
    ask(page, "   ")
    expect(page.locator(".notice")).to_contain_text("请先写下问题")
    ask(page, "长" * 2001)
    expect(page.locator(".notice")).to_contain_text("最多 2000")
    page.wait_for_timeout(1500)
    expect(page.locator(".notice")).to_be_visible()
    assert len(page.locator("#question textarea").input_value()) == 2001, "nothing typed is lost"


def test_shift_enter_makes_a_line_and_does_not_ask(visit: Opener) -> None:
    page = visit()
    box = page.locator("#question textarea")
    box.fill("第一行")
    box.press("Shift+Enter")
    box.type("第二行")
    assert box.input_value() == "第一行\n第二行"
    expect(page.locator("#live .turn, #transcript .turn")).to_have_count(0)


def test_conversations_are_listed_opened_and_deleted(visit: Opener) -> None:
    page = visit()
    ask(page, "甲问题怎么罚")
    answers(page, 1)
    page.locator(".history .new").click()
    expect(page.locator(".welcome")).to_be_visible()
    ask(page, "乙问题怎么罚")
    answers(page, 1)
    page.locator(".history .pick", has_text="甲问题").click()
    expect(page.locator("#transcript .ask")).to_contain_text("甲问题怎么罚")
    expect(page.locator("[aria-current] .pick")).to_contain_text("甲问题")
    row = page.locator(".history li", has_text="甲问题")
    row.locator(".drop").click()
    expect(row).to_have_count(0)
    expect(page.locator(".welcome")).to_be_visible()
    expect(page.locator(".history li", has_text="乙问题")).to_have_count(1)


def test_on_a_phone_the_list_opens_from_the_header(visit: Opener) -> None:
    page = visit("phone")
    expect(page.locator("#side")).to_be_hidden()
    page.locator(".top .menu").click()
    expect(page.locator(".history .new")).to_be_visible()
    page.locator(".history .new").click()
    expect(page.locator("#side")).to_be_hidden()


def test_nothing_that_is_typed_or_answered_runs(visit: Opener) -> None:
    page = visit()
    for n, bad in enumerate(("<img src=x onerror=\"window.hit=1\"><script>window.hit=1</script>",
                             "${window.hit=1} `${window.hit=1}` {{constructor}}",
                             "[x](javascript:window.hit=1) <svg onload=window.hit=1>"), start=1):
        ask(page, bad)
        answers(page, n)
        expect(page.locator("#transcript .ask p").last).to_have_text(bad)
        expect(page.locator("#transcript .text").last).to_contain_text("先责令停止建设")
    page.locator("#transcript .text .cite").last.click()
    expect(page.locator("#panel .wording").first).to_contain_text("<b>不可改正的</b>")
    assert page.evaluate("window.hit") is None


def test_an_answer_is_followed_by_a_second_tab_and_stopped(visit: Opener, home: Path) -> None:
    page = visit()
    ask(page, "请等一等")
    expect(page.locator("#live .step")).to_have_count(2)
    ask(page, "第二个问题")
    expect(page.locator(".notice")).to_contain_text("还在回答")
    other = visit(path="/" + page.url.rpartition("/")[2])
    expect(other.locator("#live .ask")).to_contain_text("请等一等")
    other.locator("#stop").click()
    for one in (other, page):
        answers(one, 1)
        expect(one.locator(".reply.sorry")).to_contain_text("已停止")
        expect(one.locator("#live .turn")).to_have_count(0)
    (home / "release").touch()


def test_a_conversation_is_there_after_a_restart(visit: Opener, tmp_path: Path) -> None:
    home, port = tmp_path / "home", free_port()
    with serving(home, port=port) as address:
        page = visit(address=address)
        ask(page, PENALTY)
        answers(page, 1)
        path = page.url.removeprefix(address)
        page.close()
    with serving(home, port=port) as address:
        page = visit(path=path, address=address)
        expect(page.locator("#transcript .ask")).to_contain_text(PENALTY)
        expect(page.locator(".history li")).to_have_count(1)
        page.locator("#transcript .text .cite").click()
        expect(page.locator("#panel h2")).to_contain_text("第六十四条")
        page.close()


def test_with_accounts_a_person_signs_in_and_sees_only_their_own(browser: Browser,
                                                                 tmp_path: Path) -> None:
    services = fake_services(tmp_path, host="0.0.0.0")
    for name in ("li", "wang"):
        services.accounts.add(name, f"password of {name}", "planner")
    with serving(tmp_path, host="0.0.0.0") as address:
        seen = []
        for name in ("li", "wang"):
            page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
            page.goto(address)
            expect(page.locator("h1")).to_have_text("登录")
            page.fill("[name=name]", name)
            page.fill("[name=password]", f"password of {name}")
            page.click("button")
            expect(page.locator(".user")).to_contain_text(name)
            seen.append(page.locator(".history li").count())
            ask(page, f"{name}的问题怎么罚")
            answers(page, 1)
            page.locator(".top form button").click()
            expect(page.locator("h1")).to_have_text("登录")
            page.context.close()
    assert seen == [0, 0]
