"""Formulas that the quantities named in a text allow: what could be asked for, none of it chosen.

From `绿地3600平方米，用地12000平方米` come the sum, the difference, both quotients and both rates of
change, but no product: 米^4 means nothing. Dates, years, article numbers and names in 《》 are no
quantities. It does not know which formula the text asks for; whoever reads the question points at
one. Each formula can be given to `calculate` as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, permutations

from tools import ToolInputError, per_head, planning_ratios, time_rates
from tools.arithmetic import Parser, Quantity, combine, read_unit, tokenize
from tools.calendar_cn import date_spans, yearless_spans
from tools.numerals import read_numeral
from tools.units import NONE, UNITS, Dims

MOST_QUANTITIES = 5
MOST = 160
_SKIPPED = re.compile(
    r"《[^》]*》|第?[零〇一二三四五六七八九十百千\d]+(?:条|款|项|次|号|期|楼|年级|岁)"
    r"|(?:19|20)\d\d\s*年|百分(?![之零〇一二三四五六七八九十百])|(?<=第)\d+"
    r"|(?<!\d)(?<!\d\s)\b[A-Za-z]+\d+(?![\d.]*\s*[万亿元%])")
_TARGET = re.compile(r"(?:多少|几|[合成为是到]|\bin|\bto|how many|\bof)\s*(?:个)?\s*",
                     re.IGNORECASE)
_WRITTEN = re.compile(r"[\d(（][^，。？！；：,?!;:\n=＝]*?[+*×÷/^－−-][^，。？！；：,?!;:\n=＝]*[\d)）%％㎡]"
                      r"(?:[亩元米顷天人户年月]|公里)*")
_SQUARE = re.compile(r"\bsq(?:uare|\.)? ?m(?:et(?:er|re)s?)?\b", re.IGNORECASE)
_PERCENTAGE = re.compile(r"百分|[%％]|比例|几成|率|幅|几个点|percent|rate", re.IGNORECASE)
_UP = re.compile(r"增[长加幅]|涨|上升|提高|多了|\b(?:grow|grew|increas|ris|rose)", re.IGNORECASE)
_DOWN = re.compile(r"下降|减少|降[低了幅到]|减[到了]|跌|少了|压[到减]|节约|掉了|"
                   r"\b(?:decreas|fell|fall|drop|reduc)", re.IGNORECASE)
_CHANGE = re.compile(rf"{_UP.pattern}|{_DOWN.pattern}|同比|环比|变化|增减|\bchang", re.IGNORECASE)
_RATES = ("growth", "fall", "change")
_RATIO = re.compile(r"(?:容积|绿地|绿化|漏损|满意|办结|入住|空置)?率[^，。,\d]{0,6}(?:[?？]|多少|几|$)"
                    r"|密度[^，。,\d]{0,6}(?:[?？]|多少|几|百分|$)|占[^，。]{0,8}(?:几|多少|比)|百分之[几多]"
                    r"|floor area ratio[?]|coverage[?]|percentage|what share", re.IGNORECASE)
_SHARE = re.compile(r"绿地率|绿化率|密度|占|漏损|办结率|满意率|入住率|空置率|coverage|share", re.IGNORECASE)
_MONEY = re.compile(r"多少(?:钱|元|万|差价|费|补偿|罚)|罚(?:多少|几)|差价|多少块|how much (?:money|is the fine)"
                    r"|(?:交|缴|付|赔|加处|滞纳金|罚款|利息|税款?|费用?|补贴|补偿)[^，。\d比率占]{0,4}(?:多少|几)(?![年天日个%亩])",
                    re.IGNORECASE)
_SIGNS = {"*": 2, "/": 2, "+": 1, "-": 1}
_PERCENT = " = ? %"
_STOPS = tuple(n for n in UNITS if n[0] in "千百万亿")


@dataclass(frozen=True)
class _Term:
    """A formula under construction: text, value, and how tightly its last sign binds (3: not)."""

    text: str
    value: Quantity
    binds: int = 3


_ONE = _Term("1", Quantity(Fraction(1), Fraction(1)))


def quantities(text: str) -> list[str]:
    """Quantities of `text` as written, with their units, in order, without repeats."""
    return list(dict.fromkeys(found[0] for found in _mentions(text)))


def formulas(text: str) -> list[str]:
    """At most `MOST` formulas over the quantities of `text`, the simplest first; each quantity
    stands at most once in a formula, and no two formulas have the same result. A formula that the
    text itself writes out comes first."""
    terms: list[tuple[_Term, _Term]] = []
    text = per_head.written_out(_SQUARE.sub("㎡", text))
    money = bool(re.search(r"元|块", text))
    for whole, number in _mentions(text):
        if money and whole[-1] in "万亿":
            whole += "元"
        if all(whole != one.text for one, _ in terms):
            value, bare = _value(whole), _value(number)
            if value is not None and bare is not None:
                terms.append((_Term(whole, value), _Term(number, bare)))
    terms = terms[:MOST_QUANTITIES]
    targets = _targets(text)
    hidden = _without_dates(text)
    written = [m[0].strip() for m in _WRITTEN.finditer(hidden) if _value(m[0].strip()) is not None]
    built = list(_built(terms))
    if re.search(r"平均|均值|average|mean", text):
        built = [*_means([whole for whole, _ in terms]), *built]
    asked = [one for one in built if _asked(text, *one, targets)]
    found: list[str] = []
    known: set[tuple[Fraction, Fraction, Dims]] = set()
    for term, sort in asked or built:
        value = term.value
        key = (value.low, value.high, value.dims)
        if key in known or not _sane(value.dims):
            continue
        known.add(key)
        if term.binds == 3 and not any(d == value.dims for _, d in targets):
            continue
        named = [f"{term.text} = ? {unit}" for unit, dims in targets
                 if dims == value.dims and unit != re.sub(r"^[\d.,\s]+", "", term.text)]
        rate = [term.text + _PERCENT] if value.dims == NONE and sort else []
        plain = [] if term.binds == 3 or named or sort in _RATES else [term.text]
        found += [*named[:2], *plain, *rate]
    written_so = [whole.text for whole, _ in terms]
    running = time_rates.fitting(text, [*written, *found], written_so)
    return per_head.fitting(planning_ratios.fitting(text, running, written_so))[:MOST]


def _asked(text: str, term: _Term, sort: str, targets: list[tuple[str, Dims]]) -> bool:
    """Whether a formula gives the kind of thing the text asks for: a rate of change, a share, an
    amount of money, a quantity in the unit asked for. True where the text does not tell."""
    dims = term.value.dims
    if _PERCENTAGE.search(text) and _CHANGE.search(text):
        up, down = _UP.search(text), _DOWN.search(text)
        if bool(up) != bool(down):
            return sort == ("growth" if up else "fall")
        return sort in ("growth", "change")
    if targets:
        return any(dims == wanted for _, wanted in targets)
    if _RATIO.search(text):
        return sort == "ratio" and (not _SHARE.search(text) or term.value.high <= 1)
    if _MONEY.search(text):
        return dims == (("yuan", 1),)
    return True


def _mentions(text: str) -> Iterator[tuple[str, str]]:
    """(quantity with its unit, its number alone)."""
    plain = _without_dates(text)
    at = 0
    while at < len(plain):
        named = plain.startswith(_STOPS, at)
        numeral = None if named else read_numeral(plain, at, _STOPS)
        if numeral is None:
            at += 1
            continue
        end = numeral.end
        number = plain[at:end]
        end = _with_unit(plain, end)
        chinese = not re.search(r"\d", number)
        bare_word = chinese and end == numeral.end and "分之" not in number
        article = number == "一" and not plain.startswith(("公顷", "亩", "平方公里"), numeral.end)
        if not bare_word and not article:
            yield plain[at:end], number
        at = end


def _without_dates(text: str) -> str:
    """`text` with dates, years, article numbers and names blotted out."""
    hidden = list(text)
    named = (m.span() for m in _SKIPPED.finditer(text))
    for start, end in [*date_spans(text), *yearless_spans(text), *named]:
        hidden[start:end] = "\0" * (end - start)
    return "".join(hidden)


def _with_unit(text: str, end: int) -> int:
    """Where the unit after a number ends: %, 成, 倍, 元/㎡, 万元."""
    if text[end:end + 1] in ("%", "％", "‰", "成", "倍"):
        return end + 1
    gap = 1 if text[end:end + 1] == " " else 0
    found = read_unit(text, end + gap)
    if found is None:
        return end
    end = found[1]
    if heads := per_head.HEADS.match(text, end):
        return heads.end()
    below = read_unit(text, end + 1) if text[end:end + 1] in ("/", "每") else None
    return below[1] if below and below[0].dims != found[0].dims else end


def _value(text: str) -> Quantity | None:
    try:
        return Parser(tokenize(text)).parse()
    except ToolInputError:
        return None


def _targets(text: str) -> list[tuple[str, Dims]]:
    """Units that the text asks for (合多少亩), with their dimensions."""
    found: dict[str, Dims] = {}
    for match in _TARGET.finditer(text):
        unit = read_unit(text, match.end())
        if unit:
            found[text[match.end():unit[1]]] = unit[0].dims
    return list(found.items())


def _sane(dims: Dims) -> bool:
    """Whether people use such a quantity: one thing, or one thing per another; nothing is told per
    yuan but areas and the like."""
    above = [(n, p) for n, p in dims if p > 0]
    below = [(n, p) for n, p in dims if p < 0]
    return (bool(above) or below != [("yuan", -1)]) and len(above) <= 1 and len(below) <= 1 and all(
        abs(p) <= (3 if n == "length" else 1) for n, p in (*above, *below))


def _joined(sign: str, left: _Term, right: _Term) -> _Term | None:
    try:
        value = combine(sign, left.value, right.value)
    except ToolInputError:
        return None
    binds = _SIGNS[sign]
    a = f"({left.text})" if left.binds < binds else left.text
    tight = right.binds < binds or (right.binds == binds and sign in "-/")
    b = f"({right.text})" if tight else right.text
    return _Term(f"{a} {sign} {b}", value, binds)


def _products(left: tuple[_Term, _Term], right: tuple[_Term, _Term]) -> list[_Term]:
    """The product; where its unit means nothing, that with one unit dropped, never the money's.
    None of two areas or two sums of money."""
    whole = _joined("*", left[0], right[0])
    if whole and _sane(whole.value.dims):
        return [whole]
    if left[0].value.dims == right[0].value.dims:
        return []
    pairs = [(left[1], right[0]), (left[0], right[1])]
    kept = [p for p in pairs if ("yuan", 1) in (*p[0].value.dims, *p[1].value.dims)]
    made = [_joined("*", a, b) for a, b in kept or pairs]
    return [one for one in made if one and _sane(one.value.dims)]


def _built(terms: list[tuple[_Term, _Term]]) -> Iterator[tuple[_Term, str]]:
    """Formulas, each with "" or, for a quotient of equal things, `ratio` or one of `_RATES`."""
    plain = [whole for whole, _ in terms]
    for one in plain:
        yield one, ""
    for i, j in permutations(range(len(terms)), 2):
        yield from _of_two(terms[i], terms[j], i < j)
    for group in combinations(range(len(terms)), 3):
        for order in permutations(group):
            yield from _of_three(*(terms[i] for i in order))
    for order in permutations(range(len(terms)), 4):
        if order[0] < order[1] and order[2] < order[3]:
            for a in _products(terms[order[0]], terms[order[1]]):
                for b in _products(terms[order[2]], terms[order[3]]):
                    for sign in "-+":
                        if made := _joined(sign, a, b):
                            yield made, ""
    if len(terms) > 3 and (total := _total(plain)):
        yield total, ""


def _means(terms: list[_Term]) -> Iterator[tuple[_Term, str]]:
    """The mean of the last two, three, … quantities."""
    for count in range(2, len(terms) + 1):
        total = _total(terms[-count:])
        number = Quantity(Fraction(count), Fraction(count))
        if total and (made := _joined("/", total, _Term(str(count), number))):
            yield made, ""


def _total(terms: list[_Term]) -> _Term | None:
    total: _Term | None = terms[0]
    for one in terms[1:]:
        total = _joined("+", total, one) if total else None
    return total


def _of_two(a: tuple[_Term, _Term], b: tuple[_Term, _Term], in_order: bool
            ) -> Iterator[tuple[_Term, str]]:
    if in_order:
        for made in _products(a, b):
            yield made, ""
    for sign in ("/", "-", "+"):
        if (one := _joined(sign, a[0], b[0])) and (sign != "+" or in_order):
            yield one, "ratio" if sign == "/" else ""
    if change := _joined("-", a[0], b[0]):
        sorts = ((b[0], "growth"), (a[0], "fall")) if change.value.low > 0 else ((b[0], "change"),)
        for old, sort in sorts:
            if rate := _joined("/", change, old):
                yield rate, sort
    several = _joined("*", a[0], b[0]) if b[0].text.endswith("倍") else None
    if several and (more := _joined("+", a[0], several)):
        yield more, ""
    if b[0].value.percent and not a[0].value.percent:
        for sign in "-+":
            rest = _joined(sign, _ONE, b[0])
            for outer in "*/":
                if rest and (share := _joined(outer, a[0], rest)):
                    yield share, ""


def _of_three(a: tuple[_Term, _Term], b: tuple[_Term, _Term], c: tuple[_Term, _Term]
              ) -> Iterator[tuple[_Term, str]]:
    if b[0].value.percent and not a[0].value.percent:
        for sign in "-+":
            rest = _joined(sign, _ONE, b[0])
            if rest and (left := _joined("*", a[0], rest)):
                for made in _products((left, left), c):
                    yield made, ""
    if time_rates.is_rate(b[0].text) and not a[0].value.percent:
        interest = _joined("*", a[0], b[0])
        for grown in _products((interest, interest), c) if interest else []:
            if whole := _joined("+", a[0], grown):
                yield whole, ""
    for product in _products(a, b):
        for made in _products((product, product), c):
            yield made, ""
        for sign in "/-+":
            if one := _joined(sign, product, c[0]):
                yield one, "ratio" if sign == "/" else ""
        if other := _joined("-", c[0], product):
            yield other, ""
        if quotient := _joined("/", c[0], product):
            yield quotient, "ratio"
    for sign in "-+":
        pair = _joined(sign, a[0], b[0])
        if pair is None:
            continue
        for made in _products((pair, pair), c):
            yield made, ""
        for outer in "/-+":
            if one := _joined(outer, pair, c[0]):
                yield one, "ratio" if outer == "/" else ""
