"""What stands around each call of the model in the agent loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from langchain.agents.middleware import AgentMiddleware

from cityllm.errors import ModelError, ModelUnavailable
from cityllm.messages import say


class EngineErrors(AgentMiddleware[Any, Any]):
    """Any failure of the engine, whatever its client raises, becomes ModelUnavailable."""

    def wrap_model_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        """Ask the model; one sentence instead of its client's exception."""
        try:
            return handler(request)
        except ModelError:
            raise
        except Exception as problem:
            raise ModelUnavailable(say("engine_died", "zh"), say("engine_died", "en")) from problem


class LookFirst(AgentMiddleware[Any, Any]):
    """Calls that must come before the model may answer.

    With `any_tool` the first thing it says must be a call, of whichever tool. Each of `owed` must
    be called, in that order; while one is missing it alone is offered.
    """

    def __init__(self, any_tool: bool, owed: Sequence[str] = ()) -> None:
        super().__init__()
        self.any_tool = any_tool
        self.owed = tuple(owed)

    def wrap_model_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        """Demand a call while one is due."""
        called = _called(request.messages)
        by_name = {tool.name: tool for tool in request.tools}
        missing = [name for name in self.owed if name in by_name and name not in called]
        if missing:
            return handler(request.override(tools=[by_name[missing[0]]], tool_choice="any"))
        if not called and self.any_tool:
            return handler(request.override(tool_choice="any"))
        return handler(request)


def _called(messages: Sequence[Any]) -> set[str]:
    """Names of the tools that answered since the last question."""
    from langchain_core.messages import HumanMessage, ToolMessage

    found: set[str] = set()
    for message in reversed(messages):
        if isinstance(message, HumanMessage):
            break
        if isinstance(message, ToolMessage):
            found.add(str(message.name))
    return found


def engine_errors() -> EngineErrors:
    """A fresh one."""
    return EngineErrors()
