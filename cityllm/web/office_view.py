"""The office's page as HTML: policies to choose from, and one policy over a table of enterprises.

Pure functions of a census. Every figure comes from the rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

from cityllm.messages import Language
from cityllm.policies.census import Census, Miss
from cityllm.policies.changes import Changed
from cityllm.policies.figures import from_quanta, show_yuan
from cityllm.policies.policy import Policy
from cityllm.policies.service import PolicyService
from cityllm.policies.table import NO_TEXT
from cityllm.policies.table_file import ReadTable
from cityllm.policies.vectors import MET, NOT, UNKNOWN
from cityllm.web import office_charts
from cityllm.web.office_tables import REGISTRY, SAMPLE, Look
from cityllm.web.texts import text

ROWS, GAPS, MISSES, CHANGES = 50, 8, 12, 40
"""Lines of each list that are shown."""
OWN = (REGISTRY, SAMPLE)
"""Tables that are not uploads."""
CLASSES = {"eligible": MET, "unknown": UNKNOWN, "not_eligible": NOT}
SPREAD = {"region": "region", "industry": "industry", "size": "sme_size"}
"""What enterprises are told apart by, and the column that says it."""


@dataclass(frozen=True)
class Shown:
    """What is looked at: policy, table, day, list, and the changes since the look before."""

    census: Census
    read: ReadTable
    look: Look
    which: str
    before: Look | None
    changed: Sequence[Changed]


class OfficeView:
    """HTML in one language."""

    def __init__(self, service: PolicyService, language: Language) -> None:
        self.service = service
        self.language = language

    def choose(self, policies: Sequence[Policy], here: str, look: Look) -> str:
        """The list of policies, each a link that keeps table and day."""
        rows = "".join(self._link(one, here, look) for one in policies)
        find = escape(self._say("office_find"))
        return (f'<nav class="choose" aria-label="{escape(self._say("office_list"))}">'
                f'<h2>{escape(self._say("office_list"))}</h2><input type="search" id="find" '
                f'class="script" aria-label="{find}" placeholder="{find}"><ul>{rows}</ul></nav>')

    def _link(self, policy: Policy, here: str, look: Look) -> str:
        query = urlencode({"policy": policy.id, "table": look.table, "day": look.day,
                           "lang": self.language})
        mark = ' aria-current="page"' if policy.id == here else ""
        state = self._say(f"state_{policy.valid.on(look.day)}")
        return (f'<li><a href="/policies/office?{escape(query)}"{mark}>'
                f'{escape(policy.title.say(self.language))}<span class="when">'
                f'{escape(policy.region.replace("/", ""))} · {escape(state)}</span></a></li>')

    def tables(self, names: Sequence[str], look: Look, policy: str, problem: str) -> str:
        """Which table, which day; a place to upload one."""
        options = "".join(f'<option value="{escape(one)}"'
                          f'{" selected" * (one == look.table)}>'
                          f"{escape(self.table_name(one))}</option>" for one in names)
        hidden = (f'<input type="hidden" name="policy" value="{escape(policy)}">'
                  f'<input type="hidden" name="lang" value="{self.language}">')
        said = f'<p class="notice problem" role="alert">{escape(problem)}</p>' if problem else ""
        drop = "" if look.table in ("", *OWN) else (
            f'<button class="act" name="do" value="drop" form="upload">'
            f'{escape(self._say("table_drop"))}</button>')
        return (f'{said}<div class="noprint tables"><form method="get" action="/policies/office" '
                f'class="form">{hidden}<label>{escape(self._say("table_head"))}'
                f'<select name="table" '
                f'data-send>{options}</select></label><label>{escape(self._say("day_of_match"))}'
                f'<input type="date" name="day" value="{look.day}" data-send></label>'
                f'<button class="act chief">{escape(self._say("table_use"))}</button></form>'
                f'<details{" open" * bool(problem)}><summary>{escape(self._say("table_upload"))}'
                f'</summary><form id="upload" method="post" '
                f'action="/policies/office?lang={self.language}" '
                f'enctype="multipart/form-data" class="form">{hidden}'
                f'<input type="hidden" name="table" value="{escape(look.table)}">'
                f'<input type="hidden" name="day" value="{look.day}">'
                f'<label>{escape(self._say("table_upload"))}<input type="file" name="file" '
                f'accept=".csv,.tsv,.xlsx,.jsonl,.parquet"></label><button class="act" name="do" '
                f'value="upload">{escape(self._say("table_send"))}</button></form></details>'
                f"{drop}</div>")

    def table_name(self, name: str) -> str:
        """A table's name for a reader."""
        return self._say(f"table_{name}") if name in OWN else name

    def policy(self, shown: Shown) -> str:
        """All about one policy and one table."""
        policy, census = shown.census.found.bound.policy, shown.census
        state = census.found.bound.validity
        note = "" if census.in_force else self._say("unconfirmed_office") \
            if state == "unconfirmed" else self._say("over_office",
                                                     state=self._say(f"state_{state}"))
        warn = f'<p class="note">{escape(note)}</p>' if note else ""
        return (f'<h2 tabindex="-1">{escape(policy.title.say(self.language))}</h2>'
                f'<p class="quiet">{escape(policy.benefit.say(self.language))}</p>{warn}'
                f"{self._tiles(shown)}{self._notes(shown.read)}"
                f'<h3>{self._say("funnel_head")}</h3>'
                f'<p class="quiet">{self._say("funnel_more")}</p>'
                f'{office_charts.funnel(len(shown.read.table), census.funnel, self.language)}'
                f"{self._spread(shown)}{self._gaps(census)}{self._misses(census)}"
                f"{self._changes(shown)}{self._list(shown)}")

    def _tiles(self, shown: Shown) -> str:
        census = shown.census
        met = "counts_eligible" if census.in_force else "would_eligible"
        money = "counts_money" if census.in_force else "would_money"
        total = show_yuan(sum(census.money.values()), self.language)
        tiles = [("eligible", f"{census.count(MET):,}", met),
                 ("unknown", f"{census.count(UNKNOWN):,}", "counts_unknown"),
                 ("not_eligible", f"{census.count(NOT):,}", "counts_not_eligible")]
        if census.found.bound.money is not None:
            tiles.append(("total", total, money))
        body = "".join(f'<li class="{kind}"><div><strong>{escape(figure)}</strong>'
                       f"<span>{escape(self._say(name))}</span></div></li>"
                       for kind, figure, name in tiles)
        size = self._say("table_size", n=f"{len(shown.read.table):,}")
        return (f'<p class="quiet">{escape(self.table_name(shown.look.table))} · {escape(size)} · '
                f'{shown.look.day}</p><ul class="tiles">{body}</ul>')

    def _notes(self, read: ReadTable) -> str:
        if not read.ignored and not read.wrong:
            return ""
        head = self._say("table_notes", ignored=len(read.ignored), wrong=len(read.wrong))
        lines = [self._say("table_unused", names=", ".join(read.ignored))] if read.ignored else []
        lines += [self._say("table_row", row=one.row, column=one.column, value=one.value,
                            rows=one.rows) for one in read.wrong[:GAPS]]
        items = "".join(f"<li>{escape(one)}</li>" for one in lines)
        return (f'<details class="fold"><summary>{escape(head)}</summary>'
                f'<ul class="plain">{items}</ul></details>')

    # --- who they are

    def _spread(self, shown: Shown) -> str:
        figures = []
        for name, column in SPREAD.items():
            labels = self.labels(shown.read, column)
            if labels is None:
                figures.append(f'<figure><figcaption>{self._say(f"spread_{name}")}</figcaption>'
                               f'<p class="quiet">{self._say("spread_none")}</p></figure>')
                continue
            figures.append(office_charts.spread(name, shown.census.by(labels), self.language))
        key = office_charts.legend((("met", "sign_met"), ("unknown", "counts_unknown"),
                                    ("not", "counts_not_eligible")), self.language)
        return (f'<h3>{self._say("spread_head")}</h3>{key}'
                f'<div class="spread">{"".join(figures)}</div>')

    def labels(self, read: ReadTable, column: str) -> list[str] | None:
        """What each row is called in a distribution; None where the table has no such column."""
        texts = read.table.texts.get(column)
        if texts is None:
            return None
        field = self.service.rules.dictionary.field_of(column)

        def label(value: str) -> str:
            if field.type == "industry":
                return f"{value[:1]} {self._say(f'section_{value[:1]}')}"
            return value.rpartition("/")[2] if field.type == "region" \
                else field.show(value, self.language)

        names = [label(one) for one in texts.names]
        return [names[code] if code != NO_TEXT else self._say("spread_missing")
                for code in texts.codes]

    # --- what would decide, what would help

    def _gaps(self, census: Census) -> str:
        gaps, looked = census.gaps
        head = f'<h3>{self._say("gaps_head")}</h3>'
        if not gaps:
            return head + f'<p class="quiet">{self._say("gaps_nothing")}</p>'
        if looked < census.count(UNKNOWN):
            head += f'<p class="quiet">{self._say("gaps_sampled", n=looked)}</p>'
        dictionary = self.service.rules.dictionary
        rows = []
        for one in gaps[:GAPS]:
            judged = one.column.startswith("judge:")
            holder = self._say("needs_judging", n=1) if judged else dictionary.holders[
                dictionary.field_of(one.column).holder].say(self.language)
            rows.append((self.service.describer.label(one.column, self.language), holder,
                         f"{one.rows:,}", f"{one.alone:,}"))
        return head + self._table(
            ("gaps_column", "gaps_holder", "gaps_rows", "gaps_alone"), rows, 2)

    def _misses(self, census: Census) -> str:
        head = f'<h3>{self._say("misses_head")} <span class="n">{len(census.misses)}</span></h3>'
        if not census.misses:
            return head + f'<p class="quiet">{self._say("misses_nothing")}</p>'
        rows = [(*self._firm(census, one.row), self.change(one), yuan(one.near.result.potential))
                for one in census.misses[:MISSES]]
        return (f'{head}<p class="quiet">{self._say("misses_more")}</p>'
                + self._table(("col_firm", "col_district", "col_change", "col_amount"), rows, 3))

    def change(self, miss: Miss) -> str:
        """The smallest change in words."""
        dictionary = self.service.rules.dictionary
        said = [self._say("near_change", label=dictionary.label(one.column, self.language),
                          now=dictionary.field_of(one.column).show(one.now, self.language),
                          then=dictionary.field_of(one.column).show(one.then, self.language))
                for one in miss.near.changes]
        return ("；" if self.language == "zh" else "; ").join(said)

    def _changes(self, shown: Shown) -> str:
        head = f'<h3>{self._say("changes_head")}</h3>'
        if shown.before is None:
            return head + f'<p class="quiet">{self._say("changes_none")}</p>'
        gained = [one for one in shown.changed if one.gained]
        lost = [one for one in shown.changed if one.lost]
        words = self._say("changes_since", name=self.table_name(shown.before.table),
                          day=shown.before.day, gained=len(gained), lost=len(lost))
        rows = [(one.enterprise, self._say("office_gained" if one.gained else "office_lost"),
                 self._say(f"because_{one.because}"), self._data(one))
                for one in [*gained, *lost][:CHANGES]]
        listed = self._table(("col_firm", "col_change_kind", "because", "gaps_column"), rows, 9) \
            if rows else ""
        return f"{head}<p>{escape(words)}</p>{listed}"

    def _data(self, one: Changed) -> str:
        dictionary = self.service.rules.dictionary

        def show(column: str, value: object) -> str:
            if value is None or column.startswith("judge:"):
                return self._say("not_known") if value is None else str(value)
            return dictionary.field_of(column).show(value, self.language)  # type: ignore[arg-type]

        return "; ".join(f"{self.service.describer.label(column, self.language)} "
                         f"{show(column, old)} → {show(column, new)}"
                         for column, (old, new) in list(one.data.items())[:3])

    # --- the list

    def _list(self, shown: Shown) -> str:
        census, policy = shown.census, shown.census.found.bound.policy
        rows = census.rows(CLASSES[shown.which])
        base = {"policy": policy.id, "table": shown.look.table, "day": str(shown.look.day),
                "lang": self.language}
        picks = "".join(
            f'<a class="act" '
            f'href="/policies/office?{escape(urlencode({**base, "which": one}))}#list"'
            f' aria-pressed="{str(one == shown.which).lower()}">'
            f'{escape(self._say(f"counts_{one}"))} '
            f"{census.count(CLASSES[one]):,}</a>" for one in CLASSES)
        files = "".join(
            f'<a class="act" data-plain href="/policies/office/list.{kind}?'
            f'{escape(urlencode({**base, "which": shown.which}))}">'
            f'{escape(self._say(f"export_{kind}"))}</a>' for kind in ("csv", "xlsx"))
        body = f'<p class="quiet">{self._say("list_empty")}</p>' if not rows else self._table(
            ("col_firm", "col_district", "col_amount"),
            [(*self._firm(census, row), yuan(census.money.get(row))) for row in rows[:ROWS]], 2)
        cut = f'<p class="quiet">{self._say("list_cut", n=ROWS)}</p>' if len(rows) > ROWS else ""
        return (f'<h3 id="list">{self._say("list_head")}</h3><div class="acts noprint">{picks}'
                f'<span class="gap"></span>{files}</div>{cut}{body}')

    def _firm(self, census: Census, row: int) -> tuple[str, str]:
        table = census.found.table
        name = table.names[row] if table.names else ""
        return f"{table.ids[row]} {name}".strip(), self.place(census, row)

    def place(self, census: Census, row: int) -> str:
        """Where the enterprise of a row is; empty where that is not given."""
        texts = census.found.table.texts.get("region")
        if texts is None or texts.codes[row] == NO_TEXT:
            return ""
        return str(texts.names[texts.codes[row]]).replace("/", "")

    def _table(self, heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: int) -> str:
        """Columns from `numbers` on are figures."""
        def cell(tag: str, at: int, words: str) -> str:
            kind = ' class="num"' if at >= numbers else ""
            return f"<{tag}{kind}>{escape(words)}</{tag}>"

        head = "".join(cell("th", at, self._say(name)) for at, name in enumerate(heads))
        body = "".join("<tr>" + "".join(cell("td", at, one) for at, one in enumerate(row)) + "</tr>"
                       for row in rows)
        return (f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
                f"<tbody>{body}</tbody></table></div>")

    def _say(self, name: str, /, **values: object) -> str:
        return text(name, self.language, **values)


def yuan(fen: int | None) -> str:
    """Fen as yuan for a cell; empty where no amount is known."""
    return "" if fen is None else f"{from_quanta(fen, 2):,.2f}"
