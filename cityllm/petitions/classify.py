"""Messages -> labels: category of three levels, department, kind, jurisdiction, risks.

The probability of a leaf is that of its class of level 1, times those of its branch and itself
among their sisters; each level has a temperature fitted on held-out data. A risk is reported where
the pack's rules or the classifier see it; danger to life by a rule alone only where the classifier
does not think it quite unlikely. Nothing here routes: `line.json` beside the weights says
above which confidence a row may go without a person (`null`: none may).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

import numpy as np
from numpy.typing import NDArray

from cityllm.petitions.calibrate import Line, softmax
from cityllm.petitions.features import Grams, grams
from cityllm.petitions.linear import Floats, Weights
from cityllm.petitions.record import Ground, Jurisdiction, Kind, Labels, Risk
from cityllm.petitions.risks import Rules
from cityllm.petitions.taxonomy import Duties, Taxonomy

CHUNK = 512


@dataclass(frozen=True)
class Chances:
    """Probabilities of rows by level (columns as in `codes`), kind and jurisdiction."""

    codes: dict[int, tuple[str, ...]]
    levels: dict[int, Floats]
    scores: Floats


class Classifier:
    """Weights, and the pack that gives names, departments and rules."""

    def __init__(self, weights: Weights, tree: Taxonomy, duties: Duties, rules: Rules,
                 line: Line | None = None) -> None:
        self.weights = weights
        self.tree = tree
        self.duties = duties
        self.rules = rules
        self.line = line or Line(None, 0, why="没有本地已标注的数据。 / No labelled local rows.")
        self.heat = {level: float(weights.facts.get(f"heat{level}", "4")) for level in (1, 2, 3)}
        self._codes = {level: weights.heads[str(level)] for level in (1, 2, 3)}
        self._floor = float(weights.facts.get("rule_life", "-inf"))
        self._doubt = float(weights.facts.get("doubt_discipline", "inf"))
        if weights.heads["risk"][0] != "life":
            raise ValueError("the head of risks begins with life")
        self.parent = {level: np.array([self._codes[level - 1].index(code[:2 * level - 2])
                                         for code in self._codes[level]]) for level in (2, 3)}

    @classmethod
    def load(cls, folder: Path, pack: Path) -> Classifier:
        """From `weights.npz` and `line.json` in `folder`. A pack with a classifier of its own (made
        by `cityllm triage train`) holds it in `petitions/classifier`, and that one is used."""
        own = pack / "petitions" / "classifier"
        if (own / "weights.npz").exists():
            folder = own
        weights = Weights.load(folder / "weights.npz")
        line = Line.load(folder / "line.json")
        return cls(weights, Taxonomy.load(pack), Duties.load(pack), Rules.load(pack), line)

    def chances(self, texts: Sequence[str], read: Grams | None = None) -> Chances:
        """Probabilities of every code for each text."""
        scores = self.weights.scores_of(texts, read)
        levels = {1: softmax(scores[:, self.weights.columns("1")] * self.heat[1])}
        for level in (2, 3):
            own = scores[:, self.weights.columns(str(level))] * self.heat[level]
            levels[level] = _among(own, self.parent[level], levels[level - 1])
        return Chances(self._codes, levels, scores)

    def labels(self, texts: Sequence[str], districts: Sequence[str] | None = None) -> list[Labels]:
        """One `Labels` a text; `districts` name the place where it is known."""
        found: list[Labels] = []
        for start in range(0, len(texts), CHUNK):
            part = texts[start:start + CHUNK]
            where = districts[start:start + CHUNK] if districts else [""] * len(part)
            found += self._chunk(part, where)
        return found

    def _chunk(self, texts: Sequence[str], districts: Sequence[str]) -> list[Labels]:
        read = grams(texts, words=self.weights.words)
        held = self.chances(texts, read)
        leaves, codes = held.levels[3], held.codes[3]
        best = np.argsort(-leaves, axis=1)[:, :3]
        kinds = self._best("kind", held.scores)
        places = [place if place != "petition" else self.duties.jurisdiction(codes[at])
                  for place, at in zip(self._best("jurisdiction", held.scores), best[:, 0],
                                       strict=True)]
        marks = held.scores[:, self.weights.columns("risk")]
        blame = held.scores[:, self.weights.columns("jurisdiction")][
            :, self.weights.heads["jurisdiction"].index("discipline")]
        found = []
        for row, text in enumerate(texts):
            code = codes[best[row, 0]]
            said = self.dangers(text, marks[row])
            sure = held.levels[self.line.level][
                row, held.codes[self.line.level].index(code[:2 * self.line.level])]
            found.append(Labels(
                self.tree.path(code), code, float(sure),
                [(codes[at], float(leaves[row, at])) for at in best[row]],
                self.duties.department(code, districts[row], text), cast(Kind, kinds[row]),
                tuple(name for name in get_args(Risk) if name in said),
                cast(Jurisdiction, places[row]), (), bool(blame[row] >= self._doubt)))
        return found

    def dangers(self, text: str, scores: Floats) -> dict[str, tuple[str, ...]]:
        """Risks, with the words of the rules that see them; `scores` are those of the head."""
        said = self.rules.found(text)
        if "life" in said and "self_harm" not in said and scores[0] < self._floor:
            del said["life"]
        for at, name in enumerate(self.weights.heads["risk"]):
            if scores[at] >= self.limit("risk", name):
                said.setdefault(name, ())
        if "self_harm" in said:
            said.setdefault("life", ())
        return said

    def grounds(self, texts: Sequence[str], labels: Sequence[Labels],
                districts: Sequence[str]) -> list[tuple[Ground, ...]]:
        """Why each of these labels was given to its text: of what `labels` gave, perhaps changed
        since by rules or by the language model."""
        from cityllm.petitions.grounds import grounds

        return grounds(self, texts, labels, districts)

    def _best(self, head: str, scores: Floats) -> list[str]:
        """The label whose score is furthest above its limit; the first label, the usual one, where
        none is above."""
        names = self.weights.heads[head]
        limits = [self.limit(head, name) for name in names[1:]]
        over = scores[:, self.weights.columns(head)][:, 1:] - np.array(limits, np.float32)
        return [names[1 + at] if over[row, at] > 0 else names[0]
                for row, at in enumerate(over.argmax(axis=1))]

    def limit(self, head: str, name: str) -> float:
        """The score from which a label of kind, jurisdiction or risk is given."""
        return float(self.weights.facts.get(f"{head}_{name}", "0"))


def _among(own: Floats, parent: NDArray[np.int64], above: Floats) -> Floats:
    """Each child's share among its sisters, times its parent's probability."""
    grown = np.exp(own - own.max(axis=1, keepdims=True))
    grown = np.maximum(grown, 1e-30)
    starts = np.flatnonzero(np.append(True, parent[1:] != parent[:-1]))
    total = np.add.reduceat(grown, starts, axis=1)
    return np.asarray(above[:, parent] * grown / total[:, np.cumsum(
        np.append(False, parent[1:] != parent[:-1]))], dtype=np.float32)
