"""The language model is asked for the unsure rows only, points at a number, and may fail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from cityllm.config import Settings
from cityllm.errors import ModelUnavailable
from cityllm.petitions.cascade import FAILURES, Ask, Cascade, asker
from cityllm.petitions.classify import Classifier
from cityllm.petitions.trial import QUESTIONS
from tests.fakes import QueueModel, calls

TEXTS = ["楼上漏水，物业说不归他们管，开发商也不来", "拖欠工资三个月，老板跑了", "请问一下", "局长收了红包才签字"]


@pytest.fixture(scope="module")
def fast() -> Classifier:
    settings = Settings()
    return Classifier.load(settings.weights / "triage", settings.pack)


def test_only_unsure_rows_are_asked_and_the_pick_decides_category_and_department(
        fast: Classifier) -> None:
    heard: list[str] = []

    def ask(text: str, options: Sequence[str]) -> int:
        heard.append(text)
        return 1

    plain = fast.labels(TEXTS, ["南湖区"] * 4)
    limit = sorted(one.confidence for one in plain)[2]
    cascade = Cascade(fast, ask, unsure=limit, trial=())
    found = cascade.labels(TEXTS, ["南湖区"] * 4)
    unsure = [at for at, one in enumerate(plain) if one.confidence < limit and at != 3]
    assert heard == [TEXTS[at] for at in unsure for _ in range(2)]
    assert (cascade.calls, cascade.changed) == (2 * len(unsure), len(unsure))
    for at, (before, after) in enumerate(zip(plain, found, strict=True)):
        if at not in unsure:
            assert after == before
            continue
        code = before.alternatives[1][0]
        assert after.category_code == code and after.category == fast.tree.path(code)
        assert after.department == fast.duties.department(code, "南湖区", TEXTS[at])
        assert after.confidence == before.confidence


@pytest.mark.parametrize("place", [0, 2])
def test_a_model_that_likes_a_place_in_the_list_changes_nothing(
        fast: Classifier, place: int) -> None:
    cascade = Cascade(fast, lambda text, options: place, unsure=1.1, trial=())
    assert cascade.labels(TEXTS[:3]) == fast.labels(TEXTS[:3])
    assert (cascade.calls, cascade.changed) == (3 if place else 6, 0)
    once = Cascade(fast, lambda text, options: place, unsure=1.1, trial=(), twice=False)
    once.labels(TEXTS[:3])
    assert (once.calls, once.changed) == (3, 3 if place else 0)


def test_another_label_is_believed_where_it_is_named_in_either_order(fast: Classifier) -> None:
    plain = fast.labels(TEXTS[:1])
    third = " / ".join(fast.tree.path(plain[0].alternatives[2][0]))
    heard: list[Sequence[str]] = []

    def ask(text: str, options: Sequence[str]) -> int:
        heard.append(options)
        return options.index(third)

    found = Cascade(fast, ask, unsure=1.1, trial=()).labels(TEXTS[:1])
    assert found[0].category_code == plain[0].alternatives[2][0]
    assert heard[0] == heard[1][::-1]


def _reader(fast: Classifier) -> Ask:
    """Picks the option that the shipped classifier finds likeliest."""
    codes = fast.weights.heads["3"]
    names = [" / ".join(fast.tree.path(code)) for code in codes]

    def ask(text: str, options: Sequence[str]) -> int:
        leaves = fast.chances([text]).levels[3][0]
        return max(range(3), key=lambda at: leaves[names.index(options[at])])

    return ask


def test_who_reads_passes_the_trial_and_is_then_asked(fast: Classifier) -> None:
    cascade = Cascade(fast, _reader(fast), unsure=1.1)
    cascade.labels(TEXTS[:1])
    cascade.labels(TEXTS[1:2])
    assert cascade.solved is not None and cascade.solved >= 19
    assert 2 * cascade.solved < cascade.calls <= 2 * len(QUESTIONS) + 4


@pytest.mark.parametrize("place", [0, 1, 2])
def test_who_does_not_read_fails_the_trial_and_is_asked_about_no_row(
        fast: Classifier, place: int) -> None:
    heard: list[str] = []

    def ask(text: str, options: Sequence[str]) -> int:
        heard.append(text)
        return place

    cascade = Cascade(fast, ask, unsure=1.1)
    assert cascade.labels(TEXTS[:3]) == fast.labels(TEXTS[:3])
    assert cascade.solved == (7 if place == 1 else 0) and not set(heard) & set(TEXTS)
    assert cascade.labels(TEXTS[:3]) == fast.labels(TEXTS[:3]) and cascade.calls == len(heard)


def test_every_question_of_the_trial_names_categories_of_the_shipped_tree(
        fast: Classifier) -> None:
    names = {" / ".join(fast.tree.path(code)) for code in fast.weights.heads["3"]}
    for question in QUESTIONS:
        assert {question.right, *question.wrong} <= names and question.right not in question.wrong


def test_a_report_of_wrongdoing_is_never_asked_about(fast: Classifier) -> None:
    def ask(text: str, options: Sequence[str]) -> int:
        raise AssertionError("it was asked")

    Cascade(fast, ask, unsure=1.1, trial=()).labels([TEXTS[3]])


@pytest.mark.parametrize(("reply", "picked"), [
    (calls(("choose_category", {"number": "2"})), 1), ("2", None),
    (calls(("choose_category", {"number": "9"})), None), (calls(("choose_category", {})), None)])
def test_only_a_call_with_one_of_the_numbers_is_a_pick(reply: Any, picked: int | None) -> None:
    model = QueueModel(replies=[reply])
    assert asker(model)("路灯坏了", ["甲", "乙", "丙"]) == picked
    assert "2. 乙" in str(model.heard[0][1].content)


def test_a_model_that_fails_leaves_the_labels_and_is_asked_no_more(fast: Classifier) -> None:
    def ask(text: str, options: Sequence[str]) -> int:
        raise ModelUnavailable("不在", "gone")

    cascade = Cascade(fast, ask, unsure=1.1, trial=())
    many = TEXTS[:3] * 4
    assert cascade.labels(many) == fast.labels(many)
    assert cascade.calls == cascade.failed == FAILURES
