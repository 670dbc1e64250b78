"""The last day of a period: 15日, 10个工作日, 3个月, or a period that the catalogue names.

The day on which a period starts is not counted. Months and years end on the same day of the month,
or on the month's last day. 日 are calendar days and 工作日 working days, except where the law says
that its 日 are working days. A last day that is a rest day moves only where the catalogued law says
so. What the tool does not do: suspend or extend a period, count hours, count backwards, or decide
which period applies.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import SequenceMatcher
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict

from tools import ToolInputError
from tools.calendar_cn import (
    DATA,
    WEEKDAYS,
    Calendar,
    add_months,
    chinese_date,
    date_spans,
    load_calendar,
    read_date,
    yearless_spans,
)
from tools.deadline_acts import asked
from tools.numerals import read_numeral
from tools.schema import Figure, ToolResult

Unit = Literal["日", "工作日", "个月", "年"]
UNIT_EN = {"日": "day(s)", "工作日": "working day(s)", "个月": "month(s)", "年": "year(s)"}
LONGEST = {"日": 36500, "工作日": 1000, "个月": 1200, "年": 100}
_NOISE = re.compile(r"\s|的|期限|时间")
_UNIT = re.compile(r"\s*(?:个)?\s*(?:(?P<w>工作日|working days?)|(?P<d>日|天|自然日|calendar days?|days?)"
                   r"|(?P<k>周|星期|weeks?)|(?P<m>月|months?)|(?P<y>年|周年|years?))", re.IGNORECASE)


_CLEAR, _STARTS = 0.6, 4
_ORDINAL = re.compile(r"[最哪那每前后当同某][后前]?$")


class Working(BaseModel):
    """Periods that a law writes in 日 and counts in working days, and the article saying so."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    days: list[int] | Literal["all"]
    article: str


class Law(BaseModel):
    """How one law counts. `since`: the text read applies from this day."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    version: date
    since: date
    rest_day: Literal["next_day", "stays"]
    basis: str = ""
    working: Working | None = None


class Period(BaseModel):
    """One catalogued period; `length` and `unit` as the article writes them."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    aliases: list[str]
    length: int
    unit: Unit
    law: str
    article: str
    starts: str
    starts_en: str
    binds: str
    binds_en: str
    does_en: str
    words: list[str]
    kind: Literal["within", "at_least"] = "within"


