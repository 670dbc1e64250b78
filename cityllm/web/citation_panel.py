"""The article beside the answer: wording, dates, level, issuer, status, source, neighbours.

Pure functions of what the ledger hands out. Where the ledger no longer holds the article, the
wording that the answer was given with is shown and said to be that.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from html import escape
from typing import TYPE_CHECKING

from cityllm.corpus.numerals import sort_key
from cityllm.errors import CorpusError
from cityllm.evidence import ClauseEvidence
from cityllm.messages import Language
from cityllm.web import terms
from cityllm.web.evidence_view import link
from cityllm.web.texts import text

if TYPE_CHECKING:
    from cityllm.corpus.ledger import Clause, Ledger


def panel(ledger: Ledger, clause_id: str, cited: ClauseEvidence | None, turn: int,
          language: Language) -> str:
    """The panel for one article; `cited` is the evidence of the answer that named it, if any."""
    try:
        clause = ledger.clause(clause_id)
        beside = ledger.neighbours(clause_id)
    except CorpusError:
        if cited is None:
            return _frame(f"<p>{escape(text('clause_missing', language))}</p>", language)
        return _frame(_as_cited(cited, ledger.status_known, language), language)
    passage = cited.passage if cited is not None and cited.clause_id == clause_id else ""
    here = sort_key(clause.article)
    before = [c for c in beside if sort_key(c.article) < here]
    after = [c for c in beside if sort_key(c.article) > here]
    body = (_head(clause.full_title or clause.title, clause.label, clause.heading, clause.path,
                  clause.verbatim, language)
            + f'<div class="wording">{wording(clause.text, passage)}</div>'
            + _note(clause.verbatim, language)
            + _facts(clause.issuer, clause.level, clause.region, clause.version, clause.effective,
                     clause.status, clause.source_url, ledger.status_known, language)
            + "".join(_neighbour(c, "before", turn, language) for c in before)
            + "".join(_neighbour(c, "after", turn, language) for c in after))
    return _frame(body, language)


def wording(source: str, passage: str = "") -> str:
    """The text in paragraphs, the passage that was found marked where it stands unbroken."""
    parts = []
    for line in source.splitlines():
        if not line.strip():
            continue
        if passage and passage in line:
            front, back = line.split(passage, 1)
            parts.append(f"<p>{escape(front)}<mark>{escape(passage)}</mark>{escape(back)}</p>")
        else:
            parts.append(f"<p>{escape(line)}</p>")
    return "".join(parts)


def _frame(body: str, language: Language) -> str:
    return (f'<section class="article" aria-label="{escape(text("panel", language))}">'
            f'<button type="button" class="close" data-do="shut">{escape(text("close", language))}'
            f"</button>{body}</section>")


def _head(title: str, label: str, heading: str, path: Sequence[str], verbatim: bool,
          language: Language) -> str:
    form = text("verbatim" if verbatim else "digest", language)
    kind = "kind" if verbatim else "kind soft"
    where = f'<p class="path">{escape(" › ".join(path))}</p>' if path else ""
    return (f'<p class="law">{escape(title)}</p>{where}'
            f'<h2 tabindex="-1">{escape(label)} {escape(heading)}'
            f'<span class="{kind}">{escape(form)}</span></h2>')


def _note(verbatim: bool, language: Language) -> str:
    name = "verbatim_note" if verbatim else "digest_note"
    return f'<p class="quiet">{escape(text(name, language))}</p>'


def _facts(issuer: str, level: str, region: str, version: date | None, effective: date | None,
           status: str, source: str, known: date | None, language: Language) -> str:
    nothing = text("unknown", language)
    state = terms.status(status, language) or nothing
    if known is not None:
        state = text("status_as_known", language, status=state, date=known)
    rows = (("status", escape(state)),
            ("level", escape(terms.level(level, language) or nothing)),
            ("issuer", escape(issuer or nothing)),
            ("region", escape(terms.region(region, language) or nothing)),
            ("version", escape(str(version or nothing))),
            ("effective", escape(str(effective or nothing))),
            ("source", link(source) if source else escape(nothing)))
    body = "".join(f"<div><dt>{escape(text(name, language))}</dt><dd>{value}</dd></div>"
                   for name, value in rows)
    return f'<dl class="facts">{body}</dl>'


def _neighbour(clause: Clause, where: str, turn: int, language: Language) -> str:
    name = where if clause.verbatim else f"{where}_held"
    head = f"{text(name, language)} · {clause.label} {clause.heading}".rstrip()
    return (f'<details class="neighbour" open><summary>{escape(head)}</summary>'
            f'<div class="wording">{wording(clause.text)}</div>'
            f'<button type="button" class="act" data-do="cite" data-turn="{turn}" '
            f'data-clause="{escape(clause.clause_id)}">{escape(text("open", language))}</button>'
            "</details>")


def _as_cited(cited: ClauseEvidence, known: date | None, language: Language) -> str:
    return (f'<p class="problem">{escape(text("clause_gone", language))}</p>'
            + _head(cited.title, cited.article_label, cited.heading, (), cited.verbatim, language)
            + f'<div class="wording">{wording(cited.text, cited.passage)}</div>'
            + _facts(cited.issuer, cited.level, cited.region, cited.version, cited.effective,
                     cited.status, cited.source_url, known, language))
