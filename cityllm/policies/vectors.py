"""All policies over a whole table: the rules of `evaluate`, block by block in whole numbers.

The conditions of all policies become one list of steps in which an equal test stands once, however
many policies ask it. A step gives one byte for each enterprise: 0 not met, 1 unknown, 2 met; so
`all` is the least, `any` the greatest, `not` 2 - x. Numbers are 64 bits wide where the table's own
largest values prove that nothing overflows, and Python's whole numbers where they do not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityllm.policies.bound import (
    Between,
    Count,
    Member,
    Money,
    Node,
    Opposite,
    Step,
    Switch,
    Unsettled,
)
from cityllm.policies.regions import under
from cityllm.policies.ruleset import BoundPolicy
from cityllm.policies.table import MISSING, EnterpriseTable, Ints
from cityllm.policies.vector_money import NOTHING, amounts, fits_64

Bytes = NDArray[np.int8]
NOT, UNKNOWN, MET = 0, 1, 2
BLOCK = 16_384
"""Enterprises at once: a column of a block stays in the processor's cache."""
_WORTH = {True: MET, False: NOT, None: UNKNOWN}


@dataclass(frozen=True)
class Block:
    """Policies × enterprises from row `start` on.

    `verdicts`: 0 not eligible, 1 unknown, 2 eligible. `clauses`: two bits a clause in the policy's
    order, the first clause lowest, with the same values. `amounts`: fen, NOTHING where there is
    none.
    """

    start: int
    verdicts: Bytes
    clauses: NDArray[np.uint64]
    amounts: Ints


class TableEvaluator:
    """Policies of one day, prepared for one table."""

    def __init__(self, policies: Sequence[BoundPolicy], table: EnterpriseTable) -> None:
        self.policies = list(policies)
        self.table = table
        self._steps: list[tuple[str, Any]] = []
        self._known: dict[Any, int] = {}
        self._largest: dict[str, int] = {}
        self._clauses = [[self._add(one.node) for one in policy.clauses]
                         for policy in self.policies]
        self._tests = [dict(self._money_tests(policy.money)) for policy in self.policies]
        self._worth = [{"in_force": MET, "unconfirmed": UNKNOWN}.get(policy.validity, NOT)
                       for policy in self.policies]

    def largest(self, column: str) -> int:
        """The largest absolute number of a column of the whole table."""
        if column not in self._largest:
            self._largest[column] = self.table.largest(column)
        return self._largest[column]

    def blocks(self, size: int = BLOCK) -> Iterator[Block]:
        """The whole table, block by block."""
        for start in range(0, len(self.table), size):
            yield self.block(start, min(start + size, len(self.table)))

    def block(self, start: int, end: int) -> Block:
        """Rows `start` to `end` for all policies."""
        rows = Rows(self, start, end)
        shape = (len(self.policies), end - start)
        verdicts = np.empty(shape, np.int8)
        clauses = np.zeros(shape, np.uint64)
        money = np.full(shape, NOTHING, np.int64)
        done = rows.run(self._steps)
        for at, policy in enumerate(self.policies):
            verdict = np.full(end - start, self._worth[at], np.int8)
            for place, step in enumerate(self._clauses[at]):
                np.minimum(verdict, done[step], out=verdict)
                clauses[at] |= done[step].astype(np.uint64) << np.uint64(2 * place)
            verdicts[at] = verdict
            granted = np.flatnonzero(verdict == MET)
            if policy.money is not None and len(granted):
                tests = {key: done[step][granted] for key, step in self._tests[at].items()}
                money[at, granted] = amounts(policy.money, rows.columns(granted), tests,
                                             self.largest, len(granted))
        return Block(start, verdicts, clauses, money)

    def _money_tests(self, money: Money | None) -> Iterator[tuple[int, int]]:
        """The steps of the conditions within an amount, by the identity of the condition."""
        if money is None:
            return
        for node, inner in money.rows if isinstance(money, Step) else ():
            yield id(node), self._add(node)
            yield from self._money_tests(inner)
        if isinstance(money, Step):
            yield from self._money_tests(money.otherwise)
        for part in getattr(money, "parts", ()):
            yield from self._money_tests(part)

    def _add(self, node: Node) -> int:
        """The number of the step that works out a node; equal nodes share one."""
        key: Any
        match node:
            case Between(terms=terms, lo=lo, hi=hi, positive=positive):
                key = ("between", (terms, lo, hi, positive, self._fits(node)))
            case Member(column=column, way=way, values=values, separator=separator):
                key = ("member", (column, way, values, separator))
            case Unsettled():
                key = ("unsettled", ())
            case Count(least=least, parts=parts):
                key = ("count", (least, tuple(self._add(part) for part in parts)))
            case Opposite(part=part):
                key = ("opposite", self._add(part))
            case Switch(rows=rows):
                key = ("switch", tuple((None if test is None else self._add(test),
                                        self._add(inner)) for test, inner in rows))
        if key not in self._known:
            self._known[key] = len(self._steps)
            self._steps.append(key)
        return self._known[key]

    def _fits(self, node: Between) -> bool:
        bounds = [abs(one) for one in (node.lo, node.hi) if one is not None]
        return fits_64([*bounds, sum(abs(factor) * self.largest(columns[0])
                                     for columns, factor in node.terms)])


