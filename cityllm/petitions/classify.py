"""Messages -> labels: category of three levels, department, kind, jurisdiction, risks, reasons.

The probability of a leaf is that of its class of level 1, times those of its branch and itself
among their sisters; each level has a temperature fitted on held-out data. A risk is reported where
the pack's rules or the classifier see it; danger to life by a rule alone only where the classifier
does not think it quite unlikely. Nothing here routes: `line.json` beside the weights says
above which confidence a row may go without a person (`null`: none may).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import cast, get_args

import numpy as np
from numpy.typing import NDArray

from cityllm.petitions.calibrate import Line, softmax
from cityllm.petitions.features import BITS, Grams, grams
from cityllm.petitions.linear import Floats, Weights
from cityllm.petitions.record import Jurisdiction, Kind, Labels, Risk
from cityllm.petitions.risks import Rules
from cityllm.petitions.taxonomy import Duties, Taxonomy

CHUNK = 512
REASONS = 4
_LONGEST_REASON = 8


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
        self._heat = {level: float(weights.facts.get(f"heat{level}", "4")) for level in (1, 2, 3)}
        self._codes = {level: weights.heads[str(level)] for level in (1, 2, 3)}
        self._floor = float(weights.facts.get("rule_life", "-inf"))
        self._doubt = float(weights.facts.get("doubt_discipline", "inf"))
        if weights.heads["risk"][0] != "life":
            raise ValueError("the head of risks begins with life")
        self._top = weights.table[:, weights.columns("1")].toarray()
        leaf = weights.table[:, weights.columns("3")].tocsc()
        leaf.sort_indices()
        column = np.repeat(np.arange(leaf.shape[1], dtype=np.int64), np.diff(leaf.indptr))
        self._leaf_keys = np.append((column << BITS) | leaf.indices, -1 << 62)[
            :max(1, leaf.nnz)]
        self._leaf_weights = np.append(leaf.data, np.float32(0))[:max(1, leaf.nnz)]
        self._parent = {level: np.array([self._codes[level - 1].index(code[:2 * level - 2])
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
        levels = {1: softmax(scores[:, self.weights.columns("1")] * self._heat[1])}
        for level in (2, 3):
            own = scores[:, self.weights.columns(str(level))] * self._heat[level]
            levels[level] = _among(own, self._parent[level], levels[level - 1])
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
        why = self._reasons(read, [codes[at] for at in best[:, 0]], held)
        found = []
        for row, text in enumerate(texts):
            code = codes[best[row, 0]]
            said = self.rules.found(text)
            if "life" in said and "self_harm" not in said and marks[row, 0] < self._floor:
                del said["life"]
            for at, name in enumerate(self.weights.heads["risk"]):
                if marks[row, at] >= self._limit("risk", name):
                    said.setdefault(name, ())
            if "self_harm" in said:
                said.setdefault("life", ())
            sure = held.levels[self.line.level][
                row, held.codes[self.line.level].index(code[:2 * self.line.level])]
            heard = [one for words in said.values() for one in words]
            reasons = tuple(dict.fromkeys((*why[row], *heard)))
            found.append(Labels(
                self.tree.path(code), code, float(sure),
                [(codes[at], float(leaves[row, at])) for at in best[row]],
                self.duties.department(code, districts[row], text), cast(Kind, kinds[row]),
                tuple(name for name in get_args(Risk) if name in said),
                cast(Jurisdiction, places[row]), reasons, bool(blame[row] >= self._doubt)))
        return found

    def _best(self, head: str, scores: Floats) -> list[str]:
        """The label whose score is furthest above its limit; the first label, the usual one, where
        none is above."""
        names = self.weights.heads[head]
        limits = [self._limit(head, name) for name in names[1:]]
        over = scores[:, self.weights.columns(head)][:, 1:] - np.array(limits, np.float32)
        return [names[1 + at] if over[row, at] > 0 else names[0]
                for row, at in enumerate(over.argmax(axis=1))]

    def _limit(self, head: str, name: str) -> float:
        return float(self.weights.facts.get(f"{head}_{name}", "0"))

    def _reasons(self, read: Grams, codes: Sequence[str], held: Chances) -> list[tuple[str, ...]]:
        """The words whose grams speak most for the class of level 1 and for the leaf."""
        some = np.flatnonzero((read.length > 1) & (read.length < 4))
        row, bucket = read.row[some], read.bucket[some]
        tops = np.array([held.codes[1].index(code[:2]) for code in codes])
        leaves = np.array([held.codes[3].index(code) for code in codes], dtype=np.int64)
        weight = self._top[bucket, tops[row]]
        key = (leaves[row] << BITS) | bucket
        at = np.minimum(np.searchsorted(self._leaf_keys, key), len(self._leaf_keys) - 1)
        weight = weight + np.where(self._leaf_keys[at] == key, self._leaf_weights[at], 0)
        speaks = np.flatnonzero(weight > 0)
        some, row, weight = some[speaks], row[speaks], weight[speaks] * self.weights.idf[
            bucket[speaks]]
        bounds = np.searchsorted(row, np.arange(len(read.plain) + 1))
        return [_strongest(read.plain[one], read.start[some[a:b]], read.length[some[a:b]],
                           weight[a:b])
                for one, (a, b) in enumerate(pairwise(bounds))]


def _among(own: Floats, parent: NDArray[np.int64], above: Floats) -> Floats:
    """Each child's share among its sisters, times its parent's probability."""
    grown = np.exp(own - own.max(axis=1, keepdims=True))
    grown = np.maximum(grown, 1e-30)
    starts = np.flatnonzero(np.append(True, parent[1:] != parent[:-1]))
    total = np.add.reduceat(grown, starts, axis=1)
    return np.asarray(above[:, parent] * grown / total[:, np.cumsum(
        np.append(False, parent[1:] != parent[:-1]))], dtype=np.float32)


def _strongest(text: str, start: NDArray[np.int32], length: NDArray[np.int8], weight: Floats,
               ) -> tuple[str, ...]:
    """Up to `REASONS` stretches of the text; grams that overlap are one stretch."""
    spans: list[list[int]] = []
    for at in np.argsort(-weight)[:12].tolist():
        a, b = int(start[at]), int(start[at]) + int(length[at])
        for span in spans:
            if a < span[1] and b > span[0]:
                if max(b, span[1]) - min(a, span[0]) <= _LONGEST_REASON:
                    span[0], span[1] = min(a, span[0]), max(b, span[1])
                break
        else:
            if len(spans) < REASONS:
                spans.append([a, b])
    return tuple(dict.fromkeys(text[a:b] for a, b in spans))
