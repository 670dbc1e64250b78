"""What each character of a text adds to a linear score, and the stretches that add most.

A score of `Weights` is a sum over grams and term vectors once the text's own lengths are fixed, so
its parts are exact: each occurrence of a gram has its share, spread evenly over its characters, and
characters, bias and nothing else add up to the score (`tests/test_grounds.py`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityllm.petitions.features import GRAMS, LONGEST, Grams, grams
from cityllm.petitions.kernel import cut
from cityllm.petitions.linear import DENSE, TITLE, Floats, Weights, title_of

Doubles = NDArray[np.float64]
LEAST = 0.25
"""Words that add less than this share of the strongest one are in no stretch."""
WIDEST = 12
"""Characters of a stretch."""
_PIECE = re.compile(r"[0-9]+|[a-z\u3400-\u9fff]")
_ACROSS = re.compile(r"[0-9](?:\s*[0-9])*|[a-z\u3400-\u9fff]")
"""What is one character of the plain text; blanks are no gap where they part no words."""


class Part:
    """Grams, row by row."""

    def __init__(self, found: Grams) -> None:
        self.found = found
        self._bounds = np.searchsorted(found.row, np.arange(len(found.plain) + 1, dtype=np.int32))

    def row(self, at: int) -> Grams:
        """Those of one text."""
        part, found = slice(self._bounds[at], self._bounds[at + 1]), self.found
        return Grams(found.row[part], found.code[part], found.start[part], found.length[part],
                     [found.plain[at]])


@dataclass(frozen=True)
class Reading:
    """Texts, their grams and those of their titles, read once for any number of scores."""

    texts: Sequence[str]
    whole: Part
    lead: Part

    @classmethod
    def of(cls, texts: Sequence[str], weights: Weights) -> Reading:
        """Of texts whose first line is a title, or that have none."""
        titles = [title_of(text) for text in texts]
        return cls(texts, Part(grams(texts, words=weights.words)),
                   Part(grams(titles, words=weights.words)))


def shares(weights: Weights, read: Reading, row: int, wanted: Floats) -> Doubles:
    """(F, len(plain)): what each character of a row's plain text adds to the F scores that the
    columns of `wanted` (K, F) make of all K; their bias is `weights.bias @ wanted`."""
    whole = read.whole.row(row)
    dense = weights.dense @ wanted
    found = _of(weights, whole, wanted, dense)
    if not title_of(read.texts[row]):
        return found * (1 + TITLE)
    lead = read.lead.row(row)
    head = _of(weights, lead, wanted, dense) * TITLE
    if whole.plain[0].startswith(lead.plain[0]):
        found[:, :head.shape[1]] += head
    else:  # a title that reads otherwise within the whole
        found += head.sum(axis=1, keepdims=True) / max(1, found.shape[1])
    return found


def _of(weights: Weights, found: Grams, wanted: Floats, dense: Floats) -> Doubles:
    each = _of_grams(weights, found.bucket, wanted)
    short = np.flatnonzero(found.length <= 2)
    terms = weights.terms.found(found.code[short])
    held = short[terms >= 0]
    vectors = weights.terms.vectors[terms[terms >= 0]]
    norm = max(float(np.linalg.norm(vectors.sum(axis=0))), 1e-9) if len(held) else 1.0
    each[held] += (vectors @ dense).astype(np.float64) * (DENSE / norm)
    return _spread(each, found.start.astype(np.int64), found.length.astype(np.int64),
                   len(found.plain[0]))


def _of_grams(weights: Weights, bucket: NDArray[np.int32], wanted: Floats) -> Doubles:
    """(G, F): the share of each occurrence; a bucket that occurs n times gives each an n-th."""
    one, back, often = np.unique(bucket, return_inverse=True, return_counts=True)
    idf = weights.idf[one].astype(np.float64)
    value = idf / np.sqrt(max(float(idf @ idf), 1e-9)) / often
    added = weights.table[one] @ wanted
    return np.asarray((added * value[:, None])[back], dtype=np.float64)


def _spread(each: Doubles, start: NDArray[np.int64], length: NDArray[np.int64], size: int,
            ) -> Doubles:
    out = np.zeros((each.shape[1], size))
    for at in range(each.shape[1]):
        part = each[:, at] / length
        steps = np.bincount(start, part, size + 1) - np.bincount(start + length, part, size + 1)
        out[at] = np.cumsum(steps)[:size]
    return out


def places(text: str, plain: str, *, words: bool = False) -> list[tuple[int, int]] | None:
    """Where each character of `plain` stands in `text`, (-1, -1) for a gap; None where the two
    cannot be laid side by side (characters that join under NFKC)."""
    head = text[:LONGEST]
    read = unicodedata.normalize("NFKC", head).lower()
    origin: Sequence[int] = range(len(head))
    if len(read) != len(head):
        parts = [unicodedata.normalize("NFKC", sign).lower() for sign in head]
        read = "".join(parts)
        origin = [at for at, part in enumerate(parts) for _ in part]
    spans = [(origin[found.start()], origin[found.end() - 1] + 1)
             for found in (_PIECE if words else _ACROSS).finditer(read)]
    if len(spans) != len(plain) - plain.count(" "):
        return None
    rest = iter(spans)
    return [(-1, -1) if sign == " " else next(rest) for sign in plain]


def words(weights: Weights, read: Reading, row: int, where: Sequence[tuple[int, int]],
          ) -> NDArray[np.int64]:
    """Where the words of a row's plain text begin, and its length: the cheapest way to cut it, a
    gram costing the more the rarer it was in training. Longer ones have to be made of pairs that
    the embedder knows and that stand in one line without a blank. Nothing else is known of words,
    so some cuts are wrong. `where` is from `places`."""
    found = read.whole.row(row)
    start, length, size = found.start, found.length, len(found.plain[0])
    pairs = np.zeros(size + max(GRAMS), np.bool_)
    two = length == 2
    pairs[start[two]] = weights.terms.found(found.code[two]) >= 0
    lines = _lines(read.texts[row], where)
    pairs[:len(lines)] &= ~lines
    known = length <= max(GRAMS)
    for step in range(max(GRAMS) - 1):
        known &= (length <= step + 1) | pairs[start + step]
    cost = np.full((size, max(GRAMS)), np.inf, np.float32)
    cost[start[known], length[known] - 1] = (
        weights.idf[found.bucket[known]] + length[known])
    return cut(cost)


def stretches(text: str, where: Sequence[tuple[int, int]], begins: NDArray[np.int64],
              value: Doubles) -> dict[str, float]:
    """Stretches of `text` that add most, up or down -> what their characters add, all occurrences
    together; the strongest first, none of one character. `where` and `value` are of the plain
    text's characters, `begins` is where its words begin: neighbours of one sign are one stretch."""
    sums = np.add.reduceat(value, begins[:-1]) if len(begins) > 1 else value[:0]
    least = LEAST * float(np.abs(sums).max(initial=0.0))
    new = _lines(text, where)
    found: dict[str, float] = {}
    at = 0
    while least > 0 and at < len(sums):
        end = at + 1
        if abs(sums[at]) >= least and where[begins[at]][0] >= 0:
            while end < len(sums) and begins[end + 1] - begins[at] <= WIDEST \
                    and sums[end] * np.sign(sums[at]) >= least \
                    and where[begins[end]][0] >= 0 and not new[begins[end] - 1]:
                end += 1
            piece = text[where[begins[at]][0]:where[begins[end] - 1][1]]
            if len(piece) > 1:
                found[piece] = found.get(piece, 0.0) + float(sums[at:end].sum())
        at = end
    return dict(sorted(found.items(), key=lambda one: (-abs(one[1]), one[0])))


def _lines(text: str, where: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    """(len(where) - 1,): whether a new line or a blank comes after each character: both stand for
    punctuation, also where the plain text joins what they part."""
    ends = np.array([at for at, sign in enumerate(text[:LONGEST]) if sign.isspace()])
    first = np.array([one[0] for one in where], np.int64)
    line = np.searchsorted(ends, first)
    return np.asarray((line[1:] != line[:-1]) & (first[1:] >= 0) & (first[:-1] >= 0))
