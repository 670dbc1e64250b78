"""Every output on our own labelled messages, and how much danger to life is seen in real ones.

The messages are `evals/petitions/gold.jsonl`. --unlabelled FILE (JSONL of {title, text}) adds
the share of real messages flagged as danger to life, and the rate of rows with all labels, in
--workers processes that have begun: by the clock, and by processor seconds, which other work on
the machine does not change much.

    python -m evals triage_gold [--unlabelled FILE] [--workers N] --json OUT
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from cityllm.config import Settings
from cityllm.petitions.calibrate import upper_bound
from cityllm.petitions.classify import Classifier
from cityllm.petitions.record import Labels
from cityllm.petitions.wrongdoing import shield
from evals.command import body, parser, read_rows, show
from evals.machine import machine

_CLERK: Classifier
"""Of a process that measures the rate."""
GOLD = Path(__file__).parent / "petitions" / "gold.jsonl"
PARTS = {"g001": "written first", "g612": "40 dangers, fresh before",
         "g652": "60 before the last training", "g712": "40 dangers after everything"}
"""The id from which on a part begins, and what it is. Of the first part, g497 to g611 were written
apart from the training rows, but their counts were seen when limits were chosen; those before were
looked at one by one. Those from g652 on were written before the rows of the last training, whose
author had read them. Only the last part is unseen by training, rules and limits."""


def measure(unlabelled: Path | None, settings: Settings, workers: int = 1) -> dict[str, Any]:
    """All figures."""
    from sklearn.metrics import f1_score

    clerk = Classifier.load(settings.weights / "triage", settings.pack)
    rows = read_rows(GOLD)
    found = clerk.labels([body(row) for row in rows])

    def share(test: Callable[[dict[str, Any], Labels], bool]) -> float:
        return float(np.mean([test(row, one) for row, one in zip(rows, found, strict=True)]))

    figures: dict[str, Any] = {"n": len(rows)}
    for level in (1, 2, 3):
        end = 2 * level
        figures[f"level_{level}_top1"] = share(
            lambda row, one, end=end: row["code"][:end] == one.category_code[:end])
        figures[f"level_{level}_top3"] = share(
            lambda row, one, end=end: row["code"][:end] in {c[:end] for c, _ in one.alternatives})
    figures["department_top1"] = share(lambda row, one: row["department"] == one.department)
    for name in ("kind", "jurisdiction"):
        figures[f"{name}_macro_f1"] = float(f1_score(
            [row[name] for row in rows], [getattr(one, name) for one in found], average="macro"))
    shown = [shield(body(row), one).kind for row, one in zip(rows, found, strict=True)]
    figures["kind_shown_macro_f1"] = float(f1_score([_shown(row) for row in rows], shown,
                                                    average="macro"))
    told = [(row["id"], set(row["risks"]), set(one.risks))
            for row, one in zip(rows, found, strict=True)]
    names = clerk.weights.heads["risk"]
    figures.update({name: _risk(name, told) for name in names})
    bounds = [*PARTS, "h"]
    figures["parts"] = {PARTS[first]: {name: _risk(name, [
        one for one in told if first <= one[0] < last]) for name in names}
        for first, last in pairwise(bounds)}
    if unlabelled:
        texts = [body(row) for row in read_rows(unlabelled)]
        real = clerk.labels(texts)
        figures.update(rates(texts, settings, workers))
        figures["unlabelled"] = {"n": len(texts), **{
            name: float(np.mean([name in one.risks for one in real]))
            for name in clerk.weights.heads["risk"]}}
    return {**figures, "machine": machine()}


def _shown(row: dict[str, Any]) -> str:
    """The kind that OUT shows: there only a report against an office is called one."""
    harmless = row["kind"] == "report" and row["jurisdiction"] != "discipline"
    return "complaint" if harmless else str(row["kind"])


def _risk(name: str, told: Sequence[tuple[str, set[str], set[str]]]) -> dict[str, Any]:
    """Of (id, right, said): how many have the risk `name`, are found, and are flagged without."""
    hits = [name in said for _, right, said in told if name in right]
    alarms = [name in said for _, right, said in told if name not in right]
    return {"n": len(hits), "recall": float(np.mean(hits)) if hits else None,
            "miss_upper_95": upper_bound(hits.count(False), len(hits)),
            "without": len(alarms), "false_alarms": sum(alarms)}


def rates(texts: Sequence[str], settings: Settings, workers: int) -> dict[str, Any]:
    """Rows a second with `workers` processes, and rows a processor second of one."""
    parts = [texts[at::workers] for at in range(workers)]
    with ProcessPoolExecutor(workers, get_context("spawn"), _begin, (settings,)) as pool:
        list(pool.map(_label, [list(part[:64]) for part in parts]))
        began = time.perf_counter()
        spent = list(pool.map(_label, [list(part) for part in parts]))
        took = time.perf_counter() - began
    return {"workers": workers, "rows_per_s": len(texts) / took,
            "rows_per_cpu_s": len(texts) / sum(spent)}


def _begin(settings: Settings) -> None:
    global _CLERK
    _CLERK = Classifier.load(settings.weights / "triage", settings.pack)


def _label(texts: list[str]) -> float:
    began = time.process_time()
    _CLERK.labels(texts)
    return time.process_time() - began


def main(argv: list[str]) -> int:
    """Print the figures and write them to OUT."""
    given = parser("triage_gold", __doc__, maybe=("unlabelled",))
    given.add_argument("--workers", type=int, default=2, metavar="N")
    options = given.parse_args(argv)
    return show(measure(options.unlabelled, Settings(), options.workers), options.json, 22)
