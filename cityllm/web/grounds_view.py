"""Why each label is proposed, as HTML: words marked in the message, and listed with their sums.

Pure functions of a record; everything that a petitioner wrote is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from cityllm.messages import Language
from cityllm.web import petition_terms as terms
from cityllm.web.texts import text

_MASKED = re.compile(r"(〔[^〕]{1,40}〕)")
_HEADS = {"category": "category", "department": "department", "kind": "kind",
          "jurisdiction": "procedure", "risk": "risks"}
_BY = {"words": "by_words", "place": "by_place", "category": "by_category",
       "self_harm": "by_self_harm", "office": "by_office", "model": "by_model"}
USUAL = "complaint"
"""The kind that is given where nothing speaks for another: its words are listed, and not marked."""
Marks = Mapping[str, tuple[bool, str]]
"""Words of a message -> whether they speak for what is proposed, and what is told of them."""


def marks(told: Mapping[str, Any], language: Language) -> Marks:
    """What is marked in a record's words. A record of an older run knows the words alone."""
    found: dict[str, tuple[float, list[str]]] = {}
    for one in told.get("grounds") or ():
        if one["by"] not in ("classifier", "words") or (one["of"], one["label"]) == ("kind", USUAL):
            continue
        head = _label(one, told, language)
        for word, share in one["words"]:
            said = text("ground_rule" if one["by"] == "words" else "ground_share", language,
                        label=head, share=_number(share))
            most, all_said = found.setdefault(word, (0.0, []))
            strongest = share if abs(share) > abs(most) else most
            found[word] = (strongest, [*all_said, said])
    if not found:
        return {word: (True, "") for word in told["reasons"] if word}
    return {word: (most >= 0, "；".join(said) if language == "zh" else "; ".join(said))
            for word, (most, said) in found.items()}


def marked(line: str, words: Marks) -> str:
    """A line of a petition as HTML: the words that decided marked, what is masked set apart."""
    order = sorted((one for one in words if one), key=len, reverse=True)
    pattern = re.compile("|".join([*map(re.escape, order), _MASKED.pattern]))
    parts, at = [], 0
    for found in pattern.finditer(line):
        word, hidden = escape(found[0]), _MASKED.fullmatch(found[0])
        parts += [escape(line[at:found.start()]),
                  f"<i>{word}</i>" if hidden else _mark(word, *words[found[0]])]
        at = found.end()
    return "".join([*parts, escape(line[at:])])


def listed(told: Mapping[str, Any], language: Language) -> str:
    """Each label with the words that decided it, their sums, and what else counted."""
    if not told.get("grounds"):
        seen = f"{told['title']}\n{told['text']}"
        return "".join(f"{_mark(escape(one), True, '')} " for one in told["reasons"] if one in seen)
    return '<ul class="grounds">' + "".join(
        f"<li><b>{escape(_label(one, told, language))}</b> {_ground(one, told, language)}</li>"
        for one in told["grounds"]) + "</ul>"


def _mark(word: str, speaks_for: bool, title: str) -> str:
    kind = "" if speaks_for else ' class="against"'
    tip = f' title="{escape(title)}"' if title else ""
    return f"<mark{kind}{tip}>{word}</mark>"


def _label(one: Mapping[str, Any], told: Mapping[str, Any], language: Language) -> str:
    """`类别：城市公共设施`; of a category the last name."""
    name = _name(one["label"], told, language)
    return text("ground_of", language, of=text(_HEADS[one["of"]], language), label=name)


def _name(label: str, told: Mapping[str, Any], language: Language) -> str:
    path: str = told.get("names", {}).get(label, "")
    return path.split(" / ")[-1] if path else terms.name(label, language)


def _rival(one: Mapping[str, Any], told: Mapping[str, Any], language: Language) -> str:
    """The next best label: the whole path of a category whose last name is the same."""
    name = _name(one["against"], told, language)
    path: str = told.get("names", {}).get(one["against"], name)
    return path if name == _name(one["label"], told, language) else name


def _ground(one: Mapping[str, Any], told: Mapping[str, Any], language: Language) -> str:
    if one["by"] != "classifier":
        words = " ".join(_mark(escape(word), True, "") for word, _ in one["words"])
        against = _rival(one, told, language)
        said = escape(text(_BY[one["by"]], language, against=against))
        return f'<span class="quiet">{said}</span> {words}'
    words = " ".join(_mark(f"{escape(word)} <span>{_number(share)}</span>", share >= 0, "")
                     for word, share in one["words"])
    ahead = text("ground_ahead" if one["against"] else "ground_over", language,
                 score=f"{one['score']:.2f}", against=_rival(one, told, language))
    rest = text("ground_rest", language, rest=_number(one["rest"]), bias=_number(one["bias"]))
    return (f'<span class="quiet">{escape(ahead)}</span> {words} '
            f'<span class="quiet rest">{escape(rest)}</span>')


def _number(share: float) -> str:
    """With a sign; a true minus, so that it is not parted from its digits."""
    return f"{share:+.2f}".replace("-", "−")
