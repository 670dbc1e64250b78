"""From scores to probabilities that can be trusted, and from those to a line.

A temperature is fitted on a held-out fold. The automatic line is the lowest confidence from which
on the upper 95 % bound of the error rate (Clopper and Pearson, one-sided) is at most 2 %: only rows
above it are routed without a person. `None` is a full answer: nothing is sure enough.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cityllm.errors import ModelUnavailable

Floats = NDArray[np.float32]
MAX_RISK = 0.02
CERTAINTY = 0.95
NEEDED = 500
"""Labelled local rows without which no line is drawn."""


def softmax(scores: Floats) -> Floats:
    """Along the last axis."""
    grown = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(grown / grown.sum(axis=-1, keepdims=True), dtype=np.float32)


def temperature(scores: Floats, right: NDArray[np.int64]) -> float:
    """The factor on held-out `scores` (N, K) under which the `right` columns are likeliest."""
    from scipy.optimize import minimize_scalar

    def loss(power: float) -> float:
        chances = softmax(np.asarray(scores * np.exp(power), dtype=np.float32))
        return float(-np.log(chances[np.arange(len(right)), right] + 1e-9).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 5), method="bounded").x))


def upper_bound(wrong: int, total: int, certainty: float = CERTAINTY) -> float:
    """One-sided upper bound of an error rate of which `wrong` of `total` were seen."""
    from scipy.special import betaincinv

    if total <= 0 or wrong >= total:
        return 1.0
    return float(betaincinv(wrong + 1, total - wrong, certainty))


def wilson(right: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share; (0, 1) of nothing."""
    if total == 0:
        return 0.0, 1.0
    share = right / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / (1 + z * z / total)
    return max(0.0, middle - half), min(1.0, middle + half)


def line(confidence: Sequence[float], right: Sequence[bool], risk: float = MAX_RISK,
         ) -> tuple[float | None, float]:
    """(threshold, coverage): the most rows whose error rate is bounded by `risk`; (None, 0.0) where
    no part of them is. Rows of equal confidence are taken together."""
    order = np.argsort(-np.asarray(confidence), kind="stable")
    sure = np.asarray(confidence, dtype=float)[order]
    wrong = np.cumsum(~np.asarray(right, dtype=bool)[order])
    best: tuple[float | None, float] = (None, 0.0)
    for at in range(len(sure)):
        last_of_equal = at + 1 == len(sure) or sure[at + 1] < sure[at]
        if last_of_equal and upper_bound(int(wrong[at]), at + 1) <= risk:
            best = (float(sure[at]), (at + 1) / len(sure))
    return best


def coverage(confidence: Sequence[float], right: Sequence[bool]) -> list[tuple[float, float]]:
    """The risk-coverage curve: (share taken, error rate among them), most certain first."""
    order = np.argsort(-np.asarray(confidence), kind="stable")
    wrong = np.cumsum(~np.asarray(right, dtype=bool)[order])
    count = np.arange(1, len(order) + 1)
    return list(zip((count / max(len(order), 1)).tolist(), (wrong / count).tolist(), strict=True))


def coverage_at(confidence: Sequence[float], right: Sequence[bool], risk: float = MAX_RISK,
                ) -> float:
    """The largest share whose error rate, as seen, is at most `risk`."""
    return max((share for share, error in coverage(confidence, right) if error <= risk),
               default=0.0)


def calibration_error(confidence: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Expected calibration error (ECE): mean distance of confidence and accuracy over bins."""
    sure, good = np.asarray(confidence, dtype=float), np.asarray(right, dtype=float)
    place = np.minimum((sure * bins).astype(int), bins - 1)
    total = sum(abs(sure[place == one].sum() - good[place == one].sum()) for one in range(bins))
    return float(total / max(len(sure), 1))


@dataclass(frozen=True)
class Line:
    """What stands in `line.json`. `threshold` None: nothing is routed without a person; `why` then
    says so. `level` of the tree that it was drawn for. `closed`: why it was shut by hand or by a
    drift check."""

    threshold: float | None = None
    n_local: int = 0
    level: int = 1
    coverage: float = 0.0
    upper_error: float = 1.0
    why: str = ""
    closed: str = ""

    @classmethod
    def load(cls, path: Path) -> Line:
        """From line.json beside the classifier; closed where it is missing or says too little.
        Raises ModelUnavailable where it is damaged."""
        if not path.is_file():
            return cls(why="分类器没有校准文件 line.json，全部由人审核")
        try:
            told = cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as problem:
            raise ModelUnavailable(
                f"{path} 读不了：{problem}。请从仓库恢复，或重新训练分类器。",
                f"{path} cannot be read: {problem}. Restore it from the repository, or train the "
                "classifier again.") from None
        if told.closed:
            return replace(told, threshold=None, why=closed(told.closed))
        if told.n_local < NEEDED:
            return replace(told, threshold=None, why=f"本地标注只有 {told.n_local} 行"
                           f"（至少要 {NEEDED} 行），全部由人审核")
        if told.threshold is None:
            return replace(told, why=told.why or "没有画出自动线，全部由人审核")
        return told


def closed(why: str) -> str:
    """What is said of a row that would have gone by itself had the line not been shut."""
    return f"自动线已关闭：{why}"


def draw(confidence: Sequence[float], right: Sequence[bool], n_local: int, level: int) -> Line:
    """The line over held-out rows of `n_local` labelled local ones; none below `NEEDED`."""
    if n_local < NEEDED:
        return Line(None, n_local, level, why=f"本地已标注 {n_local} 件，不足 {NEEDED} 件，全部转人工。"
                    f" / {n_local} labelled local rows, {NEEDED} are needed: all go to a person.")
    found, share = line(confidence, right)
    if found is None:
        return Line(None, n_local, level, why="没有一段置信度的差错率上限在 2% 以内，全部转人工。"
                    " / At no confidence is the error rate bounded by 2 %: all go to a person.")
    taken = [good for sure, good in zip(confidence, right, strict=True) if sure >= found]
    return Line(found, n_local, level, share, upper_bound(taken.count(False), len(taken)))
