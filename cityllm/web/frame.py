"""What stands around the answers, as HTML: header, list of conversations, welcome, small words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from html import escape

from cityllm.messages import Language
from cityllm.safety.access import Account
from cityllm.web.conversations import Conversation
from cityllm.web.pages import CHAT, Page, navigation
from cityllm.web.texts import EXAMPLES, text


def header(language: Language, account: Account, signed_in: bool, status_known: date | None,
           page: Page = CHAT) -> str:
    """Name, pages, state of the regulations, language switch; the way out where people sign in."""
    known = ""
    if status_known is not None:
        words = text("status_known", language, date=status_known)
        known = f'<span class="known">{escape(words)}</span>'
    tongues = "".join(
        f'<button type="button" data-do="speak" data-lang="{code}" lang="{code}" '
        f'aria-pressed="{str(code == language).lower()}">{name}</button>'
        for code, name in (("zh", "中文"), ("en", "English")))
    out = ""
    if signed_in:
        out = (f'<span class="user">{escape(text("signed_in", language, name=account.name))}</span>'
               f'<form method="post" action="/sign-out"><button type="submit">'
               f'{escape(text("sign_out", language))}</button></form>')
    return (f'<header class="top"><button type="button" class="skip" data-do="skip">'
            f'{escape(text(page.skip, language))}</button>'
            f'<button type="button" class="menu" data-do="menu">'
            f'{escape(text(page.list, language))}</button>'
            f'<div class="name"><h1>{escape(text("title", language))}</h1>'
            f'<span class="tagline">{escape(text("tagline", language))}</span></div>'
            f'{navigation(page, account.role, language)}{known}<div class="tongues" role="group" '
            f'aria-label="{escape(text("language", language))}">{tongues}</div>{out}</header>')


def history(conversations: Sequence[Conversation], current: str, language: Language) -> str:
    """The user's conversations, the current one marked."""
    rows = "".join(_row(one, one.id == current, language) for one in conversations)
    none = f'<p class="quiet">{escape(text("no_history", language))}</p>'
    body = f"<ul>{rows}</ul>" if rows else none
    return (f'<nav class="history" aria-label="{escape(text("history", language))}">'
            f'<button type="button" class="new" data-do="fresh">'
            f'{escape(text("new", language))}</button>'
            f'<h2>{escape(text("history", language))}</h2>{body}</nav>')


def _row(one: Conversation, current: bool, language: Language) -> str:
    mark = ' aria-current="true"' if current else ""
    day = one.changed.astimezone().strftime("%Y-%m-%d %H:%M")
    sure = escape(text("delete_sure", language))
    label = escape(text("delete_named", language, title=one.title))
    return (f'<li{mark}>'
            f'<button type="button" class="pick" data-do="open" data-id="{escape(one.id)}">'
            f'{escape(one.title)}<span class="when">{day}</span></button>'
            f'<button type="button" class="drop" data-do="remove" data-id="{escape(one.id)}" '
            f'data-sure="{sure}" aria-label="{label}" title="{escape(text("delete", language))}">×'
            "</button></li>")


def welcome(language: Language) -> str:
    """What can be asked, with examples that ask themselves."""
    at = 0 if language == "zh" else 1
    cards = "".join(
        f'<li><button type="button" data-do="example" data-n="{n}">'
        f"<span>{escape(one.field[at])}</span>{escape(one.question[at])}</button></li>"
        for n, one in enumerate(EXAMPLES))
    return (f'<section class="welcome"><h2>{escape(text("welcome", language))}</h2>'
            f'<p>{escape(text("welcome_more", language))}</p>'
            f'<h3>{escape(text("examples", language))}</h3><ul>{cards}</ul></section>')


def notice(words: str) -> str:
    """A sentence about what was just tried; empty for none."""
    return f'<p class="notice" role="alert">{escape(words)}</p>' if words else ""


def date_words(language: Language) -> str:
    """What the date is for."""
    return f'<span id="as-of-words">{escape(text("as_of", language))}</span>'


def date_hint(language: Language) -> str:
    """What an empty date means."""
    return f'<span class="quiet">{escape(text("as_of_today", language))}</span>'


def small_words(language: Language) -> str:
    """Below the question box: keys and what the answers are worth."""
    return (f'<p class="small"><span class="keys">{escape(text("keys", language))} · </span>'
            f'{escape(text("limits", language))}</p>')
