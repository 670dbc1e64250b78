"""What stands around each call of the model in the agent loop."""

from __future__ import annotations

from collections.abc import Callable
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
    """The first thing the model says must be a tool call."""

    def wrap_model_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        """Demand a call until a tool has answered since the last question."""
        from langchain_core.messages import HumanMessage, ToolMessage

        for message in reversed(request.messages):
            if isinstance(message, ToolMessage):
                return handler(request)
            if isinstance(message, HumanMessage):
                break
        return handler(request.override(tool_choice="any"))


def engine_errors() -> EngineErrors:
    """A fresh one."""
    return EngineErrors()
