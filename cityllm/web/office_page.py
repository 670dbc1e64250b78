"""The office's page: a policy, a table of enterprises and a day; and the list as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from typing import TYPE_CHECKING

from cityllm.errors import EnterpriseError
from cityllm.messages import Language
from cityllm.policies.census import Census
from cityllm.policies.changes import State, changes
from cityllm.policies.describe import WORDS
from cityllm.policies.export import safe
from cityllm.policies.find import find
from cityllm.policies.policy import Policy
from cityllm.policies.service import PolicyService
from cityllm.policies.table_file import ReadTable
from cityllm.policies.vectors import MET, NOT, UNKNOWN
from cityllm.web import frame
from cityllm.web.firm_page import File, day_of
from cityllm.web.office_tables import Look, OfficeTables
from cityllm.web.office_view import CLASSES, OfficeView, Shown, yuan
from cityllm.web.pages import OFFICE, document
from cityllm.web.texts import language_of, text

if TYPE_CHECKING:
    from cityllm.safety.access import Account

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MET = {MET: True, NOT: False, UNKNOWN: None}


class OfficePage:
    """The handlers."""

    def __init__(self, service: PolicyService, tables: OfficeTables, language: Language,
                 signed_in: bool) -> None:
        self.service = service
        self.tables = tables
        self.language = language
        self._signed_in = signed_in

    def page(self, who: Account, query: Mapping[str, str], problem: str = "") -> str:
        """The whole document."""
        language = language_of(query.get("lang", self.language))
        view = OfficeView(self.service, language)
        look, policy = self._asked(who.name, query)
        body = f'<p class="quiet">{escape(text("office_welcome_more", language))}</p>'
        heading = f'<h2 tabindex="-1">{escape(text("office_welcome", language))}</h2>'
        if policy and look.table:
            try:
                heading, body = "", view.policy(self._shown(who.name, policy, look, query))
            except EnterpriseError as wrong:
                problem = wrong.zh if language == "zh" else wrong.en
        tables = view.tables(self.tables.names(who.name), look, policy, problem)
        chosen = view.choose(self._policies(look.day), policy, look)
        return document(OFFICE, language, {
            "top": frame.header(language, who, self._signed_in, None, OFFICE), "side": chosen,
            "main": f'<section class="office">{heading}{tables}{body}</section>'},
            f' data-offline="{escape(text("offline", language))}"{"" if policy else " data-menu"}')

    def file(self, who: Account, query: Mapping[str, str], kind: str) -> File | None:
        """The list as `csv` or `xlsx`; None where no policy or table is named."""
        look, id_ = self._asked(who.name, query)
        if not id_ or not look.table or kind not in ("csv", "xlsx"):
            return None
        language = language_of(query.get("lang", self.language))
        read = self.tables.read(who.name, look.table)
        census = self._census(id_, look, read)
        rows = _lines(census, OfficeView(self.service, language), _which(query), language)
        if kind == "xlsx":
            return f"{id_}.xlsx", XLSX, _workbook(rows)
        out = io.StringIO()
        csv.writer(out).writerows([safe(cell) for cell in row] for row in rows)
        return f"{id_}.csv", "text/csv; charset=utf-8", "\ufeff" + out.getvalue()

    def _asked(self, user: str, query: Mapping[str, str]) -> tuple[Look, str]:
        names = self.tables.names(user)
        table = query.get("table", "")
        policy = query.get("policy", "")
        return (Look(table if table in names else names[0] if names else "",
                     day_of(query.get("day", ""))),
                policy if policy in self.service.rules.policies else "")

    def _policies(self, day: date) -> list[Policy]:
        order = ("in_force", "unconfirmed", "not_yet", "expired")
        return sorted(self.service.rules, key=lambda one: (order.index(one.valid.on(day)), one.id))

    def _census(self, id_: str, look: Look, read: ReadTable) -> Census:
        bound = self.service.rules.on(look.day)[id_]
        return Census(find(bound, read.table), self.service.rules.dictionary)

    def _shown(self, user: str, id_: str, look: Look, query: Mapping[str, str]) -> Shown:
        read = self.tables.read(user, look.table)
        before = self.tables.before(user, id_, look)
        changed = []
        if before is not None:
            rules, old = self.service.rules, self.tables.read(user, before.table)
            changed = [one for one in changes(
                State({id_: rules.on(before.day)[id_]}, old.table),
                State({id_: rules.on(look.day)[id_]}, read.table)).changed
                if one.gained or one.lost]
        return Shown(self._census(id_, look, read), read, look, _which(query), before, changed)


def _which(query: Mapping[str, str]) -> str:
    return query["which"] if query.get("which") in CLASSES else "eligible"


def _lines(census: Census, view: OfficeView, which: str,
           language: Language) -> list[Sequence[str]]:
    """A head and a line for each enterprise: amount, every clause, what is missing or to change."""
    found, table = census.found, census.found.table
    near = {one.row: one for one in census.misses} if which == "not_eligible" else {}
    heads = ["编号", "名称", "地区", "结果", "金额（元）"] if language == "zh" else \
        ["id", "name", "district", "result", "amount (yuan)"]
    clauses = [one.clause.say(language) for one in found.bound.clauses]
    last = text("col_change", language)
    lines: list[Sequence[str]] = [[*heads, *clauses, last]]
    places = [view.place(census, row) for row in range(len(table))]
    for row in census.rows(CLASSES[which]):
        verdicts = [text(f"sign_{WORDS[_MET[int(found.verdict_of(at)[row])]]}", language)
                    for at in range(len(clauses))]
        lines.append([table.ids[row], table.names[row] if table.names else "", places[row],
                      text(f"counts_{which}", language),
                      yuan(census.money.get(row)).replace(",", ""), *verdicts,
                      view.change(near[row]) if row in near else ""])
    return lines


def _workbook(rows: Sequence[Sequence[str]]) -> bytes:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("list")
    for row in rows:
        sheet.append([safe(cell) for cell in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
