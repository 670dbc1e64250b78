"""The clerk's tools of the chat: triage of a message, similar past cases, a reply draft.

The model points at the message by its beginning; the program finds the whole of it in what the
user said. The work is done by a `Desk` that the edge hands in (`cityllm.petitions.desk`): this
package does not know petitions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

from cityllm.errors import ToolProblem
from cityllm.evidence import ClauseEvidence, Evidence, ToolRunEvidence
from cityllm.messages import Language

if TYPE_CHECKING:
    from cityllm.agent.toolbox import Session

CASES = "similar_petitions"
"""The one that shows what others have written: for those alone who may read petitions."""
NAMES = ("triage_petition", CASES, "draft_reply")
HEAD = 24
"""Characters by which a message is pointed at."""
SHORTEST = 6
_PARTS = re.compile(r"[：:\n]|(?<=[？?])")
_QUOTED = re.compile(r"[“「『\"]([^“”「」『』\"]{6,})[”」』\"]")
_UNSAFE = re.compile(r'["\\\x00-\x1f\x7f]')


class Desk(Protocol):
    """What the office knows of a message. A run comes without an id; None: nothing was found."""

    def triage(self, text: str, language: Language = "zh") -> ToolRunEvidence:
        """Labels, department, periods."""

    def similar(self, text: str, language: Language = "zh") -> ToolRunEvidence | None:
        """Past cases. Raises ToolProblem where there are none to compare with."""

    def matter(self, text: str) -> str:
        """The message in one masked sentence. Raises ToolProblem where no draft may be written."""

    def draft(self, text: str, found: Sequence[ClauseEvidence], as_of: date,
              status_known: date | None = None) -> ToolRunEvidence:
        """A letter that quotes articles."""


def messages(question: str, earlier: Sequence[str] = ()) -> dict[str, str]:
    """Beginning -> message: what the user may mean by this message, the likeliest first.

    What stands in quotation marks, each part after a colon, a question mark or a line break, and
    all of it; then the same of the questions before, the newest first.
    """
    found: dict[str, str] = {}
    for said in (question, *reversed(earlier)):
        whole = said.strip()
        parts = [match[1] for match in _QUOTED.finditer(whole)]
        parts += [whole[cut.end():] for cut in _PARTS.finditer(whole)]
        for part in (*parts, whole):
            flat = " ".join(_UNSAFE.sub(" ", part).split()).strip("。，,；; ")
            if len(flat) >= SHORTEST:
                found.setdefault(flat[:HEAD].strip(), part.strip())
    return found


def triage_petition(session: Session, arguments: dict[str, Any]) -> list[Evidence]:
    """Where the message belongs."""
    return _found(session, session.clerks.triage(_message(session, arguments), session.language))


def similar_petitions(session: Session, arguments: dict[str, Any]) -> list[Evidence]:
    """How such messages were dealt with before."""
    return _found(session, session.clerks.similar(_message(session, arguments), session.language))


def draft_reply(session: Session, arguments: dict[str, Any]) -> list[Evidence]:
    """A letter that quotes the near ones of the articles that search finds for the matter. They
    are evidence too, but the model is shown the letter alone: it is the letter that was asked for.
    """
    message = _message(session, arguments)
    hits = session.search.search(session.clerks.matter(message), session.as_of, 2)
    clauses = [session.clause(hit.clause, hit.passage, hit.score) for hit in hits]
    return _found(session, session.clerks.draft(
        message, clauses, session.as_of, session.ledger.status_known))


def _message(session: Session, arguments: dict[str, Any]) -> str:
    """The whole message that the argument points at, or the argument where it is a message."""
    pointed = str(arguments["text"]).strip()
    *earlier, question = session.said or [""]
    for head, whole in messages(question, earlier).items():
        if head.startswith(pointed[:HEAD].strip()):
            return whole
    if len(pointed) < SHORTEST:
        raise ToolProblem(f"“{pointed}”太短，不像一件来信。请把来信的内容贴上来。",
                          f"'{pointed}' is too short to be a message. Paste what it says.")
    return pointed


def _found(session: Session, run: ToolRunEvidence | None) -> list[Evidence]:
    if run is None:
        return []
    kept = run.model_copy(update={"id": session.next_id()})
    session.evidence.append(kept)
    return [kept]
