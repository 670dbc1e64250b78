"""What a change of data, of rules or of the day does: who gained, who lost, and why.

Only what a change touches is matched again: a policy that decides otherwise than before for all
enterprises, any other for those alone of which a column that it reads has changed. The reason is
told by clauses whose verdict is another one, and by the data that changed under them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cityllm.policies.evaluate import VERDICTS
from cityllm.policies.fields import Value
from cityllm.policies.policy import Verdict
from cityllm.policies.ruleset import BoundPolicy
from cityllm.policies.table import MISSING, NO_TEXT, EnterpriseTable
from cityllm.policies.vector_money import NOTHING
from cityllm.policies.vectors import MET, NOT, UNKNOWN, TableEvaluator

Rows = NDArray[np.intp]
Because = Literal["data", "rules", "day", "new", "gone"]
_VERDICTS: dict[int, Verdict] = {NOT: VERDICTS[False], UNKNOWN: VERDICTS[None],
                                 MET: VERDICTS[True]}


@dataclass(frozen=True, slots=True)
class Changed:
    """An enterprise for which a policy comes out otherwise.

    `before` and `after` are None where enterprise or policy was not there. Amounts are fen.
    `because` names the first cause: rules before day before data. `clauses` are those with another
    verdict (0 not met, 1 unknown, 2 met; -1 not there); `data` the columns that the policy reads
    and that changed, with both values (None: missing).
    """

    enterprise: str
    policy: str
    before: Verdict | None
    after: Verdict | None
    amount_before: int | None
    amount_after: int | None
    because: Because
    clauses: Mapping[str, tuple[int, int]]
    data: Mapping[str, tuple[Value | None, Value | None]]

    @property
    def gained(self) -> bool:
        """Eligible now, and not before."""
        return self.after == "eligible" != self.before

    @property
    def lost(self) -> bool:
        """Eligible before, and not now."""
        return self.before == "eligible" != self.after


@dataclass(frozen=True)
class Changes:
    """All that came out otherwise; `matched` pairs were matched again of `pairs`."""

    changed: tuple[Changed, ...]
    matched: int
    pairs: int


@dataclass(frozen=True)
class State:
    """Policies of a day by id, and enterprises: what is compared."""

    policies: Mapping[str, BoundPolicy]
    table: EnterpriseTable


def changes(before: State, after: State) -> Changes:
    """What differs between two states. Enterprises are the same where their ids are."""
    old_at = {id_: row for row, id_ in enumerate(before.table.ids)}
    common = [(old_at[id_], row) for row, id_ in enumerate(after.table.ids) if id_ in old_at]
    old_rows = np.array([old for old, _ in common], np.intp)
    new_rows = np.array([new for _, new in common], np.intp)
    old_table, new_table = before.table.take(old_rows), after.table.take(new_rows)
    moved = _moved(old_table, new_table)
    found: list[Changed] = []
    matched = 0
    for id_ in dict.fromkeys([*before.policies, *after.policies]):
        old, new = before.policies.get(id_), after.policies.get(id_)
        if old is None or new is None or not same(old, new):
            touched = np.arange(len(common), dtype=np.intp)
        else:
            masks = [moved[column] for column in new.columns if column in moved]
            touched = np.flatnonzero(np.any(masks, axis=0)) if masks \
                else np.empty(0, np.intp)
        matched += len(touched)
        if len(touched):
            found += _compare(id_, old, new, old_table.take(touched), new_table.take(touched),
                              _because(old, new))
    gone = [row for row, id_ in enumerate(before.table.ids) if id_ not in set(after.table.ids)]
    fresh = [row for row, id_ in enumerate(after.table.ids) if id_ not in old_at]
    for rows, state, because in ((gone, before, "gone"), (fresh, after, "new")):
        for id_, bound in state.policies.items() if rows else ():
            matched += len(rows)
            part = state.table.take(rows)
            found += _compare(id_, bound if because == "gone" else None,
                              bound if because == "new" else None, part, part,
                              "gone" if because == "gone" else "new")
    pairs = len(set(before.table.ids) | set(after.table.ids)) * len(
        set(before.policies) | set(after.policies))
    return Changes(tuple(found), matched, pairs)


def _because(old: BoundPolicy | None, new: BoundPolicy | None) -> Because:
    if old is None or new is None:
        return "rules"
    if same(old, new):
        return "data"
    return "day" if old.policy == new.policy else "rules"


def same(one: BoundPolicy, other: BoundPolicy) -> bool:
    """Whether two versions of a policy decide alike; words, papers and steps do not count."""
    return (one.validity, one.money, one.shared_cap) == (
        other.validity, other.money, other.shared_cap) and [
        (clause.clause.id, clause.node) for clause in one.clauses] == [
        (clause.clause.id, clause.node) for clause in other.clauses]


def _moved(old: EnterpriseTable, new: EnterpriseTable) -> dict[str, NDArray[np.bool_]]:
    """For each column in which anything differs, the rows in which it does."""
    found: dict[str, NDArray[np.bool_]] = {}
    size = len(new)
    for column in dict.fromkeys([*old.columns, *new.columns]):
        if column in old.texts or column in new.texts:
            differs = _texts_of(old, column, size) != _texts_of(new, column, size)
        else:
            differs = _numbers_of(old, column, size) != _numbers_of(new, column, size)
        if differs.any():
            found[column] = differs
    return found


def _texts_of(table: EnterpriseTable, column: str, size: int) -> NDArray[np.object_]:
    if column not in table.texts:
        return np.full(size, None, object)
    texts = table.texts[column]
    names = np.array([*texts.names, None], object)
    found: NDArray[np.object_] = names[np.where(texts.codes == NO_TEXT, len(texts.names),
                                                texts.codes)]
    return found


def _numbers_of(table: EnterpriseTable, column: str, size: int) -> NDArray[np.int64]:
    held = table.numbers.get(column)
    if held is None:
        held = table.sets.get(column)
    return np.full(size, MISSING, np.int64) if held is None else held


def _compare(id_: str, old: BoundPolicy | None, new: BoundPolicy | None,
             old_table: EnterpriseTable, new_table: EnterpriseTable,
             because: Because) -> Iterator[Changed]:
    first = _run(old, old_table)
    second = _run(new, new_table)
    size = len(new_table)
    differs = np.zeros(size, bool)
    for one, other in zip(first[:2], second[:2], strict=True):
        differs |= one != other
    for row in np.flatnonzero(differs):
        both = [_clauses(bound, int(state[2][row])) for bound, state in ((old, first),
                                                                        (new, second))]
        names = dict.fromkeys([*both[0], *both[1]])
        yield Changed(
            new_table.ids[row], id_, _verdict(first[0][row]), _verdict(second[0][row]),
            _fen(first[1][row]), _fen(second[1][row]), because,
            {name: (both[0].get(name, -1), both[1].get(name, -1)) for name in names
             if both[0].get(name, -1) != both[1].get(name, -1)},
            _data(new or old, old_table, new_table, int(row)) if because == "data" else {})


def _run(bound: BoundPolicy | None, table: EnterpriseTable) -> Sequence[NDArray[np.int64]]:
    """Verdicts (-1 where there is no policy), amounts and clause bits."""
    if bound is None:
        none = np.full(len(table), -1, np.int64)
        return none, np.full(len(table), NOTHING, np.int64), np.zeros(len(table), np.int64)
    block = TableEvaluator([bound], table).block(0, len(table))
    return (block.verdicts[0].astype(np.int64), block.amounts[0],
            block.clauses[0].astype(np.int64))


def _verdict(number: np.int64) -> Verdict | None:
    return _VERDICTS.get(int(number))


def _fen(amount: np.int64) -> int | None:
    return None if int(amount) == NOTHING else int(amount)


def _clauses(bound: BoundPolicy | None, bits: int) -> dict[str, int]:
    return {one.clause.id: bits >> 2 * at & 3 for at, one in enumerate(bound.clauses)} \
        if bound else {}


def _data(bound: BoundPolicy | None, old: EnterpriseTable, new: EnterpriseTable,
          row: int) -> dict[str, tuple[Value | None, Value | None]]:
    before, after = old.enterprise(row).values, new.enterprise(row).values
    return {column: (before.get(column), after.get(column))
            for column in (bound.columns if bound else ())
            if before.get(column) != after.get(column)}
