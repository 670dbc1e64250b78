"""The conversations' store: nothing lost, nothing of others seen."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from fakes_web import FakeLedger, answer_of

from cityllm.web.conversations import TITLE, Conversations

ANSWER = answer_of("怎么罚？", FakeLedger(), "", date(2024, 5, 1))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "home" / "conversations.sqlite"


@pytest.fixture
def store(file: Path) -> Iterator[Conversations]:
    opened = Conversations.open(file)
    yield opened
    opened.close()


def test_a_conversation_survives_a_restart_whole(file: Path) -> None:
    first = Conversations.open(file)
    conversation, turn = first.begin("li", "", "没办许可证怎么罚？", date(2024, 5, 1))
    first.finish(turn, ANSWER)
    assert first.rate("li", turn, "bad", "条号不对")
    first.close()
    again = Conversations.open(file)
    (kept,) = again.turns("li", conversation) or []
    assert kept.answer == ANSWER and kept.state == "done" and kept.as_of == date(2024, 5, 1)
    assert (kept.verdict, kept.comment) == ("bad", "条号不对")
    assert [one.title for one in again.of("li")] == ["没办许可证怎么罚？"]
    again.close()


def test_a_turn_running_when_the_program_died_is_failed_afterwards(file: Path) -> None:
    first = Conversations.open(file)
    conversation, turn = first.begin("li", "", "问", None)
    second = Conversations.open(file)
    assert [t.state for t in second.turns("li", conversation) or []] == ["failed"]
    second.finish(turn, ANSWER)
    assert [t.answer for t in second.turns("li", conversation) or []] == [None]
    first.close()
    second.close()


def test_another_users_conversation_is_as_none(store: Conversations) -> None:
    conversation, turn = store.begin("li", "", "问", None)
    store.finish(turn, ANSWER)
    assert store.turns("wang", conversation) is None and store.turn("wang", turn) is None
    assert store.of("wang") == [] and not store.rate("wang", turn, "good")
    store.delete("wang", conversation)
    assert store.owns("li", conversation)
    other, _ = store.begin("wang", conversation, "问别人的", None)
    assert other != conversation and len(store.turns("li", conversation) or []) == 1


def test_turns_keep_their_order_and_lift_their_conversation(store: Conversations) -> None:
    first, _ = store.begin("li", "", "甲", None)
    second, _ = store.begin("li", "", "乙", None)
    assert [c.id for c in store.of("li")] == [second, first]
    same, _ = store.begin("li", first, "丙", None)
    assert same == first and [c.id for c in store.of("li")] == [first, second]
    assert [t.question for t in store.turns("li", first) or []] == ["甲", "丙"]


def test_what_was_stopped_stays_stopped(store: Conversations) -> None:
    conversation, turn = store.begin("li", "", "问", None)
    store.fail(turn, "已停止", "Stopped", "stopped")
    store.finish(turn, ANSWER)
    store.fail(turn, "又错", "again")
    (kept,) = store.turns("li", conversation) or []
    assert (kept.state, kept.answer, kept.problem_zh) == ("stopped", None, "已停止")


def test_deleting_takes_turns_and_feedback_along(store: Conversations, file: Path) -> None:
    conversation, turn = store.begin("li", "", "问", None)
    store.finish(turn, ANSWER)
    store.rate("li", turn, "good")
    store.delete("li", conversation)
    store.finish(turn, ANSWER)
    db = sqlite3.connect(file)
    for table in ("conversations", "turns", "feedback"):
        assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    db.close()


def test_a_second_thumb_replaces_the_first_and_keeps_the_comment(store: Conversations) -> None:
    _, turn = store.begin("li", "", "问", None)
    store.finish(turn, ANSWER)
    store.rate("li", turn, "bad", "不对")
    store.rate("li", turn, "good")
    kept = store.turn("li", turn)
    assert kept is not None and (kept.verdict, kept.comment) == ("good", "不对")
    assert not store.rate("li", turn, "excellent")


def test_a_record_of_another_shape_is_said_to_be_unreadable(store: Conversations,
                                                           file: Path) -> None:
    conversation, turn = store.begin("li", "", "问", None)
    store.finish(turn, ANSWER)
    db = sqlite3.connect(file)
    db.execute("UPDATE turns SET answer = '{\"old\": 1}'")
    db.commit()
    db.close()
    assert [t.state for t in store.turns("li", conversation) or []] == ["unreadable"]


def test_a_long_first_question_is_cut_in_the_list(store: Conversations) -> None:
    store.begin("li", "", "问\n" * 200, None)
    (one,) = store.of("li")
    assert len(one.title) == TITLE and one.title.endswith("…") and "\n" not in one.title
