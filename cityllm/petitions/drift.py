"""Is what comes in still like what the line was calibrated on? By week; if not, the line is shut.

Three things of each week's petitions are compared with those of the calibration: the categories of
level 1, the confidence in tenths, and how much of the wording the calibration never had. For the
first two it is the population stability index, for the last a difference of means. A week has
drifted where a measure is both large and beyond chance: a permutation test over the three, each at
a third of `CHANCE`. A week with fewer than `FEW` petitions is told, and judged by nothing. Drift
says that the calibration no longer speaks for the input, not that the classifier errs.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityllm.petitions.calibrate import Line
from cityllm.petitions.vectors import counts

FEW = 50
"""Petitions of a week below which nothing is concluded."""
CHANCE = 0.01
"""Weeks that drift by chance alone, at most."""
LARGE = {"categories": 0.25, "confidence": 0.25, "unknown": 0.05}
"""From here on a difference matters: a stability index, and a share of the wording."""
NAMES = {"categories": "类别构成", "confidence": "把握的分布", "unknown": "没见过的用词"}
_DRAWS = 999
_SMALL = 0.5
Told = Mapping[str, Any]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Week:
    """`measures` by name, how likely chance alone makes them as large, and why it has drifted;
    `why` is empty where it has not, or where there are too few petitions."""

    week: str
    petitions: int
    measures: dict[str, float]
    chance: dict[str, float]
    why: str


def check(calibration: Iterable[Told], records: Iterable[Told], seed: int = 0) -> list[Week]:
    """Each week of `records` (as the batch writes them) against the calibration rows. Petitions
    without a date are one week of their own; reports, whose words are withheld, are left out."""
    base = [told for told in calibration if _usable(told)]
    weeks: dict[str, list[Told]] = defaultdict(list)
    for told in records:
        if _usable(told):
            weeks[_week(told["received"])].append(told)
    if not base:
        return []
    labels = sorted({_top(told) for told in base} | {
        _top(told) for held in weeks.values() for told in held})
    known = np.zeros(1 << 17, dtype=bool)
    half = len(base) // 2
    order = np.random.default_rng(seed).permutation(len(base))
    lexicon = counts([_body(base[at]) for at in order[:half]])
    known[lexicon.indices] = True
    reference = _seen([base[at] for at in order[half:]], labels, known)
    return [_judge(week, _seen(held, labels, known), reference, seed)
            for week, held in sorted(weeks.items())]


def _usable(told: Told) -> bool:
    return not told.get("problem") and told["kind"] != "report"


def _week(received: str) -> str:
    if not received:
        return "日期不详"
    year, week, _ = date.fromisoformat(received).isocalendar()
    return f"{year}-W{week:02}"


def _top(told: Told) -> str:
    return told["category"][0] if told["category"] else ""


def _body(told: Told) -> str:
    return f"{told['title']}\n{told['text']}"


def _seen(held: Sequence[Told], labels: Sequence[str], known: NDArray[np.bool_],
          ) -> dict[str, Floats]:
    """One value a petition: number of the category, tenth of the confidence, unknown share."""
    counted = counts([_body(told) for told in held])
    new = (~known[counted.indices]).astype(float)
    rows = np.repeat(np.arange(len(held)), np.diff(counted.indptr))
    size = np.maximum(np.diff(counted.indptr), 1)
    place = {name: at for at, name in enumerate(labels)}
    return {"categories": np.array([place[_top(told)] for told in held], dtype=float),
            "confidence": np.array([min(9, int(10 * told["confidence"])) for told in held],
                                   dtype=float),
            "unknown": np.bincount(rows, new, len(held)) / size}


def stability(first: Floats, second: Floats) -> float:
    """The population stability index of two samples of whole numbers, 0 for equal shares. Half a
    petition is added to each class, so that an empty one counts without being infinite."""
    size = int(max(first.max(initial=0), second.max(initial=0))) + 1
    a, b = (np.bincount(one.astype(int), minlength=size) + _SMALL for one in (first, second))
    p, q = a / a.sum(), b / b.sum()
    return float(((p - q) * np.log(p / q)).sum())


def _measure(name: str, week: Floats, reference: Floats) -> float:
    if name == "unknown":
        return float(week.mean() - reference.mean())
    return stability(week, reference)


def _judge(week: str, seen: Mapping[str, Floats], reference: Mapping[str, Floats],
           seed: int) -> Week:
    count = len(seen["categories"])
    measures = {name: round(_measure(name, seen[name], reference[name]), 4) for name in LARGE}
    if count < FEW or len(reference["categories"]) < FEW:
        return Week(week, count, measures, {}, "")
    chance = {name: _by_chance(name, seen[name], reference[name], seed)
              for name in LARGE if measures[name] >= LARGE[name]}
    reasons = [f"{NAMES[name]}变了（{measures[name]:.2f}，界限 {LARGE[name]:.2f}）"
               for name, likely in chance.items() if likely <= CHANCE / len(LARGE)]
    return Week(week, count, measures, chance, "；".join(reasons))


def _by_chance(name: str, week: Floats, reference: Floats, seed: int) -> float:
    """How often a week drawn from both together is at least as far from the rest."""
    dice = np.random.default_rng(seed)
    found, both = _measure(name, week, reference), np.concatenate([week, reference])
    as_far = 0
    for _ in range(_DRAWS):
        mixed = dice.permutation(both)
        as_far += _measure(name, mixed[:len(week)], mixed[len(week):]) >= found
    return (1 + as_far) / (1 + _DRAWS)


def shut(path: Path, weeks: Sequence[Week]) -> str:
    """Close the line in `line.json` at `path` where a week has drifted; why, empty where none has.
    It stays shut until the classifier is trained again or the words are taken out by hand."""
    drifted = [week for week in weeks if week.why]
    if not drifted:
        return ""
    why = f"{drifted[-1].week} 起来件与校准数据不同：{drifted[-1].why}"
    held = Line(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else Line()
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(asdict(replace(held, closed=why)), ensure_ascii=False, indent=1)
                    + "\n", encoding="utf-8")
    part.replace(path)
    return why
