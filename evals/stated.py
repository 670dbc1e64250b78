"""Figures as a text or a rule states them: 30%, 百分之三十, 0.3 and 30 % of a rule are one number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from typing import Any

from cityllm.corpus.numerals import cn_to_int
from cityllm.policies.figures import read_figure

_NUMBER = re.compile(r"(\d+(?:\.\d+)?)(亿|万)?元?(%|‰)?")
_CHINESE = re.compile("(百分之|千分之|万分之)?([零〇一二两三四五六七八九十百千万亿]+)"
                      "(?:点([零〇一二三四五六七八九]+))?")
_SCALE = {"亿": 10**8, "万": 10**4, "": 1}
_PARTS = {"%": 100, "‰": 1000, "": 1, "百分之": 100, "千分之": 1000, "万分之": 10_000}
_FIGURE_KEYS = {"at_least", "more_than", "at_most", "less_than", "from", "below", "fixed", "rate",
                "per", "cap", "floor", "some", "value"}
_EXCLUSIVE = {"below", "less_than"}
NOT_STATED = {Fraction(0), Fraction(1)}
"""Bounds such as `more_than: 0` and `at_least: 1` state that there is something, no figure."""


def values(text: str) -> set[Fraction]:
    """Figures in a text: 30%, 百分之三十 and 0.3 are alike, and so are 五十万 and 500000; 减半 is 1/2."""
    text = re.sub(r"(?<=\d)\s+(?=[一-鿿%％‰])|(?<=[一-鿿])\s+(?=\d)", "", text)
    text = text.replace("％", "%").replace(",", "")
    found = {Fraction(match[1]) * _SCALE[match[2] or ""] / _PARTS[match[3] or ""]
             for match in _NUMBER.finditer(text)}
    for match in _CHINESE.finditer(text):
        number = cn_to_int(match[2])
        if number is not None and match[2] not in {"万", "亿", "千", "百"}:
            decimals = "".join(str(cn_to_int(digit)) for digit in match[3] or "")
            found.add(Fraction(f"{number}.{decimals or 0}") / _PARTS[match[1] or ""])
    return found | ({Fraction(1, 2)} if "半" in text else set())


def rule_figures(node: Any, ref: str = "") -> Iterator[tuple[str, list[Fraction]]]:
    """Each figure of a condition or an amount as written, and the values that may state it.

    5 years before the as-of date are 5; 24 months may be stated as 2 years; below 7 as up to 6.
    """
    if isinstance(node, list):
        for one in node:
            yield from rule_figures(one, ref)
    elif isinstance(node, dict):
        ref = str(node.get("field") or node.get("by") or node.get("months_since") or ref)
        for key, value in node.items():
            if isinstance(value, dict | list):
                yield from rule_figures(value, ref)
            elif key in _FIGURE_KEYS and value is not None:
                yield from _stated(key, value, ref)


def _stated(key: str, value: Any, ref: str) -> Iterator[tuple[str, list[Fraction]]]:
    if isinstance(value, date):
        for part in (value.year, value.month, value.day):
            yield str(value), [Fraction(part)]
        return
    for one in re.split(r" [-+*] ", str(value)):
        if one.startswith("$"):
            continue
        if relative := re.fullmatch(r"(?:as_of|year_start)(?:[-+](\d+)[ymd])?", one):
            yield one, [Fraction(relative[1] or 0)]
            continue
        figure = Fraction(read_figure(one if isinstance(value, str) else value))
        may = [figure]
        if "months" in ref:
            may.append(figure / 12)
        if key in _EXCLUSIVE and figure.denominator == 1:
            may.append(figure - 1)
        yield one, may


_WORDS = {word: value for value, word in enumerate(
    ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), start=1)}
_ENGLISH = re.compile(rf"(\d[\d,]*(?:\.\d+)?|\b(?:{'|'.join(_WORDS)})\b)"
                      r"(?: (thousand|million|billion))?(?: ?(%))?", re.IGNORECASE)
_LARGE = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "": 1}


def english_values(text: str) -> set[Fraction]:
    """Figures in an English text: `2 million`, `500,000`, `five years`, `30%`."""
    return {Fraction(_WORDS.get(match[1].lower(), 0) or match[1].replace(",", ""))
            * _LARGE[(match[2] or "").lower()] / (100 if match[3] else 1)
            for match in _ENGLISH.finditer(text)}
