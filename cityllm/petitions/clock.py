"""The legal clock: which periods run for a petition, from which day, until which day.

The periods are data of the pack (`petitions/clock.yaml`). A period counts from the day after its
start; 日 are calendar days and no rest day moves them, 工作日 follow the table of working days. A
start that is not known leaves the period unknown. The law is the one in force on the start day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from cityllm.errors import ConfigError
from cityllm.petitions.record import Due, Jurisdiction, Kind, Labels
from cityllm.petitions.workdays import WorkDays

State = Literal["done", "late", "past", "near", "open", "unknown"]
NEAR = 5
"""Days before the last one from which a period counts as near."""
EVENT_NAMES = {
    "received": "收到日期", "forwarded": "转送、交办日期", "accepted": "受理日期", "extended": "延期批准日期",
    "reply_received": "信访人收到答复的日期", "review_asked": "收到复查请求的日期",
    "review_reply_received": "信访人收到复查意见的日期", "recheck_asked": "收到复核请求的日期"}


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Both(_Strict):
    """A text in both languages."""

    zh: str
    en: str


class Law(_Strict):
    """A law, and the start dates for which it gives the periods: since <= start < until."""

    law: str
    version: date
    since: date
    until: date | None = None


class Period(_Strict):
    """One period; see the head of clock.yaml."""

    id: str
    law: str
    article: str
    name: Both
    within: int
    unit: Literal["day", "working_day"]
    event: str
    done_by: str
    binds: Both
    words: str
    receiver: Literal["office", "unit"] | None = None
    kinds: tuple[Kind, ...] | None = None
    jurisdictions: tuple[Jurisdiction, ...] | None = None
    after: str | None = None
    always: bool = False
    note: Both | None = None


class Other(_Strict):
    """A figure of the same texts that is no period of one petition."""

    law: str
    article: str
    within: int
    unit: Literal["day", "working_day"]
    words: str


class Table(_Strict):
    """All of clock.yaml."""

    receiver: Literal["office", "unit"]
    laws: tuple[Law, ...]
    periods: tuple[Period, ...]
    other: tuple[Other, ...] = ()
    promises: tuple[Period, ...] = ()


@dataclass(frozen=True)
class Clock:
    """The periods of a pack over a table of working days."""

    table: Table
    workdays: WorkDays

    @classmethod
    def load(cls, path: Path, workdays: WorkDays) -> Clock:
        """From clock.yaml; ConfigError names the faulty place."""
        try:
            table = Table.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except (OSError, yaml.YAMLError, ValidationError) as problem:
            raise ConfigError(f"{path} 不可用：{problem}", f"{path} is not usable: {problem}") from None
        known = {law.law for law in table.laws}
        for period in table.periods:
            if period.law not in known:
                raise ConfigError(f"{path}：期限 {period.id} 的法规 {period.law} 不在 laws 里。",
                                  f"{path}: the law {period.law} of {period.id} is not in laws.")
        return cls(table, workdays)

    def due(self, events: Mapping[str, date | None], labels: Labels, *,
            every: bool = False) -> list[Due]:
        """The periods of a petition with these labels, earliest last day first, unknown ones last.

        `events`: what happened on which day, at least `received`; a missing one or None is
        unknown. Periods not yet begun are left out unless `every`, or the table wants them always.
        """
        found: list[Due] = []
        for period in (*self.table.periods, *self.table.promises):
            start = events.get(period.event)
            if not self._applies(period, labels) or not self._in_force(period, start):
                continue
            if start is None and not (every or period.always):
                continue
            found.append(self._due(period, start, events, found))
        return sorted(found, key=lambda one: (one.due is None, one.due or date.max))

    def _applies(self, period: Period, labels: Labels) -> bool:
        return (period.receiver in (None, self.table.receiver)
                and (period.kinds is None or labels.kind in period.kinds)
                and (period.jurisdictions is None or labels.jurisdiction in period.jurisdictions))

    def _in_force(self, period: Period, start: date | None) -> bool:
        """Whether the period's law is the one for this start; for an unknown one, today's law."""
        for law in self.table.laws:
            if law.law == period.law:
                if start is None:
                    return law.until is None
                return law.since <= start and (law.until is None or start < law.until)
        return True  # a promise of the city

    def _due(self, period: Period, start: date | None, events: Mapping[str, date | None],
             before: list[Due]) -> Due:
        base, last, why = start, None, ""
        if start is None:
            why = f"{EVENT_NAMES.get(period.event, period.event)}未知"
        elif period.after:
            base = next((one.due for one in before if one.id == period.after), None)
            if base is None:
                why = "原期限未知"
            elif start > base:
                base, why = None, "延期批准在原期限届满之后"
        if base is not None:
            if period.unit == "day":
                last = base + timedelta(days=period.within)
            else:
                last = self.workdays.after(base, period.within)
                if last is None:
                    why = f"{base.year} 年前后的放假安排不在节假日表里"
        return Due(period.id, period.name.zh, period.name.en, period.law, period.article,
                   period.binds.zh, period.event, period.within, period.unit, start, last,
                   events.get(period.done_by), why)


def state(due: Due, today: date) -> State:
    """How a period stands on a day. Kept late is `late`; the last day itself is still in time."""
    if due.due is None:
        return "done" if due.done else "unknown"
    if due.done:
        return "done" if due.done <= due.due else "late"
    if today > due.due:
        return "past"
    return "near" if (due.due - today).days <= NEAR else "open"
