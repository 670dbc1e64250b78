"""A sample of grants to be checked afterwards (事后核查), and what it says of all of them.

Grants are put into strata (by policy and by size of the amount); each stratum gives at least two,
the rest goes by its share. From the checks: the estimated share and number of wrong grants, and a
95 % interval. One stratum: Clopper and Pearson (1934), exact. Several: Korn and Graubard (1998),
Clopper-Pearson on the effective size of a stratified sample, which is never taken larger than the
sample itself. The interval is for grants drawn without regard to size of the population, so it is
a little too wide where most of a stratum was checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cityllm.errors import PolicyError

BANDS = (0, 1_000_000, 10_000_000, 100_000_000)
"""Amounts in fen at which a stratum begins: below 10,000 yuan, 100,000, a million, above."""
LEAST = 2
"""Grants that every stratum gives, or all of it."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Something granted: to whom, by which policy, fen (0 where it is not money)."""

    enterprise: str
    policy: str
    amount: int

    @property
    def stratum(self) -> str:
        """Policy, and number of the amount's band."""
        return f"{self.policy}/{sum(self.amount >= one for one in BANDS)}"


@dataclass(frozen=True)
class Drawn:
    """The grants to check, and how many each stratum has in all."""

    grants: tuple[Grant, ...]
    strata: Mapping[str, int]


def draw(grants: Sequence[Grant], size: int, seed: int) -> Drawn:
    """A stratified sample of about `size`; the same seed draws the same. Raises PolicyError."""
    strata: dict[str, list[Grant]] = {}
    for one in sorted(grants, key=lambda one: (one.stratum, one.enterprise)):
        strata.setdefault(one.stratum, []).append(one)
    least = sum(min(LEAST, len(one)) for one in strata.values())
    if size < least:
        raise PolicyError(f"分层抽样至少要抽 {least} 件（每层 {LEAST} 件），现在是 {size} 件。",
                          f"A stratified sample needs at least {least} ({LEAST} of each stratum); "
                          f"{size} were asked for.")
    dice = np.random.default_rng(seed)
    wanted = _shares({name: len(one) for name, one in strata.items()}, size)
    chosen = [strata[name][at] for name, count in wanted.items()
              for at in sorted(dice.choice(len(strata[name]), count, replace=False))]
    return Drawn(tuple(chosen), {name: len(one) for name, one in strata.items()})


def _shares(sizes: Mapping[str, int], wanted: int) -> dict[str, int]:
    """So many of each stratum: LEAST, then by share with the largest remainders first."""
    counts = {name: min(LEAST, size) for name, size in sizes.items()}
    free = min(wanted, sum(sizes.values())) - sum(counts.values())
    room = {name: size - counts[name] for name, size in sizes.items()}
    exact = {name: free * room[name] / max(1, sum(room.values())) for name in sizes}
    for name in sizes:
        counts[name] += int(exact[name])
    for name in sorted(sizes, key=lambda one: (int(exact[one]) - exact[one], one)):
        if sum(counts.values()) >= min(wanted, sum(sizes.values())):
            break
        counts[name] += counts[name] < sizes[name]
    return counts


@dataclass(frozen=True, slots=True)
class Estimate:
    """Wrong grants among all: share with its interval, and the number expected."""

    share: float
    low: float
    high: float
    grants: int
    checked: int
    wrong: int

    @property
    def expected(self) -> float:
        """How many of all grants are wrong, as estimated."""
        return self.share * self.grants


def estimate(drawn: Drawn, wrong: Mapping[tuple[str, str], bool], level: float = 0.95) -> Estimate:
    """From checks by (enterprise, policy); each drawn grant must be checked. Raises PolicyError."""
    missing = [one for one in drawn.grants if (one.enterprise, one.policy) not in wrong]
    if missing or not drawn.grants:
        first = f"{missing[0].enterprise} {missing[0].policy}" if missing else "—"
        raise PolicyError(f"还有 {len(missing)} 件没有核查结果，如 {first}。",
                          f"{len(missing)} grants have no result yet, as {first}.")
    total = sum(drawn.strata.values())
    by_stratum: dict[str, list[bool]] = {}
    for one in drawn.grants:
        by_stratum.setdefault(one.stratum, []).append(wrong[one.enterprise, one.policy])
    share = variance = 0.0
    for name, found in by_stratum.items():
        weight, rate = drawn.strata[name] / total, sum(found) / len(found)
        share += weight * rate
        variance += weight**2 * rate * (1 - rate) / max(1, len(found) - 1)
    checked = len(drawn.grants)
    low, high = _interval(share, _effective(share, variance, by_stratum, drawn.strata), level)
    return Estimate(share, low, high, total, checked, sum(map(sum, by_stratum.values())))


def _effective(share: float, variance: float, found: Mapping[str, list[bool]],
               strata: Mapping[str, int]) -> float:
    """The size of a simple sample that would tell as much, at most the real one."""
    checked = sum(map(len, found.values()))
    if len(found) == 1:
        return checked
    total = sum(strata.values())
    weights = np.concatenate([np.full(len(rows), strata[name] / total / len(rows))
                              for name, rows in found.items()])
    kish = float(weights.sum() ** 2 / (weights**2).sum())
    if variance == 0:
        return min(checked, kish)
    return min(checked, share * (1 - share) / variance)


def _interval(share: float, size: float, level: float) -> tuple[float, float]:
    """Clopper and Pearson's bounds; `size` need not be whole."""
    from scipy.stats import beta

    hits, tail = share * size, (1 - level) / 2
    low = beta.ppf(tail, hits, size - hits + 1) if hits > 0 else 0.0
    high = beta.ppf(1 - tail, hits + 1, size - hits) if hits < size else 1.0
    return float(low), float(high)


def as_rows(drawn: Drawn) -> list[dict[str, Any]]:
    """The sample as a table to fill in: `wrong` is left empty."""
    return [{"enterprise": one.enterprise, "policy": one.policy, "stratum": one.stratum,
             "amount": f"{one.amount // 100}.{one.amount % 100:02d}",
             "stratum_size": drawn.strata[one.stratum], "wrong": ""} for one in drawn.grants]
