"""Tokens and a Pratt parser for arithmetic with units, over exact fractions. Nothing is eval'd.

Binding, weakest first: + -, then × ÷ 的, then 到 (a range), ^, and a unit or % after a number.
`500元/㎡` binds as one quantity because a bare unit follows the slash.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from tools import ToolInputError
from tools.numerals import read_numeral
from tools.units import NONE, UNITS, Dims, Unit, dims_name, scaled, times

MAX_POWER = 60
MAX_BITS = 5000
_WORDS = {
    "+": ("加上", "加", "+", "＋", "plus"),
    "-": ("减去", "减", "-", "－", "−", "minus"),
    "^": ("**", "^"),
    "*": ("乘以", "乘", "*", "×", "✕", "x", "X", "times"),
    "/": ("除以", "/", "÷", "／"),
    "的": ("的", "of"),
    "到": ("到", "至", "~", "～", "–", "—"),
    "%": ("个百分点", "百分点", "%", "％"),
    "‰": ("‰",), "成": ("成",), "倍": ("倍",), "每": ("每",), "(": ("(", "（"), ")": (")", "）"),
}
_OPERATORS = sorted(((w, op) for op, words in _WORDS.items() for w in words),
                    key=lambda pair: -len(pair[0]))
_POWER = {"+": 10, "-": 10, "*": 20, "/": 20, "的": 22, "到": 30, "^": 40}
_UNIT_NAMES = tuple(sorted(UNITS, key=len, reverse=True))
_STOPS = tuple(n for n in _UNIT_NAMES if n[0] in "千百万亿")


@dataclass(frozen=True)
class Quantity:
    """A value between `low` and `high` (equal unless a range) in base units of `dims`."""

    low: Fraction
    high: Fraction
    dims: Dims = NONE
    percent: bool = False


@dataclass(frozen=True)
class Token:
    """`kind` is number, unit, an operator's sign, or end."""

    kind: str
    text: str
    value: Fraction = Fraction(0)
    scale: str = ""
    unit: Unit | None = None


class RangeMismatch(Exception):
    """The two ends of a range differ in dimension: the range must bind more loosely."""


def read_unit(text: str, start: int) -> tuple[Unit, int] | None:
    """The longest unit that begins at `start`, 万元 included, and where it ends."""
    if text[start:start + 1] in ("万", "亿") and (inner := read_unit(text, start + 1)):
        return scaled(inner[0], text[start]), inner[1]
    for candidate in (text, text.lower()):
        for name in _UNIT_NAMES:
            if not candidate.startswith(name, start):
                continue
            end = start + len(name)
            letter = name[-1].isascii() and name[-1].isalpha()
            if letter and end < len(text) and text[end].isascii() and text[end].isalnum():
                continue
            return UNITS[name], end
    return None


def tokenize(text: str) -> list[Token]:
    """Tokens of an expression. Raises ToolInputError at the first thing it cannot read."""
    tokens, position = [], 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        for word, kind in _OPERATORS:
            if text.startswith(word, position):
                tokens.append(Token(kind, word))
                position += len(word)
                break
        else:
            named = text.startswith(_STOPS, position)       # 千米 is a unit, not 1,000 米
            numeral = None if named else read_numeral(text, position, _STOPS)
            if numeral:
                tokens.append(Token("number", text[position:numeral.end], numeral.value,
                                    "%" if numeral.hundredths else numeral.scale))
                position = numeral.end
            elif found := read_unit(text, position):
                tokens.append(Token("unit", text[position:found[1]], unit=found[0]))
                position = found[1]
            else:
                rest = text[position:position + 8]
                raise ToolInputError(
                    f"算式在“{rest}”处读不懂。只能写数字、单位（亩、公顷、㎡、万元、天……）"
                    "和 + - × ÷ ( ) 的 % 到；请去掉其他文字，例如“15亩 * 2.5”。",
                    f"Cannot read the expression at '{rest}'. Use numbers, units (ha, ㎡, km, 万元) "
                    "and + - * / ( ) % only, for instance '3.2 ha * 2'.")
    return [*tokens, Token("end", "")]


