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
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import PrivateAttr

from cityllm.errors import ModelUnavailable
from cityllm.model import grammar

CALL_OPEN, CALL_CLOSE = "<tool_call>", "</tool_call>"


def to_template(messages: Sequence[BaseMessage]) -> list[dict[str, Any]]:
    """LangChain messages as the dictionaries that a chat template reads."""
    rows: list[dict[str, Any]] = []
    for message in messages:
        if isinstance(message, SystemMessage):
            rows.append({"role": "system", "content": str(message.text)})
        elif isinstance(message, HumanMessage):
            rows.append({"role": "user", "content": str(message.text)})
        elif isinstance(message, ToolMessage):
            rows.append({"role": "tool", "content": str(message.text)})
        elif isinstance(message, AIMessage):
            calls = [{"function": {"name": c["name"],
                                   "arguments": json.dumps(c["args"], ensure_ascii=False)}}
                     for c in message.tool_calls]
            rows.append({"role": "assistant", "content": str(message.text), "tool_calls": calls})
    return rows


def parse_calls(text: str) -> list[dict[str, Any]]:
    """Tool calls in the model's text, as LangChain holds them."""
    calls = []
    for number, part in enumerate(text.split(CALL_OPEN)[1:]):
        body = json.loads(part.split(CALL_CLOSE)[0])
        calls.append({"name": body["name"], "args": body["arguments"],
                      "id": f"call_{number}", "type": "tool_call"})
    return calls


class EmbeddedModel(BaseChatModel):
    """Chat model over `weights/base` with the LoRA of `weights/adapter` merged in at load.

    `temperature` 0 takes the likeliest token. `adapter` false leaves the base as it is (measures
    use it). Loading takes a few seconds and happens at the first use, or by `load()`.
    """

    weights: Path
    threads: int = 2
    temperature: float = 0.0
    max_tokens: int = 320
    adapter: bool = True
    seed: int = 0
    _engine: Any = PrivateAttr(default=None)
    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    @property
    def _llm_type(self) -> str:
        return "cityllm-embedded"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"weights": self.weights.name, "adapter": self.adapter}

    def load(self) -> None:
        """Read the weights now. Raises ModelUnavailable where they are missing or broken."""
        with self._lock:
            self._load()

    def _load(self) -> Engine:
        if self._engine is None:
            self._engine = Engine(self.weights, self.threads, self.adapter, self.seed)
        engine: Engine = self._engine
        return engine

    def bind_tools(self, tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool], *,
                   tool_choice: str | None = None, **kwargs: Any) -> Runnable[Any, AIMessage]:
        """Offer tools; `tool_choice` other than `none` is left to the model."""
        offered = [] if tool_choice == "none" else [convert_to_openai_tool(t) for t in tools]
        return self.bind(tools=offered, **kwargs)

    def _texts(self, messages: Sequence[BaseMessage], tools: Sequence[dict[str, Any]]) -> Iterator[str]:
        user = "\n".join(str(m.text) for m in messages if isinstance(m, HumanMessage))
        last = max((i for i, m in enumerate(messages) if isinstance(m, HumanMessage)), default=0)
        shown = grammar.evidence_names(
            str(m.text) for m in messages[last:] if isinstance(m, ToolMessage))
        with self._lock:
            engine = self._load()
            prompt = engine.tokenizer.apply_chat_template(
                to_template(messages), tools=list(tools) or None, tokenize=False,
                add_generation_prompt=True)
            yield from engine.generate(prompt, grammar.build(tools, user, shown),
                                       self.max_tokens, self.temperature)

    def _generate(self, messages: list[BaseMessage], stop: list[str] | None = None,
                  run_manager: CallbackManagerForLLMRun | None = None, **kwargs: Any) -> ChatResult:
        text = "".join(self._texts(messages, kwargs.get("tools", ())))
        return ChatResult(generations=[ChatGeneration(message=_message(text))])

    def _stream(self, messages: list[BaseMessage], stop: list[str] | None = None,
                run_manager: CallbackManagerForLLMRun | None = None, **kwargs: Any,
                ) -> Iterator[ChatGenerationChunk]:
        text = ""
        for piece in self._texts(messages, kwargs.get("tools", ())):
            text += piece
            if not text.startswith(CALL_OPEN):
                chunk = ChatGenerationChunk(message=AIMessageChunk(content=piece))
                if run_manager:
                    run_manager.on_llm_new_token(piece, chunk=chunk)
                yield chunk
        whole = _message(text)
        if whole.tool_calls:
            yield ChatGenerationChunk(message=AIMessageChunk(content="", tool_call_chunks=[
                {"name": c["name"], "args": json.dumps(c["args"], ensure_ascii=False),
                 "id": c["id"], "index": i, "type": "tool_call_chunk"}
                for i, c in enumerate(whole.tool_calls)]))


