"""What the arguments of a tool may be for one question: the model points, it does not retype.

A choice is a run of the user's own sentences, or a value that the program read in them (a date, a
formula, a title). A tool whose required argument finds no value in the question cannot be called,
so it is not offered. Nothing here decides which choice is right.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from cityllm.agent.specs import ToolSpec

MOST_RUNS = 36
LONGEST = 200
_SEGMENT = re.compile(r"[^，。？！；,?!;\n]+(?:(?<=\d),(?=\d)[^，。？！；,?!;\n]+)*")
_UNSAFE = re.compile(r'["\\\x00-\x1f\x7f]')
_ARTICLE = re.compile(r"第?\s*[零〇一二三四五六七八九十百千\d]+\s*条(?:之[一二三四五六七八九十\d]+)?"
                      r"|\b(?:[Aa]rticle|[Aa]rt\.?)\s*\d+")


def runs(text: str) -> list[str]:
    """Runs of whole sentences of `text`, the longest first, at most `MOST_RUNS` of them.

    Sentences end at punctuation marks; text of more than `LONGEST` characters has no longer run.
    """
    pieces = [m.span() for m in _SEGMENT.finditer(text)]
    found = [_UNSAFE.sub(" ", text[pieces[i][0]:pieces[j][1]]).strip()
             for i in range(len(pieces)) for j in range(i, len(pieces))]
    fit = [run for run in dict.fromkeys(found) if len(run) > 1 and len(run) <= LONGEST]
    return sorted(fit, key=len, reverse=True)[:MOST_RUNS]


def queries(question: str, earlier: Sequence[str] = ()) -> list[str]:
    """What may be searched for: runs of the question, alone or after the question before it."""
    own = runs(question) or [_UNSAFE.sub(" ", question).strip()[:LONGEST]]
    if not earlier:
        return own
    before = _UNSAFE.sub(" ", earlier[-1]).strip()
    return [*own, f"{before} {own[0]}"[:2 * LONGEST], before[:LONGEST]]


def articles(text: str) -> list[str]:
    """Article numbers as written: 第六十四条, 64条, Article 64."""
    return list(dict.fromkeys(m[0].strip() for m in _ARTICLE.finditer(text)))


def bind(spec: ToolSpec, choices: Mapping[str, Sequence[str | float]]) -> ToolSpec | None:
    """The tool with its arguments limited to `choices`; None where a required one has none.

    Numbers and values of an `enum` become a shorter `enum`. An argument that may be left out and
    has no choice is dropped; one that is not in `choices` stays as it is.
    """
    properties = dict(spec.properties)
    for name, options in choices.items():
        if "enum" in properties[name] or properties[name]["type"] == "number":
            properties[name] = {**properties[name], "enum": list(options)}
            continue
        words = [str(option) for option in options]
        kept = [_UNSAFE.sub(" ", word) for word in dict.fromkeys(words) if word.strip()]
        if kept:
            properties[name] = {**properties[name], "format": "choice", "examples": kept}
        elif name in spec.required:
            return None
        else:
            del properties[name]
    return replace(spec, properties=properties)
