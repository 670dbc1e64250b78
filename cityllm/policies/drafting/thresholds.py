"""Figures with a direction in Chinese policy language: 不低于5%, 2000万元（含）以上, 满3年, 3至5个.

A figure becomes a Threshold only where the words around it say in which direction it bounds; 近3年
or 2023年 bounds nothing. 以上, 以下, 以内, 不超过 include the figure itself, 超过, 低于, 不足 do not.
Where a range does not say whether its ends belong to it, the threshold is `unsure`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from cityllm.corpus.numerals import cn_to_int

_CN = "[一二两三四五六七八九十百千]{1,4}"
_UNITS = ("万亿|亿|千万|百万|万|千", "美元|欧元|元|人民币|%|％|‰|个百分点|平方米|平米|㎡|公里|千瓦时|千瓦|吨标准煤|吨|亩|"
          "周岁|岁|个工作日|工作日|个会计年度|年|个月|月|日|天|小时|场|届|辆|台|套|座|张|人次|人|名|位|户|家|项|件|个|篇|所|倍|分")
_FIGURE = re.compile(
    rf"(?P<cent>百分之)?(?P<num>\d[\d,]*(?:\.\d+)?|{_CN})\s*(?P<scale>{_UNITS[0]})?\s*"
    rf"(?P<unit>{_UNITS[1]})?")
_AFTER = re.compile(r"\s*(?:人民币)?\s*(?P<with>[（(](?:不?含)[^（）()]{0,10}[）)])?\s*(?:时间|期限)?"
                    r"(?P<side>[及或其]*以上|以下|以内|之内|内)?(?P<later>[（(](?:不?含)[^（）()]{0,10}[）)])?")
_TO = re.compile(r"\s*(?:[（(]含[）)])?\s*(?:至|到|－|—|~|～|-)\s*")
_BEFORE = (
    ("at_least", re.compile(r"(?:不(?:得|应|能)?(?:低于|少于|小于|短于)|[达到]|至少|(?<!不)(?<!未)满|≥|连续|"
                            r"拥有|具有|配备)$")),
    ("at_most", re.compile(r"(?:不(?:得|应|能|再)?(?:高于|超过|多于|大于|超出)|未超过|最高|最多|最长|至多|上限为?|≤|前)$")),
    ("less_than", re.compile(r"(?:低于|少于|小于|未满|不满|不足|未达到?)$")),
    ("more_than", re.compile(r"(?:超过|高于|大于|多于|突破)$")))
_SINCE_THEN = re.compile(r"\s*(?:$|[的，、；。（(）)]|(?:普通)?(?:高校|高等|中等|未就业|企业|小微))")
"""After N年内: what follows says that N bounds an age; 3年内获得 is only a period."""
_SHARE_OF = re.compile(r"(?P<way>不(?:得|应|能)?(?:低于|少于|超过|高于|多于))[^，。；\d]{2,40}的\s*$")
"""不低于总收入的35%: the direction stands before what the share is of."""
_ONLY = re.compile(r"\s*(?:只|仅|内|未|累计)")
_FILLER = re.compile(r"(?:人民币|约|均|总计|累计|为|了|有|一般|\s)+$")
_CARDINAL = frozenset("年月人名位户家项件个届场倍")


@dataclass(frozen=True, slots=True)
class Figure:
    """A number at `start:end` of its text: `value` in the unit's own measure (5% is 0.05, 2万元
    20000), `unit` as written without its scale."""

    start: int
    end: int
    value: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Threshold:
    """A figure and its direction; `start:end` takes in the words that give the direction."""

    figure: Figure
    op: str
    start: int
    end: int
    unsure: bool = False


def figures(text: str) -> Iterator[Figure]:
    """Every figure of a text that has a unit, or a scale; years of the calendar are left out."""
    for match in _FIGURE.finditer(text):
        if found := _figure(match):
            yield found


def _figure(match: re.Match[str]) -> Figure | None:
    number, unit = match["num"], match["unit"] or ""
    if not (unit or match["scale"] or match["cent"]):
        return None
    if number[0].isdigit():
        value = Decimal(number.replace(",", ""))
        if unit == "年" and 1900 <= value <= 2200 and not match["scale"]:
            return None
    else:
        plain = cn_to_int(number)
        if plain is None or not (match["cent"] or unit in _CARDINAL or unit in (
                "周岁", "岁", "个月", "个会计年度")):
            return None
        value = Decimal(plain)
    if unit == "月" or (unit == "日" and re.search(r"月\s*$", match.string[:match.start()])):
        return None  # of the calendar; a time of six months is 6个月
    value *= {"万亿": 10**12, "亿": 10**8, "千万": 10**7, "百万": 10**6, "万": 10**4, "千": 1000,
              None: 1}[match["scale"]]
    if unit in ("%", "％", "个百分点") or match["cent"]:
        return Figure(match.start(), match.end(), value / 100, "%")
    if unit == "‰":
        return Figure(match.start(), match.end(), value / 1000, "%")
    unit = {"平米": "平方米", "㎡": "平方米", "个月": "月", "岁": "周岁", "天": "日", "名": "人",
            "位": "人", "个会计年度": "会计年度", "人民币": "元"}.get(unit, unit)
    return Figure(match.start(), match.end(), value, unit)


def thresholds(text: str) -> list[Threshold]:
    """The figures of a text that bound something, in order."""
    found: list[Threshold] = []
    held = list(_FIGURE.finditer(text))
    skip = -1
    for at, match in enumerate(held):
        if at <= skip or re.search(r"[（(]不?含\s*$|(?:[第近]|(?<!以)上)\s*$", text[:match.start()]):
            continue
        following = held[at + 1] if at + 1 < len(held) else None
        if following and _TO.fullmatch(text, match.end(), following.start()):
            pair = _range(text, match, following)
            if pair:
                found += pair
                skip = at + 1
                continue
        figure = _figure(match)
        one = _bounded(text, figure) if figure else None
        if one:
            found.append(one)
    return found


def _range(text: str, low: re.Match[str], high: re.Match[str]) -> list[Threshold]:
    """3（含）至5个, 3亿元至5亿元（含）: the lower figure may leave scale and unit to the upper."""
    top = _figure(high)
    if top is None:
        return []
    scale = Decimal(low["num"].replace(",", "")) if low["num"][0].isdigit() else None
    bottom = _figure(low)
    if bottom is None or not bottom.unit:
        if scale is None:
            return []
        factor = {"亿": 10**8, "万": 10**4, "千": 1000}.get(low["scale"] or "", 1)
        if not low["scale"] and top.unit in ("元", "美元") and high["scale"]:
            factor = {"亿": 10**8, "万": 10**4, "千万": 10**7, "百万": 10**6}.get(high["scale"], 1)
        share = Decimal(1) / 100 if top.unit == "%" else Decimal(1)
        bottom = Figure(low.start(), low.end(), scale * factor * share, top.unit)
    if bottom.unit != top.unit or bottom.value >= top.value:
        return []
    between = text[low.end():high.start()]
    after = _AFTER.match(text, high.end())
    includes_low, includes_high = "含" in between, bool(after and after["with"])
    clear = includes_low or includes_high
    return [Threshold(bottom, "at_least" if includes_low or not clear else "more_than",
                      low.start(), high.end(), not clear),
            Threshold(top, "at_most" if includes_high or not clear else "less_than",
                      low.start(), (after.end() if after and after["with"] else high.end()),
                      not clear)]


def _bounded(text: str, figure: Figure) -> Threshold | None:
    before = text[:figure.start]
    before = before[:len(before) - len(match[0])] if (match := _FILLER.search(before)) else before
    op, start = "", figure.start
    for name, words in _BEFORE:
        if found := words.search(before):
            op, start = name, found.start()
            break
    if not op and figure.unit == "%" and (found := _SHARE_OF.search(text[:figure.start])):
        op = "at_least" if re.search("[低少]于", found["way"]) else "at_most"
        start = found.start()
    if (text[:start].endswith(("（", "(")) and op == "less_than") or (
            text[start:figure.start].startswith("连续") and _ONLY.match(text, figure.end)):
        return None  # an aside (不足一年的…), and 连续三年只能: how often, not for how long
    after = _AFTER.match(text, figure.end)
    side = after["side"] if after else None
    includes = (after["with"] or after["later"] or "") if after else ""
    end = after.end() if after and (side or includes) else figure.end
    if side and side.endswith("以上"):
        op = "more_than" if "不含" in includes else "at_least"
    elif side in ("以下", "以内", "之内") or (side and _SINCE_THEN.match(text, end)):
        op = "less_than" if "不含" in includes else "at_most"
    elif side:
        return None
    if not op or figure.unit in ("工作日", "个工作日", "小时"):
        return None
    if op == "at_most" and before.endswith("前") and figure.unit not in ("人", "个", ""):
        return None
    return Threshold(figure, op, start, end)
