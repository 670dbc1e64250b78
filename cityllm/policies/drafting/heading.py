"""Title, number, issuer, region, validity and application window of a policy, each with its place.

Nothing is guessed: what the text does not say stays empty, a validity that it does not say is
unknown. A date of issue counts as the first day only where the text says 自发布之日起.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

from cityllm.corpus.dates import find_dates
from cityllm.corpus.levels import NATION, region_in
from cityllm.corpus.numerals import cn_to_int
from cityllm.policies.figures import NotAllowed
from cityllm.policies.regions import read_region

_NUMBER = re.compile(
    r"(?:[\u4e00-\u9fff]{1,12}[〔\[［（(]\s*\d{4}\s*[〕\]］）)]|[〔\[]\d{4}[〕\]][\u4e00-\u9fff]{1,10})"
    r"\s*第?\s*\d+\s*号|[\u4e00-\u9fff]{2,10}令\s*第?\s*\d+\s*号")
_TITLE_IN = re.compile(r"印发《?([^《》\n]{4,60}?)》?的?通知")
_OFFICE = (r"[\u4e00-\u9fff、]{2,50}?(?:人民政府办公厅|人民政府办公室|人民政府|办公厅|办公室|委员会|管委会|管理局|"
           r"信息化局|[\u4e00-\u9fff]{1,8}局|[\u4e00-\u9fff]{1,6}厅|国务院|财政部|[\u4e00-\u9fff]{2,10}部)")
_ISSUER_LINE = re.compile(
    rf"^(?:发文机[构关]|发布机构|制定机关|印发机关)[：:]\s*(.+)$|^({_OFFICE})$", re.MULTILINE)
_ABOUT = re.compile(rf"^#*\s*({_OFFICE})(?:等\d*部门)?关于", re.MULTILINE)
_DAY = r"\d{1,2}\s*月\s*\d{1,2}\s*日"
_DATE = rf"\d{{4}}\s*年\s*{_DAY}"
_FROM = re.compile(r"自(?P<date>[^自。；]{6,14}?日)起(?:正式)?(?:施行|实施|执行|生效)|"
                   r"(?P<once>自(?:发布|印发|公布|下发)之日起)(?:[^。；]{0,6})(?:施行|实施|执行|生效)?")
_TERM = r"(?:有效期|执行期|实施期限?|试行期|截止|止于)"
_SPAN = re.compile(rf"{_TERM}[^。；\n]{{0,8}}?(?:为|至|到|是)?\s*(?P<n>\d{{1,2}}|[一二两三四五六七八九十])\s*年")
_UNTIL = re.compile(rf"{_TERM}[^。；\n]{{0,20}}?(?:至|到|截止|止于?)\s*(?P<date>{_DATE})|"
                    rf"(?P<both>{_DATE}\s*起?至\s*{_DATE})\s*(?:止|有效|执行)")
_ENDS = (rf"(?P<a>(?:\d{{4}}\s*年\s*|每年\s*)?{_DAY})[^。\n]{{0,6}}?(?:至|到|－|—|-)\s*"
         rf"(?P<b>(?:\d{{4}}\s*年\s*)?{_DAY})")
_WINDOW = re.compile(
    rf"(?:申报|申请|受理|征集|填报|提交)(?:的)?(?:时间|期限|日期|截止)?[^。\n]{{0,12}}?{_ENDS}")
_WINDOW_THEN = re.compile(rf"于\s*{_ENDS}[^。\n]{{0,24}}?(?:申报|申请|提交|登录|填报|报送)")
_ISSUED = re.compile(
    r"^(?:发布日期|成文日期|印发日期|发文时间)[：:]\s*(\d{4}-\d{1,2}-\d{1,2}|.{6,14}日)", re.MULTILINE)
_LONE_DATE = re.compile(rf"^\s*({_DATE})(?:印发)?\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Said:
    """A piece of the heading and where the text has it."""

    value: str
    start: int
    end: int


@dataclass(frozen=True)
class Heading:
    """What the text says of itself; a part that it does not say is absent from `said`."""

    title: str = ""
    number: str = ""
    issuer: str = ""
    region: str = ""
    first: date | None = None
    last: date | None = None
    window: tuple[str, str] | None = None
    said: dict[str, Said] = field(default_factory=dict)


Keep = Callable[[str, str, int, int], str]
"""Records a piece by name, value, start and end; gives the value back."""


def read_heading(text: str) -> Heading:
    """The heading of a policy's text."""
    said: dict[str, Said] = {}

    def keep(name: str, value: str, start: int, end: int) -> str:
        said[name] = Said(value, start, end)
        return value

    title = _title(text, keep)
    number = ""
    if match := _NUMBER.search(text[:1500]):
        number = keep("number", re.sub(r"\s", "", match[0]), match.start(), match.end())
    issuer = _issuer(text, keep)
    region = _region(issuer, title)
    first, last = _validity(text, keep)
    window = _window(text, keep)
    return Heading(title, number, issuer, region, first, last, window, said)


