"""The catalogue over HTTP: policies, one of them on a day, the fields, health."""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from cityllm.errors import RequestInvalid
from cityllm.policies.policy_view import PolicyView, Wanted, listed
from cityllm.policies.service import PolicyService
from cityllm.web import replies
from cityllm.web.callers import Callers
from cityllm.web.exact import exact_router
from cityllm.web.match_routes import sent
from cityllm.web.requests import PAGE, AsOf, Cursor, Language, Limit

Kind = Literal["", "subsidy", "reward", "tax", "loan", "fee", "insurance", "service",
               "qualification"]
Validity = Literal["", "in_force", "not_yet", "expired", "unconfirmed"]


def policy_routes(service: PolicyService, callers: Callers) -> APIRouter:
    """`/policies`, `/policies/{policy}`, `/fields`, `/health`."""
    router = exact_router("policies")
    rules, may_read = service.rules, [callers.may("policies")]
    every = hashlib.sha256("".join(
        f"{id_}{rules.hashes.get(id_, '')}" for id_ in sorted(rules.policies)).encode()).hexdigest()

    @router.get("/policies", response_model=replies.PolicyPage, summary="政策目录 The catalogue",
                dependencies=may_read)
    def list_policies(
        q: Annotated[str, Query(max_length=100, description="名称、文号、给什么里的词；可几个 Words of "
                                "title, number or benefit")] = "",
        region: Annotated[str, Query(max_length=60, description="在这里适用的，如 北京市/海淀区 Those that "
                                     "apply there")] = "",
        issuer: Annotated[str, Query(max_length=60, description="制定机关 Issuer")] = "",
        kind: Annotated[Kind, Query(description="给什么 What is granted")] = "",
        validity: Annotated[Validity, Query(description="当天的状态 State on the day")] = "",
        as_of: AsOf = None, lang: Language = "zh", limit: Limit = PAGE, cursor: Cursor = "",
    ) -> Response:
        """按编号排列；翻页期间新增或删去政策，别的不会重复也不会漏。

        By id; policies that come or go between two pages neither repeat nor skip others."""
        day = as_of or date.today()
        wanted = Wanted(region.strip("/"), issuer, kind, validity, tuple(q.split()))
        found = list(listed(service, wanted, day))
        after = after_of(cursor)
        rest = [policy for policy in found if policy.id > after]
        view = PolicyView(service, lang)
        return sent({"items": [view.short(policy, day) for policy in rest[:limit]],
                     "next": cursor_of(rest[limit - 1].id) if len(rest) > limit else None,
                     "total": len(found)})

    @router.get("/policies/{policy}", response_model=replies.Policy,
                summary="一项政策在某一天 One policy on a day", dependencies=may_read)
    def read_policy(policy: str, as_of: AsOf = None, lang: Language = "zh") -> Response:
        """子句、当天的门槛和它的沿革、材料、步骤、要用的数据。

        Clauses, the thresholds of the day and their history, papers, steps, the data it reads."""
        return sent(PolicyView(service, lang).full(rules.get(policy), as_of or date.today()))

    @router.get("/fields", response_model=replies.Fields, summary="企业字段 The fields",
                dependencies=may_read)
    def fields(lang: Language = "zh") -> Response:
        """每个字段叫什么、能写什么、谁掌握。 What each is called, what may stand in it, who holds it."""
        holders = rules.dictionary.holders
        return sent({"items": [{
            "key": key, "name": field.say(lang), "type": field.type, "unit": field.unit_in(lang),
            "yearly": field.yearly, "changeable": field.changeable, "holder": field.holder,
            "holder_name": holders[field.holder].say(lang), "allowed": field.allowed.say(lang),
            "options": {name: words.say(lang) for name, words in field.options.items()}}
            for key, field in rules.dictionary.fields.items()]})

    @router.get("/health", response_model=replies.Health, summary="是否正常 Health")
    def health() -> Response:
        """不需要密钥。 Needs no key."""
        return sent({"status": "ok", "policies": len(rules.policies), "rules": every})

    return router


def cursor_of(last: str) -> str:
    """An opaque cursor that goes on after the item `last`."""
    return base64.urlsafe_b64encode(last.encode()).decode().rstrip("=")


def after_of(cursor: str) -> str:
    """The item that a cursor goes on after. RequestInvalid for what is no cursor."""
    try:
        after = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_",
                                 validate=True).decode()
        if after.isprintable():
            return after
        raise ValueError
    except (binascii.Error, UnicodeError, ValueError):
        raise RequestInvalid(f"cursor {cursor[:60]!r} 不可用：请原样送回上一页的 next。",
                             f"The cursor {cursor[:60]!r} is not usable: send back `next` of the "
                             "page before as it was.", field="cursor", allowed="next") from None
