"""The tool of the chat that finds what an enterprise can get.

The model points at the user's own description of the enterprise; rules decide what follows from it.
The work is done by an `Adviser` that the edge hands in (`cityllm.policies.adviser`): this package
does not know policies.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

from cityllm.agent.petition_tools import HEAD, messages
from cityllm.errors import ToolProblem
from cityllm.evidence import Evidence, RuleTraceEvidence
from cityllm.messages import Language, say

if TYPE_CHECKING:
    from cityllm.agent.toolbox import Session

NAME = "match_policies"


class Adviser(Protocol):
    """What the catalogue of policies says of an enterprise."""

    def advise(self, said: Sequence[str], as_of: date,
               language: Language = "zh") -> RuleTraceEvidence:
        """What follows from what was said, the newest last. The trace comes without an id."""


def match_policies(session: Session, arguments: dict[str, Any]) -> list[Evidence]:
    """Policies of today for the enterprise that the argument points at, and that was described
    before: a year in the question (去年营收) dates a figure of the enterprise, not the rules."""
    if session.adviser is None:
        raise ToolProblem(say("no_adviser", "zh"), say("no_adviser", "en"))
    pointed = str(arguments["text"]).strip()
    *earlier, question = session.said or [pointed]
    whole = next((whole for head, whole in messages(question, earlier).items()
                  if head == pointed[:HEAD].strip()), pointed)
    trace = session.adviser.advise([*earlier, whole], session.today, session.language)
    kept = trace.model_copy(update={"id": session.next_id()})
    session.evidence.append(kept)
    return [kept]
