"""A model's words -> what the user reads: references resolved, the rest verified, or a refusal.

The model's sentences stand only where every claim in them that can be checked is borne out
(`verify`). What is left is put together with what the program writes itself: links for `[E1]`,
figures for `{E2.name}`, each cited article as a quote with title, label, version and whether it is
the full text or a digest, and the summary of each tool run that was used.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from cityllm.agent.references import SIGNS, Reference, Sentence, known, sentences
from cityllm.agent.verify import Facts, problems
from cityllm.evidence import (
    ClauseEvidence,
    DataRowEvidence,
    Evidence,
    RuleTraceEvidence,
    ToolRunEvidence,
)
from cityllm.messages import Language, say

CITED = 3
ROWS = 4
LISTED = 12
QUOTE = 600
_VERDICT = re.compile(r"\[(off_topic|not_found|no_such_article|not_held)\]")
_THINKING = re.compile(r"<think>.*?(?:</think>|$)|<tool_call>.*?(?:</tool_call>|$)|<\|[^|>]*\|>",
                       re.DOTALL)
_LIST = re.compile(r"哪些|哪几|列出|列举|清单|所有|全部|分别|一览|各条|几条|汇总|盘点|\blist\b|\ball (?:the |of )?|\bwhich"
                   r" (?:articles|laws)"
                   r"|\beach\b|\benumerate", re.IGNORECASE)


@dataclass
class Grounded:
    """`text` without refusal sentences; `verdict` is the model's own mark or `unsupported`."""

    text: str = ""
    citations: list[ClauseEvidence] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    verdict: str = ""


def wants_list(question: str) -> bool:
    """Whether more than three articles may be cited."""
    return bool(_LIST.search(question))


def ground(raw: str, facts: Facts, question: str, language: Language) -> Grounded:
    """Resolve and verify `raw`; `verdict` is set where there is nothing to show."""
    text = _THINKING.sub("", raw).strip()
    result = Grounded()
    mark = _VERDICT.search(text)
    text = _VERDICT.sub("", text)
    kept, dropped = _sift(sentences(text), facts, result.removed)
    used = [r for one in kept for r in one.references]
    if mark and not any(r.name or isinstance(facts.evidence[r.id], ClauseEvidence) for r in used):
        result.verdict = mark[1]
        result.removed = result.removed if re.search(r"\w", text) else []
        return result
    retold = bool(used)
    if not used:
        used = [r for one in dropped for r in one.references if known(r, facts.evidence)]
        kept = []
    if not used:
        result.verdict = "unsupported"
        return result
    limit = LISTED if wants_list(question) else CITED
    cited = list(dict.fromkeys(r.id for r in used))
    clauses = facts.clauses(cited)[:limit]
    shown = {clause.id for clause in clauses}
    body = _body(kept, facts, shown, language)
    parts = [body] if retold and body else [say("retelling_removed", language)]
    quoted = {r.id for one in kept for r in one.references if r.name == "text"}
    parts += [quote(clause, language) for clause in clauses if clause.id not in quoted]
    parts += [_run(facts.evidence[one], used, language) for one in cited]
    result.text = "\n\n".join(part for part in parts if part)
    result.citations = clauses
    return result


def retell(raw: str, facts: Facts, language: Language, removed: list[str]) -> str:
    """The sentences of `raw` that name evidence and are borne out, resolved, with neither quotes
    nor runs beside them. The others go to `removed`, each with the reason."""
    kept, _ = _sift(sentences(_THINKING.sub("", raw)), facts, removed)
    return _body([one for one in kept if one.references], facts, set(), language)


def _sift(found: Sequence[Sentence], facts: Facts, removed: list[str],
          ) -> tuple[list[Sentence], list[Sentence]]:
    """Sentences that may stand, and those that may not; the reasons go to `removed`."""
    kept: list[Sentence] = []
    dropped: list[Sentence] = []
    cited = list(dict.fromkeys(
        r.id for one in found for r in one.references if known(r, facts.evidence)))
    for one in found:
        reasons = [f"未检索到的引用 {r.raw}" for r in one.references if not known(r, facts.evidence)]
        reasons += problems(one, facts, cited)
        if reasons:
            dropped.append(one)
            removed.append(f"{one.raw}（{'；'.join(dict.fromkeys(reasons))}）")
        else:
            kept.append(one)
    return kept, dropped


