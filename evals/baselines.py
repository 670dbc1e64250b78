"""What the shipped model is compared with: a keyword router, and the tool retriever alone.

Both stand where the language model stands, speak the same messages, and cite the first thing found.
They are no part of the program.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable

from cityllm.agent.numerals import articles, quantities
from cityllm.agent.retriever import NONE, ToolRetriever

_LINE = re.compile(r"^\[E(\d+)\] (.*)$", re.MULTILINE)
_NAME = re.compile(r"(?:^|\s)([a-z]\w*)=")
_VERDICT = re.compile(r"^\[(not_found|no_such_article|not_held)\]", re.MULTILINE)
_DATE = re.compile(r"\d{4}\s*[-年/.]\s*\d{1,2}\s*[-月/.]\s*\d{1,2}\s*[日号]?|今天|昨天|today")
_KEYWORDS: tuple[tuple[str, str], ...] = (
    ("traffic_scenario", r"封|限行|车流|单双号|拥堵.*(?:会|怎)|close|plate|demand"),
    ("legal_deadline", r"(?:几号|哪天|哪一天|截止|到期|最后一天|最晚).*|deadline|last day"),
    ("calculate", r"多少(?:平方米|亩|公顷|元|万元)|换算|合计|一共|总共|容积率|密度|[*×÷]|calculate|how many square"),
    ("query_city_data", r"数据|在途|周转率|平均车速|建筑高度|拥堵损失|figure|data"),
    ("read_article", r"第[一二三四五六七八九十百零〇\d]+条|[Aa]rticle \d+"),
    ("search_regulations", r"罚|规定|法|条例|许可|补偿|投诉|信访|物业|合同|工资|征收|审批|需要|能不能|可以|law|permit|fine"),
)


class Chooser(BaseChatModel):
    """Calls one tool, chosen by `choose` from the question, and cites what came back."""

    choose: Callable[[str], str]

    @property
    def _llm_type(self) -> str:
        return "baseline"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        """The tools offered make no difference."""
        return self

    def _generate(self, messages: list[BaseMessage], stop: list[str] | None = None,
                  run_manager: Any = None, **kwargs: Any) -> ChatResult:
        last = max(i for i, m in enumerate(messages) if isinstance(m, HumanMessage))
        shown = "\n".join(str(m.text) for m in messages[last:] if isinstance(m, ToolMessage))
        question = str(messages[last].text)
        if shown:
            message = AIMessage(_answer(shown))
        elif (tool := self.choose(question)) == NONE:
            message = AIMessage("[off_topic]")
        else:
            message = AIMessage("", tool_calls=[{"name": tool, "args": arguments(tool, question),
                                                 "id": "call_0", "type": "tool_call"}])
        return ChatResult(generations=[ChatGeneration(message=message)])


def _answer(shown: str) -> str:
    if verdict := _VERDICT.search(shown):
        return f"[{verdict[1]}]"
    lines = _LINE.findall(shown)
    if not lines:
        return "[not_found]"
    number, rest = lines[0]
    names = _NAME.findall(rest)
    if not names:
        return f"[E{number}]\n{{E{number}.text}}"
    return "，".join(f"{{E{number}.{name}}}" for name in names[:8])


def arguments(tool: str, question: str) -> dict[str, Any]:
    """Arguments by rule of thumb: the question itself wherever a text is wanted."""
    date = _DATE.search(question)
    if tool == "read_article":
        named = articles(question)
        return {"title": question, "article": named[0].raw if named else question}
    if tool == "calculate":
        named_figures = [q.raw for q in quantities(question) if q.kind == "number"]
        return {"expression": " * ".join(named_figures[:2]) or question}
    if tool == "legal_deadline":
        return {"start": date[0] if date else "今天",
                "period": question.replace(date[0], "") if date else question}
    if tool == "traffic_scenario":
        percent = re.search(r"(\d+)\s*%", question)
        less = re.search(r"减|降|少|drop|less", question)
        size = float(percent[1]) if percent else 0.0
        rule = ("odd_even" if re.search(r"单双号|odd", question)
                else "lift" if re.search(r"取消|放开|lift", question)
                else "one_day_a_week" if "限行" in question else "none")
        road = ("north_bridge" if "桥" in question else "ring_east" if "东环" in question
                else "main_road" if re.search(r"封|close", question) else "none")
        return {"close": road, "demand_percent": -size if less else size, "plate_restriction": rule}
    return {"query": question}


def keyword_router() -> Chooser:
    """By hand-written words, the first that fits; nothing fitting is off topic."""
    def choose(question: str) -> str:
        return next((tool for tool, words in _KEYWORDS if re.search(words, question)), NONE)

    return Chooser(choose=choose)


def retriever_alone(retriever: ToolRetriever) -> Chooser:
    """The likeliest class of the tool retriever."""
    def choose(question: str) -> str:
        chances = retriever.probabilities(question)
        return max(chances, key=lambda name: chances[name])

    return Chooser(choose=choose)
