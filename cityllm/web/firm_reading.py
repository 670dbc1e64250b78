"""The box in which an enterprise tells of itself in its own words, and what was read there.

What is read is a proposal: each with the words it came from, ticked and open to change. It counts
only once it is confirmed, and then stands in the form as if it had been typed there. A proposal
stands in the form as `take` (its column, where ticked), `r.COLUMN` and `s.COLUMN` (a last day).
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from cityllm.policies.fields import Dictionary
from cityllm.policies.reading import Reading, read_text
from cityllm.web.firm_form import PROPOSED, FormView, Told, entry_of, read_entries
from cityllm.web.texts import text

SAID = 2000
"""Characters of what is told that are read."""
Items = Sequence[tuple[str, str]]


def confirmed(items: Items) -> list[tuple[str, str]]:
    """The form once its ticked proposals are confirmed: they stand in place of what was there."""
    taken = {value for name, value in items if name == "take"}
    kept: list[tuple[str, str]] = []
    for name, value in items:
        kind, _, column = name.partition(".")
        if kind in PROPOSED and column in taken:
            kept.append((f"{PROPOSED[kind]}.{column}", value))
        elif not (kind in ("f", "d") and column in taken):
            kept.append((name, value))
    return kept


class ReadingBox:
    """The box, and the proposals of what was told in it. Nothing is kept."""

    def __init__(self, dictionary: Dictionary, told: Told, items: Items) -> None:
        self.dictionary = dictionary
        self.told = told
        last = dict(items)
        self.action = last.get("do", "")
        over = self.action in ("confirm", "clear", "example")
        self.said = "" if over else last.get("said", "").strip()[:SAID]
        before = any(name == "proposed" for name, _ in items)
        self.readings: list[Reading] = []
        if self.said and (self.action == "read" or before):
            self.readings = read_text(self.said, told.day, dictionary)
        self.fresh = self.action == "read"
        self.ticked = {value for name, value in items if name == "take"}
        self._shown = Told(told.language, told.day)
        if not self.fresh:
            read_entries(self._shown, [(f"{PROPOSED[kind]}.{column}", value)
                                       for kind, column, value in _parts(items)
                                       if kind in PROPOSED], dictionary)

    def show(self) -> str:
        """The box as HTML, open where nothing was told yet or a proposal waits."""
        told = self.told
        shut = bool(told.entries) and not self.said
        label = escape(self._say("tell_head"))
        return (f'<details class="start tell noprint" id="tell"{"" if shut else " open"}>'
                f"<summary>{label}</summary>"
                f'<textarea name="said" form="firm" rows="3" maxlength="{SAID}" '
                f'aria-label="{label}" placeholder="{escape(self._say("eg_telling"))}">'
                f"{escape(self.said)}</textarea>"
                f'<div class="acts"><button class="act" form="firm" name="do" value="read">'
                f'{escape(self._say("tell_read"))}</button></div>{self._proposals()}</details>')

    def _proposals(self) -> str:
        if not self.readings:
            nothing = self.said and self.fresh
            return f'<p class="note" role="status">{escape(self._say("tell_nothing"))}</p>' \
                if nothing else ""
        rows = "".join(map(self._proposal, self.readings))
        return (f'<div class="proposals" role="group" aria-labelledby="proposals">'
                f'<p id="proposals" tabindex="-1"><strong>{escape(self._say("tell_check"))}'
                f'</strong></p><input type="hidden" name="proposed" value="1" form="firm">'
                f"<ul>{rows}</ul>"
                f'<div class="acts"><button class="act chief" form="firm" name="do" '
                f'value="confirm">{escape(self._say("tell_confirm"))}</button></div></div>')

    def _proposal(self, one: Reading) -> str:
        column, field = one.column, self.dictionary.field_of(one.column)
        view = self._shown
        if self.fresh or column not in view.entries:
            entry = entry_of(column, field.encode(one.value), self.dictionary)
            view.entries[column] = entry
        tick = " checked" if self.fresh or column in self.ticked else ""
        about = "" if one.exact else f" · {escape(self._say('tell_about'))}"
        words = escape(self._say("tell_words", words=self.said[one.start:one.end]))
        label = escape(self.dictionary.label(column, self.told.language))
        control = FormView(self.dictionary, view, proposed=True).control(column, outside=True)
        return (f'<li><label class="check"><input type="checkbox" name="take" form="firm" '
                f'value="{escape(column)}"{tick}><span>{label}</span></label>{control}'
                f"<small>{words}{about}</small></li>")

    def _say(self, name: str, **values: object) -> str:
        return text(name, self.told.language, **values)


def _parts(items: Items) -> list[tuple[str, str, str]]:
    return [(kind, column, value) for name, value in items
            for kind, _, column in [name.partition(".")]]
