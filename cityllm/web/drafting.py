"""Reply drafts that a clerk asks for: one thread each, queued behind the chat's own questions.

A draft is kept in the store when it is there, also where nobody looks any more; so is the sentence
that says why there is none.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Mapping
from typing import Any

from cityllm.agent.events import Final
from cityllm.errors import CityLLMError
from cityllm.evidence import Answer
from cityllm.petitions.drafts import Drafter
from cityllm.petitions.review import Review
from cityllm.web.running import Answers
from cityllm.web.texts import text

log = logging.getLogger(__name__)


class Drafting:
    """`slots`: what the engine works on together, shared with the chat."""

    def __init__(self, assistant: Answers, review: Review, slots: threading.Semaphore) -> None:
        self._drafter = Drafter(self._ask)
        self._assistant = assistant
        self._review = review
        self._slots = slots
        self._busy: set[int] = set()
        self._lock = threading.Lock()

    def start(self, n: int, told: Mapping[str, Any]) -> None:
        """Begin a draft for petition `n`, unless one is on its way."""
        with self._lock:
            if n in self._busy:
                return
            self._busy.add(n)
        threading.Thread(target=self._work, args=(n, told), name=f"draft-{n}", daemon=True).start()

    def busy(self, n: int) -> bool:
        """Whether a draft for petition `n` is on its way."""
        return n in self._busy

    def _ask(self, matter: str) -> Answer:
        for event in self._assistant.stream(matter, [], language="zh"):
            if isinstance(event, Final):
                return event.answer
        raise RuntimeError("the assistant ended without an answer")

    def _work(self, n: int, told: Mapping[str, Any]) -> None:
        try:
            with self._slots:
                draft, why = self._drafter.draft(told)
        except CityLLMError as problem:
            log.warning("draft of petition %s: %s", n, problem)
            draft, why = "", f"{problem.zh}\n{problem.en}"
        except Exception:
            number = secrets.token_hex(4)
            log.exception("draft of petition %s failed, number %s", n, number)
            draft, why = "", "\n".join(text("page_failed", one, number=number)
                                       for one in ("zh", "en"))
        try:
            self._review.keep_draft(n, draft, why)
        finally:
            with self._lock:
                self._busy.discard(n)
