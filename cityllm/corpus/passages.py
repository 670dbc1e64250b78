"""The few words of a clause that speak to a question: what the model and the reader see first."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cityllm.corpus.terms import terms

LENGTH = 120
_UNIT = re.compile(r"[^。；\n]+[。；]?")
_COMMA = re.compile(r"[^，,、：]+[，,、：]?")


def best_passage(text: str, wanted: Mapping[str, float], length: int = LENGTH) -> str:
    """A stretch of `text`, at most `length` characters, verbatim but for line ends; … marks where
    it was cut. `wanted` is the question's terms with their weights (`Lexical.weights`)."""
    text = text.strip()
    flat = " ".join(text.split("\n"))
    if len(flat) <= length:
        return flat
    units = [(m.start(), m.end()) for m in _UNIT.finditer(flat)]
    units = [piece for start, end in units for piece in _short(flat, start, end, length - 2)]
    gains = [{term for term in terms(flat[start:end]) if term in wanted} for start, end in units]
    best, choice = -1.0, (0, 0)
    for first in range(len(units)):
        found: set[str] = set()
        for last in range(first, len(units)):
            if units[last][1] - units[first][0] > length - 2:
                break
            found |= gains[last]
            worth = sum(wanted[term] for term in found) - 0.001 * (last - first) - 0.002 * first
            if worth > best:
                best, choice = worth, (first, last)
    first, last = choice
    while last + 1 < len(units) and units[last + 1][1] - units[first][0] <= length - 2:
        last += 1
    start, end = units[first][0], units[last][1]
    body = flat[start:end].strip()
    return f"{'…' if flat[:start].strip() else ''}{body}{'…' if flat[end:].strip() else ''}"


def _short(text: str, start: int, end: int, length: int) -> list[tuple[int, int]]:
    """(start, end) cut at commas, and where there are none by force, to at most `length`."""
    if end - start <= length:
        return [(start, end)]
    pieces: list[tuple[int, int]] = []
    for match in _COMMA.finditer(text, start, end):
        left, right = match.span()
        if pieces and right - pieces[-1][0] <= length // 2:
            pieces[-1] = (pieces[-1][0], right)
        else:
            pieces += [(at, min(at + length, right)) for at in range(left, right, length)]
    return pieces
