"""What stands around a petition as HTML: list, what can be done, figures, log, empty states.

Pure functions; everything that is not ours is escaped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, get_args

from cityllm.messages import Language
from cityllm.petitions.drafts import barred
from cityllm.petitions.held import Held, may
from cityllm.petitions.record import Jurisdiction, Kind, Risk
from cityllm.petitions.verdict import Choices
from cityllm.safety.access import Account, Role
from cityllm.safety.chain import Checked, Entry
from cityllm.web import petition_terms as terms
from cityllm.web.petition_view import badges, title_of, told_by, when
from cityllm.web.texts import text

VIEWS: dict[str, str] = {"waiting": "read", "decided": "read", "figures": "oversee", "log": "audit"}
"""What the page can show -> what one must be allowed to do."""
SHOWN = 100
"""Petitions of a list that are shown."""
RETURNS = ("return_1", "return_2", "return_3", "return_4")


def _t(name: str, language: Language, **values: object) -> str:
    return escape(text(name, language, **values))


def side(view: str, listed: Sequence[Held], counts: Mapping[str, int], current: int, words: str,
         who: Account, now: float, language: Language) -> str:
    """Views with their numbers, search, and the petitions of the view that is open."""
    numbers = {"waiting": counts.get("waiting", 0),
               "decided": sum(counts.get(one, 0) for one in ("accepted", "changed", "returned"))}
    views = "".join(
        f'<button type="button" class="view" data-do="view" data-view="{name}" '
        f'aria-pressed="{str(name == view).lower()}">{_t(f"view_{name}", language)}'
        f"{f' <span>{numbers[name]:,}</span>' if name in numbers else ''}</button>"
        for name, needs in VIEWS.items() if may(who.role, needs))
    body = ""
    if view in ("waiting", "decided"):
        find = _t("find", language)
        body = (f'<input type="search" id="find" value="{escape(words)}" placeholder="{find}" '
                f'aria-label="{find}"><div id="listed">'
                f"{items(listed, current, words, who, now, language)}</div>")
    return (f'<nav class="history queue" aria-label="{_t("queue", language)}">'
            f'<div class="views" role="group">{views}</div>{body}</nav>')


def items(listed: Sequence[Held], current: int, words: str, who: Account, now: float,
          language: Language) -> str:
    """The petitions of a view, or that `words` found none."""
    rows = "".join(_item(one, current, who, now, language) for one in listed)
    if not rows:
        return f'<p class="quiet">{_t("nothing_found_here", language) if words else ""}</p>'
    more = f'<p class="quiet">{_t("list_more", language, n=SHOWN)}</p>'
    return f"<ul>{rows}</ul>{more if len(listed) == SHOWN else ''}"


def _item(one: Held, current: int, who: Account, now: float, language: Language) -> str:
    told = one.told
    mark = ' aria-current="true"' if one.n == current else ""
    about = [text("number", language, id=one.id)]
    if one.state == "waiting":
        about.append(text("due_on", language, day=told["next_due"]) if told["next_due"] else
                     text("no_due", language))
        if one.meant:
            about.append(text("meant_for", language, who=one.meant))
        if one.holder and one.until > now and one.holder != who.name:
            about.append(text("held_by", language, who=one.holder))
    elif told["decided_department"]:
        about.append(told["decided_department"])
    return (f'<li{mark}><button type="button" class="pick" data-do="open" data-n="{one.n}">'
            f'<span class="flags">{badges(told, language)}</span>{escape(title_of(one, language))}'
            f'<span class="when">{escape(" · ".join(about))}</span></button></li>')


# --- what can be done


def composer(held: Held | None, mine: bool, role: Role, choices: Choices | None,
             notice: tuple[str, str], language: Language) -> str:
    """The last thing said, the buttons with their keys, and the forms they open. `notice`: its
    kind (`problem` or `done`) and its words."""
    kind, words = notice
    said = ""
    if words:
        live = "alert" if kind == "problem" else "status"
        said = f'<p class="notice {kind}" role="{live}">{escape(words)}</p>'
    buttons, forms = [], []
    if held and mine:
        buttons += [_button("accept", "a", language, "chief"), _button("change", "c", language),
                    _button("return", "r", language)]
        if not barred(held.told):
            buttons.append(_button("draft", "d", language))
        buttons.append(_button("edit", "e", language))
        if choices:
            forms.append(_change(held.told, choices, role, language))
        forms.append(_reason("return", language, RETURNS))
    if may(role, "decide"):
        buttons.append(_button("next", "n", language, "" if mine else "chief"))
    if held and may(role, "oversee"):
        buttons.append(_button("original", "o", language))
        forms.append(_reason("original", language))
        if held.told["decision"]:
            buttons.append(_button("undo", "u", language))
            forms.append(_reason("undo", language))
        elif held.state == "waiting":
            buttons.append(_button("assign", "m", language))
            forms.append(_reason("assign", language, to=True))
    hint = f'<p class="small">{_t("keys_hint", language)}</p>' if buttons else ""
    bar = f'<div class="bar">{"".join(buttons)}</div>' if buttons else ""
    return f'<div id="said">{said}</div>{"".join(forms)}{bar}{hint}'


def _button(name: str, key: str, language: Language, kind: str = "") -> str:
    return (f'<button type="button" class="act do {kind}" data-do="{name}" data-key="{key}" '
            f'aria-keyshortcuts="{key.upper()}"><kbd>{key.upper()}</kbd>'
            f'{_t(f"do_{name}", language)}</button>')


def _form(name: str, body: str, language: Language) -> str:
    return (f'<form class="form" data-form="{name}" hidden '
            f'aria-label="{_t(f"do_{name}", language)}">{body}<div class="acts">'
            f'<button class="act chief">{_t(f"do_{name}", language)} <kbd>Enter</kbd></button>'
            f'<button type="button" class="act" data-do="close">{_t("cancel", language)} '
            "<kbd>Esc</kbd></button></div></form>")


def _reason(name: str, language: Language, usual: Sequence[str] = (), to: bool = False) -> str:
    """A form that asks for a reason, with usual ones to pick; `to`: and for whom."""
    who = ""
    if to:
        who = (f'<label>{_t("assign_to", language)}<input name="to" maxlength="64" '
               'autocomplete="off"></label>')
    options = "".join(f"<option>{_t(one, language)}</option>" for one in usual)
    listed = f'<datalist id="usual-{name}">{options}</datalist>' if usual else ""
    ask = f'list="usual-{name}" ' if usual else ""
    return _form(name, f'{who}<label>{_t("reason", language)}<input name="reason" {ask}'
                       f'maxlength="500" autocomplete="off" required></label>{listed}', language)


def _change(told: Mapping[str, Any], choices: Choices, role: Role, language: Language) -> str:
    """The pick lists: category and department are searched by typing into them."""
    code = told["code"] if told["code"] in choices.categories else ""
    chosen = f"{code} {choices.categories[code]}" if code else ""
    everything = role in ("supervisor", "admin")
    units = choices.all_departments(told) if everything else choices.departments(told)
    options = "".join(f"<option>{escape(one)}</option>" for one in units)
    risks = "".join(
        f'<label class="check"><input type="checkbox" name="risks" value="{one}"'
        f'{" checked" if one in told["risks"] else ""}>{escape(terms.name(one, language))}</label>'
        for one in get_args(Risk))
    return _form("change", (
        f'<label class="wide">{_t("category", language)}<input name="category" list="categories" '
        f'value="{escape(chosen)}" autocomplete="off" required></label>'
        f'<label class="wide">{_t("department", language)}<input name="department" '
        f'list="departments" value="{escape(told["department"])}" autocomplete="off" required>'
        f'</label><datalist id="departments">{options}</datalist>'
        f'{_select("kind", get_args(Kind), told["kind"], language)}'
        f'{_select("procedure", get_args(Jurisdiction), told["jurisdiction"], language)}'
        f'<fieldset><legend>{_t("risks", language)}</legend>{risks}</fieldset>'), language)


def _select(name: str, values: Iterable[str], chosen: str, language: Language) -> str:
    options = "".join(f'<option value="{one}"{" selected" if one == chosen else ""}>'
                      f"{escape(terms.name(one, language))}</option>" for one in values)
    field = "jurisdiction" if name == "procedure" else name
    return f'<label>{_t(name, language)}<select name="{field}">{options}</select></label>'


def categories(choices: Choices | None) -> str:
    """The categories to search in, once a page."""
    options = "".join(f"<option>{code} {escape(name)}</option>"
                      for code, name in (choices.categories.items() if choices else ()))
    return f'<datalist id="categories">{options}</datalist>'


# --- instead of a petition


def empty(counts: Mapping[str, int], role: Role, language: Language) -> str:
    """What to do next where no petition is open."""
    commands: tuple[str, ...] = ()
    if not counts:
        name, commands = "none_yet", ("cityllm triage day.xlsx done.xlsx --queue",)
    elif not counts.get("waiting"):
        name, commands = "all_done", ("cityllm triage day.xlsx done.xlsx --queue",
                                      "cityllm triage decisions export labelled.jsonl")
    else:
        name = "choose"
    how = "choose_read" if name == "choose" and not may(role, "decide") else f"{name}_how"
    lines = "".join(f"<pre><code>{escape(one)}</code></pre>" for one in commands)
    return (f'<section class="welcome"><h2 tabindex="-1">{_t(name, language)}</h2>'
            f"<p>{_t(how, language)}</p>{lines}</section>")


def figures(counts: Mapping[str, int], entries: Iterable[Entry], language: Language) -> str:
    """How things stand, who decided how much, and what was changed."""
    people: dict[str, Counter[str]] = {}
    changed: Counter[str] = Counter()
    settled = 0
    for entry in entries:
        people.setdefault(entry.who, Counter())[entry.action] += 1
        final, before = entry.body.get("final"), entry.body["proposed"]
        if final:
            settled += 1
            changed.update(field for field, name in (
                ("category", "code"), ("department", "department"), ("kind", "kind"),
                ("procedure", "jurisdiction")) if final[name] != before[name])
            changed["risks"] += sorted(final["risks"]) != sorted(before["risks"])
    names = {"waiting": "view_waiting", "auto": "route_auto", "gone": "state_gone"}
    state = [(_t(names.get(one, one), language), f"{count:,}") for one, count in counts.items()]
    actions = ("accepted", "changed", "returned", "undone", "assigned", "opened")
    rows = [(escape(who), *(f"{done[one]:,}" for one in actions)) for who, done in people.items()]
    share = [(_t(name, language), f"{changed[name]:,}", f"{changed[name] / settled:.1%}")
             for name in ("category", "department", "kind", "procedure", "risks")
             ] if settled else []
    nothing = f'<p class="quiet">{_t("no_decisions", language)}</p>'
    return (f'<article class="sheet"><h2 tabindex="-1">{_t("view_figures", language)}</h2>'
            f'<h3>{_t("figures_state", language)}</h3>{_table((), state)}'
            f'<h3>{_t("figures_people", language)}</h3>'
            f'{_table(("who", *actions), rows, language) if rows else nothing}'
            f'<h3>{_t("figures_fields", language)}</h3>'
            f"{_table((), share) if share else nothing}</article>")


def log(entries: Sequence[Entry], checked: Checked, language: Language) -> str:
    """What was done, newest first, and whether the chain is whole."""
    state = _t("chain_broken", language, n=checked.broken) if checked.broken else _t(
        "chain_whole", language, n=f"{checked.entries:,}", head=checked.head[:16])
    kind = "problem" if checked.broken else "note good"
    rows = [(str(one.seq), escape(when(one.at)), f"{escape(one.who)} ({escape(one.role)})",
             _t(one.action, language),
             f'<button type="button" class="act" data-do="open" data-n="{one.subject}">'
             f'{escape(str(one.body["id"]))}</button>', escape(told_by(one, language)))
            for one in entries]
    more = f'<p class="quiet">{_t("log_more", language, n=len(entries))}</p>' if (
        len(entries) < checked.entries) else ""
    head = ("", "when", "who", "what", "petition", "detail")
    body = f'<p class="quiet">{_t("no_decisions", language)}</p>'
    if rows or checked.broken:
        body = f'<p class="{kind}">{state}</p>{_table(head, rows, language)}{more}'
    return (f'<article class="sheet"><h2 tabindex="-1">{_t("view_log", language)}</h2>{body}'
            "</article>")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], language: Language = "zh") -> str:
    """`head`: names of texts; `rows`: cells that are escaped already."""
    heads = "".join(f"<th>{_t(name, language) if name else ''}</th>" for name in head)
    top = f"<thead><tr>{heads}</tr></thead>" if head else ""
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table>{top}<tbody>{body}</tbody></table></div>'
