"""A question and its answer as HTML: text, citations, maps, steps, feedback, export.

Pure functions; everything that a user, a model or a law wrote is escaped. Buttons carry `data-do`
with the name of an event of the page (see `page.js`).
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from cityllm.evidence import Answer, ClauseEvidence, Step
from cityllm.messages import Language
from cityllm.web import terms
from cityllm.web.conversations import Turn
from cityllm.web.evidence_view import evidence_list, maps, pairs, tool_name
from cityllm.web.markdown import citation_button, render
from cityllm.web.running import Live
from cityllm.web.texts import text

SLOW = 8
"""Seconds of silence after which the page says that it is still working."""
_REFUSALS = ("no_such_article", "not_held", "no_model")
_THUMB = ('<svg viewBox="0 0 24 24" aria-hidden="true"{turned}><path d="M3 10h4v11H3zM9 21V10'
          'l4-8c1.7 0 2.6 1.2 2.3 2.8L14.5 9H20c1.3 0 2.2 1.2 1.9 2.4l-2 8'
          'c-.3 1-1.1 1.6-2.1 1.6z"/></svg>')


def transcript(turns: Sequence[Turn], conversation: str, language: Language) -> str:
    """All finished turns; one still running shows its question only where `live` does not."""
    body = "".join(turn_view(turn, language) for turn in turns if turn.state != "running")
    return (f'<div class="turns" data-conversation="{escape(conversation)}" data-lang="{language}" '
            f'data-title="{escape(text("title", language))}">{body}</div>')


def turn_view(turn: Turn, language: Language) -> str:
    """One question with its answer, or with the sentence that says why there is none."""
    if turn.answer is None:
        words = escape(_sentence(turn, language))
        reply = f'<div class="reply sorry" role="status"><p>{words}</p></div>'
    else:
        reply = _reply(turn, turn.answer, language)
    return (f'<article class="turn" id="turn-{turn.id}">{_question(turn.question, language)}{reply}'
            "</article>")


def live_view(live: Live, language: Language) -> str:
    """The answer being written: what runs, what ran, and the draft so far."""
    done = "".join(_step(step, language) for step in live.steps)
    running = "".join(
        f'<li class="step now"><span class="tool">{escape(tool_name(s.tool, language))}</span>'
        f'<span class="state">{escape(text("step_running", language))}</span>'
        f"{pairs(s.inputs, language)}</li>" for s in live.running)
    steps = f'<ol class="steps">{done}{running}</ol>' if done or running else ""
    draft = ""
    if live.draft:
        draft = (f'<div class="text draft">{render(live.draft, language=language)}</div>'
                 f'<p class="quiet">{escape(text("draft", language))}</p>')
    return (f'<article class="turn">{_question(live.question, language)}'
            f'<div class="reply" aria-busy="true">{steps}{draft}'
            f'<p class="waiting">{escape(_waiting(live, language))}</p></div></article>')


def _waiting(live: Live, language: Language) -> str:
    if live.queued:
        return text("queued", language, seconds=live.waited) if live.waited else text(
            "thinking", language)
    if live.waited >= SLOW:
        return text("slow", language, seconds=live.waited)
    return text("thinking", language)


def _sentence(turn: Turn, language: Language) -> str:
    if turn.state == "unreadable":
        return text("unreadable", language)
    said = turn.problem_zh if language == "zh" else turn.problem_en
    return said or text("interrupted", language)


def _question(question: str, language: Language) -> str:
    words = escape(question).replace("\n", "<br>")
    return (f'<div class="ask"><span class="who">{escape(text("you", language))}</span>'
            f"<p>{words}</p></div>")


def _reply(turn: Turn, answer: Answer, language: Language) -> str:
    kind = "reply refused" if answer.refused else "reply"
    flag = ""
    if answer.refused:
        name = answer.refused if answer.refused in _REFUSALS else "refused"
        flag = f'<p class="flag">{escape(text(name, language))}</p>'
    body = render(answer.text, [*answer.evidence, *answer.citations], turn.id, language)
    return (f'<div class="{kind}">'
            f'<span class="who">{escape(text("assistant", language))}</span>{flag}'
            f'<div class="text">{body}</div>{maps(answer, turn.id, language)}'
            f"{_cited(answer, turn.id, language)}{_steps(answer.steps, language)}"
            f"{evidence_list(answer, turn.id, language)}{_meta(answer, language)}"
            f"{_actions(turn, language)}</div>")


def _cited(answer: Answer, turn: int, language: Language) -> str:
    if not answer.citations:
        return ""
    rows = "".join(
        f"<li>{citation_button(c, turn, f'《{c.title}》{c.article_label}', language)}"
        f'<span class="quiet">{escape(_about(c, language))}</span></li>' for c in answer.citations)
    return (f'<div class="cited"><span class="head">{escape(text("citations", language))}</span>'
            f"<ul>{rows}</ul></div>")


def _about(clause: ClauseEvidence, language: Language) -> str:
    """Heading, level and status in a line."""
    parts = (clause.heading, terms.level(clause.level, language),
             terms.status(clause.status, language))
    return " · ".join(part for part in parts if part)


def _steps(steps: Sequence[Step], language: Language) -> str:
    if not steps:
        return ""
    total = f"{sum(step.seconds for step in steps):.1f}"
    name = "steps_one" if len(steps) == 1 else "steps"
    head = escape(text(name, language, n=len(steps), seconds=total))
    rows = "".join(_step(step, language) for step in steps)
    return f'<details class="fold"><summary>{head}</summary><ol class="steps">{rows}</ol></details>'


def _step(step: Step, language: Language) -> str:
    seconds = text("seconds", language, seconds=f"{step.seconds:.2f}")
    found = ""
    if step.evidence:
        pieces = escape("、".join(step.evidence))
        found = f'<p class="quiet">{escape(text("found", language))} {pieces}</p>'
    problem = ""
    if step.problem:
        problem = (f'<p class="problem">{escape(text("problem", language))}：'
                   f"{escape(step.problem)}</p>")
    return (f'<li class="step"><span class="tool">{escape(tool_name(step.tool, language))}</span>'
            f'<span class="state">{escape(seconds)}</span>{pairs(step.inputs, language)}'
            f"{problem}{found}</li>")


def _meta(answer: Answer, language: Language) -> str:
    parts = []
    if answer.removed:
        parts.append(text("removed", language, n=len(answer.removed)))
    elif answer.verified and not answer.refused and answer.evidence:
        parts.append(text("verified", language))
    parts.append(text("took", language, seconds=f"{answer.seconds:.1f}"))
    if answer.engine:
        parts.append(text("engine", language, engine=answer.engine))
    return f'<p class="meta">{" · ".join(escape(part) for part in parts)}</p>'


def _actions(turn: Turn, language: Language) -> str:
    thumbs = "".join(
        f'<button type="button" class="act" data-do="rate" data-turn="{turn.id}" '
        f'data-verdict="{verdict}" aria-pressed="{str(turn.verdict == verdict).lower()}">'
        f"{_THUMB.format(turned=turned)}{escape(text(verdict, language))}</button>"
        for verdict, turned in (("good", ""), ("bad", ' class="turned"')))
    exports = "".join(
        f'<a class="act" href="/export/{turn.id}.{kind}?lang={language}" download>'
        f'{escape(text(f"export_{kind}", language))}</a>' for kind in ("md", "docx"))
    return (f'<div class="acts">{thumbs}<span class="gap"></span>{exports}</div>'
            f"{_comment(turn, language)}")


def _comment(turn: Turn, language: Language) -> str:
    if not turn.verdict:
        return ""
    if turn.comment:
        kept = escape(text("comment_kept", language, comment=turn.comment))
        return f'<p class="kept" role="status">{escape(text("thanks", language))}{kept}</p>'
    label = escape(text("comment", language))
    return (f'<div class="comment" data-box><p role="status">{escape(text("thanks", language))}</p>'
            f'<label>{label}<textarea rows="2" maxlength="1000"></textarea></label>'
            f'<button type="button" class="act" data-do="comment" data-turn="{turn.id}" '
            f'data-verdict="{turn.verdict}">{escape(text("comment_send", language))}</button>'
            "</div>")
