"""Any OpenAI-compatible server (vLLM, another machine, a service) as a chat model.

The only import of the OpenAI client; it takes seconds, so import this module where it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import openai
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from cityllm.config import Settings
from cityllm.errors import ModelError, ModelTimeout, ModelUnavailable
from cityllm.model import chat_format, grammar
from cityllm.model.window import shorten

MAX_TOKENS = 1024
T = TypeVar("T")


def _without_choices(tool: dict[str, Any]) -> dict[str, Any]:
    """The tool without the lists that only a grammar reads: they would fill the prompt."""
    function = tool["function"]
    schema = dict(function["parameters"])
    schema.pop("not", None)
    schema["properties"] = {
        name: {k: v for k, v in field.items() if k not in ("examples", "format")}
        for name, field in schema.get("properties", {}).items()}
    return {**tool, "function": {**function, "parameters": schema}}


def chat_model(settings: Settings) -> EndpointModel:
    """The model behind `endpoint_url`. Nothing is sent before the first question.

    Likeliest tokens, at most `MAX_TOKENS` an answer, one more try where no connection came about, a
    fresh connection for each request: a server that was restarted in between is no failure.
    Proxies are those of the environment, as with every HTTP client.
    """
    return EndpointModel(
        model=settings.endpoint_model,
        base_url=settings.endpoint_url,
        api_key=SecretStr(settings.endpoint_key),
        organization="",
        timeout=openai.Timeout(
            settings.endpoint_timeout, connect=min(5.0, settings.endpoint_timeout)
        ),
        stream_chunk_timeout=None,
        max_retries=1,
        temperature=0.0,
        seed=0,
        max_completion_tokens=MAX_TOKENS,
        use_responses_api=False,
        stream_usage=False,
        default_headers={"Connection": "close"},
        vllm=settings.endpoint_vllm,
        grammar=settings.endpoint_grammar,
    )


class EndpointModel(ChatOpenAI):
    """ChatOpenAI whose failures are sentences for a user, and whose prompts hold no control marks.

    Raises ModelTimeout, ModelUnavailable (no server, wrong key or name, died in the middle of an
    answer) and ModelError (a question longer than the model reads, after all history is dropped).
    """

    vllm: bool = True
    grammar: bool = False

    # One path: asynchronous callers run the synchronous one in a thread.
    _agenerate = BaseChatModel._agenerate
    _astream = BaseChatModel._astream

    @property
    def _llm_type(self) -> str:
        return "cityllm-endpoint"

    def _get_request_payload(
        self,
        input_: Any,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        payload = super()._get_request_payload(input_, stop=stop, **kwargs)
        for row in payload["messages"]:
            if isinstance(row.get("content"), str):
                row["content"] = grammar.clean(row["content"])
        extra = dict(payload.get("extra_body") or {})
        if self.vllm:
            extra["chat_template_kwargs"] = {"enable_thinking": False}
        if self.grammar:
            messages = self._convert_input(input_).to_messages()
            choice = payload.pop("tool_choice", "auto")
            extra["structured_outputs"] = {
                "grammar": grammar.build(
                    payload.get("tools", ()),
                    chat_format.said(messages),
                    chat_format.shown(messages),
                    must_call=choice not in ("auto", "none"),
                    found=chat_format.found(messages),
                )
            }
        if payload.get("tools"):
            payload["tools"] = [_without_choices(tool) for tool in payload["tools"]]
        return {**payload, "extra_body": extra} if extra else payload

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        ask = super()._generate

        def once(kept: list[BaseMessage]) -> Iterator[ChatResult]:
            yield ask(kept, stop, run_manager, **kwargs)

        return next(self._answered(messages, once))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        ask = super()._stream

        def pieces(kept: list[BaseMessage]) -> Iterator[ChatGenerationChunk]:
            ended = False
            for chunk in ask(kept, stop, run_manager, **kwargs):
                ended = ended or bool((chunk.generation_info or {}).get("finish_reason"))
                yield chunk
            if not ended:
                raise self._died()

        yield from self._answered(messages, pieces)

    def _answered(
        self,
        messages: list[BaseMessage],
        ask: Callable[[list[BaseMessage]], Iterator[T]],
    ) -> Iterator[T]:
        """What `ask` gives, asked again with less history while the server finds it too long."""
        kept: list[BaseMessage] | None = messages
        begun = False
        while kept is not None:
            try:
                for piece in ask(kept):
                    begun = True
                    yield piece
                return
            except Exception as problem:
                if begun or not _too_long(problem):
                    raise self._in_words(problem, begun) from problem
                kept = shorten(kept)
        raise ModelError(
            "问题太长，模型读不下。请缩短问题，或分几次问。",
            "The question is longer than the model reads. Shorten it, or ask in steps.",
        )

    def _in_words(self, problem: Exception, begun: bool) -> ModelError:
        where = self.openai_api_base
        if isinstance(problem, ModelError):
            return problem
        if isinstance(problem, openai.APITimeoutError) or "ReadTimeout" in type(problem).__name__:
            return ModelTimeout(
                f"模型服务（{where}）没有在时限内回答。请稍后再试，或调大 CITYLLM_ENDPOINT_TIMEOUT。",
                f"The model server ({where}) did not answer in time. Try later, or raise "
                "CITYLLM_ENDPOINT_TIMEOUT.",
            )
        if isinstance(problem, openai.AuthenticationError | openai.PermissionDeniedError):
            return ModelUnavailable(
                f"模型服务（{where}）不接受密钥。请检查 CITYLLM_ENDPOINT_KEY。",
                f"The model server ({where}) refused the key. Check CITYLLM_ENDPOINT_KEY.",
            )
        if isinstance(problem, openai.NotFoundError):
            return ModelUnavailable(
                f"模型服务（{where}）没有名为 {self.model_name} 的模型。请检查 CITYLLM_ENDPOINT_MODEL 和 "
                "CITYLLM_ENDPOINT_URL。",
                f"The model server ({where}) has no model named {self.model_name}. Check "
                "CITYLLM_ENDPOINT_MODEL and CITYLLM_ENDPOINT_URL.",
            )
        if isinstance(problem, openai.RateLimitError):
            return ModelUnavailable(
                f"模型服务（{where}）太忙。请稍后再试。",
                f"The model server ({where}) is too busy. Try later.",
            )
        if isinstance(problem, openai.BadRequestError):
            return ModelError(
                f"模型服务（{where}）不接受这个请求：{problem.message[:200]}。若它不是 vLLM，"
                "请设置 CITYLLM_ENDPOINT_VLLM=false。",
                f"The model server ({where}) refused the request: {problem.message[:200]}. If it "
                "is not vLLM, set CITYLLM_ENDPOINT_VLLM=false.",
            )
        if not begun and isinstance(problem, openai.APIConnectionError):
            return ModelUnavailable(
                f"连不上模型服务（{where}）。请用 cityllm serve 启动它，或检查 CITYLLM_ENDPOINT_URL。",
                f"No model server at {where}. Start one with cityllm serve, or check "
                "CITYLLM_ENDPOINT_URL.",
            )
        return self._died()

    def _died(self) -> ModelUnavailable:
        return ModelUnavailable(
            f"模型服务（{self.openai_api_base}）在回答中途断开了，这个回答不完整。请检查服务，然后再问一次。",
            f"The model server ({self.openai_api_base}) broke off in the middle of an answer, "
            "which is not whole. Check the server, then ask again.",
        )


def _too_long(problem: Exception) -> bool:
    text = str(problem).lower()
    return isinstance(problem, openai.APIError) and (
        "context length" in text or "context window" in text
    )
