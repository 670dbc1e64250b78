"""The database that all workers of one installation share: keys, rates, repeats, enterprises.

A SQLite file in `home` by default, PostgreSQL by URL. Every statement is written so that both
understand it and so that it is atomic by itself: workers need no other lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cityllm.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy import Engine

TABLES = (
    """CREATE TABLE IF NOT EXISTS api_keys (
        name VARCHAR(64) PRIMARY KEY, hash VARCHAR(64) NOT NULL UNIQUE, scopes TEXT NOT NULL,
        per_minute INTEGER NOT NULL, made DOUBLE PRECISION NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS rates (
        name VARCHAR(64) PRIMARY KEY, until DOUBLE PRECISION NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS repeats (
        caller VARCHAR(80) NOT NULL, name VARCHAR(255) NOT NULL, digest VARCHAR(64) NOT NULL,
        status INTEGER NOT NULL, body TEXT NOT NULL, made DOUBLE PRECISION NOT NULL,
        PRIMARY KEY (caller, name))""",
    """CREATE TABLE IF NOT EXISTS enterprises (
        id VARCHAR(64) PRIMARY KEY, name TEXT NOT NULL, data TEXT NOT NULL,
        version INTEGER NOT NULL, changed DOUBLE PRECISION NOT NULL)""",
)
POSTGRES = "postgresql+pg8000"


class Database:
    """Opened at its first use, and shared between threads.

    `url` is empty for SQLite at `home`/api.sqlite, otherwise `postgresql://user:password@host/name`
    or `sqlite:///FILE`. Raises ConfigError where it cannot be opened.
    """

    def __init__(self, home: Path, url: str = "") -> None:
        self.home = home
        self.url = url

    @cached_property
    def engine(self) -> Engine:
        """The engine, its tables made."""
        from sqlalchemy import create_engine, event, make_url, text
        from sqlalchemy.exc import SQLAlchemyError

        try:
            where = make_url(self.url or f"sqlite:///{self.home / 'api.sqlite'}")
            if where.drivername in ("postgresql", "postgres"):
                where = where.set(drivername=POSTGRES)
            if where.drivername not in ("sqlite", POSTGRES):
                raise ConfigError(
                    f"CITYLLM_DATABASE_URL 的 {where.drivername!r} 不可用；"
                    "可以写 postgresql:// 或 sqlite:///。",
                    f"CITYLLM_DATABASE_URL names {where.drivername!r}; allowed: postgresql:// or "
                    "sqlite:///.")
            own = not self.url
            if own:
                self.home.mkdir(parents=True, exist_ok=True)
            engine = create_engine(where, pool_pre_ping=where.drivername == POSTGRES)
            if where.drivername == "sqlite":
                event.listen(engine, "connect", _sqlite)
            with engine.begin() as line:
                if where.drivername == POSTGRES:
                    # Two workers that start together would both make the tables.
                    line.execute(text("SELECT pg_advisory_xact_lock(20261125)"))
                for table in TABLES:
                    line.execute(text(table))
            if own:
                (self.home / "api.sqlite").chmod(0o600)
        except SQLAlchemyError as problem:
            raise ConfigError(
                f"数据库打不开：{_brief(problem)}。请检查 CITYLLM_DATABASE_URL 和数据库服务。",
                f"The database cannot be opened: {_brief(problem)}. Check CITYLLM_DATABASE_URL and "
                "the database server.") from None
        return engine

    def one(self, statement: str, **values: Any) -> Mapping[str, Any] | None:
        """The first row of a statement run in a transaction of its own."""
        from sqlalchemy import text

        with self.engine.begin() as line:
            done = line.execute(text(statement), values)
            row = done.mappings().first() if done.returns_rows else None
            return None if row is None else dict(row)

    def all(self, statement: str, **values: Any) -> list[Mapping[str, Any]]:
        """All rows of a statement."""
        from sqlalchemy import text

        with self.engine.connect() as line:
            return [dict(row) for row in line.execute(text(statement), values).mappings()]

    def run(self, statement: str, **values: Any) -> int:
        """Run a statement in a transaction of its own; how many rows it changed."""
        from sqlalchemy import text

        with self.engine.begin() as line:
            return int(line.execute(text(statement), values).rowcount)

    def close(self) -> None:
        """Close what was opened."""
        if "engine" in self.__dict__:
            self.engine.dispose()


def _sqlite(connection: Any, _record: object) -> None:
    """Readers beside a writer; a writer waits for another up to ten seconds."""
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}").close()


def _brief(problem: Exception) -> str:
    return str(getattr(problem, "orig", None) or problem).splitlines()[0][:200]
