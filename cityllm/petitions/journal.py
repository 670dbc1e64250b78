"""What a batch has done, beside its output: SQLite, so that a killed run goes on where it was.

A row is kept under the hash of its contents (and its number among equal rows), once. Rows are
committed by chunks, with the order of the present run. Another fingerprint (another classifier,
another pack) drops all that was done. Reply drafts are kept apart, one by one, each with a mark of
what it was made from, since they cost far more than the rest. One process at a time holds a
journal.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from cityllm.errors import ConfigError
from cityllm.petitions.duplicates import Sketch

VERSION = "1"
_TABLES = """
CREATE TABLE IF NOT EXISTS told (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS rows (
    key TEXT PRIMARY KEY, record TEXT NOT NULL, signs BLOB NOT NULL, day INTEGER NOT NULL,
    person TEXT NOT NULL, places TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS drafts (
    key TEXT PRIMARY KEY, mark TEXT NOT NULL, draft TEXT NOT NULL, why TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS line (seq INTEGER PRIMARY KEY, key TEXT NOT NULL);
"""


class Journal:
    """The journal of one output; a context manager. ConfigError when another run holds it."""

    def __init__(self, path: Path, fingerprint: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = sqlite3.connect(path.with_name(path.name + ".lock"), isolation_level=None,
                                     timeout=0)
        try:
            self._lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            self._lock.close()
            raise ConfigError(f"另一个 cityllm triage 正在写 {path}。请等它结束，或者换一个输出。",
                              f"Another cityllm triage is writing {path}. Wait for it to end, or "
                              "name another output.") from None
        self._base = sqlite3.connect(path)
        self._base.execute("PRAGMA journal_mode=WAL")
        self._base.execute("PRAGMA synchronous=FULL")
        self._base.executescript(_TABLES)
        mark = f"{VERSION}:{fingerprint}"
        if self._told("fingerprint") != mark:
            with self._base:
                self._base.execute("DELETE FROM rows")
                self._base.execute("INSERT OR REPLACE INTO told VALUES ('fingerprint', ?)", (mark,))
        with self._base:
            self._base.execute("DELETE FROM line")

    def _told(self, name: str) -> str | None:
        row = self._base.execute("SELECT value FROM told WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def has(self, keys: Sequence[str]) -> set[str]:
        """Which of these rows are done."""
        marks = ",".join("?" * len(keys))
        return {row[0] for row in self._base.execute(
            f"SELECT key FROM rows WHERE key IN ({marks})", list(keys))}

    def keep(self, line: Sequence[tuple[int, str]],
             done: Sequence[tuple[str, dict[str, Any], Sketch]]) -> None:
        """Commit rows done, and the places of rows in the present run, all or none."""
        rows = [(key, json.dumps(record, ensure_ascii=False), one.signs.tobytes(), one.order,
                 one.person, "|".join(sorted(one.places))) for key, record, one in done]
        with self._base:
            self._base.executemany("INSERT OR REPLACE INTO rows VALUES (?,?,?,?,?,?)", rows)
            self._base.executemany("INSERT OR REPLACE INTO line VALUES (?,?)", line)

    def sketches(self) -> list[Sketch]:
        """What is compared, of the rows of this run, in their order."""
        wanted = ("SELECT json_extract(record, '$.id'), signs, day, person, places FROM line "
                  "JOIN rows USING (key) ORDER BY seq")
        return [Sketch(id_, np.frombuffer(signs, np.uint32), day, person,
                       frozenset(places.split("|")) - {""})
                for id_, signs, day, person, places in self._base.execute(wanted)]

    def records(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Keys and records of the rows of this run, in their order."""
        for key, text in self._base.execute(
                "SELECT key, record FROM line JOIN rows USING (key) ORDER BY seq"):
            yield key, json.loads(text)

    def draft(self, key: str) -> tuple[str, str, str]:
        """Mark, reply draft and why there is none of a row; empty texts where none is kept."""
        found = self._base.execute("SELECT mark, draft, why FROM drafts WHERE key = ?",
                                   (key,)).fetchone()
        return tuple(found) if found else ("", "", "")

    def keep_draft(self, key: str, mark: str, draft: str, why: str) -> None:
        """Commit one draft, or why there is none."""
        with self._base:
            self._base.execute("INSERT OR REPLACE INTO drafts VALUES (?,?,?,?)",
                               (key, mark, draft, why))

    def forget(self) -> int:
        """Drop rows that are not in this run any more; how many."""
        with self._base:
            self._base.execute("DELETE FROM drafts WHERE key NOT IN (SELECT key FROM line)")
            return self._base.execute(
                "DELETE FROM rows WHERE key NOT IN (SELECT key FROM line)").rowcount

    def __len__(self) -> int:
        count: int = self._base.execute("SELECT count(*) FROM line").fetchone()[0]
        return count

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()
        self._lock.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


def keys_of(path: Path, id_: str) -> list[str]:
    """Keys of the rows with this id in a journal, read only; none where there is no journal."""
    if not path.is_file():
        return []
    base = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        wanted = "SELECT key FROM rows WHERE json_extract(record, '$.id') = ? ORDER BY key"
        return [row[0] for row in base.execute(wanted, (id_,))]
    finally:
        base.close()
