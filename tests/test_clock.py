"""The legal clock: every figure against the text of the law, and days counted by hand."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityllm.config import ROOT
from cityllm.corpus.clauses import parse
from cityllm.errors import ConfigError
from cityllm.petitions.clock import Clock, state
from cityllm.petitions.record import Due, Labels
from cityllm.petitions.workdays import WorkDays
from tools.calendar_cn import load_calendar

TABLE = ROOT / "tools" / "data" / "holidays_cn.csv"
CLOCK = Clock.load(ROOT / "rag_corpus" / "petitions" / "clock.yaml", WorkDays.load(TABLE))
FIGURE = re.compile(r"(\d+)(个工作日|日)(?=内|，)")
LAWS = {law.law: law for law in CLOCK.table.laws}


def labels(kind: str = "complaint", jurisdiction: str = "petition") -> Labels:
    return Labels((), "", 0.9, [], "", kind, (), jurisdiction)  # type: ignore[arg-type]


def by_id(dues: list[Due]) -> dict[str, Due]:
    assert len({due.id for due in dues}) == len(dues)
    return {due.id: due for due in dues}


@pytest.mark.parametrize("name", LAWS)
def test_every_period_stands_in_the_law_and_every_figure_of_the_law_is_here(
        name: str, shared: Path) -> None:
    [file] = (shared / "laws").rglob(f"{name}({LAWS[name].version}).md")
    articles = {article.number: article.text for article in
                parse(file.read_text(encoding="utf-8")).articles}
    here = [one for one in (*CLOCK.table.periods, *CLOCK.table.other) if one.law == name]
    in_law = Counter((number, int(figure[1]), "day" if figure[2] == "日" else "working_day")
                     for number, text in articles.items() for figure in FIGURE.finditer(text))
    assert Counter((one.article, one.within, one.unit) for one in here) == in_law
    for one in here:
        assert one.words in articles[one.article], one
        [figure] = FIGURE.findall(one.words + "内") or FIGURE.findall(one.words)
        assert figure == (str(one.within), "日" if one.unit == "day" else "个工作日")


def test_the_days_of_the_regulation_counted_by_hand() -> None:
    events = {"received": date(2026, 3, 2), "forwarded": date(2026, 4, 30),
              "accepted": date(2026, 3, 10), "extended": date(2026, 5, 6),
              "reply_received": date(2026, 6, 1), "review_asked": date(2026, 6, 10),
              "review_reply_received": date(2026, 7, 1), "recheck_asked": date(2026, 7, 20)}
    found = by_id(CLOCK.due(events, labels()))
    assert {name: str(due.due) for name, due in found.items()} == {
        "sort": "2026-03-17", "tell_forwarded": "2026-05-15", "finish": "2026-05-09",
        "extend": "2026-06-08", "ask_review": "2026-07-01", "review": "2026-07-10",
        "ask_recheck": "2026-07-31", "recheck": "2026-08-19",
        # 1 to 5 May are rest days and Saturday 9 May is worked: 6, 7, 8, 9, 11
        "object": "2026-05-11"}
    assert {due.article for due in found.values()} == {"22", "23", "34", "35", "36"}
    assert all(due.binds and due.name_en and not due.why for due in found.values())


def test_a_missing_start_is_unknown_and_never_today() -> None:
    found = CLOCK.due({"received": None}, labels(), every=True)
    assert len(found) == 9
    assert all(due.due is None and due.start is None and "未知" in due.why for due in found)
    shown = by_id(CLOCK.due({}, labels()))
    assert set(shown) == {"sort", "finish"}
    assert state(shown["sort"], date(2026, 3, 2)) == "unknown"
    dated = by_id(CLOCK.due({"received": date(2026, 3, 2)}, labels()))
    assert dated["finish"].due is None
    assert dated["finish"].why == "受理日期未知"


@given(st.dates(date(2022, 5, 1), date(2090, 1, 1)), st.integers(0, 400))
def test_calendar_days_are_calendar_days(start: date, later: int) -> None:
    events = {"received": start, "accepted": start}
    found = by_id(CLOCK.due(events, labels()))
    assert found["sort"].due == start + timedelta(days=15)
    assert found["finish"].due == start + timedelta(days=60)
    today = start + timedelta(days=later)
    assert state(found["sort"], today) == ("past" if later > 15 else
                                           "near" if later >= 10 else "open")


@given(st.dates(date(2024, 1, 1), date(2026, 12, 1)), st.integers(1, 12))
def test_working_days_agree_with_the_tool(start: date, count: int) -> None:
    assert CLOCK.workdays.after(start, count) == load_calendar(TABLE).add_working_days(start, count)


def test_a_year_that_the_table_lacks_is_unknown() -> None:
    found = by_id(CLOCK.due({"forwarded": date(2040, 3, 2)}, labels()))
    assert found["object"].due is None
    assert "2040" in found["object"].why
    assert found["tell_forwarded"].due == date(2040, 3, 17)


def test_what_kind_of_matter_has_which_period() -> None:
    events = {"received": date(2026, 3, 2), "accepted": date(2026, 3, 3),
              "forwarded": date(2026, 3, 3)}
    ids = {(kind, where): set(by_id(CLOCK.due(events, labels(kind, where)))) for kind, where in (
        ("complaint", "petition"), ("suggestion", "petition"), ("report", "discipline"),
        ("request", "court"), ("request", "arbitration"))}
    assert ids == {
        ("complaint", "petition"): {"sort", "tell_forwarded", "object", "finish"},
        ("suggestion", "petition"): {"sort", "tell_forwarded", "object"},
        ("report", "discipline"): {"sort", "object"}, ("request", "court"): {"sort", "object"},
        ("request", "arbitration"): {"sort", "tell_forwarded", "object"}}


def test_the_law_is_the_one_of_the_start_day() -> None:
    last = by_id(CLOCK.due({"received": date(2022, 4, 30)}, labels()))["sort"]
    first = by_id(CLOCK.due({"received": date(2022, 5, 1)}, labels()))["sort"]
    assert (last.law, last.article) == ("信访条例", "21")
    assert (first.law, first.article) == ("信访工作条例", "22")
    assert "sort" not in by_id(CLOCK.due({"received": date(2004, 1, 1)}, labels()))


def test_an_extension_follows_the_first_period_and_comes_before_its_end() -> None:
    events = {"accepted": date(2026, 3, 10), "extended": date(2026, 5, 10)}
    late = by_id(CLOCK.due(events, labels()))["extend"]
    assert late.due is None
    assert "届满之后" in late.why
    alone = by_id(CLOCK.due({"extended": date(2026, 5, 1)}, labels()))["extend"]
    assert alone.why == "原期限未知"


def test_what_was_done_in_time_and_late() -> None:
    for told, expected in ((17, "done"), (18, "late")):
        found = by_id(CLOCK.due({"received": date(2026, 3, 2),
                                 "forwarded": date(2026, 3, told)}, labels()))["sort"]
        assert state(found, date(2026, 8, 1)) == expected


def test_a_city_may_promise_less_and_a_faulty_table_is_named(tmp_path: Path) -> None:
    text = (ROOT / "rag_corpus" / "petitions" / "clock.yaml").read_text(encoding="utf-8")
    promise = """promises:
  - {id: call_back, law: 某市12345热线承诺, article: "", name: {zh: 回电, en: call back}, within: 1,
     unit: working_day, event: received, done_by: told, binds: {zh: 承办单位, en: the unit}, words: ""}
"""
    path = tmp_path / "clock.yaml"
    path.write_text(text.replace("promises: []\n", promise), encoding="utf-8")
    clock = Clock.load(path, CLOCK.workdays)
    friday = by_id(clock.due({"received": date(2026, 3, 6)}, labels("thanks")))
    assert friday["call_back"].due == date(2026, 3, 9)
    for old, new in (("within: 15", "within: soon"), ("law: 信访条例\n", "law: 无此条例\n"),
                     ("receiver: office\n\n", "receiver: nobody\n\n")):
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(ConfigError, match=r"clock\.yaml"):
            Clock.load(path, CLOCK.workdays)
