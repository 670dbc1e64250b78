"""Articles named in free text: 规划法64条, 《城乡规划法》第六十四条之一, Article 64 of the … Law.

It reads names and numbers; whether such an article exists is the ledger's answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cityllm.corpus.ledger import Ledger
from cityllm.corpus.numerals import CN, article_key
from cityllm.corpus.english import english_titles

_NUMBER = re.compile(
    rf"第?\s*(?P<n>[{CN}]+|\d+(?:-\d+)?)\s*条(?!例|件|款规定以外)(?:\s*之\s*(?P<sub>[{CN}]+|\d+))?")
_STANDARD = re.compile(r"(?<![\d.])(\d{1,2}(?:\.\d{1,3}){2,3}[A-Z]?)(?![\d.])")
_ENGLISH = re.compile(r"\b(?:articles?|arts?\.?|section|clause)\s*(?P<n>\d+(?:-\d+)?)", re.IGNORECASE)
_MEASURE = re.compile("[一两二三几]条(?:路|街|河|狗|命|线|船|信息|建议|腿|规定|法)")


@dataclass(frozen=True)
class Named:
    """A title of the ledger and the article numbers that the text names with it, in order."""

    title: str
    numbers: tuple[str, ...]


def numbers_in(text: str) -> list[str]:
    """Article numbers in `text` as keys (64, 64-1, 3.0.1), in order, each once."""
    plain = _MEASURE.sub(" ", text)
    found: list[tuple[int, str]] = []
    for match in _NUMBER.finditer(plain):
        key = article_key(match["n"])
        if match["sub"]:
            key = f"{key}-{article_key(match['sub'])}"
        found.append((match.start(), key))
    found += [(m.start(), m["n"]) for m in _ENGLISH.finditer(plain)]
    found += [(m.start(), m[1]) for m in _STANDARD.finditer(plain)]
    return list(dict.fromkeys(key for _, key in sorted(found)))


def titles_in(text: str, ledger: Ledger) -> list[str]:
    """Titles named in `text`, in Chinese or in English, the longest name first."""
    found = ledger.mentioned(text)
    for name in english_titles(text):
        title = ledger.resolve(name)
        if title and title not in found:
            found.append(title)
    return found


def named_articles(text: str, ledger: Ledger) -> Named | None:
    """The first title with the numbers beside it; None where no title is named.

    With several titles in the text the numbers are given to the one named longest: to compare two
    laws is a search, not a look-up.
    """
    titles = titles_in(text, ledger)
    return Named(titles[0], tuple(numbers_in(text))) if titles else None
