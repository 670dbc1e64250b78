"""When one may apply: whether the window is open on a day, when it opens and when it closes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from cityllm.policies.policy import Policy, Window


@dataclass(frozen=True, slots=True)
class Opening:
    """`state` is open, later, closed or always (no window is known); dates where there are any."""

    state: str
    opens: date | None = None
    closes: date | None = None


def opening(policy: Policy, day: date) -> Opening:
    """The window of a policy on a day; it never reaches past the policy's own last day."""
    last = policy.valid.to if isinstance(policy.valid.to, date) else None
    if policy.window is None:
        return Opening("closed" if last and day > last else "always", None, last)
    for opens, closes in _rounds(policy.window, day):
        end = min(closes, last) if last else closes
        if day <= end and opens <= end:
            return Opening("open" if opens <= day else "later", opens, end)
    return Opening("closed")


def _rounds(window: Window, day: date) -> list[tuple[date, date]]:
    """The one round, or those of last year, this year and the next."""
    first, last = window.from_, window.to
    if isinstance(first, date) and isinstance(last, date):
        return [(first, last)]
    assert isinstance(first, str) and isinstance(last, str)
    return [(_on(year, first), _on(year + (last < first), last))
            for year in (day.year - 1, day.year, day.year + 1)]


def _on(year: int, month_day: str) -> date:
    if month_day == "02-29" and (year % 4 or (year % 100 == 0 and year % 400)):
        month_day = "02-28"
    return date.fromisoformat(f"{year}-{month_day}")
