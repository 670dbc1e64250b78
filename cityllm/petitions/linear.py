"""Linear scores of texts for many labels: hashed grams and the mean of term vectors.

score = x·W + e·H + b: `x` are the text's distinct grams, weighted by rarity and of length 1; `e` is
the mean of the vectors of its single characters and pairs, of length 1, from a copy of the bundled
embedder with fewer dimensions. A title counts `TITLE` times more than the rest. `W` holds only the
weights that matter. The file is a plain `.npz` (no pickle); numpy and scipy read it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix

from cityllm.errors import ModelUnavailable
from cityllm.petitions.features import DIMS, Grams, distinct, grams
from cityllm.petitions.kernel import product

Floats = NDArray[np.float32]
TITLE = 0.6
LONGEST_TITLE = 60
_PLACE_BITS = 21
DENSE = 0.5
"""Weight of the term vectors beside the grams."""


@dataclass(frozen=True)
class Terms:
    """Vectors (V, d) of terms of one and two characters; `codes` (V,) are their hashes, sorted."""

    codes: NDArray[np.uint32]
    vectors: Floats

    @classmethod
    def of(cls, terms: Sequence[str], vectors: Floats) -> Terms:
        """From terms of one or two Chinese characters; others are left out."""
        short = [at for at, term in enumerate(terms) if len(term) <= 2 and min(term) >= "\u3400"]
        found = grams([terms[at] for at in short])
        last = np.flatnonzero(np.append(found.row[1:] != found.row[:-1], True))
        order = np.argsort(found.code[last])
        return cls(found.code[last][order], vectors[np.array(short)][order])

    @cached_property
    def _places(self) -> NDArray[np.int32]:
        """Leading bits of a hash -> where it may stand; of two that share them one is unknown."""
        found = np.zeros(1 << _PLACE_BITS, dtype=np.int32)
        found[self.codes >> np.uint32(32 - _PLACE_BITS)] = np.arange(len(self.codes))
        return found

    def found(self, code: NDArray[np.uint32]) -> NDArray[np.int32]:
        """Where the terms of these hashes stand; -1 for one that is not held."""
        at = self._places[code >> np.uint32(32 - _PLACE_BITS)]
        return np.where(self.codes[at] == code, at, np.int32(-1))

    def means(self, found: Grams) -> Floats:
        """(R, d) of length 1; zeros where a text has no known term."""
        short = found.length <= 2
        row, at = found.row[short], self.found(found.code[short])
        held = at >= 0
        ones = np.ones(int(held.sum()), np.float32)
        counts = csr_matrix((ones, (row[held], at[held])),
                            shape=(len(found.plain), len(self.codes)))
        total = np.asarray(counts @ self.vectors, dtype=np.float32)
        length = np.linalg.norm(total, axis=1, keepdims=True)
        return np.asarray(total / np.maximum(length, 1e-9), dtype=np.float32)


@dataclass(frozen=True)
class Features:
    """`x` (R, DIMS) sparse, `e` (R, d)."""

    x: csr_matrix
    e: Floats

    def __getitem__(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Features:
        return Features(self.x[rows], self.e[rows])

    def joined(self) -> csr_matrix:
        """(R, DIMS + d): what a head is fitted on."""
        from scipy.sparse import hstack

        return csr_matrix(hstack([self.x, csr_matrix(self.e)]))


@dataclass(frozen=True)
class Weights:
    """`heads`: name -> its labels; the columns of `table` (DIMS, K), `dense` (d, K) and `bias` (K,)
    stand in that order. `words`: texts are words between blanks. `facts` are plain strings."""

    idf: Floats
    terms: Terms
    table: csr_matrix
    dense: Floats
    bias: Floats
    heads: Mapping[str, tuple[str, ...]]
    words: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)

    def columns(self, head: str) -> slice:
        """Where the scores of `head` stand."""
        first = 0
        for name, labels in self.heads.items():
            if name == head:
                return slice(first, first + len(labels))
            first += len(labels)
        raise KeyError(head)

    def features(self, texts: Sequence[str]) -> Features:
        """Of texts whose first line is a title, or that have none."""
        whole, lead, share = self._parts(texts, None)
        factor = csr_matrix((share, (np.arange(len(texts)), np.arange(len(texts)))))
        return Features(csr_matrix(factor @ whole.x + TITLE * lead.x),
                        share[:, None] * whole.e + np.float32(TITLE) * lead.e)

    def scores(self, found: Features) -> Floats:
        """(R, K)."""
        return np.asarray(self._product(found) + self.bias, dtype=np.float32)

    def scores_of(self, texts: Sequence[str], read: Grams | None = None) -> Floats:
        """The same as `scores(features(texts))`, faster. `read`: their grams, if already made."""
        whole, lead, share = self._parts(texts, read)
        return np.asarray(share[:, None] * self._product(whole)
                          + np.float32(TITLE) * self._product(lead) + self.bias, dtype=np.float32)

    def _parts(self, texts: Sequence[str], read: Grams | None) -> tuple[Features, Features, Floats]:
        """Whole texts, their titles, how much the whole counts: more where there is no title."""
        titles = [title_of(text) for text in texts]
        whole = self._plain(grams(texts, words=self.words) if read is None else read)
        lead = self._plain(grams(titles, words=self.words))
        return whole, lead, np.array([1.0 if one else 1 + TITLE for one in titles], np.float32)

    def _product(self, found: Features) -> Floats:
        return np.asarray(product(found.x, self.table) + found.e @ self.dense, dtype=np.float32)

    def _plain(self, found: Grams) -> Features:
        rows = distinct(found)
        weight = self.idf[rows.bucket]
        x = csr_matrix((weight, rows.bucket, rows.starts), shape=(len(found.plain), DIMS))
        lengths = np.sqrt(np.maximum(np.add.reduceat(
            np.append(weight * weight, 0), np.minimum(rows.starts[:-1], len(weight))), 1e-9))
        x.data = weight / np.repeat(lengths, np.diff(rows.starts)).astype(np.float32)
        return Features(x, np.float32(DENSE) * self.terms.means(found))

    def save(self, path: Path) -> None:
        """Write `path`; weights are kept to 8 bits, a scale a column."""
        table = csc_matrix(self.table)
        table.sort_indices()
        scale = np.array([np.abs(table.data[a:b]).max() if b > a else 1.0
                          for a, b in zip(table.indptr, table.indptr[1:], strict=False)]) / 127
        data = np.rint(table.data / np.repeat(scale, np.diff(table.indptr))).astype(np.int8)
        spread = np.abs(self.terms.vectors).max(axis=0) / 127
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(
            path, idf=self.idf.astype(np.float16), codes=self.terms.codes,
            vectors=np.rint(self.terms.vectors / spread).astype(np.int8),
            spread=spread.astype(np.float32), data=data, scale=scale.astype(np.float32),
            indices=table.indices.astype(np.uint32), indptr=table.indptr.astype(np.uint32),
            dense=self.dense.astype(np.float16), bias=self.bias.astype(np.float32),
            heads=np.array([f"{name}\t{label}" for name, labels in self.heads.items()
                            for label in labels]),
            facts=np.array([f"{name}\t{value}" for name, value in self.facts.items()]),
            words=np.array(self.words))

    @classmethod
    def load(cls, path: Path) -> Weights:
        """Raises ModelUnavailable where `path` is missing or damaged."""
        try:
            with np.load(path, allow_pickle=False) as held:
                heads: dict[str, tuple[str, ...]] = {}
                for line in held["heads"]:
                    name, label = str(line).split("\t")
                    heads[name] = (*heads.get(name, ()), label)
                indptr = held["indptr"].astype(np.int64)
                data = held["data"].astype(np.float32) * np.repeat(held["scale"], np.diff(indptr))
                table = csr_matrix(csc_matrix(
                    (data, held["indices"].astype(np.int64), indptr),
                    shape=(DIMS, len(indptr) - 1)))
                found = cls(
                    held["idf"].astype(np.float32),
                    Terms(held["codes"], held["vectors"].astype(np.float32) * held["spread"]),
                    table, held["dense"].astype(np.float32), held["bias"].astype(np.float32),
                    heads, bool(held["words"]),
                    dict(str(line).split("\t", 1) for line in held["facts"]))
            width = sum(len(labels) for labels in heads.values())
            if found.bias.shape != (width,) or found.dense.shape[1] != width \
                    or found.idf.shape != (DIMS,) or table.shape[1] != width:
                raise ValueError("the arrays differ in length")
        except Exception as problem:
            raise ModelUnavailable(
                f"信访分类器 {path} 读不了：{problem}。请从仓库恢复，或运行 python -m finetune.triage 重做。",
                f"The petition classifier {path} cannot be read: {problem}. Restore it from the "
                "repository, or make it again with python -m finetune.triage.") from None
        return found


def title_of(text: str) -> str:
    """The first line, where others follow and it is short; else empty."""
    head, split, rest = text.partition("\n")
    return head if split and rest.strip() and len(head) <= LONGEST_TITLE else ""
