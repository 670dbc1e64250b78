"""The same matter, the same person: the estimate against exact sets, readable pairs, many rows."""

from __future__ import annotations

import random
import time
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityllm.petitions.duplicates import SIGNS, Sketch, link, places_in, plain, signature

WORDS = "灯垃圾停水噪音施工夜里物业收费公交油烟井盖漏水停车位电梯故障拖欠工资补贴申请审批答复"


def sketch(id_: str, text: str, day: int = 0, person: str = "") -> Sketch:
    return Sketch(id_, signature(text), day, person, places_in(text))


def grams(text: str) -> set[str]:
    told = plain(text)
    return {told[n:n + 3] for n in range(len(told) - 2)}


@settings(max_examples=80, deadline=None)
@given(st.text(WORDS, min_size=20, max_size=200), st.text(WORDS, max_size=60),
       st.integers(0, 100))
def test_the_estimate_is_near_the_exact_similarity(text: str, other: str, cut: int) -> None:
    changed = text[:cut] + other + text[cut:]
    first, second = grams(text), grams(changed)
    exact = len(first & second) / len(first | second)
    estimate = float((signature(text) == signature(changed)).mean())
    assert abs(estimate - exact) < 5 * 0.5 / SIGNS ** 0.5 + 0.02


def test_marks_of_masking_and_punctuation_do_not_count() -> None:
    assert plain("您好，〔姓名〕！ A1区") == "您好a1区"
    assert (signature("我是〔姓名〕，路灯坏了三天") == signature("我是，〔姓名〕路灯坏了，三天！")).all()


LAMP = "幸福路小学门口的路灯坏了一个多星期，晚上孩子放学一片漆黑，很不安全，请有关部门尽快派人来修理。"
SAME = "幸福路小学门口路灯坏了一个多星期了，晚上孩子放学一片漆黑，很不安全，希望有关部门尽快修理。"
ELSEWHERE = LAMP.replace("幸福路", "平安路")
OTHER = "请问退休人员的养老金今年什么时候调整，我母亲去年退休，到现在还没有收到通知，希望人社局答复。"
DAY = date(2026, 3, 2).toordinal()


@pytest.mark.parametrize(("second", "days", "person", "expected"), [
    (LAMP, 0, "", True), (SAME, 3, "", True), (SAME, 400, "", False), (ELSEWHERE, 0, "", False),
    (OTHER, 0, "", False), (OTHER, 0, "p", False)])
def test_readable_pairs(second: str, days: int, person: str, expected: bool) -> None:
    found = link([sketch("a", LAMP, DAY, "p"), sketch("b", second, DAY + days, person)])
    assert found[0].same == ""
    assert (found[1].same == "a") is expected
    assert (found[1].again == "a") is (person == "p")


def test_the_earlier_one_is_the_first_whatever_the_order_of_rows() -> None:
    found = link([sketch("late", LAMP, DAY + 2), sketch("none", LAMP), sketch("early", LAMP, DAY)])
    assert [one.same for one in found] == ["early", "early", ""]


def test_empty_and_short_texts_are_nobodys_duplicates() -> None:
    found = link([sketch("a", ""), sketch("b", ""), sketch("c", "好")])
    assert [one.same for one in found] == ["", "", ""]
    assert link([]) == []


def test_pairs_are_those_that_comparing_all_would_find() -> None:
    draw = random.Random(5)
    texts = ["".join(draw.choices(WORDS, k=120)) for _ in range(60)]
    for text in texts[:40]:
        signs = list(text)
        for place in draw.sample(range(120), draw.randint(1, 9)):
            signs[place] = draw.choice(WORDS)
        texts.append("".join(signs))
    rows = [sketch(str(n), text) for n, text in enumerate(texts)]
    expected = {n for n in range(60, 100)
                if any((rows[n].signs == rows[m].signs).mean() >= 0.5 for m in range(n))}
    assert {n for n, one in enumerate(link(rows)) if one.same} == expected
    assert len(expected) > 25


def test_twenty_thousand_rows_take_seconds() -> None:
    rng = np.random.default_rng(1)
    base = rng.integers(0, 2**32 - 1, (5000, SIGNS), dtype=np.uint32)
    rows = []
    for n in range(20_000):
        signs = base[n % 5000].copy()
        signs[rng.integers(0, SIGNS, 20)] = rng.integers(0, 2**32 - 1, 20)
        rows.append(Sketch(str(n), signs))
    start = time.monotonic()
    found = link(rows)
    assert time.monotonic() - start < 60
    assert sum(bool(one.same) for one in found) == 15_000
