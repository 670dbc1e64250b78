"""A log that only grows, in SQLite: each entry is bound by its hash to the one before it.

An entry says when, who, about what, and a JSON value. SQLite itself refuses to change or delete
one; who changes the file by other means breaks the chain, and `verify` says where. That the last
entries were cut off cannot be seen in the log alone: keep the newest hash elsewhere, as `verify`
gives it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START = "0" * 64
"""What stands before the first entry."""
_FIELDS = "seq, at, who, role, subject, action, body, hash"


@dataclass(frozen=True)
class Entry:
    """One entry. `at`: ISO time, UTC; `subject`: number of what it is about."""

    seq: int
    at: str
    who: str
    role: str
    subject: int
    action: str
    body: dict[str, Any]
    hash: str


@dataclass(frozen=True)
class Checked:
    """What a verification found: entries, hash of the last, and the first entry that does not fit
    its hash or its place (0: none)."""

    entries: int
    head: str
    broken: int = 0


class Chain:
    """The log in the table `name` of a database; every method works on a connection handed in, so
    that an entry and what it changes elsewhere are committed together."""

    def __init__(self, name: str) -> None:
        if not name.isidentifier():
            raise ValueError(name)
        self._name = name

    def make(self, db: sqlite3.Connection) -> None:
        """The table and what guards it, where they are missing."""
        db.execute(f"CREATE TABLE IF NOT EXISTS {self._name} (seq INTEGER PRIMARY KEY, at TEXT NOT "
                   "NULL, who TEXT NOT NULL, role TEXT NOT NULL, subject INTEGER NOT NULL, action "
                   "TEXT NOT NULL, body TEXT NOT NULL, hash TEXT NOT NULL)")
        db.execute(f"CREATE INDEX IF NOT EXISTS {self._name}_of ON {self._name}(subject)")
        for verb in ("UPDATE", "DELETE"):
            db.execute(f"CREATE TRIGGER IF NOT EXISTS {self._name}_{verb.lower()} BEFORE {verb} ON "
                       f"{self._name} BEGIN SELECT RAISE(ABORT, 'this log only grows'); END")

    def add(self, db: sqlite3.Connection, at: str, who: str, role: str, subject: int, action: str,
            body: Mapping[str, Any]) -> Entry:
        """One more entry; `db` is in a transaction that keeps other writers out."""
        last = db.execute(
            f"SELECT seq, hash FROM {self._name} ORDER BY seq DESC LIMIT 1").fetchone()
        seq, before = (last[0] + 1, last[1]) if last else (1, START)
        told = json.dumps(body, ensure_ascii=False, sort_keys=True)
        row = (seq, at, who, role, subject, action, told)
        mark = _hash(row, before)
        db.execute(f"INSERT INTO {self._name} ({_FIELDS}) VALUES (?,?,?,?,?,?,?,?)", (*row, mark))
        return _entry((*row, mark))

    def get(self, db: sqlite3.Connection, seq: int) -> Entry | None:
        """The entry of that number."""
        row = db.execute(f"SELECT {_FIELDS} FROM {self._name} WHERE seq = ?", (seq,)).fetchone()
        return _entry(row) if row else None

    def about(self, db: sqlite3.Connection, subject: int) -> list[Entry]:
        """All that is about one subject, oldest first."""
        return [_entry(row) for row in db.execute(
            f"SELECT {_FIELDS} FROM {self._name} WHERE subject = ? ORDER BY seq", (subject,))]

    def newest(self, db: sqlite3.Connection, count: int) -> list[Entry]:
        """The last entries, newest first."""
        return [_entry(row) for row in db.execute(
            f"SELECT {_FIELDS} FROM {self._name} ORDER BY seq DESC LIMIT ?", (count,))]

    def entries(self, db: sqlite3.Connection) -> Iterator[Entry]:
        """All entries, oldest first."""
        for row in db.execute(f"SELECT {_FIELDS} FROM {self._name} ORDER BY seq"):
            yield _entry(row)

    def verify(self, db: sqlite3.Connection) -> Checked:
        """Recompute every hash, and look for a gap in the numbers."""
        count, before, broken = 0, START, 0
        for row in db.execute(f"SELECT {_FIELDS} FROM {self._name} ORDER BY seq"):
            count += 1
            if not broken and (row[0] != count or row[-1] != _hash(row[:-1], before)):
                broken = row[0]
            before = row[-1]
        return Checked(count, before, broken)


@contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that keeps other writers out; all inside is kept, or nothing."""
    with closing(sqlite3.connect(path, timeout=10.0, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")


def _hash(row: tuple[object, ...], before: str) -> str:
    return hashlib.sha256(json.dumps([before, *row], ensure_ascii=False).encode()).hexdigest()


def _entry(row: tuple[Any, ...]) -> Entry:
    seq, at, who, role, subject, action, body, mark = row
    return Entry(seq, at, who, role, subject, action, json.loads(body), mark)
