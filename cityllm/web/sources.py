"""Where a clause of a policy has its ground: a button that opens the article, or the document.

An article that the ledger holds opens beside the page, as in the chat; without script the same link
opens it on a page of its own. For what is not held the place is named, and the publisher's address
is linked where the rule file has one.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

from cityllm.errors import CorpusError
from cityllm.messages import Language
from cityllm.policies.policy import Place, Policy
from cityllm.web.texts import text

if TYPE_CHECKING:
    from cityllm.corpus.ledger import Clause, Ledger

ARTICLE = "/policies/article"


class Sources:
    """Places of policies, looked up in the ledger as it stands."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._held = lru_cache(maxsize=4096)(self._look)

    def show(self, place: Place, policy: Policy, day: date, language: Language) -> str:
        """The place as HTML."""
        title = place.title or policy.source.title
        number = (f"art. {place.article}" if language == "en" else f"第{place.article}条") \
            if place.article else ""
        words = " ".join(one for one in (f"《{title}》", number, place.at) if one)
        clause = self._held(title, place.article, day) if place.article else None
        if clause is not None:
            form = text("verbatim" if clause.verbatim else "digest", language)
            address = f"{ARTICLE}?clause={quote(clause.clause_id, safe='')}&lang={language}"
            return (f'<a class="cite" href="{escape(address)}" data-do="cite" '
                    f'title="{escape(text("open_article", language))}">{escape(words)}'
                    f'<span class="kind">{escape(form)}</span></a>')
        url = policy.source.url if not place.title else ""
        if url.startswith(("https://", "http://")):
            return (f'<a class="where" href="{escape(url)}" target="_blank" '
                    f'rel="noopener noreferrer">{escape(words)}</a>')
        return f'<span class="where">{escape(words)}</span>'

    def _look(self, title: str, article: str, day: date) -> Clause | None:
        try:
            return self.ledger.article(title, article, day)
        except CorpusError:
            return None
