"""The enterprise's page: what is read of its form, what is shown, and that nothing is kept."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from fakes import QueueModel
from fakes_web import ROOT
from fastapi.testclient import TestClient
from policy_site import policy_services
from test_chat import HOSTILE, harmless

from cityllm.agent.wording import Narrator
from cityllm.errors import ModelUnavailable
from cityllm.safety.access import Account, Role
from cityllm.web.firm_page import FirmPage
from cityllm.web.office_page import OfficePage
from cityllm.web.office_tables import OfficeTables

DAY = "2026-11-25"
SMALL = [("day", DAY), ("f.entity", "company"), ("f.restricted_industry", "false"),
         ("f.taxable_income@2025", "26万"), ("f.industry", "6513"), ("f.employees", "28"),
         ("f.total_assets", "900万")]
POLICY = "xiaoxing-weili-suodeshui"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FirmPage]:
    services: Any = policy_services(tmp_path_factory.mktemp("firm"))
    yield FirmPage(services.policies, services.ledger, lambda user: Account(user, "enterprise"),
                   "zh", True)
    services.ledger.close()


def block(html: str, policy: str) -> str:
    """The part of the page that shows one policy."""
    found = re.search(rf'<article class="policy [^>]*id="policy-{policy}">.*?</article>', html,
                      re.S)
    assert found, policy
    return found[0]


def test_a_form_left_empty_meets_nothing_and_asks_for_what_most_policies_wait_for(
        page: FirmPage) -> None:
    html = page.page("fang", [("day", DAY)])
    assert "符合 0 项" in html and 'class="policy eligible"' not in html
    asked = html[html.index('id="composer"'):]
    assert "注册地" in asked and 'name="f.region" form="firm"' in asked
    assert html.count('name="f.region"') == 1
    columns = re.findall(r'(?:select|type="text"|type="date") name="f\.([^"]+)"', html)
    assert len(columns) == len(set(columns)) > 300


def test_met_clauses_show_amount_value_threshold_and_an_article_that_opens(page: FirmPage) -> None:
    html = page.page("fang", [*SMALL, ("open", POLICY)])
    shown = block(html, POLICY)
    assert 'class="policy eligible"' in shown and "13,000 元" in shown
    assert "不超过 80 人" in shown and "28 人" in shown
    assert 'data-do="cite"' in shown and "企业所得税法" in shown
    assert page.told([*SMALL, ("opened", POLICY), ("open", POLICY)]).opened == ""
    english = block(page.page("fang", [*SMALL, ("open", POLICY), ("lang", "en")]), POLICY)
    assert "13,000 yuan" in english and "at most" in english


def test_an_opened_policy_is_told_in_words_when_asked(page: FirmPage) -> None:
    opened = [*SMALL, ("opened", POLICY)]
    assert 'value="words"' in block(page.page("fang", opened), POLICY)
    shown = block(page.page("fang", [*opened, ("do", "words")]), POLICY)
    assert 'class="worded"' in shown and "CITYLLM_ENGINE=endpoint" in shown
    model = QueueModel(replies=["申报看{E1.window}，带上{E1.papers}。", "能拿{E1.amount}，<b>快来[E1]。",
                                ModelUnavailable("模型服务连不上", "no server")])
    told = FirmPage(page.service, page.sources.ledger, page.account_of, "zh", True, Narrator(model))
    for words in ("规则", "规则", "模型服务连不上"):
        shown = block(told.page("fang", [*opened, ("do", "words")]), POLICY)
        assert words in shown[shown.index('class="worded"'):] and "<b>" not in shown
    assert 'class="worded"' not in page.page("fang", [*SMALL, ("do", "words")])


def test_a_gap_is_shown_with_the_smallest_change(page: FirmPage) -> None:
    told = [(name, "320" if name == "f.employees" else value) for name, value in SMALL]
    shown = block(page.page("fang", [*told, ("open", POLICY)]), POLICY)
    assert 'class="policy not_eligible"' in shown and 'class="gap"' in shown
    assert "320 人 → 80 人" in shown


def test_what_cannot_be_read_counts_as_unknown_and_is_shown_again(page: FirmPage) -> None:
    told = page.told([*SMALL, ("f.established", "去年"), ("f.revenue", "3"), ("f.nonsense", "1")])
    assert set(told.wrong) == {"established"} and "established" not in told.enterprise.values
    assert told.enterprise.values["employees"] == 28
    html = page.page("fang", [*SMALL, ("f.established", "去年")])
    assert 'aria-invalid="true" value="去年"' in html and "有 1 项写得不对" in html


def test_sets_and_certificates_may_be_none_unknown_or_dated(page: FirmPage) -> None:
    read = page.told([("f.zone", "-"), ("f.high_tech", "true"), ("d.high_tech", "2027-12-31"),
                      ("f.sme_tech", "false")]).enterprise.values
    assert read["zone"] == frozenset() and "little_giant" not in read
    assert page.service.rules.dictionary.field_of("high_tech").show(read["high_tech"]) \
        == "有效至 2027-12-31"
    html = page.page("fang", [("f.zone", "-"), ("d.high_tech", "2027-12-31")])
    assert 'value="-" checked' in html and 'value="2027-12-31"' in html


def test_papers_that_an_office_holds_are_not_asked_for(page: FirmPage) -> None:
    policy = next(one for one in page.service.rules
                  if any(paper.holder != "enterprise" for paper in one.materials))
    shown = block(page.page("fang", [("day", DAY), ("open", policy.id)]), policy.id)
    held = [one.zh for one in policy.materials if one.holder != "enterprise"]
    assert all(f"<s>{name}</s>" in shown for name in held) and "不用带" in shown


def test_an_unconfirmed_policy_is_never_among_the_eligible(page: FirmPage) -> None:
    told = [("day", DAY), ("f.region", "北京市/海淀区"), ("f.domestic_patents_granted@2025", "4"),
            ("open", "bj-domestic-patents")]
    html = page.page("fang", told)
    part = html[html.index('id="part-unconfirmed"'):html.index('id="part-unknown"')]
    assert "policy-bj-domestic-patents" in part and "有效期未确认" in part
    assert "不能认定符合" in part


def test_an_answer_that_is_not_known_is_not_asked_again(page: FirmPage) -> None:
    html = page.page("fang", [("day", DAY), ("skip", "region")])
    assert "注册地" not in html[html.index('id="composer"'):]
    assert '<input type="hidden" name="skip" value="region">' in html


def test_the_day_decides(page: FirmPage) -> None:
    before = [(name, "2007-06-01" if name == "day" else value) for name, value in SMALL]
    assert "还没有生效" in block(page.page("fang", before), POLICY)


def test_the_example_meets_something_and_fills_the_form(page: FirmPage) -> None:
    html = page.page("fang", [("do", "example"), ("day", DAY)])
    assert 'class="policy eligible"' in html and 'value="北京市/海淀区"' in html
    assert 'value="北京市/海淀区"' not in page.page("fang", [("do", "clear"), ("f.region", "北京市")])


def test_files_hold_the_same_result(page: FirmPage) -> None:
    name, kind, content = page.file(SMALL, "csv")
    assert name.endswith(".csv") and kind.startswith("text/csv")
    lines = {row["政策"]: row for row in csv.DictReader(io.StringIO(content.lstrip("\ufeff")))}
    assert lines[POLICY]["金额（元）"] == "13000.00"
    assert len(lines) == len(page.service.rules.policies)
    _, _, report = page.file(SMALL, "md")
    assert "- 从业人数（含劳务派遣）：28 人" in report and "13,000 元" in report


SAID = ("said", "我们是海淀区的高新技术企业，去年营收2000万元。想要专精特新")


def proposals(html: str) -> dict[str, str]:
    """The ticked proposals of a page: column, and what is shown beside it."""
    return dict(re.findall(r'name="take" form="firm" value="([^"]+)" checked>(.*?)</li>', html,
                           re.S))


def test_what_is_read_from_words_counts_only_once_it_is_confirmed(page: FirmPage) -> None:
    html = page.page("fang", [("day", DAY), SAID, ("do", "read")])
    read = proposals(html)
    assert set(read) == {"region", "high_tech", "revenue@2025"}, "a wish is not read"
    assert "依据：“海淀区”" in read["region"] and 'name="r.region"' in read["region"]
    assert "group-given" not in html and page.told([SAID, ("do", "read")]).entries == {}
    sent = [("day", DAY), SAID, ("proposed", "1"), ("r.region", "北京市/朝阳区"),
            ("r.revenue@2025", "20000000"), ("r.high_tech", "true"), ("s.high_tech", "2027-12-31"),
            ("take", "region"), ("take", "high_tech"), ("f.region", "浙江省/杭州市")]
    values = page.told([*sent, ("do", "confirm")]).enterprise.values
    show = page.service.rules.dictionary.field_of
    assert show("region").show(values["region"]) == "北京市/朝阳区", "the change counts"
    assert "2027-12-31" in show("high_tech").show(values["high_tech"])
    assert "revenue@2025" not in values, "what was unticked does not count"
    waiting = page.page("fang", [*sent, ("open", POLICY)])
    assert set(proposals(waiting)) == {"region", "high_tech"} and "朝阳区" in waiting
    assert set(page.told([*sent, ("open", POLICY)]).entries) == {"region"}
    assert "proposals" not in page.page("fang", [*sent, ("do", "confirm")])


def test_words_of_which_nothing_is_read_are_told_so(page: FirmPage) -> None:
    html = page.page("fang", [("said", "你好"), ("do", "read")])
    assert "没有读出数据" in html and "proposals" not in html


def read_docx(content: str | bytes) -> str:
    """All words of a Word file, in its paragraphs and tables."""
    assert isinstance(content, bytes)
    paper = Document(io.BytesIO(content))
    cells = (cell.text for table in paper.tables for row in table.rows for cell in row.cells)
    return "\n".join([*(one.text for one in paper.paragraphs), *cells])


def test_the_report_tells_amount_gap_papers_source_day_and_who_decides(page: FirmPage) -> None:
    name, kind, content = page.file(SMALL, "docx")
    assert name.endswith(".docx") and "wordprocessingml" in kind
    told = read_docx(content)
    assert "13,000 元" in told and DAY in told and "由主管部门的人决定" in told
    assert "企业所得税法" in told and "从业人数（含劳务派遣）" in told and "28 人" in told
    wide = [(key, "320" if key == "f.employees" else value) for key, value in SMALL]
    assert "320 人 → 80 人" in read_docx(page.file(wide, "docx")[2])
    english = read_docx(page.file([*SMALL, ("lang", "en")], "docx")[2])
    assert "13,000 yuan" in english and "A person of the office in charge decides" in english


def test_nothing_that_is_typed_becomes_markup(page: FirmPage) -> None:
    for bad in HOSTILE:
        html = page.page("fang", [("said", bad + SAID[1]), ("do", "read"), ("proposed", "1"),
                                  ("take", bad), (f"r.{bad}", bad), ("f.region", bad),
                                  ("f.established", bad), ("opened", bad),
                                  ("open", bad), ("day", bad), ("order", bad), ("skip", bad)])
        assert harmless(html[html.index('<div id="site"'):html.index("</body>")]), bad


@pytest.mark.parametrize(("role", "status"), [("enterprise", 200), ("clerk", 200),
                                              ("auditor", 403)])
def test_who_may_open_it(page: FirmPage, role: Role, status: int, tmp_path: Path) -> None:
    from fastapi import FastAPI

    from cityllm.web.guard import USER
    from cityllm.web.policy_pages import add_policies

    app = FastAPI()

    @app.middleware("http")
    async def signed_in(request: Any, call: Any) -> Any:
        request.scope[USER] = "fang"
        return await call(request)

    tables = OfficeTables(tmp_path, ROOT / "rag_corpus", page.service.rules.dictionary)
    add_policies(app, FirmPage(page.service, page.sources.ledger, lambda user: Account(user, role),
                               "zh", True), OfficePage(page.service, tables, "zh", True))
    client = TestClient(app)
    for reply in (client.get("/policies"), client.post("/policies", data=dict(SMALL))):
        assert reply.status_code == status
        assert reply.headers["cache-control"] == "no-store"
    if status == 200:
        file = client.post("/policies", data={**dict(SMALL), "do": "csv"})
        assert "policies.csv" in file.headers["content-disposition"]
        href = re.search(r'href="(/policies/article[^"]+)"', client.post(
            "/policies", data={**dict(SMALL), "open": POLICY}).text)
        assert href
        assert "企业所得税法" in client.get(href[1].replace("&amp;", "&")).text


def test_a_pack_without_policies_is_told(page: FirmPage) -> None:
    from fastapi import FastAPI

    from cityllm.web.guard import USER
    from cityllm.web.policy_pages import add_no_policies

    app = FastAPI()

    @app.middleware("http")
    async def signed_in(request: Any, call: Any) -> Any:
        request.scope[USER] = "fang"
        return await call(request)

    add_no_policies(app, lambda user: Account(user, "planner"), "zh", True)
    for path in ("/policies", "/policies/office"):
        reply = TestClient(app).get(path)
        assert reply.status_code == 404 and "城市包里没有政策" in reply.text
