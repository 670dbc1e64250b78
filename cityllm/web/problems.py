"""Errors of the API as problem+json (RFC 9457): a stable code, both languages, the field at fault.

`detail` is in the language that the caller prefers (Accept-Language), `zh` and `en` are always
there. A fault of the program itself says nothing of its inside; the trace goes to the log.
"""

from __future__ import annotations

import difflib
import logging
import types
import typing
from collections.abc import Sequence
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel

from cityllm.errors import (
    AccessError,
    CityLLMError,
    EnterpriseError,
    EnterpriseNotFound,
    KeyNeeded,
    ModelError,
    PolicyNotFound,
    RepeatConflict,
    RequestInvalid,
    RequestTooLarge,
    ScopeMissing,
    TooManyRequests,
)
from cityllm.policies.figures import NotAllowed

log = logging.getLogger(__name__)
MEDIA = "application/problem+json"
STATUS: tuple[tuple[type[CityLLMError], int], ...] = (
    (PolicyNotFound, 404), (EnterpriseNotFound, 404), (EnterpriseError, 422),
    (RequestTooLarge, 413), (RepeatConflict, 409), (RequestInvalid, 422), (KeyNeeded, 401),
    (TooManyRequests, 429), (ScopeMissing, 403), (AccessError, 403), (ModelError, 503))
"""The first class that fits names the status; any other error of ours is a 500."""
HTTP = {400: ("request.json", "请求的正文读不了：请发送 UTF-8 的 JSON。",
              "The body cannot be read: send JSON in UTF-8."),
        404: ("request.path", "没有这个地址。全部地址见 /api/v1/openapi.json。",
              "There is no such address. /api/v1/openapi.json lists them all."),
        405: ("request.method", "这个地址不支持这种方法；可用的见响应头 Allow。",
              "This address does not take that method; the header Allow names those it does."),
        413: ("request.size", "请求太大：单个请求至多 1 MiB，批量至多 32 MiB、10000 家。请分几次发送。",
              "The request is too large: 1 MiB at most, 32 MiB and 10000 enterprises for a batch. "
              "Send it in parts.")}
INTERNAL = ("internal", "程序出错了，已经记入日志。请稍后再试；若一直如此，请告诉管理员。",
            "The program failed, and the log has it. Try again later; if it keeps failing, tell "
            "the administrator.")


class Fault(BaseModel):
    """A field at fault and what may stand there."""

    field: str
    zh: str
    en: str
    allowed: str = ""
    nearest: list[str] = []


