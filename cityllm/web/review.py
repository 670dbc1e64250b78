"""The petitions page: what each action does, and which parts of the page change.

The page is one document; its script sends an action as JSON and puts the parts that come back in
their places. Who works comes from the session, never from the message; the store checks each right
and each lease itself. What cannot be done comes back as a sentence.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from datetime import date
from html import escape
from typing import TYPE_CHECKING, Any

from cityllm.errors import CityLLMError, ConfigError, ReviewError
from cityllm.messages import Language
from cityllm.petitions.held import Held, may
from cityllm.petitions.review import Review
from cityllm.petitions.verdict import REPLY, Choices, Final, Verdict, reason_of, same
from cityllm.safety.access import Account
from cityllm.web import frame, petition_view, queue_view
from cityllm.web.citation_panel import panel
from cityllm.web.drafting import Drafting
from cityllm.web.pages import PETITIONS, document
from cityllm.web.past_cases import PastCases
from cityllm.web.queue_view import SHOWN, VIEWS
from cityllm.web.texts import language_of, text

if TYPE_CHECKING:
    from cityllm.corpus.ledger import Ledger
    from cityllm.safety.vault import Vault

log = logging.getLogger(__name__)
Said = tuple[str, str]
"""Kind (`problem`, `done` or empty) and words of a notice."""
NOTHING: Said = ("", "")
LOG = 200
"""Entries of the log that are shown."""
WORDS = 60
"""Characters of a search."""


class Asked:
    """One message of the script, its values checked for their kind and length."""

    def __init__(self, body: Mapping[str, Any], who: Account) -> None:
        self._body = body
        self.who = who
        self.action = self.word("do", 20)
        self.language: Language = language_of(body.get("lang"))
        self.n = self.number("n")
        view = self.word("view", 20)
        self.view = view if view in VIEWS and may(who.role, VIEWS[view]) else "waiting"
        self.words = " ".join(self.word("words", WORDS).split())

    def word(self, name: str, most: int) -> str:
        """A text of at most `most` characters; empty for anything else."""
        value = self._body.get(name)
        return value[:most] if isinstance(value, str) else ""

    def number(self, name: str) -> int:
        """A whole number, 0 for anything else."""
        value = self._body.get(name)
        return value if isinstance(value, int) and 0 <= value < 2**53 else 0

    def form(self) -> dict[str, Any]:
        """What a form says."""
        value = self._body.get("form")
        return value if isinstance(value, dict) else {}


class ReviewPage:
    """The handlers. `vault` opens the originals; `account_of` says who a user is."""

    def __init__(self, ledger: Ledger, review: Review, choices: Callable[[], Choices],
                 vault: Callable[[], Vault], drafting: Drafting,
                 account_of: Callable[[str], Account], language: Language,
                 signed_in: bool) -> None:
        self.ledger = ledger
        self.review = review
        self.drafting = drafting
        self.language = language
        self.account_of = account_of
        self._choices = choices
        self._vault = vault
        self._signed_in = signed_in
        self._past = PastCases(review)
        self._actions: dict[str, Callable[[Asked], dict[str, Any]]] = {
            "show": self._show, "view": self._show, "find": self._find, "open": self._open,
            "next": self._next, "keep": self._keep, "accept": self._accept,
            "change": self._change, "return": self._return, "draft": self._draft,
            "drafted": self._drafted, "similar": self._similar, "cite": self._cite,
            "original": self._original, "undo": self._undo, "assign": self._assign}

    def page(self, user: str, query: Mapping[str, str]) -> str:
        """The whole document; a petition named in the address is shown, and its script takes it."""
        number = query.get("p", "")
        asked = Asked({"lang": query.get("lang", self.language), "view": query.get("view", ""),
                       "n": int(number) if number.isascii() and number[:12].isdigit() else 0},
                      self.account_of(user))
        language = asked.language
        head = frame.header(language, asked.who, self._signed_in, self.ledger.status_known,
                            PETITIONS)
        try:
            told = self._shown(asked, NOTHING)
            parts, n, view = told["parts"], told["n"], told["view"]
        except CityLLMError as problem:
            words = problem.zh if language == "zh" else problem.en
            parts, n, view = {"composer": queue_view.composer(
                None, False, "auditor", None, ("problem", words), language)}, 0, "waiting"
        top = head + queue_view.categories(self._lists())
        data = (f' data-n="{n}" data-view="{view}" '
                f'data-offline="{escape(text("offline", language))}" '
                f'data-lost="{escape(text("lost", language))}" '
                f'data-ended="{escape(text("session_ended", language))}" '
                f'data-sure="{escape(text("draft_sure", language))}"')
        return document(PETITIONS, language, {"top": top, **parts}, data)

    def act(self, user: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """What an action changes: `parts` (HTML by place), `n`, `view`, and `said` where only words
        come of it."""
        asked = Asked(body, self.account_of(user))
        if asked.action not in self._actions or not may(asked.who.role, "read"):
            return {"said": text("bad_request", asked.language)}
        try:
            return self._actions[asked.action](asked)
        except CityLLMError as problem:
            return {"said": problem.zh if asked.language == "zh" else problem.en}
        except Exception:
            number = secrets.token_hex(4)
            log.exception("action %s failed, number %s", asked.action, number)
            return {"said": text("page_failed", asked.language, number=number)}

    # --- what is shown

    def _shown(self, asked: Asked, notice: Said) -> dict[str, Any]:
        """List, petition or sheet, and what can be done."""
        role, language = asked.who.role, asked.language
        counts = self.review.counts()
        held = self.review.get(asked.n) if asked.n else None
        mine = self._mine(held, asked.who)
        lists = self._lists()
        if held and lists:
            held.told["names"] = lists.categories
        sheet = asked.view in ("figures", "log")
        listed = self._listed(asked)
        if sheet:
            held, mine = None, False
            main = self._sheet(asked, counts)
        elif held:
            main = petition_view.petition(
                self._with_names(held) if mine else held, mine, may(role, "decide"), date.today(),
                self.ledger, self.review.history(held.n), self.review.numbers(
                    held.batch, (held.told["duplicate_of"], held.told["again"])),
                self.drafting.busy(held.n), language)
        else:
            main = queue_view.empty(counts, role, language)
        n = held.n if held else 0
        return {"n": n, "view": asked.view, "parts": {
            "side": queue_view.side(asked.view, listed, counts, n, asked.words, asked.who,
                                    self.review.clock(), language),
            "main": main, "panel": "",
            "composer": queue_view.composer(held, mine, role, lists, notice, language)}}

    def _listed(self, asked: Asked) -> list[Held]:
        """The petitions of a view; none for a sheet."""
        lists = {"waiting": self.review.waiting, "decided": self.review.decided}
        return lists[asked.view](SHOWN, asked.words) if asked.view in lists else []

    def _sheet(self, asked: Asked, counts: Mapping[str, int]) -> str:
        if asked.view == "figures":
            with self.review.reading() as db:
                return queue_view.figures(counts, self.review.chain.entries(db), asked.language)
        return queue_view.log(self.review.log(LOG), self.review.verify(), asked.language)

    def _mine(self, held: Held | None, who: Account) -> bool:
        return bool(held and held.state == "waiting" and held.holder == who.name
                    and held.until > self.review.clock() and may(who.role, "decide"))

    def _lists(self) -> Choices | None:
        """The pick lists; None where the pack has none that can be read."""
        try:
            return self._choices()
        except ConfigError as problem:
            log.warning("no pick lists: %s", problem)
            return None

    def _with_names(self, held: Held) -> Held:
        """With the names of the other categories that it may be, to be picked by a key."""
        lists = self._lists()
        others = [(code, lists.categories[code], share)
                  for code, share in held.told["alternatives"]
                  if lists and code in lists.categories and code != held.told["code"]]
        held.told["others"] = others
        return held

    def _show(self, asked: Asked) -> dict[str, Any]:
        return self._shown(asked, NOTHING)

    def _find(self, asked: Asked) -> dict[str, Any]:
        """The list alone, while somebody types into the search."""
        return {"parts": {"listed": queue_view.items(
            self._listed(asked), asked.n, asked.words, asked.who, self.review.clock(),
            asked.language)}}

    # --- who has which

    def _open(self, asked: Asked) -> dict[str, Any]:
        """Show a petition, and have it where it is free; `left` is given back."""
        notice = NOTHING
        held = self.review.get(asked.n)
        if held and held.state == "waiting" and may(asked.who.role, "decide"):
            left = asked.number("left")
            if left and left != asked.n:
                self.review.release(asked.who, left)
            try:
                self.review.take(asked.who, asked.n)
            except ReviewError as problem:
                notice = ("problem", problem.zh if asked.language == "zh" else problem.en)
        if asked.view not in ("waiting", "decided"):
            asked.view = "decided" if held and held.decision else "waiting"
        return self._shown(asked, notice)

    def _next(self, asked: Asked) -> dict[str, Any]:
        asked.view, asked.words = "waiting", ""
        return self._follow(asked, NOTHING)

    def _follow(self, asked: Asked, notice: Said) -> dict[str, Any]:
        """The next petition, after what was just said; the same where there is no other."""
        held = self.review.take_next(asked.who, asked.n)
        if held is None and self._mine(self.review.get(asked.n), asked.who):
            notice = ("problem", text("no_more", asked.language))
        else:
            asked.n = held.n if held else 0
        return self._shown(asked, notice)

    def _keep(self, asked: Asked) -> dict[str, Any]:
        """A sign of life of the page."""
        return {"held": self.review.keep(asked.who, asked.n)}

    # --- deciding

    def _accept(self, asked: Asked) -> dict[str, Any]:
        return self._settle(asked, self._choices().proposed(self._got(asked).told))

    def _change(self, asked: Asked) -> dict[str, Any]:
        told = self._got(asked).told
        return self._settle(asked, self._choices().chosen(told, asked.form(), asked.who.role))

    def _settle(self, asked: Asked, final: Final) -> dict[str, Any]:
        """Accepted where it is what was proposed, changed where it is not."""
        held = self._got(asked)
        try:
            changed = not same(final, self._choices().proposed(held.told))
        except ReviewError:
            changed = True
        words = asked.word("reply", REPLY).strip()
        outcome = "changed" if changed else "accepted"
        return self._decided(asked, held, Verdict("changed" if changed else "accepted", final,
                                                  words), outcome, final.department)

    def _return(self, asked: Asked) -> dict[str, Any]:
        reason = reason_of(str(asked.form().get("reason", "")), needed=True)
        return self._decided(asked, self._got(asked), Verdict("returned", reason=reason),
                             "returned", "")

    def _decided(self, asked: Asked, held: Held, verdict: Verdict, name: str,
                 department: str) -> dict[str, Any]:
        self.review.decide(asked.who, held.n, asked.word("mark", 64), verdict)
        words = {"department": department} if department else {}
        asked.words = ""
        return self._follow(asked, ("done", text(f"done_{name}", asked.language, id=held.id,
                                                 **words)))

    def _got(self, asked: Asked) -> Held:
        held = self.review.get(asked.n)
        if held is None:
            raise ReviewError("没有这一件。", "There is no such petition.")
        return held

    # --- reply, similar petitions, articles

    def _draft(self, asked: Asked) -> dict[str, Any]:
        held = self._got(asked)
        if not self._mine(held, asked.who):
            return {"said": text("lost", asked.language)}
        self.drafting.start(held.n, held.told)
        return self._drafted(asked)

    def _drafted(self, asked: Asked) -> dict[str, Any]:
        """The reply's part, and whether a draft is still on its way."""
        held, busy = self._got(asked), self.drafting.busy(asked.n)
        part = petition_view.reply(held, self._mine(held, asked.who),
                                   may(asked.who.role, "decide"), date.today(), self.ledger, busy,
                                   asked.language)
        said = ""
        if not busy and held.draft is None and asked.action == "drafted":
            said = text("reply_lost", asked.language)
        return {"busy": busy, "reply": part, "said": said}

    def _similar(self, asked: Asked) -> dict[str, Any]:
        found = self._past.near(asked.n, self._got(asked).told)
        if found is None:
            return {"busy": True}
        return {"busy": False, "parts": {"similar": petition_view.similar(found, asked.language)}}

    def _cite(self, asked: Asked) -> dict[str, Any]:
        return {"parts": {"panel": panel(self.ledger, asked.word("clause", 400), None, 0,
                                         asked.language)}}

    # --- what a supervisor does

    def _original(self, asked: Asked) -> dict[str, Any]:
        reason = reason_of(str(asked.form().get("reason", "")), needed=True)
        key = self.review.opened(asked.who, asked.n, reason)
        with self._vault() as vault:
            found = vault.get(key)
        return {"parts": {"panel": petition_view.original(found, asked.language)}}

    def _undo(self, asked: Asked) -> dict[str, Any]:
        held = self._got(asked)
        self.review.undo(asked.who, held.n,
                         reason_of(str(asked.form().get("reason", "")), needed=True))
        return self._shown(asked, ("done", text("done_undone", asked.language, id=held.id)))

    def _assign(self, asked: Asked) -> dict[str, Any]:
        held, form = self._got(asked), asked.form()
        name = str(form.get("to", "")).strip()[:64]
        if name and not may(self.account_of(name).role, "decide"):
            raise ReviewError(*(text("nobody_named", one, who=name) for one in ("zh", "en")))
        self.review.assign(asked.who, held.n, name,
                           reason_of(str(form.get("reason", "")), needed=True))
        done = "done_assigned" if name else "done_free"
        words = {"who": name} if name else {}
        return self._shown(asked, ("done", text(done, asked.language, id=held.id, **words)))
