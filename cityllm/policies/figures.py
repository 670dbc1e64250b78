"""Figures as policies write them, exact: 2000万, 1.5亿, 3%, 1,000元 -> Decimal.

Nothing here rounds by itself: `to_fen` refuses what is finer than a fen, and `round_fen` is the one
place where an amount worked out by a rate becomes money (half a fen counts as one, 四舍五入).
"""

from __future__ import annotations

import re
from decimal import Decimal

FEN = 100
"""Fen in a yuan."""
DIGITS = 24
"""Digits before the point, and after it, that a figure may have."""


class NotAllowed(ValueError):
    """A value that may not stand where it stands, said in both languages without a full stop."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(f"{zh} {en}")
        self.zh, self.en = zh, en


_FACTORS = {"": 1, "千": 1000, "万": 10_000, "百万": 1_000_000, "千万": 10_000_000,
            "亿": 100_000_000}
_FIGURE = re.compile(r"([-+]?\d[\d,]*(?:\.\d+)?)\s*(千万|百万|亿|万|千)?\s*(%|％)?\s*(?:元|人|家|项|个|件)?")


def read_figure(value: object) -> Decimal:
    """The exact value of a number or of a text such as `2000万`, `20%`, `1,000元`.

    Raises NotAllowed for anything else, a float included (it is not exact).
    """
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise NotAllowed(f"{value!r} 不是数", f"{value!r} is not a number")
    if not isinstance(value, str):
        return _sized(Decimal(value))
    match = _FIGURE.fullmatch(value.strip().replace("，", ","))
    if not match:
        raise NotAllowed(f"{value!r} 不是数：可以写 2000万、1.5亿、20%、300",
                         f"{value!r} is not a number: write 2000万, 1.5亿, 20% or 300")
    found = _sized(Decimal(match[1].replace(",", ""))) * _FACTORS[match[2] or ""]
    return found / 100 if match[3] else found


def _sized(value: Decimal) -> Decimal:
    """1e999999999 is a few letters and, written out, a gigabyte."""
    if not value.is_finite() or not -DIGITS <= int(value.as_tuple().exponent) <= DIGITS \
            or value.adjusted() > DIGITS:
        raise NotAllowed(f"数太大或小数位太多（至多 {DIGITS} 位）",
                         f"the number is too long (at most {DIGITS} digits)")
    return value


def to_quanta(value: Decimal, decimals: int) -> int:
    """A value as a whole number of 10^-decimals: yuan to fen with 2. NotAllowed when finer."""
    numerator, denominator = value.as_integer_ratio()
    quanta: int
    quanta, rest = divmod(numerator * 10**decimals, denominator)
    if rest:
        raise NotAllowed(f"{value} 的小数超过 {decimals} 位",
                         f"{value} has more than {decimals} decimals")
    return quanta


def from_quanta(quanta: int, decimals: int) -> Decimal:
    """The inverse of `to_quanta`."""
    return Decimal(quanta).scaleb(-decimals)


def round_half_up(numerator: int, denominator: int) -> int:
    """The whole number nearest to a fraction; a half is rounded away from zero."""
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


def show_yuan(fen: int, language: str = "zh") -> str:
    """Money as a reader sees it: `1,234,500 元`, `0.05 yuan`; decimals only where there are any."""
    yuan, rest = divmod(abs(fen), FEN)
    sign = "-" if fen < 0 else ""
    return f"{sign}{yuan:,}" + (f".{rest:02d}" if rest else "") + (
        " yuan" if language == "en" else " 元")
