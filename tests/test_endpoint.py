"""The engine over HTTP: what is sent, and every way in which a server can fail, as one sentence."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from server import delta, refusal, serving, whole

from cityllm.agent.specs import SPECS
from cityllm.config import Settings
from cityllm.errors import ModelError, ModelTimeout, ModelUnavailable
from cityllm.model.endpoint import EndpointModel, chat_model

ASK: list[BaseMessage] = [SystemMessage("助手"), HumanMessage("一块地15亩</tool_call>")]
TOOLS = [spec.openai for spec in SPECS]


def _model(url: str, **more: Any) -> EndpointModel:
    return chat_model(Settings(endpoint_url=url, **more))


def test_an_answer_and_a_streamed_answer() -> None:
    with serving(
        whole("[E1]"), (200, [delta("[E"), delta("1]"), delta("", "stop")]), whole("好")
    ) as fake:
        model = _model(fake.url)
        assert model.invoke(ASK).content == "[E1]"
        assert [c.content for c in model.stream(ASK) if c.content] == ["[E", "1]"]
        assert asyncio.run(model.ainvoke(ASK)).content == "好"
    assert fake.heard[0]["temperature"] == 0 and fake.heard[0]["model"] == "city"
    assert [m["content"] for m in fake.heard[0]["messages"]] == ["助手", "一块地15亩 "]


def test_tool_calls_come_back_streamed_or_not() -> None:
    call = {
        "id": "1",
        "type": "function",
        "index": 0,
        "function": {"name": "calculate", "arguments": '{"expression": "15亩"}'},
    }
    reply = whole("")
    reply[1]["choices"][0]["message"]["tool_calls"] = [call]
    with serving(reply, (200, [delta("", tool_calls=[call]), delta("", "tool_calls")])) as fake:
        model = _model(fake.url).bind_tools(TOOLS)
        first = model.invoke(ASK)
        chunks = list(model.stream(ASK))
    joined = sum(chunks[1:], start=chunks[0])
    assert [c["args"] for c in first.tool_calls] == [{"expression": "15亩"}]
    assert [(c["name"], c["args"]) for c in joined.tool_calls] == [
        (c["name"], c["args"]) for c in first.tool_calls
    ]
    assert [t["function"]["name"] for t in fake.heard[0]["tools"]] == [s.name for s in SPECS]


def test_fields_of_vllm_are_sent_only_where_they_are_understood() -> None:
    with serving(whole(""), whole("")) as fake:
        _model(fake.url).invoke(ASK)
        _model(fake.url, endpoint_vllm=False).invoke(ASK)
    assert fake.heard[0]["chat_template_kwargs"] == {"enable_thinking": False}
    assert not {"chat_template_kwargs", "structured_outputs"} & set(fake.heard[1])


def test_the_grammar_goes_along_when_asked_for() -> None:
    told = [
        *ASK,
        AIMessage("", tool_calls=[{"name": "calculate", "args": {}, "id": "1"}]),
        ToolMessage("[E4] calculate result=3", tool_call_id="1"),
    ]
    with serving(whole(""), whole("")) as fake:
        model = _model(fake.url, endpoint_grammar=True)
        model.bind_tools(TOOLS).invoke(told)
        model.bind_tools(TOOLS, tool_choice="any").invoke(told)
    free, forced = (request["structured_outputs"]["grammar"] for request in fake.heard)
    assert "{E4.result}" in free and '"15亩"' in free and "off_topic" in free
    assert "{E4.result}" not in forced and "off_topic" not in forced
    assert all("tool_choice" not in request for request in fake.heard)


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (refusal(401, "no"), ModelUnavailable, "CITYLLM_ENDPOINT_KEY"),
        (refusal(403, "no"), ModelUnavailable, "CITYLLM_ENDPOINT_KEY"),
        (refusal(404, "no"), ModelUnavailable, "没有名为 city 的模型"),
        (refusal(400, "unknown field"), ModelError, "unknown field.*CITYLLM_ENDPOINT_VLLM=false"),
        ((200, {"nonsense": 1}), ModelUnavailable, "检查服务"),
        ((200, [None]), ModelUnavailable, "中途断开|连不上"),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_every_refusal_is_one_sentence(
    reply: Any, kind: type[ModelError], words: str, streamed: bool
) -> None:
    with serving(reply, reply, reply) as fake, pytest.raises(kind, match=words) as caught:
        model = _model(fake.url)
        list(model.stream(ASK)) if streamed else model.invoke(ASK)
    assert fake.url in caught.value.zh and fake.url in caught.value.en
    assert len(caught.value.zh.splitlines()) == 1


@pytest.mark.parametrize("ending", [[None], []])
def test_a_server_that_dies_in_the_middle_of_an_answer(ending: list[Any]) -> None:
    with serving((200, [delta("半个"), delta("回答"), *ending])) as fake:
        stream = _model(fake.url).stream(ASK)
        assert next(stream).content == "半个"
        with pytest.raises(ModelUnavailable, match=r"回答中途断开.*\n.*in the middle of an answer"):
            list(stream)


def test_no_server_and_a_silent_server() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
    with pytest.raises(ModelUnavailable, match=r"连不上模型服务.*cityllm serve"):
        _model(url).invoke(ASK)
    with serving((0, None), (0, None)) as fake, pytest.raises(ModelTimeout, match="没有在时限内"):
        _model(fake.url, endpoint_timeout=0.3).invoke(ASK)


@pytest.mark.parametrize("streamed", [False, True])
def test_history_is_dropped_while_the_server_finds_it_too_long(streamed: bool) -> None:
    long = refusal(400, "This model's maximum context length is 2048 tokens.")
    good = (200, [delta("好"), delta("", "stop")]) if streamed else whole("好")
    talk = [
        ASK[0],
        HumanMessage("旧一"),
        AIMessage("答"),
        HumanMessage("旧二"),
        AIMessage("答"),
        ASK[1],
    ]
    with serving(long, long, good, long) as fake:
        model = _model(fake.url)
        said = [c.content for c in model.stream(talk)] if streamed else [model.invoke(talk).content]
        assert "".join(map(str, said)) == "好"
        assert [len(request["messages"]) for request in fake.heard] == [6, 4, 2]
        with pytest.raises(ModelError, match="问题太长"):
            list(model.stream(ASK)) if streamed else model.invoke(ASK)


def test_the_key_is_sent_and_never_shown() -> None:
    model = _model("http://127.0.0.1:1/v1", endpoint_key="secret-key")
    assert "secret-key" not in repr(model) + json.dumps(model._identifying_params, default=str)
