"""Personal data in a text, found and masked: `mask(text)`.

Names, phones, ID numbers, plates, bank cards, unified credit codes, e-mail, WeChat and QQ, and
addresses below the street or the estate (house number, building, unit, room). What stays: places
down to the street and the estate, offices, laws and article numbers, amounts, dates, hotlines of
three to five digits. Masking goes on until nothing more is found, so that masking twice is masking
once. Numbers with a check digit need it, unless the words before them say what they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from cityllm.safety import people
from cityllm.safety.checksums import bank_card, credit_code, plausible_id

MARKS = {"name": "〔姓名〕", "phone": "〔电话〕", "id": "〔证件号〕", "plate": "〔车牌〕", "card": "〔卡号〕",
         "credit": "〔信用代码〕", "email": "〔邮箱〕", "wechat": "〔微信〕", "qq": "〔QQ〕", "address": "〔门牌〕"}
"""What stands in place of each kind."""

_WIDE = {0xFF01 + n: 0x21 + n for n in range(94)} | {0x3000: 0x20, 0x2010: 0x2D, 0x2011: 0x2D,
                                                     0x2013: 0x2D, 0x2014: 0x2D, 0xA0: 0x20}
_NO_AMOUNT = r"(?!\d|\.\d|\s*(?:万|亿)?(?:元|块|平方|平米|㎡|亩|公斤|吨|人民币))"
_SIGN = r"[0-9A-HJ-NPQRTUWXYa-hj-npqrtuwxy]"
_CARS = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领"
_COUNT = r"(?:\d{1,4}[A-Za-z]?|[A-Za-z]\d{0,3}|[一二三四五六七八九十百零〇]{1,5})"
_HOUSE = rf"{_COUNT}\s?(?:栋|幢|号楼|座|号栋)"
_INNER = (rf"(?:\s?{_COUNT}\s?单元)?(?:\s?{_COUNT}\s?[楼层](?!梯|盘))?"
          r"(?:\s?-?\s?[A-Za-z]?\d{2,5}\s?(?:室|房|号房|号|户)?(?!\d|元|万|年|月|日|平|户|人))?")
_ESTATE = (r"(?:小区|花园|家园|公寓|大厦|社区|新村|[苑城府园庄村里湾都郡庭邸墅期区厦寓山岸岛居院坊街路号第广场座组团])"
           r"\s?[（(]?")


def _digits(text: str) -> str:
    return re.sub(r"[ -]", "", text)


def _always(_: str) -> bool:
    return True


@dataclass(frozen=True)
class _Rule:
    """A pattern whose group `x` (or all of it) is personal where `holds` says so."""

    kind: str
    pattern: re.Pattern[str]
    holds: Callable[[str], bool] = _always
    digits: bool = True


def _rule(kind: str, pattern: str, holds: Callable[[str], bool] = _always,
          digits: bool = True) -> _Rule:
    return _Rule(kind, re.compile(pattern, re.IGNORECASE), holds, digits)


_RULES = (
    _rule("id", r"(?<![\dA-Za-z])[1-9]\d{5}[ -]?\d{8}[ -]?\d{3}[\dX](?![\dA-Za-z])",
          lambda t: plausible_id(_digits(t))),
    _rule("id", r"(?<![\dA-Za-z.])[1-9]\d{14}(?![\dA-Za-z])" + _NO_AMOUNT, plausible_id),
    _rule("id", r"(?:身份证|证件)(?:号码|号)?\D{0,6}?(?P<x>\d{14,17}[\dX])(?![\dA-Za-z])"),
    _rule("id", r"(?:护照|通行证|军官证|居住证)(?:号码|号)?\s?[:是为]?\s?(?P<x>[A-Z]{1,2}\d{7,9})(?!\d)"),
    _rule("credit", rf"(?<![\dA-Za-z]){_SIGN}{{2}}\d{{6}}{_SIGN}{{10}}(?![\dA-Za-z])", credit_code),
    _rule("credit", r"(?:信用代码|税号|纳税人识别号|营业执照号?码?|注册号)[^\dA-Za-z\n]{0,6}"
                    r"(?P<x>[\dA-Za-z]{15,20})(?![\dA-Za-z])"),
    _rule("card", r"(?<![\dA-Za-z.])\d{4}(?:[ -]?\d{4}){3}(?:[ -]?\d{1,3})?(?![A-Za-z])"
          + _NO_AMOUNT, lambda t: bank_card(_digits(t))),
    _rule("card", r"(?:卡号|账号|帐号|账户|帐户|银行卡|存折)[^\d\n]{0,12}(?P<x>\d(?:[ -]?\d){11,20})"
          + _NO_AMOUNT),
    _rule("phone", r"(?<![\dA-Za-z.¥])(?:\+?\s?86[ -]?)?(?:1[3-9]\d(?:[ -]?\d{4}){2}|"
                   r"1[3-9]\d[ -]\d{3}[ -]?\d{5}|1[3-9]\d{2}[ -]\d{3,4}[ -]\d{3,4})"
          + _NO_AMOUNT, lambda t: len(_digits(t).lstrip("+").removeprefix("86")) == 11),
    _rule("phone", r"(?<![\dA-Za-z.])\(?0(?:10|2\d|[3-9]\d{2})\)?[ -]{0,2}"
                   r"(?:[2-8]\d{6,7}|\d{4}[ -]{1,2}\d{4})"
                   r"(?:\s?(?:转|-)\s?\d{1,6})?" + _NO_AMOUNT),
    _rule("phone", r"(?<![\dA-Za-z.])[48]00(?:-\d{3}-?\d{4}|-\d{4}-?\d{3}|\d{7})" + _NO_AMOUNT),
    _rule("phone", r"(?:电话|座机|致电|手机|联系方式|号码|tel|phone)[^\d\n]{0,4}"
                   r"(?P<x>\d{3,4}[ -]?\d{4})" + _NO_AMOUNT),
    _rule("phone", r"(?<![\dA-Za-z])1[3-9]\d?\*{3,9}\d{2,4}(?!\d)"),
    _rule("id", r"(?<![\dA-Za-z])\d{2,14}\*{4,16}\d{0,4}[\dX]?(?![\dA-Za-z])"),
    _rule("plate", rf"[{_CARS}][A-HJ-NP-Z][·•. -]?(?=[A-Z]{{0,6}}\d)(?:[A-HJ-NP-Z0-9]{{5,6}}|"
                   r"[A-HJ-NP-Z0-9]{4}[挂学警港澳])(?![A-Za-z0-9])"),
    _rule("email", r"[A-Za-z0-9_.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", digits=False),
    _rule("wechat", r"(?:微信|薇信|wechat|vx|wx)(?:号码|账号|号|ID)?\s?[:是为]?\s?"
                    r"(?P<x>[A-Za-z][-_A-Za-z0-9]{5,19})", digits=False),
    _rule("wechat", r"(?<![A-Za-z0-9])wxid_[a-z0-9]{6,}"),
    _rule("qq", r"(?:QQ|扣扣|企鹅)(?:号码|号)?\s?[:是为]?\s?(?P<x>[1-9]\d{4,11})(?!\d)"),
    _rule("address", r"(?<=[路街巷弄道里])\s?(?:\d{1,5}\s?弄\s?)?(?:\d{1,5}(?:\s?[-之]\s?\d{1,4})?|"
                     r"[一二三四五六七八九十百]{1,5})\s?号(?!\s?(?:线|令|文|公告|井|桥|出?口|地块|站|晚|早|上午|"
                     rf"下午|凌晨|开始|当天))(?:大?院)?(?:\s?附\s?\d{{1,3}}\s?号?)?(?:\s?{_HOUSE})?{_INNER}",
          digits=False),
    _rule("address", rf"(?<=[路街])\s?\d{{1,5}}\s?弄(?:\s?{_HOUSE})?{_INNER}"),
    _rule("address", rf"(?<![\dA-Za-z共有建约近超达第计]){_HOUSE}\s?(?:{_COUNT}\s?单元{_INNER}|"
                     r"[A-Za-z]?\d{3,5}\s?(?:室|房|号|户)?(?!\d|元|万|年|月|日|平|户|人))"),
    _rule("address", rf"{_ESTATE}(?P<x>{_HOUSE}(?!楼房|住宅|别墅|多层|高层|小高层|厂房|房子|房屋){_INNER})",
          digits=False),
    _rule("address", rf"(?<![\dA-Za-z共有第]){_COUNT}\s?单元\s?(?:{_COUNT}\s?[楼层]\s?)?"
                     r"\d{3,5}\s?(?:室|房|号|户)?(?!\d)"),
    _rule("address", r"(?<![\dA-Za-z.])[A-Za-z]?\d{3,4}\s?(?:室(?!内|外|温)|号房)"),
    _rule("address", rf"(?:村|组|屯)\s?(?P<x>{_COUNT}\s?号)(?!\s?(?:线|文|令|地块|井|桥|机|坑|楼|公路|路|"
                     r"水库|泵|垃圾|公告|院))", digits=False),
    _rule("address", r"(?<=[区园苑城府庄村里湾都庭])\s?\d{1,3}-\d{1,2}-\d{3,4}(?![\d-])"),
)


@dataclass(frozen=True)
class Found:
    """A stretch of the original text, and what it is (a key of MARKS)."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True)
