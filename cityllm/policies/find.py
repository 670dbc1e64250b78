"""One policy against all enterprises: who is eligible, for how much, and who lacks a datum."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cityllm.policies.evaluate import VERDICTS
from cityllm.policies.policy import ClauseVerdict, Verdict
from cityllm.policies.ruleset import BoundPolicy
from cityllm.policies.table import EnterpriseTable, Ints
from cityllm.policies.vector_money import NOTHING
from cityllm.policies.vectors import MET, NOT, UNKNOWN, TableEvaluator

_VERDICTS = {NOT: VERDICTS[False], UNKNOWN: VERDICTS[None], MET: VERDICTS[True]}
_CLAUSES: dict[int, ClauseVerdict] = {NOT: "not_met", UNKNOWN: "unknown", MET: "met"}


@dataclass(frozen=True)
class Found:
    """A policy against a table. Arrays have one entry a row; `amounts` are fen or NOTHING."""

    bound: BoundPolicy
    table: EnterpriseTable
    verdicts: Ints
    amounts: Ints
    clauses: Ints

    def count(self, verdict: Verdict) -> int:
        """How many enterprises have a verdict."""
        return int((self.verdicts == _NUMBERS[verdict]).sum())

    @property
    def total(self) -> int:
        """Fen granted to all that are eligible."""
        granted = self.amounts[self.amounts != NOTHING]
        return sum(int(one) for one in granted.tolist()) if granted.size else 0

    @property
    def alone(self) -> dict[str, int]:
        """For each clause, how many fail by it alone: what one condition costs."""
        unmet = np.stack([self.verdict_of(at) == NOT for at in range(len(self.bound.clauses))])
        single = unmet.sum(axis=0) == 1
        return {one.clause.id: int((unmet[at] & single).sum())
                for at, one in enumerate(self.bound.clauses)}

    def verdict_of(self, clause: int) -> Ints:
        """0, 1 or 2 for a clause by its place in the policy."""
        found: Ints = (self.clauses >> np.uint64(2 * clause)) & np.uint64(3)
        return found

    def rows(self, verdict: Verdict = "eligible") -> list[int]:
        """Rows with a verdict, most money first."""
        chosen = np.flatnonzero(self.verdicts == _NUMBERS[verdict])
        order = np.argsort(-self.amounts[chosen], kind="stable")
        return [int(row) for row in chosen[order]]

    def lines(self, verdict: Verdict = "eligible") -> Iterator[dict[str, object]]:
        """Enterprises with a verdict: id, name, yuan, and each clause's verdict."""
        for row in self.rows(verdict):
            amount = int(self.amounts[row])
            yield {"id": self.table.ids[row],
                   "name": self.table.names[row] if self.table.names else "",
                   "verdict": verdict,
                   "amount": "" if amount == NOTHING else f"{amount // 100}.{amount % 100:02d}",
                   **{one.clause.id: _CLAUSES[int(self.clauses[row]) >> 2 * at & 3]
                      for at, one in enumerate(self.bound.clauses)}}


_NUMBERS = {verdict: number for number, verdict in _VERDICTS.items()}


def find(bound: BoundPolicy, table: EnterpriseTable) -> Found:
    """A policy of a day against every enterprise of a table."""
    blocks = list(TableEvaluator([bound], table).blocks())
    if not blocks:
        empty = np.empty(0, np.int64)
        return Found(bound, table, empty, empty, empty)
    return Found(bound, table, *(np.concatenate([getattr(one, name)[0] for one in blocks])
                                 for name in ("verdicts", "amounts", "clauses")))
