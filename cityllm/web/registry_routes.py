"""The registry of enterprises over HTTP: add, read, replace, remove, list, match."""

from __future__ import annotations

import json
import secrets
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import Body, Path, Response

from cityllm.policies.reading import read_text
from cityllm.policies.registry import Registry
from cityllm.policies.service import PolicyService
from cityllm.policies.view import View
from cityllm.web import replies
from cityllm.web.callers import Callers
from cityllm.web.exact import exact_router
from cityllm.web.match_routes import sent
from cityllm.web.policy_routes import after_of, cursor_of
from cityllm.web.repeats import IdempotencyKey, Repeats
from cityllm.web.requests import (
    PAGE,
    READ_EXAMPLES,
    REGISTER_EXAMPLES,
    AsOf,
    Cursor,
    EnterpriseIn,
    Language,
    Limit,
    TextIn,
)

Id = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[\w.@-]+$",
                         description="统一社会信用代码或任意编号 Unified social credit code, or any id")]
New = Annotated[EnterpriseIn, Body(openapi_examples=REGISTER_EXAMPLES)]


def registry_routes(service: PolicyService, registry: Registry, callers: Callers,
                    repeats: Repeats) -> Any:
    """`/enterprises/read`, `/enterprises`, `/enterprises/{id}`, `/enterprises/{id}/match`."""
    router = exact_router("enterprises")

    def put(id_: str, enterprise: EnterpriseIn, status: int) -> Response:
        data = enterprise.model_dump()
        return sent(json.loads(_plain(registry.put(id_, data).plain())), status)

    @router.post("/enterprises/read", response_model=replies.ReadText,
                 summary="从一段话里读出字段 Read fields from words",
                 dependencies=[callers.may("match")])
    def read_text_fields(body: Annotated[TextIn, Body(openapi_examples=READ_EXAMPLES)],
                         lang: Language = "zh") -> Response:
        """按规则读，不用模型；每个字段带着原话的位置。愿望、疑问、“超过”“不到”、没有年份的金额都不读。请企业确认
        以后，再把 fields 送去匹配。

        By rules, no model; each field has the place of its words. Wishes, questions, bounds and
        amounts without a year are not read. Have the firm confirm, then send `fields` to match."""
        day, dictionary = body.as_of or date.today(), service.rules.dictionary
        found = read_text(body.text, day, dictionary)
        fields = {one.column: dictionary.field_of(one.column) for one in found}
        return sent({
            "as_of": day.isoformat(), "confirmed": False,
            "readings": [{
                "column": one.column, "label": dictionary.label(one.column, lang),
                "value": one.value,
                "shown": fields[one.column].show(fields[one.column].encode(one.value), lang),
                "start": one.start, "end": one.end, "words": body.text[one.start:one.end],
                "exact": one.exact} for one in found],
            "fields": {one.column: one.value for one in found}})

    @router.post("/enterprises", response_model=replies.Registered, status_code=201,
                 summary="登记一家企业 Register an enterprise")
    def register(body: New, key: IdempotencyKey = None,
                 caller: str = callers.may("enterprises.write")) -> Response:
        """没有编号的给一个；已有这个编号的就更新，版本加一。

        One without an id is given one; one whose id is there is replaced, its version counts up."""
        return repeats.once(caller, key, b"POST " + _plain(body.model_dump()), lambda: put(
            body.id or secrets.token_hex(8), body, 201))

    @router.get("/enterprises", response_model=replies.RegistryPage,
                summary="登记的企业 Registered enterprises",
                dependencies=[callers.may("enterprises.read")])
    def list_enterprises(limit: Limit = PAGE, cursor: Cursor = "") -> Response:
        """按编号排列。 By id."""
        found = registry.page(after_of(cursor), limit + 1)
        return sent({"items": [json.loads(_plain(one.plain())) for one in found[:limit]],
                     "next": cursor_of(found[limit - 1].id) if len(found) > limit else None,
                     "total": registry.count()})

    @router.get("/enterprises/{id}", response_model=replies.Registered,
                summary="一家登记的企业 One registered enterprise",
                dependencies=[callers.may("enterprises.read")])
    def read_enterprise(id: Id) -> Response:
        """登记的数据、版本、时间。 What is registered, its version and time."""
        return sent(json.loads(_plain(registry.get(id).plain())))

    @router.put("/enterprises/{id}", response_model=replies.Registered,
                summary="登记或更新 Register or replace")
    def replace_enterprise(id: Id, body: New, key: IdempotencyKey = None,
                           caller: str = callers.may("enterprises.write")) -> Response:
        """整个替换；没有写的字段就成为未知。 Replaced whole: a field that is left out is unknown then."""
        call = b"PUT " + id.encode() + _plain(body.model_dump())
        return repeats.once(caller, key, call, lambda: put(id, body, 200))

    @router.delete("/enterprises/{id}", status_code=204, summary="删除 Remove")
    def remove_enterprise(id: Id, key: IdempotencyKey = None,
                          caller: str = callers.may("enterprises.write")) -> Response:
        """从登记库删除。 Taken out of the registry."""
        def gone() -> Response:
            registry.remove(id)
            return Response(status_code=204)

        return repeats.once(caller, key, b"DELETE " + id.encode(), gone)

    @router.post("/enterprises/{id}/match", response_model=replies.Report,
                 summary="匹配一家登记的企业 Match a registered enterprise",
                 dependencies=[callers.may("enterprises.read"), callers.may("match")])
    def match_enterprise(id: Id, as_of: AsOf = None, lang: Language = "zh",
                         order: Literal["money", "deadline", "missing"] = "money",
                         details: bool = True) -> Response:
        """同 /policies/match，数据来自登记库。 As /policies/match, on the data registered."""
        enterprise = registry.get(id).read(service.rules.dictionary)
        report = service.match(enterprise, as_of or date.today(), order=order)
        return sent(View(service, lang).report(report, details=details))

    return router


def _plain(data: Any) -> bytes:
    """JSON in which a Decimal is the text that reads the same; keys in order. A whole number may
    have more than 64 bits here: it is refused later, by name."""
    return json.dumps(data, default=lambda value: f"{value:f}", sort_keys=True).encode()
