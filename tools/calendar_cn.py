"""Dates as people write them, and the official Chinese calendar of rest days and make-up days.

The table holds the yearly notices of the State Council's General Office. A year outside the table
is never guessed: Saturdays and Sundays alone do not tell a working day in China.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

from tools import ToolInputError
from tools.numerals import read_numeral

DATA = Path(__file__).resolve().parent / "data"
WEEKDAYS = ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日")
_MONTHS = ("january february march april may june july august september october november "
           "december").split()
SPOKEN_DAYS = {"今天": 0, "今日": 0, "today": 0, "昨天": -1, "昨日": -1, "yesterday": -1, "前天": -2,
               "明天": 1, "tomorrow": 1}
AHEAD = 31
_NAMES = "|".join(f"{name}|{name[:3]}" for name in _MONTHS)
_PATTERNS = (
    re.compile(r"(?<!\d)(?P<y>\d{4})\s*年\s*(?P<m>\d{1,2})\s*月\s*(?P<d>\d{1,2})\s*[日号]?(?!\d)"),
    re.compile(r"(?<!\d)(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?!\d)"),
    re.compile(r"(?<!\d)(?P<y>(?:19|20)\d{2})(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])(?!\d)"),
    re.compile(r"(?P<d>\d{1,2})\s+(?P<n>[A-Za-z]{3,9})\.?,?\s+(?P<y>\d{4})(?!\d)"),
    re.compile(r"(?P<n>[A-Za-z]{3,9})\.?\s+(?P<d>\d{1,2}),?\s+(?P<y>\d{4})(?!\d)"),
)
_NUMERAL = "〇零一二三四五六七八九十"
_SPOKEN = re.compile(rf"[{_NUMERAL}]{{4}}年[{_NUMERAL}]{{1,3}}月[{_NUMERAL}]{{1,3}}[日号]")
_YEARLESS = re.compile(
    rf"(?<![\d年{_NUMERAL}])(?:\d{{1,2}}|[{_NUMERAL}]{{1,2}})\s?月"
    rf"\s?(?:\d{{1,2}}|[{_NUMERAL}]{{1,3}})[日号]"
    rf"|\b(?:\d{{1,2}}\s+(?:{_NAMES})|(?:{_NAMES})\s+\d{{1,2}})\b(?!,?\s*\d{{4}})", re.IGNORECASE)


@dataclass(frozen=True)
class Calendar:
    """Rest days and make-up working days of the years in the table."""

    days: Mapping[date, str]

    @property
    def years(self) -> tuple[int, ...]:
        """Years that the table covers."""
        return tuple(sorted({day.year for day in self.days}))

    def knows(self, day: date) -> bool:
        """Whether the table covers the year of this day."""
        return day.year in self.years

    def is_working_day(self, day: date) -> bool:
        """Raises ToolInputError for a year that the table does not cover."""
        if not self.knows(day):
            held = "、".join(str(y) for y in self.years)
            held_en = ", ".join(str(y) for y in self.years)
            raise ToolInputError(
                f"{day.year}年的放假安排不在节假日表里（表中有 {held} 年），不能数工作日；"
                "可以改问自然日，或者先补入国务院办公厅当年的通知。",
                f"The holiday table does not hold {day.year} (it holds {held_en}), so working days "
                "cannot be counted; ask in calendar days, or add that year's official notice.")
        kind = self.days.get(day)
        return kind == "work" or (kind is None and day.weekday() < 5)

    def add_working_days(self, start: date, count: int) -> date:
        """The `count`-th working day after `start`; `start` itself is not counted."""
        day = start
        while count > 0:
            day += timedelta(days=1)
            count -= self.is_working_day(day)
        return day

    def next_working_day(self, day: date) -> date:
        """`day` itself if it is a working day, otherwise the first one after it."""
        while not self.is_working_day(day):
            day += timedelta(days=1)
        return day


@lru_cache(maxsize=4)
def load_calendar(path: Path = DATA / "holidays_cn.csv") -> Calendar:
    """The calendar from a CSV of date, kind (rest or work), holiday, notice."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return Calendar({date.fromisoformat(row[0]): row[1] for row in rows})


