"""Laws of the three values: what is missing never decides, and what is decided stays decided."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityllm.config import ROOT
from cityllm.policies.evaluate import conjunction, evaluate
from cityllm.policies.fields import Dictionary, Enterprise, Field, Value
from cityllm.policies.figures import from_quanta, read_figure, round_half_up, to_quanta
from cityllm.policies.located import parse_yaml
from cityllm.policies.lookup import shift
from cityllm.policies.regions import read_industry, read_region, under
from cityllm.policies.ruleset import BoundPolicy, RuleSet, bind, read_located

PACK = ROOT / "rag_corpus"
DICTIONARY = Dictionary.load(PACK)
EXAMPLE = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "docs/policies.md").read_text("utf-8"),
                     re.MULTILINE | re.DOTALL)[0]
DAY = date(2026, 3, 15)
POLICIES = [*RuleSet.load(PACK),
            read_located(parse_yaml(EXAMPLE, Path("shili-yanfa-buzhu.yaml")), DICTIONARY)]
BOUND = [bind(policy, DICTIONARY, day) for policy in POLICIES
         for day in (DAY, date(2025, 6, 1))]


def values_of(field: Field) -> st.SearchStrategy[Value]:
    """Stored values, near the usual thresholds and elsewhere."""
    match field.type:
        case "money" | "integer" | "number":
            steps = st.sampled_from([1, 3, 80, 100, 300, 10**6, 3 * 10**7, 5 * 10**7, 10**9])
            near = st.builds(lambda step, by: max(0, step * 10**field.places + by), steps,
                             st.integers(-1, 1))
            return near | st.integers(-10**12 if field.negative else 0, 10**12)
        case "date" | "certificate":
            return st.integers(date(2015, 1, 1).toordinal(), date(2030, 1, 1).toordinal())
        case "boolean":
            return st.integers(0, 1)
        case "choice":
            return st.sampled_from(sorted(field.options))
        case "set":
            return st.frozensets(st.sampled_from(sorted(field.options)))
        case "region":
            return st.sampled_from(["北京市", "北京市/海淀区", "浙江省/杭州市"])
        case "industry":
            return st.sampled_from(["C", "C3911", "I", "I6513", "F51", "I65"])


@st.composite
def enterprise(draw: st.DrawFn, bound: BoundPolicy) -> Enterprise:
    """Every column of a policy filled in."""
    values: dict[str, Value] = {}
    for column in bound.columns:
        own = st.integers(0, 1) if column.startswith("judge:") \
            else values_of(DICTIONARY.field_of(column))
        values[column] = draw(own)
    return Enterprise("x", values)


@st.composite
def cases(draw: st.DrawFn) -> tuple[BoundPolicy, Enterprise, Enterprise]:
    """A policy, an enterprise, and the same one with some columns left out."""
    bound = draw(st.sampled_from(BOUND))
    whole = draw(enterprise(bound))
    kept = draw(st.sets(st.sampled_from(sorted(whole.values))))
    return bound, whole, Enterprise("x", {key: whole.values[key] for key in kept})


@given(cases())
def test_filling_in_a_missing_field_never_changes_what_was_decided(case: Any) -> None:
    bound, whole, part = case
    before, after = evaluate(bound, part), evaluate(bound, whole)
    for one, later in zip(before.clauses, after.clauses, strict=True):
        assert one.met is None or one.met is later.met
    assert before.verdict in ("unknown", after.verdict)
    if before.amount is not None and after.amount is not None:
        assert before.amount == after.amount


@given(cases())
def test_nobody_is_eligible_through_a_missing_field(case: Any) -> None:
    bound, _, part = case
    found = evaluate(bound, part)
    if found.verdict == "eligible":
        for clause in bound.clauses:
            assert set(clause.columns) & set(part.values)
    if found.validity != "in_force":
        assert found.verdict != "eligible"
    assert set(found.missing) <= set(bound.columns) - set(part.values)


@pytest.mark.parametrize("bound", BOUND, ids=lambda one: f"{one.policy.id} {one.day}")
def test_an_enterprise_of_which_nothing_is_known_is_never_eligible(bound: BoundPolicy) -> None:
    found = evaluate(bound, Enterprise("x", {}))
    assert found.verdict == ("not_eligible" if found.validity in ("expired", "not_yet")
                             else "unknown")
    assert all(one.met is None for one in found.clauses)
    assert set(found.missing) == ({column for one in bound.clauses for column in one.columns}
                                  if found.verdict == "unknown" else set())


@given(st.lists(st.sampled_from([True, False, None])))
def test_conjunction_is_the_least(verdicts: list[bool | None]) -> None:
    order = {False: 0, None: 1, True: 2}
    assert order[conjunction(verdicts)] == min((order[one] for one in verdicts), default=2)


@given(st.integers(-10**15, 10**15), st.integers(0, 6))
def test_quanta_and_decimals_are_inverse(quanta: int, places: int) -> None:
    assert to_quanta(from_quanta(quanta, places), places) == quanta


@given(st.integers(-10**12, 10**12), st.integers(1, 10**6))
def test_rounding_is_to_the_nearest_and_a_half_goes_up(numerator: int, denominator: int) -> None:
    found = round_half_up(numerator, denominator)
    assert 2 * abs(found * denominator - numerator) <= denominator
    if 2 * abs(numerator) % (2 * denominator) == denominator:
        assert abs(found) * denominator > abs(numerator)


@pytest.mark.parametrize(("text", "value"), [
    ("2000万", 20_000_000), ("1.5亿", 150_000_000), ("1,000元", 1000), ("300", 300), ("3千万", None),
    ("-5", -5), ("两万", None), ("5%", "0.05"), ("12.5％", "0.125")])
def test_figures_as_policies_write_them(text: str, value: Any) -> None:
    if value is None and text != "3千万":
        with pytest.raises(ValueError, match="2000万"):
            read_figure(text)
    else:
        assert read_figure(text) == read_figure(30_000_000 if value is None else value)


@pytest.mark.parametrize(("value", "wanted", "expected"), [
    ("C3911", ["C"], True), ("C3911", ["C391"], True), ("C", ["C39"], None), ("I65", ["C"], False),
    ("I65", ["C", "I6513"], None)])
def test_a_code_too_coarse_is_unknown(value: str, wanted: list[str], expected: bool | None) -> None:
    assert under(value, wanted) is expected


@pytest.mark.parametrize(("text", "path"), [
    ("北京市海淀区", "北京市/海淀区"), ("杭州市西湖区", "浙江省/杭州市/西湖区"), ("浙江省/杭州市", "浙江省/杭州市"),
    ("上海市浦东新区", "上海市/浦东新区"), ("广西壮族自治区南宁市", "广西壮族自治区/南宁市"),
    ("海南省三亚市", "海南省/三亚市"), ("全国", "全国"), ("济南市市中区", "山东省/济南市/市中区")])
def test_a_place_is_read_from_the_province_down(text: str, path: str) -> None:
    assert read_region(text) == path
    assert under(path, [path.split("/")[0]], "/") is True
    assert under("北京市/海淀区", ["北京市/海"], "/") is False


@pytest.mark.parametrize(("text", "code"), [
    ("3911", "C3911"), ("i65", "I65"), ("C", "C"), ("01", "A01"), ("97", "T97")])
def test_an_industry_gets_its_letter(text: str, code: str) -> None:
    assert read_industry(text) == code


@given(st.dates(date(1990, 1, 1), date(2080, 1, 1)), st.integers(0, 40))
def test_years_go_by_the_calendar(day: date, years: int) -> None:
    back = shift(day, -years, "y")
    assert (back.year, back.month) == (day.year - years, day.month)
    assert back.day == day.day or (day.month, day.day, back.day) == (2, 29, 28)
    assert shift(day, 12 * years, "m") == shift(day, years, "y")
