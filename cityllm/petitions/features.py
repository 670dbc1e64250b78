"""Text -> hashed character 1- to 4-grams and words, for many rows at once, with numpy alone.

Rows are joined into one array of code points; a gram is a polynomial hash over a window of it, so
that no Python loop runs over characters. A gram never spans punctuation, white space or two rows.
Digits count as one character, letters as lower case, full-width forms as half-width.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BITS = 17
DIMS = 1 << BITS
GRAMS = (1, 2, 3, 4)
LONGEST = 600
"""Characters read of a message; the matter stands before that."""
_GAP = re.compile(r"[^0-9a-z\u3400-\u9fff]+")
_NUMBER = re.compile(r"\d+")
_PRIME = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)


@dataclass(frozen=True)
class Grams:
    """Occurrences in order of rows: `row` (G,), `code` (G,) the 32-bit hash, and where in
    `plain[row]` a gram starts and how long it is. `plain` are the texts as they were read."""

    row: NDArray[np.int32]
    code: NDArray[np.uint32]
    start: NDArray[np.int32]
    length: NDArray[np.int8]
    plain: list[str]

    @property
    def bucket(self) -> NDArray[np.int32]:
        """(G,) below `DIMS`."""
        return (self.code >> np.uint32(32 - BITS)).astype(np.int32)


@dataclass(frozen=True)
class Rows:
    """Distinct (row, bucket) pairs, sorted; `starts` (R + 1,) are the bounds of each row."""

    bucket: NDArray[np.int32]
    starts: NDArray[np.int64]


def plain(text: str, *, words: bool = False) -> str:
    """`text` as the hash reads it. Line breaks and blanks inside Chinese text are joined, unless
    blanks stand between `words`."""
    found = unicodedata.normalize("NFKC", text[:LONGEST]).lower()
    if not words:
        found = "".join(found.split())
    return _NUMBER.sub("0", _GAP.sub(" ", found)).strip()


def grams(texts: Sequence[str], *, words: bool = False) -> Grams:
    """All grams of `texts`; with `words` also each whole word and each pair of neighbours, blanks
    standing between words."""
    read = [plain(text, words=words) for text in texts]
    joined = " ".join(read) + " "
    codes = np.frombuffer(joined.encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    lengths = np.fromiter((len(one) + 1 for one in read), dtype=np.int64, count=len(read))
    first = np.concatenate([[0], np.cumsum(lengths)])[:-1]
    row_of = np.repeat(np.arange(len(read), dtype=np.int32), lengths)
    gap = np.flatnonzero(codes == 32)
    after = gap[np.searchsorted(gap, np.arange(len(codes)))] if len(gap) else gap
    parts = []
    rolling = np.zeros(len(codes), dtype=np.uint64)
    for size in range(1, max(GRAMS) + 1):
        shifted = codes[size - 1:]
        rolling = rolling[:len(shifted)] * _PRIME + shifted
        if size in GRAMS:
            at = np.flatnonzero(after[:len(shifted)] - np.arange(len(shifted)) >= size)
            parts.append((at, np.full(len(at), size, np.int64), _code(rolling[at], size)))
    if words:
        parts += _words(codes, gap, row_of)
    at = np.concatenate([part[0] for part in parts])
    row = row_of[at]
    order = np.argsort(row, kind="stable")
    sizes = np.concatenate([part[1] for part in parts])[order]
    return Grams(row[order], np.concatenate([part[2] for part in parts])[order],
                 (at - first[row])[order].astype(np.int32),
                 np.minimum(sizes, 127).astype(np.int8), read)


def distinct(found: Grams) -> Rows:
    """Each bucket once a row."""
    key = np.sort((found.row.astype(np.int64) << BITS) | found.bucket)
    if len(key):
        key = key[np.append(True, key[1:] != key[:-1])]
    starts = np.searchsorted(key, np.arange(len(found.plain) + 1, dtype=np.int64) << BITS)
    return Rows((key & (DIMS - 1)).astype(np.int32), starts)


def _words(codes: NDArray[np.uint64], gap: NDArray[np.int64], row_of: NDArray[np.int32],
           ) -> list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint32]]]:
    """Whole words between gaps, and pairs of neighbours in one row."""
    begin = np.concatenate([[0], gap[:-1] + 1])
    size = gap - begin
    begin, size = begin[size > 0], size[size > 0]
    if not len(begin):
        return []
    value = np.zeros(len(begin), dtype=np.uint64)
    for step in range(int(size.max())):
        live = size > step
        value[live] = value[live] * _PRIME + codes[begin[live] + step]
    one = (begin, size, _code(value, 101))
    same = row_of[begin[:-1]] == row_of[begin[1:]]
    pair = value[:-1] * _MIX + value[1:]
    two = (begin[:-1][same], (begin[1:] + size[1:] - begin[:-1])[same], _code(pair[same], 102))
    return [one, two]


def _code(value: NDArray[np.uint64], kind: int) -> NDArray[np.uint32]:
    mixed = (value + np.uint64(kind)) * _MIX
    mixed ^= mixed >> np.uint64(31)
    mixed *= _PRIME
    return (mixed >> np.uint64(32)).astype(np.uint32)
