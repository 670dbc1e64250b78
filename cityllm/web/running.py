"""Answers on their way: one thread each, watched by as many pages as like, stopped by a word.

The thread belongs to the question, not to the page: a page that is closed or loaded again loses
nothing. What cannot be answered ends in a sentence kept with the turn; the log has the rest.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Protocol

from cityllm.agent.events import Delta, Event, Final, StepDone, StepStarted
from cityllm.errors import CityLLMError
from cityllm.evidence import Answer, Step
from cityllm.messages import Language
from cityllm.web.conversations import Conversations, State
from cityllm.web.texts import text

log = logging.getLogger(__name__)
TICK = 0.12
"""Seconds between two pictures of an answer that is being written."""


class Answers(Protocol):
    """What the chat needs of an assistant."""

    def stream(self, question: str, history: Sequence[tuple[str, str]] = (),
               as_of: date | None = None, language: Language | None = None,
               closed: Collection[str] = ()) -> Iterator[Event]:
        """Events, the last of them Final; no tool of `closed` is used."""


@dataclass(frozen=True)
class Live:
    """An unfinished answer as it stands. `running` are calls that have begun and not ended."""

    question: str
    queued: bool = True
    steps: tuple[Step, ...] = ()
    running: tuple[StepStarted, ...] = ()
    draft: str = ""
    waited: int = 0
    """Whole seconds since something last happened."""

    def after(self, event: Event) -> Live:
        """The picture after `event`."""
        if isinstance(event, StepStarted):
            return replace(self, running=(*self.running, event), draft="")
        if isinstance(event, StepDone):
            left = [s for s in self.running if s.tool != event.step.tool]
            same = [s for s in self.running if s.tool == event.step.tool][1:]
            return replace(self, running=(*left, *same), steps=(*self.steps, event.step), draft="")
        if isinstance(event, Delta):
            return replace(self, draft=self.draft + event.text)
        return self


class Run:
    """One answer on its way."""

    def __init__(self, turn: int, question: str) -> None:
        self.turn = turn
        self._live = Live(question)
        self._moved = time.monotonic()
        self._began: float | None = None
        self._changed = threading.Condition()
        self.stopping = threading.Event()
        self.ended = threading.Event()

    def start(self) -> None:
        """The engine takes it up: time begins to count."""
        self._began = time.monotonic()
        self._set(replace(self._live, queued=False))

    def take(self, event: Event) -> None:
        """Something happened."""
        self._set(self._live.after(event))

    def _set(self, live: Live) -> None:
        with self._changed:
            self._live = live
            self._moved = time.monotonic()
            self._changed.notify_all()

    def end(self) -> None:
        """Nothing more will come; wakes every watcher."""
        self.ended.set()
        with self._changed:
            self._changed.notify_all()

    @property
    def seconds(self) -> float:
        """Since the engine took it up; 0 before."""
        return 0.0 if self._began is None else time.monotonic() - self._began

    def watch(self) -> Iterator[Live]:
        """A picture whenever it changed, at least one a second; ends with the answer."""
        shown: Live | None = None
        while not self.ended.is_set():
            with self._changed:
                live = replace(self._live, waited=int(time.monotonic() - self._moved))
                if live == shown:
                    self._changed.wait(timeout=1.0 if live.queued or not live.draft else 0.5)
                    continue
            shown = live
            yield live
            self.ended.wait(timeout=TICK)


class Runs:
    """All answers on their way. `at_once` is how many the engine takes together.

    `patience` is the time in seconds after which a page stops waiting for an answer.
    """

    def __init__(self, assistant: Answers, store: Conversations, at_once: int,
                 patience: float) -> None:
        self._assistant = assistant
        self._store = store
        self.slots = threading.Semaphore(at_once)
        self._runs: dict[int, Run] = {}
        self.patience = patience

    def start(self, turn: int, question: str, history: Sequence[tuple[str, str]],
              as_of: date | None, language: Language | None,
              closed: Collection[str] = ()) -> Run:
        """Begin to answer `turn` and return at once; `language` None: as the question is. No tool
        of `closed` is used."""
        run = self._runs[turn] = Run(turn, question)
        begin = partial(self._assistant.stream, question, history, as_of=as_of,
                        language=language, closed=closed)
        threading.Thread(target=self._work, args=(run, begin), name=f"answer-{turn}",
                         daemon=True).start()
        return run

    def get(self, turn: int) -> Run | None:
        """The run of a turn while it lasts."""
        return self._runs.get(turn)

    def stop(self, turn: int) -> None:
        """The user wants no answer any more."""
        self._give_up(turn, "stopped", "stopped")

    def follow(self, run: Run) -> Iterator[Live]:
        """What to show until the run ends, or until patience ends it."""
        for live in run.watch():
            if run.seconds > self.patience:
                self._give_up(run.turn, "timeout", "failed", seconds=round(self.patience))
                return
            yield live

    def _give_up(self, turn: int, name: str, state: State, **values: object) -> None:
        self._store.fail(turn, text(name, "zh", **values), text(name, "en", **values), state)
        run = self._runs.get(turn)
        if run is not None:
            run.stopping.set()
            run.end()

    def _work(self, run: Run, begin: Callable[[], Iterator[Event]]) -> None:
        try:
            while not self.slots.acquire(timeout=0.2):
                if run.stopping.is_set():
                    return
            try:
                run.start()
                answer = self._answer(run, begin())
            finally:
                self.slots.release()
            if answer is not None:
                self._store.finish(run.turn, answer)
        except CityLLMError as problem:
            log.warning("turn %s: %s", run.turn, problem)
            self._store.fail(run.turn, problem.zh, problem.en)
        except Exception:
            number = secrets.token_hex(4)
            log.exception("turn %s failed, number %s", run.turn, number)
            self._store.fail(run.turn, text("failed", "zh", number=number),
                             text("failed", "en", number=number))
        finally:
            self._runs.pop(run.turn, None)
            run.end()

    def _answer(self, run: Run, stream: Iterator[Event]) -> Answer | None:
        """The answer, None when stopped. RuntimeError where the stream ends without one."""
        for event in stream:
            if run.stopping.is_set():
                close = getattr(stream, "close", None)
                if close is not None:
                    close()
                return None
            if isinstance(event, Final):
                return event.answer
            run.take(event)
        raise RuntimeError("the assistant ended without an answer")
