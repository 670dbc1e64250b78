"""Risk against coverage, in and out of distribution: how much may be trusted, and where.

Two classifiers of level 1. The one that ships: on our own gold, and on real messages of FILE. One
trained on rows of --train: on folds of them held out, and on FILE. Most certain rows come first.

    python -m evals triage_curves --labelled FILE --train FILE --image PNG --json OUT
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cityllm.config import Settings
from cityllm.petitions.calibrate import MAX_RISK, coverage, coverage_at, line, softmax
from cityllm.petitions.linear import Weights
from cityllm.petitions.taxonomy import Taxonomy
from cityllm.petitions.training import read_rows, train
from evals import command
from evals.machine import machine
from evals.triage_gold import GOLD

Curve = tuple[np.ndarray, np.ndarray]


def curves(labelled: Path, trained_on: Path, settings: Settings) -> dict[str, dict[str, Any]]:
    """Name -> points, coverage at 2 % seen, and at 2 % bounded."""
    tree = Taxonomy.load(settings.pack)
    rows, _ = read_rows(labelled)
    right = [str(tree.find(row.label))[:2] for row in rows]
    texts = [row.text for row in rows]
    shipped = Weights.load(settings.weights / "triage" / "weights.npz")
    gold = command.read_rows(GOLD)
    found = {"shipped, our own gold": _points(*_sure(
        shipped, [command.body(one) for one in gold],
        [one["code"][:2] for one in gold])),
        "shipped, real messages": _points(*_sure(shipped, texts, right, only=set(right)))}
    ours, words = read_rows(trained_on)
    made = train(ours, shipped, tree, words=words, tests=texts, progress=print)
    cut = ["\n".join(made.segmenter.cut(part) for part in text.split("\n", 1)) if made.segmenter
           else text for text in texts]
    points = made.report["coverage_curve"]
    found["trained, held-out folds"] = {
        "curve": points, "at_2pct_seen": made.report["coverage_at_2pct_risk"],
        "at_2pct_bounded": made.report["line"]["coverage"]}
    found["trained, real messages"] = _points(*_sure(made.weights, cut, right, only=set(right)))
    return found


def _sure(weights: Weights, texts: Sequence[str], right: Sequence[str],
          only: set[str] | None = None) -> tuple[list[float], list[bool]]:
    names = weights.heads["1"]
    columns = [at for at, name in enumerate(names) if not only or name in only]
    scores = weights.scores_of(texts)[:, weights.columns("1")][:, columns]
    chances = softmax(scores * float(weights.facts["heat1"]))
    said = [names[columns[at]] for at in chances.argmax(axis=1)]
    return chances.max(axis=1).tolist(), [a == b for a, b in zip(right, said, strict=True)]


def _points(sure: list[float], good: list[bool]) -> dict[str, Any]:
    return {"n": len(sure), "curve": coverage(sure, good)[::max(1, len(sure) // 200)],
            "at_2pct_seen": coverage_at(sure, good), "at_2pct_bounded": line(sure, good)[1]}


def draw(found: dict[str, dict[str, Any]], image: Path) -> None:
    """All curves in one picture, with the mark of 2 %."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.4), layout="constrained")
    axes = figure.add_subplot(xlabel="coverage: share of messages, most certain first",
                              ylabel="error rate among them")
    for at, (name, told) in enumerate(found.items()):
        share, error = zip(*told["curve"], strict=True)
        axes.plot(share, error, label=name, linestyle="-" if at % 2 == 0 else "--",
                  color=("tab:blue", "tab:orange")[at // 2])
    axes.axhline(MAX_RISK, color="grey", linewidth=1, label="2 %")
    axes.set_ylim(0, 0.4)
    axes.legend()
    image.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(image, dpi=110)


def main(argv: list[str]) -> int:
    """Print the coverages; write the picture and OUT."""
    parser = command.parser("triage_curves", __doc__, "labelled", "train")
    parser.add_argument("--image", type=Path, required=True, metavar="PNG")
    options = parser.parse_args(argv)
    found = curves(options.labelled, options.train, Settings())
    draw(found, options.image)
    short = {name: {key: value for key, value in told.items() if key != "curve"}
             for name, told in found.items()}
    command.write(options.json, {**short, "machine": machine()})
    for name, told in short.items():
        print(f"{name:26} {told}")
    return 0
