"""Does the language model help where the fast classifier is not sure? On our own gold messages.

The unsure ones are asked of the model of the settings (the bundled one, or an endpoint); its pick
among the classifier's three best is compared with the classifier's first: `once` as it is, `twice`
where it is believed only if it is the same with the options in the other order, which is what
`cityllm triage --ask-model` does. --unlabelled FILE (JSONL of {title, text}) adds how many of 1,000
real messages would be asked about.

    python -m evals triage_cascade [--unlabelled FILE] [--limit N] --json OUT
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from app import chat_model
from cityllm.cli_triage import AT_ONCE
from cityllm.config import Settings, load_settings
from cityllm.errors import ModelUnavailable
from cityllm.petitions.cascade import UNSURE, Cascade, asker
from cityllm.petitions.classify import Classifier
from cityllm.petitions.record import Labels
from cityllm.petitions.trial import MARK
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
    at_once = AT_ONCE if settings.engine == "endpoint" else 1
    found: dict[str, Any] = {
        "engine": settings.engine, "grammar": settings.endpoint_grammar, "unsure_below": UNSURE,
        "n": len(rows), "unsure": len(unsure), "drawn": len(drawn), "at_once": at_once}
    tested = Cascade(fast, asker(model), unsure=2, at_once=at_once)
    tested.labels([body(rows[0])])
    found["trial"] = {"questions": len(tested.trial), "solved": tested.solved, "mark": MARK}
    for name, twice in (("once", False), ("twice", True)):
        cascade = Cascade(fast, asker(model), at_once=at_once, trial=(),
                          twice=twice)
        began = time.perf_counter()
        asked = cascade.labels([body(rows[at]) for at in drawn])
        took = time.perf_counter() - began
        found[name] = {
            "calls": cascade.calls, "failed": cascade.failed, "changed": cascade.changed,
            "calls_per_s": cascade.calls / took, "rows_per_s": len(drawn) / took,
            **_compared([plain[at] for at in drawn], asked, [rows[at]["code"] for at in drawn])}
    if unlabelled:
        texts = [body(row) for row in read_rows(unlabelled)]
        counted = Cascade(fast, lambda text, options: None, trial=())
        counted.labels(texts)
        found["asked_of_1000_real_rows"] = 1000 * counted.calls / len(texts)
    return {**found, "machine": machine()}


def _compared(plain: Sequence[Labels], asked: Sequence[Labels], right: Sequence[str],
              ) -> dict[str, Any]:
    """By level: how many are right before and after, and how many were mended and spoiled."""
    found = {}
    for level in (1, 2, 3):
        end = 2 * level
        first, after = (np.array([one.category_code[:end] == code[:end] for one, code in zip(
            labels, right, strict=True)]) for labels in (plain, asked))
        found[f"level_{level}"] = {
            "fast": float(first.mean()), "model": float(after.mean()),
            "mended": int((after & ~first).sum()), "spoiled": int((first & ~after).sum()),
            "among_three": float(np.mean([code[:end] in {c[:end] for c, _ in one.alternatives}
                                          for one, code in zip(plain, right, strict=True)]))}
    return found


def main(argv: list[str]) -> int:
    """Print the figures and write them to OUT."""
    given = parser("triage_cascade", __doc__, maybe=("unlabelled",))
    given.add_argument("--limit", type=int, default=150, metavar="N")
    options = given.parse_args(argv)
    return show(measure(options.unlabelled, options.limit, load_settings()), options.json, 26)
