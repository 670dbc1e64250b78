"""What an enterprise tells on its page: a form made from the dictionary of fields, and its reading.

A datum stands in the form as `f.COLUMN`, a certificate's last day as `d.COLUMN`. Empty is unknown.
An entry that cannot be read counts as not given and is shown again with what is allowed; the others
count all the same. Judgements are no entries here: an enterprise does not judge itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from html import escape
from typing import Any

from cityllm.errors import EnterpriseError
from cityllm.messages import Language
from cityllm.policies.fields import FOREVER, NEVER, Dictionary, Enterprise, Field, Value
from cityllm.policies.questions import Question
from cityllm.policies.service import ORDERS, Order
from cityllm.web.texts import text

LONGEST = 400
"""Characters of an entry that are read."""
NONE = "-"
"""The entry of a set of which the enterprise has none."""
PROPOSED = {"r": "f", "s": "d"}
"""Names under which a datum and its last day stand while they are only proposed."""
FIRST = 6
"""Questions that stand first in the form."""


@dataclass
class Told:
    """What a form said. `entries` are shown again as they were typed; `wrong` says what is the
    matter with some of them. `opened` is the policy that is shown in full."""

    language: Language
    day: date
    order: Order = "money"
    opened: str = ""
    skipped: tuple[str, ...] = ()
    entries: dict[str, list[str]] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)
    enterprise: Enterprise = field(default_factory=lambda: Enterprise("", {}))


def read_entries(told: Told, items: Iterable[tuple[str, str]], dictionary: Dictionary) -> None:
    """Fill in `entries`, `wrong` and `enterprise` from the named values of a form."""
    days: dict[str, str] = {}
    for name, value in items:
        kind, _, column = name.partition(".")
        value = value.strip()[:LONGEST]
        if kind in ("f", "d") and value and known(column, dictionary):
            if kind == "d":
                days[column] = value
            else:
                told.entries.setdefault(column, []).append(value)
    for column, value in days.items():
        if dictionary.field_of(column).type == "certificate":
            told.entries[column] = [value]
    values: dict[str, Value] = {}
    for column, entry in told.entries.items():
        try:
            read = dictionary.read({column: _plain(dictionary.field_of(column), entry)})
            values.update(read.values)
        except EnterpriseError as problem:
            told.wrong[column] = problem.zh if told.language == "zh" else problem.en
    told.enterprise = Enterprise("", values)


def known(column: str, dictionary: Dictionary) -> bool:
    """Whether the dictionary has this column, with its year where it has one."""
    key, _, year = column.partition("@")
    return key in dictionary.fields and dictionary.fields[key].yearly == bool(year) \
        and (not year or (len(year) == 4 and year.isdigit()))


def _plain(field: Field, entry: Sequence[str]) -> Any:
    """An entry as JSON would have it."""
    if field.type == "set":
        return [] if NONE in entry else list(entry)
    if field.type in ("boolean", "certificate"):
        return {"true": True, "false": False}.get(entry[-1], entry[-1])
    return entry[-1]


def entry_of(column: str, value: Value, dictionary: Dictionary) -> list[str]:
    """The entry that means a stored value."""
    field = dictionary.field_of(column)
    if field.type == "set":
        return sorted(value) if isinstance(value, frozenset) and value else [NONE]
    if field.type in ("boolean", "certificate") and value in (0, 1, FOREVER, NEVER):
        return ["false" if value in (0, NEVER) else "true"]
    return [str(field.decode(value))]


class FormView:
    """The form as HTML; with `proposed` its controls hold what is not confirmed yet."""

    def __init__(self, dictionary: Dictionary, told: Told, *, proposed: bool = False) -> None:
        self._datum, self._last_day = tuple(PROPOSED) if proposed else PROPOSED.values()
        self.dictionary = dictionary
        self.told = told
        self.language: Language = told.language

    def form(self, columns: Sequence[str], questions: Sequence[Question]) -> str:
        """The whole form: what is given, what decides most, the rest by who holds it. `columns` are
        those that some policy reads; every one stands in the form once."""
        told, say = self.told, self._say
        given = list(told.entries)
        first = [one for one in questions if one.column not in given][:FIRST]
        rest = [one for one in columns if one not in given
                and one not in {question.column for question in first}]
        groups = [self._group("given", say("group_given"), "".join(map(self.field, given)),
                              len(given), opened=True)] if given else []
        if first:
            body = "".join(self.field(one.column, len(one.policies)) for one in first)
            groups.append(self._group("first", say("group_first"), body, 0, opened=True))
        for holder, words in self.dictionary.holders.items():
            held = [one for one in rest if self.dictionary.field_of(one).holder == holder]
            if held:
                name = say("group_of", holder=words.say(self.language))
                groups.append(self._group(holder, name, "".join(map(self.field, held)), len(held)))
        hidden = "".join(f'<input type="hidden" name="skip" value="{escape(one)}">'
                         for one in told.skipped)
        return (f'<form id="firm" class="firm" method="post" action="/policies?lang='
                f'{self.language}" autocomplete="off"><h2>{escape(say("firm_data"))}</h2>'
                f'<p class="quiet">{escape(say("firm_private"))}</p>'
                f'<div class="acts"><button class="act chief" name="do" value="match">'
                f'{escape(say("firm_match"))}</button>'
                f'<button class="act" name="do" value="clear">{escape(say("firm_clear"))}</button>'
                f'</div>{self._settings()}'
                f'<input type="hidden" name="opened" value="{escape(told.opened)}">{hidden}'
                f'<input type="search" id="find" aria-label="{escape(say("firm_filter"))}" '
                f'placeholder="{escape(say("firm_filter"))}">{"".join(groups)}</form>')

    def _settings(self) -> str:
        orders = "".join(
            f'<option value="{one}"{" selected" if one == self.told.order else ""}>'
            f'{escape(self._say(f"by_{one}"))}</option>' for one in ORDERS)
        return (f'<div class="pair"><label>{escape(self._say("day_of_match"))}<input type="date" '
                f'name="day" value="{self.told.day}"></label>'
                f'<label>{escape(self._say("ranked_by"))}<select name="order">{orders}</select>'
                "</label></div>")

    def _group(self, name: str, words: str, body: str, count: int, *, opened: bool = False) -> str:
        number = f' <span class="n">{count}</span>' if count else ""
        return (f'<details class="group" id="group-{name}"{" open" if opened else ""}>'
                f"<summary>{escape(words)}{number}</summary>{body}</details>")

    def field(self, column: str, waits: int = 0) -> str:
        """One datum with its label, unit, what is wrong with it, and its note."""
        field = self.dictionary.field_of(column)
        label = self.dictionary.label(column, self.language)
        problem = self.told.wrong.get(column, "")
        notes = [self._say("field_waits", n=waits)] if waits else []
        notes += [field.note.say(self.language)] if field.note else []
        below = "".join(f"<small>{escape(one)}</small>" for one in notes)
        if problem:
            below += f'<small class="problem" role="alert">{escape(problem)}</small>'
        tag = "fieldset" if field.type == "set" else "label"
        name = "legend" if field.type == "set" else "span"
        return (f'<{tag} class="datum"><{name}>{escape(label)}</{name}>'
                f"{self.control(column)}{below}</{tag}>")

    def control(self, column: str, outside: bool = False) -> str:
        """The input of a column; `outside` the form it says to which one it belongs."""
        field, entry = self.dictionary.field_of(column), self.told.entries.get(column, [])
        mark = f'name="{self._datum}.{column}"' + (' form="firm"' if outside else "") + (
            ' aria-invalid="true"' if column in self.told.wrong else "")
        value = entry[-1] if entry else ""
        if field.type in ("boolean", "certificate"):
            words = ("held", "not_held_word") if field.type == "certificate" else ("yes", "no")
            picks = self._select(mark, {"true": self._say(words[0]), "false": self._say(words[1])},
                                 value)
            if field.type == "boolean":
                return picks
            day = value if value not in ("true", "false") else ""
            about = escape(self._say("held_until"))
            form = ' form="firm"' if outside else ""
            return (f'<span class="two">{picks}<input type="date" '
                    f'name="{self._last_day}.{column}"{form} '
                    f'value="{escape(day)}" title="{about}" aria-label="{about}"></span>')
        if field.type == "choice":
            return self._select(mark, {key: one.say(self.language)
                                       for key, one in field.options.items()}, value)
        if field.type == "set":
            options = {**{key: one.say(self.language) for key, one in field.options.items()},
                       NONE: self._say("none_of_these")}
            return "".join(
                f'<label class="check"><input type="checkbox" {mark} value="{key}"'
                f'{" checked" if key in entry else ""}>{escape(words)}</label>'
                for key, words in options.items())
        kind = "date" if field.type == "date" else "text"
        hint = text(f"eg_{field.type}", self.language) \
            if field.type in ("money", "region", "industry") else ""
        unit = f"<i>{escape(field.unit_in(self.language))}</i>" if field.unit else ""
        keys = ' inputmode="decimal"' if field.type in ("integer", "number") else ""
        return (f'<span class="two"><input type="{kind}" {mark} value="{escape(value)}" '
                f'placeholder="{escape(hint)}"{keys} maxlength="{LONGEST}">{unit}</span>')

    def _select(self, mark: str, options: Mapping[str, str], value: str) -> str:
        listed = "".join(f'<option value="{key}"{" selected" if key == value else ""}>'
                         f"{escape(words)}</option>" for key, words in options.items())
        return (f'<select {mark}><option value="">{escape(self._say("not_known"))}</option>'
                f"{listed}</select>")

    def _say(self, name: str, **values: object) -> str:
        return text(name, self.language, **values)
