"""The bundled model in process: a LangChain chat model over small Qwen3 weights, no GPU needed.

Every token is chosen under a grammar (see `grammar.py`), so that a tool call always parses and fits
its schema and a reference always names evidence that exists.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import PrivateAttr

from cityllm.model import chat_format, grammar
from cityllm.model.engine import Engine
from cityllm.model.window import fit


class EmbeddedModel(BaseChatModel):
    """Chat model over `weights/base` with the LoRA of `weights/adapter` merged in at load.

    `temperature` 0 takes the likeliest token. `adapter` false leaves the base as it is (measures
    use it). `max_tokens` bounds an answer; a tool call is bounded by its grammar. Loading takes a
    few seconds and happens at the first use, or by `load()`. Several threads may ask at once and a
    stream may be left half read. Stop words are not looked at: the grammar ends the text.
    """

    weights: Path
    threads: int = 2
    temperature: float = 0.0
    max_tokens: int = 320
    adapter: bool = True
    seed: int = 0
    _engine: Engine | None = PrivateAttr(default=None)
    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    @property
    def _llm_type(self) -> str:
        return "cityllm-embedded"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"weights": self.weights.name, "adapter": self.adapter}

    def load(self) -> Engine:
        """Read the weights now. Raises ModelUnavailable where they are missing or broken."""
        with self._lock:
            if self._engine is None:
                self._engine = Engine(self.weights, self.threads, self.adapter, self.seed)
            return self._engine

    def bind_tools(self, tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool], *,
                   tool_choice: str | None = None, **kwargs: Any) -> Runnable[Any, AIMessage]:
        """Offer tools. `tool_choice`: auto, none, any (a call must come), or the name of one."""
        offered = [convert_to_openai_tool(t) for t in tools]
        named = [t for t in offered if t["function"]["name"] == tool_choice]
        if tool_choice == "none":
            offered = []
        must_call = bool(named) or tool_choice in ("any", "required")
        return self.bind(tools=named or offered, must_call=must_call, **kwargs)

    def _texts(self, messages: Sequence[BaseMessage], tools: Sequence[dict[str, Any]] = (),
               must_call: bool = False, **_: Any) -> Iterator[str]:
        engine = self.load()

        def prompt(kept: Sequence[BaseMessage]) -> list[int]:
            return engine.prompt(chat_format.to_template(kept), tools)

        kept = fit(messages, lambda m: len(prompt(m)), engine.context - self.max_tokens)
        lark = grammar.build(tools, chat_format.said(messages), chat_format.shown(kept),
                             must_call=must_call, found=chat_format.found(kept))
        yield from engine.generate(prompt(kept), lark, self.max_tokens, self.temperature)

    def _generate(self, messages: list[BaseMessage], stop: list[str] | None = None,
                  run_manager: CallbackManagerForLLMRun | None = None, **kwargs: Any) -> ChatResult:
        message = chat_format.to_message("".join(self._texts(messages, **kwargs)))
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(self, messages: list[BaseMessage], stop: list[str] | None = None,
                run_manager: CallbackManagerForLLMRun | None = None, **kwargs: Any,
                ) -> Iterator[ChatGenerationChunk]:
        text = ""
        for piece in self._texts(messages, **kwargs):
            text += piece
            if not text.startswith(chat_format.CALL_OPEN):
                yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
        calls = chat_format.to_message(text).tool_calls
        yield ChatGenerationChunk(message=AIMessageChunk(
            content="", chunk_position="last", tool_call_chunks=[
                {"name": c["name"], "args": json.dumps(c["args"], ensure_ascii=False),
                 "id": c["id"], "index": i, "type": "tool_call_chunk"}
                for i, c in enumerate(calls)]))
