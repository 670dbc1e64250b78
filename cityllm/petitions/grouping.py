"""Messages -> groups that speak of one issue, also in quite other words.

Pairs of similar messages are taken from the most similar down, and their groups joined while the
mean similarity of all pairs between the two groups stays above a bar. The bar is lower where both
name the same place, higher where they name different ones, and much higher within the messages of
one writer, whose habits of wording look like a common matter. The bar was chosen on one half of the
pairs labelled by hand and measured on the other (`evals/issues.py`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cityllm.petitions.duplicates import places_in
from cityllm.petitions.vectors import Space, counts

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

BAR = 0.09
"""Mean similarity of two groups from which on they are one issue."""
HERE, APART, OWN = 0.7, 1.5, 2.5
"""Times the bar: with a place in common; with different places; of the same writer."""
RELATED = 0.3
"""Similarity of the sums of two groups from which on they are one issue, unless their places differ
or one person wrote both: a matter of the whole city is told in many ways. Of the labelled pairs
none changes by it."""
COMMON = 0.25
"""Share of a group's messages that name a place from which on it is the group's."""
RARE = 0.02
"""Features that more than this share of a large input holds find no pairs."""
FEW = 5000
"""Messages up to which all features find pairs."""
_CHUNK = 2000
_LINE = re.compile(r"(?<![A-Za-z0-9])([A-Za-z]?\d{1,4})(?:路公交|路车|路(?=[公车早晚])|号线|公交)")


@dataclass(frozen=True)
class Message:
    """What is compared of one message. `person`: who wrote it, empty where not known."""

    title: str
    text: str
    person: str = ""
    place: str = ""

    @property
    def weighed(self) -> str:
        """The title twice, since it names the matter, and the text."""
        return f"{self.title}\n{self.title}\n{self.text}"

    @property
    def places(self) -> frozenset[str]:
        """Estates, roads, schools, and bus and metro lines, of the title and the beginning."""
        said = f"{self.title}\n{self.text[:300]}"
        return places_in(said, self.place) | {f"{one[1]}#" for one in _LINE.finditer(said)}


def group(messages: Sequence[Message], bar: float = BAR) -> NDArray[np.int64]:
    """The group of each message, as the number of one of its messages."""
    if not messages:
        return np.empty(0, np.int64)
    counted = counts([one.weighed for one in messages])
    space = Space.of(counted)
    placed = space.place(counted)
    groups = _Groups(placed, messages)
    for first, second, alike in zip(*_pairs(placed, bar * HERE), strict=True):
        groups.join(int(first), int(second), float(alike), bar)
    groups.relate()
    return np.array([groups.of(n) for n in range(len(messages))])


def _pairs(placed: csr_matrix, low: float) -> tuple[NDArray[np.int64], NDArray[np.int64],
                                                    NDArray[np.float32]]:
    """Pairs at least `low` similar, the most similar first. Of a large input, pairs are looked for
    by the rarer features alone, and then measured by all."""
    count = placed.shape[0]
    seeking = placed
    if count > FEW:
        held = np.bincount(placed.indices, minlength=placed.shape[1])
        seeking = placed.multiply((held <= RARE * count).astype(np.float32)).tocsr()
        seeking.eliminate_zeros()
    first, second, alike = [], [], []
    turned = seeking.T.tocsc()
    for start in range(0, count, _CHUNK):
        near = (seeking[start:start + _CHUNK] @ turned).tocoo()
        row = near.row.astype(np.int64) + start
        keep = (row < near.col) & (near.data >= (low if seeking is placed else low / 2))
        left, right, score = row[keep], near.col[keep].astype(np.int64), near.data[keep]
        if seeking is not placed and len(left):
            score = np.asarray(placed[left].multiply(placed[right]).sum(axis=1)).ravel()
            keep = score >= low
            left, right, score = left[keep], right[keep], score[keep]
        first.append(left)
        second.append(right)
        alike.append(score)
    scores = np.concatenate(alike)
    order = np.argsort(-scores, kind="stable")
    return np.concatenate(first)[order], np.concatenate(second)[order], scores[order]


class _Groups:
    """A forest of groups, each with the sum of its vectors, its places and its writers."""

    def __init__(self, placed: csr_matrix, messages: Sequence[Message]) -> None:
        self._placed = placed
        self._parent = list(range(len(messages)))
        self._size = [1] * len(messages)
        self._sum: dict[int, csr_matrix] = {}
        self._places = [Counter(one.places) for one in messages]
        self._people = [Counter([one.person] if one.person else []) for one in messages]

    def of(self, n: int) -> int:
        """The message that stands for the group."""
        while self._parent[n] != n:
            self._parent[n] = self._parent[self._parent[n]]
            n = self._parent[n]
        return n

    def join(self, first: int, second: int, alike: float, bar: float) -> None:
        """Make one of the groups of two messages if their mean similarity reaches the bar."""
        a, b = self.of(first), self.of(second)
        if a == b:
            return
        if self._size[a] < self._size[b]:
            a, b = b, a
        both = self._size[a] * self._size[b]
        if both > 1:
            alike = float(self._total(a).multiply(self._total(b)).sum()) / both
        if alike >= bar * self._factor(a, b):
            self._merge(a, b)

    def relate(self) -> None:
        """Join groups of two or more whose sums are alike, the most alike first."""
        from scipy.sparse import vstack

        heads = [n for n, parent in enumerate(self._parent) if n == parent and self._size[n] > 1]
        if len(heads) < 2:
            return
        sums = vstack([self._total(n) for n in heads]).tocsr()
        length = np.sqrt(np.asarray(sums.multiply(sums).sum(axis=1)).ravel())
        near = (sums @ sums.T).tocoo()
        alike = near.data / (length[near.row] * length[near.col])
        keep = (near.row < near.col) & (alike >= RELATED)
        rows, columns, alike = near.row[keep], near.col[keep], alike[keep]
        for at in np.argsort(-alike, kind="stable"):
            a, b = self.of(heads[rows[at]]), self.of(heads[columns[at]])
            if a != b and self._factor(a, b) <= 1:
                self._merge(*((a, b) if self._size[a] >= self._size[b] else (b, a)))

    def _merge(self, a: int, b: int) -> None:
        """Put group `b` into `a`."""
        self._sum[a] = self._total(a) + self._total(b)
        self._sum.pop(b, None)
        self._parent[b] = a
        self._size[a] += self._size[b]
        self._places[a].update(self._places[b])
        self._people[a].update(self._people[b])

    def _factor(self, a: int, b: int) -> float:
        writer = self._writer(a)
        own = bool(writer) and writer == self._writer(b)
        here, there = self._common(a), self._common(b)
        if here & there:
            return OWN if own else HERE
        return (APART if here and there else 1.0) * (OWN if own else 1.0)

    def _total(self, n: int) -> csr_matrix:
        return self._sum[n] if n in self._sum else self._placed[n]

    def _common(self, n: int) -> set[str]:
        return {place for place, held in self._places[n].items()
                if held >= COMMON * self._size[n]}

    def _writer(self, n: int) -> str:
        """Who wrote at least half of the group; empty where nobody did."""
        who, held = next(iter(self._people[n].most_common(1)), ("", 0))
        return who if 2 * held >= self._size[n] else ""
