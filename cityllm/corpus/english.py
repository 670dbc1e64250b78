"""English questions over Chinese law: titles and common terms, from `english.yaml`.

A glossary, not a translator: each known English term adds its Chinese words to the query, the
longest term first. The embedder and BM25 then work on Chinese.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import yaml

_LATIN = re.compile(r"[A-Za-z]{3,}")


@cache
def _table() -> tuple[dict[str, str], dict[str, str], re.Pattern[str]]:
    path = Path(__file__).with_name("english.yaml")
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    titles = {str(k).lower(): str(v) for k, v in data["titles"].items()}
    words = {str(k).lower(): str(v) for k, v in data["terms"].items()}
    both = sorted({**words, **titles}, key=len, reverse=True)
    return titles, words, re.compile(rf"\b({'|'.join(map(re.escape, both))})(?:e?s)?\b")


def english_titles(text: str) -> list[str]:
    """Chinese titles of the laws that `text` names in English, in the order of the text."""
    if not _LATIN.search(text):
        return []
    titles, _, pattern = _table()
    found = [titles[m[1]] for m in pattern.finditer(" ".join(text.lower().split()))
             if m[1] in titles]
    return list(dict.fromkeys(found))


def to_chinese(text: str) -> str:
    """`text`, and the Chinese of the known English terms in it; unchanged without any."""
    if not _LATIN.search(text):
        return text
    titles, words, pattern = _table()
    found = [titles.get(m[1]) or words[m[1]]
             for m in pattern.finditer(" ".join(text.lower().split()))]
    return "\n".join([text, *dict.fromkeys(found)])
