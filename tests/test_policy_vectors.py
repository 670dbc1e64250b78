"""Three evaluators agree: one enterprise, a whole table, and the oracle written from the page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Any

import numpy as np
import pytest

from cityllm.config import ROOT
from cityllm.policies.boundaries import edges
from cityllm.policies.evaluate import Result, evaluate
from cityllm.policies.fields import Enterprise
from cityllm.policies.fixtures import run_fixtures
from cityllm.policies.located import parse_yaml, read_yaml
from cityllm.policies.policy import Policy
from cityllm.policies.ruleset import BoundPolicy, RuleSet, bind
from cityllm.policies.table import EnterpriseTable, from_enterprises
from cityllm.policies.vector_money import NOTHING
from cityllm.policies.vectors import TableEvaluator
from evals.policy_world import DAY, City, columns_of, policies
from tests.policy_oracle import Oracle
from tests.test_policy_service import EXAMPLE, RULES

DICTIONARY = RULES.dictionary
TYPES = {key: field.type for key, field in DICTIONARY.fields.items()}
SHIPPED = RuleSet.load(ROOT / "rag_corpus")
NUMBERS = {True: 2, None: 1, False: 0}
WORTH = {"eligible": 2, "unknown": 1, "not_eligible": 0}


@cache
def raw_of(id_: str) -> Any:
    if id_ in SHIPPED.files:
        return read_yaml(SHIPPED.files[id_]).data
    return parse_yaml(EXAMPLE, SHIPPED.files[next(iter(SHIPPED.files))]).data


def raw(policy: Policy) -> Any:
    if policy.id.startswith("generated"):
        return policy.model_dump(by_alias=True, exclude_unset=True)
    return raw_of(policy.id)


def outside(enterprise: Enterprise) -> dict[str, Any]:
    """Values as a program outside reads them, for the oracle."""
    return {column: bool(value) if column.startswith("judge:")
            else DICTIONARY.field_of(column).decode(value)
            for column, value in enterprise.values.items()}


def agree_with_oracle(result: Result, given: Any) -> None:
    oracle = Oracle(given, result.bound.day, outside(result.enterprise), TYPES)
    assert {one.clause.id: one.met for one in result.clauses} == oracle.clauses()
    assert WORTH[result.verdict] == NUMBERS[oracle.verdict()]
    if result.verdict == "eligible":
        amount = oracle.amount()
        assert result.amount == (None if amount is None else amount * 100)


def agree_with_table(bound: Sequence[BoundPolicy], table: EnterpriseTable, block: int,
                     rows: Sequence[int] | None = None) -> list[Result]:
    found = []
    for done in TableEvaluator(bound, table).blocks(block):
        for row in range(done.verdicts.shape[1]):
            if rows is not None and done.start + row not in rows:
                continue
            enterprise = table.enterprise(done.start + row)
            for at, policy in enumerate(bound):
                result = evaluate(policy, enterprise)
                found.append(result)
                bits = sum(NUMBERS[one.met] << 2 * place
                           for place, one in enumerate(result.clauses))
                expected = NOTHING if result.amount is None else result.amount
                assert (WORTH[result.verdict], bits, expected) == (
                    done.verdicts[at, row], done.clauses[at, row], done.amounts[at, row]), (
                    policy.policy.id, enterprise)
    return found


@pytest.mark.parametrize("policy", list(RULES), ids=lambda one: one.id)
def test_all_three_agree_on_every_fixture_and_at_every_threshold(policy: Policy) -> None:
    runs = [one for one in run_fixtures(RULES) if one.policy.id == policy.id]
    bound = bind(policy, DICTIONARY, runs[0].fixture.as_of)
    bases = [one.result.enterprise.values for one in runs if one.fixture.as_of == bound.day]
    cases = [Enterprise("f", base) for base in bases]
    cases += [edge.enterprise for base in [{}, bases[0]]
              for edge in edges(bound, DICTIONARY, base)]
    given = raw(policy)
    for result in agree_with_table([bound], from_enterprises(cases, DICTIONARY), 64):
        agree_with_oracle(result, given)
    for run in runs:
        agree_with_oracle(run.result, given)


def test_an_edge_changes_its_test() -> None:
    bound = bind(RULES.get("xiaoxing-weili-suodeshui"), DICTIONARY, DAY)
    from cityllm.policies.evaluate import holds

    sides = {(one.side, holds(one.leaf, one.enterprise.values)) for one in edges(bound, DICTIONARY)
             if one.clause == "income"}
    assert sides == {("below", False), ("at", True), ("above", False), ("below", True),
                     ("above", True), ("missing", None)}


@cache
def world(size: int, count: int) -> tuple[list[BoundPolicy], EnterpriseTable, list[Any]]:
    city = City(size, DICTIONARY, seed=size)
    made = [*policies(count, SHIPPED, city, seed=count), *RULES]
    bound = [bind(policy, DICTIONARY, DAY) for policy in made]
    return bound, city.table(columns_of(bound)), [raw(policy) for policy in made]


def test_all_three_agree_on_random_enterprises_and_generated_policies() -> None:
    bound, table, given = world(60, 40)
    results = agree_with_table(bound, table, 64)
    for at, result in enumerate(results):
        agree_with_oracle(result, given[at % len(bound)])
    verdicts = [one.verdict for one in results]
    assert min(verdicts.count(one) for one in WORTH) > 20


@pytest.mark.slow
def test_all_three_agree_on_a_hundred_thousand_random_enterprises() -> None:
    bound, table, given = world(100_000, 30)
    dice = np.random.default_rng(0)
    for done in TableEvaluator(bound, table).blocks():
        for row in range(done.verdicts.shape[1]):
            at = int(dice.integers(len(bound)))
            result = evaluate(bound[at], table.enterprise(done.start + row))
            assert WORTH[result.verdict] == done.verdicts[at, row]
            agree_with_oracle(result, given[at])


def test_numbers_that_do_not_fit_64_bits_stay_exact() -> None:
    policy = RULES.get("shili-yanfa-buzhu")
    bound = bind(policy, DICTIONARY, date(2026, 3, 15))
    huge = 10**17 - 1
    cases = [Enterprise("h", {"rd_spend@2025": rd, "revenue@2025": huge, "rd_spend@2024": 1})
             for rd in (huge // 20, huge // 20 + 1, huge // 20 - 1)]
    wide = [DICTIONARY.read({"loan_principal": 0}), *cases]
    agree_with_table([bound], from_enterprises(wide, DICTIONARY), 2)
    ratio = [one for one in bound.clauses if one.clause.id == "research"]
    clause = [evaluate(bound, one).clauses[-3].met for one in cases]
    assert ratio
    assert clause == [False, True, False]


def test_a_table_gives_back_its_enterprises() -> None:
    bound, table, _ = world(60, 40)
    again = from_enterprises([table.enterprise(row) for row in range(len(table))], DICTIONARY)
    assert [again.enterprise(row) for row in range(len(table))] == [
        table.enterprise(row) for row in range(len(table))]
    assert bound
