"""The service: best combination, nearest miss, questions, windows, words, and the commands."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from cityllm.cli import app
from cityllm.config import ROOT
from cityllm.errors import EnterpriseError
from cityllm.policies.enterprises import from_data, from_pairs, parse_json
from cityllm.policies.evaluate import evaluate
from cityllm.policies.explain import Words
from cityllm.policies.fields import Enterprise
from cityllm.policies.fixtures import run_fixtures
from cityllm.policies.located import parse_yaml
from cityllm.policies.nearest import nearest
from cityllm.policies.policy import SharedCap, Stacking, Window
from cityllm.policies.ruleset import BoundPolicy, RuleSet, bind, read_located
from cityllm.policies.service import PolicyService
from cityllm.policies.stacking import best, conflict, worth
from cityllm.policies.view import View
from cityllm.policies.windows import opening
from tests.test_policy_logic import enterprise

EXAMPLE = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "docs/policies.md").read_text("utf-8"),
                     re.MULTILINE | re.DOTALL)[0]
RULES = RuleSet.load(ROOT / "rag_corpus")
SAMPLE = read_located(parse_yaml(EXAMPLE, Path("shili-yanfa-buzhu.yaml")), RULES.dictionary)
RULES = RuleSet({**RULES.policies, SAMPLE.id: SAMPLE}, RULES.dictionary)
SERVICE = PolicyService(RULES)
DAY = date(2025, 6, 1)
SMALL = {"entity": "company", "restricted_industry": False, "industry": "6513", "employees": 28,
         "total_assets": "600万", "taxable_income": {"2024": "25万"}}


def read(**fields: Any) -> Enterprise:
    return RULES.dictionary.read(fields, "e")


def bound(name: str, stacking: Stacking) -> BoundPolicy:
    policy = SAMPLE.model_copy(update={"id": name, "stacking": stacking})
    made = bind(SAMPLE, RULES.dictionary, DAY)
    cap = stacking.shared_cap
    return replace(made, policy=policy, shared_cap=int(str(cap.amount)) if cap else None)


@st.composite
def stacks(draw: st.DrawFn) -> list[tuple[BoundPolicy, int]]:
    names = [f"policy-{n}" for n in range(draw(st.integers(1, 7)))]
    found = []
    for name in names:
        cap = draw(st.none() | st.builds(SharedCap, name=st.just("cap"),
                                         amount=st.sampled_from([50, 120])))
        found.append((bound(name, Stacking(
            excludes=draw(st.lists(st.sampled_from([n for n in names if n != name]), max_size=2))
            if len(names) > 1 else [],
            one_of=draw(st.lists(st.sampled_from(["group_a", "group_b"]), max_size=1)),
            shared_cap=cap)), draw(st.integers(0, 100))))
    return found


@given(stacks())
def test_the_best_combination_is_that_of_trying_all(policies: list[tuple[BoundPolicy, int]]
                                                   ) -> None:
    by_id = {one.policy.id: (one, amount) for one, amount in policies}
    allowed = [chosen for size in range(len(policies) + 1)
               for chosen in combinations(by_id, size)
               if not any(conflict(by_id[a][0], by_id[b][0]) for a, b in combinations(chosen, 2))]
    found = best(policies)
    assert found.chosen in allowed
    assert found.total == worth(found.chosen, by_id)
    assert (found.total, len(found.chosen)) == max((worth(one, by_id), len(one))
                                                   for one in allowed)
    for id_, others in found.left_out.items():
        assert all(conflict(by_id[id_][0], by_id[other][0]) for other in others)


def test_two_tax_rates_cannot_be_had_together() -> None:
    report = SERVICE.match(read(**SMALL, high_tech=True, core_ip=True), DAY)
    assert report.best.chosen == ("gaoxin-jishu-suodeshui",)
    assert report.best.total == 2_500_000
    assert report.best.left_out == {"xiaoxing-weili-suodeshui": ("gaoxin-jishu-suodeshui",)}


@given(st.data())
def test_the_nearest_miss_makes_no_clause_unmet_and_is_no_larger_than_needed(data: Any) -> None:
    policy = bind(data.draw(st.sampled_from(list(RULES))), RULES.dictionary, DAY)
    firm = data.draw(enterprise(policy))
    result = evaluate(policy, firm)
    near = nearest(result, RULES.dictionary)
    if near is None:
        return
    assert result.verdict == "not_eligible"
    assert near.result.verdict in ("eligible", "unknown")
    assert all(one.met is not False for one in near.result.clauses)
    for change in near.changes:
        field = RULES.dictionary.field_of(change.column)
        assert field.changeable
        undone = Enterprise("e", {**near.result.enterprise.values, change.column: change.now})
        assert evaluate(policy, undone).verdict == "not_eligible"
        if field.type in ("money", "integer"):
            assert isinstance(change.then, int)
            assert isinstance(change.now, int)
            less = change.then + (1 if change.then < change.now else -1)
            almost = Enterprise("e", {**near.result.enterprise.values, change.column: less})
            assert evaluate(policy, almost).verdict == "not_eligible"


def test_the_nearest_miss_of_a_firm_with_one_head_too_many() -> None:
    found = SERVICE.one("xiaoxing-weili-suodeshui", read(**{**SMALL, "employees": 81}), DAY)
    assert found.near is not None
    [change] = found.near.changes
    assert (change.column, change.now, change.then) == ("employees", 81, 80)
    assert SERVICE.one("xiaoxing-weili-suodeshui",
                       read(**{**SMALL, "taxable_income": {"2024": "31万"}}), DAY).near is None


def test_the_cheapest_question_decides_most_money() -> None:
    facts = {key: value for key, value in SMALL.items() if key != "total_assets"}
    report = SERVICE.match(read(**facts, region="杭州市", core_ip=True), DAY)
    first, second = report.questions[0], report.questions[1]
    assert (first.column, first.money) == ("high_tech", 2_500_000)
    assert (second.column, second.money) == ("total_assets", 1_250_000)
    assert second.alone == ("xiaoxing-weili-suodeshui",)


def test_who_lies_outside_every_region_is_told_which_are_covered() -> None:
    covered = ("北京市", "北京市/海淀区", "浙江省")
    assert SERVICE.match(read(region="成都市"), DAY).outside == covered
    assert SERVICE.match(read(region="杭州市"), DAY).outside == ()
    assert SERVICE.match(read(region="北京市"), DAY).outside == ()
    assert SERVICE.match(read(), DAY).outside == ()


def test_papers_that_an_office_holds_are_not_asked_for() -> None:
    found = SERVICE.one("beijing-suanli-quan", read(region="北京市"), DAY)
    assert [one.zh for one in found.papers] == ["智能算力服务合同", "结算发票和智能算力交付凭证"]


@pytest.mark.parametrize(("window", "day", "expected"), [
    (Window(from_="03-01", to="04-30"), date(2025, 4, 30), ("open", "2025-03-01", "2025-04-30")),
    (Window(from_="03-01", to="04-30"), date(2025, 5, 1), ("later", "2026-03-01", "2026-04-30")),
    (Window(from_="12-01", to="01-31"), date(2025, 1, 5), ("open", "2024-12-01", "2025-01-31")),
    (Window(from_="02-29", to="03-01"), date(2025, 2, 28), ("open", "2025-02-28", "2025-03-01")),
    (Window(from_=date(2025, 1, 1), to=date(2025, 2, 1)), date(2025, 2, 2),
     ("closed", None, None)),
    (Window(from_="03-01", to="04-30"), date(2027, 12, 1), ("closed", None, None)),
    (None, date(2025, 2, 2), ("always", None, "2027-12-31"))])
def test_a_window_is_open_on_its_days(window: Window | None, day: date, expected: Any) -> None:
    found = opening(SAMPLE.model_copy(update={"window": window}), day)
    assert (found.state, *(str(one) if one else None for one in (found.opens, found.closes))
            ) == expected


@given(st.dates(date(2024, 1, 1), date(2027, 12, 31)))
def test_a_yearly_window_is_found_as_by_looking_at_every_day(day: date) -> None:
    found = opening(SAMPLE, day)
    days = (day + timedelta(n) for n in range(500))
    following = next((one for one in days if (3, 1) <= (one.month, one.day) <= (4, 30)
                      and one <= date(2027, 12, 31)), None)
    assert (found.state == "open") == (following == day)
    assert (found.state == "closed") == (following is None)


@pytest.mark.parametrize("order", ["money", "deadline", "missing"])
def test_the_ranking_puts_the_met_before_the_unknown(order: Any) -> None:
    report = SERVICE.match(read(**SMALL, region="北京市海淀区"), DAY, order=order)
    verdicts = [one.result.verdict for one in report.matches]
    assert verdicts == sorted(verdicts, key=["eligible", "unknown", "not_eligible"].index)
    assert len(verdicts) == len(RULES.policies)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_fixture_can_be_told_in_words_and_as_data(language: str) -> None:
    view, words = View(SERVICE, language), Words(SERVICE, language)
    for run in run_fixtures(RULES):
        match = SERVICE.one(run.policy.id, run.result.enterprise, run.fixture.as_of)
        told = json.loads(json.dumps(view.match(match)))
        assert told["verdict"] == run.fixture.verdict
        assert len(told["clauses"]) == len(match.result.clauses)
        text = "\n".join(words.full(match))
        for clause in match.result.clauses:
            assert clause.clause.say(language) in text
        for column in match.result.missing:
            assert SERVICE.describer.label(column, language) in text


def test_an_enterprise_is_read_from_json_and_from_pairs() -> None:
    read_ = from_data(parse_json('{"id": "1", "fields": {"debt_ratio": 0.1, "employees": null}}'),
                      RULES.dictionary)
    assert read_.values == {"debt_ratio": 100_000}
    pairs = from_pairs(["revenue@2025=2000万", "zone=zhongguancun,incubator", "dishonest=否"],
                       RULES.dictionary)
    assert RULES.dictionary.read(pairs).values == {
        "revenue@2025": 2_000_000_000, "zone": frozenset({"zhongguancun", "incubator"}),
        "dishonest": 0}


@pytest.mark.parametrize("data", ["[]", "{", '{"fields": []}', '{"fields": {}, "field": {}}',
                                  '{"fields": {}, "judgements": {"a.b": "yes"}}'])
def test_a_wrong_enterprise_is_refused_in_words(data: str) -> None:
    with pytest.raises(EnterpriseError) as told:
        from_data(parse_json(data), RULES.dictionary)
    assert told.value.zh != told.value.en


def run(*words: str) -> str:
    done = CliRunner().invoke(app, ["policy", *words])
    assert done.exit_code == 0, done.output
    return done.output


def test_the_commands_say_what_the_service_found(tmp_path: Path) -> None:
    file = tmp_path / "firm.json"
    file.write_text(json.dumps({"id": "1", "fields": SMALL}), encoding="utf-8")
    common = [str(file), "--as-of", "2025-06-01"]
    assert "12,500 元" in run("match", *common)
    assert "12,500 yuan" in run("match", *common, "--en", "--by", "deadline", "--all")
    assert json.loads(run("match", *common, "--json"))["best"]["total"] == "12500.00"
    assert "超出 1 人" in run("explain", "xiaoxing-weili-suodeshui", *common, "--set",
                           "employees=81")
    words = run("explain", "xiaoxing-weili-suodeshui", *common, "--set", "employees=81", "--words")
    assert "最小改动：" in words.splitlines()[0] and "规则写成" in words.splitlines()[1]
    told = json.loads(run("explain", "xiaoxing-weili-suodeshui", *common, "--json"))
    assert told["amount"] == "12500.00"
    run("match", *common, "--report", str(tmp_path / "out.docx"))
    assert (tmp_path / "out.docx").read_bytes().startswith(b"PK")
    assert "0 个不符" in run("check")
    assert "loan_principal" in run("fields", "loan")
    assert "xiaoxing-weili-suodeshui" in run("list")
