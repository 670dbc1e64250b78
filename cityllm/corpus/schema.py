"""The SQLite file under the ledger: tables, connection, schema version.

WAL with synchronous FULL: what is committed survives a kill and a power cut. `clauses.id` is
AUTOINCREMENT: a row id is never used twice, so an index can tell what is new by ids alone.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from cityllm.errors import CorpusError

SCHEMA = 1
TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS instruments (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL, title TEXT NOT NULL, full_title TEXT NOT NULL, version TEXT NOT NULL,
  kind TEXT NOT NULL, issuer TEXT NOT NULL, region TEXT NOT NULL, number TEXT NOT NULL,
  adopted TEXT, effective TEXT, at_once INTEGER NOT NULL, amended TEXT NOT NULL,
  repeals TEXT NOT NULL, aliases TEXT NOT NULL, gaps TEXT NOT NULL,
  verbatim INTEGER NOT NULL, numbering TEXT NOT NULL, n_articles INTEGER NOT NULL DEFAULT 0,
  total INTEGER NOT NULL DEFAULT 0, complete INTEGER NOT NULL DEFAULT 1,
  source_name TEXT NOT NULL, source_url TEXT NOT NULL, source_hash TEXT NOT NULL,
  starts TEXT, ends TEXT, born TEXT, repealed TEXT, replaced_by TEXT NOT NULL DEFAULT '',
  note TEXT NOT NULL DEFAULT '', UNIQUE (key, version, verbatim));
CREATE TABLE IF NOT EXISTS files (
  path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime INTEGER NOT NULL, hash TEXT NOT NULL,
  parser INTEGER NOT NULL, instrument INTEGER, part TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS files_hash ON files (hash);
CREATE TABLE IF NOT EXISTS clauses (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  instrument INTEGER NOT NULL, file TEXT NOT NULL, ord INTEGER NOT NULL, article TEXT NOT NULL,
  label TEXT NOT NULL, heading TEXT NOT NULL, path TEXT NOT NULL, text TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS clauses_place ON clauses (instrument, article);
CREATE INDEX IF NOT EXISTS clauses_file ON clauses (file);
CREATE TABLE IF NOT EXISTS asks (
  file TEXT NOT NULL, key TEXT NOT NULL, version TEXT NOT NULL, article TEXT NOT NULL,
  ord INTEGER NOT NULL, question TEXT NOT NULL, PRIMARY KEY (key, version, article, ord));
CREATE INDEX IF NOT EXISTS asks_file ON asks (file);
"""


def connect(path: Path) -> sqlite3.Connection:
    """A connection in WAL with synchronous FULL, autocommit; waits 30 s for another writer."""
    try:
        connection = sqlite3.connect(path, timeout=30, isolation_level=None,
                                     check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA cache_size=-32000")
    except sqlite3.Error as problem:
        raise _broken(path, problem) from None
    return connection


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables; refuse a file of another schema version."""
    try:
        connection.executescript(TABLES)
        connection.execute("INSERT OR IGNORE INTO meta VALUES ('schema', ?)", (str(SCHEMA),))
        found = connection.execute("SELECT value FROM meta WHERE name='schema'").fetchone()[0]
    except sqlite3.Error as problem:
        raise _broken(path, problem) from None
    if found != str(SCHEMA):
        raise CorpusError(
            f"条文库 {path} 的格式版本是 {found}，程序需要 {SCHEMA}。请删除该文件后重新导入。",
            f"The ledger {path} has schema {found}, this program needs {SCHEMA}. Delete the file "
            "and import again.")


def _broken(path: Path, problem: Exception) -> CorpusError:
    return CorpusError(
        f"条文库 {path} 打不开：{problem}。请检查磁盘与权限；若文件已损坏，删除后重新导入。",
        f"The ledger {path} cannot be opened: {problem}. Check disk and permissions; if the file "
        "is damaged, delete it and import again.")