class Masked:
    """The text with marks, and what was taken out, by place in the original, in order."""

    text: str
    found: tuple[Found, ...]


def mask(text: str, names: Iterable[str] = ()) -> Masked:
    """`text` without personal data. `names`: names known from elsewhere, masked wherever they
    stand. A name found once is masked at every place."""
    if not text:
        return Masked("", ())
    known = set(names)
    found: list[Found] = []
    while True:
        work, origin = _masked(text, found)
        plain = work.translate(_WIDE)
        named = list(people.names_in(plain))
        known |= {plain[start:end] for start, end in named}
        spans = [*_spans(plain), *(("name", *span) for span in named),
                 *(("name", *span) for span in people.again(plain, known))]
        fresh = [Found(kind, origin[start], origin[end - 1] + 1) for kind, start, end in spans]
        merged = _merge([*found, *fresh])
        if merged == found:
            return Masked(work, tuple(found))
        found = merged


def mask_all(texts: Sequence[str], names: Iterable[str] = ()) -> list[Masked]:
    """Several texts of one petition: a name found in one is masked in all."""
    known = set(names)
    for text in texts:
        plain = text.translate(_WIDE)
        known |= {plain[start:end] for start, end in people.names_in(plain)}
    return [mask(text, known) for text in texts]


def _spans(plain: str) -> Iterator[tuple[str, int, int]]:
    """Numbers and addresses."""
    has_digit = any(char.isdigit() for char in plain)
    for rule in _RULES:
        if rule.digits and not has_digit:
            continue
        group = "x" if "x" in rule.pattern.groupindex else 0
        for match in rule.pattern.finditer(plain):
            start, end = match.span(group)
            while end > start and plain[end - 1] == " ":
                end -= 1
            while start < end and plain[start] == " ":
                start += 1
            if start < end and rule.holds(plain[start:end]):
                yield rule.kind, start, end


def _merge(found: list[Found]) -> list[Found]:
    """In order, what overlaps joined under the kind of the first; a tie goes to the first rule."""
    merged: list[Found] = []
    for one in sorted(dict.fromkeys(found), key=lambda f: (f.start, -f.end)):
        if merged and one.start < merged[-1].end:
            last = merged[-1]
            merged[-1] = Found(last.kind, last.start, max(last.end, one.end))
        else:
            merged.append(one)
    return merged


def _masked(text: str, found: list[Found]) -> tuple[str, list[int]]:
    """The text with marks, and for each sign of it the place in the original that it stands for.

    The signs of a mark belong to its stretch, its first to the start and its last to the end.
    """
    parts: list[str] = []
    origin: list[int] = []
    position = 0
    for one in found:
        mark = MARKS[one.kind]
        parts += [text[position:one.start], mark]
        origin += [*range(position, one.start), *[one.start] * (len(mark) - 1), one.end - 1]
        position = one.end
    parts.append(text[position:])
    origin += range(position, len(text))
    return "".join(parts), origin
