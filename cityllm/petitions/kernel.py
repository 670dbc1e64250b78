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


@cache
def _compiled() -> Any:
    from numba import njit

    return njit(cache=True, nogil=True)(_add)


def product(rows: csr_matrix, table: csr_matrix) -> NDArray[np.float32]:
    """(R, K) dense, of float32 `rows` (R, D) and `table` (D, K)."""
    out = np.zeros((rows.shape[0], table.shape[1]), np.float32)
    _compiled()(rows.indptr, rows.indices, rows.data, table.indptr, table.indices, table.data, out)
    return out
