"""Articles and laws that a question itself names: are they there? Checked after every answer.

A question about an article that does not exist, or whose wording on the fact date is not held, is
answered by saying so, whatever the model wrote. So is one about a law of which no wording of that
date is held; one that has since been replaced is answered with a word about its end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from cityllm.agent.numerals import articles
from cityllm.errors import ArticleNotFound, CityLLMError, InstrumentNotFound, NotHeld
from cityllm.messages import Language

if TYPE_CHECKING:
    from cityllm.corpus.ledger import Ledger


_LAW = re.compile(r"《([^《》]{2,40}(?:法|条例|规定|办法|细则|规则|决定|准则))》")


@dataclass
class Premises:
    """What is wrong with the articles a question names; `some_hold` where others are there."""

    problems: list[CityLLMError] = field(default_factory=list)
    some_hold: bool = False

    @property
    def refused(self) -> str:
        """The verdict that the first problem amounts to, "" without problems."""
        if not self.problems:
            return ""
        verdicts = {NotHeld: "not_held", InstrumentNotFound: "not_found"}
        return next((verdict for kind, verdict in verdicts.items()
                     if isinstance(self.problems[0], kind)), "no_such_article")

    def sentence(self, language: Language) -> str:
        """All problems in words."""
        return "".join(p.zh if language == "zh" else p.en + " " for p in self.problems).strip()


def named(question: str, ledger: Ledger) -> list[tuple[str, str]]:
    """(title, article) pairs of the question: an article belongs to the title named before it,
    or to the only title of the question. 第X条 without a title names nothing."""
    titles = ledger.mentioned(question)
    places = sorted((question.find(_spelled(title, question)), title) for title in titles)
    found = []
    for article in articles(question):
        before = [title for at, title in places if 0 <= at < article.start]
        title = before[-1] if before else (titles[0] if len(titles) == 1 else None)
        if title is not None:
            found.append((title, article.key))
    return found


def _spelled(title: str, question: str) -> str:
    """How the title stands in the question: whole, or its longest tail that does (规划法)."""
    for start in range(len(title)):
        if title[start:] in question and len(title) - start >= 2:
            return title[start:]
    return title


def check(question: str, ledger: Ledger, as_of: date) -> Premises:
    """Look up every article that the question names."""
    result = Premises()
    for title, article in named(question, ledger):
        try:
            ledger.article(title, article, as_of)
            result.some_hold = True
        except (ArticleNotFound, NotHeld) as problem:
            result.problems.append(problem)
        except InstrumentNotFound:
            continue
    if not result.problems and not result.some_hold:
        for title in ledger.mentioned(question):
            if any(one.in_force(as_of) for one in ledger.versions(title)):
                result.some_hold = True
                continue
            try:
                ledger.article(title, "1", as_of)
            except NotHeld as problem:
                result.problems.append(problem)
                ended = any(one.ends and one.ends <= as_of for one in ledger.versions(title))
                result.some_hold = result.some_hold or ended
            except (ArticleNotFound, InstrumentNotFound):
                continue
    if not result.problems and not ledger.mentioned(question):
        for name in _LAW.findall(question):
            try:
                ledger.article(name, "1", as_of)
            except CityLLMError as problem:
                result.problems.append(problem)
    return result
