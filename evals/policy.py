"""Do the rules decide as they should, and do both evaluators agree? On the policies of a pack.

Fixtures: what each policy's file says must come out. Boundaries: for every test of every clause an
enterprise just below, at and just above its threshold and one without the datum, on top of each
fixture; passed where the test itself comes out as the bound demands and both evaluators agree.
Random: made-up enterprises with 15 % of all data missing, every one against every policy.

    python -m evals policy --json OUT [--pack DIR] [--random N]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cityllm.config import load_settings
from cityllm.policies.bound import Between
from cityllm.policies.boundaries import Edge, edges
from cityllm.policies.evaluate import Result, combine, evaluate, holds
from cityllm.policies.fixtures import run_fixtures
from cityllm.policies.ruleset import BoundPolicy, RuleSet, bind
from cityllm.policies.table import EnterpriseTable, from_enterprises
from cityllm.policies.vector_money import NOTHING
from cityllm.policies.vectors import BLOCK, TableEvaluator
from evals.machine import machine
from evals.policy_world import DAY, City, columns_of

WORTH = {"eligible": 2, "unknown": 1, "not_eligible": 0}
NUMBERS = {True: 2, None: 1, False: 0}
COMMAND = "python -m evals policy"
ROWS = (
    ("policies", "惠企政策：收录", "policies held", "≥ 60"),
    ("fixtures_passed_percent", "惠企政策：样例通过", "policies: fixtures passed", "100"),
    ("boundaries_passed_percent", "惠企政策：边界通过", "policies: boundary cases passed", "100"),
    ("agreement_percent", "惠企政策：两套算法一致", "policies: agreement of the evaluators", "100"),
)


def outcome(result: Result) -> tuple[int, int, int]:
    """Verdict, clause bits and amount as the table has them."""
    bits = sum(NUMBERS[one.met] << 2 * at for at, one in enumerate(result.clauses))
    return WORTH[result.verdict], bits, NOTHING if result.amount is None else result.amount


def differences(bound: Sequence[BoundPolicy], table: EnterpriseTable) -> Iterator[tuple[int, int]]:
    """Rows and policies for which the evaluators disagree."""
    for block in TableEvaluator(bound, table).blocks():
        if len(table) > BLOCK:
            print(f"{block.start:,}/{len(table):,}", file=sys.stderr, flush=True)
        for row in range(block.verdicts.shape[1]):
            enterprise = table.enterprise(block.start + row)
            for at, policy in enumerate(bound):
                if outcome(evaluate(policy, enterprise)) != (
                        block.verdicts[at, row], block.clauses[at, row], block.amounts[at, row]):
                    yield block.start + row, at


def as_demanded(edge: Edge) -> bool:
    """Whether the test of an edge comes out as its own inequality demands."""
    met = holds(edge.leaf, edge.enterprise.values)
    if edge.side == "missing":
        return met is None
    if not isinstance(edge.leaf, Between):
        expected = {"inside": True, "outside": False, "above": None}
        return edge.side not in expected or met is expected[edge.side]
    total = combine(edge.leaf.terms, edge.enterprise.values)
    if total is None or met is None:
        return edge.leaf.positive is not None
    inside = (edge.leaf.lo is None or edge.leaf.lo <= total) and (
        edge.leaf.hi is None or total <= edge.leaf.hi)
    return met is inside


def boundaries(rules: RuleSet) -> tuple[int, int]:
    """Boundary cases, and how many of them passed."""
    cases = passed = 0
    runs = list(run_fixtures(rules))
    for policy in rules:
        own = [one for one in runs if one.policy.id == policy.id]
        for day in sorted({one.fixture.as_of for one in own}):
            bound = bind(policy, rules.dictionary, day)
            bases = [one.result.enterprise.values for one in own if one.fixture.as_of == day]
            found = [edge for base in [{}, *bases]
                     for edge in edges(bound, rules.dictionary, base)]
            table = from_enterprises((edge.enterprise for edge in found), rules.dictionary)
            wrong = {row for row, _ in differences([bound], table)}
            cases += len(found)
            passed += sum(row not in wrong and as_demanded(edge)
                          for row, edge in enumerate(found))
    return cases, passed


def measure(pack: Path, random: int) -> dict[str, Any]:
    """All figures."""
    rules = RuleSet.load(pack)
    runs = list(run_fixtures(rules))
    cases, passed = boundaries(rules)
    bound = [bind(policy, rules.dictionary, DAY) for policy in rules]
    city = City(random, rules.dictionary)
    table = city.table(columns_of(bound))
    wrong = sum(1 for _ in differences(bound, table))
    for day in {one.fixture.as_of for one in runs}:
        firms = [one.result.enterprise for one in runs if one.fixture.as_of == day]
        wrong += sum(1 for _ in differences(
            [bind(policy, rules.dictionary, day) for policy in rules],
            from_enterprises(firms, rules.dictionary)))
    pairs = (random + len(runs)) * len(bound)
    decidable = [sum("judge:" not in "".join(clause.columns) for clause in one.clauses)
                 for one in bound]
    return {
        "policies": len(bound), "with_two_decidable_clauses": sum(one > 1 for one in decidable),
        "with_amount": sum(one.policy.benefit.amount is not None for one in bound),
        "validity": dict(Counter(one.validity for one in bound)), "as_of": DAY.isoformat(),
        "clauses": sum(len(one.clauses) for one in bound),
        "fixtures": len(runs), "fixtures_passed": sum(not one.faults for one in runs),
        "fixtures_passed_percent": share(sum(not one.faults for one in runs), len(runs)),
        "boundaries": cases, "boundaries_passed": passed,
        "boundaries_passed_percent": share(passed, cases),
        "random_enterprises": random, "pairs_compared": pairs, "pairs_equal": pairs - wrong,
        "agreement_percent": share(pairs - wrong, pairs), "machine": machine(),
    }


def share(part: int, whole: int) -> float:
    """Percent; 100 only where all are."""
    return 100.0 if part == whole else min(99.99, round(100 * part / whole, 2))


def main(argv: list[str]) -> int:
    """Print the figures, write them to OUT; 1 where anything failed."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--json", type=Path, metavar="OUT")
    parser.add_argument("--pack", type=Path, metavar="DIR")
    parser.add_argument("--random", type=int, default=100_000, metavar="N")
    options = parser.parse_args(argv)
    found = measure(options.pack or load_settings().pack, options.random)
    for name, value in found.items():
        print(f"{name:28} {value:,}" if isinstance(value, int) else f"{name:28} {value}")
    if options.json:
        figures = [{"zh": zh, "en": en, "mark": mark, "value": found[key], "command": COMMAND,
                    "unit": "%" if key.endswith("percent") else ""} for key, zh, en, mark in ROWS]
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({**found, "figures": figures}, ensure_ascii=False,
                                           indent=1) + "\n", encoding="utf-8")
    whole = (found["fixtures_passed_percent"], found["boundaries_passed_percent"],
             found["agreement_percent"])
    return int(any(one < 100 for one in whole))
