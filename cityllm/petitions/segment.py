"""Cut raw text into the words of a given list, the way segmented training rows are cut.

Where a city's rows come as words between blanks, without the words that say little, a raw message
has to be cut the same way. The words and how often they occur are taken from those rows themselves:
the likeliest sequence of known words wins, what is in no row is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log

LONGEST = 8
_UNKNOWN = -11.0


@dataclass(frozen=True)
class Segmenter:
    """`weights`: word -> logarithm of its share."""

    weights: Mapping[str, float]

    @classmethod
    def learn(cls, rows: Iterable[str]) -> Segmenter:
        """From rows of words between blanks; a word must occur twice."""
        seen = Counter(word for row in rows for word in row.split())
        held = {word: count for word, count in seen.items() if count > 1 and len(word) <= LONGEST}
        total = sum(held.values())
        return cls({word: log(count / total) for word, count in held.items()})

    def cut(self, text: str) -> str:
        """The known words of `text`, blanks between."""
        plain = "".join(text.split())
        best = [0.0] + [-1e18] * len(plain)
        back = [0] * (len(plain) + 1)
        for start in range(len(plain)):
            for end in range(start + 1, min(start + LONGEST, len(plain)) + 1):
                weight = self.weights.get(plain[start:end])
                if weight is None:
                    if end > start + 1:
                        continue
                    weight = _UNKNOWN
                if best[start] + weight > best[end]:
                    best[end], back[end] = best[start] + weight, start
        words, end = [], len(plain)
        while end:
            word = plain[back[end]:end]
            if word in self.weights:
                words.append(word)
            end = back[end]
        return " ".join(reversed(words))
