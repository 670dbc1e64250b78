"""Every number in a text, however it is written, with its unit: for comparison only.

Read are digits (1,234.5 万元), Chinese numerals (一百二十万元), percentages (百分之五, 5 %, 三成, five
percent), fractions (三分之二, 2/3, one third), dates (2026年3月5日, 2026-03-05, March 5, 2026), ordinals
(第二款), English number words and ranges (5–10 日: the unit counts for both ends). Article numbers are
read by `articles`. Words that only look like numbers (一般, 统一, 万一) are left out, and so are list
marks at the head of a line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from cityllm.agent.units import bound, read_unit
from cityllm.corpus.numerals import article_key, cn_to_int

CN = "零〇○一二两三四五六七八九十百千万亿"
_FIX = {ord(a): b for a, b in zip("０１２３４５６７８９％．，", "0123456789%.,", strict=True) if a != "，"}


@dataclass(frozen=True)
class Quantity:
    """A figure: `kind` number | date; a date has `parts` (year, month, day), each may be None."""

    kind: str
    value: Fraction
    unit: str
    bound: str
    raw: str
    start: int
    end: int
    parts: tuple[int | None, int | None, int | None] = (None, None, None)
    known: bool = True


@dataclass(frozen=True)
class ArticleName:
    """第六十四条, 第64条 or Article 64 at a place of the text; `key` is the ledger's number."""

    key: str
    raw: str
    start: int
    end: int


_ARTICLE = re.compile(
    rf"第\s*(?:[{CN}]+|\d+(?:\.\d+)*)\s*条(?:\s*之\s*[一二三四五六七八九十]+)?"
    r"|\b(?:articles?|art\.|sections?)\s*(\d+(?:-\d+)?|[a-z]+(?:[- ][a-z]+){0,4})", re.IGNORECASE)
_LIST_MARK = re.compile(r"(?m)^\s*(?:[-*>]\s*)?(?:\d{1,2}[.、)）](?!\d)|[（(](?:\d{1,2}|[一二三四五六七八九十"
                        r"]+)[）)]"
                        r"|[一二三四五六七八九十]{1,3}[、.]|第[一二三四五六七八九][，,、]|[①-⑳])")
_LEXICAL = re.compile(
    "最后一[天日]|当天|前一[天日]|后一[天日]|同一[天日]|统一|唯一|单一|同一|任一|万一|逐一|进一步|(?<!分)之一|一般|一定|一律|一些|一起|一样|一致|一旦|一"
    "直|一并|一切|一次性|一同"
    "|一概|一方面|一站式|一体化|一体|一网通办|一带一路|一线|一级市场|一部分|一面|一经|一时|一贯|一如|一块儿|一共"
    "|第一时间|第[一三]人|第三方|三方|四周|十分(?![之钟])|百姓|百货|千方百计|万万|千万(?=不|别|要)|五险一金|三农|两者|两侧"
    "|九江|四川|三亚|百色|六安|十堰|五指山|三明|三门峡|二次(?=供水|装修|开发)|零售|零星|零部件|零碳|千岛湖|万州|七台河"
    "|一(?:个(?!月|工作|自然|百分|年度|季度|小时|星期|周)|种|项|位|份|方|处|类|名|家)(?!以[上下内])")
_MULTIPLIER = {"万亿": 10**12, "千万": 10**7, "百万": 10**6, "十万": 10**5, "亿": 10**8, "万": 10**4,
               "千": 10**3, "百": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9,
               "hundred": 100}
