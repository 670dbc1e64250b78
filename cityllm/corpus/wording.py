"""A question in a layman's words or in English, with the words that statutes use added to it.

Two glossaries, `everyday.yaml` and `english.yaml`; no translator. Each known word adds its statute
words to the query, the longest match first; BM25 and the embedder then read both.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import yaml

_LATIN = re.compile(r"[A-Za-z]{3,}")


@cache
def _english() -> tuple[dict[str, str], dict[str, str], re.Pattern[str]]:
    data = yaml.safe_load(Path(__file__).with_name("english.yaml").read_text(encoding="utf-8"))
    titles = {str(k).lower(): str(v) for k, v in data["titles"].items()}
    words = {str(k).lower(): str(v) for k, v in data["terms"].items()}
    both = sorted({**words, **titles}, key=len, reverse=True)
    return titles, words, re.compile(rf"\b({'|'.join(map(re.escape, both))})(?:e?s)?\b")


@cache
def _everyday() -> tuple[dict[str, str], re.Pattern[str]]:
    path = Path(__file__).with_name("everyday.yaml")
    words = {str(k): str(v) for k, v in yaml.safe_load(path.read_text(encoding="utf-8")).items()}
    return words, re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))))


def english_titles(text: str) -> list[str]:
    """Chinese titles of the laws that `text` names in English, in the order of the text."""
    if not _LATIN.search(text):
        return []
    titles, _, pattern = _english()
    found = [titles[m[1]] for m in pattern.finditer(" ".join(text.lower().split()))
             if m[1] in titles]
    return list(dict.fromkeys(found))


def statute_words(text: str) -> str:
    """The statute words for what `text` says, those left out that it holds itself; "" for none."""
    added: list[str] = []
    if _LATIN.search(text):
        titles, words, pattern = _english()
        added += [titles.get(m[1]) or words[m[1]]
                  for m in pattern.finditer(" ".join(text.lower().split()))]
    words, pattern = _everyday()
    added += [words[m[0]] for m in pattern.finditer(text)]
    new = [word for word in dict.fromkeys(" ".join(added).split()) if word not in text]
    return " ".join(new)
