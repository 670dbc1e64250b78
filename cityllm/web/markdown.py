"""An answer's Markdown as safe HTML: nothing in it but text, lists, tables, quotes and references.

HTML in the text is escaped; pictures and addresses of the text are not made (an address that a
model or a law wrote is no link of ours). `[《城乡规划法》第六十四条](#E1)` becomes a button that opens that
article; a link to a run shows its evidence; every other link is left as its words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Protocol

from cityllm.evidence import ClauseEvidence, Evidence
from cityllm.messages import Language
from cityllm.web.texts import text

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_REFERENCE = re.compile(r"#(E\d{1,4})")


class Citable(Protocol):
    """A clause, of the ledger or of an answer."""

    @property
    def clause_id(self) -> str:
        """TITLE@VERSION#ARTICLE."""

    @property
    def verbatim(self) -> bool:
        """False for a digest."""


def citation_button(clause: Citable, turn: int, words: str, language: Language) -> str:
    """A button that opens `clause` beside the answer; `words` is what stands on it."""
    return _opening(clause, turn, language) + escape(words) + _closing(clause, language)


def render(source: str, evidence: Sequence[Evidence] = (), turn: int = 0,
           language: Language = "zh") -> str:
    """`source` (Markdown) as HTML; references are live where `evidence` holds them."""
    markdown = _markdown()
    env: dict[str, object] = {}
    tokens = markdown.parse(source, env)
    known = {piece.id: piece for piece in evidence}
    for token in tokens:
        if token.type == "inline" and token.children:
            token.children = list(_referred(token.children, known, turn, language))
    return str(markdown.renderer.render(tokens, markdown.options, env))


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    rules = MarkdownIt("commonmark", {"html": False, "breaks": True, "linkify": False})
    return rules.enable("table").disable(
        ["html_block", "html_inline", "image", "autolink", "reference", "code", "lheading"])


def _referred(tokens: Sequence[Token], known: dict[str, Evidence], turn: int,
              language: Language) -> Iterator[Token]:
    """The tokens with links turned into buttons, or into nothing but their words."""
    from markdown_it.token import Token

    closing = ""
    for token in tokens:
        if token.type == "link_open":
            match = _REFERENCE.fullmatch(str(token.attrGet("href")))
            piece = known.get(match[1]) if match else None
            if isinstance(piece, ClauseEvidence):
                opening, closing = _opening(piece, turn, language), _closing(piece, language)
            elif piece is not None:
                opening = (f'<button type="button" class="cite" data-do="reveal" '
                           f'data-target="evidence-{turn}-{escape(piece.id)}">')
                closing = "</button>"
            else:
                opening = closing = ""
            yield Token("html_inline", "", 0, content=opening)
        elif token.type == "link_close":
            yield Token("html_inline", "", 0, content=closing)
        else:
            yield token


def _opening(clause: Citable, turn: int, language: Language) -> str:
    return (f'<button type="button" class="cite" data-do="cite" data-turn="{turn}" '
            f'data-clause="{escape(clause.clause_id)}" title="{escape(text("open", language))}">')


def _closing(clause: Citable, language: Language) -> str:
    form = text("verbatim" if clause.verbatim else "digest", language)
    return f'<span class="kind">{escape(form)}</span></button>'
