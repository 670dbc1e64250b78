"""Working days of China, from a table of rest days and make-up days handed in by the edge.

`tools/` has the table and code of its own over it, which petitions may not import; a test holds
the two to the same answers. A year that the table does not have is unknown, never guessed.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True)
class WorkDays:
    """`days`: rest or work, for the days that differ from the week."""

    days: Mapping[date, str]

    @classmethod
    def load(cls, path: Path) -> WorkDays:
        """From a CSV whose first columns are date (ISO) and rest or work."""
        with path.open(encoding="utf-8", newline="") as file:
            return cls({date.fromisoformat(row[0]): row[1] for row in list(csv.reader(file))[1:]})

    @cached_property
    def years(self) -> frozenset[int]:
        """Years that the table covers."""
        return frozenset(day.year for day in self.days)

    def after(self, start: date, count: int) -> date | None:
        """The `count`-th working day after `start`; None where a year on the way is not held."""
        day = start
        while count > 0:
            day += timedelta(days=1)
            if day.year not in self.years:
                return None
            kind = self.days.get(day)
            count -= kind == "work" or (kind is None and day.weekday() < 5)
        return day
