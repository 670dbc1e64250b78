"""What a rate per day, month or year means: late fees, fines that grow, interest.

`每日按3%加处, 逾期15天` multiplies the sum by the rate and by the number of days; 一共 adds the sum
itself. `fitting` keeps the formulas that do so; where the text names no such rate, or no time in
the rate's own unit, all are kept. Interest is simple, never compound, and no ceiling is applied.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_UNITS = {
    "day": (r"每[日天]|按[日天]|日(?:利率|息|罚)|a day|per day|daily", r"[天日]|days?"),
    "month": (r"每个?月|按月|月(?:利率|息)|per month|a month|monthly", r"个?月|months?"),
    "year": (r"每年|按年|年(?:利率|息|化)|per year|a year|per annum|annual(?:ly)?|yearly", r"年|years?"),
}
_RATE = re.compile(r"[%％‰]$|分之")
_NUMBER = re.compile(r"[\d.,]+|[零〇一二两三四五六七八九十百]+")
_TOTAL = re.compile(r"一共|总共|合计|共计|本息|连本带[利息]|本金和|加起来|in total|altogether|together",
                    re.IGNORECASE)


def is_rate(quantity: str) -> bool:
    """Whether a quantity as written is a share: 3%, 5‰, 万分之五."""
    return _RATE.search(quantity) is not None


def fitting(text: str, formulas: Sequence[str], quantities: Sequence[str]) -> list[str]:
    """The `formulas` that let a rate run over the time given. `quantities` are those of `text` as
    written; the formulas are built of them."""
    for per, over in _UNITS.values():
        rates = [one for one in quantities if is_rate(one) and re.search(
            rf"(?:{per})[^，。；,;]{{0,6}}{re.escape(one)}|{re.escape(one)} ?(?:{per})", text,
            re.IGNORECASE)]
        times = [found[0] for one in quantities if (found := _NUMBER.match(one)) and re.fullmatch(
            rf"\s?(?:{over})", one[found.end():], re.IGNORECASE)]
        kept = [one for one in formulas
                if any(_runs(one, rate, time, bool(_TOTAL.search(text)))
                       for rate in rates for time in times)]
        if kept:
            return kept
    return list(formulas)


def _runs(formula: str, rate: str, time: str, total: bool) -> bool:
    body = formula.split(" = ")[0]
    interest = body.split(" + ")[-1]
    factors = {re.sub(r"(?<=\d)\s?(?:[^\d.,]+)$", "", one) for one in interest.split(" * ")}
    return (rate in interest.split(" * ") and time in factors and len(interest.split(" * ")) == 3
            and "/" not in interest and (" + " in body) is total)
