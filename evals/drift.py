"""Drift check on real records: how often it cries where nothing changed, and what it sees.

    python -m evals drift --records FILE --json OUT

FILE is an output of `cityllm triage` (JSONL). For each of 100 draws a third of its petitions is the
calibration, and weeks of 50, 100 and 200 are drawn from the rest: as they are (each alarm is a
false one), then with a share of one level-1 category put in the place of others.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from cityllm.petitions.calibrate import wilson
from cityllm.petitions.drift import check
from evals.command import parser, read_rows, show
from evals.machine import machine

DRAWS = 100
WEEKS = (50, 100, 200)
SHARES = (0.1, 0.2, 0.4)


def measure(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Shares of weeks that alarm, with 95 % intervals."""
    usable = [one for one in records if not one["problem"] and one["kind"] != "report"]
    named = Counter(one["category"][0] for one in usable if one["category"])
    top = named.most_common(3)[-1][0]
    found: dict[str, Any] = {"records": len(usable), "draws": DRAWS, "put_in": top}
    for size in WEEKS:
        for share in (0.0, *SHARES):
            alarms = sum(_alarm(usable, size, share, top, seed) for seed in range(DRAWS))
            low, high = wilson(alarms, DRAWS)
            name = f"week of {size}, " + (f"{share:.0%} changed" if share else "unchanged")
            found[name] = {"alarms": alarms / DRAWS, "low": round(low, 3), "high": round(high, 3)}
    return {**found, "machine": machine()}


def _alarm(usable: Sequence[dict[str, Any]], size: int, share: float, top: str, seed: int) -> bool:
    dice = random.Random(seed)
    mixed = dice.sample(list(usable), len(usable))
    base, rest = mixed[:len(mixed) // 3], mixed[len(mixed) // 3:]
    other = [one for one in rest if one["category"] and one["category"][0] == top]
    put = dice.sample(other, min(len(other), round(size * share)))
    week = [{**one, "received": "2026-03-02"} for one in (*put, *rest[:size - len(put)])]
    return any(found.why for found in check(base, week, seed))


def main(argv: list[str]) -> int:
    """Print the figures and write them to OUT."""
    options = parser("drift", __doc__, "records").parse_args(argv)
    return show(measure(read_rows(options.records)), options.json, 28)
