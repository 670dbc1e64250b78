"""Units and bounds as Chinese law and English prose spell them, made alike for comparison.

`read_unit` reads the unit that begins at a place in a text: 平方米, ㎡ and square metres are one unit,
公顷 is ten thousand of it; 日 and 工作日 are two. Units that no fixed factor joins stay apart.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

# canonical unit, factor to it, spellings as a regular expression (English ones end at a word end)
_ROWS: tuple[tuple[str, str, str, str], ...] = (
    ("工作日", "1", "个?工作日|个?交易日", r"(?:working|business|work)[ -]days?"),
    ("日", "1", "个?自然日|日(?![常益]|工作)|天(?!工作)", r"(?:calendar |natural )?days?"),
    ("周岁", "1", "周岁|岁", r"years? (?:old|of age)"),
    ("月", "1", "个月|月", r"months?"),
    ("年", "1", "周年|年(?!度)", r"years?|yrs?"),
    ("年度", "1", "个?年度", ""),
    ("周", "1", "个?星期|周", r"weeks?"),
    ("小时", "1", "个?小时|钟头", r"hours?|hrs?|h"),
    ("分钟", "1", "分钟", r"minutes?|mins?"),
    ("秒", "1", "秒", r"seconds?|secs?|s"),
    ("㎡", "1000000", "平方公里|平方千米|km²|km2", r"square kilomet(?:er|re)s?|sq km"),
    ("㎡", "10000", "公顷|hm²", r"hectares?|ha"),
    ("㎡", "1", "平方米|平米|㎡|m²|m2", r"square met(?:er|re)s?|sqm|sq m"),
    ("亩", "1", "亩", r"mu"),
    ("m³", "1", "立方米|m³|m3", r"cubic met(?:er|re)s?"),
    ("km/h", "1", r"公里/小时|公里每小时|千米/小时|千米每小时|km/h", r"kilomet(?:er|re)s? (?:per|an) hour|kph"),
    ("s/veh", "1", "秒/辆|秒每辆|s/veh", r"seconds? per vehicle"),
    ("米", "1000", "公里|千米", r"kilomet(?:er|re)s?|km"),
    ("米", "1/100", "厘米", r"centimet(?:er|re)s?|cm"),
    ("米", "1/1000", "毫米", r"millimet(?:er|re)s?|mm"),
    ("米", "1", "米", r"met(?:er|re)s?|m"),
    ("美元", "1", "美元", r"(?:US )?dollars?|USD"),
    ("欧元", "1", "欧元", r"euros?|EUR"),
    ("元", "1", "元|块钱|块(?=[，。钱])", r"yuan|RMB|CNY"),
    ("吨", "1", "吨", r"tons?|tonnes?|t"),
    ("千克", "1", "千克|公斤|kg", r"kilograms?"),
    ("克", "1", "克", r"grams?|g"),
    ("分贝", "1", "分贝", r"decibels?|dB(?:\(A\))?"),
    ("度", "1", "摄氏度|℃|度", r"degrees?"),
    ("辆", "1", "辆", r"vehicles?|veh|cars?"),
    ("人", "1", "人|名|位", r"people|persons?|members?|residents?"),
    ("户", "1", "户", r"households?"),
    ("层", "1", "层", r"storeys?|stories|floors?"),
    ("栋", "1", "栋|幢", r"buildings?"),
    ("家", "1", "家", r"enterprises?|companies"),
    ("倍", "1", "倍", r"times|-?fold"),
    ("次", "1", "次", r"occasions?"),
    ("百分点", "1", "个百分点", r"percentage points?"),
    ("件", "1", "件", r"cases?|pieces?|items?"),
    ("车位", "1", "个?(?:停车位|车位|泊位)", r"(?:parking )?(?:spaces|lots)"),
    ("个", "1", "个", ""),
    ("条", "1", "条", r"articles?"),
    ("项", "1", "项", ""), ("款", "1", "款", r"paragraphs?"), ("份", "1", "份", r"copies|copy"),
    ("种", "1", "种", r"kinds?|types?"), ("套", "1", "套", r"sets?"), ("级", "1", "级", r"levels?"),
    ("处", "1", "处", ""), ("座", "1", "座", ""), ("台", "1", "台", ""), ("所", "1", "所", ""),
    ("类", "1", "类", r"categor(?:y|ies)"), ("小组", "1", "个?小组", ""),
)
_PATTERNS = tuple(
    (name, Fraction(factor), re.compile(
        "|".join(part for part in (zh, rf"(?:{en})(?![A-Za-z])" if en else "") if part),
        re.IGNORECASE if en else 0))
    for name, factor, zh, en in _ROWS)
_PER = re.compile(r"\s*[/／]\s*|每|\s+per\s+|·")
_GAP = re.compile(r"[ \u00a0\u3000-]{0,2}")


class Unit(NamedTuple):
    """`name` after conversion, `factor` to it, `end` in the text, `known` to the table."""

    name: str
    factor: Fraction
    end: int
    known: bool = True


# What may follow a figure that has no unit; anything else is taken for a unit that we do not know.
_NO_UNIT = re.compile(
    r"$|[\s\W_]*$|[^\w\s]|以上|以下|以内|之内|左右|至|到|的|和|或|与|及|为|是|之间|、|比|则|变|升|降|涨|跌|减|增|时|但|也|都|就|即|并|且"
    r"|(?:and|or|to|of|in|for|is|are|was|were|the|than|from|by|at|on|with|if|as|a|an|which|that|but"
    r"|after|before|then|out)(?![A-Za-z])", re.IGNORECASE)


def read_unit(text: str, at: int) -> Unit:
    """The unit that begins at `at` (a space may stand before it); name "" where there is none."""
    place = _GAP.match(text, at)
    start = place.end() if place else at
    first = _one(text, start)
    if first is None:
        if _NO_UNIT.match(text, start) or start >= len(text):
            return Unit("", Fraction(1), at)
        word = re.compile(r"[A-Za-z]+|.").match(text, start)
        unknown = word[0].lower() if word else ""
        return Unit(f"?{unknown}", Fraction(1), start + len(unknown), known=False)
    name, factor, end = first
    while per := _PER.match(text, end):
        nxt = _one(text, per.end())
        if nxt is None:
            break
        name, end = f"{name}/{nxt[0]}" if nxt[1] == 1 else f"{name}/{nxt[1]}{nxt[0]}", nxt[2]
    return Unit(name, factor, end)


def _one(text: str, at: int) -> tuple[str, Fraction, int] | None:
    best: tuple[str, Fraction, int] | None = None
    for name, factor, pattern in _PATTERNS:
        found = pattern.match(text, at)
        if found and found.end() > at and (best is None or found.end() > best[2]):
            best = (name, factor, found.end())
    return best


_MAX_AFTER = re.compile(r"\s*(?:及|或)?(?:以下|以内|之内|内(?!容|部|设)|or (?:less|fewer|below|under)|封顶)")
_MIN_AFTER = re.compile(r"\s*(?:及|或)?(?:以上|起步|or (?:more|above|over))")
_MIN_BEFORE = re.compile(
    r"(?:不低于|不得低于|不少于|不得少于|不小于|至少|最低|最少|起码|超过|超出|高于|大于|多于|(?<!不)(?<!未)满|逾"
    r"|at least|(?:no|not) (?:less|fewer|lower|shorter|earlier) than|a minimum of|minimum of|ove"
    r"r|above|more than"
    r"|exceed(?:s|ing)?|longer than|greater than)\s*(?:[^，。；：、,;\d]{1,10}的)?[为是]?\s*(?:RMB|CNY|¥"
    r"|￥|\$)?\s*$", re.IGNORECASE)
_MAX_BEFORE = re.compile(
    r"(?:不超过|不得超过|不能超过|不超出|不高于|不得高于|不大于|不多于|最多|至多|最高|最长|最迟|不足|不满|未满|(?<!不)(?<!不得)(?<!不能)(?:低于|少于"
    r"|小于)"
    r"|up to|at most|(?:no|not) (?:more|later|longer|greater) than"
    r"|(?:not|never) (?:to )?exceed(?:ing)?|a maximum of|maximum of|within|under|below"
    r"|(?<!no )(?<!not )(?:less than|fewer than))\s*(?:[^，。；：、,;\d]{1,10}的)?[为是]?\s*(?:RMB|CNY|¥"
    r"|￥|\$)?\s*$", re.IGNORECASE)
_NEGATED_MIN = re.compile(r"(?:不|未|没有|not|n't|no|never)\s*$", re.IGNORECASE)


def bound(text: str, start: int, end: int) -> str:
    """`min`, `max` or "" for the figure at `start:end`, from the words around it."""
    before = text[max(0, start - 28):start]
    if _MAX_AFTER.match(text, end):
        return "max"
    if _MIN_AFTER.match(text, end):
        return "min"
    if _MAX_BEFORE.search(before):
        return "max"
    if found := _MIN_BEFORE.search(before):
        negated = _NEGATED_MIN.search(before[: found.start()])
        return "max" if negated else "min"
    return ""
