"""Where the pages of policies are found, and who is let in: `/policies` and `/policies/office`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from html import escape
from urllib.parse import quote, urlencode

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse

from cityllm.errors import EnterpriseError
from cityllm.messages import Language
from cityllm.safety.access import Account
from cityllm.web import frame
from cityllm.web.citation_panel import panel
from cityllm.web.firm_page import FirmPage
from cityllm.web.guard import USER
from cityllm.web.office_page import OfficePage
from cityllm.web.office_tables import MOST_BYTES
from cityllm.web.pages import FIRM, OFFICE, Page, document, may_open
from cityllm.web.sources import ARTICLE
from cityllm.web.texts import language_of, text

NO_STORE = {"cache-control": "no-store"}
FIELDS = 2000
"""Entries of a form that are read."""


def add_policies(app: FastAPI, firm: FirmPage, office: OfficePage) -> None:
    """Both pages, the article beside them, and the office's list as a file."""

    def account(request: Request) -> Account:
        return firm.account_of(str(request.scope[USER]))

    def refused(request: Request, page: Page) -> Response | None:
        """A page that says so, where the role of the user may not open `page`."""
        who = account(request)
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
        if kind in ("docx", "md", "csv"):
            return _file(*await run_in_threadpool(firm.file, items, kind))
        user = str(request.scope[USER])
        return HTMLResponse(await run_in_threadpool(firm.page, user, items), headers=NO_STORE)

    @app.get(ARTICLE)
    def article(request: Request, clause: str) -> Response:
        language = language_of(request.query_params.get("lang", firm.language))
        who = account(request)
        return HTMLResponse(document(FIRM, language, {
            "top": frame.header(language, who, True, None, FIRM),
            "panel": panel(firm.sources.ledger, clause[:400], None, 0, language)}),
            headers=NO_STORE)


    @app.get(OFFICE.path)
    def find(request: Request) -> Response:
        return refused(request, OFFICE) or HTMLResponse(
            office.page(account(request), request.query_params), headers=NO_STORE)

    @app.post(OFFICE.path)
    async def table(request: Request) -> Response:
        no = refused(request, OFFICE)
        return no or await _table(request, office, account(request))

    @app.get(OFFICE.path + "/list.{kind}")
    def listed(request: Request, kind: str) -> Response:
        no = refused(request, OFFICE)
        if no is not None:
            return no
        try:
            made = office.file(account(request), request.query_params, kind)
        except EnterpriseError as problem:
            return Response(f"{problem.zh}\n{problem.en}", status_code=404,
                            media_type="text/plain; charset=utf-8")
        return _file(*made) if made else Response(status_code=404)


def add_no_policies(app: FastAPI, account_of: Callable[[str], Account], language: Language,
                    signed_in: bool) -> None:
    """Where the pack has no policies, their pages say so."""

    def nothing(request: Request, page: Page) -> Response:
        tongue = language_of(request.query_params.get("lang", language))
        who = account_of(str(request.scope[USER]))
        return HTMLResponse(document(page, tongue, {
            "top": frame.header(tongue, who, signed_in, None, page),
            "main": f'<section class="welcome"><p class="note">'
                    f'{escape(text("no_policies", tongue))}</p></section>'}),
            status_code=404, headers=NO_STORE)

    for page in (FIRM, OFFICE):
        app.add_route(page.path, partial(nothing, page=page), methods=["GET"])


async def _table(request: Request, office: OfficePage, who: Account) -> Response:
    """Keep or delete a table, and show the page again."""
    language = language_of(request.query_params.get("lang", office.language))
    declared = request.headers.get("content-length", "")
    if not declared.isdigit() or int(declared) > MOST_BYTES:
        return HTMLResponse(await run_in_threadpool(
            office.page, who, {"lang": language},
            text("table_big", language, most=MOST_BYTES // 2**20)), 413, headers=NO_STORE)
    problem = ""
    told: dict[str, str] = {"lang": language}
    async with request.form(max_files=1, max_fields=20) as form:
        told |= {name: value for name, value in form.items() if isinstance(value, str)}
        file = form.get("file")
        if told.pop("do", "") == "drop":
            await run_in_threadpool(office.tables.drop, who.name, told.get("table", ""))
        elif file is None or isinstance(file, str) or not file.filename:
            problem = text("table_none", language)
        else:
            try:
                told["table"] = await run_in_threadpool(office.tables.add, who.name, file.filename,
                                                        await file.read())
            except EnterpriseError as wrong:
                problem = wrong.zh if language == "zh" else wrong.en
    if problem:
        return HTMLResponse(await run_in_threadpool(office.page, who, told, problem), 422,
                            headers=NO_STORE)
    return RedirectResponse(f"{OFFICE.path}?{urlencode(told)}", 303, headers=NO_STORE)


async def _items(request: Request) -> Sequence[tuple[str, str]]:
    """What the form and the address say; files are left out."""
    async with request.form(max_files=0, max_fields=FIELDS) as form:
        told = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    return [*request.query_params.multi_items(), *told]


def _file(name: str, kind: str, content: str | bytes) -> Response:
    return Response(content, media_type=kind, headers={
        **NO_STORE, "content-disposition": f"attachment; filename*=UTF-8''{quote(name)}"})