def _title(text: str, keep: Keep) -> str:
    if match := _TITLE_IN.search(text[:1200]):
        return keep("title", match[1].strip(), match.start(1), match.end(1))
    for match in re.finditer(r"[^\n]+", text):
        line = match[0].strip().lstrip("#").strip()
        if len(line) >= 5 and not re.match(r"您当前|首页|发文|信息|第.{1,5}条", line):
            start = match.start() + match[0].index(line)
            return keep("title", line[:80], start, start + len(line[:80]))
    return ""


def _issuer(text: str, keep: Keep) -> str:
    if match := _ABOUT.search(text):
        return keep("issuer", match[1], match.start(1), match.end(1))
    for match in _ISSUER_LINE.finditer(text):
        at = 1 if match[1] else 2
        return keep("issuer", match[at].strip(), match.start(at), match.end(at))
    return ""


def _region(issuer: str, title: str) -> str:
    """From the issuer, else the title: the city and the district that it names, else unknown."""
    for name in (issuer, title):
        found = region_in(name)
        if not found:
            continue
        try:
            path = read_region(found)
        except NotAllowed:
            continue
        rest = name[len(found):] if name.startswith(found) else name[len(found) - 1:]
        district = re.match(r"([\u4e00-\u9fff]{2,5}?[区县])(?!域)", rest)
        return f"{path}/{district[1]}" if district else path
    return NATION if re.match(r"国务院|财政部|国家税务总局|中华人民共和国", issuer) else ""


def _validity(text: str, keep: Keep) -> tuple[date | None, date | None]:
    first = last = None
    for match in _FROM.finditer(text):
        if match["date"] and (days := find_dates(match["date"])):
            first = days[-1]
            keep("from", first.isoformat(), match.start(), match.end())
            break
        if match["once"] and (issued := _issued(text)):
            first = date.fromisoformat(issued.value)
            keep("from", issued.value, issued.start, issued.end)
            break
    until, term = _UNTIL.search(text), _SPAN.search(text)
    if until:
        days = find_dates(until["both"] or until["date"])
        if days:
            last = days[-1]
            keep("to", last.isoformat(), until.start(), until.end())
            if until["both"] and len(days) == 2 and first is None:
                first = days[0]
                keep("from", first.isoformat(), until.start(), until.end())
    elif first and term:
        count = int(term["n"]) if term["n"].isdigit() else cn_to_int(term["n"]) or 0
        last = _years_on(first, count) - timedelta(days=1)
        keep("to", term[0], term.start(), term.end())
    return first, last


def _years_on(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def _issued(text: str) -> Said | None:
    """The day of issue: a labelled one, else the last line that is nothing but a date."""
    for match in [*_ISSUED.finditer(text)][:1] or [*_LONE_DATE.finditer(text)][-1:]:
        try:
            day = date.fromisoformat(match[1]) if "-" in match[1] else find_dates(match[1])[0]
        except (ValueError, IndexError):
            continue
        return Said(day.isoformat(), match.start(1), match.end(1))
    return None


def _window(text: str, keep: Keep) -> tuple[str, str] | None:
    match = _WINDOW.search(text) or _WINDOW_THEN.search(text)
    if not match:
        return None
    ends = []
    year = re.match(r"\d{4}", match["a"])
    for part in (match["a"], match["b"]):
        own = re.match(r"\d{4}", part)
        month, day = re.findall(r"(\d{1,2})\s*[月日]", part)
        stem = own[0] if own else year[0] if year else ""
        ends.append(f"{stem}-{int(month):02d}-{int(day):02d}" if stem else
                    f"{int(month):02d}-{int(day):02d}")
    try:
        for one in ends:
            date.fromisoformat(one if len(one) > 5 else f"2024-{one}")
    except ValueError:
        return None
    keep("window", match[0], match.start(), match.end())
    return ends[0], ends[1]
