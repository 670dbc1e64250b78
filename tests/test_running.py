"""Answers on their way: followed, stopped, timed out, failed in a sentence."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import gradio as gr
import pytest
from fakes_web import FakeAssistant, FakeLedger

from cityllm.agent.events import Delta, Event
from cityllm.agent.petition_tools import CASES
from cityllm.safety.access import Account, Role
from cityllm.web.conversations import Conversations, Turn
from cityllm.web.handlers import Chat
from cityllm.web.running import Run, Runs
from cityllm.web.texts import text


@pytest.fixture
def assistant() -> FakeAssistant:
    return FakeAssistant(FakeLedger(), pause=0.3)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Conversations]:
    opened = Conversations.open(tmp_path / "c.sqlite")
    yield opened
    opened.close()


def begin(runs: Runs, store: Conversations, question: str, history: Any = ()) -> tuple[str, Run]:
    conversation, turn = store.begin("li", "", question, None)
    return conversation, runs.start(turn, question, history, None, "zh")


def last(store: Conversations, conversation: str) -> Turn:
    return (store.turns("li", conversation) or [])[-1]


def wait(run: Run) -> None:
    assert run.ended.wait(timeout=20)


def test_an_answer_is_followed_and_kept(assistant: FakeAssistant, store: Conversations) -> None:
    runs = Runs(assistant, store, 1, 30)
    conversation, run = begin(runs, store, "怎么罚？", [("先前", "回答")])
    pictures = list(runs.follow(run))
    assert any(live.running for live in pictures), "a tool was seen at work"
    drafts = [live.draft for live in pictures if live.draft]
    assert len(drafts) > 1 and drafts[-1].startswith(drafts[0])
    kept = last(store, conversation)
    assert kept.state == "done" and kept.answer is not None
    assert kept.answer.citations[0].article == "64"
    assert assistant.calls[0][1] == [("先前", "回答")]
    assert runs.get(run.turn) is None


def test_two_pages_may_follow_one_answer(assistant: FakeAssistant, store: Conversations) -> None:
    runs = Runs(assistant, store, 1, 30)
    _, run = begin(runs, store, "等一等，怎么罚？")
    first, second = runs.follow(run), runs.follow(run)
    assert next(first).question == next(second).question
    assistant.gate.set()
    both = [(a.draft, b.draft) for a, b in zip(first, second, strict=False)]
    assert any(a and b for a, b in both)


def test_an_answer_goes_on_when_nobody_looks(assistant: FakeAssistant,
                                             store: Conversations) -> None:
    runs = Runs(assistant, store, 1, 30)
    conversation, run = begin(runs, store, "怎么罚？")
    wait(run)
    assert last(store, conversation).state == "done"


def test_stop_ends_the_wait_at_once_and_leaves_a_sentence(assistant: FakeAssistant,
                                                          store: Conversations) -> None:
    runs = Runs(assistant, store, 1, 30)
    conversation, run = begin(runs, store, "等一等")
    began = time.monotonic()
    for live in runs.follow(run):
        if len(live.steps) == 2:
            runs.stop(run.turn)
    assert time.monotonic() - began < 10
    kept = last(store, conversation)
    assert (kept.state, kept.problem_zh) == ("stopped", text("stopped", "zh"))
    assistant.gate.set()
    assert last(store, conversation).answer is None


def test_patience_ends_in_a_sentence(assistant: FakeAssistant, store: Conversations) -> None:
    runs = Runs(assistant, store, 1, 0.5)
    conversation, run = begin(runs, store, "等一等")
    list(runs.follow(run))
    kept = last(store, conversation)
    assert kept.state == "failed" and "cityllm doctor" in kept.problem_en
    assistant.gate.set()


def test_an_engine_error_is_shown_in_its_own_words(assistant: FakeAssistant,
                                                   store: Conversations) -> None:
    runs = Runs(assistant, store, 1, 30)
    conversation, run = begin(runs, store, "超时")
    wait(run)
    kept = last(store, conversation)
    assert kept.problem_zh == "语言模型 30 秒没有回答，请稍后再试。"
    assert "try again later" in kept.problem_en


def test_an_unexpected_error_shows_a_number_and_nothing_of_itself(
        assistant: FakeAssistant, store: Conversations, caplog: pytest.LogCaptureFixture) -> None:
    runs = Runs(assistant, store, 1, 30)
    with caplog.at_level(logging.ERROR):
        conversation, run = begin(runs, store, "故障")
        wait(run)
    kept = last(store, conversation)
    shown = kept.problem_zh + kept.problem_en
    assert "secret" not in shown and "Error" not in shown and "Traceback" not in shown
    record = caplog.records[-1]
    assert str(record.args[1]) in kept.problem_zh  # type: ignore[index]
    assert record.exc_info is not None


def test_a_stream_without_an_end_is_a_failure(store: Conversations) -> None:
    class Endless:
        def stream(self, *_: Any, **__: Any) -> Iterator[Event]:
            yield Delta("半句")

    runs = Runs(Endless(), store, 1, 30)
    conversation, run = begin(runs, store, "问")
    wait(run)
    assert last(store, conversation).state == "failed"


def test_no_more_answers_at_once_than_the_engine_takes(assistant: FakeAssistant,
                                                       store: Conversations) -> None:
    runs = Runs(assistant, store, 1, 30)
    _, first = begin(runs, store, "等一等")
    while not assistant.calls:
        time.sleep(0.01)
    conversation, second = begin(runs, store, "怎么罚？")
    assert next(runs.follow(second)).queued
    assert len(assistant.calls) == 1
    assistant.gate.set()
    wait(first)
    wait(second)
    assert last(store, conversation).state == "done"


def test_a_stopped_question_leaves_the_queue(assistant: FakeAssistant,
                                             store: Conversations) -> None:
    runs = Runs(assistant, store, 1, 30)
    _, first = begin(runs, store, "等一等")
    while not assistant.calls:
        time.sleep(0.01)
    _, second = begin(runs, store, "怎么罚？")
    runs.stop(second.turn)
    assistant.gate.set()
    wait(first)
    time.sleep(0.5)
    assert len(assistant.calls) == 1


@pytest.mark.parametrize(("role", "closed"), [
    ("planner", (CASES,)), ("enterprise", (CASES,)), ("clerk", ()), ("supervisor", ()),
    ("auditor", ()), ("admin", ())])
def test_petitions_of_others_are_found_for_those_alone_who_may_read_them(
        assistant: FakeAssistant, store: Conversations, role: Role,
        closed: tuple[str, ...]) -> None:
    runs = Runs(assistant, store, 1, 60)
    chat = Chat(cast(Any, assistant.ledger), store, runs, "zh",
                lambda name: Account(name, role), signed_in=True)
    conversation, *_ = chat.ask("有没有类似的信访件", "", "", "zh", gr.Request(username="li"))
    (turn,) = store.turns("li", conversation) or []
    run = runs.get(turn.id)
    assert run is None or run.ended.wait(20)
    assert assistant.closed == [closed]
