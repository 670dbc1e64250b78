"""Where the pages of policies are found, and who is let in: `/policies` and `/policies/office`."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse

from cityllm.web import frame
from cityllm.web.citation_panel import panel
from cityllm.web.firm_page import FirmPage
from cityllm.web.guard import USER
from cityllm.web.pages import FIRM, Page, document, may_open
from cityllm.web.sources import ARTICLE
from cityllm.web.texts import language_of, text

NO_STORE = {"cache-control": "no-store"}
FIELDS = 2000
"""Entries of a form that are read."""


def add_policies(app: FastAPI, firm: FirmPage) -> None:
    """The enterprise's page and the article beside it."""

    def refused(request: Request, page: Page) -> Response | None:
        """A page that says so, where the role of the user may not open `page`."""
        who = firm.account_of(str(request.scope[USER]))
        if may_open(page, who.role):
            return None
        language = language_of(request.query_params.get("lang", firm.language))
        words = escape(text("policy_not_allowed", language, role=who.role))
        return HTMLResponse(document(page, language, {
            "top": frame.header(language, who, True, None, page),
            "main": f'<section class="welcome"><p class="note">{words}</p></section>'}),
            status_code=403, headers=NO_STORE)

    @app.get(FIRM.path)
    def show(request: Request) -> Response:
        user = str(request.scope[USER])
        return refused(request, FIRM) or HTMLResponse(
            firm.page(user, request.query_params.multi_items()), headers=NO_STORE)

    @app.post(FIRM.path)
    async def told(request: Request) -> Response:
        no = refused(request, FIRM)
        if no is not None:
            return no
        items = await _items(request)
        kind = next((value for name, value in items if name == "do"), "")
        if kind in ("md", "csv"):
            return _file(*await run_in_threadpool(firm.file, items, kind))
        user = str(request.scope[USER])
        return HTMLResponse(await run_in_threadpool(firm.page, user, items), headers=NO_STORE)

    @app.get(ARTICLE)
    def article(request: Request, clause: str) -> Response:
        language = language_of(request.query_params.get("lang", firm.language))
        who = firm.account_of(str(request.scope[USER]))
        return HTMLResponse(document(FIRM, language, {
            "top": frame.header(language, who, True, None, FIRM),
            "panel": panel(firm.sources.ledger, clause[:400], None, 0, language)}),
            headers=NO_STORE)


async def _items(request: Request) -> Sequence[tuple[str, str]]:
    """What the form and the address say; files are left out."""
    async with request.form(max_files=0, max_fields=FIELDS) as form:
        told = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    return [*request.query_params.multi_items(), *told]


def _file(name: str, kind: str, content: str | bytes) -> Response:
    return Response(content, media_type=kind, headers={
        **NO_STORE, "content-disposition": f"attachment; filename*=UTF-8''{quote(name)}"})
