"""Exact arithmetic with the units of planning: 亩, 公顷, ㎡, 万元, 元/㎡, %, 人/公顷.

Values are fractions, so 0.1 + 0.2 is 0.3 and 1亩 is 2000/3 ㎡. A result that has no finite decimal
form is rounded for showing only and is then marked with ≈. Months and years are not turned into
days, and currencies are not turned into one another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

from tools import ToolInputError
from tools.arithmetic import Parser, Quantity, RangeMismatch, Token, tokenize
from tools.numerals import read_numeral
from tools.schema import Figure, ToolResult
from tools.units import NONE, UNITS, Unit, dims_name, natural_unit

MAX_LENGTH = 300
MAX_SIZE = 10**40
_ASKS = re.compile(r"[=＝]|等于|换算(?:成|为|到)?|折[合算](?:成|为)?|转换?(?:成|为)|相当于|是(?=多少|几)"
                   r"|合(?=多少|几)|有(?=多少|几)|(?<=[\s\d)])(?:in|to)(?=\s)|→|->")
_FILLER = re.compile(r"^(?:请|帮我|麻烦)*(?:计算|算一下|算|求)?[:：\s]*")
_SHARE = re.compile(r"(?P<part>.+?)(?:是|占|为)(?P<whole>.+?)的?"
                    r"(?:(?P<times>(?:几|多少)倍)|百分之(?:几|多少)|百分比|比例|比重)(?:是?多少)?[?？]?")
_PERCENT_NAME = re.compile(r"(?<!容积)率$|密度$|占比$|比例$|百分比$")
_ALSO = {"area": ("㎡", "亩", "公顷"), "yuan": ("元", "万元")}


@dataclass(frozen=True)
class Calculation(ToolResult):
    """`exact` says whether the shown decimal is the value itself; `fraction` is it in any case."""

    exact: bool = True
    fraction: str = ""


def calculate(expression: str) -> Calculation:
    """算术和单位换算（面积、金额、百分比）。Exact arithmetic with units.

    expression: 算式，如 15亩*2.5；expression such as (12000㎡-3000㎡)/5000㎡ or 3.2公顷=?亩
    """
    if len(expression) > MAX_LENGTH:
        raise ToolInputError(f"算式有 {len(expression)} 个字，最多 {MAX_LENGTH} 个；请分几步算。",
                             f"The expression has {len(expression)} characters, at most "
                             f"{MAX_LENGTH}; calculate in steps.")
    name, body, target_text = _split(_normal(expression))
    tokens = tokenize(body)
    try:
        parser = Parser(tokens)
        value = parser.parse()
    except RangeMismatch:
        parser = Parser(tokens, loose_range=True)
        try:
            value = parser.parse()
        except RangeMismatch:
            raise ToolInputError("“到”两边的单位不同，不能成为一个范围。",
                                 "The two ends of the range have different dimensions.") from None
    if max(abs(value.low), abs(value.high)) > MAX_SIZE:
        raise ToolInputError("结果太大，超出 10^40；请检查算式。",
                             "The result is beyond 10^40; check the expression.")
    unit = _unit_for(value, target_text, parser, name)
    return _result(expression, name, value, unit)


def _normal(expression: str) -> str:
    text = re.sub(r"以上[、，,]?", "到", expression).replace("以下", "") if "以上" in expression \
        else expression
    text = text.strip().rstrip("。.；;吗呢").replace("＝", "=")
    text = _FILLER.sub("", text)
    if found := _SHARE.fullmatch(text):
        of = f"({found['part']}) / ({found['whole']})"
        return of if found["times"] else f"{of} = %"
    return re.sub(r"\s*(?:=|等于|是)?\s*(?:[?？]|多少)?\s*[?？]?\s*$", "", text)


def _split(text: str) -> tuple[str, str, str]:
    """(name of the result, expression, unit asked for); name and unit may be empty."""
    name = ""
    if found := re.match(r"\s*([^\d=+*/()（）×÷]{2,12}?)\s*(?:=|:|：)\s*(?=\S)", text):
        label = found[1].strip()
        if label not in UNITS and read_numeral(label, 0) is None:
            name, text = label, text[found.end():]
    target = ""
    if places := list(_ASKS.finditer(text)):
        left, right = text[:places[-1].start()], text[places[-1].end():]
        right = re.sub(r"^[?？\s]*(?:多少|几)?[?？\s]*|[?？\s]+$", "", right)
        if not left.strip() or "=" in left:
            raise ToolInputError(
                f"看不懂“{text}”里的等号；换算请写“3.2公顷 = ? 亩”。",
                f"Cannot read the equals sign in '{text}'; a conversion is '3.2 ha = ? mu'.")
        text, target = left, right
    if not text.strip():
        raise ToolInputError("算式是空的；请写出要算的式子，例如“15亩 * 2.5”。",
                             "The expression is empty; write one, for instance '15 mu * 2.5'.")
    return name, text, target


def _unit_for(value: Quantity, target: str, parser: Parser, name: str) -> Unit:
    percent = Unit("%", Fraction(1, 100), NONE)
    if target in ("%", "％", "百分比", "百分数"):
        unit = percent
    elif target:
        unit = _target_unit(target)
    elif value.dims == NONE:
        shown_as_percent = value.percent or _PERCENT_NAME.search(name)
        unit = percent if shown_as_percent else Unit("", Fraction(1), NONE)
    else:
        used = [u for u in parser.seen if u.dims == value.dims]
        exact = (u for u in used if decimal_text(value.low / u.factor)[1])
        unit = next(exact, None) or natural_unit(value.dims, parser.seen)
    if unit.dims != value.dims:
        a, b = dims_name(value.dims), dims_name(unit.dims)
        a_en, b_en = dims_name(value.dims, "en"), dims_name(unit.dims, "en")
        raise ToolInputError(f"结果是{a}，不能换算成“{target}”（{b}）；请换一个单位。",
                             f"The result is {a_en} and cannot be shown in '{target}' ({b_en}); "
                             "choose another unit.")
    return unit


def _target_unit(text: str) -> Unit:
    tokens: list[Token] = tokenize(text)
    parser = Parser(tokens)
    spelled = all(t.kind in ("unit", "/", "每", "end") or t.text in ("万", "亿") for t in tokens)
    if not spelled:
        raise ToolInputError(f"“{text}”不是单位；换算请写“3.2公顷 = ? 亩”。",
                             f"'{text}' is not a unit; a conversion is '3.2 ha = ? mu'.")
    one = parser.parse()
    symbol = "".join(t.unit.symbol if t.unit else t.text for t in tokens)
    return Unit(symbol, one.low, one.dims)


def decimal_text(value: Fraction) -> tuple[str, bool]:
    """Plain decimal digits and whether they are exact. Else at least 6 significant digits."""
    twos = fives = 0
    rest = value.denominator
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    digits = max(twos, fives)
    exact = rest == 1 and digits <= 12
    if not exact:
        size = len(str(abs(int(value))).lstrip("0"))
        lead = 0 if size else len(str(int(1 / abs(value)))) - 1
        digits = max(2, 6 - size) + lead
    with localcontext() as context:
        context.prec = 80
        shown = Decimal(value.numerator) / Decimal(value.denominator)
        text = format(shown.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return ("0" if text == "-0" else text), exact


def _span(value: Quantity, unit: Unit) -> tuple[str, bool]:
    low, exact_low = decimal_text(value.low / unit.factor)
    if value.low == value.high:
        return low, exact_low
    high, exact_high = decimal_text(value.high / unit.factor)
    return f"{low}–{high}", exact_low and exact_high


def _result(expression: str, name: str, value: Quantity, unit: Unit) -> Calculation:
    text, exact = _span(value, unit)
    label, label_en = name or "结果", name or "result"
    values = {"result": Figure(text, unit.symbol, label, label_en)}
    if value.low != value.high:
        low, high = (decimal_text(v / unit.factor)[0] for v in (value.low, value.high))
        values["low"] = Figure(low, unit.symbol, f"{label}下限", f"{label_en}, low end")
        values["high"] = Figure(high, unit.symbol, f"{label}上限", f"{label_en}, high end")
    for key, other in _others(value, unit).items():
        also, also_exact = _span(value, other)
        if also_exact or key == "result_mu":
            values[key] = Figure(also, other.symbol, f"{label}（{other.symbol or '比值'}）",
                                 f"{label_en} ({other.symbol or 'ratio'})")
    sign = "=" if exact else "≈"
    shown = f"{text}{unit.symbol}" if unit.symbol == "%" else f"{text} {unit.symbol}".strip()
    same = "；".join(f"{v.text} {v.unit}".replace(" %", "%").strip()
                    for k, v in values.items() if k.startswith("result_"))
    tail = f"（即 {same}）" if same else ""
    tail_en = f" (that is {same.replace('；', '; ')})" if same else ""
    fraction = str(value.low / unit.factor)
    return Calculation({"expression": expression}, values,
                       f"{expression.strip()}：{label} {sign} {shown}{tail}",
                       f"{expression.strip()}: {label_en} {sign} {shown}{tail_en}",
                       exact=exact, fraction=fraction)


def _others(value: Quantity, unit: Unit) -> dict[str, Unit]:
    """The same value in the other usual units: areas in ㎡, 亩, 公顷; money in 元; ratios in %."""
    if value.dims == UNITS["㎡"].dims:
        pairs = {"result_m2": UNITS["㎡"], "result_mu": UNITS["亩"], "result_ha": UNITS["公顷"]}
    elif value.dims == UNITS["元"].dims:
        pairs = {"result_yuan": UNITS["元"]}
    elif value.dims == NONE and value.low != 0:
        percent = Unit("%", Fraction(1, 100), NONE)
        small = {"result_percent": percent} if value.low < 10 else {}
        pairs = {"result_ratio": Unit("", Fraction(1), NONE)} if unit.symbol == "%" else small
    else:
        pairs = {}
    return {key: other for key, other in pairs.items() if other.factor != unit.factor}