class Rows:
    """Some rows of a table on which steps are run."""

    def __init__(self, whole: TableEvaluator, start: int, end: int) -> None:
        self.table = whole.table
        self.start, self.end, self.size = start, end, end - start
        self._missing: dict[str, Bytes | None] = {}
        self._done: list[Bytes] = []

    def columns(self, chosen: NDArray[np.intp]) -> Any:
        """A function from a column to its numbers in the chosen rows; None where it has none."""
        def held(column: str) -> Ints | None:
            numbers = self.numbers(column)
            return None if numbers is None else numbers[chosen]
        return held

    def numbers(self, column: str) -> Ints | None:
        """The numbers of a column in these rows; None where nobody has any."""
        held = self.table.numbers.get(column)
        return None if held is None else held[self.start:self.end]

    def missing(self, column: str) -> Bytes | None:
        """1 where a number is missing; None where none is."""
        if column not in self._missing:
            held = self.numbers(column)
            lacks = (held == MISSING) if held is not None else np.ones(self.size, bool)
            self._missing[column] = lacks.view(np.int8) if lacks.any() else None
        return self._missing[column]

    def run(self, steps: Sequence[tuple[str, Any]]) -> list[Bytes]:
        """The result of every step."""
        for name, what in steps:
            self._done.append(getattr(self, f"_{name}")(what))
        return self._done

    def _between(self, what: Any) -> Bytes:
        terms, lo, hi, positive, fits = what
        names = [columns[0] for columns, _ in terms] + ([positive] if positive else [])
        held = {name: self.numbers(name) for name in names}
        if any(one is None for one in held.values()):
            return self._unsettled(None)
        total: Any = None
        for (column,), factor in terms:
            numbers: Any = held[column]
            if not fits:
                numbers = numbers.astype(object)
            part = numbers if factor == 1 else numbers * factor
            total = part if total is None else total + part
        met = (total >= lo) if lo is not None else np.ones(self.size, bool)
        if hi is not None:
            met = met & (total <= hi)
        found = np.asarray(met, bool).view(np.int8) * np.int8(MET)
        for name in dict.fromkeys(names):
            lacks = self.missing(name)
            if lacks is not None:
                found = np.where(lacks, np.int8(UNKNOWN), found)
        if positive:
            found = np.where(held[positive] > 0, found, np.int8(UNKNOWN))  # type: ignore[operator]
        return found

    def _unsettled(self, what: Any) -> Bytes:
        return np.full(self.size, UNKNOWN, np.int8)

    def _member(self, what: Any) -> Bytes:
        column, way, values, separator = what
        if column in self.table.sets:
            return self._in_set(column, way, values)
        texts = self.table.texts.get(column)
        if texts is None:
            return self._unsettled(None)
        worth = [_WORTH[under(name, values, separator) if way == "under" else name in values]
                 for name in texts.names]
        by_code: Bytes = np.array([*worth, UNKNOWN], np.int8)
        return by_code[texts.codes[self.start:self.end]]

    def _in_set(self, column: str, way: str, values: frozenset[str]) -> Bytes:
        bits = self.table.sets[column][self.start:self.end]
        wanted = sum(1 << at for at, option in enumerate(self.table.options[column])
                     if option in values)
        held = bits & wanted
        met = (held == wanted) if way == "includes_all" else (held != 0)
        return np.where(bits == MISSING, np.int8(UNKNOWN), met.view(np.int8) * np.int8(MET))

    def _count(self, what: Any) -> Bytes:
        least, parts = what
        each = [self._done[part] for part in parts]
        if least in (1, len(each)):
            choose = np.minimum if least == len(each) else np.maximum
            found: Bytes = each[0]
            for part in each[1:]:
                found = choose(found, part)
            return found
        met = sum((part == MET).view(np.int8) for part in each)
        possible = sum((part != NOT).view(np.int8) for part in each)
        return np.where(met >= least, np.int8(MET),
                        np.where(possible >= least, np.int8(UNKNOWN), np.int8(NOT)))

    def _opposite(self, what: Any) -> Bytes:
        found: Bytes = np.subtract(np.int8(MET), self._done[what])
        return found

    def _switch(self, what: Any) -> Bytes:
        found = self._unsettled(None)
        left = np.ones(self.size, bool)
        for test, inner in what:
            fits = left if test is None else left & (self._done[test] == MET)
            found = np.where(fits, self._done[inner], found)
            if test is None:
                break
            left = left & (self._done[test] == NOT)
        return found
