"""Many enterprises at once: one array a column, with the same stored values as a single one has.

Numbers, dates, certificates, booleans and judgements are 64-bit whole numbers (fen, days, 0 and 1);
choices, places and codes are numbered texts; sets are bits. Missing is a value of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityllm.policies.fields import Dictionary, Enterprise, Value

Ints = NDArray[np.int64]
MISSING = np.iinfo(np.int64).min
"""A missing number or set."""
NO_TEXT = -1
"""The number of a missing text."""


@dataclass(frozen=True)
class Texts:
    """A column of texts: `names[codes[row]]`, or missing where the code is NO_TEXT."""

    codes: NDArray[np.int32]
    names: tuple[str, ...]


@dataclass(frozen=True)
class EnterpriseTable:
    """`ids` and one array a column, all of the same length.

    `numbers` holds whole numbers by column, `sets` bits in the order of the sorted options, `texts`
    numbered texts. A column that is in none of them is missing for every enterprise.
    """

    ids: Sequence[str]
    numbers: dict[str, Ints]
    texts: dict[str, Texts]
    sets: dict[str, Ints]
    names: Sequence[str] = ()
    options: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The options of each set column, in the order of their bits."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def columns(self) -> list[str]:
        """Every column that is there for at least one enterprise."""
        return [*self.numbers, *self.texts, *self.sets]

    def enterprise(self, row: int) -> Enterprise:
        """One row as an enterprise."""
        values: dict[str, Value] = {
            column: int(held[row]) for column, held in self.numbers.items()
            if held[row] != MISSING}
        for column, texts in self.texts.items():
            if texts.codes[row] != NO_TEXT:
                values[column] = texts.names[texts.codes[row]]
        for column, bits in self.sets.items():
            if bits[row] != MISSING:
                values[column] = frozenset(
                    option for at, option in enumerate(self.options[column])
                    if int(bits[row]) >> at & 1)
        return Enterprise(self.ids[row], values, self.names[row] if self.names else "")

    def take(self, rows: Sequence[int] | NDArray[np.intp]) -> EnterpriseTable:
        """The table of these rows, in their order."""
        chosen = np.asarray(rows, np.intp)
        return EnterpriseTable(
            [self.ids[row] for row in chosen],
            {column: held[chosen] for column, held in self.numbers.items()},
            {column: Texts(texts.codes[chosen], texts.names)
             for column, texts in self.texts.items()},
            {column: bits[chosen] for column, bits in self.sets.items()},
            [self.names[row] for row in chosen] if self.names else (), self.options)

    def largest(self, column: str) -> int:
        """The largest absolute number of a column; 0 where it has none."""
        held = self.numbers.get(column)
        known = held[held != MISSING] if held is not None else np.empty(0, np.int64)
        return max(abs(int(known.min())), abs(int(known.max()))) if len(known) else 0


def from_enterprises(enterprises: Iterable[Enterprise], dictionary: Dictionary) -> EnterpriseTable:
    """A table of enterprises that were read one by one."""
    listed = list(enterprises)
    columns = list(dict.fromkeys(column for one in listed for column in one.values))
    numbers: dict[str, Ints] = {}
    texts: dict[str, Texts] = {}
    sets: dict[str, Ints] = {}
    options: dict[str, tuple[str, ...]] = {}
    for column in columns:
        values = [one.values.get(column) for one in listed]
        kind = "judgement" if column.startswith("judge:") else dictionary.field_of(column).type
        if kind in ("choice", "region", "industry"):
            texts[column] = number_texts([None if one is None else str(one) for one in values])
        elif kind == "set":
            options[column] = tuple(sorted(dictionary.field_of(column).options))
            sets[column] = np.array([_bits(one, options[column]) for one in values], np.int64)
        else:
            numbers[column] = np.array([MISSING if one is None else one for one in values],
                                       np.int64)
    return EnterpriseTable([one.id for one in listed], numbers, texts, sets,
                           [one.name for one in listed], options)


def number_texts(values: Sequence[str | None]) -> Texts:
    """Texts numbered in the order in which they are first seen."""
    numbers: dict[str, int] = {}
    codes = [NO_TEXT if one is None else numbers.setdefault(one, len(numbers)) for one in values]
    return Texts(np.array(codes, np.int32), tuple(numbers))


def _bits(value: Any, options: tuple[str, ...]) -> int:
    if value is None:
        return int(MISSING)
    return sum(1 << at for at, option in enumerate(options) if option in value)
