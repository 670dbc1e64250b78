"""What a policy comes down to on one day: integer tests and integer amounts, no parameters.

Both evaluators read these nodes. A test is an inequality `lo <= Σ factor·column <= hi` in whole
numbers, so nothing is rounded before a verdict. A column that is missing makes its test unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Literal

from cityllm.policies.conditions import Compare, Holds, Judge
from cityllm.policies.fields import Words
from cityllm.policies.policy import Clause, Place

Term = tuple[tuple[str, ...], int]
"""Columns to multiply with one another and with a factor."""


@dataclass(frozen=True)
class Between:
    """`lo <= Σ terms <= hi`; unknown where a column is missing or `positive` is not above zero.

    A condition has one column a term. Bounds are whole numbers, both included. For whoever reads
    it: `source` is the condition as written, `limits` its bounds in natural units (days of the
    calendar for a date), `place` where they have their ground.
    """

    terms: tuple[Term, ...]
    lo: int | None
    hi: int | None
    positive: str | None
    source: Compare | Holds | Judge
    limits: tuple[tuple[str, Fraction], ...] = ()
    place: Place | None = None

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads, each once."""
        found = [column for columns, _ in self.terms for column in columns]
        return tuple(dict.fromkeys([*found, *([self.positive] if self.positive else [])]))

    @cached_property
    def plain(self) -> str:
        """The column where the sum is one column as it stands; empty otherwise."""
        return self.columns[0] if len(self.terms) == 1 and self.terms[0][1] == 1 else ""


@dataclass(frozen=True, slots=True)
class Member:
    """A text or a set against listed values.

    `in`: the value is listed; `under`: it is listed or lies below one that is; `includes`: the set
    has one of them; `includes_all`: all of them. `separator` ends a part of a path.
    """

    column: str
    way: Literal["in", "under", "includes", "includes_all"]
    values: frozenset[str]
    source: Compare
    separator: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The one column."""
        return (self.column,)


@dataclass(frozen=True, slots=True)
class Unsettled:
    """Unknown whatever the data: a parameter has no value on the day."""

    why: Words

    @property
    def columns(self) -> tuple[str, ...]:
        """None."""
        return ()


Leaf = Between | Member | Unsettled


@dataclass(frozen=True, slots=True)
class Count:
    """At least `least` of `parts`: all of them for `all`, one for `any`."""

    least: int
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Opposite:
    """Not `part`."""

    part: Node


@dataclass(frozen=True, slots=True)
class Switch:
    """The node of the first row whose test is met; unknown where a test before it is unknown."""

    rows: tuple[tuple[Leaf | None, Node], ...]
    """A test of None always fits."""


Node = Leaf | Count | Opposite | Switch


@dataclass(frozen=True, slots=True)
class Sum:
    """`Σ terms / denominator` in fen, rounded half up, never below zero; then floor, then cap."""

    terms: tuple[Term, ...]
    constant: int
    denominator: int
    floor: int | None = None
    cap: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """The money of the first row whose condition is met, else `otherwise`; then floor, then cap."""

    rows: tuple[tuple[Node, Money], ...]
    otherwise: Money | None
    floor: int | None = None
    cap: int | None = None


@dataclass(frozen=True, slots=True)
class Pick:
    """Several amounts: their total, the highest or the lowest; then floor, then cap."""

    way: Literal["total", "highest", "lowest"]
    parts: tuple[Money, ...]
    floor: int | None = None
    cap: int | None = None


Money = Sum | Step | Pick


@dataclass(frozen=True, slots=True)
class BoundClause:
    """A clause and its node on the day; `fixed` where no firm can change what it reads."""

    clause: Clause
    node: Node
    columns: tuple[str, ...]
    fixed: bool


def leaves(node: Node) -> Iterator[Leaf]:
    """Every test below a node, in the order of the file."""
    match node:
        case Count(parts=parts):
            for part in parts:
                yield from leaves(part)
        case Opposite(part=part):
            yield from leaves(part)
        case Switch(rows=rows):
            for test, inner in rows:
                if test is not None:
                    yield test
                yield from leaves(inner)
        case _:
            yield node


def columns_of(node: Node) -> tuple[str, ...]:
    """Columns that a condition reads, each once."""
    return tuple(dict.fromkeys(column for leaf in leaves(node) for column in leaf.columns))


def money_columns(money: Money | None) -> tuple[str, ...]:
    """Columns that an amount reads, each once."""
    found: list[str] = []
    match money:
        case Sum(terms=terms):
            found += [column for columns, _ in terms for column in columns]
        case Step(rows=rows, otherwise=otherwise):
            for node, inner in rows:
                found += [*columns_of(node), *money_columns(inner)]
            found += money_columns(otherwise)
        case Pick(parts=parts):
            for part in parts:
                found += money_columns(part)
    return tuple(dict.fromkeys(found))


def most(money: Money) -> int | None:
    """The most that can come out whatever the data, in fen; None where nothing bounds it."""
    match money:
        case Sum(terms=(), constant=constant, denominator=denominator):
            found: int | None = constant // denominator
        case Sum():
            found = None
        case Step(rows=rows, otherwise=otherwise):
            each = [most(inner) for _, inner in rows] + ([most(otherwise)] if otherwise else [])
            found = None if None in each else max(one for one in each if one is not None)
        case Pick(way=way, parts=parts):
            bounds = [most(part) for part in parts]
            known = [one for one in bounds if one is not None]
            if way == "lowest":
                found = min(known, default=None)
            else:
                whole = sum(known) if way == "total" else max(known, default=0)
                found = whole if len(known) == len(bounds) else None
    if found is not None and money.floor is not None:
        found = max(found, money.floor)
    if money.cap is not None:
        found = money.cap if found is None else min(found, money.cap)
    return found
