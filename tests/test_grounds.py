"""Why each label was given: the sums are exact, the words stand in the message."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityllm.config import ROOT
from cityllm.petitions.classify import Classifier
from cityllm.petitions.features import plain
from cityllm.petitions.grounds import AGAINST, FOR
from cityllm.petitions.record import Ground, Labels
from cityllm.petitions.shares import Reading, places, shares, words
from cityllm.petitions.wrongdoing import shield

GOLD = ROOT / "evals" / "petitions" / "gold.jsonl"
MIXED = st.text(alphabet="拖欠工资ＡﬁÅ①12 　3，。\n噪声a", max_size=60)
NEAR = 1e-4


@cache
def clerk() -> Classifier:
    return Classifier.load(ROOT / "cityllm" / "model" / "weights" / "triage", ROOT / "rag_corpus")


@cache
def gold() -> tuple[str, ...]:
    rows = map(json.loads, GOLD.read_text(encoding="utf-8").splitlines()[:120])
    return tuple(f"{row['title']}\n{row['text']}" for row in rows)


def told(texts: tuple[str, ...], district: str = "") -> list[tuple[Labels, tuple[Ground, ...]]]:
    where = [district] * len(texts)
    labels = clerk().labels(texts, where)
    return list(zip(labels, clerk().grounds(texts, labels, where), strict=True))


def of(grounds: tuple[Ground, ...], name: str, label: str = "") -> Ground:
    return next(one for one in grounds if one.of == name and label in ("", one.label))


@settings(max_examples=60, deadline=None)
@given(st.lists(MIXED, min_size=1, max_size=3))
def test_characters_and_bias_add_up_to_every_score(texts: list[str]) -> None:
    weights = clerk().weights
    every = np.eye(len(weights.bias), dtype=np.float32)
    read = Reading.of(texts, weights)
    scores = weights.scores_of(texts)
    for row in range(len(texts)):
        added = shares(weights, read, row, every).sum(axis=1) + weights.bias
        assert added == pytest.approx(scores[row], abs=NEAR)


def test_the_words_of_a_category_add_up_to_its_log_odds() -> None:
    chances = clerk().chances(gold())
    held, codes = chances.levels[3], chances.codes[3]
    seen = 0
    for row, (labels, grounds) in enumerate(told(gold())):
        if not grounds:
            continue
        one = of(grounds, "category")
        assert (one.label, one.against) == tuple(code for code, _ in labels.alternatives[:2])
        odds = np.log(held[row, codes.index(one.label)] / held[row, codes.index(one.against)])
        assert one.score == pytest.approx(odds, abs=NEAR)
        seen += 1
    assert seen > 100


def test_every_score_is_bias_words_and_rest_and_the_words_are_in_the_message() -> None:
    for text, (_, grounds) in zip(gold(), told(gold()), strict=True):
        for one in grounds:
            if one.by == "classifier":
                parts = one.bias + one.rest + sum(share for _, share in one.words)
                assert one.score == pytest.approx(parts, abs=NEAR)
                assert one.score >= -NEAR, "what was given is ahead"
                assert sum(share > 0 for _, share in one.words) <= FOR
                assert sum(share < 0 for _, share in one.words) <= AGAINST
            if one.by in ("classifier", "words"):
                assert all(word in text and "\n" not in word for word, _ in one.words)


def test_kind_and_risk_are_measured_above_their_limits() -> None:
    labels = clerk().labels(gold())
    scores = clerk().weights.scores_of(gold())
    risks, kinds = (clerk().weights.columns(name) for name in ("risk", "kind"))
    found = set()
    for row, (held, grounds) in enumerate(told(gold())):
        for one in grounds:
            if one.by != "classifier" or one.of not in ("risk", "kind"):
                continue
            names = clerk().weights.heads[one.of]
            if one.of == "risk":
                mark = scores[row, risks][names.index(one.label)] - clerk().limit("risk", one.label)
            else:
                over = {name: scores[row, kinds][at] - clerk().limit("kind", name)
                        for at, name in enumerate(names) if at} | {names[0]: 0.0}
                mark = over[one.label] - max(v for name, v in over.items() if name != one.label)
            assert one.score == pytest.approx(mark, abs=NEAR)
            found.add(one.of)
        assert held == labels[row]
    assert found == {"risk", "kind"}


def test_what_speaks_for_a_matter_and_what_a_rule_saw_are_told() -> None:
    texts = ("老板跑了\n我们二十几个农民工在工地干了半年，老板拖欠工资不给",
             "快来人\n楼道煤气泄漏，要出人命", "路灯\n幸福路的路灯坏了三天，请尽快修")
    pay, gas, lamp = (grounds for _, grounds in told(texts, "南湖区"))
    assert any("工资" in word and share > 0 for word, share in of(pay, "category").words)
    life = of(gas, "risk", "life")
    assert life.by == "words" and all(word in texts[1] for word, _ in life.words)
    assert any("灯坏" in word for word, _ in of(lamp, "category").words)
    for grounds in (pay, gas, lamp):
        who = of(grounds, "department")
        named = who.label.startswith("南湖区")
        assert (("南湖区", 0.0) in who.words) is named and (who.by == "place") is named
    assert any(of(grounds, "department").by == "place" for grounds in (pay, gas, lamp))


def test_a_text_that_reads_as_nothing_has_a_bias_alone() -> None:
    (labels, grounds), = told(("！！！",))
    one = of(grounds, "category", labels.category_code)
    assert one.words == () and one.rest == 0 and one.score == one.bias


def test_a_change_by_the_language_model_or_a_rule_is_told_as_such() -> None:
    text = "路灯\n幸福路的路灯坏了三天，请尽快修"
    labels = clerk().labels([text])[0]
    other = labels.alternatives[1][0]
    changed = replace(labels, category_code=other, kind="report", jurisdiction="petition")
    changed = shield(text, changed)
    grounds = clerk().grounds([text], [changed], [""])[0]
    assert of(grounds, "category").by == "model"
    assert changed.kind == "complaint"


def test_a_withheld_report_has_no_grounds() -> None:
    text = "举报\n村主任收了红包，把征地款打进小舅子的账户。"
    labels = shield(text, clerk().labels([text])[0])
    assert labels.kind == "report"
    assert clerk().grounds([text], [labels], [""]) == [()]


@settings(max_examples=200, deadline=None)
@given(MIXED)
def test_characters_are_found_again_in_the_message(text: str) -> None:
    read = plain(text)
    where = places(text, read)
    if where is None:
        return
    last = 0
    for sign, (a, b) in zip(read, where, strict=True):
        if sign == " ":
            assert (a, b) == (-1, -1)
            continue
        assert last <= a < b or (a, b) == (last - 1, last), "in order"
        assert sign in plain(text[a:b])
        last = b


@settings(max_examples=100, deadline=None)
@given(MIXED)
def test_words_are_the_text_cut_into_pieces(text: str) -> None:
    read = Reading.of([text], clerk().weights)
    where = places(text, plain(text))
    if where is None:
        return
    begins = words(clerk().weights, read, 0, where).tolist()
    assert begins[0] == 0 and begins[-1] == len(plain(text))
    assert all(0 < b - a <= 4 for a, b in pairwise(begins))


def test_company_and_order_do_not_change_the_grounds() -> None:
    texts = gold()[:24]
    turned = [grounds for _, grounds in told(texts[::-1])][::-1]
    for (_, one), other in zip(told(texts), turned, strict=True):
        assert [(g.of, g.label, [w for w, _ in g.words]) for g in one] == [
            (g.of, g.label, [w for w, _ in g.words]) for g in other]
