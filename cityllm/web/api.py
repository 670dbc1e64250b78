"""The HTTP API under `/api/v1`: one FastAPI application that the site mounts.

Routes only: they read a request, call a service and send plain data. Errors are problem+json
(`problems`), numbers with a point are Decimals (`exact`), replies are compressed, requests limited
in size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, HTTPException
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.openapi.utils import get_openapi

from cityllm.agent.wording import Narrator
from cityllm.policies.registry import Registry
from cityllm.policies.service import PolicyService
from cityllm.safety.access import Role
from cityllm.safety.api_keys import ApiKeys
from cityllm.safety.database import Database
from cityllm.web.callers import Callers
from cityllm.web.change_routes import change_routes
from cityllm.web.guard import App, Message, Receive, Scope, Send, header
from cityllm.web.match_routes import match_routes
from cityllm.web.metrics import Metrics, metrics_routes
from cityllm.web.policy_routes import policy_routes
from cityllm.web.problems import MEDIA, Problem, install
from cityllm.web.registry_routes import registry_routes
from cityllm.web.repeats import Repeats

PREFIX = "/api/v1"
MOST_BYTES, MOST_BYTES_OF_A_BATCH = 2**20, 2**25
ABOUT = """惠企政策匹配。规则决定，不是模型；没有给的数据是“不知道”，不是零，也不是否。金额以元为单位，用文字
表示，精确到分。错误都是 application/problem+json（RFC 9457），`code` 固定不变。

Policies find their enterprises. Rules decide, no model; a datum that is not given is unknown, never
zero or false. Money is in yuan as text, exact to the fen. Errors are application/problem+json (RFC
9457) with a stable `code`."""

KEY = """本机访问或在页面登录后不需要；从别处访问需要：cityllm api-key add 名称 --scope match

Not needed on the machine itself or after sign-in; needed from elsewhere."""


class SizeLimit:
    """ASGI middleware: a body that is too long is not read to its end."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what is received."""
        most = MOST_BYTES_OF_A_BATCH if scope["path"].endswith("/batch") else MOST_BYTES
        seen = 0

        async def counting() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            declared = header(scope, b"content-length")
            if seen > most or (declared.isdigit() and int(declared) > most):
                raise HTTPException(413)
            return message

        await self.app(scope, counting, send)


def make_api(service: PolicyService, database: Database,
             role_of: Callable[[str], Role], narrator: Narrator | None = None) -> FastAPI:
    """The application over a service of policies and the database that workers share.

    `role_of` gives the role of a person of this site, by name; `narrator` tells in words.
    """
    callers = Callers(ApiKeys(database), role_of)
    metrics = Metrics(service)
    api = FastAPI(title="cityllm", version=PREFIX.rpartition("v")[2], description=ABOUT,
                  docs_url=None, redoc_url=None, servers=[{"url": PREFIX}],
                  root_path_in_servers=False,
                  generate_unique_id_function=lambda route: route.name)
    install(api)
    api.add_middleware(SizeLimit)
    api.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=1)
    api.add_middleware(metrics.wrap)
    failing: dict[int | str, dict[str, Any]] = {
        status: {"model": Problem, "description": words} for status, words in (
            (400, "正文读不了 The body cannot be read"), (401, "需要密钥 A key is needed"),
            (403, "没有权限 Not allowed"), (404, "没有 Not found"),
            (405, "不支持这种方法 Method not allowed"),
            (409, "和另一个请求冲突 In conflict with another call"), (413, "太大 Too large"),
            (422, "有一项不可用 Something is not usable"), (429, "太快 Too many requests"))}
    registry = Registry(database, service.rules.dictionary)
    for router in (match_routes(service, callers, narrator or Narrator(None)),
                   change_routes(service, registry, callers),
                   policy_routes(service, callers),
                   registry_routes(service, registry, callers, Repeats(database)),
                   metrics_routes(metrics, callers)):
        api.include_router(router, responses=failing)
    api.openapi = lambda: _described(api)  # type: ignore[method-assign]
    return api


def _described(api: FastAPI) -> dict[str, Any]:
    """The OpenAPI document; problems have their own media type."""
    if api.openapi_schema is None:
        made = get_openapi(title=api.title, version=api.version, description=api.description,
                           routes=api.routes, servers=api.servers)
        for path in made["paths"].values():
            for operation in path.values():
                for status, reply in operation["responses"].items():
                    if status >= "400":
                        reply["content"] = {MEDIA: reply["content"]["application/json"]}
        made["components"]["securitySchemes"] = {"key": {
            "type": "http", "scheme": "bearer", "description": KEY}}
        made["security"] = [{}, {"key": []}]
        api.openapi_schema = made
    return api.openapi_schema
