"""The door of the whole site: who is asking, from where, and what a browser may do with the reply.

Without accounts one local user works, and only under a name of this machine (a page elsewhere that
makes its own name point here is turned away). With accounts nothing but the sign-in page and
`/healthz` answers without a session, and the API with a key. Nothing is changed at the word of a
page of another site. Nobody uploads: the chat has no use for files.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import quote

from cityllm.safety.access import LOCAL, is_loopback
from cityllm.web.sessions import Sessions

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

API = "/api/v1/"
COOKIE = "cityllm_session"
USER = "cityllm.user"
"""Key of the signed-in user's name in a request's scope."""
OPEN = ("/healthz", "/sign-in")
CLOSED = ("/gradio_api/upload", "/gradio_api/proxy=", "/proxy=", "/upload")
HEADERS = (
    (b"content-security-policy",
     b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
     b"style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
     b"connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; "
     b"frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)


class Guard:
    """ASGI middleware. `sessions` is None where nobody signs in."""

    def __init__(self, app: App, sessions: Sessions | None) -> None:
        self.app = app
        self.sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it here."""
        if scope["type"] != "http":
            await (self.app(scope, receive, send) if scope["type"] == "lifespan"
                   else send({"type": "websocket.close", "code": 1008}))
            return
        path: str = scope["path"]
        if path.startswith(CLOSED):
            await _reply(send, 404, "没有这个地址。 There is no such address.")
            return
        if (scope["method"] not in ("GET", "HEAD")
                and header(scope, b"sec-fetch-site") in ("cross-site", "same-site")):
            await _reply(send, 403, "这个请求来自别的网站，没有执行。 A request of another site: refused.")
            return
        if self.sessions is None:
            host = header(scope, b"host")
            if path != "/healthz" and not is_loopback(_name(host)):
                await _reply(send, 403, f"没有账号时只能从本机打开，不能用 {host[:80]}。要从别处使用，请先用 "
                             "cityllm user add 建账号，再设 CITYLLM_HOST。\nWithout accounts only this "
                             "machine may open it. Add accounts, then set CITYLLM_HOST.")
                return
            scope[USER] = LOCAL.name
        elif path not in OPEN:
            user = self.sessions.user(token_of(scope))
            if user is None and not path.startswith(API):  # there, `callers` looks for a key
                await self._to_sign_in(scope, send)
                return
            scope[USER] = user
        await self.app(scope, receive, _with_headers(send))

    async def _to_sign_in(self, scope: Scope, send: Send) -> None:
        if scope["method"] == "GET" and "text/html" in header(scope, b"accept"):
            asked = scope["path"] + ("?" + scope["query_string"].decode("latin-1")
                                     if scope.get("query_string") else "")
            to = "/sign-in" if asked == "/" else f"/sign-in?next={quote(asked, safe='/')}"
            await send({"type": "http.response.start", "status": 303,
                        "headers": [(b"location", to.encode()), (b"cache-control", b"no-store")]})
            await send({"type": "http.response.body", "body": b""})
            return
        await _reply(send, 401, "请先登录。 Please sign in.")


def header(scope: Scope, name: bytes) -> str:
    """The value of a request header, empty where there is none."""
    return next((v.decode("latin-1") for k, v in scope["headers"] if k == name), "")


def token_of(scope: Scope) -> str:
    """The session token a browser sent, or an empty string."""
    try:
        found = SimpleCookie(header(scope, b"cookie")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _name(host: str) -> str:
    """Host without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), *HEADERS]}
        await send(message)

    return sending


async def _reply(send: Send, status: int, words: str) -> None:
    await send({"type": "http.response.start", "status": status,
                "headers": [(b"content-type", b"text/plain; charset=utf-8"), *HEADERS]})
    await send({"type": "http.response.body", "body": words.encode()})
