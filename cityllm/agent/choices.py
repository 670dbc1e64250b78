"""What the arguments of a tool may be for one question: the model points, it does not retype.

A choice is a run of the user's own sentences, or a value that the program read in them (a date, a
formula, a title). A tool whose required argument finds no value in the question cannot be called,
so it is not offered. Nothing here decides which choice is right.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cityllm.agent import petition_tools, policy_tool
from cityllm.agent.needs import in_context
from cityllm.agent.specs import ToolSpec
from cityllm.corpus.citations import titles_in

if TYPE_CHECKING:
    from cityllm.corpus.ledger import Ledger

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
    """What may be searched for: runs of the question, alone or after the question before it; one
    that goes on from that never alone."""
    own = runs(question) or [_UNSAFE.sub(" ", question).strip()[:LONGEST]]
    if not earlier:
        return own
    whole = in_context(question, earlier)
    before = _UNSAFE.sub(" ", earlier[-1]).strip()
    if whole != question:
        return [_UNSAFE.sub(" ", whole)[-2 * LONGEST:], before[:LONGEST]]
    return [*own, f"{before} {own[0]}"[:2 * LONGEST], before[:LONGEST]]


def articles(text: str) -> list[str]:
    """Article numbers as written: 第六十四条, 64条, Article 64."""
    return list(dict.fromkeys(m[0].strip() for m in _ARTICLE.finditer(text)))


def _titles(said: str, ledger: Ledger) -> list[str]:
    """Titles named in `said`: those held first, then what stands in 《》."""
    return [*titles_in(said, ledger), *re.findall(r"《([^《》]{2,60})》", said)]


def read(name: str, question: str, earlier: Sequence[str], ledger: Ledger
         ) -> dict[str, Sequence[str | float]]:
    """Argument of tool `name` -> what it may be, read in the question and those before it."""
    said, goes_on = "\n".join([*earlier, question]), in_context(question, earlier) != question
    if name in ("search_regulations", "query_city_data"):
        found: dict[str, Sequence[str | float]] = {"query": queries(question, earlier)}
        return found if name == "query_city_data" else {**found, "title": _titles(said, ledger)}
    if name == "read_article":
        return {"title": _titles(said, ledger), "article": articles(said)}
    if name == "calculate":
        from tools.formulas import formulas

        return {"expression": formulas(question) or formulas(said)}
    if name == "legal_deadline":
        from tools.calendar_cn import SPOKEN_DAYS, date_spans, yearless_spans
        from tools.deadline_acts import named
        from tools.legal_deadline import choices_in

        days = [said[start:end] for start, end in [*date_spans(said), *yearless_spans(said)]]
        return {"start": days + [word for word in SPOKEN_DAYS if word in said.lower()],
                "period": choices_in(said, named(question) if goes_on else ())}
    if name == "traffic_scenario":
        from tools.traffic_words import readings

        return dict((not goes_on and readings(question)) or readings(said))
    if name in (*petition_tools.NAMES, policy_tool.NAME):
        return {"text": list(petition_tools.messages(question, earlier))}
    return {}


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
