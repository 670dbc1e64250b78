"""LangChain messages to the chat format of Qwen3 and Hermes, and the model's text back to messages.

Both engines use it: what a user or a tool says never becomes a control mark of the format.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from cityllm.errors import ModelError
from cityllm.model.grammar import clean, evidence_names
from cityllm.prompts import surely_found

CALL_OPEN, CALL_CLOSE = "<tool_call>", "</tool_call>"
_OPEN = re.compile(r"[\[{][^\]}]*\Z")


def to_template(messages: Sequence[BaseMessage]) -> list[dict[str, Any]]:
    """Messages as the dictionaries that a chat template reads; other kinds are left out."""
    rows: list[dict[str, Any]] = []
    for message in messages:
        content = clean(str(message.text))
        if isinstance(message, SystemMessage):
            rows.append({"role": "system", "content": content})
        elif isinstance(message, HumanMessage):
            rows.append({"role": "user", "content": content})
        elif isinstance(message, ToolMessage):
            rows.append({"role": "tool", "content": content})
        elif isinstance(message, AIMessage):
            calls = [{"function": {"name": c["name"],
                                   "arguments": json.dumps(c["args"], ensure_ascii=False)}}
                     for c in message.tool_calls]
            rows.append({"role": "assistant", "content": content, "tool_calls": calls})
    return rows


def said(messages: Sequence[BaseMessage]) -> str:
    """Everything the user said, newest last."""
    return "\n".join(str(m.text) for m in messages if isinstance(m, HumanMessage))


def shown(messages: Sequence[BaseMessage]) -> dict[int, list[str]]:
    """Evidence that the tools of the newest turn showed: see `grammar.evidence_names`."""
    return evidence_names(_newest(messages))


def found(messages: Sequence[BaseMessage]) -> bool:
    """Whether the tools of the newest turn showed an article that is likely to answer."""
    return any(surely_found(text) for text in _newest(messages))


def _newest(messages: Sequence[BaseMessage]) -> list[str]:
    """What the tools said since the last question."""
    last = max((i for i, m in enumerate(messages) if isinstance(m, HumanMessage)), default=0)
    return [str(m.text) for m in messages[last:] if isinstance(m, ToolMessage)]


def to_message(text: str) -> AIMessage:
    """The model's whole text as a message: tool calls, or an answer.

    Raises ModelError where a tool call was not written to its end.
    """
    if not text.startswith(CALL_OPEN):
        return AIMessage(content=text)
    calls = []
    for number, part in enumerate(text.split(CALL_OPEN)[1:]):
        if CALL_CLOSE not in part:
            raise ModelError("模型没有写完工具调用，请换个短一点的问法。",
                             "The model did not finish its tool call; ask in fewer words.")
        body = json.loads(part.split(CALL_CLOSE)[0])
        calls.append({"name": body["name"], "args": body["arguments"],
                      "id": f"call_{number}", "type": "tool_call"})
    return AIMessage(content="", tool_calls=calls)


def whole_references(text: str) -> str:
    """Text up to a reference that is still open (`[E1`, `{E2.me`); all of it where none is."""
    return _OPEN.sub("", text)