class Catalogue(BaseModel):
    """All laws and periods of `legal_periods.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    laws: dict[str, Law]
    periods: list[Period]

    def named(self, text: str) -> list[Period]:
        """Periods whose name or alias is the text, or the longest that stands in it."""
        wanted = _NOISE.sub("", text)
        best: dict[int, list[Period]] = {}
        for period in self.periods:
            for name in (period.name, *period.aliases):
                plain = _NOISE.sub("", name)
                if plain and plain in wanted:
                    held = best.setdefault(len(plain), [])
                    if period not in held:
                        held.append(period)
        return best[max(best)] if best else []

    def nearest(self, text: str) -> list[str]:
        """Names most like a text, for a message."""
        def likeness(period: Period) -> float:
            names = (period.name, *period.aliases)
            return max(SequenceMatcher(None, text, name).ratio() for name in names)

        return [p.name for p in sorted(self.periods, key=likeness, reverse=True)[:5]]


@dataclass(frozen=True)
class Deadline(ToolResult):
    """`steps` is how the last day was found; law and article are empty for a plain period."""

    deadline: date = date.min
    steps: tuple[str, ...] = ()
    law: str = ""
    article: str = ""


@lru_cache(maxsize=4)
def load_periods(path: Path = DATA / "legal_periods.yaml") -> Catalogue:
    """The catalogue of legal periods."""
    return Catalogue.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def legal_deadline(start: str, period: str) -> Deadline:
    """计算法定期限的最后一日。Last day of a legal period.

    start: 起算日，如 2026年3月5日；the day the period starts from, never assumed
    period: 期限或名称，如 15日、10个工作日、信访复查；length or catalogued name
    """
    begin = read_date(start)
    catalogue, calendar = load_periods(), load_calendar()
    found = catalogue.named(period)
    inputs = {"start": start, "period": period}
    if not found:
        length, unit = _plain(period, catalogue)
        return _count(inputs, begin, length, unit, calendar)
    if len({(p.length, p.unit, p.law) for p in found}) > 1:
        choices = "、".join(p.name for p in found)
        raise ToolInputError(f"“{period}”有几种期限：{choices}；请写明是哪一种。",
                             f"'{period}' names several periods: {choices}; say which one.")
    chosen = found[0]
    law = catalogue.laws[chosen.law]
    if begin < law.since:
        raise ToolInputError(
            f"目录中的《{chosen.law}》自{chinese_date(law.since)}起适用，起算日更早，当时的规定不在目录里；"
            "请查当时的法条，再直接写天数，例如“60日”。",
            f"The catalogued text of {chosen.law} applies from {law.since}; the start is earlier. "
            "Look up the wording of that time and give the length, for instance '60日'.")
    unit = chosen.unit
    if law.working and unit == "日" and (
            law.working.days == "all" or chosen.length in law.working.days):
        unit = "工作日"
    return _count(inputs, begin, chosen.length, unit, calendar, chosen, law, found[1:])


def _plain(text: str, catalogue: Catalogue) -> tuple[int, Unit]:
    """Length and unit of a period such as 十五日, 10个工作日, 半年."""
    body = text.strip().replace("半年", "6个月").replace("以内", "").removesuffix("内")
    for at in range(len(body)):
        numeral = read_numeral(body, at)
        found = _UNIT.match(body, numeral.end) if numeral else None
        if numeral is None or found is None:
            continue
        if numeral.value.denominator != 1 or numeral.value < 1:
            break
        length = int(numeral.value)
        unit: Unit = "工作日" if found["w"] else "个月" if found["m"] else "年" if found["y"] else "日"
        length *= 7 if found["k"] else 1
        if length > LONGEST[unit]:
            raise ToolInputError(f"期限“{text}”太长（最多 {LONGEST[unit]} {unit}）；请核对。",
                                 f"The period '{text}' is too long (at most {LONGEST[unit]} "
                                 f"{UNIT_EN[unit]}); check it.")
        return length, unit
    near = "、".join(catalogue.nearest(text))
    raise ToolInputError(
        f"看不懂期限“{text}”；请写“15日”“10个工作日”“3个月”，或目录中的名称，例如：{near}。",
        f"Cannot read the period '{text}'; give '15日', '10 working days', '3 months' or a "
        f"catalogued name, for instance: {near}.")


def lengths_in(text: str) -> list[str]:
    """Lengths of time named in a text (15日, 10个工作日, 半年), dates left out, in order."""
    hidden = list(text)
    for start, end in [*date_spans(text), *yearless_spans(text)]:
        hidden[start:end] = "\0" * (end - start)
    plain = "".join(hidden)
    found, at = [], 0
    while at < len(plain):
        numeral = read_numeral(plain, at)
        unit = _UNIT.match(plain, numeral.end) if numeral else None
        if plain.startswith("半年", at):
            found.append("半年")
            at += 2
        elif numeral and unit and numeral.value >= 1 and not (
                (unit["y"] and numeral.value > 100) or plain[at - 1:at] == "第"
                or (numeral.value == 1 and _ORDINAL.search(plain, 0, at))):
            found.append(plain[at:unit.end()])
            at = unit.end()
        else:
            at = numeral.end if numeral else at + 1
    return list(dict.fromkeys(found))


def periods_for(text: str, most: int = 6, acts: Sequence[str] = ()) -> list[str]:
    """Names of the catalogued periods that a text speaks of, likeliest first, at most `most`.

    Likeness is the share of a name's or alias's pairs of characters that stand in the text, in
    English of the words that say what the period is for. Where the text asks for the last day of an
    act of a person's own (起诉), or for one of `acts`, only such periods are meant, and of these the
    one that starts from what the text names, or those not much less likely than the first.
    """
    periods = load_periods().periods
    meant = [p for p in periods if any(act in p.name for act in acts or asked(text))]
    told = [p for p in meant if _in_common(p.starts, text) >= _STARTS]
    scored = sorted(((_likeness(p, text), -i, p.name)
                     for i, p in enumerate(periods) if p in (told or meant or periods)),
                    reverse=True)
    least = _CLEAR * scored[0][0] if meant else 0.0
    return [name for score, _, name in scored[:most] if score > 0 and score >= least]


def _likeness(period: Period, text: str) -> float:
    named = (_share(name, text) for name in (period.name, *period.aliases, *period.words))
    spoken = set(re.findall(r"[a-z]{4,}", text.lower()))
    own = set(re.findall(r"[a-z]{4,}", f"{period.does_en} {period.starts_en}".lower()))
    return max(*named, len(own & spoken) / (len(own) + 1))


def _in_common(first: str, second: str) -> int:
    """Characters of the longest run that stands in both."""
    found = SequenceMatcher(None, first, second, autojunk=False).find_longest_match()
    return found.size


def _share(words: str, text: str) -> float:
    pairs = {words[i:i + 2] for i in range(len(words) - 1)}
    return sum(pair in text for pair in pairs) / (len(pairs) + 1)


def choices_in(text: str, acts: Sequence[str] = ()) -> list[str]:
    """What may be the period of a text: catalogued names that fit it, then lengths it names.

    Where it names a length, only catalogued periods of that very length fit, and such a name stands
    instead of the length: it knows how its law counts. `acts` are what the last words ask for where
    those before them asked for something else.
    """
    lengths, names = lengths_in(text), periods_for(text, acts=acts)
    if not lengths:
        return names
    catalogue = load_periods()
    by_name = {period.name: period for period in catalogue.periods}
    kept: list[str] = []
    for length in lengths:
        try:
            plain = _plain(length, catalogue)
        except ToolInputError:  # 五六万一天 is a sum a day: no period, so no choice either
            continue
        same = [n for n in names if (by_name[n].length, by_name[n].unit) == plain]
        kept += same or [length]
    return list(dict.fromkeys(kept))


def _count(inputs: dict[str, Any], begin: date, length: int, unit: Unit, calendar: Calendar,
           chosen: Period | None = None, law: Law | None = None,
           others: list[Period] | None = None) -> Deadline:
    """Count, move the last day where the law says so, and tell how."""
    if unit == "工作日":
        end = calendar.add_working_days(begin, length)
    elif unit == "日":
        end = begin + timedelta(days=length)
    else:
        end = add_months(begin, length * (12 if unit == "年" else 1))
    first = begin + timedelta(days=1)
    shown = f"{length}{'个' if unit == '工作日' else ''}{unit}"
    zh = [f"起算日{chinese_date(begin)}不计入，从{chinese_date(first)}起算{shown}"]
    en = [f"The start {begin} is not counted; {length} {UNIT_EN[unit]} run from {first}"]
    if chosen and law and law.working and unit != chosen.unit:
        zh.append(f"{chosen.law}第{law.working.article}条：该期限以工作日计算")
        en.append(f"Article {law.working.article} of {chosen.law}: this period is working days")
    counted = end
    end = _moved(counted, unit, calendar, law, zh, en)
    zh.append(f"最后一日是{chinese_date(end)}（{WEEKDAYS[end.weekday()]}）")
    en.append(f"The last day is {end} ({end:%A})")
    values = {
        "deadline": Figure(chinese_date(end), "", "最后一日", "last day"),
        "deadline_iso": Figure(end.isoformat(), "", "最后一日", "last day"),
        "weekday": Figure(WEEKDAYS[end.weekday()], "", "星期", "weekday"),
        "start": Figure(chinese_date(begin), "", "起算日（不计入）", "start, not counted"),
        "first_day": Figure(chinese_date(first), "", "第一日", "first day counted"),
        "length": Figure(str(length), unit, "期限", "period"),
        "days": Figure(str((end - begin).days), "天", "距起算日的自然日", "calendar days from start"),
    }
    head_zh, head_en = "", ""
    if chosen and law:
        role = "最短期限" if chosen.kind == "at_least" else "期限"
        head_zh = (f"{chosen.name}：《{chosen.law}》第{chosen.article}条（{law.version}文本），"
                   f"{role}{shown}，自{chosen.starts}起，约束{chosen.binds}。")
        head_en = (f"{chosen.does_en} ({chosen.law}, Article {chosen.article}, text of "
                   f"{law.version}): {'at least ' if chosen.kind == 'at_least' else ''}{length} "
                   f"{UNIT_EN[unit]} from: {chosen.starts_en}; binds {chosen.binds_en}. ")
        for other in others or []:
            zh.append(f"同长度的还有“{other.name}”（自{other.starts}起，约束{other.binds}）")
            en.append(f"Of the same length: {other.does_en}, from {other.starts_en}")
    return Deadline(inputs, values, head_zh + "；".join(zh) + "。", head_en + ". ".join(en) + ".",
                    deadline=end, steps=tuple(zh), law=chosen.law if chosen else "",
                    article=chosen.article if chosen else "")


def _moved(end: date, unit: Unit, calendar: Calendar, law: Law | None,
           zh: list[str], en: list[str]) -> date:
    """The last day after the rule for rest days; what was done is added to `zh` and `en`."""
    if unit == "工作日":
        return end
    weekend = end.weekday() >= 5
    if not calendar.knows(end):
        if weekend or (law and law.rest_day == "next_day"):
            zh.append(f"{end.year}年的放假安排不在节假日表里，没有判断最后一日是否休息日，未作顺延")
            en.append(f"The holiday table does not hold {end.year}: whether the last day is a rest "
                      "day was not judged, and it was not moved")
        return end
    if calendar.is_working_day(end):
        return end
    if law and law.rest_day == "next_day":
        moved = calendar.next_working_day(end)
        zh.append(f"{chinese_date(end)}是休息日，按{law.basis}顺延")
        en.append(f"{end} is a rest day; it moves under {law.basis}")
        return moved
    reason = "该规定没有写明顺延" if law else "没有指明法律，未作顺延（民事、诉讼期间会顺延到下一个工作日）"
    zh.append(f"最后一日是休息日，{reason}")
    en.append("The last day is a rest day; " + (
        "this law has no rule that moves it" if law else
        "no law was named, so it was not moved (civil and court periods move to the next "
        "working day)"))
    return end