def add_months(start: date, months: int) -> date:
    """The same day of a later month, or that month's last day where there is none."""
    index = start.year * 12 + start.month - 1 + months
    year, month = divmod(index, 12)
    first_of_next = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    last = (first_of_next - timedelta(days=1)).day
    return date(year, month + 1, min(start.day, last))


def chinese_date(day: date) -> str:
    """2026年3月5日."""
    return f"{day.year}年{day.month}月{day.day}日"


def read_date(text: str) -> date:
    """The one full date in a text. Raises ToolInputError where it is missing or no real date."""
    plain = _arabic(text)
    found = {(m["y"], m.groupdict().get("m") or m["n"], m["d"])
             for pattern in _PATTERNS for m in pattern.finditer(plain)}
    if len(found) != 1:
        said_zh = f"起算日“{text}”里没有完整的日期" if text.strip() else "没有给出起算日"
        said_en = f"No full date in '{text}'" if text.strip() else "No start date was given"
        if len(found) > 1:
            said_zh, said_en = f"起算日“{text}”里有不止一个日期", f"More than one date in '{text}'"
        raise ToolInputError(
            f"{said_zh}；请写明收到或发生的年月日，例如“2026年3月5日”。不会拿今天代替。",
            f"{said_en}; give year, month and day, for instance 2026-03-05. "
            "Today is never assumed.")
    year, month, day = found.pop()
    names = [i for i, name in enumerate(_MONTHS, 1) if name.startswith(month.lower()[:3])]
    try:
        result = date(int(year), names[0] if names else int(month), int(day))
    except ValueError:
        raise ToolInputError(f"没有“{text}”这一天；请核对日期。",
                             f"There is no such day as '{text}'; check the date.") from None
    if not 1949 <= result.year <= 2100:
        raise ToolInputError(f"日期“{text}”不在 1949 到 2100 年之间；请核对。",
                             f"The date '{text}' is not between 1949 and 2100; check it.")
    return result


def date_spans(text: str) -> list[tuple[int, int]]:
    """Where full dates stand in a text, in order, as (start, end)."""
    spans = sorted(m.span() for pattern in (*_PATTERNS, _SPOKEN) for m in pattern.finditer(text))
    kept: list[tuple[int, int]] = []
    for start, end in spans:
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept


def yearless_spans(text: str) -> list[tuple[int, int]]:
    """Where dates without a year stand in a text (3月5日, March 5), in order, as (start, end)."""
    full = date_spans(text)
    return [m.span() for m in _YEARLESS.finditer(text)
            if not any(start < m.end() and m.start() < end for start, end in full)]


def full_date(text: str, said: str, today: date) -> str:
    """今天 and a date without a year as a full date. The year is that of the first full date `said`,
    or else the latest in which the day lies before `today` or at most `AHEAD` days after it. Any
    other text is returned as it is."""
    if text.lower() in SPOKEN_DAYS:
        return (today + timedelta(days=SPOKEN_DAYS[text.lower()])).isoformat()
    if yearless_spans(text) != [(0, len(text))]:
        return text
    named = [read_date(said[start:end]).year for start, end in date_spans(said)[:1]]
    for year in named or (today.year + 1, today.year, today.year - 1):
        try:
            day = read_date(f"{year}年{text}" if "月" in text else f"{text} {year}")
        except ToolInputError:  # 29 February
            continue
        if named or day <= today + timedelta(days=AHEAD):
            return chinese_date(day)
    return text


def _arabic(text: str) -> str:
    """二〇二六年三月五日 in digits; everything else unchanged."""
    def digits(match: re.Match[str]) -> str:
        numeral = read_numeral(match[0], 0)
        whole = numeral is not None and numeral.end == len(match[0])
        return str(numeral.value) if numeral is not None and whole else match[0]

    return re.sub(r"[〇零一二三四五六七八九十]+(?=[年月日号])", digits, text)
