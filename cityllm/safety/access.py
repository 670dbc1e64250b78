"""Who may sign in: local accounts in SQLite, passwords as argon2id hashes.

Roles: a planner asks questions; a clerk takes petitions and decides them; a supervisor also undoes,
reassigns and opens originals; an auditor reads decisions and changes nothing; an enterprise is
served; an admin may do all.

On 127.0.0.1 nobody signs in and one named local user works. Bound to any other address the
program refuses to start until an account exists (`require_accounts`). Five wrong passwords in a
row lock a name for a minute. Not here: sessions and cookies (the web part keeps them), and
directory services.
"""

from __future__ import annotations

import ipaddress
import re
import sqlite3
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from cityllm.errors import AccessError

Role = Literal["planner", "clerk", "supervisor", "auditor", "enterprise", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
NAME = re.compile(r"[\w.@-]{1,64}")
PASSWORD_LENGTH = 8
MAX_FAILURES, LOCK_SECONDS = 5, 60.0

_TABLE = """
CREATE TABLE IF NOT EXISTS accounts (
    name     TEXT PRIMARY KEY,
    role     TEXT NOT NULL,
    hash     TEXT NOT NULL,
    created  REAL NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    locked   REAL NOT NULL DEFAULT 0
)"""


@dataclass(frozen=True)
class Account:
    """A person who may use the program. `created`: seconds since 1970, UTC."""

    name: str
    role: Role
    created: float = 0.0


LOCAL = Account("local", "admin")
"""Who works on 127.0.0.1, where nobody signs in."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server bound to `host`; a name counts as not."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Accounts:
    """The accounts of one installation. `clock` gives seconds since 1970.

    A connection is opened for each call, so an instance may be shared between threads.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._clock = clock

    def add(self, name: str, password: str, role: str) -> Account:
        """Make an account. AccessError: a name, role or password that is not allowed, or taken."""
        name = normalise(name)
        checked = _role(role)
        if len(password) < PASSWORD_LENGTH:
            raise AccessError(f"密码太短：至少要 {PASSWORD_LENGTH} 个字符。请换一个长一些的密码。",
                              f"The password is too short: at least {PASSWORD_LENGTH} characters. "
                              "Choose a longer one.")
        account = Account(name, checked, self._clock())
        with self._connect() as database:
            try:
                database.execute(
                    "INSERT INTO accounts (name, role, hash, created) VALUES (?, ?, ?, ?)",
                    (name, checked, _hash(password), account.created))
            except sqlite3.IntegrityError:
                raise AccessError(
                    f"用户 {name} 已经存在。要改密码，先运行 cityllm user remove {name}。",
                    f"User {name} exists already. To change the password, first run "
                    f"cityllm user remove {name}.") from None
        return account

    def remove(self, name: str) -> None:
        """Take an account away. AccessError when there is none of that name."""
        with self._connect() as database:
            gone = database.execute("DELETE FROM accounts WHERE name = ?", (normalise(name),))
            if gone.rowcount == 0:
                raise AccessError(f"没有用户 {name}。已有的用户：cityllm user list。",
                                  f"There is no user {name}. See: cityllm user list.")

    def list(self) -> list[Account]:
        """All accounts, by name."""
        if not self.path.exists():
            return []
        with self._connect() as database:
            rows = database.execute("SELECT name, role, created FROM accounts ORDER BY name")
            return [Account(*row) for row in rows]

    def find(self, name: str) -> Account | None:
        """The account of that name, if there is one."""
        return next((one for one in self.list() if one.name == name), None)

    def sign_in(self, name: str, password: str) -> Account:
        """The account with this name and password.

        AccessError otherwise: the same sentence for a wrong name as for a wrong password, after
        the same work, and another while the name is locked.
        """
        name, now = unicodedata.normalize("NFKC", name).strip(), self._clock()
        with self._connect() as database:
            row = database.execute("SELECT role, hash, created, locked FROM accounts "
                                   "WHERE name = ?", (name,)).fetchone()
            if row and row[3] > now:
                raise AccessError("密码错误次数过多，请一分钟后再试。",
                                  "Too many wrong passwords: try again in a minute.")
            good = _matches(row[1] if row else _nobody(), password)
            if row and good:
                database.execute("UPDATE accounts SET failures = 0 WHERE name = ?", (name,))
                return Account(name, row[0], row[2])
            if row:
                database.execute("UPDATE accounts SET failures = failures + 1 WHERE name = ?",
                                 (name,))
                database.execute("UPDATE accounts SET failures = 0, locked = ? "
                                 "WHERE name = ? AND failures >= ?",
                                 (now + LOCK_SECONDS, name, MAX_FAILURES))
        raise AccessError("用户名或密码不对。", "Wrong name or password.")

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.path, timeout=10.0)) as database, database:
            self.path.chmod(0o600)
            database.execute(_TABLE)
            yield database


def require_accounts(host: str, accounts: Accounts) -> bool:
    """Whether people must sign in at `host`; AccessError when they must and no account exists."""
    if is_loopback(host):
        return False
    if not accounts.list():
        raise AccessError(
            f"地址 {host} 可以从别的机器访问，但还没有任何账号，所以不启动。"
            "请先运行 cityllm user add 用户名 --role admin，或者把 CITYLLM_HOST 改回 127.0.0.1。",
            f"Other machines can reach {host} and there is no account yet, so it does not start. "
            "First run cityllm user add NAME --role admin, or set CITYLLM_HOST back to 127.0.0.1.")
    return True


def normalise(name: str) -> str:
    """A name as it is stored (NFKC, no space around it). AccessError when it is not allowed."""
    found = unicodedata.normalize("NFKC", name).strip()
    if not NAME.fullmatch(found):
        raise AccessError(f"用户名 {name!r} 不可用：可以用文字、数字和 . _ - @，最多 64 个字符。",
                          f"The name {name!r} is not allowed: letters, digits and . _ - @, at most "
                          "64 characters.")
    return found


def _role(role: str) -> Role:
    for known in ROLES:
        if role == known:
            return known
    raise AccessError(f"没有角色 {role!r}。可用的有：{'、'.join(ROLES)}。",
                      f"There is no role {role!r}. Allowed: {', '.join(ROLES)}.")


def _hash(password: str) -> str:
    from argon2 import PasswordHasher

    return PasswordHasher().hash(password)


def _matches(stored: str, password: str) -> bool:
    from argon2 import PasswordHasher
    from argon2.exceptions import VerifyMismatchError

    try:
        return PasswordHasher().verify(stored, password)
    except VerifyMismatchError:
        return False


def _nobody() -> str:
    """A hash that no password is known for, so that an unknown name costs as much as a known."""
    return ("$argon2id$v=19$m=65536,t=3,p=4$d2hvIGlzIG5vYm9keSE"
            "$mFkuN3Yz1xYVUbw2yQ0pVjzB3n4pUuTZ9e0z8y7w6vI")
