"""Articles named in free text: 规划法64条, 《城乡规划法》第六十四条之一, Article 64 of the … Law.

It reads names and numbers; whether such an article exists is the ledger's answer.
"""

from __future__ import annotations

import re
from datetime import date

from cityllm.corpus.ledger import Clause, Ledger
from cityllm.corpus.numerals import CN, article_key
from cityllm.corpus.wording import english_titles
from cityllm.errors import ArticleNotFound

_NUMBER = re.compile(
    rf"第?\s*(?P<n>[{CN}]+|\d+(?:-\d+)?)\s*条(?!例|件|款规定以外)(?:\s*之\s*(?P<sub>[{CN}]+|\d+))?")
_STANDARD = re.compile(r"(?<![\d.])(\d{1,2}(?:\.\d{1,3}){2,3}[A-Z]?)(?![\d.])")
_ENGLISH = re.compile(r"\b(?:articles?|arts?\.?|section|clause)\s*(?P<n>\d+(?:-\d+)?)",
                      re.IGNORECASE)
_REFERENCE = re.compile(
    rf"《?(?P<title>.+?)》?(?P<number>第(?:[{CN}]+|\d+)条(?:之(?:[{CN}]+|\d+))?)(?:第.*)?")
_BEFORE_NUMBER = re.compile(
    r"([\u4e00-\u9fff（）]{0,30}(?:法|条例|办法|规定|细则|规则|规范|标准|解释|准则))》?\s*的?"
    rf"\s*第?\s*(?:[{CN}]+|\d+)\s*条")
_MEASURE = re.compile("[一两二三几]条(?:路|街|河|狗|命|线|船|信息|建议|腿|规定|法)")


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
    """Titles named in `text`, in Chinese or in English, the longest name first; then one whose
    short name stands right before an article number (停车管理办法2条)."""
    found = ledger.mentioned(text)
    short = _BEFORE_NUMBER.search(text)
    for name in english_titles(text):
        title = ledger.resolve(name)
        if title and title not in found:
            found.append(title)
    if not found and short:
        run = short[1]
        names = (run[at:] for at in range(len(run) - 2))
        title = next((title for name in names if (title := ledger.resolve(name))), None)
        found += [title] if title else []
    return found


def clause_of(ledger: Ledger, reference: str, day: date) -> Clause:
    """The clause that a reference such as 中华人民共和国民法典第九百六十七条 names, in force on `day`.

    Raises as `Ledger.article` does, and ArticleNotFound where no number stands in it.
    """
    match = _REFERENCE.fullmatch(reference.strip())
    if match is None:
        raise ArticleNotFound(f"看不出“{reference}”指哪一条，应写作 《名称》第…条。",
                              f"'{reference}' names no article; write 《title》第…条.")
    return ledger.article(match["title"], match["number"], day)
