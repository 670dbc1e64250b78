"""The tools a model may call, listed by hand: name, what it is for, and a plain JSON schema.

Schemas hold only `type`, `enum`, `description`, `examples`, `format` and `not`: the bundled
engine's grammar reads exactly these (`cityllm/model/grammar.py`). A string without `enum` is
pointed at in the user's words; for a question `choices.bind` says which words, with
`"format": "choice"`. The as-of date is bound by the assistant and is no argument. `finetune/`
trains on these very texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]


@dataclass(frozen=True)
class ToolSpec:
    """What the model is told of a tool."""

    name: str
    description: str
    properties: Schema
    required: tuple[str, ...]
    idle: Schema | None = None
    """Arguments that together ask for nothing; such a call is not valid."""

    @property
    def schema(self) -> Schema:
        """The arguments as a JSON schema object."""
        schema = {"type": "object", "properties": self.properties, "required": list(self.required)}
        return {**schema, "not": {"const": self.idle}} if self.idle else schema

    @property
    def openai(self) -> Schema:
        """The tool as chat templates and OpenAI-compatible servers take it."""
        return {"type": "function", "function": {
            "name": self.name, "description": self.description, "parameters": self.schema}}


CLOSE = ("none", "main_road", "north_bridge", "ring_east")
PLATE = ("none", "lift", "odd_even", "one_day_a_week")

SPECS: tuple[ToolSpec, ...] = (
    ToolSpec("search_regulations", "按内容检索法规条文", {
        "query": {"type": "string", "description": "要查的事"},
        "title": {"type": "string", "description": "法规名，点名时才填"}}, ("query",)),
    ToolSpec("read_article", "查阅指定法规的指定条", {
        "title": {"type": "string", "description": "法规名"},
        "article": {"type": "string", "description": "条号"}}, ("title", "article")),
    ToolSpec("calculate", "面积、金额、比例的精确计算和换算", {
        "expression": {"type": "string", "format": "expression", "description": "算式"}},
        ("expression",)),
    ToolSpec("legal_deadline", "推算法定期限的最后一天", {
        "start": {"type": "string", "description": "起算日期", "examples": ["今天"]},
        "period": {"type": "string", "description": "期限或事项"}}, ("start", "period")),
    ToolSpec("query_city_data", "查询已发布的城市数据", {
        "query": {"type": "string", "description": "城市和指标"}}, ("query",)),
    ToolSpec("traffic_scenario", "模拟封路、需求变化、限行对交通的影响", {
        "close": {"type": "string", "enum": list(CLOSE), "description": "封闭的道路"},
        "demand_percent": {"type": "number", "description": "需求增减百分比"},
        "plate_restriction": {"type": "string", "enum": list(PLATE), "description": "限行"}},
        ("close", "demand_percent", "plate_restriction"),
        {"close": "none", "demand_percent": 0, "plate_restriction": "none"}),
    ToolSpec("triage_petition", "判断一件来信、工单的类别、承办部门、风险和期限", {
        "text": {"type": "string", "description": "来信内容，写开头即可"}}, ("text",)),
    ToolSpec("similar_petitions", "查找以往相似的信访件", {
        "text": {"type": "string", "description": "来信内容，写开头即可"}}, ("text",)),
    ToolSpec("draft_reply", "给一件来信起草答复", {
        "text": {"type": "string", "description": "来信内容，写开头即可"}}, ("text",)),
    ToolSpec("match_policies", "按企业情况匹配惠企政策、补贴、减免", {
        "text": {"type": "string", "description": "企业情况，写开头即可"}}, ("text",)),
)

TOOL_NAMES: tuple[str, ...] = tuple(spec.name for spec in SPECS)
