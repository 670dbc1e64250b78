"""Enterprises at the edge of every threshold of a policy: just below, at, just above, missing.

For a test `lo <= Σ factor·column <= hi` one column is moved, the others stay, so that the sum lies
one quantum (a fen, a head, a day) below a bound, on it, and above it. Used to compare evaluators,
and to show whoever drafts a rule what it does at its edges.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from cityllm.policies.bound import Between, Leaf, Member, leaves
from cityllm.policies.evaluate import combine, holds
from cityllm.policies.fields import LIMIT, Dictionary, Enterprise, Value
from cityllm.policies.regions import first_division
from cityllm.policies.ruleset import BoundPolicy

Side = Literal["below", "at", "above", "missing", "inside", "outside"]
_GUESS: Mapping[str, int] = {"money": 10**9, "integer": 50, "number": 10**4}


@dataclass(frozen=True, slots=True)
class Edge:
    """An enterprise at one side of one test of a clause."""

    clause: str
    leaf: Leaf
    side: Side
    enterprise: Enterprise


def edges(bound: BoundPolicy, dictionary: Dictionary,
          base: Mapping[str, Value] | None = None) -> Iterator[Edge]:
    """Every edge of every clause, on top of `base`; what a test reads besides is guessed."""
    for clause in bound.clauses:
        for leaf in leaves(clause.node):
            for side, changed in sides(leaf, dictionary, base or {}):
                values = {**(base or {}), **changed}
                if side == "missing":
                    values.pop(leaf.columns[0], None)
                yield Edge(clause.clause.id, leaf, side,
                           Enterprise(f"{clause.clause.id} {side}", values))


def witness(bound: BoundPolicy, dictionary: Dictionary) -> dict[str, Value]:
    """Values that meet the clauses, as far as setting one test after the other finds them.

    A clause that contradicts an earlier one stays as it is: whoever reads the result evaluates it.
    """
    base: dict[str, Value] = {}
    for clause in bound.clauses:
        for leaf in leaves(clause.node):
            if holds(clause.node, base) is True:
                break
            for _, changed in sides(leaf, dictionary, base):
                values = {**base, **changed}
                if changed and holds(leaf, values) is True and not any(
                        holds(one.node, base) is True and holds(one.node, values) is not True
                        for one in bound.clauses):
                    base = values
                    break
    return base


def sides(leaf: Leaf, dictionary: Dictionary,
          base: Mapping[str, Value]) -> Iterator[tuple[Side, dict[str, Value]]]:
    """Values of the columns of a test on each side of it, `missing` with none."""
    if not leaf.columns:
        return
    if isinstance(leaf, Member):
        for side, value in _listed(leaf, dictionary):
            yield side, {leaf.column: value}
    elif isinstance(leaf, Between):
        others = {column: base.get(column, _guess(column, dictionary)) for column in leaf.columns}
        for bound in dict.fromkeys(one for one in (leaf.lo, leaf.hi) if one is not None):
            for side, value in _around(leaf, bound, others, dictionary):
                yield side, {**others, leaf.columns[0]: value}
    yield "missing", {}


def _around(leaf: Between, bound: int, others: Mapping[str, Value],
            dictionary: Dictionary) -> Iterator[tuple[Side, int]]:
    """Values of the first column for which the sum lies about `bound`."""
    (column,), factor = leaf.terms[0]
    rest = combine(leaf.terms, {**others, column: 0}) or 0
    exact = (bound - rest) // factor
    sides: Sequence[tuple[Side, int]] = (("below", -1), ("at", 0), ("above", 1))
    judged = column.startswith("judge:")
    kind = "boolean" if judged else dictionary.field_of(column).type
    negative = not judged and dictionary.field_of(column).negative
    for side, step in sides:
        value = exact + step
        if kind == "boolean" and value not in (0, 1):
            continue
        if abs(value) < LIMIT and (value >= 0 or negative):
            yield side, value


def _listed(leaf: Member, dictionary: Dictionary) -> Iterator[tuple[Side, Value]]:
    field = dictionary.field_of(leaf.column)
    if field.type == "set":
        yield "inside", frozenset(leaf.values)
        yield "at", frozenset(sorted(leaf.values)[:1])
        yield "outside", frozenset(set(field.options) - leaf.values)
        yield "outside", frozenset()
        return
    for value in sorted(leaf.values):
        yield "at", value
        if field.type == "region":
            yield "inside", f"{value}/某街道"
            if "/" in value:
                yield "above", value.rpartition("/")[0]
        elif field.type == "industry" and len(value) < 5:
            yield "inside", f"{value}1" if len(value) > 1 else first_division(value)
            if len(value) > 1:
                yield "above", value[0]
    if field.type == "region":
        yield "outside", "西藏自治区/拉萨市"
    elif field.type == "industry":
        yield "outside", "T97"
    else:
        for option in field.options:
            if option not in leaf.values:
                yield "outside", option


def _guess(column: str, dictionary: Dictionary) -> Value:
    if column.startswith("judge:"):
        return 1
    return _GUESS.get(dictionary.field_of(column).type, 1)