class Problem(BaseModel):
    """An error: `code` is stable, `zh` and `en` are the same sentence, `errors` name the fields."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    zh: str
    en: str
    errors: list[Fault] = []


def install(api: FastAPI) -> None:
    """Every error of this application as a problem."""
    api.add_exception_handler(CityLLMError, _ours)
    api.add_exception_handler(RequestValidationError, _invalid)
    for status in HTTP:
        api.add_exception_handler(status, _http)
    api.add_exception_handler(Exception, _unexpected)


def problem_of(error: CityLLMError, english: bool = False) -> dict[str, Any]:
    """An error of ours as the object that is sent."""
    status = next((number for kind, number in STATUS if isinstance(error, kind)), 500)
    faults = []
    if isinstance(error, EnterpriseError | RequestInvalid) and error.field:
        faults = [Fault(field=error.field, zh=error.zh, en=error.en, allowed=error.allowed,
                        nearest=list(error.nearest))]
    return _problem(status, error.code, error.zh, error.en, english, faults)


def _problem(status: int, code: str, zh: str, en: str, english: bool,
             faults: Sequence[Fault] = ()) -> dict[str, Any]:
    return Problem(type=f"urn:cityllm:problem:{code}", title=code, status=status,
                   detail=en if english else zh, code=code, zh=zh, en=en,
                   errors=list(faults)).model_dump()


def respond(told: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    """A problem as a response."""
    return Response(orjson.dumps(told), told["status"], headers, MEDIA)


def _english(request: Request) -> bool:
    return request.headers.get("accept-language", "").lower().startswith("en")


def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, CityLLMError)
    told = problem_of(error, _english(request))
    headers = {}
    if isinstance(error, TooManyRequests):
        headers["retry-after"] = str(max(1, round(error.wait + 0.5)))
    if isinstance(error, KeyNeeded):
        headers["www-authenticate"] = 'Bearer realm="cityllm"'
    if told["status"] == 500:
        log.error("%s", error)
    return respond(told, headers)


def _http(request: Request, error: Exception) -> Response:
    status, headers = error.status_code, error.headers  # type: ignore[attr-defined]
    if status == 405:  # Starlette names the methods of the first route of the path alone
        fits = [route for route in request.app.routes if route.matches(request.scope)[0].value]
        allow = {method for route in fits if route.path == fits[0].path for method in route.methods}
        headers = {"allow": ", ".join(sorted(allow))}
    code, zh, en = HTTP[status]
    return respond(_problem(status, code, zh, en, _english(request)), dict(headers or {}))


def _unexpected(request: Request, error: Exception) -> Response:
    log.exception("%s %s failed", request.method, request.url.path, exc_info=error)
    code, zh, en = INTERNAL
    return respond(_problem(500, code, zh, en, _english(request)))


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    body = getattr(request.scope.get("route"), "body_field", None)
    model = body.field_info.annotation if body else None
    faults = [_fault(one, model) for one in error.errors()]
    zh = "；".join(one.zh.rstrip("。") for one in faults[:3]) + "。"
    en = "; ".join(one.en.rstrip(".") for one in faults[:3]) + "."
    if error.errors()[0]["type"] == "json_invalid":
        code, zh, en = HTTP[400]
        return respond(_problem(400, code, zh, en, _english(request)))
    return respond(_problem(422, RequestInvalid.code, zh, en, _english(request), faults))


def _fault(one: dict[str, Any], model: Any) -> Fault:
    """pydantic's error in both languages, with what is allowed and the nearest known name."""
    where, *path = one["loc"]
    name = ".".join(str(part) for part in path) or str(where)
    context = one.get("ctx") or {}
    match one["type"]:
        case "extra_forbidden":
            known = _known(model, path[:-1])
            near = difflib.get_close_matches(str(path[-1]), known, n=3, cutoff=0.5)
            allowed = ", ".join(known)
            hint = (f"是不是 {'、'.join(near)}？", f" Did you mean {', '.join(near)}?") if near \
                else ("", "")
            return Fault(field=name, allowed=allowed, nearest=near,
                         zh=f"不认识 {name}。{hint[0]}可以有：{allowed}。",
                         en=f"{name} is not known.{hint[1]} Allowed: {allowed}.")
        case "missing":
            return Fault(field=name, zh=f"缺少 {name}。", en=f"{name} is missing.")
        case "value_error" if isinstance(context.get("error"), NotAllowed):
            wrong = context["error"]
            return Fault(field=name, zh=f"{name}：{wrong.zh}。", en=f"{name}: {wrong.en}.",
                         allowed=wrong.en)
    zh, en = _allowed(one["type"], context)
    shown = str(one.get("input"))[:60]
    return Fault(field=name, allowed=en, zh=f"{name} 的值 {shown!r} 不可用；可以写：{zh}。",
                 en=f"{name} has value {shown!r}; allowed: {en}.")


def _allowed(kind: str, context: dict[str, Any]) -> tuple[str, str]:
    if kind in ("literal_error", "enum"):
        listed = str(context["expected"]).replace("'", "").replace(" or ", ", ")
        return listed, listed
    if kind.startswith(("date", "time")):
        return "日期，如 2026-06-01", "a date, as 2026-06-01"
    if kind.startswith("int"):
        return "整数", "a whole number"
    if kind.startswith("bool"):
        return "true 或 false", "true or false"
    if kind in ("model_attributes_type", "dict_type", "model_type"):
        return "一个 JSON 对象 {…}，Content-Type: application/json", \
            "a JSON object {…}, Content-Type: application/json"
    if kind == "list_type":
        return "列表 […]", "a list […]"
    limits = {"greater_than_equal": ("ge", "不小于", "at least"),
              "less_than_equal": ("le", "不大于", "at most"),
              "string_too_long": ("max_length", "字数至多", "characters at most"),
              "string_too_short": ("min_length", "字数至少", "characters at least"),
              "too_long": ("max_length", "项数至多", "items at most"),
              "too_short": ("min_length", "项数至少", "items at least")}
    if kind in limits:
        key, zh, en = limits[kind]
        return f"{zh} {context[key]}", f"{en} {context[key]}"
    if kind == "string_pattern_mismatch":
        return f"格式 {context['pattern']}", f"the form {context['pattern']}"
    return "文字", "text"


def _known(model: Any, path: Sequence[Any]) -> list[str]:
    """The keys that may stand at a place of the body."""
    for part in path:
        if isinstance(part, str) and isinstance(model, type) and issubclass(model, BaseModel):
            held = model.model_fields.get(part)
            model = held.annotation if held else None
        for inner in typing.get_args(model) if typing.get_origin(model) in (
                list, typing.Union, types.UnionType) else ():
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                model = inner
    return list(model.model_fields) if isinstance(model, type) and issubclass(
        model, BaseModel) else []
