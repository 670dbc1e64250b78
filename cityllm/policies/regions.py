"""Where an enterprise is, and what it does: places and industry codes that contain one another.

A region is a path from the province down, `浙江省/杭州市/西湖区`; an industry is a code of GB/T
4754-2017 with its letter, `C3911` (section, division, group, class). Both are compared by `under`:
a value that is coarser than what is asked (北京市, where 海淀区 is asked) is unknown, not false.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from cityllm.corpus.levels import NATION, region_chain
from cityllm.policies.figures import NotAllowed

_PART = re.compile(r"[^/]{1,12}?(?:省|自治区|特别行政区|市|自治州|地区|盟|自治县|县|自治旗|旗|新区|区"
                   r"|经济技术开发区|开发区|街道|镇|乡)")
_CODE = re.compile(r"([A-Ta-t])?\s*(\d{2,4})?")
_SECTIONS = ((5, "A"), (12, "B"), (43, "C"), (46, "D"), (50, "E"), (52, "F"), (60, "G"), (62, "H"),
             (65, "I"), (69, "J"), (70, "K"), (72, "L"), (75, "M"), (79, "N"), (82, "O"), (83, "P"),
             (85, "Q"), (90, "R"), (96, "S"), (97, "T"))
"""Last division of each section, GB/T 4754-2017."""


def read_region(text: str) -> str:
    """北京市海淀区, 北京市/海淀区 or 杭州市西湖区 as a path from the province; 全国 stays.

    Raises NotAllowed where `text` names no place with 省, 市, 区, 县 …, or begins below a city.
    """
    plain = re.sub(r"\s", "", text).strip("/")
    if plain == NATION:
        return NATION
    parts = plain.split("/") if "/" in plain else _PART.findall(plain)
    if not parts or "".join(parts) != plain.replace("/", ""):
        raise NotAllowed(f"{text!r} 不是地名：请从省或市写起，如 浙江省/杭州市/西湖区",
                         f"{text!r} is no place: write it from the province or city down, as "
                         "浙江省/杭州市/西湖区")
    above = [one for one in reversed(region_chain(parts[0])) if one != NATION]
    if above == parts[:1] and not re.search("省$|自治区$|特别行政区$", parts[0]) \
            and parts[0] not in ("北京市", "上海市", "天津市", "重庆市"):
        raise NotAllowed(f"{text!r} 没有写明省份：请写 省/市/区",
                         f"{text!r} names no province: write 省/市/区")
    return "/".join([*above[:-1], *parts])


def read_industry(text: str) -> str:
    """C3911, 3911, C39, 39 or C as a code with its letter. NotAllowed for any other."""
    match = _CODE.fullmatch(str(text).strip())
    if not match or not (match[1] or match[2]):
        raise NotAllowed(f"{text!r} 不是 GB/T 4754 行业代码：写门类字母或 2 至 4 位数字，如 C3911",
                         f"{text!r} is no industry code: a letter A-T, or 2 to 4 digits, as C3911")
    if not match[2]:
        return match[1].upper()
    division = int(match[2][:2])
    letter = next((name for last, name in _SECTIONS if division <= last), "")
    if not letter or division == 0 or (match[1] and match[1].upper() != letter):
        belongs = letter if division else ""
        raise NotAllowed(f"GB/T 4754-2017 里没有 {text!r}"
                         + (f"；{match[2][:2]} 属于门类 {belongs}" if belongs else ""),
                         f"{text!r} is not in GB/T 4754-2017"
                         + (f"; {match[2][:2]} belongs to {belongs}" if belongs else ""))
    return letter + match[2]


def first_division(section: str) -> str:
    """The lowest division of a section: C → C13."""
    before = max((last for last, letter in _SECTIONS if letter < section), default=0)
    return f"{section}{before + 1:02d}"


def under(value: str, wanted: Iterable[str], separator: str = "") -> bool | None:
    """Is `value` one of `wanted` or below one; None where it is too coarse to tell.

    `separator` ends a part of a path ("/" for regions, nothing for industry codes).
    """
    coarse = False
    for one in wanted:
        if one == NATION or value == one or value.startswith(one + separator):
            return True
        coarse = coarse or one.startswith(value + separator)
    return None if coarse else False