_WORDS = {w: n for n, w in enumerate(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen".split())} | {
    w: n * 10
    for n, w in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
_WORD = "|".join(sorted(_WORDS, key=len, reverse=True))
_ENGLISH = rf"(?:{_WORD})(?:[ -](?:and )?(?:{_WORD}|hundred|thousand|million|billion))*(?![a-z])"
_PARTS = {"half": 2, "halves": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6,
          "eighth": 8, "tenth": 10}
_MONTH = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_EN_MONTH = (r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
             r"|sep(?:t|tember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?")
_NUMBER = (rf"(?:\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?|[{CN}]+(?:点[零〇一二三四五六七八九]+)?|"
           rf"{_ENGLISH})")

_DATE = re.compile(
    rf"(?P<y>(?:1[89]|20|21)\d{{2}}|[一二][零〇○一二三四五六七八九]{{3}})\s*年"
    rf"(?:\s*(?P<m>\d{{1,2}}|[一二三四五六七八九十]{{1,2}})\s*月(?:\s*(?P<d>\d{{1,2}}|[一二三四五六七八九十]{{1,3}})"
    rf"\s*[日号])?)?"
    r"|(?<![\d.])(?P<y2>(?:1[89]|20|21)\d{2})[-/.](?P<m2>\d{1,2})(?:[-/.](?P<d2>\d{1,2}))?(?![\d.])"
    rf"|(?P<m3>\d{{1,2}}|[一二三四五六七八九十]{{1,2}})\s*月\s*(?P<d3>\d{{1,2}}|[一二三四五六七八九十]{{1,3}})\s*[日号]"
    rf"|\b{_EN_MONTH}\s+(?P<d4>\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s+(?P<y4>\d{{4}}))?(?!\d)"
    rf"|\b(?P<d5>\d{{1,2}})(?:st|nd|rd|th)?\s+{_EN_MONTH}(?:,?\s+(?P<y5>\d{{4}}))?(?!\d)"
    rf"|\b{_EN_MONTH}\s+(?P<y6>(?:19|20)\d{{2}})\b"
    r"|\b(?:in|of|since|year|by|before|after|until|version)\s+(?P<y7>(?:19|20)\d{2})(?!\d|[-/.,]"
    r"\d)", re.IGNORECASE)
_PERCENT = re.compile(
    rf"(?P<word>百分之|千分之|万分之)\s*(?P<a>{_NUMBER})"
    rf"|(?P<b>{_NUMBER})\s*(?P<sign>%|‰|per ?cent(?:age points?)?(?![a-z])|个百分点)"
    rf"|(?P<c>[一二两三四五六七八九]|\d)成(?P<half>半)?(?![为立效果本员功])", re.IGNORECASE)
_FRACTION = re.compile(
    rf"(?P<under>[{CN}]+|\d+)分之(?P<over>[{CN}]+|\d+)"
    r"|(?<![\d/.-])(?P<over2>\d{1,3})\s?/\s?(?P<under2>\d{1,3})(?![\d/])"
    rf"|\b(?P<over3>a|an|{_WORD})[ -](?P<part>halves|half|(?:third|quarter|fourth|fifth|sixth|ei"
    rf"ghth|tenth)s?)(?![a-z])"
    r"(?! part)|(?P<half>一半|\bhalf\b|半数|过半)", re.IGNORECASE)
_PLAIN = re.compile(
    rf"(?P<sign>[-−])?(?P<currency>[¥￥$]|RMB\s?|CNY\s?)?(?P<n>{_NUMBER})\s?"
    r"(?P<times>万亿|千万|百万|十万|亿|万|千|百|thousand|million|billion|hundred)?(?![a-zA-Z])?", re.IGNORECASE)
_RANGE = re.compile(r"\s*(?:-|–|—|~|～|至|到|to|and|与|和)\s*", re.IGNORECASE)
_MULTIPLE = re.compile(r"\b(twice|double[sd]?|doubling|triple[sd]?|dozens?)\b|翻(?:一)?番|翻倍|加倍",
                       re.IGNORECASE)
_ORDINAL = re.compile(rf"第\s*([{CN}]+|\d+)\s*([章节编款项目类次批号期名级季档]|季度|部分)"
                      r"|\b(?:paragraph|item|chapter|clause|subsection)\s+(\d+)", re.IGNORECASE)


def articles(text: str) -> list[ArticleName]:
    """Article numbers named in the text, in order."""
    text = text.translate(_FIX)
    found = []
    for match in _ARTICLE.finditer(text):
        key = match[1]
        if key and not key[0].isdigit():
            words = re.match(_ENGLISH, key, re.IGNORECASE)
            if words is None:
                continue
            end = match.start(1) + words.end()
            found.append(ArticleName(str(_english(words[0])), text[match.start():end],
                                     match.start(), end))
            continue
        name = key or article_key(re.sub(r"\s", "", match[0]))
        found.append(ArticleName(name, match[0], match.start(), match.end()))
    return found


def _english(text: str) -> int:
    total = section = 0
    for word in re.split(r"[ -]+", text.lower()):
        if word in _WORDS:
            section += _WORDS[word]
        elif word == "hundred":
            section = (section or 1) * 100
        elif word in _MULTIPLIER:
            total, section = total + (section or 1) * _MULTIPLIER[word], 0
    return total + section


def _value(text: str) -> Fraction | None:
    plain = text.replace(",", "").strip()
    if re.fullmatch(r"\d+(?:\.\d+)?", plain):
        return Fraction(plain)
    if plain[:1].isascii():
        return Fraction(_english(plain))
    whole, _, part = plain.partition("点")
    number = cn_to_int(whole)
    if number is None:
        return None
    digits = "".join(str(cn_to_int(char)) for char in part)
    return Fraction(f"{number}.{digits}" if digits else number)


class _Scan:
    """Text with what was read blanked out, so that nothing is read twice."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.left = text
        self.found: list[Quantity] = []

    def blank(self, start: int, end: int) -> None:
        self.left = self.left[:start] + "\x00" * (end - start) + self.left[end:]

    def add(self, value: Fraction, unit: str, start: int, end: int, *, known: bool = True) -> None:
        self.found.append(Quantity("number", value, unit, bound(self.text, start, end),
                                   self.text[start:end].strip(), start, end, known=known))
        self.blank(start, end)


@lru_cache(maxsize=512)
def quantities(text: str) -> tuple[Quantity, ...]:
    """All numbers of the text in order; article numbers are not among them."""
    scan = _Scan(text.translate(_FIX))
    for article in articles(text):
        scan.blank(article.start, article.end)
    for pattern in (_LIST_MARK, _LEXICAL):
        for match in list(pattern.finditer(scan.left)):
            scan.blank(*match.span())
    _dates(scan)
    _ordinals(scan)
    _percents(scan)
    _fractions(scan)
    _plain(scan)
    return tuple(sorted(scan.found, key=lambda q: q.start))


def _dates(scan: _Scan) -> None:
    for match in list(_DATE.finditer(scan.left)):
        groups = match.groupdict()

        def part(name: str, groups: dict[str, str | None] = groups) -> int | None:
            text = next((v for k, v in groups.items() if k[0] == name and v), None)
            return None if text is None else int(_value(text) or 0)

        month = part("m")
        if month is None:
            word = next((g for g in match.groups() if g and g[:3].lower() in _MONTH), None)
            month = _MONTH.index(word[:3].lower()) + 1 if word else None
        scan.found.append(Quantity("date", Fraction(0), "", "", match[0], *match.span(),
                                   parts=(part("y"), month, part("d"))))
        scan.blank(*match.span())


def _ordinals(scan: _Scan) -> None:
    for match in list(_ORDINAL.finditer(scan.left)):
        value = _value(match[1] or match[3])
        if value is not None:
            unit = f"第{match[2]}" if match[2] else "第款"
            scan.add(value, unit, *match.span())


def _percents(scan: _Scan) -> None:
    for match in list(_PERCENT.finditer(scan.left)):
        if match["word"]:
            value, scale = _value(match["a"]), {"百": 1, "千": 10, "万": 100}[match["word"][0]]
        elif match["b"]:
            value, scale = _value(match["b"]), 10 if match["sign"] == "‰" else 1
        else:
            value, scale = _value(match["c"]), 1
            value = value * 10 + (5 if match["half"] else 0) if value is not None else None
        if value is None:
            continue
        if match["b"] and re.search(r"(?:^|[^\d日天年月%\x00\s])\s*[-−]$", scan.text[:match.start()]):
            value = -value
        points = match["b"] and re.search("point|个百分点", match["sign"] or "")
        scan.add(value / scale, "百分点" if points else "%", *match.span())


def _fractions(scan: _Scan) -> None:
    for match in list(_FRACTION.finditer(scan.left)):
        if match["half"]:
            value: Fraction | None = Fraction(1, 2)
        elif match["part"]:
            name = match["part"].lower()
            under = _PARTS.get(name) or _PARTS[name.rstrip("s")]
            over = 1 if match["over3"].lower() in ("a", "an") else _WORDS[match["over3"].lower()]
            value = Fraction(over, under)
        else:
            top, bottom = (_value(match["over"] or match["over2"]),
                           _value(match["under"] or match["under2"]))
            value = top / bottom if top is not None and bottom else None
        if value is not None:
            scan.add(value, "之", *match.span())


def _plain(scan: _Scan) -> None:
    for match in list(_MULTIPLE.finditer(scan.left)):
        word = match[0].lower()
        often = 12 if word.startswith("dozen") else 3 if word.startswith("triple") else 2
        scan.add(Fraction(often), "" if word.startswith("dozen") else "倍", *match.span())
    waiting: tuple[Fraction, int, int] | None = None
    for match in list(_PLAIN.finditer(scan.left)):
        value = _value(match["n"])
        if value is None:
            continue
        value *= _MULTIPLIER[match["times"].lower()] if match["times"] else 1
        if match["sign"] and not re.search(r"[\d日天年月%\x00]\s*$", scan.text[:match.start()]):
            value = -value
        end = match.end("times") if match["times"] else match.end("n")
        unit = read_unit(scan.text, end)
        name, factor, stop = unit.name, unit.factor, unit.end
        if match["currency"]:
            name, factor, stop = ("美元" if "$" in match["currency"] else "元"), Fraction(1), end
        start = match.start()
        if not match["times"] and match["n"].lower() == "one" and not name.strip("?"):
            continue
        if unit.known is False and match["n"].lower() in ("one", "一"):
            name = "?" if match["n"] == "一" else name
        if waiting and _RANGE.fullmatch(scan.text[waiting[2]:start]):
            scan.add(waiting[0] * factor, name, waiting[1], waiting[2], known=unit.known)
        elif waiting:
            scan.add(waiting[0], "", waiting[1], waiting[2])
        waiting = None
        if not name and _RANGE.match(scan.text, end):
            waiting = (value, start, end)
            continue
        scan.add(value * factor, name, start, stop if unit.known and name else end,
                 known=unit.known)
    if waiting:
        scan.add(waiting[0], "", waiting[1], waiting[2])
    _inherit(scan)


def _inherit(scan: _Scan) -> None:
    """A bare figure before a range sign and a percentage takes its unit: 5–10 %."""
    for index, item in enumerate(scan.found):
        if item.kind == "number" and not item.unit:
            for other in scan.found:
                if other.start > item.end and other.unit == "%" and _RANGE.fullmatch(
                        scan.text[item.end:other.start]):
                    scan.found[index] = Quantity("number", item.value, "%", item.bound, item.raw,
                                                 item.start, item.end)


def supported(item: Quantity, facts: tuple[Quantity, ...] | list[Quantity]) -> bool:
    """Whether the same figure with the same unit (and no other bound) is among `facts`."""
    if item.kind == "date":
        return any(fact.kind == "date" and all(
            a is None or a == b for a, b in zip(item.parts, fact.parts, strict=True))
            for fact in facts)
    for fact in facts:
        if fact.kind != "number" or fact.value != item.value or fact.unit != item.unit:
            continue
        period = item.unit in ("日", "工作日", "月", "年") and item.bound == "max" and not fact.bound
        if not item.bound or item.bound == fact.bound or period:
            return True
    return False
