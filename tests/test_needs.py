"""A question with two needs: what is demanded, in which words, and the calls that follow."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from cityllm.agent.middleware import LookFirst
from cityllm.agent.needs import LAW, demanded, parts, two_needs
from cityllm.agent.retriever import ToolRetriever
from cityllm.agent.specs import TOOL_NAMES

WORDS = {"罚": LAW, "依据": LAW, "封": "traffic_scenario", "造价": "calculate", "数据": "query_city_data"}


class Reader:
    """A retriever that goes by one word; unsure where it finds none."""

    def probabilities(self, text: str) -> dict[str, float]:
        found = next((tool for word, tool in WORDS.items() if word in text), None)
        return {name: 0.95 if name == found else 0.05 for name in (*TOOL_NAMES, "none")}


def needs(question: str, possible: tuple[str, ...] = TOOL_NAMES) -> dict[str, str]:
    reader: Any = Reader()
    assert isinstance(reader, Reader) and hasattr(ToolRetriever, "probabilities")
    return two_needs(question, reader, possible)


def test_two_needs_come_with_the_words_of_each() -> None:
    assert needs("北桥要是封了有多堵，擅自挖路的人会怎么罚？") == {
        LAW: "擅自挖路的人会怎么罚", "traffic_scenario": "北桥要是封了有多堵"}


@pytest.mark.parametrize("question", [
    "北桥要是封了有多堵？", "擅自挖路的人会怎么罚？", "北桥封了，罚谁", "看看停车的数据，擅自挖路会怎么罚？",
    "北桥要是封了有多堵，平均慢多少，再看看停车数据"])
def test_one_need_or_none_that_is_plain_demands_nothing(question: str) -> None:
    assert needs(question) == {}


def test_a_tool_that_cannot_be_called_is_not_demanded() -> None:
    question = "这栋楼造价是八十万元，没有许可会怎么罚？"
    assert set(needs(question)) == {LAW, "calculate"}
    assert needs(question, (LAW, "traffic_scenario")) == {}


def test_parts_end_at_punctuation_but_not_within_a_number() -> None:
    assert parts("造价1,200,000元的楼，罚多少。好的；按10%的比例算") == ["造价1,200,000元的楼", "按10%的比例算"]


def test_a_few_words_beside_a_message_demand_the_clerks_tool() -> None:
    class Clerk(Reader):
        def probabilities(self, text: str) -> dict[str, float]:
            at = {"该派给哪家": ("triage_petition", 0.8), "你先拟": ("draft_reply", 0.8),
                  "请拟一份答复": ("draft_reply", 0.97)}
            tool, sure = next((at[word] for word in at if word in text), (LAW, 0.9))
            return {name: sure if name == tool else 0.01 for name in (*TOOL_NAMES, "none")}

    reader: Any = Clerk()
    message = "三期地下车库一下雨就倒灌，物业推给开发商。"
    assert demanded(message + "该派给哪家？", reader, TOOL_NAMES) == "triage_petition"
    assert demanded(message + "请拟一份答复", reader, TOOL_NAMES) == "draft_reply"
    assert demanded(message + "你先拟一份", reader, TOOL_NAMES) == ""
    assert demanded(message + "该派给哪家？", reader, (LAW,)) == ""
    assert demanded("该派给哪家？", reader, TOOL_NAMES) == ""


def asked(request: Any, middleware: LookFirst) -> Any:
    seen: list[Any] = []
    answer: Callable[[Any], Any] = seen.append
    middleware.wrap_model_call(request, answer)
    return seen[0]


class Request(SimpleNamespace):
    """What a middleware is handed."""

    def override(self, **changes: Any) -> Request:
        return Request(**{**vars(self), **changes})


def request(*messages: Any) -> Request:
    tools = [SimpleNamespace(name=name) for name in ("search_regulations", "traffic_scenario")]
    return Request(messages=list(messages), tools=tools, tool_choice=None)


def test_each_tool_that_is_owed_must_be_called_in_its_turn() -> None:
    demand = LookFirst(False, ["search_regulations", "traffic_scenario"])
    question = HumanMessage("封路有多堵，怎么罚")
    one = ToolMessage("[E1] 很可能 …", tool_call_id="1", name="search_regulations")
    two = ToolMessage("[E2] traffic_scenario …", tool_call_id="2", name="traffic_scenario")
    first = asked(request(question), demand)
    assert [tool.name for tool in first.tools] == ["search_regulations"]
    assert first.tool_choice == "any"
    second = asked(request(question, AIMessage(""), one), demand)
    assert [tool.name for tool in second.tools] == ["traffic_scenario"]
    assert second.tool_choice == "any"
    last = asked(request(question, AIMessage(""), one, AIMessage(""), two), demand)
    assert last.tool_choice is None and len(last.tools) == 2
    anew = asked(request(question, one, two, AIMessage("答"), question), demand)
    assert [tool.name for tool in anew.tools] == ["search_regulations"]


def test_nothing_is_demanded_where_nothing_is_due() -> None:
    question = HumanMessage("你好")
    assert asked(request(question), LookFirst(False)).tool_choice is None
    assert asked(request(question), LookFirst(True)).tool_choice == "any"
    called = ToolMessage("[E1] …", tool_call_id="1", name="search_regulations")
    assert asked(request(question, called), LookFirst(True)).tool_choice is None
