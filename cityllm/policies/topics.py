"""Which policies a question is about, by rare words shared with their titles and benefits.

It only orders what is shown: no policy is met or missed by it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable

from cityllm.policies.policy import Policy

COMMON = 0.15
"""Words that stand in more than this share of the policies say nothing of a topic."""
NEAR = 0.5
"""Share of the best score from which on a policy is about the question too."""
ENOUGH = 6.0
"""Score below which a question is about no policy in particular: two rare words or so."""
_RUN = re.compile(r"[\u4e00-\u9fff]+|[a-z][a-z-]+")


def terms(text: str) -> set[str]:
    """Character pairs of Chinese runs, and English words of four letters or more."""
    found: set[str] = set()
    for run in _RUN.findall(text.lower()):
        if run[0] < "\u4e00":
            found |= {run.rstrip("s")} if len(run) > 3 else set()
        else:
            found |= {run[at:at + 2] for at in range(len(run) - 1)}
    return found


class Topics:
    """Weights of the words of a catalogue."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        held = {one.id: terms("\n".join(
            (one.title.zh, one.title.en, one.benefit.zh, one.benefit.en))) for one in policies}
        counts = Counter(term for words in held.values() for term in words)
        rare = {term: math.log(len(held) / n) for term, n in counts.items()
                if n <= max(1, COMMON * len(held))}
        self._words = {id_: {term: rare[term] for term in words if term in rare}
                       for id_, words in held.items()}

    def about(self, text: str) -> list[str]:
        """Policies that the text is about, the nearest first; none where it names no topic."""
        asked = terms(text)
        scores = {id_: sum(weight for term, weight in words.items() if term in asked)
                  for id_, words in self._words.items()}
        best = max(scores.values(), default=0.0)
        if best < ENOUGH:
            return []
        near = [id_ for id_, score in scores.items() if score >= max(ENOUGH, NEAR * best)]
        return sorted(near, key=lambda id_: -scores[id_])
