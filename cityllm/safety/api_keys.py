"""API keys: who may call from elsewhere, what they may do, how often.

A key is shown once, when it is made; what is kept is its SHA-256 (a key has 256 random bits, so a
slow hash would guard nothing). The rate is kept in the shared database as one time a key (the
generic cell rate algorithm), so it holds over any number of workers and survives a restart.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from cityllm.errors import AccessError, KeyNeeded, TooManyRequests
from cityllm.safety.access import Role, normalise
from cityllm.safety.database import Database

Scope = Literal["policies", "match", "enterprises.read", "enterprises.write", "metrics"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
PREFIX = "ck_"
PER_MINUTE = 600
WINDOW = 60.0
"""Seconds over which a rate may be used up at once."""
_READ: tuple[Scope, ...] = ("policies", "match")
SCOPES_OF: dict[Role, tuple[Scope, ...]] = {
    "planner": _READ, "auditor": _READ, "enterprise": _READ,
    "clerk": (*_READ, "enterprises.read", "enterprises.write"),
    "supervisor": (*_READ, "enterprises.read", "enterprises.write"), "admin": SCOPES}
"""What a person who signed in may do with the API."""


@dataclass(frozen=True)
class ApiKey:
    """A key that was made. `per_minute` requests; `made` in seconds since 1970."""

    name: str
    scopes: tuple[Scope, ...]
    per_minute: int
    made: float


class ApiKeys:
    """The keys of one installation. `clock` gives seconds since 1970. Thread-safe."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def add(self, name: str, scopes: Sequence[str], per_minute: int = PER_MINUTE) -> str:
        """Make a key and return it. AccessError for a name, scope or rate that is not allowed."""
        name = normalise(name)
        wrong = [one for one in scopes if one not in SCOPES]
        if wrong or not scopes:
            said = repr(wrong[0]) if wrong else "（空）"
            raise AccessError(f"没有权限 {said}。可以写 --scope：{'、'.join(SCOPES)}。",
                              f"There is no scope {said}. --scope takes: {', '.join(SCOPES)}.")
        if not 1 <= per_minute <= 1_000_000:
            raise AccessError(f"每分钟 {per_minute} 次不可用：可以写 1 至 1000000。",
                              f"{per_minute} a minute is not usable: 1 to 1000000.")
        key = PREFIX + secrets.token_urlsafe(32)
        made = self._database.run(
            "INSERT INTO api_keys (name, hash, scopes, per_minute, made) "
            "VALUES (:name, :hash, :scopes, :rate, :made) ON CONFLICT (name) DO NOTHING",
            name=name, hash=_hash(key), scopes=" ".join(dict.fromkeys(scopes)), rate=per_minute,
            made=self._clock())
        if not made:
            raise AccessError(f"密钥 {name} 已经存在。要换新的，先运行 cityllm api-key remove {name}。",
                              f"The key {name} exists already. To make it anew, first run cityllm "
                              f"api-key remove {name}.")
        return key

    def remove(self, name: str) -> None:
        """Take a key away; its next request is refused. AccessError where there is none."""
        if not self._database.run("DELETE FROM api_keys WHERE name = :name", name=name):
            raise AccessError(f"没有密钥 {name}。已有的：cityllm api-key list。",
                              f"There is no key {name}. See: cityllm api-key list.")

    def list(self) -> list[ApiKey]:
        """All keys, by name."""
        return [_key(row) for row in
                self._database.all("SELECT * FROM api_keys ORDER BY name")]

    def find(self, key: str) -> ApiKey:
        """Whose key it is. KeyNeeded for one that is unknown."""
        row = self._database.all("SELECT * FROM api_keys WHERE hash = :hash", hash=_hash(key))
        if not row:
            raise KeyNeeded("密钥不对，或者已经撤销。请向管理员要一个：cityllm api-key add。",
                            "The API key is wrong or was taken away. Ask the administrator for one:"
                            " cityllm api-key add.")
        return _key(row[0])

    def spend(self, key: ApiKey) -> None:
        """Count one request. TooManyRequests where the rate is used up."""
        now, each = self._clock(), WINDOW / key.per_minute
        taken = self._database.one(
            "INSERT INTO rates (name, until) VALUES (:name, :fresh) "
            "ON CONFLICT (name) DO UPDATE SET until = :each + "
            "CASE WHEN rates.until > :now THEN rates.until ELSE :now END "
            "WHERE rates.until <= :latest RETURNING until",
            name=key.name, fresh=now + each, each=each, now=now, latest=now + WINDOW - each)
        if taken is None:
            held = self._database.one("SELECT until FROM rates WHERE name = :name", name=key.name)
            wait = max(0.0, (held["until"] if held else now) - (now + WINDOW - each))
            raise TooManyRequests(
                f"太快了：密钥 {key.name} 每分钟可用 {key.per_minute} 次，请在 {wait:.1f} 秒后再试。",
                f"Too fast: the key {key.name} has {key.per_minute} requests a minute; try again "
                f"in {wait:.1f} s.", wait)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _key(row: object) -> ApiKey:
    name, scopes, rate, made = (row[part] for part in (  # type: ignore[index]
        "name", "scopes", "per_minute", "made"))
    return ApiKey(name, tuple(one for one in SCOPES if one in scopes.split()), rate, made)
