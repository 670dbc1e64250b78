"""What another day changes: policies that decide otherwise, and registered enterprises by them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import Query, Response

from cityllm.policies.changes import State, changes, same
from cityllm.policies.registry import Registry
from cityllm.policies.service import PolicyService
from cityllm.policies.view import yuan
from cityllm.web import replies
from cityllm.web.callers import Callers
from cityllm.web.exact import exact_router
from cityllm.web.match_routes import sent
from cityllm.web.requests import AsOf, Day, Language

_CLAUSES = {-1: None, 0: "not_met", 1: "unknown", 2: "met"}


def change_routes(service: PolicyService, registry: Registry, callers: Callers) -> Any:
    """`/policies/changes`."""
    router = exact_router("policies")

    @router.get("/policies/changes", response_model=replies.Changes,
                summary="哪些政策变了，谁因此得失 What changed, and for whom",
                dependencies=[callers.may("policies"), callers.may("enterprises.read")])
    def policy_changes(since: Annotated[Day, Query(description="从哪天 From this day")],
                       as_of: AsOf = None, lang: Language = "zh") -> Response:
        """两天之间生效、到期或门槛改了的政策，以及登记的企业里谁新符合、谁不再符合、因为哪一条。

        Policies that began, ended or have other thresholds between two days, and which registered
        enterprises gained or lost, by which clause."""
        day = as_of or date.today()
        before, after = service.rules.on(since), service.rules.on(day)
        other = {id_: bound for id_, bound in after.items() if not same(before[id_], bound)}
        table = registry.table()
        found = changes(State({id_: before[id_] for id_ in other}, table), State(other, table))
        return sent({
            "since": since.isoformat(), "as_of": day.isoformat(),
            "policies": [{"policy": id_, "title": bound.policy.title.say(lang),
                          "before": before[id_].validity, "after": bound.validity}
                         for id_, bound in other.items()],
            "enterprises": [{
                "enterprise": one.enterprise, "policy": one.policy, "before": one.before,
                "after": one.after, "amount_before": yuan(one.amount_before),
                "amount_after": yuan(one.amount_after), "gained": one.gained, "lost": one.lost,
                "clauses": [{"id": name, "before": _CLAUSES[was], "after": _CLAUSES[now]}
                            for name, (was, now) in one.clauses.items()]}
                for one in found.changed]})

    return router
