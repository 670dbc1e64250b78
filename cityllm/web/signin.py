"""The sign-in page: a plain form, no script; from it to the page that was asked for."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from cityllm.errors import AccessError
from cityllm.messages import Language
from cityllm.safety.access import Role
from cityllm.web.guard import COOKIE, token_of
from cityllm.web.pages import CHAT, FIRM, PAGES, PETITIONS, Page, may_open
from cityllm.web.sessions import HOURS, Sessions
from cityllm.web.texts import language_of, text

if TYPE_CHECKING:
    from fastapi import FastAPI

LONGEST = 4096
"""Bytes of a sign-in form that are read."""

_STYLE = """body{margin:0;background:#f3f5f7;color:#16191d;font:17px/1.7 "Noto Sans CJK SC",
"PingFang SC","Microsoft YaHei",system-ui,sans-serif}header{background:#12263f;color:#fff;
padding:.9rem 1.5rem;font-weight:700;font-size:1.15rem}main{max-width:24rem;margin:3rem auto;
background:#fff;border:1px solid #c9d0d7;padding:1.6rem 1.8rem;box-sizing:border-box}h1{font-size:
1.35rem;margin:0 0 1rem}label{display:block;margin-bottom:1rem}input{display:block;width:100%;
box-sizing:border-box;font:inherit;padding:.45rem .7rem;border:2px solid #5b6672;border-radius:3px}
button{font:inherit;font-weight:600;color:#fff;background:#164a86;border:0;border-radius:3px;
padding:.5rem 1.6rem;cursor:pointer}:focus-visible{outline:3px solid #1f6fd0;outline-offset:2px}
p.wrong{color:#a3211b;font-weight:600}a{color:#164a86}nav{margin-top:1.2rem;font-size:.9rem}"""


HOMES: dict[Role, Page] = {"clerk": PETITIONS, "supervisor": PETITIONS, "auditor": PETITIONS,
                           "enterprise": FIRM}
"""Where a role works; the others at the chat."""


def landing(asked: str, role: Role, language: Language) -> str:
    """Where somebody who signed in goes: the page of this site that was asked for, where the role
    may open it, otherwise the role's own. Nothing of `asked` but the query of a known page is
    taken over, so that no address of another site can come of it."""
    try:
        parts = urlsplit(asked)
    except ValueError:
        parts = urlsplit("")
    home = HOMES.get(role, CHAT)
    own = not parts.scheme and not parts.netloc
    page = next((one for one in PAGES if own and one.path == parts.path and may_open(one, role)),
                None)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name != "lang"] \
        if page else []
    return f"{(page or home).path}?{urlencode([*query, ('lang', language)])}"


def page(language: Language, problem: str = "", name: str = "", asked: str = "") -> str:
    """The page; `problem` is a sentence about the last attempt, `asked` the address after it."""
    onward = f"&{urlencode({'next': asked})}" if asked else ""
    to_en, to_zh = (escape(f"/sign-in?lang={code}{onward}") for code in ("en", "zh"))
    wrong = f'<p class="wrong" role="alert">{escape(problem)}</p>' if problem else ""
    other = f'<a href="{to_en}" lang="en">English</a>' if language == "zh" else (
        f'<a href="{to_zh}" lang="zh">中文</a>')
    return (
        f'<!doctype html><html lang="{"zh-CN" if language == "zh" else "en"}"><head>'
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(text('sign_in', language))}</title><style>{_STYLE}</style></head><body>"
        f"<header>{escape(text('title', language))}</header><main>"
        f"<h1>{escape(text('sign_in', language))}</h1>{wrong}"
        f'<form method="post" action="{to_zh if language == "zh" else to_en}">'
        f"<label>{escape(text('name', language))}<input name=\"name\" value=\"{escape(name)}\" "
        'autocomplete="username" required autofocus></label>'
        f"<label>{escape(text('password', language))}<input name=\"password\" type=\"password\" "
        'autocomplete="current-password" required></label>'
        f"<button>{escape(text('sign_in', language))}</button></form><nav>{other}</nav>"
        "</main></body></html>")


def add_sign_in(app: FastAPI, sessions: Sessions, language: Language) -> None:
    """`/sign-in` and `/sign-out`. The cookie is out of reach of scripts and of other sites."""
    from fastapi import Request
    from fastapi.concurrency import run_in_threadpool
    from fastapi.responses import HTMLResponse, RedirectResponse, Response

    def spoken(request: Request) -> Language:
        return language_of(request.query_params.get("lang", language))

    def wanted(request: Request) -> str:
        return request.query_params.get("next", "")[:LONGEST]

    async def show(request: Request) -> Response:
        return HTMLResponse(page(spoken(request), asked=wanted(request)),
                            headers={"cache-control": "no-store"})

    async def enter(request: Request) -> Response:
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > LONGEST:
                return Response(status_code=413)
        form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
        name = form.get("name", [""])[0]
        try:
            token, role = await run_in_threadpool(sessions.begin, name,
                                                  form.get("password", [""])[0])
        except AccessError as problem:
            told = problem.zh if spoken(request) == "zh" else problem.en
            return HTMLResponse(page(spoken(request), told, name, wanted(request)),
                                status_code=403, headers={"cache-control": "no-store"})
        reply = RedirectResponse(landing(wanted(request), role, spoken(request)), status_code=303)
        reply.set_cookie(COOKIE, token, max_age=HOURS * 3600, httponly=True, samesite="lax",
                         secure=request.url.scheme == "https")
        return reply

    async def leave(request: Request) -> Response:
        await run_in_threadpool(sessions.end, token_of(request.scope))
        reply = RedirectResponse("/sign-in", status_code=303)
        reply.delete_cookie(COOKIE)
        return reply

    app.add_route("/sign-in", show, methods=["GET"])
    app.add_route("/sign-in", enter, methods=["POST"])
    app.add_route("/sign-out", leave, methods=["POST"])
