"""What parts of a question ask for: two needs in one breath, or a clerk's demand beside a message.

The tool retriever reads each part of the question by itself. Two needs are the law, and a sum or a
simulation. Only where one part plainly asks for
the law and another for something else are two calls demanded, and the law is searched for in its
own part's words. Which arguments the calls get stays the model's choice. A deadline is no second
need: its result names the article that it counts by.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from cityllm.agent.retriever import ToolRetriever

LAW = "search_regulations"
BESIDE_LAW = ("traffic_scenario", "calculate")
CLERK = {"triage_petition": 0.75, "similar_petitions": 0.75, "draft_reply": 0.95}
"""Tools that a few words beside a pasted message ask for, and how sure the retriever must be of
those words. A letter that nobody asked for leaves a question unanswered, so it takes more."""
SURE = 0.7
"""From this probability on a part of the question asks for its tool."""
SHORTEST, DEMAND = 6, 4
"""A part of fewer characters says too little; a demand may be shorter."""
SHORT = 24
"""Characters up to which a question may be one that goes on from the one before it."""
_GOES_ON = re.compile(r"那|这[个些项样]?|它|其|还[有要需]|再|另外|具体|如果|换成|what about|how about"
                      r"|and\b|then\b|that\b|it\b", re.IGNORECASE)
_BREAK = re.compile(r"[。；;？！?!\n]+|[，,、：:](?!\d)")


def parts(question: str, shortest: int = SHORTEST) -> list[str]:
    """What stands between punctuation marks, where it is long enough to say something."""
    return [part.strip() for part in _BREAK.split(question) if len(part.strip()) >= shortest]


def in_context(question: str, earlier: Sequence[str]) -> str:
    """The question as a tool is looked for: a short one that goes on from the one before it
    (那需要哪些材料？) together with that, any other as it is."""
    if not earlier or len(question) > SHORT or not _GOES_ON.match(question):
        return question
    return f"{in_context(earlier[-1], earlier[:-1])} {question}"


def demanded(question: str, retriever: ToolRetriever, possible: Collection[str]) -> str:
    """The clerk's tool that a part of a longer question plainly asks for (该派给哪家？), "" for none.

    Most words of such a question are the message's own and would be taken for a question of law.
    """
    surest: dict[str, float] = {}
    pieces = parts(question, DEMAND)
    for part in pieces if len(pieces) > 1 else ():
        chances = retriever.probabilities(part)
        for tool in CLERK:
            surest[tool] = max(surest.get(tool, 0.0), chances.get(tool, 0.0))
    plain = [tool for tool in CLERK if tool in possible and surest.get(tool, 0.0) >= CLERK[tool]]
    return max(plain, key=lambda tool: surest[tool]) if plain else ""


def two_needs(question: str, retriever: ToolRetriever, possible: Collection[str]
              ) -> dict[str, str]:
    """Tool -> the words that ask for it, the law first; empty where there are not two needs.

    Only tools in `possible` count. Words that ask for neither go with the law, which needs them to
    be understood.
    """
    asks: dict[str, float] = {}
    said: dict[str, list[str]] = {LAW: []}
    for part in parts(question):
        chances = retriever.probabilities(part)
        tool = max(chances, key=lambda name: chances[name])
        asks[tool] = max(asks.get(tool, 0.0), chances[tool])
        beside = tool in BESIDE_LAW and chances[tool] >= SURE
        said.setdefault(tool if beside else LAW, []).append(part)
    sure = [name for name in BESIDE_LAW if name in possible and asks.get(name, 0.0) >= SURE]
    if LAW not in possible or asks.get(LAW, 0.0) < SURE or not sure:
        return {}
    other = max(sure, key=lambda name: asks[name])
    return {LAW: "，".join(said[LAW]), other: "，".join(said[other])}
