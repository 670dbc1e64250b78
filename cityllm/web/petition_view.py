"""One petition as HTML: its masked words, what is proposed and why, periods, reply, what was done.

Pure functions of what the store holds; everything that a petitioner, a clerk or a model wrote is
escaped. Buttons carry `data-do` with the name of an action of the page (see `petitions.js`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from html import escape
from typing import TYPE_CHECKING, Any

from cityllm.corpus.numerals import article_key, article_label
from cityllm.errors import CityLLMError
from cityllm.messages import Language
from cityllm.petitions.drafts import MARK
from cityllm.petitions.held import Held
from cityllm.petitions.output import standing
from cityllm.petitions.wrongdoing import WITHHELD
from cityllm.safety.chain import Entry
from cityllm.web import petition_terms as terms
from cityllm.web.grounds_view import listed, marked, marks
from cityllm.web.markdown import citation_button
from cityllm.web.texts import text

if TYPE_CHECKING:
    from cityllm.corpus.ledger import Ledger

HEAD = 40
"""Characters of a message that stand for a title that it lacks."""
_WORD = re.compile(r"\w")
_CITED = re.compile(r"《([^《》]{2,60})》(第[一二三四五六七八九十百千零〇\d]+条(?:之[一二三四五六七八九十\d]+)?)"
                    r"(?:（(\d{4}-\d\d-\d\d) 版)?")


def petition(held: Held, mine: bool, may_decide: bool, today: date, ledger: Ledger,
             history: Sequence[Entry], numbers: Mapping[str, int], busy: bool,
             language: Language) -> str:
    """The petition. `mine`: the reader holds it, so that its reply can be written; `numbers`: of
    the petitions that it names by their id; `busy`: a draft is on its way."""
    told = held.told
    parts = [_head(held, numbers, language), _words(told, language)]
    if told["decision"]:
        parts.append(_labels("decision", _decided(told), told, language))
    parts += [_labels("proposal", told, told, language), _periods(told, today, language),
              reply(held, mine, may_decide, today, ledger, busy, language)]
    parts.append(f'<section><h3>{_t("similar", language)}</h3><div id="similar">'
                 f'<p class="waiting">{_t("similar_busy", language)}</p></div></section>')
    parts.append(_history(history, language))
    return (f'<article class="petition" data-n="{held.n}" data-mark="{held.mark}" '
            f'data-mine="{int(mine)}" data-busy="{int(busy)}">{"".join(parts)}</article>')


def _t(name: str, language: Language, **values: object) -> str:
    return escape(text(name, language, **values))


def badges(told: Mapping[str, Any], language: Language) -> str:
    """Urgency, risks and kind in a line."""
    found = []
    if told["route"] == "urgent":
        risks = risk_names(told["risks"], language)
        mark = "flag grave" if {"life", "self_harm"} & set(told["risks"]) else "flag"
        found.append(f'<span class="{mark}">{_t("route_urgent", language)} · {escape(risks)}'
                     "</span>")
    if not told["problem"]:
        found.append(f'<span class="badge">{escape(terms.name(told["kind"], language))}</span>')
    if told["decision"]:
        found.append(f'<span class="badge done">{_t(told["decision"], language)}</span>')
    return "".join(found)


def risk_names(risks: Sequence[str], language: Language) -> str:
    """The names of risks in one line."""
    return ("、" if language == "zh" else ", ").join(terms.name(one, language) for one in risks)


def title_of(held: Held, language: Language) -> str:
    """What a petition is called: its title, else its summary, beginning or number (a title of signs
    alone is none); no words of a report."""
    told = held.told
    if told["text"] == WITHHELD:
        return text("withheld_title", language)
    names = (told["title"], told["summary"], told["text"][:HEAD])
    return next((one for one in names if _WORD.search(one)), text("number", language, id=held.id))


def _head(held: Held, numbers: Mapping[str, int], language: Language) -> str:
    told = held.told
    day = text("received_on", language, day=told["received"]) if told["received"] else (
        text("received_unknown", language))
    facts = [text("number", language, id=held.id), day, told["district"], told["place"],
             told["channel"]]
    links = "".join(
        f'<button type="button" class="act" data-do="open" data-n="{numbers[told[field]]}">'
        f"{_t(name, language, id=told[field])}</button>"
        for field, name in (("duplicate_of", "same_matter"), ("again", "same_person"))
        if told[field] in numbers)
    links = f'<p class="acts">{links}</p>' if links else ""
    title = marked(title_of(held, language), marks(told, language))
    return (f'<p class="flags">{badges(told, language)}</p><h2 tabindex="-1">{title}</h2>'
            f'<p class="quiet">{escape(" · ".join(one for one in facts if one))}</p>{links}')


def _words(told: Mapping[str, Any], language: Language) -> str:
    if told["text"] == WITHHELD:
        return f'<p class="note">{_t("withheld_note", language)}</p>'
    note = ""
    if told["problem"]:
        why = terms.sentence(told["problem"], language)
        note = f'<p class="note">{_t("row_problem", language, why=why)}</p>'
    words = marks(told, language)
    lines = "".join(f"<p>{marked(line, words)}</p>"
                    for line in told["text"].splitlines() if line.strip())
    extra = ""
    if told["extra"]:
        rows = "".join(f"<div><dt>{escape(column)}</dt><dd>{marked(value, {})}</dd></div>"
                       for column, value in told["extra"].items())
        extra = (f'<details class="fold"><summary>{_t("other_columns", language)}</summary>'
                 f'<dl class="pairs">{rows}</dl></details>')
    return f'{note}<div class="letter">{lines}</div>{extra}'


def _decided(told: Mapping[str, Any]) -> dict[str, Any]:
    """The labels of the decision in the shape of the proposed ones."""
    return {name: told[f"decided_{name}"]
            for name in ("code", "category", "department", "kind", "jurisdiction", "risks")}


def _labels(head: str, labels: Mapping[str, Any], told: Mapping[str, Any],
            language: Language) -> str:
    rows = []
    if labels["code"]:
        sure = ""
        if head == "proposal":
            share = round(100 * told["confidence"])
            sure = f' <span class="quiet">{_t("sure", language, share=share)}</span>'
        risks = risk_names(labels["risks"], language)
        rows += [("category", f'{escape(" / ".join(labels["category"]))} '
                              f'<span class="quiet">{escape(labels["code"])}</span>{sure}'),
                 ("department", escape(labels["department"]) if labels["department"] else
                  f'<strong class="problem">{_t("no_department", language)}</strong>'),
                 ("kind", escape(terms.name(labels["kind"], language))),
                 ("procedure", escape(terms.name(labels["jurisdiction"], language))),
                 ("risks", escape(risks) if risks else _t("risks_none", language))]
    if head == "proposal":
        rows += _why(told, language)
    elif told["decision_reason"]:
        rows.append(("reason", escape(told["decision_reason"])))
    if head == "decision":
        rows.append(("who", f'{escape(told["decided_by"])} · {escape(when(told["decided_at"]))}'))
    body = "".join(f"<div><dt>{_t(name, language)}</dt><dd>{value}</dd></div>"
                   for name, value in rows)
    return (f'<section class="labels {head}"><h3>{_t(head, language)}</h3>'
            f'<dl class="facts">{body}</dl></section>')


def _why(told: Mapping[str, Any], language: Language) -> list[tuple[str, str]]:
    """What speaks for the proposal, what else it may be, and why a person is asked."""
    rows = []
    if not told["problem"] and told["text"] != WITHHELD:
        rows.append(("reasons", listed(told, language) or _t("reasons_none", language)))
    others = "".join(f'<li><button type="button" class="act" data-do="prefer" '
                     f'data-code="{escape(code)}" data-key="{at}"><kbd>{at}</kbd>{escape(name)} '
                     f'<span class="quiet">{share:.0%}</span></button></li>'
                     for at, (code, name, share) in enumerate(told.get("others", ()), 1))
    if others:
        rows.append(("alternatives", f'<ul class="others">{others}</ul>'))
    if told["why_review"]:
        rows.append(("why_person", escape(terms.sentence(told["why_review"], language))))
    return rows


def _periods(told: Mapping[str, Any], today: date, language: Language) -> str:
    head = f'<h3>{_t("periods", language)}</h3>'
    rows = []
    for how, due in standing(told, today):
        left = abs((due.due - today).days) if due.due else 0
        name = due.name if language == "zh" else due.name_en
        where = f"《{due.law}》{article_label(due.article)}" if due.article else due.law
        last = str(due.due) if due.due else terms.sentence(due.why, language)
        rows.append(f'<tr class="{how}"><td>{escape(name)}</td><td>{escape(last)}</td>'
                    f'<td>{_t(f"state_{how}", language, n=left)}</td>'
                    f"<td>{escape(due.binds)}</td><td>{escape(where)}</td></tr>")
    if not rows:
        return f'<section>{head}<p class="quiet">{_t("periods_none", language)}</p></section>'
    heads = "".join(f"<th>{_t(name, language)}</th>"
                    for name in ("period", "last_day", "left", "binds", "basis"))
    return (f'<section>{head}<div class="scroll"><table class="periods"><thead><tr>{heads}</tr>'
            f'</thead><tbody>{"".join(rows)}</tbody></table></div></section>')


def reply(held: Held, mine: bool, may_decide: bool, today: date, ledger: Ledger, busy: bool,
          language: Language) -> str:
    """The reply that was accepted, or the draft of one, its citations live."""
    told = held.told
    words = told["reply"] if told["decision"] else draft_of(held)
    why = held.why if held.draft is not None else told["why_no_draft"]
    body = ""
    if busy:
        body = f'<p class="waiting" aria-busy="true">{_t("reply_busy", language)}</p>'
    elif words:
        lines = "".join(f"<p>{cited(line, ledger, today, language)}</p>"
                        for line in words.splitlines() if line.strip())
        body = f'<div class="letter shown">{lines}</div>'
        if mine:
            body = f'<p class="quiet">{_t("reply_draft", language)}</p>{body}'
    elif mine and told["text"] == WITHHELD:
        body = f'<p class="note">{_t("reply_report", language)}</p>'
    elif why and not told["decision"]:
        said = terms.sentence(why, language).rstrip("。.")
        body = f'<p class="note">{_t("reply_why", language, why=said)}</p>'
    else:
        name = "reply_none" if mine and may_decide else "reply_none_read"
        body = f'<p class="quiet">{_t(name, language)}</p>'
    box = ""
    if mine and not busy:
        box = (f'<textarea id="reply" hidden rows="14" aria-label="{_t("reply_text", language)}">'
               f"{escape(words)}</textarea>")
    return f'<section id="reply-part"><h3>{_t("reply_head", language)}</h3>{body}{box}</section>'


def draft_of(held: Held) -> str:
    """The draft without its mark: what is accepted is no draft any more."""
    draft = held.draft if held.draft is not None else held.told["draft"]
    return draft.removeprefix(MARK).lstrip("\n")


def cited(line: str, ledger: Ledger, today: date, language: Language) -> str:
    """A line of a reply as HTML: an article that it names and that is held opens."""
    parts, at = [], 0
    for found in _CITED.finditer(line):
        title, number, version = found.groups()
        try:
            clause = ledger.clause(f"{title}@{version}#{article_key(number)}") if version else (
                ledger.article(title, number, today))
        except CityLLMError:
            continue
        end = found.end(2)
        parts += [escape(line[at:found.start()]),
                  citation_button(clause, 0, line[found.start():end], language)]
        at = end
    return "".join([*parts, escape(line[at:])])


def original(found: Mapping[str, str] | None, language: Language) -> str:
    """The original beside the masked text; None where the vault has none."""
    rows = "".join(f"<div><dt>{escape(column)}</dt><dd>{escape(value)}</dd></div>"
                   for column, value in (found or {}).items())
    body = f'<dl class="facts">{rows}</dl>' if rows else (
        f'<p class="note">{_t("original_none", language)}</p>')
    return (f'<section class="article original"><button type="button" class="close" '
            f'data-do="shut">{_t("close", language)}</button><h2 tabindex="-1">'
            f'{_t("original_head", language)}</h2>{body}</section>')


def similar(found: Sequence[tuple[str, Mapping[str, Any] | None, float]],
            language: Language) -> str:
    """Similar petitions: summary, record (None where it is not of the store), score."""
    if not found:
        return f'<p class="quiet">{_t("similar_none", language)}</p>'
    items = []
    for summary, told, score in found:
        words = [text("similar_score", language, score=f"{score:.2f}")]
        opening, closing = "<div>", "</div>"
        if told is not None:
            words = [text("number", language, id=told["id"]), told["received"],
                     told["decided_department"] or told["department"],
                     text(told["decision"] or "waits", language), *words]
            opening = f'<button type="button" class="pick" data-do="open" data-n="{told["n"]}">'
            closing = "</button>"
        about = " · ".join(one for one in words if one)
        items.append(f'<li>{opening}{escape(summary)}<span class="when">{escape(about)}</span>'
                     f"{closing}</li>")
    return f'<ul class="near">{"".join(items)}</ul>'


def _history(entries: Sequence[Entry], language: Language) -> str:
    if not entries:
        return ""
    items = "".join(f"<li>{escape(when(one.at))} · {escape(one.who)} · "
                    f"{_t(one.action, language)} {escape(told_by(one, language))}</li>"
                    for one in entries)
    return (f'<section><h3>{_t("history_of", language)}</h3><ol class="log">{items}</ol></section>')


def told_by(entry: Entry, language: Language) -> str:
    """What an entry adds to its name: what was changed from what to what, for whom, the reason."""
    body = entry.body
    parts = []
    final, before = body.get("final"), body["proposed"]
    if final:
        for name in ("code", "department", "kind", "jurisdiction"):
            if final[name] != before[name]:
                parts.append(" → ".join(terms.name(one[name], language) or "—"
                                        for one in (before, final)))
        if sorted(final["risks"]) != sorted(before["risks"]):
            parts.append(" → ".join(risk_names(one["risks"], language) or "—"
                                    for one in (before, final)))
        parts = parts or [final["department"]]
    parts += [one for one in (body.get("to"), body.get("reason")) if one]
    return "；".join(parts)


def when(at: str) -> str:
    """A time of the log for a reader, in this machine's zone."""
    return datetime.fromisoformat(at).astimezone().strftime("%Y-%m-%d %H:%M") if at else ""
