"""What the chat page does when something happens: each handler gives the parts that change.

All state of a tab comes in as arguments and the store checks whose it is; what a browser sends with
an event is taken as text of bounded length. Gradio is imported at the top because it reads the
handlers' annotations; only `site` imports this.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import gradio as gr

from cityllm.agent.petition_tools import CASES
from cityllm.messages import Language
from cityllm.petitions.held import may
from cityllm.safety.access import LOCAL, Account
from cityllm.web import frame
from cityllm.web.citation_panel import panel
from cityllm.web.conversations import Conversations, Turn
from cityllm.web.running import Runs
from cityllm.web.texts import EXAMPLES, language_of, text
from cityllm.web.turns import live_view, transcript

if TYPE_CHECKING:
    from cityllm.corpus.ledger import Ledger

LONGEST = 2000
"""Characters of a question."""
COMMENT = 1000
FIRST_DAY, LAST_DAY = date(1949, 10, 1), date(2100, 12, 31)


class Tabs:
    """What each browser tab looks at, so that an answer is no longer followed where none looks."""

    def __init__(self) -> None:
        self._looking: dict[str, object] = {}
        self._lock = threading.Lock()

    def turn_to(self, tab: str) -> object:
        """The tab looks anew; whatever it followed before has ended."""
        with self._lock:
            mark = self._looking[tab] = object()
            return mark

    def still(self, tab: str, mark: object) -> bool:
        """Whether the tab has not turned away since `mark`."""
        return self._looking.get(tab) is mark

    def forget(self, tab: str) -> None:
        """The tab is closed."""
        with self._lock:
            self._looking.pop(tab, None)


class Chat:
    """The handlers. All state of a tab comes in as arguments; the store checks whose it is."""

    def __init__(self, ledger: Ledger, store: Conversations, runs: Runs, language: Language,
                 account_of: Callable[[str], Account], signed_in: bool) -> None:
        self.ledger = ledger
        self.store = store
        self.runs = runs
        self.language = language
        self.account_of = account_of
        self.signed_in = signed_in
        self.tabs = Tabs()

    def view(self, user: str, conversation: str, language: Language,
             notice: str | None = "", typed: str | None = None) -> tuple[Any, ...]:
        """The whole page as it stands, for `Parts`; `notice` None and `typed` None leave alone what
        is said and what is typed."""
        turns = self.store.turns(user, conversation) or []
        running = self._running(turns)
        box: dict[str, Any] = {} if typed is None else {"value": typed}
        return (
            frame.header(language, self.account_of(user), self.signed_in, self.ledger.status_known),
            frame.history(self.store.of(user), conversation, language),
            transcript(turns, conversation, language),
            gr.skip() if running else "",
            "" if turns else frame.welcome(language),
            frame.date_words(language),
            frame.date_hint(language),
            gr.Textbox(placeholder=text("placeholder", language),
                       label=text("question", language), **box),
            gr.Button(value=text("send", language), visible=not running),
            gr.Button(value=text("stop", language), visible=running),
            frame.small_words(language),
            gr.skip() if notice is None else frame.notice(notice),
        )

    def _running(self, turns: list[Turn]) -> bool:
        return bool(turns) and turns[-1].state == "running"

    def close_tab(self, request: gr.Request) -> None:
        """The tab is gone."""
        self.tabs.forget(str(request.session_hash))

    def load(self, request: gr.Request) -> tuple[Any, ...]:
        """A tab opens: language and conversation from its address."""
        asked = dict(request.query_params)
        language = language_of(asked["lang"]) if "lang" in asked else self.language
        user = _user(request)
        conversation = asked.get("c", "")
        notice = ""
        if not self.store.owns(user, conversation):
            notice = text("gone", language) if conversation else ""
            conversation = ""
        return (language, conversation, *self.view(user, conversation, language, notice))

    def ask(self, question: str, as_of: str | None, conversation: str, language: Language,
            request: gr.Request) -> tuple[Any, ...]:
        """Begin an answer; returns (conversation, page)."""
        user = _user(request)
        question = (question or "").strip()
        turns = self.store.turns(user, conversation) or []
        day, problem = _day(as_of, language)
        if not question:
            problem = text("empty", language)
        elif len(question) > LONGEST:
            problem = text("too_long", language, n=len(question), most=LONGEST)
        elif self._running(turns):
            problem = text("busy", language)
        if problem:
            return (conversation, *self.view(user, conversation, language, problem, question))
        history = [(t.question, t.answer.text) for t in turns if t.answer and not t.answer.refused]
        conversation, turn = self.store.begin(user, conversation, question, day)
        # A question typed in English on the Chinese page is answered in English.
        closed = () if may(self.account_of(user).role, "read") else (CASES,)
        self.runs.start(turn, question, history, day, "en" if language == "en" else None, closed)
        return (conversation, *self.view(user, conversation, language, typed=""))

    def example(self, event: gr.EventData, as_of: str | None, conversation: str,
                language: Language, request: gr.Request) -> tuple[Any, ...]:
        """Ask one of the examples."""
        n = _number(event, "n")
        question = EXAMPLES[n].question[0 if language == "zh" else 1] if n < len(EXAMPLES) else ""
        return self.ask(question, as_of, conversation, language, request)

    def follow(self, conversation: str, language: Language, request: gr.Request) -> Iterator[Any]:
        """The answer on its way, picture by picture, while the tab looks at it."""
        tab = str(request.session_hash)
        mark = self.tabs.turn_to(tab)
        turns = self.store.turns(_user(request), conversation) or []
        run = self.runs.get(turns[-1].id) if turns else None
        if run is None:
            return
        for live in self.runs.follow(run):
            if not self.tabs.still(tab, mark):
                return
            yield live_view(live, language)

    def show(self, conversation: str, language: Language, request: gr.Request) -> tuple[Any, ...]:
        """The page as it stands, for instance when an answer is there."""
        return self.view(_user(request), conversation, language, notice=None)

    def stop(self, conversation: str, request: gr.Request) -> None:
        """Give up the answer on its way."""
        turns = self.store.turns(_user(request), conversation)
        if turns and self._running(turns):
            self.runs.stop(turns[-1].id)

    def open(self, event: gr.EventData, language: Language, request: gr.Request) -> tuple[Any, ...]:
        """Turn to another conversation; returns (conversation, article, live, page)."""
        user, wanted = _user(request), _word(event, "id")
        self.tabs.turn_to(str(request.session_hash))
        notice = ""
        if not self.store.owns(user, wanted):
            wanted, notice = "", text("gone", language)
        return (wanted, "", *self.view(user, wanted, language, notice))

    def fresh(self, language: Language, request: gr.Request) -> tuple[Any, ...]:
        """An empty page for a new conversation."""
        self.tabs.turn_to(str(request.session_hash))
        return ("", "", *self.view(_user(request), "", language))

    def remove(self, event: gr.EventData, conversation: str, language: Language,
               request: gr.Request) -> tuple[Any, ...]:
        """Delete a conversation; the page is emptied when it was the one shown."""
        user, gone = _user(request), _word(event, "id")
        self.store.delete(user, gone)
        conversation = "" if gone == conversation else conversation
        return (conversation, *self.view(user, conversation, language))

    def speak(self, event: gr.EventData, conversation: str, request: gr.Request) -> tuple[Any, ...]:
        """Change the language of the whole page; the article closes."""
        language = language_of(_word(event, "lang"))
        return (language, "", *self.view(_user(request), conversation, language))

    def cite(self, event: gr.EventData, language: Language, request: gr.Request) -> str:
        """The article of a citation, beside the answer."""
        turn, clause_id = _number(event, "turn"), _word(event, "clause")
        found = self.store.turn(_user(request), turn)
        pieces = (*found.answer.evidence, *found.answer.citations) if found and found.answer else ()
        cited = next((p for p in pieces if p.kind == "clause" and p.clause_id == clause_id), None)
        return panel(self.ledger, clause_id, cited, turn, language)

    def rate(self, event: gr.EventData, conversation: str, language: Language,
             request: gr.Request) -> tuple[Any, ...]:
        """A thumb."""
        user = _user(request)
        self.store.rate(user, _number(event, "turn"), _word(event, "verdict"))
        return self.view(user, conversation, language)

    def comment(self, event: gr.EventData, conversation: str, language: Language,
                request: gr.Request) -> tuple[Any, ...]:
        """A thumb with words."""
        user = _user(request)
        words = _word(event, "text").strip()[:COMMENT]
        self.store.rate(user, _number(event, "turn"), _word(event, "verdict"), words)
        return self.view(user, conversation, language)


def _user(request: gr.Request) -> str:
    return str(request.username or LOCAL.name)


def _word(event: gr.EventData, name: str) -> str:
    """A value that a browser sent with an event, as text of bounded length."""
    value = (event._data or {}).get(name, "")
    return value[:4 * COMMENT] if isinstance(value, str) else ""


def _number(event: gr.EventData, name: str) -> int:
    """A small whole number that a browser sent, or one that names nothing."""
    word = _word(event, name)
    return int(word) if word.isascii() and word.isdigit() and len(word) < 12 else 10**12


def _day(value: str | None, language: Language) -> tuple[date | None, str]:
    """The as-of date (None: today) and a sentence if it cannot be used."""
    if not value:
        return None, ""
    try:
        day = date.fromisoformat(value)
    except ValueError:
        day = date.min
    if FIRST_DAY <= day <= LAST_DAY:
        return day, ""
    return None, text("bad_date", language, value=value[:40])
