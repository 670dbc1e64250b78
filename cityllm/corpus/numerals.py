"""Chinese numerals and article numbers: 第一千二百六十条 and 64 and 第六十四条之一 made alike.

`cn_to_int` and `int_to_cn` are inverse on 0 … 99,999,999. `article_key` gives the canonical number
of an article ("64", "64-1", "3.0.1", "p2"), the form in which the ledger stores it.
"""

from __future__ import annotations

import re

_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {
    "〇": 0, "○": 0, "Ｏ": 0, "两": 2, "壹": 1, "贰": 2, "叁": 3, "肆": 4, "伍": 5, "陆": 6,
    "柒": 7, "捌": 8, "玖": 9}
_UNITS = {"十": 10, "百": 100, "千": 1000, "拾": 10, "佰": 100, "仟": 1000}
_BIG = {"万": 10_000, "亿": 100_000_000}
_WIDE = {ord(wide): narrow for wide, narrow in
         zip("０１２３４５６７８９．－（）", "0123456789.-()", strict=True)}

CN = "零〇○一二三四五六七八九十百千两"
"""Characters of a numeral as article numbers use them."""

_ARTICLE = re.compile(rf"第?\s*([{CN}]+|\d+)\s*条?\s*(?:之\s*([{CN}]+|\d+))?条?")
_POINT = re.compile(r"第?\s*(p|P)?(\d+|[" + CN + r"]+)\s*(?:段|项|点|、)?")


def cn_to_int(text: str) -> int | None:
    """Value of a Chinese numeral, or None where `text` is not one.

    Reads 一千二百六十, 十五, 二〇二六 (digits in a row), 百二 is not read as 120 but as 102.
    """
    if not text:
        return None
    if all(char in _DIGITS for char in text):
        return int("".join(str(_DIGITS[char]) for char in text))
    total = section = 0
    digit: int | None = None
    for char in text:
        if char in _DIGITS:
            if digit:
                return None
            digit = _DIGITS[char]
        elif char in _UNITS:
            section += (1 if digit is None or digit == 0 else digit) * _UNITS[char]
            digit = None
        elif char in _BIG:
            value = section + (digit or 0)
            total = (total + value) * _BIG[char] if char == "亿" else total + value * _BIG[char]
            section, digit = 0, None
        else:
            return None
    return total + section + (digit or 0)


def int_to_cn(number: int) -> str:
    """The numeral as laws write it: 10 → 十, 105 → 一百零五, 1260 → 一千二百六十.

    Raises ValueError outside 0 … 99,999,999.
    """
    if not 0 <= number < 100_000_000:
        raise ValueError(f"{number} is outside 0 … 99999999")
    if number >= 10_000:
        high, low = divmod(number, 10_000)
        zero = "零" if 0 < low < 1000 else ""
        return int_to_cn(high) + "万" + zero + (_below(low) if low else "")
    if 10 <= number < 20:
        return _below(number).removeprefix("一")
    return _below(number)


def _below(number: int) -> str:
    """Numeral below ten thousand, with 一十 kept."""
    if number == 0:
        return "零"
    parts, zero = "", False
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // unit % 10
        if digit:
            parts += ("零" if zero and parts else "") + "零一二三四五六七八九"[digit] + name
            zero = False
        else:
            zero = True
    return parts


def article_key(text: str) -> str:
    """Canonical number of an article named in any usual way.

    "第六十四条之一", "64-1", "第64条之1" → "64-1"; "３.0.1" → "3.0.1"; "p2", "第2段" → as given or
    "2". What is no article number comes back stripped, so that a look-up fails with its own name.
    """
    text = text.strip().translate(_WIDE)
    if text in {"序言", "前言"}:
        return "p0"
    if re.fullmatch(r"\d+(\.\d+)+[A-Z]?|\d+(-\d+)*|[ap]\d+", text):
        return text
    found = _ARTICLE.fullmatch(text)
    if found:
        number = _number(found[1])
        if number is not None:
            extra = _number(found[2]) if found[2] else None
            return f"{number}-{extra}" if extra else str(number)
    point = _POINT.fullmatch(text)
    if point:
        number = _number(point[2])
        if number is not None:
            return f"{'p' if point[1] else ''}{number}"
    return text


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() and text.isascii() else cn_to_int(text)


def article_label(key: str) -> str:
    """How a canonical number is written in Chinese law: "64-1" → 第六十四条之一."""
    found = re.fullmatch(r"(\d+)(?:-(\d+))?", key)
    if not found:
        return key
    extra = f"之{int_to_cn(int(found[2]))}" if found[2] else ""
    return f"第{int_to_cn(int(found[1]))}条{extra}"


def sort_key(key: str) -> tuple[int, ...]:
    """Order of canonical numbers: 64 < 64-1 < 65; paragraphs p1, p2 and annexes a1 after them.
    What stands before the first article, p0, comes first."""
    if key == "p0":
        return (-1, 0)
    group = {"p": 1, "a": 2}.get(key[:1], 0)
    return (group, *(int(part) for part in re.findall(r"\d+", key)))
