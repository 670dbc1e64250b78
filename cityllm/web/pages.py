"""The pages of the site: where each is, its name, who may open it; and the frame of plain ones.

The chat at `/` is a Gradio page. Every other page is HTML that the server writes, with a script of
its own: `document` gives it the same header, styles and parts. A new page is a line in `PAGES`, two
files named like it beside this one (`NAME.css`, `NAME.js`), and routes that ask `may_open` first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from cityllm.messages import Language
from cityllm.safety.access import ROLES, Role
from cityllm.web.texts import text

HERE = Path(__file__).parent
PARTS = ("top", "side", "main", "panel", "composer")
"""Parts of a page, as in the chat: header, list, what is looked at, article, what can be done."""
ICON = ("<link rel=\"icon\" href=\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' "
        "viewBox='0 0 16 16'%3E%3Cpath fill='%2312263f' d='M0 0h16v16H0z'/%3E%3Cpath fill='%23fff' "
        "d='M3 13V7h3v6zm4 0V3h3v10zm4 0V9h2v4z'/%3E%3C/svg%3E\">")


@dataclass(frozen=True)
class Page:
    """A page. `name`, `skip` and `list` are names of texts: its own, of the button that jumps to
    its chief part, and of the one that shows its list on a phone. `files`: served beside it."""

    path: str
    name: str
    skip: str
    list: str
    roles: tuple[Role, ...]
    files: tuple[str, ...] = ()


CHAT = Page("/", "nav_chat", "skip", "history", ROLES)
PETITIONS = Page("/petitions", "nav_petitions", "skip_petition", "queue",
                 ("clerk", "supervisor", "auditor", "admin"), ("petitions.css", "petitions.js"))
FIRM = Page("/policies", "nav_firm", "skip_firm", "firm_list",
            ("enterprise", "planner", "clerk", "supervisor", "admin"),
            ("petitions.css", "policies.css", "policies.js"))
OFFICE = Page("/policies/office", "nav_office", "skip_office", "office_list",
              ("planner", "clerk", "supervisor", "admin"), FIRM.files)
PAGES: tuple[Page, ...] = (CHAT, PETITIONS, FIRM, OFFICE)
SHARED = ("theme.css",)


def may_open(page: Page, role: Role) -> bool:
    """Whether this role may open the page."""
    return role in page.roles


def navigation(here: Page, role: Role, language: Language) -> str:
    """Links to the pages that this role may open; empty where that is one only."""
    open_to = [page for page in PAGES if may_open(page, role)]
    if len(open_to) < 2:
        return ""
    marks = [' aria-current="page"' if page is here else "" for page in open_to]
    links = "".join(f'<a href="{page.path}?lang={language}"{mark}>'
                    f"{escape(text(page.name, language))}</a>"
                    for page, mark in zip(open_to, marks, strict=True))
    return f'<nav class="pages" aria-label="{escape(text("pages", language))}">{links}</nav>'


def document(page: Page, language: Language, parts: dict[str, str], data: str = "") -> str:
    """A whole page that is not the chat. `parts`: HTML by a name of `PARTS`; `data`: attributes of
    the element that holds them, already escaped."""
    styles = "".join(f'<link rel="stylesheet" href="/pages/{name}">'
                     for name in (*SHARED, *page.files) if name.endswith(".css"))
    scripts = "".join(f'<script src="/pages/{name}" defer></script>'
                      for name in page.files if name.endswith(".js"))
    body = "".join(f'<div id="{name}">{parts.get(name, "")}</div>' for name in PARTS)
    title = f'{text(page.name, language)} · {text("title", language)}'
    return (f'<!doctype html><html lang="{"en" if language == "en" else "zh-CN"}"><head>'
            '<meta charset="utf-8"><meta name="viewport" content="width=device-width,'
            f'initial-scale=1"><title>{escape(title)}</title>{ICON}{styles}{scripts}</head>'
            f'<body class="plain"><div id="site" data-lang="{language}"{data}>{body}</div></body>'
            "</html>")


def file_of(name: str, pages: Sequence[Page] = PAGES) -> str | None:
    """The contents of a style or script of a page; None for any other name."""
    if name not in {*SHARED, *(one for page in pages for one in page.files)}:
        return None
    return (HERE / name).read_text("utf-8")
