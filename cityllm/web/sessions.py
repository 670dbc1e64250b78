"""Who is signed in: random tokens in a cookie, their hashes in SQLite; a restart keeps them."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from cityllm.safety.access import Accounts, Role

HOURS = 12
_TABLE = "CREATE TABLE IF NOT EXISTS sessions(hash TEXT PRIMARY KEY, user TEXT, until REAL)"


class Sessions:
    """Sessions of `HOURS` hours. `clock` gives seconds since 1970. Thread-safe."""

    def __init__(self, path: Path, accounts: Accounts,
                 clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._accounts = accounts
        self._clock = clock
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as db, db:
            db.execute(_TABLE)
        path.chmod(0o600)

    def begin(self, name: str, password: str) -> tuple[str, Role]:
        """A new token and the account's role. AccessError for a wrong name or password."""
        account = self._accounts.sign_in(name, password)
        token, now = secrets.token_urlsafe(32), self._clock()
        with closing(self._connect()) as db, db:
            db.execute("DELETE FROM sessions WHERE until < ?", (now,))
            db.execute("INSERT INTO sessions VALUES (?, ?, ?)",
                       (_hash(token), account.name, now + HOURS * 3600))
        return token, account.role

    def user(self, token: str) -> str | None:
        """Whose token it is; None when it ended, never was, or the account was removed."""
        with closing(self._connect()) as db:
            row = db.execute("SELECT user FROM sessions WHERE hash = ? AND until > ?",
                             (_hash(token), self._clock())).fetchone()
        if row is None or row[0] not in {account.name for account in self._accounts.list()}:
            return None
        return str(row[0])

    def end(self, token: str) -> None:
        """Sign out."""
        with closing(self._connect()) as db, db:
            db.execute("DELETE FROM sessions WHERE hash = ?", (_hash(token),))

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=10.0)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
