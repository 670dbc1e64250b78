"""Conversations, their turns and what people said of them: SQLite, so that a restart loses nothing.

Every method takes the user and sees only that user's rows; another's conversation is as one that
does not exist. An answer is kept whole (evidence, steps, dates), so that it can be shown and
exported as it was given. Thread-safe: one connection, one lock.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal, cast

from pydantic import ValidationError

from cityllm.evidence import Answer

State = Literal["running", "done", "stopped", "failed", "unreadable"]
"""`unreadable`: the record was written by a version with another shape of answers."""
TITLE = 40
"""Characters of the first question that name a conversation."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS conversations(
  id TEXT PRIMARY KEY, user TEXT NOT NULL, title TEXT NOT NULL, changed TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS conversations_of ON conversations(user, changed);
CREATE TABLE IF NOT EXISTS turns(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  conversation TEXT NOT NULL REFERENCES conversations(id) ON DELETE CASCADE,
  question TEXT NOT NULL, asked TEXT NOT NULL, as_of TEXT, state TEXT NOT NULL,
  answer TEXT, problem_zh TEXT NOT NULL DEFAULT '', problem_en TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS turns_of ON turns(conversation, id);
CREATE TABLE IF NOT EXISTS feedback(
  turn INTEGER PRIMARY KEY REFERENCES turns(id) ON DELETE CASCADE,
  user TEXT NOT NULL, verdict TEXT NOT NULL CHECK (verdict IN ('good', 'bad')),
  comment TEXT NOT NULL DEFAULT '', changed TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Turn:
    """One question and what became of it. `verdict` is empty, `good` or `bad`."""

    id: int
    question: str
    as_of: date | None
    state: State
    answer: Answer | None = None
    problem_zh: str = ""
    problem_en: str = ""
    verdict: str = ""
    comment: str = ""


@dataclass(frozen=True)
class Conversation:
    """One line of the list at the left."""

    id: str
    title: str
    changed: datetime


class Conversations:
    """The store. `open` makes the file when missing and closes turns that a crash left running."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path) -> Conversations:
        """The store at `path`. A turn still running belongs to a program that is no more."""
        path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        db.executescript("PRAGMA journal_mode=WAL; PRAGMA foreign_keys=ON; "
                         "PRAGMA busy_timeout=5000;")
        db.executescript(_SCHEMA)
        db.execute("UPDATE turns SET state = 'failed' WHERE state = 'running'")
        return cls(db)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _rows(self, query: str, *values: object) -> list[tuple[str, ...]]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def begin(self, user: str, conversation: str, question: str,
              as_of: date | None) -> tuple[str, int]:
        """Conversation id and turn id of a new question; an empty or foreign id makes a new one."""
        now = _now()
        with self._transaction() as db:
            if not _owned(db, user, conversation):
                conversation = secrets.token_urlsafe(12)
                title = " ".join(question.split())
                title = title if len(title) <= TITLE else title[:TITLE - 1] + "…"
                db.execute("INSERT INTO conversations VALUES (?, ?, ?, ?)",
                           (conversation, user, title, now))
            db.execute("UPDATE conversations SET changed = ? WHERE id = ?", (now, conversation))
            turn = db.execute(
                "INSERT INTO turns(conversation, question, asked, as_of, state) "
                "VALUES (?, ?, ?, ?, 'running')",
                (conversation, question, now, as_of.isoformat() if as_of else None)).lastrowid
        assert turn is not None
        return conversation, turn

    def finish(self, turn: int, answer: Answer) -> None:
        """Keep the answer of a turn that is still running; otherwise (stopped, deleted) nothing."""
        with self._transaction() as db:
            db.execute("UPDATE turns SET state = 'done', answer = ? "
                       "WHERE id = ? AND state = 'running'", (answer.model_dump_json(), turn))

    def fail(self, turn: int, zh: str, en: str, state: State = "failed") -> None:
        """End a running turn without an answer; `zh` and `en` are the sentence shown."""
        with self._transaction() as db:
            db.execute("UPDATE turns SET state = ?, problem_zh = ?, problem_en = ? "
                       "WHERE id = ? AND state = 'running'", (state, zh, en, turn))

    def of(self, user: str, most: int = 200) -> list[Conversation]:
        """The user's conversations, the one changed last first."""
        rows = self._rows(
            "SELECT id, title, changed FROM conversations AS c WHERE user = ? "
            "ORDER BY (SELECT max(id) FROM turns WHERE conversation = c.id) DESC LIMIT ?",
            user, most)
        return [Conversation(i, title, datetime.fromisoformat(at)) for i, title, at in rows]

    def turns(self, user: str, conversation: str) -> list[Turn] | None:
        """Its turns in order; None where the user has no such conversation."""
        if not self.owns(user, conversation):
            return None
        return [_turn(row) for row in self._rows(
            _TURN + " WHERE t.conversation = ? ORDER BY t.id", conversation)]

    def turn(self, user: str, turn: int) -> Turn | None:
        """One turn of the user's, or None."""
        rows = self._rows(_TURN + " JOIN conversations c ON c.id = t.conversation "
                          "WHERE t.id = ? AND c.user = ?", turn, user)
        return _turn(rows[0]) if rows else None

    def owns(self, user: str, conversation: str) -> bool:
        """Whether the user has that conversation."""
        with self._lock:
            return _owned(self._db, user, conversation)

    def delete(self, user: str, conversation: str) -> None:
        """Remove a conversation of the user's with its turns and feedback."""
        with self._transaction() as db:
            db.execute("DELETE FROM conversations WHERE id = ? AND user = ?", (conversation, user))

    def rate(self, user: str, turn: int, verdict: str, comment: str | None = None) -> bool:
        """Record `good` or `bad`, and a comment unless None; False where the turn is not theirs."""
        if verdict not in ("good", "bad") or self.turn(user, turn) is None:
            return False
        with self._transaction() as db:
            db.execute(
                "INSERT INTO feedback VALUES (?1, ?2, ?3, coalesce(?4, ''), ?5) "
                "ON CONFLICT(turn) DO UPDATE SET verdict = ?3, changed = ?5, "
                "comment = coalesce(?4, comment)", (turn, user, verdict, comment, _now()))
        return True


_TURN = ("SELECT t.id, t.question, t.as_of, t.state, t.answer, t.problem_zh, t.problem_en, "
         "coalesce(f.verdict, ''), coalesce(f.comment, '') "
         "FROM turns t LEFT JOIN feedback f ON f.turn = t.id")


def _turn(row: tuple[str, ...]) -> Turn:
    turn, question, as_of, state, answer, zh, en, verdict, comment = row
    try:
        kept = Answer.model_validate_json(answer) if answer else None
    except ValidationError:
        kept, state = None, "unreadable"
    return Turn(int(turn), question, date.fromisoformat(as_of) if as_of else None,
                cast(State, state), kept, zh, en, verdict, comment)


def _owned(db: sqlite3.Connection, user: str, conversation: str) -> bool:
    return db.execute("SELECT 1 FROM conversations WHERE id = ? AND user = ?",
                      (conversation, user)).fetchone() is not None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
