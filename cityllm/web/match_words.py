"""A match with a policy in a few sentences, for the pages, the API and the command line."""

from __future__ import annotations

from cityllm.agent.wording import Narrator, Wording
from cityllm.messages import Language
from cityllm.policies.explain import Words
from cityllm.policies.match_trace import match_trace
from cityllm.policies.service import Match, PolicyService


def in_words(narrator: Narrator, service: PolicyService, match: Match,
             language: Language) -> Wording:
    """The verdict of the rules, then `narrator`'s sentences or the rules'. Raises ModelUnavailable
    and ModelTimeout."""
    words = Words(service, language)
    return narrator.tell(match_trace(service, match, language), words.headline(match),
                         words.plain(match), language)
