"""What an answer stands on, as HTML: runs with their figures and maps, data rows, rules, articles.

Pure functions of the evidence and the language. Pictures are named by address, never by path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from cityllm.evidence import (
    Answer,
    ClauseEvidence,
    DataRowEvidence,
    Evidence,
    RuleTraceEvidence,
    ToolRunEvidence,
    Value,
)
from cityllm.messages import MESSAGES, Language, say
from cityllm.web import terms
from cityllm.web.markdown import citation_button
from cityllm.web.texts import label, text

ROWS = 30
"""Rows of a table that are shown; the export has them all."""
_INLINE = re.compile(r"data:image/png;base64,[A-Za-z0-9+/=]+")


def tool_name(tool: str, language: Language) -> str:
    """The tool's name for a reader; its own name where the table has none."""
    return say(tool, language) if tool in MESSAGES else tool


def link(address: str) -> str:
    """The address as a link if it is one of the web, otherwise as text."""
    if re.match(r"https?://[^\s]+$", address):
        safe = escape(address)
        return f'<a href="{safe}" target="_blank" rel="noopener noreferrer">{safe}</a>'
    return escape(address)


def pairs(values: Mapping[str, Any], language: Language) -> str:
    """Inputs as a definition list."""
    if not values:
        return f'<p class="quiet">{escape(text("no_inputs", language))}</p>'
    rows = "".join(f"<div><dt>{escape(label('in', k, language))}</dt>"
                   f"<dd>{escape(label('value', v, language))}</dd></div>"
                   for k, v in values.items())
    return f'<dl class="pairs">{rows}</dl>'


def figures(values: Mapping[str, Value], language: Language) -> str:
    """Named figures with their units as a table."""
    if not values:
        return ""
    rows = "".join(
        f"<tr><th>{escape((v.label_zh if language == 'zh' else v.label_en) or name)}</th>"
        f"<td>{escape(v.shown())}</td></tr>" for name, v in values.items())
    return f'<div class="scroll"><table class="figures"><tbody>{rows}</tbody></table></div>'


def maps(answer: Answer, turn: int, language: Language) -> str:
    """Every picture of every run, with what was put in."""
    parts = []
    for piece in answer.evidence:
        if not isinstance(piece, ToolRunEvidence):
            continue
        for n, image in enumerate(piece.images):
            address = image if _INLINE.fullmatch(image) else f"/pictures/{turn}/{piece.id}/{n}"
            name = escape(text("map", language, tool=tool_name(piece.tool, language)))
            inputs = " · ".join(f"{label('in', k, language)} {label('value', v, language)}"
                                for k, v in piece.inputs.items())
            seed = (f" · {text('seed', language)} {piece.seed}" if piece.seed is not None else "")
            parts.append(
                f'<figure class="map"><a href="{escape(address)}" target="_blank" rel="noopener">'
                f'<img src="{escape(address)}" alt="{name}" loading="lazy"></a>'
                f"<figcaption>{name} · {escape(inputs + seed)} · "
                f"{escape(text('picture_big', language))}</figcaption></figure>")
    return "".join(parts)


def evidence_list(answer: Answer, turn: int, language: Language) -> str:
    """All evidence behind one fold; empty where there is none."""
    if not answer.evidence:
        return ""
    head = escape(text("evidence", language, n=len(answer.evidence)))
    items = "".join(f'<li id="evidence-{turn}-{escape(piece.id)}">'
                    f'<span class="id">{escape(piece.id)}</span>'
                    f"<div>{_piece(piece, turn, language)}</div></li>" for piece in answer.evidence)
    return (f'<details class="fold"><summary>{head}</summary>'
            f'<ul class="evidence">{items}</ul></details>')


def _piece(piece: Evidence, turn: int, language: Language) -> str:
    if isinstance(piece, ClauseEvidence):
        words = f"《{piece.title}》{piece.article_label}"
        return (f"{citation_button(piece, turn, words, language)} "
                f'<span class="quiet">{escape(piece.heading)} '
                f'{escape(terms.status(piece.status, language))}</span>')
    if isinstance(piece, ToolRunEvidence):
        name = text("run_of", language, tool=tool_name(piece.tool, language))
        seed = {} if piece.seed is None else {text("seed", language): piece.seed}
        return (f"<strong>{escape(name)}</strong>{pairs({**piece.inputs, **seed}, language)}"
                f'{figures(piece.values, language)}<p class="quiet">{escape(piece.summary)}</p>')
    if isinstance(piece, DataRowEvidence):
        return (f"<strong>{escape(text('table', language))}：{escape(piece.table)}</strong>"
                f"{_table(piece.columns, piece.rows)}"
                f"{_named('sources', (link(s) for s in piece.sources), language)}"
                f"{_named('query', [f'<code>{escape(piece.query)}</code>'], language)}")
    assert isinstance(piece, RuleTraceEvidence)
    steps = "".join(f"<li>{escape(step)}</li>" for step in piece.steps)
    return (f"<strong>{escape(text('rule', language))}：{escape(piece.rule)}</strong>"
            f"<ol>{steps}</ol>{figures(piece.values, language)}")


def _table(columns: list[str], rows: list[list[Any]]) -> str:
    head = "".join(f"<th>{escape(c)}</th>" for c in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(v))}</td>" for v in row) + "</tr>"
                   for row in rows[:ROWS])
    more = f'<p class="quiet">… {len(rows)}</p>' if len(rows) > ROWS else ""
    return (f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>{more}")


def _named(name: str, parts: Iterable[str], language: Language) -> str:
    lines = "".join(f"<li>{part}</li>" for part in parts)
    return f'<div class="named"><span>{escape(text(name, language))}</span><ul>{lines}</ul></div>'
