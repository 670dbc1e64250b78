"""The pages of policies in a real browser: an enterprise by keyboard, the office with its table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from policy_site import serving_policies

from tests.browser.test_review_page import visiting

pytestmark = pytest.mark.browser
POLICY = "eit-rd-extra-deduction"
expect.set_options(timeout=30_000)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving_policies(tmp_path_factory.mktemp("policies")) as found:
        yield found


def answer(page: Page, column: str, value: str) -> None:
    """Fill in a datum where it stands: in the list, which a phone has to open, or below."""
    field = page.locator(f"[name='f.{column}']")
    shut = page.locator("details.group:not([open])", has=field).locator("summary")
    beside = page.locator("#side").locator(field)
    if beside.count() and not page.locator("#side").is_visible():
        page.locator(".top .menu").click()
    if shut.count():
        shut.press("Enter")
    if field.evaluate("(one) => one.tagName") == "SELECT":
        field.select_option(value)
    else:
        field.fill(value)


@pytest.mark.parametrize("width", ["desktop", "phone"])
def test_an_enterprise_answers_by_keyboard_and_opens_the_article(
        browser: Browser, address: str, width: str) -> None:
    with visiting(browser) as visit:
        page = visit(address, width, "/policies")
        asked = page.locator("#composer .ask-next")
        expect(asked).to_contain_text("注册地")
        asked.locator("input").focus()
        page.keyboard.insert_text("北京市海淀区")
        page.keyboard.press("Enter")
        expect(asked).not_to_contain_text("注册地")
        expect(page.locator("#group-given input")).to_have_value("北京市海淀区")
        page.locator("#composer button[name=skip]").press("Enter")
        expect(page.locator("#side input[name=skip]")).to_have_count(1)
        answer(page, "entity", "company")
        answer(page, "rd_spend@2025", "300万")
        page.locator("#composer .chief").press("Enter")
        line = page.locator(f"#policy-{POLICY}")
        expect(line).to_contain_text("375,000")
        expect(line).to_contain_text("缺 1 项数据")
        answer(page, "rd_accounted_separately", "true")
        page.locator("#composer .chief").press("Enter")
        expect(page.locator(f"#part-eligible #policy-{POLICY}")).to_be_visible()
        line.locator(".pick").press("Enter")
        expect(line.locator(".clauses tr.met")).to_have_count(3)
        cite = line.locator("a.cite").first
        cite.press("Enter")
        expect(page.locator("#panel .article h2")).to_contain_text("第九十五条")
        expect(page.locator("#panel .article h2")).to_be_in_viewport()
        page.keyboard.press("Escape")
        expect(page.locator("#panel .article")).to_have_count(0)
        with page.expect_download() as got:
            page.locator("button[value=csv]").click()
        assert "375000.00" in got.value.path().read_text("utf-8")
        page.reload()
        expect(page.locator(f"#part-eligible #policy-{POLICY}")).to_be_visible()
        page.locator(".tongues [data-lang=en]").click()
        expect(page.locator(f"#part-eligible #policy-{POLICY}")).to_contain_text("375,000 yuan")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("width", ["desktop", "phone"])
def test_a_firm_tells_of_itself_and_confirms_what_was_read(browser: Browser, address: str,
                                                           width: str) -> None:
    with visiting(browser) as visit:
        page = visit(address, width, "/policies")
        page.fill("[name=said]", "我们是海淀区的高新技术企业，2025年营收2000万元，员工28人")
        page.locator("button[value=read]").press("Enter")
        expect(page.locator(".proposals li")).to_have_count(4)
        expect(page.locator("#group-given")).to_have_count(0)
        page.fill("[name='r.employees']", "30")
        page.uncheck("[name=take][value='revenue@2025']")
        page.locator("button[value=confirm]").press("Enter")
        expect(page.locator("#group-given [name='f.employees']")).to_have_value("30")
        expect(page.locator("#group-given .datum")).to_have_count(3)
        expect(page.locator("[name=said]")).not_to_be_visible()
        with page.expect_download() as got:
            page.locator("button[value=docx]").click()
        assert got.value.path().read_bytes().startswith(b"PK")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_form_works_without_script(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False, locale="zh-CN")
    page = context.new_page()
    page.goto(f"{address}/policies?lang=en")
    page.fill("#composer [name='f.region']", "北京市海淀区")
    page.press("#composer [name='f.region']", "Enter")
    expect(page.locator("#group-given input")).to_have_value("北京市海淀区")
    page.locator(".policy .pick").first.click()
    expect(page.locator(".policy .clauses")).to_have_count(1)
    page.goto(f"{address}/policies?lang=en&open={POLICY}")
    page.locator("a.cite").first.click()
    expect(page.locator("#panel .article h2")).to_be_visible()
    context.close()


@pytest.mark.parametrize("width", ["desktop", "phone"])
def test_an_office_finds_the_enterprises_of_a_policy(browser: Browser, address: str, width: str,
                                                     tmp_path: Path) -> None:
    with visiting(browser) as visit:
        page = visit(address, width, "/policies/office")
        page.fill("#find", "小型微利")
        page.locator(".choose li:visible a").first.click()
        expect(page.locator(".office h2")).to_contain_text("小型微利")
        expect(page.locator("svg.funnel rect.bar-out").first).to_be_attached()
        expect(page.locator(".spread figure")).to_have_count(3)
        with page.expect_download() as got:
            page.locator("a[href*='list.csv']").click()
        lines = got.value.path().read_text("utf-8-sig").splitlines()
        assert f"{len(lines) - 1}" == page.locator(".tiles .eligible strong").inner_text()
        table = tmp_path / f"{width}.csv"
        table.write_text("编号,名称,主体类型\nx1,甲公司,company\n", "utf-8")
        page.locator(".tables summary").click()
        page.set_input_files("[name=file]", table)
        page.locator("#upload [value=upload]").click()
        expect(page.locator(".office")).to_contain_text("1 家企业")
        expect(page.locator(".office")).to_contain_text("上一次：示例表")
        page.locator("a.act[href*='which=unknown']").click()
        expect(page.locator("#list ~ .scroll td").first).to_contain_text("甲公司")
        page.locator("[value=drop]").click()
        expect(page.locator("[name=table] option")).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
