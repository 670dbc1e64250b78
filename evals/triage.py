"""How well are petitions classified? On labelled messages, trained on FILE or as shipped.

FILE is JSONL of {title, text, label} or {tokens, label}. With --train the classifier that ships is
trained on those rows first; rows that are, or nearly are, measured ones are dropped and counted.
Where they are words between blanks, raw messages are cut by those same words. Without --train the
shipped classifier is used, its classes narrowed to the labels of FILE. Intervals are bootstrapped.

    python -m evals triage --labelled FILE [--train FILE] --json OUT
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cityllm.config import Settings
from cityllm.petitions.calibrate import softmax
from cityllm.petitions.linear import Weights
from cityllm.petitions.taxonomy import Taxonomy
from cityllm.petitions.training import Row, measures, read_rows, train
from evals.command import parser, write
from evals.machine import machine

DRAWS = 1000
TIMED = 2.0
"""Seconds for which all rows are classified again and again after the pass that is judged: what is
loaded and compiled once does not count."""


def interval(right: Sequence[str], said: Sequence[str], seed: int = 0) -> tuple[float, float]:
    """95 % interval of macro-F1, rows drawn again with replacement."""
    classes = sorted(set(right))
    truth = np.array([classes.index(one) for one in right])
    guess = np.array([classes.index(one) if one in classes else len(classes) for one in said])
    dice, found = np.random.default_rng(seed), []
    for _ in range(DRAWS):
        at = dice.integers(0, len(truth), len(truth))
        table = np.zeros((len(classes), len(classes) + 1))
        np.add.at(table, (truth[at], guess[at]), 1)
        hit = np.diag(table)
        sums = table.sum(axis=1) + table[:, :-1].sum(axis=0)
        found.append(float(np.mean(2 * hit / np.maximum(sums, 1))))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def measure(labelled: Path, trained_on: Path | None, settings: Settings) -> dict[str, Any]:
    """All figures."""
    rows, words = read_rows(labelled)
    tree = Taxonomy.load(settings.pack)
    weights = Weights.load(settings.weights / "triage" / "weights.npz")
    dropped, segmenter = 0, None
    if trained_on:
        ours, in_words = read_rows(trained_on)
        done = train(ours, weights, tree, words=in_words, tests=[row.text for row in rows],
                     progress=print)
        weights, segmenter = done.weights, None if words else done.segmenter
        dropped = int(done.report["dropped_as_test"])
    return {**_score(rows, weights, tree, segmenter), "dropped_from_train": dropped,
            "trained_on": trained_on.name if trained_on else None, "machine": machine()}


def _score(rows: Sequence[Row], weights: Weights, tree: Taxonomy, segmenter: Any) -> dict[str, Any]:
    right = [str(tree.find(row.label))[:2] for row in rows]
    heat, names = float(weights.facts["heat1"]), weights.heads["1"]
    columns = [names.index(code) for code in sorted(set(right))]

    def classify() -> Any:
        texts = [row.text for row in rows]
        if segmenter:
            texts = ["\n".join(segmenter.cut(part) for part in text.split("\n", 1))
                     for text in texts]
        return softmax(weights.scores_of(texts)[:, weights.columns("1")][:, columns] * heat)

    chances, passes, began = classify(), 0, time.perf_counter()
    while (took := time.perf_counter() - began) < TIMED:
        classify()
        passes += 1
    said = [names[columns[at]] for at in chances.argmax(axis=1)]
    found = measures(right, said, chances.max(axis=1), tree)
    low, high = interval(right, said)
    return {**found, "macro_f1_95": [low, high], "rows_per_s": passes * len(rows) / took}


def main(argv: list[str]) -> int:
    """Print the figures and write them to OUT."""
    options = parser("triage", __doc__, "labelled", maybe=("train",)).parse_args(argv)
    found = measure(options.labelled, options.train, Settings())
    write(options.json, found)
    for name in ("n", "accuracy", "macro_f1", "macro_f1_95", "coverage_at_2pct_risk", "ece",
                 "rows_per_s", "dropped_from_train"):
        print(f"{name:22} {found[name]}")
    return 0
