"""Sparse rows times a sparse table into a dense block, compiled by numba.

scipy's product of two sparse matrices first counts, then links what it finds; where nearly every
column gets a value that is most of the time. The sums run in the same order, so the values are the
same to the last bit (`tests/test_classify.py` compares them with scipy's).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix


def _add(starts: Any, found: Any, value: Any, first: Any, column: Any, weight: Any, out: Any,
         ) -> None:
    for row in range(len(starts) - 1):
        for at in range(starts[row], starts[row + 1]):
            factor = value[at]
            for one in range(first[found[at]], first[found[at] + 1]):
                out[row, column[one]] += factor * weight[one]


def _cut(cost: Any, best: Any, back: Any) -> None:
    for end in range(1, len(best)):
        for size in range(1, min(end, cost.shape[1]) + 1):
            total = best[end - size] + cost[end - size, size - 1]
            if size == 1 and cost[end - 1, 0] == np.inf:
                total = best[end - 1]
            if total < best[end]:
                best[end] = total
                back[end] = end - size


@cache
def _compiled(loop: Any = _add) -> Any:
    from numba import njit

    return njit(cache=True, nogil=True)(loop)


def product(rows: csr_matrix, table: csr_matrix) -> NDArray[np.float32]:
    """(R, K) dense, of float32 `rows` (R, D) and `table` (D, K)."""
    out = np.zeros((rows.shape[0], table.shape[1]), np.float32)
    _compiled()(rows.indptr, rows.indices, rows.data, table.indptr, table.indices, table.data, out)
    return out


def cut(cost: NDArray[np.float32]) -> NDArray[np.int64]:
    """The cheapest way to cut N characters into pieces: where each begins, and N at the end.
    `cost` (N, sizes) is of the piece of 1, 2, … characters from each on, infinite for none; a
    character that is no piece costs nothing alone."""
    best = np.full(len(cost) + 1, np.inf, np.float64)
    best[0] = 0
    back = np.zeros(len(cost) + 1, np.int64)
    _compiled(_cut)(cost, best, back)
    found = [len(cost)]
    while found[-1]:
        found.append(int(back[found[-1]]))
    return np.array(found[::-1], np.int64)
