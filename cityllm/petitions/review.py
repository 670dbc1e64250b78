"""The petitions that wait for a person, who has which, and what was decided: SQLite.

A run of the batch offers its records; what is new waits, what changed is replaced, what a person
decided stays. One person at a time has a petition: for a lease that the page renews, so that nobody
takes it twice and a closed page gives it back. Every decision is an entry of a chain of hashes; the
tables beside it only say how things stand. Records are masked; originals are in the vault. A
connection is opened for each call, so a store may be shared by threads and by processes.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cityllm.errors import AccessError, ReviewError
from cityllm.petitions.held import MAY, Held, decided_of, may
from cityllm.petitions.verdict import Verdict, withheld
from cityllm.safety.access import Account
from cityllm.safety.chain import Chain, Checked, Entry, writing

LEASE = 120.0
"""Seconds for which a petition is held without a sign of life of the page."""
DECIDED = ("accepted", "changed", "returned")
_TABLES = """
CREATE TABLE IF NOT EXISTS petitions (
    n INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, batch TEXT NOT NULL, id TEXT NOT NULL,
    nth INTEGER NOT NULL, mark TEXT NOT NULL, made_by TEXT NOT NULL, record TEXT NOT NULL,
    state TEXT NOT NULL, rank INTEGER NOT NULL, due TEXT NOT NULL, since TEXT NOT NULL,
    run INTEGER NOT NULL, draft TEXT, why TEXT NOT NULL DEFAULT '', decision INTEGER,
    meant TEXT NOT NULL DEFAULT '', holder TEXT NOT NULL DEFAULT '', until REAL NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS queue ON petitions(state, rank, due, since, n);
CREATE INDEX IF NOT EXISTS place ON petitions(batch, id, nth);
CREATE INDEX IF NOT EXISTS settled ON petitions(decision);
CREATE INDEX IF NOT EXISTS runs ON petitions(run);
"""
_ORDER = "rank, due, since, n"
_HELD = ("n, key, batch, id, mark, made_by, record, state, rank, due, draft, why, decision, meant, "
         "holder, until")


class Review:
    """The store at `path`, made at the first use. `clock` gives seconds since 1970."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self.clock = clock
        self.chain = Chain("decisions")
        self._made = False

    def _make(self) -> None:
        if self._made:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.path, timeout=10.0)) as db, db:
            db.execute("PRAGMA journal_mode=WAL")
            db.executescript(_TABLES)
            self.chain.make(db)
        self.path.chmod(0o600)
        self._made = True

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to read with."""
        self._make()
        with closing(sqlite3.connect(self.path, timeout=10.0, isolation_level=None)) as db:
            yield db

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection that keeps other writers out; all inside is kept, or nothing."""
        self._make()
        with writing(self.path) as db:
            yield db

    # --- reading

    def get(self, n: int) -> Held | None:
        """The petition of that number."""
        with self.reading() as db:
            return self._get(db, n)

    def _get(self, db: sqlite3.Connection, n: int) -> Held | None:
        row = db.execute(f"SELECT {_HELD} FROM petitions WHERE n = ?", (n,)).fetchone()
        return self._held(db, row) if row else None

    def _held(self, db: sqlite3.Connection, row: tuple[Any, ...]) -> Held:
        named = dict(zip(_HELD.split(", "), row, strict=True))
        entry = self.chain.get(db, named["decision"]) if named["decision"] else None
        told = withheld(json.loads(named.pop("record")) | decided_of(entry))
        return Held(**{**named, "told": told, "decision": entry})

    def waiting(self, limit: int, words: str = "") -> list[Held]:
        """What waits, the most urgent first; `words`: those with this id, or with these words in
        what is shown of them."""
        return self._list("state = 'waiting'", _ORDER, limit, words)

    def decided(self, limit: int, words: str = "") -> list[Held]:
        """What was decided, the newest first."""
        return self._list("decision IS NOT NULL", "decision DESC", limit, words)

    def _list(self, where: str, order: str, limit: int, words: str) -> list[Held]:
        values: list[object] = []
        if words:  # the plain look into the JSON spares reading most of it
            where += (" AND (id = ? OR instr(record, ?) AND instr(json_extract(record, '$.summary')"
                      " || json_extract(record, '$.text'), ?))")
            values = [words, json.dumps(words, ensure_ascii=False)[1:-1], words]
        with self.reading() as db:
            rows = db.execute(f"SELECT {_HELD} FROM petitions WHERE {where} ORDER BY {order} "
                              "LIMIT ?", (*values, limit)).fetchall()
            found = [self._held(db, row) for row in rows]
        return [one for one in found if not words or words in (
            one.id, *_within(words, one.told["summary"], one.told["text"]))]

    def numbers(self, batch: str, ids: Iterable[str]) -> dict[str, int]:
        """Ids of a run's petitions -> their numbers, the first of equal ones."""
        with self.reading() as db:
            found = {one: db.execute("SELECT min(n) FROM petitions WHERE batch = ? AND id = ?",
                                     (batch, one)).fetchone()[0] for one in ids if one}
        return {one: n for one, n in found.items() if n}

    def counts(self) -> dict[str, int]:
        """State -> petitions."""
        with self.reading() as db:
            return dict(db.execute("SELECT state, count(*) FROM petitions GROUP BY state"))

    def records(self) -> Iterator[dict[str, Any]]:
        """Every petition as the batch gave it, with `n`, `batch` and what was decided."""
        with self.reading() as db:
            for row in db.execute(f"SELECT {_HELD} FROM petitions WHERE state <> 'gone' "
                                  "ORDER BY n"):
                one = self._held(db, row)
                yield {**one.told, "n": one.n, "batch": one.batch}

    def version(self) -> tuple[int, int]:
        """Changes when records or decisions do."""
        with self.reading() as db:
            found = db.execute("SELECT max(run), (SELECT max(seq) FROM decisions) "
                               "FROM petitions").fetchone()
            return found[0] or 0, found[1] or 0

    # --- who has which

    def take(self, who: Account, n: int) -> Held:
        """Have a petition to oneself. ReviewError where somebody else has it."""
        _check(who, "decide")
        with self.writing() as db:
            held = self._open(db, n)
            if not self._free(held, who.name):
                raise _taken(held)
            self._hold(db, n, who.name)
            return held

    def take_next(self, who: Account, after: int = 0) -> Held | None:
        """The most urgent petition that is free, behind `after` where there is one behind it, and
        `after` given back; None, and nothing given back, where no other is free."""
        _check(who, "decide")
        with self.writing() as db:
            free = ("state = 'waiting' AND meant IN ('', ?) AND n <> ? AND "
                    "(holder IN ('', ?) OR until <= ?)")
            values = (who.name, after, who.name, self.clock())
            behind = f"AND ({_ORDER}) > (SELECT {_ORDER} FROM petitions WHERE n = ?)"
            row = db.execute(f"SELECT n FROM petitions WHERE {free} {behind} ORDER BY {_ORDER} "
                             "LIMIT 1", (*values, after)).fetchone()
            row = row or db.execute(f"SELECT n FROM petitions WHERE {free} ORDER BY {_ORDER} "
                                    "LIMIT 1", values).fetchone()
            if row is None:
                return None
            self._release(db, who, after)
            self._hold(db, row[0], who.name)
            return self._get(db, row[0])

    def keep(self, who: Account, n: int) -> bool:
        """Renew the lease; False where it was lost."""
        with self.writing() as db:
            done = db.execute("UPDATE petitions SET until = ? WHERE n = ? AND holder = ? AND state "
                              "= 'waiting' AND until > ?", (self.clock() + LEASE, n, who.name,
                                                            self.clock()))
            return done.rowcount == 1

    def release(self, who: Account, n: int) -> None:
        """Give a petition back."""
        with self.writing() as db:
            self._release(db, who, n)

    def _release(self, db: sqlite3.Connection, who: Account, n: int) -> None:
        db.execute("UPDATE petitions SET holder = '', until = 0 WHERE n = ? AND holder = ?",
                   (n, who.name))

    def _hold(self, db: sqlite3.Connection, n: int, name: str) -> None:
        db.execute("UPDATE petitions SET holder = ?, until = ? WHERE n = ?",
                   (name, self.clock() + LEASE, n))

    def _free(self, held: Held, name: str) -> bool:
        return held.meant in ("", name) and (
            held.holder in ("", name) or held.until <= self.clock())

    def _open(self, db: sqlite3.Connection, n: int) -> Held:
        held = self._get(db, n)
        if held is None:
            raise ReviewError("没有这一件。", "There is no such petition.")
        if held.state != "waiting":
            who = f"（{held.decision.who}，{held.decision.at[:16]}）" if held.decision else ""
            raise ReviewError(f"这一件已经处理过了{who}，不在队列里。",
                              "This petition has been dealt with and waits no more.")
        return held

    # --- deciding

    def decide(self, who: Account, n: int, mark: str, verdict: Verdict) -> Entry:
        """Record a decision on a petition that one holds, as `mark` showed it."""
        _check(who, "decide")
        with self.writing() as db:
            held = self._open(db, n)
            if held.holder != who.name or held.until <= self.clock():
                raise _taken(held)
            if held.mark != mark:
                raise ReviewError("新的一次运行改了这一件，请看过之后再决定。",
                                  "A new run changed this petition: look at it again first.")
            entry = self._enter(db, who, held, verdict.outcome, verdict.told())
            db.execute("UPDATE petitions SET state = ?, decision = ?, holder = '', until = 0 "
                       "WHERE n = ?", (verdict.outcome, entry.seq, n))
            return entry

    def undo(self, who: Account, n: int, reason: str) -> Entry:
        """Let a decided petition wait again, by a further entry."""
        _check(who, "oversee")
        with self.writing() as db:
            held = self._get(db, n)
            if held is None or held.state not in DECIDED:
                raise ReviewError("这一件没有可以撤销的决定。", "There is no decision to undo.")
            entry = self._enter(db, who, held, "undone", {"reason": reason})
            db.execute("UPDATE petitions SET state = 'waiting', decision = NULL WHERE n = ?", (n,))
            return entry

    def assign(self, who: Account, n: int, name: str, reason: str) -> Entry:
        """Let a petition wait for one person alone (nobody: for all); who has it loses it."""
        _check(who, "oversee")
        with self.writing() as db:
            held = self._open(db, n)
            entry = self._enter(db, who, held, "assigned", {"to": name, "reason": reason})
            db.execute("UPDATE petitions SET meant = ?, holder = '', until = 0 WHERE n = ?",
                       (name, n))
            return entry

    def opened(self, who: Account, n: int, reason: str) -> str:
        """Record that an original is looked at, and why; the key under which the vault has it."""
        _check(who, "oversee")
        with self.writing() as db:
            held = self._get(db, n)
            if held is None:
                raise ReviewError("没有这一件。", "There is no such petition.")
            self._enter(db, who, held, "opened", {"reason": reason})
            return held.key

    def keep_draft(self, n: int, draft: str, why: str) -> None:
        """A reply draft that was asked for on the page, or why there is none."""
        with self.writing() as db:
            db.execute("UPDATE petitions SET draft = ?, why = ? WHERE n = ?", (draft, why, n))

    def _enter(self, db: sqlite3.Connection, who: Account, held: Held, action: str,
               body: Mapping[str, Any]) -> Entry:
        told = held.told
        proposed = {"code": told["code"], "category": told["category"], "kind": told["kind"],
                    "department": told["department"], "jurisdiction": told["jurisdiction"],
                    "risks": told["risks"], "confidence": told["confidence"],
                    "route": told["route"]}
        at = datetime.fromtimestamp(self.clock(), UTC).isoformat(timespec="seconds")
        return self.chain.add(db, at, who.name, who.role, held.n, action, {
            **body, "id": held.id, "batch": held.batch, "key": held.key, "mark": held.mark,
            "made_by": held.made_by, "proposed": proposed})

    # --- the log

    def history(self, n: int) -> list[Entry]:
        """What was done with one petition, oldest first."""
        with self.reading() as db:
            return self.chain.about(db, n)

    def log(self, count: int) -> list[Entry]:
        """The last entries, newest first."""
        with self.reading() as db:
            return self.chain.newest(db, count)

    def verify(self) -> Checked:
        """Check the chain, and that the decisions which stand are entries of it."""
        with self.reading() as db:
            checked = self.chain.verify(db)
            lost = db.execute("SELECT min(decision) FROM petitions WHERE decision NOT IN "
                              "(SELECT seq FROM decisions)").fetchone()[0]
        return Checked(checked.entries, checked.head, checked.broken or lost or 0)


def _within(words: str, *texts: str) -> list[str]:
    return [words for text in texts if words in text]


def _check(who: Account, what: str) -> None:
    if not may(who.role, what):
        raise AccessError(f"{who.name}（{who.role}）没有这个权限。需要的角色：{'、'.join(MAY[what])}。",
                          f"{who.name} ({who.role}) may not do this. It takes one of: "
                          f"{', '.join(MAY[what])}.")


def _taken(held: Held) -> ReviewError:
    who = held.meant or held.holder
    if not who:
        return ReviewError("这一件已不在您手里，请重新打开。", "You no longer hold this petition: open it again.")
    return ReviewError(f"这一件由 {who} 处理，请另取一件（N）。",
                       f"{who} has this petition. Take another one (N).")
