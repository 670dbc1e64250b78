"""The site as one FastAPI application: chat at `/`, petitions, API, pictures, exports, sign-in.

Pictures and exports are served by turn id to the turn's owner only. No path comes from a request:
a picture's path is read from the stored answer and must be a PNG file. Only `app.make_app` imports
this module: Gradio takes seconds.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import gradio as gr
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse

from cityllm.config import Settings
from cityllm.evidence import Answer, ToolRunEvidence
from cityllm.petitions.verdict import Choices
from cityllm.safety.access import LOCAL, Account, Accounts, require_accounts
from cityllm.web.api import PREFIX
from cityllm.web.chat import build_page
from cityllm.web.conversations import Conversations
from cityllm.web.drafting import Drafting
from cityllm.web.firm_page import FirmPage
from cityllm.web.guard import USER, Guard
from cityllm.web.handlers import Chat
from cityllm.web.office_page import OfficePage
from cityllm.web.office_tables import OfficeTables
from cityllm.web.pages import ICON, file_of
from cityllm.web.petition_routes import add_petitions
from cityllm.web.policy_pages import add_no_policies, add_policies
from cityllm.web.review import ReviewPage
from cityllm.web.running import Answers, Runs
from cityllm.web.sessions import Sessions
from cityllm.web.signin import add_sign_in
from cityllm.web.texts import language_of, text

if TYPE_CHECKING:
    from cityllm.agent.wording import Narrator
    from cityllm.corpus.ledger import Ledger
    from cityllm.petitions.review import Review
    from cityllm.policies.registry import Registry
    from cityllm.policies.service import PolicyService
    from cityllm.safety.vault import Vault

log = logging.getLogger(__name__)
HERE = Path(__file__).parent
GRACE = 60.0
"""Seconds that a page waits for an answer beyond the engine's own limit."""
AT_ONCE = {"embedded": 1, "endpoint": 16}
"""Answers that an engine works on together; the others queue."""
PNG = b"\x89PNG\r\n\x1a\n"
TYPES = {"md": "text/markdown; charset=utf-8",
         "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document"}
Exporter = Callable[[Answer], str | bytes]


class SiteServices(Protocol):
    """What the site needs of the program's services."""

    @property
    def settings(self) -> Settings:
        """Home, host, language, engine."""

    @property
    def ledger(self) -> Ledger:
        """For the article beside the answer."""

    @property
    def narrator(self) -> Narrator:
        """Tells a match with a policy in words."""

    @property
    def assistant(self) -> Answers:
        """Answers questions."""

    @property
    def accounts(self) -> Accounts:
        """Who may sign in."""

    @property
    def review(self) -> Review:
        """Petitions that wait for a person."""

    @property
    def policies(self) -> PolicyService | None:
        """The rules; None where the pack has none."""

    def vault(self) -> Vault:
        """The originals of petitions, opened anew."""


def make_site(services: SiteServices, exporters: Mapping[str, Exporter],
              api: FastAPI | None = None, registry: Registry | None = None) -> FastAPI:
    """The application. `exporters` make a file of an answer, by its ending (`md`, `docx`); `api` is
    mounted at `/api/v1`; an office finds the enterprises of `registry` too.

    Raises AccessError when the host of the settings needs accounts and there are none.
    """
    settings = services.settings
    language = language_of(settings.language)
    sessions = None
    if require_accounts(settings.host, services.accounts):
        sessions = Sessions(settings.home / "sessions.sqlite", services.accounts)
    store = Conversations.open(settings.home / "conversations.sqlite")
    runs = Runs(services.assistant, store, AT_ONCE.get(settings.engine, 1),
                settings.endpoint_timeout + GRACE)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        store.close()

    app = FastAPI(title="cityllm", docs_url=None, redoc_url=None, openapi_url=None,
                  lifespan=lifespan)
    app.add_middleware(Guard, sessions=sessions)
    app.add_route("/healthz", _health, methods=["GET"])
    if sessions is not None:
        add_sign_in(app, sessions, language)
    _add_files(app, store, exporters)
    app.add_route("/pages/{name}", _page_file, methods=["GET"])
    if api is not None:
        app.mount(PREFIX, api)

    def account_of(user: str) -> Account:
        """Who works; one whose account was just taken away may do the least."""
        if sessions is None:
            return LOCAL
        return services.accounts.find(user) or Account(user, "planner")

    choices = cache(lambda: Choices.load(settings.pack))
    drafting = Drafting(services.assistant, services.review, runs.slots)
    add_petitions(app, ReviewPage(services.ledger, services.review, choices, services.vault,
                                  drafting, account_of, language, sessions is not None))
    signed_in = sessions is not None
    if services.policies is None:
        add_no_policies(app, account_of, language, signed_in)
    else:
        dictionary = services.policies.rules.dictionary
        tables = OfficeTables(settings.home / "office", settings.pack, dictionary, registry)
        add_policies(app, FirmPage(services.policies, services.ledger, account_of, language,
                                   signed_in, services.narrator),
                     OfficePage(services.policies, tables, language, signed_in))
    chat = Chat(services.ledger, store, runs, language, account_of, sessions is not None)
    site: FastAPI = gr.mount_gradio_app(
        app, build_page(chat), path="/", auth_dependency=_user, footer_links=[],
        run_history=False, show_error=False, max_file_size=1, ssr_mode=False,
        enable_monitoring=False, mcp_server=False, css_paths=HERE / "theme.css", head=ICON,
        theme=gr.themes.Base(font=["system-ui"], font_mono=["monospace"]))
    return site


def _user(request: Request) -> str | None:
    user: str | None = request.scope.get(USER)
    return user


async def _page_file(request: Request) -> Response:
    name = request.path_params["name"]
    content = file_of(name)
    if content is None:
        return Response(status_code=404)
    kind = "text/css" if name.endswith(".css") else "text/javascript"
    return Response(content, media_type=f"{kind}; charset=utf-8",
                    headers={"cache-control": "no-cache"})


async def _health(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _add_files(app: FastAPI, store: Conversations, exporters: Mapping[str, Exporter]) -> None:
    @app.get("/pictures/{turn}/{evidence}/{n}")
    def picture(request: Request, turn: int, evidence: str, n: int) -> Response:
        found = store.turn(_user(request) or "", turn)
        for piece in found.answer.evidence if found and found.answer else ():
            if piece.id == evidence and isinstance(piece, ToolRunEvidence) and (
                    0 <= n < len(piece.images)):
                content = _png(Path(piece.images[n]))
                if content is not None:
                    return Response(content, media_type="image/png",
                                    headers={"cache-control": "private, max-age=3600"})
        raise HTTPException(404)

    @app.get("/export/{turn}.{kind}")
    def export(request: Request, turn: int, kind: str, lang: str = "zh") -> Response:
        found = store.turn(_user(request) or "", turn)
        if found is None or found.answer is None or kind not in exporters:
            raise HTTPException(404)
        language = language_of(lang)
        try:
            content = exporters[kind](found.answer)
        except Exception:
            log.exception("export of turn %s as %s failed", turn, kind)
            return Response(text("export_failed", language), status_code=500,
                            media_type="text/plain; charset=utf-8")
        return Response(content, media_type=TYPES[kind], headers={
            "content-disposition": f'attachment; filename="answer-{turn}.{kind}"',
            "cache-control": "no-store"})


def _png(path: Path) -> bytes | None:
    """The file's content if it is a PNG, otherwise None."""
    try:
        content = path.read_bytes() if path.suffix == ".png" else b""
    except OSError:
        return None
    return content if content.startswith(PNG) else None
