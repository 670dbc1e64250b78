"""The grammar: ten thousand sampled calls, none invalid; and what it lets an answer say."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llguidance import LLMatcher
from llguidance.hf import from_tokenizer
from tiny import TEXT
from transformers import PreTrainedTokenizerFast

from cityllm.model import grammar
from cityllm.model.chat_format import to_message, whole_references
from cityllm.model.figures import plain_numbers, quantities
from finetune.recipe import load_recipe
from finetune.tokenizer import train_tokenizer

PHRASES = [
    "没办规划许可证就盖了楼，会怎么罚？",
    "一块地15亩，容积率2.5",
    "把主路封了😀👨‍👩‍👧平均车速会怎样",
    "第六十四条",
    "What if traffic rises by 20%?",
    'he said "stop"',
    "it's O'Brien's 1,000 m² plot",
    "C:\\temp\\new",
    "第一行\n第二行\r\n\t第三行",
    "007号文，０５７１电话，１２亩",
    "增加两成半，减半，翻一番",
    "</tool_call>",
    "<|im_end|>",
    '{"name": "x", "arguments": {}}',
    "[E1] {E2.speed}",
    "\u2028\u00a0\u200b",
    "\ud83d lone",
    "",
    "   ",
    "-3.50 and 0.00 and 12345678901234567890",
    "{{ 7*7 }} {% raw %}",
    '%regex start: /.*/ | "a"',
    "百分之二十，三公顷，二〇二六年",
    "é̂ ÀÉ ñ ß ﷽ עברית",
    "15\n亩 3 \x07米",
    "价<5000元&税>3%",
]
FIELDS: list[dict[str, Any]] = [
    {"type": "string"},
    {"type": "string", "description": "d", "default": ""},
    {"type": "string", "examples": ["信访复查", 'quo"te\\', "15个工作日"]},
    {"type": "string", "format": "expression"},
    {"type": "string", "enum": ["none", "main_road", '"\\']},
    {"enum": [1, 2.5, None, "三"]},
    {"const": "only"},
    {"type": "number"},
    {"type": "integer"},
    {"type": "integer", "minimum": 1, "maximum": 50},
    {"type": "number", "exclusiveMinimum": 0, "default": 5},
    {"type": "number", "minimum": -100, "maximum": 300},
    {"type": "boolean"},
    {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
    {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 99}, "maxItems": 3},
    {
        "type": "object",
        "properties": {"a": {"type": "boolean"}},
        "required": ["a"],
        "additionalProperties": False,
    },
]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerFast:
    folder = tmp_path_factory.mktemp("tokenizer")
    return train_tokenizer([TEXT] * 4, load_recipe("smoke").tokenizer, folder)


@pytest.fixture(scope="module")
def guide(tokenizer: PreTrainedTokenizerFast) -> Any:
    return from_tokenizer(tokenizer, n_vocab=len(tokenizer), slices=[])


def _matcher(guide: Any, lark: str) -> Any:
    matcher = LLMatcher(guide, LLMatcher.grammar_from_lark(lark))
    assert not matcher.is_error(), matcher.get_error() + lark
    return matcher


def _walk(matcher: Any, tokenizer: PreTrainedTokenizerFast, chance: np.random.Generator) -> str:
    """A text by taking any allowed token with equal chance, to its end."""
    made: list[int] = []
    while not matcher.is_stopped():
        bits = np.unpackbits(np.frombuffer(matcher.compute_bitmask(), np.uint8), bitorder="little")
        token = int(chance.choice(np.flatnonzero(bits)))
        assert matcher.consume_token(token), matcher.get_error()
        made += [token] * (token != tokenizer.eos_token_id)
        assert len(made) < 4000
    return str(tokenizer.decode(made))


def _tools(chance: random.Random) -> list[dict[str, Any]]:
    tools = []
    for number in range(chance.randint(1, 3)):
        names = chance.sample(
            ["query", "title", "start", "items", "数量", "a b"], chance.randint(0, 4)
        )
        fields = {n: chance.choice(FIELDS) for n in names}
        tools.append(
            {
                "type": "function",
                "function": {
                    "name": f"tool_{number}",
                    "description": "x",
                    "strict": None,
                    "parameters": {
                        "type": "object",
                        "properties": fields,
                        "additionalProperties": False,
                        "required": [n for n in names if chance.random() < 0.5],
                    },
                },
            }
        )
    return tools


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({k for k, _ in pairs}) == len(pairs)
    return dict(pairs)


def _check(text: str, tools: list[dict[str, Any]], user: str) -> int:
    schemas = {t["function"]["name"]: t["function"]["parameters"] for t in tools}
    bodies = re.findall(r"<tool_call>\n(.*?)\n</tool_call>", text)
    calls = to_message(text).tool_calls
    assert len(bodies) == len(calls) and 1 <= len(calls) <= 2
    for body, call in zip(bodies, calls, strict=True):
        whole = json.loads(body, object_pairs_hook=_unique, parse_constant=pytest.fail)
        assert whole == {"name": call["name"], "arguments": call["args"]}
        jsonschema.validate(call["args"], schemas[call["name"]])
        for name, value in call["args"].items():
            field = schemas[call["name"]]["properties"][name]
            if field in FIELDS[:3]:
                assert value in grammar.clean(user) or value in field.get("examples", ())
            elif field.get("format") == "expression":
                rest = re.sub(
                    "|".join(
                        map(
                            re.escape,
                            sorted(
                                [*quantities(grammar.clean(user)), "1", "100"],
                                key=len,
                                reverse=True,
                            ),
                        )
                    ),
                    "",
                    value,
                )
                assert re.fullmatch(r"[()+*/ -]*( = \? \S+)?", rest), (value, rest)
    return len(calls)


@pytest.mark.slow
def test_ten_thousand_sampled_calls_are_all_valid(
    tokenizer: PreTrainedTokenizerFast, guide: Any
) -> None:
    plan, chance, count = random.Random(1), np.random.default_rng(1), 0
    while count < 10_000:
        tools = _tools(plan)
        user = "\n".join(plan.choice(PHRASES) for _ in range(plan.randint(0, 4)))
        matcher = _matcher(guide, grammar.build(tools, user, {}, must_call=True))
        for _ in range(6):
            matcher.reset()
            count += _check(_walk(matcher, tokenizer, chance), tools, user)


@given(words=st.lists(st.sampled_from(PHRASES) | st.text(max_size=40), max_size=4))
def test_any_user_text_gives_a_valid_call(
    tokenizer: PreTrainedTokenizerFast, guide: Any, words: list[str]
) -> None:
    user = "".join(words)
    tools = _tools(random.Random(len(user)))
    matcher = _matcher(guide, grammar.build(tools, user, {}, must_call=True))
    assert _check(_walk(matcher, tokenizer, np.random.default_rng(len(user))), tools, user)


def test_huge_text_costs_little_and_the_newest_words_can_be_pointed_at(
    tokenizer: PreTrainedTokenizerFast, guide: Any
) -> None:
    user = "旧话" * 200_000 + "新近的话"
    tools = [
        {
            "function": {
                "name": "t",
                "parameters": {"properties": {"query": {"type": "string"}}, "required": ["query"]},
            }
        }
    ]
    lark = grammar.build(tools, user, {})
    assert len(lark) < 20_000
    call = '<tool_call>\n{"name": "t", "arguments": {"query": "新近的话"}}\n</tool_call>'
    assert _accepts(guide, tokenizer, lark, call)
    assert not _accepts(guide, tokenizer, lark, call.replace("新近的话", "没说过"))


def _accepts(guide: Any, tokenizer: PreTrainedTokenizerFast, lark: str, text: str) -> bool:
    matcher = _matcher(guide, lark)
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    return bool(matcher.try_consume_tokens(ids) == len(ids) and matcher.is_accepting())


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("[E1]", True),
        ("[off_topic]", True),
        ("依据[E1]，罚款数额由机关确定。", True),
        ("速度{E2.mean_speed}，见[E1]。", True),
        ("[E3]", False),
        ("{E2.delay}", False),
        ("{E1.mean_speed}", False),
        ("没有引用的话", False),
        ("罚款5万元[E1]", False),
        ("罚款５万元[E1]", False),
        ("[E1]<tool_call>", False),
        ("", False),
    ],
)
def test_an_answer_names_only_evidence_that_was_shown(
    tokenizer: PreTrainedTokenizerFast, guide: Any, text: str, allowed: bool
) -> None:
    shown = grammar.evidence_names(
        ["[E1] 城乡规划法 第六十四条 x=3 未取得", "[E2] traffic mean_speed=31.2 km/h"]
    )
    assert shown == {1: ["text"], 2: ["mean_speed"]}
    assert _accepts(guide, tokenizer, grammar.build([], "问", shown), text) is allowed


def test_nothing_but_calls_where_a_call_must_come(
    tokenizer: PreTrainedTokenizerFast, guide: Any
) -> None:
    tools = [{"function": {"name": "now", "parameters": None}}]
    lark = grammar.build(tools, "", {1: ["text"]}, must_call=True)
    assert not _accepts(guide, tokenizer, lark, "[E1]")
    assert _accepts(
        guide, tokenizer, lark, '<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>'
    )


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("007号", ["7"]),
        ("１２亩", ["12"]),
        ("百分之二十", ["20"]),
        ("增加两成半", ["25"]),
        ("1,200.50元", ["1200.50"]),
        ("double it", ["100"]),
        ("一百零三", ["103"]),
        ("二〇二六", ["2026"]),
        ("9" * 40, []),
        ("无", []),
    ],
)
def test_numbers_that_a_person_names(text: str, numbers: list[str]) -> None:
    assert plain_numbers(text) == numbers


@given(st.text())
def test_every_named_number_is_json_and_every_quantity_was_said(text: str) -> None:
    assert all(isinstance(json.loads(n), int | float) for n in plain_numbers(text))
    assert all(q in text and "\n" not in q for q in quantities(text))


@given(st.text(alphabet="[]{}E1.ab "))
def test_a_cut_answer_never_ends_in_an_open_reference(text: str) -> None:
    cut = whole_references(text)
    assert text.startswith(cut)
    last = max(cut.rfind("["), cut.rfind("{"))
    assert last < 0 or max(cut.rfind("]"), cut.rfind("}")) > last
    assert cut == text or text[len(cut)] in "[{"


def test_control_marks_in_words_of_others_become_blanks() -> None:
    assert grammar.clean("a<|im_end|>b</tool_call>c<think>") == "a b c "
    assert grammar.clean("x<5 且 y>3 <b>") == "x<5 且 y>3 <b>"


def test_what_is_likely_found_is_not_called_missing() -> None:
    shown = grammar.evidence_names(["[E1] 很可能 城乡规划法 第六十四条 未取得"])
    assert '"[not_found]"' in grammar.build([], "", shown)
    told = grammar.build([], "", shown, found=True)
    assert '"[not_found]"' not in told and '"[off_topic]"' not in told
    assert '"[no_such_article]"' in told and '"[E1]"' in told
