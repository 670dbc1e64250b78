"""Is what comes in still like what the line was calibrated on? By week; if not, the line is shut.

Three things of each week's petitions are compared with those of the calibration: the categories of
level 1, the confidence in tenths, and how much of the wording the calibration never had. For the
first two it is the population stability index, for the last a difference of means. A week has
drifted where a measure is both large and beyond chance: a permutation test over the three, each at
a third of `CHANCE`. A week with fewer than `FEW` petitions is told, and judged by nothing. Drift
says that the calibration no longer speaks for the input, not that the classifier errs.

Training keeps a `Reference` beside the classifier, and each batch whose line is open is checked.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from cityllm.errors import ModelUnavailable
from cityllm.petitions.calibrate import Line
from cityllm.petitions.vectors import counts

KEPT = "drift.npz"
"""The file of a `Reference`, beside the classifier."""
FEW = 50
"""Petitions of a week below which nothing is concluded."""
CHANCE = 0.01
"""Weeks that drift by chance alone, at most."""
LARGE = {"categories": 0.25, "confidence": 0.25, "unknown": 0.05}
"""From here on a difference matters: a stability index, and a share of the wording."""
NAMES = {"categories": "类别构成", "confidence": "把握的分布", "unknown": "没见过的用词"}
_RUNS = 1 << 17
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


@dataclass(frozen=True)
class Reference:
    """What is kept of calibration rows: which hashed runs of characters one half of them holds
    (`known`, bits), and `measures` of each row of the other half, the category as a place in
    `labels`. No words."""

    labels: list[str]
    measures: dict[str, Floats]
    known: NDArray[np.bool_]

    @classmethod
    def of(cls, calibration: Iterable[Told], seed: int = 0) -> Reference:
        """From records as the batch writes them, reports left out."""
        base = [told for told in calibration if _usable(told)]
        order = np.random.default_rng(seed).permutation(len(base))
        half = len(base) // 2
        known = np.zeros(_RUNS, dtype=bool)
        if half:
            known[counts([_body(base[at]) for at in order[:half]]).indices] = True
        labels = sorted({_top(told) for told in base})
        return cls(labels, _seen([base[at] for at in order[half:]], labels, known), known)

    def save(self, path: Path) -> None:
        """Into a file of arrays."""
        held = self.measures
        np.savez_compressed(path, labels=np.array(self.labels), known=np.packbits(self.known),
                            categories=held["categories"], confidence=held["confidence"],
                            unknown=held["unknown"])

    @classmethod
    def load(cls, path: Path) -> Reference:
        """Raises ModelUnavailable where the file is damaged."""
        try:
            with np.load(path, allow_pickle=False) as held:
                return cls([str(one) for one in held["labels"]],
                           {name: held[name] for name in LARGE},
                           np.unpackbits(held["known"], count=_RUNS).astype(bool))
        except (OSError, ValueError, KeyError, BadZipFile) as problem:
            raise ModelUnavailable(
                f"{path} 读不了：{problem}。请重新训练分类器。",
                f"{path} cannot be read: {problem}. Train the classifier again.") from None


def check(calibration: Reference | Iterable[Told], records: Iterable[Told],
          seed: int = 0) -> list[Week]:
    """Each week of `records` (as the batch writes them) against the calibration rows. Petitions
    without a date are one week of their own; reports, whose words are withheld, are left out."""
    base = calibration if isinstance(calibration, Reference) else Reference.of(calibration, seed)
    weeks: dict[str, list[Told]] = defaultdict(list)
    for told in records:
        if _usable(told):
            weeks[_week(told["received"])].append(told)
    if not len(base.measures["categories"]):
        return []
    new = {_top(told) for held in weeks.values() for told in held} - set(base.labels)
    labels = [*base.labels, *sorted(new)]
    return [_judge(week, _seen(held, labels, base.known), base.measures, seed)
            for week, held in sorted(weeks.items())]


def closing(weeks: Sequence[Week]) -> str:
    """Why the line has to be shut; empty where no week has drifted."""
    drifted = [week for week in weeks if week.why]
    return f"{drifted[-1].week} 的来件与校准数据不同：{drifted[-1].why}" if drifted else ""


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


def drifted(folder: Path, records: Iterable[Told]) -> str:
    """Why the line of the classifier in `folder` has to be shut after `records`; empty where they
    are like its calibration, or where training kept no reference."""
    if not (folder / KEPT).is_file():
        return ""
    return closing(check(Reference.load(folder / KEPT), records))


def shut(path: Path, why: str) -> None:
    """Close the line in `line.json` at `path`. It stays shut until the classifier is trained again
    or the words are taken out by hand."""
    held = Line(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else Line()
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(asdict(replace(held, closed=why)), ensure_ascii=False, indent=1)
                    + "\n", encoding="utf-8")
    part.replace(path)
