"""Honest fakes: a queue of replies in, a history out; a search over a ledger without an index."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from pydantic import Field

from cityllm.corpus.ledger import Clause, Ledger


class QueueModel(BaseChatModel):
    """Says its replies in order; an exception in the queue is raised. `heard` keeps what it got."""

    replies: list[Any]
    heard: list[list[BaseMessage]] = Field(default_factory=list)
    offered: list[list[str]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "queue"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        self.offered.append([tool["function"]["name"] if isinstance(tool, dict) else tool.name
                             for tool in tools])
        return self

    def _generate(self, messages: list[BaseMessage], stop: list[str] | None = None,
                  run_manager: Any = None, **kwargs: Any) -> ChatResult:
        self.heard.append(list(messages))
        assert self.replies, "the model was asked more often than the test expects"
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        if callable(reply):
            reply = reply(messages)
        message = reply if isinstance(reply, AIMessage) else AIMessage(str(reply))
        return ChatResult(generations=[ChatGeneration(message=message)])


def calls(*wanted: tuple[str, dict[str, Any]]) -> AIMessage:
    """A message that calls tools."""
    return AIMessage("", tool_calls=[
        {"name": name, "args": arguments, "id": f"call_{number}", "type": "tool_call"}
        for number, (name, arguments) in enumerate(wanted)])


@dataclass(frozen=True)
class FakeHit:
    """What a search finds."""

    clause: Clause
    score: float
    passage: str
    why: str = "fake"


class PairSearch:
    """Articles in force by shared pairs of characters; slow, exact, no files."""

    def __init__(self, ledger: Ledger, watch: Callable[[str], None] | None = None) -> None:
        self.ledger = ledger
        self.watch = watch

    def search(self, query: str, as_of: date, limit: int = 8, *, title: str | None = None,
               region: str | None = None, kinds: Sequence[str] | None = None) -> list[FakeHit]:
        if self.watch:
            self.watch(query)
        wanted = _pairs(query)
        rows = self.ledger.clauses(
            [int(i) for i in np.flatnonzero(self.ledger.in_force(as_of, region, kinds))])
        scored = [(len(wanted & _pairs(row.title + row.text)) / (len(wanted) or 1), row)
                  for row in rows if title in (None, row.title)]
        best = sorted(scored, key=lambda pair: (-pair[0], pair[1].rowid))[:limit]
        return [FakeHit(row, score, row.text[:120]) for score, row in best if score > 0.1]


def _pairs(text: str) -> set[str]:
    plain = re.sub(r"\W", "", text)
    return {plain[i:i + 2] for i in range(len(plain) - 1)}
