"""BM25 over search terms: a bm25s index kept in a folder, read into memory as arrays.

Scores equal those of `bm25s.BM25.get_scores` (a test holds them equal); they are added up here
because the same pass over the postings also gives the share of the question that a clause covers.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

K1, B = 1.2, 0.75
Floats = NDArray[np.float32]


class Lexical:
    """An inverted index over N texts. Build it with `build`, or read one with `load`."""

    def __init__(self, vocabulary: dict[str, int], postings: dict[str, NDArray[Any]],
                 size: int) -> None:
        self.size = size
        self._vocabulary = vocabulary
        self._data = postings["data"]
        self._rows = postings["indices"]
        self._starts = postings["indptr"]
        held = np.diff(self._starts)
        self._idf = np.log(1 + (size - held + 0.5) / (held + 0.5)).astype(np.float32)

    @classmethod
    def build(cls, texts: Iterable[Sequence[str]]) -> Lexical:
        """Index texts given as terms; empty texts never match."""
        vocabulary: dict[str, int] = {}
        ids = [np.array([vocabulary.setdefault(term, len(vocabulary)) for term in text],
                        dtype=np.int32) for text in texts]
        return cls.of_ids(ids, vocabulary)

    @classmethod
    def of_ids(cls, texts: Sequence[NDArray[np.int32]], vocabulary: dict[str, int]) -> Lexical:
        """Index texts given as numbers of terms in `vocabulary`."""
        import bm25s

        if not vocabulary:
            empty: dict[str, NDArray[Any]] = {
                "data": np.zeros(0, np.float32), "indices": np.zeros(0, np.int32),
                     "indptr": np.zeros(1, np.int64)}
            return cls({}, empty, len(texts))
        index = bm25s.BM25(k1=K1, b=B, method="lucene", dtype="float32", int_dtype="int32")
        index.index((texts, vocabulary), show_progress=False, create_empty_token=False)
        return cls(vocabulary, index.scores, len(texts))

    def save(self, folder: Path) -> None:
        """Write the index as plain arrays (no pickle) and its vocabulary as JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, values in (("data", self._data), ("indices", self._rows),
                             ("indptr", self._starts)):
            np.save(folder / f"{name}.npy", values, allow_pickle=False)
        words = {"size": self.size, "terms": list(self._vocabulary)}
        (folder / "terms.json").write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Lexical:
        """Read what `save` wrote. Raises OSError or ValueError where it is damaged."""
        words = json.loads((folder / "terms.json").read_text(encoding="utf-8"))
        postings = {name: np.load(folder / f"{name}.npy", allow_pickle=False)
                    for name in ("data", "indices", "indptr")}
        if len(postings["data"]) != postings["indptr"][-1] or len(postings["data"]) != len(
                postings["indices"]) or len(postings["indptr"]) != len(words["terms"]) + 1:
            raise ValueError(f"{folder} is not whole")
        return cls({term: at for at, term in enumerate(words["terms"])}, postings, words["size"])

    def scores(self, query: Sequence[str]) -> tuple[Floats, Floats]:
        """(BM25 score, share of the query's idf found in the text), each of shape (size,).

        A term counts as often as the query holds it in the score, once in the share.
        """
        score = np.zeros(self.size, dtype=np.float32)
        share = np.zeros(self.size, dtype=np.float32)
        whole = 0.0
        for term, times in Counter(query).items():
            at = self._vocabulary.get(term)
            if at is None:
                continue
            part = slice(self._starts[at], self._starts[at + 1])
            rows = self._rows[part]
            score[rows] += self._data[part] * times
            share[rows] += self._idf[at]
            whole += float(self._idf[at])
        return score, share / max(whole, 1e-6)

    def totals(self) -> Floats:
        """(size,) idf of the terms of each text together, every term once."""
        each = np.repeat(self._idf, np.diff(self._starts))
        return np.bincount(self._rows, each, self.size).astype(np.float32)

    @property
    def top(self) -> float:
        """The idf of a term that one text holds: what an unknown term is worth at least."""
        return float(np.log(1 + (self.size - 0.5) / 1.5))

    def cover(self, query: Sequence[str], group: NDArray[np.int64], size: int,
              alive: NDArray[np.bool_]) -> Floats:
        """(size,) idf of the query's terms that the texts of a group, those `alive`, hold between
        them; `group` (self.size,) numbers the groups."""
        found = np.zeros(size, dtype=np.float32)
        for term in set(query):
            at = self._vocabulary.get(term)
            if at is not None:
                rows = self._rows[self._starts[at]:self._starts[at + 1]]
                held = np.zeros(size, dtype=np.bool_)
                held[group[rows[alive[rows]]]] = True
                found += self._idf[at] * held
        return found

    def weights(self, query: Sequence[str]) -> dict[str, float]:
        """The idf of the query's known terms: how much each tells."""
        found = {term: self._vocabulary.get(term) for term in set(query)}
        return {term: float(self._idf[at]) for term, at in found.items() if at is not None}
