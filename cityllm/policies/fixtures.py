"""The fixtures of a pack, run: what each policy says must come out, and what does come out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cityllm.policies.describe import WORDS
from cityllm.policies.evaluate import Result, evaluate
from cityllm.policies.figures import FEN, read_figure
from cityllm.policies.policy import Fixture, Policy
from cityllm.policies.ruleset import RuleSet, bind, fixture_enterprise


@dataclass(frozen=True, slots=True)
class FixtureRun:
    """A fixture and its result; `faults` are in words, none where all is as it should be."""

    policy: Policy
    fixture: Fixture
    result: Result
    faults: tuple[str, ...]


def run_fixtures(rules: RuleSet) -> Iterator[FixtureRun]:
    """Every fixture of every policy through the scalar evaluator."""
    for policy in rules:
        for fixture in policy.fixtures:
            bound = bind(policy, rules.dictionary, fixture.as_of)
            result = evaluate(bound, fixture_enterprise(policy, fixture, rules.dictionary))
            yield FixtureRun(policy, fixture, result, tuple(_faults(fixture, result)))


def _faults(fixture: Fixture, result: Result) -> Iterator[str]:
    if result.verdict != fixture.verdict:
        yield f"verdict: {result.verdict} ≠ {fixture.verdict}"
    for clause in result.clauses:
        wanted = fixture.clauses.get(clause.clause.id)
        if wanted is not None and WORDS[clause.met] != wanted:
            yield f"{clause.clause.id}: {WORDS[clause.met]} ≠ {wanted}"
    if fixture.amount is not None:
        granted = result.potential if result.validity == "unconfirmed" else result.amount
        if granted != read_figure(fixture.amount) * FEN:
            yield f"amount: {granted} fen ≠ {fixture.amount}"
        yield from (f"{one.clause.id}: {WORDS[one.met]} ≠ met" for one in result.clauses
                    if not one.met)
