"""Make a conversation fit the model's context: what is oldest and least near goes first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from cityllm.errors import ModelError


def fit(messages: Sequence[BaseMessage], count: Callable[[Sequence[BaseMessage]], int], limit: int,
        ) -> list[BaseMessage]:
    """Messages whose `count` (tokens, template and tools included) is at most `limit`.

    Dropped in this order: the oldest earlier turns; in the newest turn all but the last round of
    tool calls; the last lines of the longest tool message, one at a time. System messages and the
    newest question always stay. Raises ModelError where these alone are too long.
    """
    kept = list(messages)
    while (size := count(kept)) > limit:
        shorter = shorten(kept)
        if shorter is None:
            raise ModelError(
                f"问题太长：共 {size} 个词元，模型最多读 {limit} 个。请缩短问题，或分几次问。",
                f"The question is too long: {size} tokens, the model reads at most {limit}. "
                "Shorten it, or ask in several steps.")
        kept = shorter
    return kept


def shorten(messages: list[BaseMessage]) -> list[BaseMessage] | None:
    """One step of `fit`; None where only system messages and the question are left."""
    return (_without_oldest_turn(messages) or _without_oldest_round(messages)
            or _without_line(messages))


def _without_oldest_turn(messages: list[BaseMessage]) -> list[BaseMessage] | None:
    questions = [i for i, m in enumerate(messages) if isinstance(m, HumanMessage)]
    if len(questions) < 2:
        return None
    return [m for i, m in enumerate(messages)
            if i >= questions[1] or isinstance(m, SystemMessage)]


def _without_oldest_round(messages: list[BaseMessage]) -> list[BaseMessage] | None:
    calls = [i for i, m in enumerate(messages) if isinstance(m, AIMessage) and m.tool_calls]
    return messages[: calls[0]] + messages[calls[1] :] if len(calls) > 1 else None


def _without_line(messages: list[BaseMessage]) -> list[BaseMessage] | None:
    tools = [i for i, m in enumerate(messages) if isinstance(m, ToolMessage) and "\n" in m.text]
    if not tools:
        return None
    at = max(tools, key=lambda i: len(messages[i].text))
    shorter = messages[at].model_copy(update={"content": messages[at].text.rpartition("\n")[0]})
    return [*messages[:at], shorter, *messages[at + 1 :]]
