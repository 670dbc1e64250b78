"""The office's page: counts that the single evaluation gives too, tables of its own, files."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from fakes_web import ROOT
from test_chat import HOSTILE, harmless

from cityllm.errors import EnterpriseError
from cityllm.policies.census import Census
from cityllm.policies.evaluate import evaluate
from cityllm.policies.find import find
from cityllm.policies.nearest import nearest
from cityllm.policies.registry import Registry
from cityllm.policies.ruleset import RuleSet
from cityllm.policies.service import PolicyService
from cityllm.policies.table_file import read_table
from cityllm.policies.vectors import MET, NOT, UNKNOWN
from cityllm.safety.access import LOCAL
from cityllm.safety.database import Database
from cityllm.web.office_page import OfficePage
from cityllm.web.office_tables import KEPT, REGISTRY, SAMPLE, Look, OfficeTables

PACK = ROOT / "rag_corpus"
DAY = date(2026, 6, 1)
SMALL, PATENTS = "xiaoxing-weili-suodeshui", "bj-domestic-patents"


@pytest.fixture(scope="module")
def service() -> PolicyService:
    return PolicyService(RuleSet.load(PACK))


@pytest.fixture
def page(service: PolicyService, tmp_path: Path) -> OfficePage:
    return OfficePage(service, OfficeTables(tmp_path, PACK, service.rules.dictionary), "zh", True)


def census(service: PolicyService, policy: str) -> Census:
    table = read_table(PACK / "enterprises" / "sample.csv", service.rules.dictionary).table
    return Census(find(service.rules.on(DAY)[policy], table), service.rules.dictionary)


@pytest.mark.parametrize("policy", [SMALL, PATENTS, "bj-innovation-voucher"])
def test_every_figure_is_what_the_enterprises_give_one_by_one(service: PolicyService,
                                                              policy: str) -> None:
    told = census(service, policy)
    bound, table = told.found.bound, told.found.table
    results = [evaluate(bound, table.enterprise(row)) for row in range(len(table))]
    unmet = [[one.met for one in result.clauses].count(False) for result in results]
    met = [all(one.met for one in result.clauses) for result in results]
    assert told.count(MET) == sum(met)
    assert told.count(NOT) == sum(count > 0 for count in unmet)
    assert told.count(UNKNOWN) == len(table) - told.count(MET) - told.count(NOT)
    assert sum(told.money.values()) == sum(result.potential or 0 for result, good in
                                           zip(results, met, strict=True) if good)
    steps = told.funnel
    assert steps[-1].left == told.count(MET) + told.count(UNKNOWN)
    assert sum(step.out for step in steps) == told.count(NOT)
    assert [step.alone for step in steps] == [
        sum(result.clauses[at].met is False and count == 1
            for result, count in zip(results, unmet, strict=True)) for at in range(len(steps))]
    gaps, looked = told.gaps
    assert looked == told.count(UNKNOWN)
    for gap in gaps:
        waiting = [result for result, good, count in zip(results, met, unmet, strict=True)
                   if not good and not count
                   and gap.column in {c for one in result.clauses for c in one.missing}]
        assert gap.rows == len(waiting)
    assert {miss.row for miss in told.misses} == {
        row for row, (result, count) in enumerate(zip(results, unmet, strict=True))
        if count == 1 and nearest(result, service.rules.dictionary)}
    groups = told.by(["a" if row % 3 else "b" for row in range(len(table))])
    assert sum(one[0] for one in groups.values()) == told.count(MET)


def test_the_page_tells_counts_money_funnel_and_list(page: OfficePage,
                                                     service: PolicyService) -> None:
    told = census(service, SMALL)
    html = page.page(LOCAL, {"policy": SMALL, "day": str(DAY)})
    assert f"<strong>{told.count(MET)}</strong>" in html
    assert html.count('class="bar-') > 3 * len(told.funnel)
    assert "虚构企业" in html and "海淀区" in html
    unconfirmed = page.page(LOCAL, {"policy": PATENTS, "day": str(DAY), "lang": "en"})
    assert "is not confirmed, so nobody is eligible" in unconfirmed
    assert "all conditions met" in unconfirmed


@pytest.mark.parametrize("which", ["eligible", "unknown", "not_eligible"])
def test_the_list_comes_as_csv_and_xlsx(page: OfficePage, service: PolicyService,
                                        which: str) -> None:
    told = census(service, SMALL)
    query = {"policy": SMALL, "day": str(DAY), "which": which}
    made = page.file(LOCAL, query, "csv")
    assert made and isinstance(made[2], str)
    rows = list(csv.reader(io.StringIO(made[2].lstrip("\ufeff"))))
    assert len(rows) - 1 == told.count({"eligible": MET, "unknown": UNKNOWN,
                                        "not_eligible": NOT}[which])
    book = page.file(LOCAL, query, "xlsx")
    assert book and isinstance(book[2], bytes)
    sheet = openpyxl.load_workbook(io.BytesIO(book[2])).worksheets[0]
    assert [["" if cell is None else cell for cell in row]
            for row in sheet.iter_rows(values_only=True)] == rows
    if which == "eligible":
        assert sum(round(float(row[4]) * 100) for row in rows[1:]) == sum(told.money.values())
    if which == "not_eligible":
        assert sum(bool(row[-1]) for row in rows[1:]) == len(told.misses)


def test_an_upload_is_read_kept_for_its_user_and_deleted(page: OfficePage) -> None:
    table = "编号,名称,主体类型,=列\n1,=cmd|甲,company,x\n2,乙,nonsense,y\n".encode()
    name = page.tables.add("li", "../../企业 表.csv", table)
    assert name == "企业 表.csv" and page.tables.names("wang") == [SAMPLE]
    html = page.page(LOCAL, {"policy": SMALL, "table": name})
    assert "示例表" in html and name not in html
    page.tables.add("local", name, table)
    html = page.page(LOCAL, {"policy": SMALL, "table": name})
    assert "nonsense" in html and "=列" in html
    made = page.file(LOCAL, {"policy": SMALL, "table": name, "which": "unknown"}, "csv")
    assert made and "'=cmd|甲" in str(made[2])
    page.tables.drop("local", name)
    assert page.tables.names("local") == [SAMPLE]


def test_an_upload_that_is_no_table_is_refused_and_old_ones_go(page: OfficePage) -> None:
    for name, content in (("a.exe", b"MZ"), (".csv", b"a"), ("b.xlsx", b"no zip")):
        with pytest.raises(EnterpriseError):
            page.tables.add("li", name, content)
    assert page.tables.names("li") == [SAMPLE]
    for at in range(KEPT + 2):
        page.tables.add("li", f"{at}.csv", b"id\n1\n")
    assert len(page.tables.names("li")) == KEPT + 1


def test_who_gained_and_who_lost_against_the_last_look(page: OfficePage) -> None:
    column = page.service.rules.dictionary.label("domestic_patents_granted@2025")
    head = f"编号,注册地,{column}\n"
    first = head + "a,北京市海淀区,0\nb,北京市海淀区,3\n"
    second = head + "a,北京市海淀区,2\nb,北京市海淀区,0\n"
    page.tables.add("local", "1.csv", first.encode())
    page.tables.add("local", "2.csv", second.encode())
    look = {"policy": "bj-domestic-patents", "day": str(DAY)}
    assert "还没有上一次" in page.page(LOCAL, {**look, "table": "1.csv"})
    assert page.tables.before("local", "bj-domestic-patents", Look("2.csv", DAY)) \
        == Look("1.csv", DAY)
    html = page.page(LOCAL, {**look, "table": "2.csv"})
    assert "上一次：1.csv" in html


def test_the_registry_is_looked_at_as_it_stands(service: PolicyService, tmp_path: Path) -> None:
    dictionary = service.rules.dictionary
    registry = Registry(Database(tmp_path), dictionary)
    page = OfficePage(service, OfficeTables(tmp_path, PACK, dictionary, registry), "zh", True)
    assert page.tables.names("local") == [SAMPLE]
    fields = {"region": "北京市/海淀区", "domestic_patents_granted": {"2025": 2}}
    registry.put("r1", {"name": "登记的企业", "fields": fields})
    assert page.tables.names("local") == [REGISTRY, SAMPLE]
    query = {"policy": PATENTS, "day": str(DAY)}
    html = page.page(LOCAL, query)
    assert "企业登记库 · 1 家企业" in html and "登记的企业" in html
    registry.put("r2", {"name": "又一家", "fields": fields})
    assert "企业登记库 · 2 家企业" in page.page(LOCAL, query)


def test_nothing_of_a_table_becomes_markup(page: OfficePage) -> None:
    for bad in HOSTILE:
        out = io.StringIO()
        csv.writer(out).writerows([["编号", "名称", "注册地", bad], [bad, bad, bad, bad]])
        name = page.tables.add("local", "bad.csv", out.getvalue().encode())
        html = page.page(LOCAL, {"policy": SMALL, "table": name, "which": "unknown", "day": bad},
                         bad)
        assert harmless(html[html.index('<div id="site"'):html.index("</body>")])
        assert re.search("<h2", html)
