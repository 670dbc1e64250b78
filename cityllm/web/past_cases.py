"""Similar petitions for the page: an index over the store, made anew when a run brought rows in.

It is made in a thread of its own; until the first stands nobody waits for it. What was decided is
looked up when it is shown, so a decision needs no new index.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cityllm.petitions.review import Review
from cityllm.petitions.similar import Case, Cases, case_of
from cityllm.petitions.wrongdoing import WITHHELD

log = logging.getLogger(__name__)
MOST = 20_000
"""Newest petitions that are searched: some kilobytes of memory each."""
SHOWN = 5


class PastCases:
    """The index of one store."""

    def __init__(self, review: Review) -> None:
        self._review = review
        self._cases: Cases | None = None
        self._run = -1
        self._lock = threading.Lock()
        self._making = False

    def near(self, n: int, told: Mapping[str, Any],
             ) -> list[tuple[str, Mapping[str, Any] | None, float]] | None:
        """Summary, record and score of the petitions nearest to number `n`; None while the first
        index is being made."""
        self._refresh()
        if self._cases is None:
            return None
        if told["text"] == WITHHELD:
            return []
        found: list[tuple[str, Mapping[str, Any] | None, float]] = []
        for one in self._cases.nearest(f"{told['title']}\n{told['text']}", SHOWN + 1, {str(n)}):
            held = self._review.get(int(one.case.id))
            if held and held.told["text"] != WITHHELD and len(found) < SHOWN:
                found.append((one.case.summary, {**held.told, "n": held.n}, one.score))
        return found

    def _refresh(self) -> None:
        run = self._review.version()[0]
        with self._lock:
            if self._making or run == self._run:
                return
            self._making = True
        threading.Thread(target=self._make, args=(run,), name="past-cases", daemon=True).start()

    def _make(self, run: int) -> None:
        made: Cases | None = None
        try:
            newest: deque[Case] = deque(maxlen=MOST)
            for told in self._review.records():
                case = case_of(told)
                if case and told["text"] != WITHHELD:
                    newest.append(replace(case, id=str(told["n"])))
            made = Cases.build(newest)
        except Exception:
            log.exception("the index of past petitions could not be made")
            made = Cases.build([])
        finally:
            with self._lock:
                self._cases, self._run, self._making = made, run, False