class Parser:
    """One pass over the tokens. `seen` collects the units used, in order, to show the result."""

    def __init__(self, tokens: list[Token], *, loose_range: bool = False) -> None:
        self.tokens = tokens
        self.at = 0
        self.loose = loose_range
        self.seen: list[Unit] = []
        self.lines: list[str] = []

    def parse(self) -> Quantity:
        """The value of the whole expression."""
        result = self._expression(0)
        if self._peek().kind != "end":
            self._unexpected(self._peek())
        return result

    def _peek(self, ahead: int = 0) -> Token:
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def _next(self) -> Token:
        token = self._peek()
        self.at += 1
        return token

    def _unexpected(self, token: Token) -> None:
        where = f"“{token.text}”" if token.text else "末尾"
        where_en = f"'{token.text}'" if token.text else "the end"
        raise ToolInputError(
            f"算式在{where}处不完整或多了内容；请检查括号和运算符，例如“(12000㎡ - 3000㎡) / 5000㎡”。",
            f"The expression is incomplete or has too much at {where_en}; check brackets and "
            "operators, for instance '(12000 m2 - 3000 m2) / 5000 m2'.")

    def _expression(self, floor: int) -> Quantity:
        left = self._prefix()
        while True:
            token = self._peek()
            power = _POWER.get(token.kind, -1)
            if token.kind == "到" and self.loose:
                power = 5
            if token.kind in ("number", "每") and floor <= 35:
                left = self._joined(left)      # 2小时30分钟
                continue
            if power <= floor:
                return left
            self._next()
            right = self._expression(power - 1 if token.kind == "^" else power)
            left = self._apply(token.kind, left, right)

    def _joined(self, left: Quantity) -> Quantity:
        """Two quantities side by side are added when both carry the same dimension."""
        before = self._peek()
        right = self._expression(35)
        if left.dims == NONE or left.dims != right.dims:
            self._unexpected(before)
        return combine("+", left, right)

    def _prefix(self) -> Quantity:
        token = self._next()
        if token.kind == "-":
            inner = self._expression(25)
            return replace(inner, low=-inner.high, high=-inner.low)
        if token.kind == "+":
            return self._expression(25)
        if token.kind == "每":
            return self._per()
        if token.kind == "(":
            inner = self._expression(0)
            if self._next().kind != ")":
                self.at -= 1
                self._unexpected(self._peek())
            return self._suffix(inner, "")
        if token.kind == "number":
            percent = token.scale == "%"
            number = Quantity(token.value, token.value, NONE, percent)
            return self._suffix(number, "" if percent else token.scale)
        if token.kind == "unit" and token.unit is not None:
            self.at -= 1
            return self._suffix(Quantity(Fraction(1), Fraction(1)), "")
        self._unexpected(token)
        raise AssertionError

    def _per(self) -> Quantity:
        """每公顷120人 is 120人/公顷."""
        token = self._next()
        if token.unit is None:
            self._unexpected(token)
        assert token.unit is not None
        inner = self._expression(35)
        bottom = Quantity(token.unit.factor, token.unit.factor, token.unit.dims)
        self.seen.append(token.unit)
        return combine("/", inner, bottom)

    def _suffix(self, value: Quantity, scale: str) -> Quantity:
        """Unit, per-unit, %, 成 or 倍 after a number or a bracket."""
        while True:
            token = self._peek()
            if token.kind == "%":
                value = replace(_scale(value, Fraction(1, 100)), percent=True)
            elif token.kind in ("‰", "成"):
                value = _scale(value, Fraction(1, 1000 if token.kind == "‰" else 10))
            elif token.kind == "unit" and value.dims == NONE:
                self._next()
                return self._with_unit(value, token, scale)
            elif token.kind != "倍":
                return value
            self._next()

    def _with_unit(self, value: Quantity, token: Token, scale: str) -> Quantity:
        unit = token.unit
        assert unit is not None
        shown = scaled(unit, scale) if scale else unit
        parts = [shown]
        whole = shown
        while self._peek().kind in ("/", "每") and self._peek(1).kind == "unit":
            self._next()
            bottom = self._next().unit
            assert bottom is not None
            parts.append(bottom)
            whole = Unit(f"{whole.symbol}/{bottom.symbol}", whole.factor / bottom.factor,
                         times(whole.dims, bottom.dims, -1))
        self.seen += [whole, *parts] if len(parts) > 1 else [whole]
        factor = unit.factor * whole.factor / shown.factor
        result = _scale(value, factor)
        return Quantity(result.low, result.high, whole.dims)

    def _apply(self, sign: str, left: Quantity, right: Quantity) -> Quantity:
        if sign == "到":
            if left.dims != right.dims:
                raise RangeMismatch
            if left.low > right.high:
                left, right = right, left
            return Quantity(left.low, right.high, left.dims, left.percent and right.percent)
        return combine("*" if sign == "的" else sign, left, right)


