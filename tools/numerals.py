"""Arabic, Chinese and mixed numerals as exact fractions: 3.5万, 一百二十, 1亿2000万, 三分之一."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_SMALL = {"十": 10, "百": 100, "千": 1000}
_ARABIC = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|\d+(?:\.\d+)?|\.\d+")


@dataclass(frozen=True)
class Numeral:
    """`value`, where it ended in the text, the 万 or 亿 it ended with, and whether it is n分之m."""

    value: Fraction
    end: int
    scale: str = ""
    hundredths: bool = False


def read_numeral(text: str, start: int, stops: tuple[str, ...] = ()) -> Numeral | None:
    """The numeral that begins at `start`, or None. It ends before any of `stops` (千米)."""
    first = _read_plain(text, start, stops)
    if first is None:
        return None
    if text.startswith("分之", first.end):
        second = _read_plain(text, first.end + 2, stops)
        if second is None or first.value == 0:
            return None
        return Numeral(second.value / first.value, second.end, hundredths=first.value == 100)
    return first


def _read_plain(text: str, start: int, stops: tuple[str, ...]) -> Numeral | None:
    yi = wan = section = Fraction(0)
    current: Fraction | None = None
    position, scale, last, zero = start, "", 0, False
    spoken = False                       # the last item was one Chinese digit
    while position < len(text):
        char = text[position]
        if position > start and any(text.startswith(stop, position) for stop in stops):
            break
        if found := _ARABIC.match(text, position):
            if current is not None:
                break
            current, position = Fraction(found[0].replace(",", "")), found.end()
            scale, spoken = "", False
            continue
        if char in _DIGITS:
            if current is not None and not spoken:
                break
            if current is None:
                zero = char in "零〇"
            current = Fraction(current or 0) * 10 + _DIGITS[char]
            scale, spoken = "", True
        elif char == "点" and spoken and current is not None:
            digits = ""
            while position + 1 < len(text) and text[position + 1] in _DIGITS:
                position += 1
                digits += str(_DIGITS[text[position]])
            if not digits:
                return None
            current += Fraction(int(digits), 10 ** len(digits))
            zero = True                  # 三点五 after 万 is no shorthand
        elif char in _SMALL:
            section += (1 if current is None else current) * _SMALL[char]
            current, scale, last, spoken = None, "", _SMALL[char], False
        elif char == "万":
            section += current or 0
            bare = position == start
            wan, section, current = wan + (1 if bare else section) * 10**4, Fraction(0), None
            scale, last, spoken = "万", 10**4, False
        elif char == "亿":
            whole = wan + section + (current or 0)
            yi += (1 if position == start else whole) * 10**8
            wan, section, current = Fraction(0), Fraction(0), None
            scale, last, spoken = "亿", 10**8, False
        else:
            break
        position += 1
    if position == start:
        return None
    if current is not None and spoken and not zero and current < 10 and last >= 100:
        current *= last // 10            # 一百五 = 150, 三万五 = 35,000; but 一百零五 = 105
    return Numeral(yi + wan + section + (current or 0), position, scale)
