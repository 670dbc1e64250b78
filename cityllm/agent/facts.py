"""What a question says about itself: its language and the date of the facts it asks about.

A period stands for its last day (2020年 → 2020-12-31, 2019年3月 → 2019-03-31), but never for a day
after today; 之前 and `before` stand for the day before it begins. A full date may lie ahead. Without
a date in the question the answer is None and the caller takes today. Durations (20年) and amounts
are no dates. Of several dates the first counts.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta

from cityllm.corpus.numerals import cn_to_int
from cityllm.messages import Language

_CN_DIGIT = "零〇○一二三四五六七八九"
_YEAR = rf"((?:19|20)\d{{2}}|[一二][{_CN_DIGIT}]{{3}})"
_CN_PART = r"(\d{1,2}|[一二三四五六七八九十]{1,3})"
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september",
           "october", "november", "december")
_EN_MONTH = r"(" + "|".join(f"{m}|{m[:3]}" for m in _MONTHS) + r")\.?"
_RELATIVE = {"今年": 0, "去年": 1, "上一年": 1, "前年": 2, "大前年": 3, "this year": 0, "last year": 1}

Span = tuple[date, date]


def language_of(text: str) -> Language:
    """`zh` where at least one tenth of the letters are Chinese characters, otherwise `en`."""
    chinese = sum("\u4e00" <= char <= "\u9fff" for char in text)
    latin = sum(char.isascii() and char.isalpha() for char in text)
    return "en" if latin and chinese * 10 < chinese + latin else "zh"


def fact_date(text: str, today: date) -> date | None:
    """The day whose law the question asks about, None where it names none."""
    found: list[tuple[int, int, date]] = []
    for pattern, read in _READERS:
        for match in pattern.finditer(text):
            span = read(match, today)
            if span is not None:
                before = text[:match.start()] + match[0]
                day = _day(span, text[match.end():match.end() + 4], before, today)
                found.append((match.start(), -match.end(), day))
    return min(found)[2] if found else None


def _day(span: Span, after: str, before: str, today: date) -> date:
    first, last = span
    if re.match(r"\s*(?:年|月|日)?(?:以前|之前|前(?!后))", after) or re.search(
            r"\b(?:before|prior to)\s*(?:[a-z]+\.?\s*)?[\d\s,/.-]*$", before, re.IGNORECASE):
        return first - timedelta(days=1)
    return last if first == last else min(last, today)


def _span(year: int, month: int | None = None, day: int | None = None) -> Span | None:
    try:
        if month is None:
            return date(year, 1, 1), date(year, 12, 31)
        if day is None:
            return date(year, month, 1), date(year, month, monthrange(year, month)[1])
        return date(year, month, day), date(year, month, day)
    except ValueError:
        return None


def _int(text: str) -> int:
    return int(text) if text.isdigit() else cn_to_int(text) or 0


def _chinese(match: re.Match[str], today: date) -> Span | None:
    year, month, day = (_int(part) if part else None for part in match.groups())
    return _span(year or 0, month, day)


def _iso(match: re.Match[str], today: date) -> Span | None:
    return _span(*(int(part) for part in match.groups()))


def _relative(match: re.Match[str], today: date) -> Span | None:
    return _span(today.year - _RELATIVE[match[0].lower()])


def _ago(match: re.Match[str], today: date) -> Span | None:
    return _span(today.year - _int(match[1] or match[2]))


def _english(match: re.Match[str], today: date) -> Span | None:
    month = [m[:3] for m in _MONTHS].index(match[1][:3].lower()) + 1
    return _span(int(match[3]), month, int(match[2]) if match[2] else None)


def _english_day_first(match: re.Match[str], today: date) -> Span | None:
    month = [m[:3] for m in _MONTHS].index(match[2][:3].lower()) + 1
    return _span(int(match[3]), month, int(match[1]))


def _english_year(match: re.Match[str], today: date) -> Span | None:
    return _span(int(match[1]))


_Reader = Callable[[re.Match[str], date], Span | None]
_READERS: tuple[tuple[re.Pattern[str], _Reader], ...] = (
    (re.compile(rf"(?<!\d){_YEAR}\s*年(?:\s*{_CN_PART}\s*月(?:份)?(?:\s*{_CN_PART}\s*[日号])?)?"),
     _chinese),
    (re.compile(r"(?<!\d)((?:19|20)\d{2})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)"), _iso),
    (re.compile(r"(?<!\d)((?:19|20)\d{2})-(\d{1,2})(?![\d-])"), _iso),
    (re.compile(r"大前年|前年|去年|上一年|今年|\b(?:last|this) year\b", re.IGNORECASE), _relative),
    (re.compile(r"(\d{1,2}|[一二两三四五六七八九十]+)\s*年(?:以|之)?前|\b(\d{1,2}) years? ago\b",
                re.IGNORECASE), _ago),
    (re.compile(rf"\b{_EN_MONTH}\s+(?:(\d{{1,2}})(?:st|nd|rd|th)?,?\s+)?((?:19|20)\d{{2}})\b",
                re.IGNORECASE), _english),
    (re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?\s+{_EN_MONTH},?\s+((?:19|20)\d{{2}})\b",
                re.IGNORECASE), _english_day_first),
    (re.compile(r"\b(?:in|of|during|by|before|since|until|for|as of|prior to|year)\s+"
                r"((?:19|20)\d{2})(?![\d-])\b", re.IGNORECASE), _english_year),
)
