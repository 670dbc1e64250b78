"""Figures that a person names in free text, so that a model can point at them.

Does not convert units and does not calculate: `tools/` does.
"""

from __future__ import annotations

import re
import unicodedata

_NUMERAL = "零〇一二两三四五六七八九十百千"
UNITS = ("平方公里", "平方千米", "平方米", "立方米", "平米", "公顷", "公里", "千米", "厘米", "毫米", "米",
         "㎡", "m²", "m³", "m2", "m3", "km²", "km2", "km", "ha", "亩", "hectares", "hectare", "mu",
         "sqm", "万元", "亿元", "美元", "元", "块钱", "块", "yuan", "分钟", "小时", "工作日", "天", "个月", "年",
         "days", "hours", "minutes", "千瓦时", "兆瓦时", "kWh", "度", "吨", "公斤", "千克", "升", "立方", "方", "人",
         "户", "套", "栋", "幢", "层", "家", "件", "次", "个", "车位", "泊位", "辆", "棵", "床", "%", "％", "m")
_UNIT = "|".join(re.escape(u) for u in sorted(UNITS, key=len, reverse=True))
_UNIT = rf"(?:{_UNIT})(?: ?/ ?(?:{_UNIT}))?"
_QUANTITY = re.compile(
    rf"(?:[0-9０-９][0-9０-９,]*(?:[.．][0-9０-９]+)?"
    rf"|[{_NUMERAL}]+(?:点[{_NUMERAL[:-3]}]+)?(?=[亿万亩元公平立个米天层户人辆吨块]))"
    rf" ?(?:万亿|千万|百万|亿|万|千(?![瓦米克]))? ?(?:{_UNIT})?", re.IGNORECASE)
_RATES = ("平方米/人", "㎡/人", "升/人", "元/人", "元/平方米", "元/㎡", "元/户", "辆/户", "个/户", "人/公顷",
          "人/平方公里", "立方米/人", "元/亩", "万元/亩", "元/天", "公里/小时", "件/天")
_TENTHS = re.compile(r"([一二两三四五六七八九])成(半|[一二三四五六七八九])?")
_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "半": 5}
_SCALES = {"十": 10, "百": 100, "千": 1000}
_MOST = 48
"""How many figures are kept, the last ones."""


def quantities(text: str) -> list[str]:
    """Figures as the user wrote them, each with its unit and bare, in order, without repeats."""
    found: list[str] = []
    for match in _QUANTITY.finditer(text):
        whole = match[0].strip(" ,")
        bare = re.match(r"[0-9０-９][0-9０-９,]*(?:[.．][0-9０-９]+)?", whole)
        found += [whole, *([bare[0].strip(",")] if bare else [])]
    return list(dict.fromkeys(q for q in found if q))[-2 * _MOST:]


def target_units() -> list[str]:
    """Units that a result may be asked for in, rates included."""
    return [*UNITS, *_RATES]


def _bare(number: str) -> str:
    """The number as JSON allows it: no leading zeros."""
    whole, dot, rest = number.partition(".")
    return (whole.lstrip("0") or "0") + dot + rest


def _numeral(text: str) -> int:
    """A Chinese numeral below ten thousand (二十五, 一百零三, 二〇二六)."""
    if not set(text) & set(_SCALES):
        return int("".join(str(_DIGITS[c]) for c in text))
    total, digit = 0, 1 if text[0] in _SCALES else 0
    for char in text:
        if char in _SCALES:
            total, digit = total + (digit or 1) * _SCALES[char], 0
        else:
            digit = _DIGITS[char]
    return total + digit


def plain_numbers(text: str) -> list[str]:
    """Numbers the user named, bare and written as JSON writes them, in order of kind.

    Digits as written, Chinese numerals (百分之二十 as 20), 两成 as 20, 一半 as 50, 翻一番 as 100.
    Figures of more than twelve digits are left out.
    """
    text = unicodedata.normalize("NFKC", text)
    found = [_bare(n) for n in re.findall(r"[0-9]+(?:\.[0-9]+)?", text.replace(",", ""))]
    found += [str(_DIGITS[m[1]] * 10 + _DIGITS.get(m[2] or "零", 0)) for m in _TENTHS.finditer(text)]
    rest = _TENTHS.sub(" ", re.sub(r"[百千]分之", " ", text))
    numerals = re.findall(rf"[{_NUMERAL}]{{1,9}}", rest)
    found += [str(_numeral(n)) for n in numerals]
    found += ["50"] if re.search(r"一半|减半|half", text, re.IGNORECASE) else []
    found += ["100"] if re.search(r"翻[一了]?[番倍]|翻倍|两倍|doubl|twice", text, re.IGNORECASE) else []
    return list(dict.fromkeys(n for n in found if len(n) <= 12))[-_MOST:]
