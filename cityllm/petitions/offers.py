"""How a run of the batch enters the review store, and how decisions come back into its output.

A record is known again by what its row held, or else by its output and number: what is new waits
(unless it was routed by itself), what changed is replaced, what a person decided is never touched,
and what is no longer in the input waits no more. Committed by few records at a time, so that clerks
go on working; a run that was killed is completed by the next.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any

from cityllm.petitions.held import decided_of, mark_of, rank_of
from cityllm.petitions.review import Review

CHUNK = 100
"""Records that are committed together."""
_LATE = "9999-12-31"
"""Where no period is known: behind every other."""


class Offers:
    """The records of one run, offered one by one; see `offering`."""

    def __init__(self, review: Review, db: sqlite3.Connection, batch: str, made_by: str,
                 today: date) -> None:
        self._review, self._db = review, db
        self._batch, self._made_by, self._today = batch, made_by, today
        self._seen: Counter[str] = Counter()
        self._open = 0
        self._begin()
        self.run: int = db.execute("SELECT coalesce(max(run), 0) + 1 FROM petitions").fetchone()[0]

    def _begin(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def offer(self, key: str, told: Mapping[str, Any]) -> dict[str, Any]:
        """Put a record in; what was decided of it, empty values where nothing was."""
        if self._open == CHUNK:
            self.commit()
            self._begin()
            self._open = 0
        self._open += 1
        nth = self._seen[told["id"]]
        self._seen[told["id"]] += 1
        row = self._db.execute("SELECT n, mark, state, decision FROM petitions WHERE key = ?",
                               (key,)).fetchone() or self._db.execute(
            "SELECT n, mark, state, decision FROM petitions WHERE batch = ? AND id = ? AND nth = ? "
            "AND run < ?", (self._batch, told["id"], nth, self.run)).fetchone()
        mark = mark_of(told)
        state = "auto" if told["route"] == "auto" else "waiting"
        if row is None:
            self._insert(key, nth, mark, state, told)
            return decided_of(None)
        n, before, was, decision = row
        state = was if decision else state
        self._db.execute("UPDATE petitions SET run = ?, nth = ?, state = ? WHERE n = ?",
                         (self.run, nth, state, n))
        if mark != before:
            self._db.execute(
                "UPDATE petitions SET key = ?, id = ?, mark = ?, made_by = ?, record = ?, rank = ?,"
                " due = ?, since = ?, draft = NULL, why = '' WHERE n = ?",
                (key, told["id"], mark, self._made_by, *self._shown(told), n))
        return decided_of(self._review.chain.get(self._db, decision) if decision else None)

    def _insert(self, key: str, nth: int, mark: str, state: str, told: Mapping[str, Any]) -> None:
        self._db.execute(
            "INSERT INTO petitions (key, batch, id, nth, mark, made_by, record, rank, due, since, "
            "state, run) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
            (key, self._batch, told["id"], nth, mark, self._made_by, *self._shown(told), state,
             self.run))

    def _shown(self, told: Mapping[str, Any]) -> tuple[str, int, str, str]:
        """Record, and what it is sorted by."""
        return (json.dumps(told, ensure_ascii=False), rank_of(told), told["next_due"] or _LATE,
                told["received"] or str(self._today))

    def commit(self) -> None:
        """Keep what was offered so far."""
        self._db.execute("COMMIT")

    def finish(self) -> None:
        """All of the run was offered: what it no longer holds and nobody decided is gone."""
        self._db.execute("UPDATE petitions SET state = 'gone' WHERE batch = ? AND run < ? AND "
                         "state IN ('waiting', 'auto')", (self._batch, self.run))
        self.commit()


@contextmanager
def offering(review: Review, batch: str, made_by: str, today: date) -> Iterator[Offers]:
    """Offer a run's records inside. `batch` names its output, `made_by` what classified it."""
    with review.reading() as db:
        offers = Offers(review, db, batch, made_by, today)
        try:
            yield offers
        except BaseException:
            if db.in_transaction:
                offers.commit()
            raise
        offers.finish()
