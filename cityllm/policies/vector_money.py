"""Amounts of many enterprises at once, exact to the fen: `evaluate.money` in arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityllm.policies.bound import Money, Pick, Step, Sum
from cityllm.policies.table import MISSING, Ints

NOTHING = -1
"""No amount: a datum for it is missing. No amount lies below zero."""
_WIDE = 2**62
_MET, _NOT = 2, 0
Columns = Callable[[str], Ints | None]
Tests = Mapping[int, NDArray[np.int8]]
"""0 not met, 1 unknown, 2 met, by the identity of the condition."""


def fits_64(largest: Iterable[int]) -> bool:
    """Whether whole numbers up to these stay exact in 64 bits, twice over."""
    return all(one < _WIDE for one in largest)


def amounts(money: Money, columns: Columns, tests: Tests, largest: Callable[[str], int],
            size: int) -> Ints:
    """Fen for each of `size` enterprises, NOTHING where a datum is missing; 2^62 at the most."""
    match money:
        case Sum():
            found = _sum(money, columns, largest, size)
        case Step(rows=rows, otherwise=otherwise):
            found = np.full(size, NOTHING, np.int64)
            left = np.ones(size, bool)
            for node, inner in rows:
                worth = amounts(inner, columns, tests, largest, size)
                found = np.where(left & (tests[id(node)] == _MET), worth, found)
                left = left & (tests[id(node)] == _NOT)
            rest = amounts(otherwise, columns, tests, largest, size) if otherwise is not None \
                else np.zeros(size, np.int64)
            found = np.where(left, rest, found)
        case Pick(way=way, parts=parts):
            each = np.stack([amounts(part, columns, tests, largest, size) for part in parts])
            together = each.sum(axis=0) if way == "total" else (
                each.max(axis=0) if way == "highest" else each.min(axis=0))
            found = np.where((each == NOTHING).any(axis=0), NOTHING, together)
    known = found != NOTHING
    if money.floor is not None:
        found = np.where(known, np.maximum(found, money.floor), NOTHING)
    if money.cap is not None:
        found = np.where(known, np.minimum(found, money.cap), NOTHING)
    return found


def _sum(money: Sum, columns: Columns, largest: Callable[[str], int], size: int) -> Ints:
    bound = abs(money.constant)
    for names, factor in money.terms:
        part = abs(factor)
        for name in names:
            part *= max(largest(name), 1)
        bound += part
    fits = fits_64([2 * bound + money.denominator])
    total: Any = np.full(size, money.constant, np.int64 if fits else object)
    known = np.ones(size, bool)
    for names, factor in money.terms:
        term: Any = factor
        for name in names:
            held = columns(name)
            if held is None:
                return np.full(size, NOTHING, np.int64)
            known &= held != MISSING
            # A missing number is replaced, so that its product stays within the bound.
            held = np.where(held == MISSING, 0, held)
            term = term * (held if fits else held.astype(object))
        total = total + term
    rounded = np.minimum((2 * total + money.denominator) // (2 * money.denominator), _WIDE)
    return np.where(known, np.maximum(rounded, 0).astype(np.int64), NOTHING)
