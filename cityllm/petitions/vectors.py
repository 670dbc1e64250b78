"""Texts -> sparse unit vectors that say which texts speak of the same thing (TF-IDF).

Features are hashed runs of 2 to 4 characters (`features.grams`), so that no word list decides; a
run counts by the logarithm of how often it stands there, and less the more texts hold it. Marks of
masking count for nothing. Digits are one and the same, so that two addresses look alike: where they
matter, they are compared apart (`places`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cityllm.petitions.duplicates import MARK
from cityllm.petitions.features import DIMS, grams

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SHORTEST = 2
"""Characters of the shortest run that counts."""


@dataclass(frozen=True)
class Space:
    """The weight of each feature, (DIMS,) float32, as `count` texts hold it."""

    idf: NDArray[np.float32]
    count: int

    @classmethod
    def of(cls, counted: csr_matrix) -> Space:
        """From a matrix of `counts`."""
        held = np.bincount(counted.indices, minlength=DIMS)
        rare = np.log((1 + counted.shape[0]) / (1 + held)) + 1
        return cls(rare.astype(np.float32), counted.shape[0])

    def place(self, counted: csr_matrix) -> csr_matrix:
        """(N, DIMS) rows of length 1, or of zeros for a text without a feature."""
        from scipy.sparse import csr_matrix

        data = (1 + np.log(counted.data)) * self.idf[counted.indices]
        sizes = np.sqrt(np.bincount(_rows_of(counted), data * data, counted.shape[0]))
        data /= np.maximum(sizes, 1e-9)[_rows_of(counted)]
        return csr_matrix((data.astype(np.float32), counted.indices, counted.indptr),
                          shape=counted.shape)


def counts(texts: Sequence[str]) -> csr_matrix:
    """(N, DIMS): how often each feature stands in each text."""
    from scipy.sparse import csr_matrix

    found = grams([MARK.sub(" ", text) for text in texts])
    kept = found.length >= SHORTEST
    ones = np.ones(int(kept.sum()), np.float32)
    made = csr_matrix((ones, (found.row[kept], found.bucket[kept])), shape=(len(texts), DIMS))
    made.sum_duplicates()
    return made


def _rows_of(matrix: csr_matrix) -> NDArray[np.int64]:
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
