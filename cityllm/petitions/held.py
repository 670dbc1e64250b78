"""A petition as the review store has it, and what follows from its record alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cityllm.safety.access import Role
from cityllm.safety.chain import Entry

State = Literal["waiting", "auto", "gone", "accepted", "changed", "returned"]
MAY: dict[str, tuple[Role, ...]] = {
    "read": ("clerk", "supervisor", "auditor", "admin"),
    "decide": ("clerk", "supervisor", "admin"),
    "oversee": ("supervisor", "admin"),
    "audit": ("supervisor", "auditor", "admin")}
"""What is done on the page -> who may."""


@dataclass(frozen=True)
class Held:
    """A petition of the store. `mark` changes with its record; `holder` has it until `until`
    (seconds since 1970), nobody has it where that is past; `meant`: for whom alone it waits."""

    n: int
    key: str
    batch: str
    id: str
    mark: str
    made_by: str
    told: dict[str, Any]
    state: State
    rank: int
    due: str
    draft: str | None
    why: str
    decision: Entry | None
    meant: str
    holder: str
    until: float


def may(role: Role, what: str) -> bool:
    """Whether a role may do what `MAY` names."""
    return role in MAY[what]


def rank_of(told: Mapping[str, Any]) -> int:
    """0 danger to life, 1 another risk, 2 the rest; 3 a row that cannot be read."""
    if told["problem"]:
        return 3
    return 0 if {"life", "self_harm"} & set(told["risks"]) else 1 if told["risks"] else 2


def decided_of(entry: Entry | None) -> dict[str, Any]:
    """What a decision adds to a record; empty values where there is none."""
    body = entry.body if entry else {}
    final = body.get("final") or {}
    return {"decision": body.get("outcome", ""), "decided_code": final.get("code", ""),
            "decided_category": list(final.get("category", ())),
            "decided_department": final.get("department", ""),
            "decided_kind": final.get("kind", ""),
            "decided_jurisdiction": final.get("jurisdiction", ""),
            "decided_risks": list(final.get("risks", ())),
            "decided_by": entry.who if entry else "", "decided_at": entry.at if entry else "",
            "decision_reason": body.get("reason", ""), "reply": body.get("reply", "")}


def mark_of(told: Mapping[str, Any]) -> str:
    """Changes when anything in a record does."""
    plain = json.dumps(told, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()[:32]
