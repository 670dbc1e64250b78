"""Idempotency keys: a writing call that is sent again does nothing again and gets the same reply.

The first call with a key claims it in the shared database, so that two workers never both run it.
Replies are kept for a day. A claim whose call never ended (the process died) can be taken after a
minute.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Header, Response

from cityllm.errors import RepeatConflict
from cityllm.safety.database import Database

KEPT, ABANDONED = 86_400.0, 60.0
RUNNING = 0
IdempotencyKey = Annotated[str | None, Header(
    alias="Idempotency-Key", min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$",
    description="同一个键再发一次，不会再做一次 Sent again with the same key, nothing is done again")]


@dataclass(frozen=True)
class Repeats:
    """Runs writing calls once. `clock` gives seconds since 1970."""

    database: Database
    clock: Callable[[], float] = time.time

    def once(self, caller: str, key: str | None, call: bytes,
             run: Callable[[], Response]) -> Response:
        """The reply of `run`, or that of the same call before. `call` is what makes it the same.

        RepeatConflict where the key came with another call, or its first call still runs. A call
        that fails is not kept.
        """
        if key is None:
            return run()
        digest, now = hashlib.sha256(call).hexdigest(), self.clock()
        self.database.run("DELETE FROM repeats WHERE made < :old", old=now - KEPT)
        claimed = self.database.run(
            "INSERT INTO repeats (caller, name, digest, status, body, made) "
            "VALUES (:caller, :name, :digest, 0, '', :now) ON CONFLICT (caller, name) DO UPDATE "
            "SET made = :now WHERE repeats.status = 0 AND repeats.digest = :digest "
            "AND repeats.made < :dead",
            caller=caller, name=key, digest=digest, now=now, dead=now - ABANDONED)
        if not claimed:
            return self._replay(caller, key, digest)
        try:
            reply = run()
        except BaseException:
            self.database.run("DELETE FROM repeats WHERE caller = :caller AND name = :name",
                              caller=caller, name=key)
            raise
        self.database.run("UPDATE repeats SET status = :status, body = :body "
                          "WHERE caller = :caller AND name = :name", caller=caller, name=key,
                          status=reply.status_code, body=bytes(reply.body).decode())
        return reply

    def _replay(self, caller: str, key: str, digest: str) -> Response:
        held = self.database.one("SELECT digest, status, body FROM repeats WHERE caller = :caller "
                                 "AND name = :name", caller=caller, name=key)
        if held is None or (held["status"] == RUNNING and held["digest"] == digest):
            raise RepeatConflict("同一个 Idempotency-Key 的请求还在处理，请稍后再发。",
                                 "The call with this Idempotency-Key still runs: send it again in "
                                 "a moment.")
        if held["digest"] != digest:
            raise RepeatConflict("这个 Idempotency-Key 已经用于另一个请求，请换一个。",
                                 "This Idempotency-Key came with another call: take a new one.")
        return Response(held["body"], held["status"], {"idempotent-replayed": "true"},
                        "application/json" if held["body"] else None)