def _scale(value: Quantity, factor: Fraction) -> Quantity:
    return replace(value, low=value.low * factor, high=value.high * factor)


def combine(sign: str, left: Quantity, right: Quantity) -> Quantity:
    """`left sign right` by interval arithmetic. Raises ToolInputError on a dimension error."""
    if sign in "+-":
        if left.dims != right.dims:
            _mismatch(sign, left, right)
        percent = left.percent and right.percent
        if sign == "+":
            return Quantity(left.low + right.low, left.high + right.high, left.dims, percent)
        return Quantity(left.low - right.high, left.high - right.low, left.dims, percent)
    if sign == "*":
        corners = [a * b for a in (left.low, left.high) for b in (right.low, right.high)]
        return Quantity(min(corners), max(corners), times(left.dims, right.dims))
    if sign == "/":
        if right.low <= 0 <= right.high:
            raise ToolInputError("除数是零，无法相除；请检查算式。",
                                 "Division by zero; check the expression.")
        corners = [a / b for a in (left.low, left.high) for b in (right.low, right.high)]
        return Quantity(min(corners), max(corners), times(left.dims, right.dims, -1))
    return _to_power(left, right)


def _to_power(base: Quantity, exponent: Quantity) -> Quantity:
    whole = exponent.low == exponent.high and exponent.low.denominator == 1
    if not whole or exponent.dims or abs(exponent.low) > MAX_POWER or base.low < 0:
        raise ToolInputError(
            f"指数只能是 -{MAX_POWER} 到 {MAX_POWER} 之间的整数，底数不能为负。",
            f"An exponent must be a whole number from -{MAX_POWER} to {MAX_POWER}, "
            "and the base must not be negative.")
    n = int(exponent.low)
    size = max(x.bit_length() for v in (base.low, base.high) for x in v.as_integer_ratio())
    if size * abs(n) > MAX_BITS:
        raise ToolInputError("乘方的结果太大；请检查算式。", "The power is too large; check it.")
    if n < 0 and base.low == 0:
        raise ToolInputError("零没有负次方。", "Zero has no negative power.")
    low, high = sorted((base.low**n, base.high**n))
    dims = tuple((name, power * n) for name, power in base.dims if n)
    return Quantity(low, high, dims)


def _mismatch(sign: str, left: Quantity, right: Quantity) -> None:
    verb, verb_en = ("加上", "add") if sign == "+" else ("减去", "subtract")
    a, b = dims_name(left.dims), dims_name(right.dims)
    a_en, b_en = dims_name(left.dims, "en"), dims_name(right.dims, "en")
    hint = hint_en = ""
    if right.percent:
        hint = "百分数要写明基数，例如“800万元 * (1 + 5%)”；范围请写“5%到10%”。"
        hint_en = "Write what the percentage is of: '800 yuan * (1 + 5%)'; a range is '5%~10%'."
    elif {"time", "month"} <= {n for n, _ in left.dims + right.dims}:
        hint = "年、月的天数不固定，期限请用 legal_deadline。"
        hint_en = "Months and years have no fixed number of days; use legal_deadline for periods."
    raise ToolInputError(f"量纲不一致：{a}不能{verb}{b}。{hint or '请检查单位。'}",
                         f"Dimensions differ: cannot {verb_en} {b_en} and {a_en}. "
                         f"{hint_en or 'Check the units.'}")