def _body(kept: Sequence[Sentence], facts: Facts, shown: set[str], language: Language) -> str:
    """The sentences with their references resolved, quotes set off as paragraphs of their own."""
    text = ""
    for one in kept:
        quotes: list[str] = []

        def put(match: re.Match[str], one: Sentence = one, quotes: list[str] = quotes) -> str:
            number = ord(match[0]) - 0xE000
            return _put(one.references[number], facts, shown, language, quotes) \
                if number < len(one.references) else ""

        words = SIGNS.sub(put, _without_names(one, facts, shown))
        text += words if not quotes else words.rstrip(" ：:，,") + "：\n\n" + "\n\n".join(quotes)
        text += "\n\n" if quotes else "\n" if one.ends_line else (
            " " if language == "en" else "")
    text = re.sub(r"(?m)^[：:，,、。；;. ]+(?=\S)|^[：:，,、。；;. ]+$", "", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _put(reference: Reference, facts: Facts, shown: set[str], language: Language,
         quotes: list[str]) -> str:
    piece = facts.evidence[reference.id]
    if isinstance(piece, ClauseEvidence):
        if piece.id not in shown:
            return ""
        if reference.name == "text":
            quotes.append(quote(piece, language))
            return ""
        return f"[{name(piece, language)}](#{piece.id})"
    if reference.name:
        return piece.values[reference.name].shown()
    return f"[{say('run', language)}](#{piece.id})"


def _without_names(one: Sentence, facts: Facts, shown: set[str]) -> str:
    """The words without a title or label that stands directly before its own reference, and
    without a unit that stands directly after a figure (the program writes both)."""
    words = one.words
    for number, reference in enumerate(one.references):
        piece = facts.evidence[reference.id]
        sign = chr(0xE000 + number)
        if isinstance(piece, ClauseEvidence) and not reference.name:
            words = re.sub(rf"(?:《?(?:中华人民共和国)?{re.escape(piece.title)}》?)?\s*"
                           rf"(?:{re.escape(piece.article_label)}|第{re.escape(piece.article)}条)?"
                           rf"\s*{sign}",
                           sign, words)
            words = re.sub(rf"(?<=[A-Za-z,;]){sign}", f" {sign}", words)
        elif reference.name in piece.values and piece.values[reference.name].unit:
            from cityllm.agent.units import read_unit

            at = words.find(sign) + 1
            unit = read_unit(words, at)
            percent = re.match(r"\s*[%％]", words[at:])
            if unit.known and unit.name:
                words = words[:at] + words[unit.end:]
            elif percent:
                words = words[:at] + words[at + percent.end():]
    return words


def name(clause: ClauseEvidence, language: Language) -> str:
    """How an article is named in running text."""
    label = f"Article {clause.article}" if language == "en" else clause.article_label
    return f"《{clause.title}》{' ' if language == 'en' else ''}{label}"


def quote(clause: ClauseEvidence, language: Language) -> str:
    """The article as a block quote; a long one from the place that answers, at whole lines."""
    version = (say("version", language, date=clause.version) if clause.version
               else say("version_unknown", language))
    form = say("verbatim" if clause.verbatim else "digest", language)
    label = f"Article {clause.article}" if language == "en" else clause.article_label
    head = say("quote_head", language, title=clause.title, label=label, version=version, form=form)
    lines, cut = _excerpt(clause)
    shown = [f"**{head}**", *lines, *([say("quote_cut", language)] if cut else [])]
    return "\n>\n".join(f"> {line}" for line in shown)


def _excerpt(clause: ClauseEvidence) -> tuple[list[str], bool]:
    lines = [line.strip() for line in clause.text.split("\n") if line.strip()]
    if len(clause.text) <= QUOTE:
        return lines, False
    start = clause.passage.strip("…")[:12]
    first = next((i for i, line in enumerate(lines) if start and start in line), 0)
    size, last = 0, first
    while last < len(lines) and (size == 0 or size + len(lines[last]) <= QUOTE):
        size += len(lines[last])
        last += 1
    return lines[first:last], last - first < len(lines)


def _run(piece: Evidence, used: Sequence[Reference], language: Language) -> str:
    """What the program says of a tool run, a rule trace or rows of data that the answer uses: the
    first `ROWS` figures of a table stand beside the one that was used, before beside after."""
    if isinstance(piece, ToolRunEvidence):
        colon = "：" if language == "zh" else ": "
        told = piece.summary.replace("\n", "\n>\n> ")
        return f"> **{say(piece.tool, language)}**{colon}{told}"
    if isinstance(piece, RuleTraceEvidence):
        return "\n".join([f"> **{say(piece.rule, language)}**", ">",
                          *(f">     - {step.strip()}" if step.startswith(" ") else f"> - {step}"
                            for step in piece.steps)])
    if not isinstance(piece, DataRowEvidence):
        return ""
    names = {*(r.name for r in used if r.id == piece.id), *list(piece.values)[:ROWS]}
    lines = []
    for number, (key, value) in enumerate(piece.values.items()):
        if key in names:
            label = value.label_zh if language == "zh" else value.label_en
            source = piece.sources[min(number, len(piece.sources) - 1)] if piece.sources else ""
            lines.append(say("data_line", language, label=label, figure=value.shown(),
                             source=source))
    return "\n>\n".join(f"> {line}" for line in lines)
