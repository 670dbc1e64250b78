"""An enterprise's own page: what it tells, what it can get, and what to tell next.

The page is a plain form: all that was told travels with each request and nothing of it is kept on
the server. Its script sends the same form and puts the parts of the same reply in their places.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from html import escape
from typing import TYPE_CHECKING

from cityllm.agent.wording import Narrator, Wording
from cityllm.errors import ModelError
from cityllm.messages import Language
from cityllm.policies import export
from cityllm.policies.fields import Enterprise
from cityllm.policies.questions import Question, questions
from cityllm.policies.report import docx
from cityllm.policies.service import ORDERS, PolicyService, Report
from cityllm.safety.access import Account
from cityllm.web import firm_view, frame
from cityllm.web.firm_form import FormView, Told, entry_of, known, read_entries
from cityllm.web.firm_reading import ReadingBox, confirmed
from cityllm.web.firm_view import FirmView
from cityllm.web.match_words import in_words
from cityllm.web.pages import FIRM, document
from cityllm.web.sources import Sources
from cityllm.web.texts import language_of, text

if TYPE_CHECKING:
    from cityllm.corpus.ledger import Ledger

Items = Sequence[tuple[str, str]]
File = tuple[str, str, str | bytes]
"""Name, media type and contents of a file."""
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
EXAMPLE = {"region": "北京市/海淀区", "industry": "6513", "established": "2021-03-15", "employees": 28,
           "entity": "company", "legal_person": True, "sme_size": "small", "high_tech": True,
           "zgc_high_tech": True, "restricted_industry": False, "credit_record_3y": False,
           "total_assets": "900万", "rd_accounted_separately": True, "public_bid": True,
           "foreign_trade_registered": False}
"""A made-up enterprise, for somebody who only wants to look."""
EXAMPLE_LAST_YEAR = {"revenue": "2000万", "rd_spend": "300万", "taxable_income": "28万",
                     "domestic_patents_granted": 4}


class FirmPage:
    """The handlers. `account_of` says who a user is, `narrator` tells a match in words."""

    def __init__(self, service: PolicyService, ledger: Ledger, account_of: Callable[[str], Account],
                 language: Language, signed_in: bool, narrator: Narrator | None = None) -> None:
        self.narrator = narrator or Narrator(None)
        self.service = service
        self.sources = Sources(ledger)
        self.language = language
        self.account_of = account_of
        self._signed_in = signed_in

    def told(self, items: Items) -> Told:
        """What a form says, on which day, and what it asks to see."""
        last = dict(items)
        told = Told(language_of(last.get("lang", self.language)), day_of(last.get("day", "")))
        told.order = next((one for one in ORDERS if one == last.get("order")), "money")
        action = last.get("do", "")
        opened = last.get("opened", "")
        if "open" in last:
            opened = "" if last["open"] == opened else last["open"]
        told.opened = opened if opened in self.service.rules.policies else ""
        told.skipped = tuple(dict.fromkeys(
            value for name, value in items
            if name == "skip" and known(value, self.service.rules.dictionary)))
        if action == "clear":
            told.skipped, told.opened = (), ""
        elif action == "example":
            self._example(told)
        else:
            read_entries(told, confirmed(items) if action == "confirm" else items,
                         self.service.rules.dictionary)
        return told

    def page(self, user: str, items: Items) -> str:
        """The whole document."""
        told = self.told(items)
        language = told.language
        report = self._report(told)
        asked = [one for one in _asked(report) if one.column not in told.skipped]
        form = FormView(self.service.rules.dictionary, told)
        head = frame.header(language, self.account_of(user), self._signed_in,
                            self.sources.ledger.status_known, FIRM)
        asks = asked[0].column if asked else ""
        columns = [one for one in self._columns(told.day) if one != asks]
        worded = self._worded(report, told) if dict(items).get("do") == "words" else None
        view = FirmView(self.service, self.sources, report, language, told.opened, worded)
        intro = self._intro(told) + ReadingBox(self.service.rules.dictionary, told, items).show()
        composer = firm_view.ask(asked[0], self.service, form.control(asks, outside=True),
                                 language) if asked else \
            f'<p class="quiet">{escape(text("ask_done", language))}</p>'
        return document(FIRM, language, {
            "top": head, "side": form.form(columns, asked[1:]),
            "main": intro + view.result(), "composer": composer},
            f' data-offline="{escape(text("offline", language))}"')

    def file(self, items: Items, kind: str) -> File:
        """The report as a file: `docx`, `md` or `csv`."""
        told = self.told(items)
        report = self._report(told)
        if kind == "csv":
            return ("policies.csv", "text/csv; charset=utf-8",
                    export.table(self.service, report, told.language))
        if kind == "docx":
            return "policies.docx", DOCX, docx(self.service, report, told.language)
        return ("policies.md", "text/markdown; charset=utf-8",
                export.markdown(self.service, report, told.language))

    def _report(self, told: Told) -> Report:
        return self.service.match(told.enterprise, told.day, order=told.order)

    def _worded(self, report: Report, told: Told) -> Wording | None:
        """The policy shown in full, told in words; the rules' own where the model fails."""
        match = next((one for one in report.matches if one.id == told.opened), None)
        if match is None:
            return None
        try:
            return in_words(self.narrator, self.service, match, told.language)
        except ModelError as problem:
            plain = in_words(Narrator(None), self.service, match, told.language)
            return replace(plain, note=problem.zh if told.language == "zh" else problem.en)

    def _columns(self, day: date) -> list[str]:
        """Every datum that some policy of the day reads, those that most of them read first."""
        counted: dict[str, int] = {}
        for bound in self.service.rules.on(day).values():
            if bound.validity in ("in_force", "unconfirmed"):
                for column in dict.fromkeys([*bound.columns, *bound.money_columns]):
                    if not column.startswith("judge:"):
                        counted[column] = counted.get(column, 0) + 1
        return sorted(counted, key=lambda column: -counted[column])

    def _intro(self, told: Told) -> str:
        language = told.language
        if told.wrong:
            words = escape(text("some_wrong", language, n=len(told.wrong)))
            return f'<p class="notice problem" role="alert">{words}</p>'
        if told.entries:
            return ""
        return (f'<section class="start"><p>{escape(text("firm_welcome_more", language))}</p>'
                f'<button class="act" form="firm" name="do" value="example">'
                f'{escape(text("firm_example", language))}</button></section>')

    def _example(self, told: Told) -> None:
        dictionary, year = self.service.rules.dictionary, told.day.year
        given = {**EXAMPLE, **{f"{name}@{year - 1}": value
                               for name, value in EXAMPLE_LAST_YEAR.items()}}
        kept = {name: value for name, value in given.items()
                if name.partition("@")[0] in dictionary.fields}
        told.enterprise = Enterprise("", dictionary.read(kept).values)
        told.entries = {column: entry_of(column, value, dictionary)
                        for column, value in told.enterprise.values.items()}


def _asked(report: Report) -> list[Question]:
    """What to ask: the service's own questions on which money hangs, then those that most policies
    wait for, policies of unconfirmed validity included. What a person judges is not asked."""
    found = questions((one.result for one in report.matches), ("in_force", "unconfirmed"))
    money = {one.column: one for one in report.questions if one.money}
    rest = sorted(found, key=lambda one: (-len(one.policies), -one.money, one.column))
    return [one for one in [*money.values(), *(one for one in rest if one.column not in money)]
            if not one.column.startswith("judge:")]


def day_of(words: str) -> date:
    """The day that was chosen; today for anything that is none."""
    try:
        return date.fromisoformat(words)
    except ValueError:
        return date.today()
