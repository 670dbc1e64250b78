"""Figures that a person names in free text, so that a model can point at them.

Does not convert units and does not calculate: `tools/` does.
"""

from __future__ import annotations

import re
import unicodedata

_NUMERAL = "零〇一二两三四五六七八九十百千"
_UNIT = (r"平方米|平方公里|平方千米|平米|公顷|公里|千米|立方米|美元|元|亩|㎡|m²|m2|km2|km²|km|ha|米|厘米|分钟|小时|天|"
         r"人|户|辆|层|吨|方|%|％|m")
_QUANTITY = re.compile(
    rf"(?:[0-9０-９][0-9０-９,]*(?:[.．][0-9０-９]+)?"
    rf"|[{_NUMERAL}]+(?:点[{_NUMERAL[:-3]}]+)?(?=[亿万亩元公平立个米天层户人辆吨]))"
    rf" ?(?:万亿|千万|百万|亿|万|千)? ?(?:{_UNIT})?")
_TENTHS = re.compile(r"([一二两三四五六七八九])成(半|[一二三四五六七八九])?")
_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "半": 5}
_SCALES = {"十": 10, "百": 100, "千": 1000}
_MOST = 48
"""How many figures are kept, the last ones."""


def quantities(text: str) -> list[str]:
    """Figures with their units as the user wrote them, in order, without repeats."""
    found = (m[0].strip(" ,") for m in _QUANTITY.finditer(text))
    return list(dict.fromkeys(q for q in found if q))[-_MOST:]


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
    numerals = re.findall(rf"[{_NUMERAL}]{{1,9}}", re.sub(r"[百千]分之", " ", text))
    found += [str(_numeral(n)) for n in numerals]
    found += ["50"] if re.search(r"一半|减半|half", text, re.IGNORECASE) else []
    found += ["100"] if re.search(r"翻[一了]?[番倍]|翻倍|两倍|doubl|twice", text, re.IGNORECASE) else []
    return list(dict.fromkeys(n for n in found if len(n) <= 12))[-_MOST:]