def _message(text: str) -> AIMessage:
    if text.startswith(CALL_OPEN):
        if CALL_CLOSE not in text:
            raise ModelUnavailable("模型没有写完工具调用，请换个短一点的问法。",
                                   "The model did not finish its tool call; try a shorter question.")
        return AIMessage(content="", tool_calls=parse_calls(text))
    return AIMessage(content=text)


class Engine:
    """Weights, tokenizer and the decoding loop. One generation at a time."""

    def __init__(self, weights: Path, threads: int, adapter: bool, seed: int) -> None:
        base = weights / "base"
        if not (base / "config.json").exists():
            raise ModelUnavailable(
                f"没有找到模型权重（{base.name}）。请运行 python -m finetune all --recipe cpu，或改用 CITYLLM_ENGINE=endpoint。",
                f"No model weights in {base.name}. Run python -m finetune all --recipe cpu, "
                "or set CITYLLM_ENGINE=endpoint.")
        import torch
        from llguidance.hf import from_tokenizer
        from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

        torch.set_num_threads(threads)
        self._torch = torch
        self._random = torch.Generator().manual_seed(seed)
        self.tokenizer = PreTrainedTokenizerFast.from_pretrained(base)
        model: Any = Qwen3ForCausalLM.from_pretrained(base, dtype=torch.float32)
        if adapter and (weights / "adapter" / "adapter_config.json").exists():
            from peft import PeftModel

            model = PeftModel.from_pretrained(model, str(weights / "adapter")).merge_and_unload()
        self.model = model.eval()
        self._guide = from_tokenizer(self.tokenizer, n_vocab=len(self.tokenizer), slices=[])
        self._eos = int(self.tokenizer.eos_token_id)

    def generate(self, prompt: str, lark: str, max_tokens: int, temperature: float) -> Iterator[str]:
        """Pieces of text, ended by the end-of-turn token; every token allowed by the grammar.

        Tokens that the grammar forces are taken without asking the model, several at a step.
        """
        from llguidance import LLMatcher
        from transformers import DynamicCache

        matcher = LLMatcher(self._guide, LLMatcher.grammar_from_lark(lark))
        if matcher.is_error():
            raise ModelUnavailable(f"文法有误：{matcher.get_error()}",
                                   f"The grammar is wrong: {matcher.get_error()}")
        torch = self._torch
        ids: list[int] = self.tokenizer(prompt, add_special_tokens=False)["input_ids"]
        cache = DynamicCache(config=self.model.config)
        fresh, made, sent = ids, [], ""
        with torch.inference_mode():
            while len(made) < max_tokens and not matcher.is_stopped():
                hidden = self.model.model(input_ids=torch.tensor([fresh]), past_key_values=cache,
                                          use_cache=True).last_hidden_state[0, -1]
                token = self._choose(self.model.lm_head(hidden), matcher, temperature)
                if not matcher.consume_token(token):
                    break
                forced = [] if matcher.is_stopped() else matcher.compute_ff_tokens()
                if forced:
                    matcher.consume_tokens(forced)
                fresh = [token, *forced]
                made += [t for t in fresh if t != self._eos]
                text = self.tokenizer.decode(made)
                if len(text) > len(sent) and not text.endswith("\ufffd"):
                    yield text[len(sent):]
                    sent = text

    def _choose(self, logits: Any, matcher: Any, temperature: float) -> int:
        import numpy as np

        bits = np.unpackbits(np.frombuffer(matcher.compute_bitmask(), dtype=np.uint8),
                             bitorder="little")[: logits.shape[-1]]
        allowed = self._torch.from_numpy(bits.astype(bool))
        logits = logits[: len(bits)].float().masked_fill(~allowed, float("-inf"))
        if temperature <= 0:
            return int(logits.argmax())
        chances = self._torch.softmax(logits / temperature, -1)
        return int(self._torch.multinomial(chances, 1, generator=self._random))
