"""One policy over a table of enterprises, in figures for the office: who falls out where, and why.

Counts go by the clauses alone, so that a policy whose validity nobody has confirmed can be looked
at too; `in_force` says whether those that meet them all are eligible. Missing data and near misses
are worked out one enterprise at a time, for `MOST` of them at most, evenly spread over the table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cityllm.policies.evaluate import Result, evaluate
from cityllm.policies.fields import Dictionary
from cityllm.policies.find import Found
from cityllm.policies.nearest import NearMiss, nearest
from cityllm.policies.policy import Clause
from cityllm.policies.vector_money import NOTHING
from cityllm.policies.vectors import MET, NOT, UNKNOWN

MOST = 3000
"""Enterprises that are looked at one by one for one figure."""
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Step:
    """A clause, from top to bottom: how many are `left` after it, how many of those before it it
    turns `out`, for how many of those left it is `unknown`, and how many fail by it `alone`."""

    clause: Clause
    left: int
    out: int
    unknown: int
    alone: int


@dataclass(frozen=True, slots=True)
class Gap:
    """A missing datum: how many enterprises wait for it, and for how many it is the last."""

    column: str
    rows: int
    alone: int


@dataclass(frozen=True, slots=True)
class Miss:
    """A row of the table, and the change that would do."""

    row: int
    near: NearMiss


class Census:
    """The figures of one policy over one table."""

    def __init__(self, found: Found, dictionary: Dictionary) -> None:
        self.found = found
        self.dictionary = dictionary
        self.in_force = found.bound.validity == "in_force"
        verdicts = [found.verdict_of(at) for at in range(len(found.bound.clauses))]
        self._clauses = np.stack(verdicts) if len(found.table) else \
            np.empty((len(verdicts), 0), np.uint64)
        out = (self._clauses == NOT).any(axis=0)
        met = (self._clauses == MET).all(axis=0)
        self.classes: NDArray[np.int8] = np.where(out, NOT, np.where(met, MET, UNKNOWN)).astype(
            np.int8)
        """Per row: all clauses met, one not met, or neither."""

    def count(self, which: int) -> int:
        """How many rows are MET, NOT or UNKNOWN."""
        return int((self.classes == which).sum())

    def rows(self, which: int) -> list[int]:
        """Rows of a class, most money first."""
        chosen = np.flatnonzero(self.classes == which)
        order = np.argsort(-self.found.amounts[chosen], kind="stable")
        return [int(row) for row in chosen[order]]

    @cached_property
    def money(self) -> dict[int, int]:
        """Fen by row, for those that meet all clauses; of a policy that is not confirmed what it
        would grant, worked out for the first `MOST`."""
        rows = np.flatnonzero(self.classes == MET)
        if self.in_force:
            return {int(row): int(self.found.amounts[row]) for row in rows
                    if self.found.amounts[row] != NOTHING}
        worth = {int(row): self._one(int(row)).potential for row in rows[:MOST]}
        return {row: fen for row, fen in worth.items() if fen is not None}

    @cached_property
    def funnel(self) -> list[Step]:
        """The clauses from top to bottom."""
        alone, steps = self.found.alone, []
        still: Bools = np.ones(len(self.found.table), np.bool_)
        for verdicts, bound in zip(self._clauses, self.found.bound.clauses, strict=True):
            out = still & (verdicts == NOT)
            still = still & (verdicts != NOT)
            steps.append(Step(bound.clause, int(still.sum()), int(out.sum()),
                              int((still & (verdicts == UNKNOWN)).sum()),
                              alone[bound.clause.id] if len(still) else 0))
        return steps

    @cached_property
    def gaps(self) -> tuple[list[Gap], int]:
        """The missing data that would decide most, and how many rows they were worked out from."""
        rows = self._spread(np.flatnonzero(self.classes == UNKNOWN))
        waiting, alone = Counter[str](), Counter[str]()
        for row in rows:
            missing = list(dict.fromkeys(
                column for one in self._one(row).clauses for column in one.missing))
            waiting.update(missing)
            alone.update(missing if len(missing) == 1 else ())
        scale = self.count(UNKNOWN) / len(rows) if rows else 1
        gaps = [Gap(column, round(count * scale), round(alone[column] * scale))
                for column, count in waiting.items()]
        return sorted(gaps, key=lambda one: (-one.alone, -one.rows, one.column)), len(rows)

    @cached_property
    def misses(self) -> list[Miss]:
        """Enterprises that fail one clause alone and can change it, smallest change first."""
        single = (self._clauses == NOT).sum(axis=0) == 1
        found = [(row, nearest(self._one(row), self.dictionary))
                 for row in self._spread(np.flatnonzero(single))]
        misses = [Miss(row, near) for row, near in found if near is not None]
        return sorted(misses, key=lambda one: (len(one.near.changes), _step(one.near), one.row))

    def by(self, labels: Sequence[str]) -> dict[str, tuple[int, int, int]]:
        """Label -> (met, unknown, not met), most enterprises first; `labels` has one a row."""
        counts: dict[str, list[int]] = {}
        for label, which in zip(labels, self.classes.tolist(), strict=True):
            counts.setdefault(label, [0, 0, 0])[(MET, UNKNOWN, NOT).index(which)] += 1
        ordered = sorted(counts.items(), key=lambda one: -sum(one[1]))
        return {label: (held[0], held[1], held[2]) for label, held in ordered}

    def _one(self, row: int) -> Result:
        return evaluate(self.found.bound, self.found.table.enterprise(row))

    def _spread(self, rows: NDArray[np.intp]) -> list[int]:
        if len(rows) <= MOST:
            return [int(row) for row in rows]
        return [int(rows[at]) for at in np.linspace(0, len(rows) - 1, MOST).astype(int)]


def _step(near: NearMiss) -> float:
    """How large the changes are in proportion; a certificate counts as one."""
    sizes = [abs(one.then - one.now) / max(abs(one.now), abs(one.then), 1)
             if isinstance(one.now, int) and isinstance(one.then, int) else 1.0
             for one in near.changes]
    return sum(sizes)
