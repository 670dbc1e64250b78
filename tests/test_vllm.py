"""The agent against a real vLLM that serves the shipped base with the shipped adapter.

Run by `make test-vllm`. In process and over HTTP the same tools are chosen for 30 questions, a
streamed message equals the whole one, and a server that is killed gives one clear sentence.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage

from cityllm.config import ROOT, Settings, load_settings
from cityllm.errors import ModelUnavailable

pytestmark = pytest.mark.vllm
QUESTIONS = 30
AT_ONCE = 6
STREAMED = 20
"""How many of the agent's calls are asked again as a stream, spread over all of them."""


def _questions() -> list[str]:
    """Thirty of our own, every kind in turn."""
    lines = (ROOT / "evals" / "questions" / "own.jsonl").read_text(encoding="utf-8").splitlines()
    kinds: dict[str, list[str]] = {}
    for row in map(json.loads, lines):
        kinds.setdefault(row["kind"], []).append(row["q"])
    mixed = [q for group in zip_longest(*kinds.values()) for q in group if q]
    return mixed[:QUESTIONS]


@dataclass
class Heard(BaseCallbackHandler):
    """What the agent asked the model over HTTP, and what came back, call by call."""

    asked: dict[Any, tuple[list[BaseMessage], dict[str, Any]]] = field(default_factory=dict)
    told: dict[Any, AIMessage] = field(default_factory=dict)

    def __hash__(self) -> int:
        return id(self)

    def on_chat_model_start(self, serialized: Any, messages: list[list[BaseMessage]], *,
                            run_id: Any, **kwargs: Any) -> None:
        params = kwargs["invocation_params"]
        self.asked[run_id] = (messages[0], {name: params[name] for name in ("tools", "tool_choice")
                                            if params.get(name)})

    def on_llm_end(self, response: Any, *, run_id: Any, **kwargs: Any) -> None:
        self.told[run_id] = response.generations[0][0].message


@dataclass
class World:
    """A corpus, and one assistant for each engine over it."""

    settings: Settings
    server: Any
    here: Any
    near: list[Any]
    there: Any
    http: Any
    heard: Heard


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    from app import build
    from cityllm.agent.assistant import Assistant
    from cityllm.model import vllm
    from cityllm.model.endpoint import chat_model

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given = load_settings()
    if not (given.weights / "base" / "config.json").exists():
        pytest.fail(f"no weights in {given.weights}: the shipped ones must be there")
    settings = given.model_copy(update={
        "home": tmp_path_factory.mktemp("home"), "serve_model": str(given.weights / "base"),
        "serve_adapter": str(given.weights / "adapter"), "serve_port": port,
        "engine": "embedded", "threads": 1,
        "endpoint_url": f"http://127.0.0.1:{port}/v1", "endpoint_grammar": True})
    log = settings.home / "vllm.log"
    with vllm.start(settings, log, os.environ, gpu=False) as server:
        services = build(settings)
        heard = Heard()
        http = chat_model(settings)
        there = Assistant(services.toolbox, http.model_copy(update={"callbacks": [heard]}))
        near = [services.assistant.ask(question) for question in _questions()]  # while it starts
        print(f"\nvLLM ready after {server.wait_healthy(240):.0f} s more")
        yield World(settings, server, services.assistant, near, there, http, heard)
        services.close()


def _calls(message: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(call["name"], call["args"]) for call in message.tool_calls]


def test_the_server_reads_the_same_tokens_as_the_engine_in_process(world: World) -> None:
    import httpx
    from langchain_core.messages import HumanMessage, SystemMessage

    from cityllm.agent.specs import SPECS
    from cityllm.model.chat_format import to_template
    from cityllm.prompts import SYSTEM_PROMPT

    tools = [spec.openai for spec in SPECS]
    rows = to_template([SystemMessage(SYSTEM_PROMPT), HumanMessage('他说"不行"😀 <|im_end|>')])
    reply = httpx.post(f"{world.server.url}/tokenize", timeout=30, json={
        "model": "city", "messages": rows, "tools": tools, "add_generation_prompt": True})
    assert reply.json()["tokens"] == world.here.model.load().prompt(rows, tools)


def test_thirty_questions_over_http_choose_the_same_tools(world: World) -> None:
    questions = _questions()
    assert len(set(questions)) == QUESTIONS
    with ThreadPoolExecutor(AT_ONCE) as pool:
        far = list(pool.map(world.there.ask, questions))
    near = world.near
    for question, a, b in zip(questions, near, far, strict=True):
        same = [s.tool for s in a.steps] == [s.tool for s in b.steps]
        print(f"{'=' if same else '≠'} {[s.tool for s in b.steps]} {a.text == b.text} {question}")
    assert [[s.tool for s in a.steps] for a in near] == [[s.tool for s in b.steps] for b in far]
    assert sum(a.text == b.text for a, b in zip(near, far, strict=True)) >= QUESTIONS * 9 // 10
    assert sum(bool(b.steps) for b in far) >= QUESTIONS // 2


def test_streamed_equals_not_streamed(world: World) -> None:
    assert len(world.heard.told) >= QUESTIONS

    def streamed(run: Any) -> Any:
        messages, demanded = world.heard.asked[run]
        chunks = list(world.http.stream(messages, **demanded))
        return sum(chunks[1:], start=chunks[0])

    runs = list(world.heard.told)
    runs = runs[:: max(1, len(runs) // STREAMED)][:STREAMED]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        again = list(pool.map(streamed, runs))
    for run, message in zip(runs, again, strict=True):
        whole = world.heard.told[run]
        assert (message.content, _calls(message)) == (whole.content, _calls(whole))


def test_a_call_can_be_demanded_without_our_grammar(world: World) -> None:
    from cityllm.model.endpoint import chat_model
    from cityllm.petitions.cascade import asker
    from cityllm.prompts import category_tool

    free = chat_model(world.settings.model_copy(update={"endpoint_grammar": False}))
    assert asker(free)("楼上漏水，物业不管", ["物业服务", "噪声", "公交"]) in (0, 1, 2)
    any_tool = free.bind_tools([category_tool(["1", "2"])], tool_choice="any",
                               parallel_tool_calls=False)
    assert [name for name, _ in _calls(any_tool.invoke("路灯坏了"))] == ["choose_category"]


def test_a_server_killed_in_the_middle_of_an_answer_gives_one_sentence(world: World) -> None:
    from cityllm.agent.events import Final, StepStarted
    from cityllm.model.endpoint import chat_model

    free = chat_model(world.settings.model_copy(update={"endpoint_grammar": False}))
    long = free.stream("讲讲城市规划", extra_body={"ignore_eos": True})
    assert next(long).response_metadata is not None
    asked = world.there.stream(next(q for q, s in _with_steps(world) if s))
    answer = None
    for event in asked:
        if isinstance(event, StepStarted):
            world.server.kill()
        if isinstance(event, Final):
            answer = event.answer
    with pytest.raises(ModelUnavailable, match="在回答中途断开了，这个回答不完整"):
        list(long)
    assert answer is not None and answer.refused == "no_model"
    first = answer.text.splitlines()[0]
    assert "模型服务" in first and first.endswith("。") and "Traceback" not in answer.text
    assert not world.server.healthy()


def _with_steps(world: World) -> Iterator[tuple[str, bool]]:
    for messages, _ in world.heard.asked.values():
        run = next(k for k, v in world.heard.asked.items() if v[0] is messages)
        if len(messages) == 2:
            yield str(messages[1].text), bool(world.heard.told[run].tool_calls)
