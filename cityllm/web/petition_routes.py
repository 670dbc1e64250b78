"""Where the petitions page and its actions are found, and who is let in."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse

from cityllm.web import frame
from cityllm.web.guard import USER
from cityllm.web.pages import PETITIONS, document, may_open
from cityllm.web.review import ReviewPage
from cityllm.web.texts import language_of, text

LONGEST = 65_536
"""Bytes of an action that are read."""


def add_petitions(app: FastAPI, page: ReviewPage) -> None:
    """`/petitions` and `/petitions/do`."""

    @app.get(PETITIONS.path)
    def show(request: Request) -> Response:
        user = str(request.scope[USER])
        who = page.account_of(user)
        headers = {"cache-control": "no-store"}
        if may_open(PETITIONS, who.role):
            return HTMLResponse(page.page(user, request.query_params), headers=headers)
        language = language_of(request.query_params.get("lang", page.language))
        words = escape(text("not_allowed", language, role=who.role))
        return HTMLResponse(document(PETITIONS, language, {
            "top": frame.header(language, who, True, None, PETITIONS),
            "main": f'<section class="welcome"><p class="note">{words}</p></section>'}),
            status_code=403, headers=headers)

    @app.post(PETITIONS.path + "/do")
    async def do(request: Request) -> Response:
        if not request.headers.get("content-type", "").startswith("application/json"):
            return Response(status_code=415)
        told = b""
        async for part in request.stream():
            told += part
            if len(told) > LONGEST:
                return Response(status_code=413)
        try:
            body: Any = json.loads(told)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return Response(status_code=400)
        return JSONResponse(await run_in_threadpool(page.act, str(request.scope[USER]), body),
                            headers={"cache-control": "no-store"})
