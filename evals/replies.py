"""Scored replies against simple baselines, and against a reader's scores.

    python -m evals replies --replies FILE --json OUT

FILE is JSONL of {title, text, reply, time, reply_time}. A true reply is told from one to another
message of the same department (the shipped classifier's, drawn by seed): the area under the curve
over all, and message by message. Of the replies that a reader scored (`evals/petitions/
reply_scores.jsonl`: a hash of the message, three marks of 0 to 2, given before the program's score
was seen) the rank correlation of the sums is compared with that of length and of lexical overlap.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityllm.cli_overview import clock, pipeline
from cityllm.config import Settings
from cityllm.petitions.intake import read_date
from cityllm.petitions.replies import Answered, alike, score
from evals.command import parser, read_rows, show
from evals.issues import key_of
from evals.machine import machine

Floats = NDArray[np.float64]
MARKS = Path(__file__).parent / "petitions" / "reply_scores.jsonl"


def auc(right: Floats, wrong: Floats) -> dict[str, float]:
    """Area under the curve over all pairs, and the share of messages whose own reply is higher."""
    over = [(one > wrong).mean() + (one == wrong).mean() / 2 for one in right]
    own = (right > wrong).mean() + (right == wrong).mean() / 2
    return {"auc": round(float(np.mean(over)), 4), "own_higher": round(float(own), 4)}


def _pairs(text: str) -> set[str]:
    plain = "".join(text.split())
    return {plain[at:at + 2] for at in range(len(plain) - 1)}


def overlap(held: Sequence[Answered], replies: Sequence[str]) -> Floats:
    """The share of pairs of characters that message and reply have in common."""
    both = [(_pairs(one.title + one.text), _pairs(reply))
            for one, reply in zip(held, replies, strict=True)]
    return np.array([len(a & b) / max(1, len(a | b)) for a, b in both])


def measure(file: Path, settings: Settings) -> dict[str, Any]:
    """All figures."""
    from scipy.stats import spearmanr

    rows = read_rows(file)
    held = [Answered(str(row["id"]), row["title"], row["text"], row["reply"],
                     read_date(row["time"]), read_date(row["reply_time"])) for row in rows]
    own, others = [one.reply for one in held], _others(held, settings)
    began = time.perf_counter()
    scored = score(held, clock(settings))
    seconds = time.perf_counter() - began

    def lengths(replies: Sequence[str]) -> Floats:
        return np.array([float(len(one)) for one in replies])

    marks = {one["message"]: one for one in read_rows(MARKS)}
    read = [(at, marks[key]) for at, one in enumerate(held)
            if (key := key_of(one.title, one.text)) in marks]
    wanted = [sum(mark[name] for name in ("relevance", "completeness", "ground"))
              for _, mark in read]
    common = overlap(held, own)
    told = {"program": [scored[at].total for at, _ in read],
            "length": [len(own[at]) for at, _ in read],
            "overlap": [float(common[at]) for at, _ in read]}
    poor = [mark["completeness"] == 0 for _, mark in read]
    flagged = [scored[at].completeness == 0 for at, _ in read]
    return {
        "n": len(held), "seconds": round(seconds, 2),
        "true_reply": {
            "relevance": auc(alike(held).astype(float), alike(held, others).astype(float)),
            "overlap": auc(common, overlap(held, others)),
            "length": auc(lengths(own), lengths(others))},
        "read": len(read),
        "rank_correlation": {name: round(float(spearmanr(wanted, one)[0]), 3)
                             for name, one in told.items()},
        "only_passed_on": {"by_reader": sum(poor), "by_program": sum(flagged),
                           "both": sum(a and b for a, b in zip(poor, flagged, strict=True))},
        "timely": {name: sum(one.timely == name for one in scored)
                   for name in ("in time", "late", "unknown")},
        "machine": machine()}


def _others(held: Sequence[Answered], settings: Settings) -> list[str]:
    """For each message the reply to another one of its department."""
    labels = pipeline(settings).classifier.labels([f"{one.title}\n{one.text}" for one in held])
    of: dict[str, list[int]] = defaultdict(list)
    for at, one in enumerate(labels):
        of[one.department].append(at)
    chance, found = random.Random(1), []
    for at, one in enumerate(labels):
        near = [n for n in of[one.department] if n != at]
        found.append(held[chance.choice(near or [n for n in range(len(held)) if n != at])].reply)
    return found


def main(argv: list[str]) -> int:
    """Print the figures and write them to OUT."""
    options = parser("replies", __doc__, "replies").parse_args(argv)
    return show(measure(options.replies, Settings()), options.json, 18)
