"""Why each label was given: the words of a message with what they add to the score that decided.

Category: the log-odds of the leaf against the next one, as `Classifier.chances` gives them. Where
the two part above the last level, each is measured against its sisters, weighted by how likely they
are: log p = score - mean score of the sisters - their entropy, so that the sum stays exact, the
entropy being no word's. Kind, procedure and risk: by how much the score is above its limit, and
above the next best label's. What a rule decided has the rule's words and no sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from cityllm.petitions.linear import Floats
from cityllm.petitions.record import Ground, Labels, Named
from cityllm.petitions.shares import Doubles, Reading, places, shares, stretches, words
from cityllm.petitions.wrongdoing import is_secret

if TYPE_CHECKING:
    from cityllm.petitions.classify import Classifier

FOR, AGAINST = 4, 2
"""Stretches that are told of those that speak for a label, and against it."""
SMALL = 0.1
"""A stretch that adds less than this share of the strongest one, of the bias or of the score is
part of the rest."""


def grounds(clerk: Classifier, texts: Sequence[str], labels: Sequence[Labels],
            districts: Sequence[str]) -> list[tuple[Ground, ...]]:
    """The grounds of each row; none for a report whose words are withheld."""
    read = Reading.of(texts, clerk.weights)
    scores = clerk.weights.scores_of(texts, read.whole.found)
    return [() if is_secret(held) or not held.category_code
            else _Row(clerk, read, row, scores[row], held, districts[row]).told()
            for row, held in enumerate(labels)]


class _Row:
    """One message. What the classifier decided is gathered first, as columns of one product."""

    def __init__(self, clerk: Classifier, read: Reading, row: int, scores: Floats, labels: Labels,
                 district: str) -> None:
        self.clerk, self.labels, self.district = clerk, labels, district
        self.read, self.row, self.scores = read, row, scores
        self.text = read.texts[row]
        self._wanted: list[Floats] = []
        self._grounds: list[tuple[Ground, float, int]] = []

    def told(self) -> tuple[Ground, ...]:
        """Category, department, kind, procedure where it is another, and each risk."""
        self._category()
        self._department()
        self._choice("kind", self.labels.kind)
        if self.labels.jurisdiction != "petition":
            self._choice("jurisdiction", self.labels.jurisdiction)
        marks = self.scores[self.clerk.weights.columns("risk")]
        said = self.clerk.dangers(self.text, marks)
        for name in self.labels.risks:
            self._risk(name, said.get(name, ()))
        return tuple(self._summed())

    # --- what decided

    def _rule(self, ground: Ground) -> None:
        self._grounds.append((ground, 0.0, -1))

    def _scored(self, of: Named, label: str, against: str, wanted: Floats, fixed: float) -> None:
        """A label that is ahead by scores @ wanted + fixed."""
        ground = Ground(of, label, "classifier", against=against)
        self._grounds.append((ground, fixed, len(self._wanted)))
        self._wanted.append(wanted)

    def _category(self) -> None:
        code, rivals = self.labels.category_code, self.labels.alternatives
        if code != rivals[0][0]:
            self._rule(Ground("category", code, "model", against=rivals[0][0]))
            return
        wanted, fixed = np.zeros(len(self.scores), np.float32), 0.0
        against = rivals[1][0] if len(rivals) > 1 else ""
        for leaf, sign in ((code, 1.0), *([(against, -1.0)] if against else [])):
            for level in (1, 2, 3):
                fixed += sign * self._step(wanted, leaf, level, sign)
        self._scored("category", code, against, wanted, fixed)

    def _step(self, wanted: Floats, leaf: str, level: int, sign: float) -> float:
        """Adds the score of a code against its sisters'; gives what no word decides."""
        codes = self.clerk.weights.heads[str(level)]
        heat, own = self.clerk.heat[level], codes.index(leaf[:2 * level])
        first = self.clerk.weights.columns(str(level)).start
        wanted[first + own] += sign * heat
        if level == 1:
            among = np.arange(len(codes))
        else:
            parent = self.clerk.parent[level]
            among = np.flatnonzero(parent == parent[own])
        chance = _chances(self.scores[first + among].astype(np.float64) * heat)
        wanted[first + among] -= (sign * heat * chance).astype(np.float32)
        return float((chance * np.log(np.maximum(chance, 1e-300))).sum())

    def _department(self) -> None:
        if not self.labels.department:
            return
        duties, code = self.clerk.duties, self.labels.category_code
        word = duties.word(code, self.text)
        place = self.district if self.labels.department != duties.department(
            code, "", self.text) else ""
        told = tuple((one, 0.0) for one in (word, place) if one)
        self._rule(Ground("department", self.labels.department,
                          "words" if word else "place" if place else "category", told))

    def _choice(self, head: Literal["kind", "jurisdiction"], label: str) -> None:
        """Of kinds or procedures: the first one is given where no other is above its limit."""
        names = self.clerk.weights.heads[head]
        first = self.clerk.weights.columns(head).start
        limits = [0.0, *(self.clerk.limit(head, name) for name in names[1:])]
        margins = self.scores[first:first + len(names)] - np.array(limits, np.float32)
        margins[0] = 0.0
        order = [int(at) for at in np.argsort(-margins, kind="stable")]
        if names[order[0]] != label:
            self._rule(Ground(head, label, "office" if head == "kind" else "category"))
            return
        wanted, fixed = np.zeros(len(self.scores), np.float32), 0.0
        for at, sign in zip(order[:2], (1.0, -1.0), strict=True):
            if at:
                wanted[first + at] += sign
                fixed -= sign * limits[at]
        self._scored(head, label, names[order[1]], wanted, fixed)

    def _risk(self, name: str, said: tuple[str, ...]) -> None:
        head = self.clerk.weights.heads["risk"]
        column = self.clerk.weights.columns("risk").start + head.index(name)
        limit = self.clerk.limit("risk", name)
        if said:
            self._rule(Ground("risk", name, "words", tuple((one, 0.0) for one in said)))
        elif self.scores[column] >= limit:
            wanted = np.zeros(len(self.scores), np.float32)
            wanted[column] = 1.0
            self._scored("risk", name, "", wanted, -limit)
        else:
            self._rule(Ground("risk", name, "self_harm"))

    # --- with sums

    def _summed(self) -> list[Ground]:
        if not self._wanted:
            return [ground for ground, _, _ in self._grounds]
        weights, plain = self.clerk.weights, self.read.whole.found.plain[self.row]
        wanted = np.stack(self._wanted, axis=1)
        bias = weights.bias.astype(np.float64) @ wanted
        value = shares(weights, self.read, self.row, wanted)
        where = places(self.text, plain, words=weights.words)
        begins = words(weights, self.read, self.row, where) if where else None
        found = []
        for ground, fixed, at in self._grounds:
            if at >= 0:
                told = stretches(self.text, where, begins, value[at]) \
                    if where and begins is not None else {}
                ground = _with_sums(ground, told, float(value[at].sum()), float(bias[at]) + fixed)
            found.append(ground)
        return found


def _chances(scores: Doubles) -> Doubles:
    grown = np.exp(scores - scores.max())
    return np.asarray(grown / grown.sum())


def _with_sums(ground: Ground, told: dict[str, float], whole: float, bias: float) -> Ground:
    """With the strongest stretches; `whole` is what all of the text adds."""
    least = SMALL * max(abs(bias), abs(whole + bias), *map(abs, told.values()))
    said = [one for one in told.items() if abs(one[1]) >= least]
    kept = [one for one in said if one[1] > 0][:FOR] + [one for one in said if one[1] < 0][:AGAINST]
    kept = [(word, round(share, 3)) for word, share in kept]
    score, bias = round(whole + bias, 4), round(bias, 4)
    rest = round(score - bias - sum(share for _, share in kept), 4)
    return replace(ground, words=tuple(kept), score=score, bias=bias, rest=rest)
