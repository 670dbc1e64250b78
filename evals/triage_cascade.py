"""Does the language model help where the fast classifier is not sure? On our own gold messages.

The unsure ones are asked of the model of the settings (the bundled one, or an endpoint); its pick
among the classifier's three best is compared with the classifier's first. --unlabelled FILE (JSONL
of {title, text}) adds how many calls 1,000 real messages need.

    python -m evals triage_cascade [--unlabelled FILE] [--limit N] --json OUT
"""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import numpy as np

from app import chat_model
from cityllm.config import Settings, load_settings
from cityllm.errors import ModelUnavailable
from cityllm.petitions.cascade import UNSURE, Cascade, asker
from cityllm.petitions.classify import Classifier
from evals.command import body, parser, read_rows, show
from evals.machine import machine
from evals.triage_gold import GOLD


def measure(unlabelled: Path | None, limit: int, settings: Settings) -> dict[str, Any]:
    """All figures."""
    model = chat_model(settings)
    if model is None:
        raise ModelUnavailable("没有语言模型可测。", "There is no language model to measure.")
    fast = Classifier.load(settings.weights / "triage", settings.pack)
    rows = read_rows(GOLD)
    plain = fast.labels([body(row) for row in rows])
    unsure = [at for at, one in enumerate(plain) if one.confidence < UNSURE]
    drawn = sorted(random.Random(0).sample(unsure, min(limit, len(unsure))))
    cascade = Cascade(fast, asker(model))
    began = time.perf_counter()
    asked = cascade.labels([body(rows[at]) for at in drawn])
    took = time.perf_counter() - began
    found: dict[str, Any] = {
        "engine": settings.engine, "unsure_below": UNSURE, "n": len(rows),
        "unsure": len(unsure), "drawn": len(drawn), "calls": cascade.calls,
        "calls_per_s": cascade.calls / took}
    right = [rows[at]["code"] for at in drawn]
    for level in (1, 2, 3):
        end = 2 * level
        first, after = (np.array([one.category_code[:end] == code[:end] for one, code in zip(
            labels, right, strict=True)]) for labels in ([plain[at] for at in drawn], asked))
        found[f"level_{level}"] = {
            "fast": float(first.mean()), "model": float(after.mean()),
            "mended": int((after & ~first).sum()), "spoiled": int((first & ~after).sum()),
            "among_three": float(np.mean([code[:end] in {c[:end] for c, _ in plain[at].alternatives}
                                          for at, code in zip(drawn, right, strict=True)]))}
    if unlabelled:
        texts = [body(row) for row in read_rows(unlabelled)]
        counted = Cascade(fast, lambda text, options: None)
        counted.labels(texts)
        found["calls_per_1000_real_rows"] = 1000 * counted.calls / len(texts)
    return {**found, "machine": machine()}


def main(argv: list[str]) -> int:
    """Print the figures and write them to OUT."""
    given = parser("triage_cascade", __doc__, maybe=("unlabelled",))
    given.add_argument("--limit", type=int, default=150, metavar="N")
    options = given.parse_args(argv)
    return show(measure(options.unlabelled, options.limit, load_settings()), options.json, 26)
