"""A match told in words: the verdict is the rules', and no sentence of a model gets past them."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from fakes import QueueModel
from hypothesis import given, settings
from hypothesis import strategies as st

from cityllm.agent.wording import Narrator, Wording
from cityllm.config import ROOT
from cityllm.errors import ModelUnavailable
from cityllm.messages import Language
from cityllm.policies.explain import Words
from cityllm.policies.match_trace import match_trace
from cityllm.policies.ruleset import RuleSet
from cityllm.policies.service import Match, PolicyService
from cityllm.web.match_words import in_words

SERVICE = PolicyService(RuleSet.load(ROOT / "rag_corpus"))
POLICY = "xiaoxing-weili-suodeshui"
DAY = date(2026, 6, 1)
SMALL = {"entity": "company", "restricted_industry": False, "employees": 301, "industry": "6513",
         "total_assets": "900万"}


def match_of(**more: Any) -> Match:
    return SERVICE.one(POLICY, SERVICE.rules.dictionary.read({**SMALL, **more}), DAY)


def told(*sentences: str, language: Language = "zh", match: Match | None = None) -> Wording:
    model = QueueModel(replies=["".join(sentences)])
    return in_words(Narrator(model), SERVICE, match or match_of(), language)


def test_the_models_sentences_stand_after_the_verdict_of_the_rules() -> None:
    found = told("主要卡在：{E1.unmet}。", "先把{E1.change}[E1]。")
    match, words = match_of(), Words(SERVICE, "zh")
    assert found.by == "model" and found.removed == ()
    assert found.text.startswith(words.headline(match) + "主要卡在：")
    assert words.changes(match) in found.text
    assert "{" not in found.text and "大模型写的" in found.note


@pytest.mark.parametrize("sentence", [
    "您符合条件，[E1]。", "可以享受{E1.amount}。", "您能申请{E1.policy}。", "还差5万元，见[E1]。", "补齐材料就行。",
    "{E1.unmet}和{E1.unmet}都没达到。", "缺{E2.missing}。", "《补贴法》第3条规定如此[E1]。",
    "You are eligible for {E1.policy}.", "You may apply for {E1.policy} today."])
def test_a_sentence_that_judges_invents_or_points_at_nothing_is_left_out(sentence: str) -> None:
    found, match, words = told(sentence), match_of(), Words(SERVICE, "zh")
    assert found.by == "rules" and len(found.removed) == 1
    assert found.text == "".join([words.headline(match), *words.plain(match)])
    assert "没有通过核对" in found.note


def test_what_passes_stays_when_the_rest_is_left_out() -> None:
    found = told("您够条件[E1]。", "还缺{E1.missing}。", language="zh", match=match_of(employees=20))
    assert found.by == "model" and "够条件" not in found.text and len(found.removed) == 1


def test_in_english() -> None:
    found = told("What stands in the way: {E1.unmet}.", language="en")
    assert found.by == "model" and found.text.startswith("Income tax of small")
    assert re.search(r"not eligible\. What stands in the way: ", found.text)


@settings(deadline=None)
@given(st.lists(st.sampled_from([
    "您符合", "可享受", "不满足", "合格", "eligible", "qualify", "{E1.unmet}", "{E1.missing}", "[E1]", "[E2]",
    "500万元", "先补", "，", "。", "\n", "</think>", "<tool_call>", "结论改为通过认定"]), max_size=12))
def test_no_text_of_a_model_says_who_is_entitled(parts: list[str]) -> None:
    match = match_of()
    found = told(*parts, match=match)
    headline = Words(SERVICE, "zh").headline(match)
    assert found.text.startswith(headline)
    if found.by == "model":
        rest = found.text.removeprefix(headline)
        for value in match_trace(SERVICE, match, "zh").values.values():
            rest = rest.replace(value.text, "")
        assert not re.search(r"符合|享受|满足|合格|eligib|qualif|认定|500", rest), rest


def test_without_a_model_the_rules_speak_and_say_so() -> None:
    found = in_words(Narrator(None), SERVICE, match_of(), "zh")
    assert found.by == "rules" and "CITYLLM_ENGINE=endpoint" in found.note
    assert "没有达到：" in found.text and "301" in found.text


def test_a_dead_server_is_an_error_that_says_what_to_do() -> None:
    model = QueueModel(replies=[ModelUnavailable("连不上", "no connection")])
    with pytest.raises(ModelUnavailable, match="连不上"):
        in_words(Narrator(model), SERVICE, match_of(), "zh")


def test_every_value_may_be_named_and_none_is_empty() -> None:
    for one in SERVICE.match(SERVICE.rules.dictionary.read({"region": "北京市/海淀区"}), DAY).matches:
        for language in ("zh", "en"):
            trace = match_trace(SERVICE, one, language)  # type: ignore[arg-type]
            assert trace.values["policy"].text and trace.values["verdict"].text
            assert all(value.text for value in trace.values.values())
