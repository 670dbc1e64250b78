"""What the rules say of an enterprise, as HTML: policies ranked, one of them shown in full.

Pure functions of a report. Every figure and every verdict comes from the trace of the rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from html import escape

from cityllm.agent.wording import Wording
from cityllm.messages import Language
from cityllm.policies.describe import WORDS
from cityllm.policies.evaluate import ClauseResult
from cityllm.policies.explain import Words
from cityllm.policies.figures import show_yuan
from cityllm.policies.policy import Policy
from cityllm.policies.questions import Question
from cityllm.policies.service import Match, PolicyService, Report
from cityllm.web.sources import Sources
from cityllm.web.texts import text

SIGNS = {"met": "✓", "not_met": "✗", "unknown": "?"}
PARTS = ("eligible", "unconfirmed", "unknown", "near", "no", "over")
FOLDED = ("no", "over")
"""Parts that are shut until one opens them."""
MANY = 12
"""Policies of a part that are shown before the rest is folded."""


def part_of(match: Match) -> str:
    """Which part of the page a policy belongs to."""
    result = match.result
    if result.validity in ("not_yet", "expired"):
        return "over"
    if result.verdict == "not_eligible":
        return "near" if match.near else "no"
    if result.verdict == "eligible":
        return "eligible"
    return "unknown" if result.missing or any(one.met is None for one in result.clauses) \
        else "unconfirmed"


class FirmView:
    """HTML of one report in one language; `opened` is the policy that is shown in full,
    `worded` what is said of it in a few sentences."""

    def __init__(self, service: PolicyService, sources: Sources, report: Report,
                 language: Language, opened: str = "", worded: Wording | None = None) -> None:
        self.service = service
        self.sources = sources
        self.report = report
        self.language = language
        self.opened = opened
        self.worded = worded
        self.words = Words(service, language)

    def result(self) -> str:
        """The whole result: a sentence, then the parts."""
        parts: dict[str, list[Match]] = {name: [] for name in PARTS}
        for match in self.report.matches:
            parts[part_of(match)].append(match)
        return (f'<section class="result"><h2 tabindex="-1">{self._say("firm_welcome")}</h2>'
                f"{self._summary(parts)}"
                + "".join(self._part(name, held) for name, held in parts.items()) + "</section>")

    def _summary(self, parts: dict[str, list[Match]]) -> str:
        report, best = self.report, self.report.best
        head = self._say("summary", day=report.as_of, eligible=len(parts["eligible"]),
                         chosen=len(best.chosen), total=show_yuan(best.total, self.language))
        tiles = "".join(
            f'<li class="{name}"><a href="#part-{name}"><strong>{len(parts[name])}</strong>'
            f'<span>{self._say(f"part_{name}")}</span></a></li>' for name in PARTS)
        covers = ""
        if report.outside:
            names = ("、" if self.language == "zh" else ", ").join(report.outside)
            covers = f'<p class="note">{self._say("covers", names=names)}</p>'
        return (f'<p class="sum">{head}</p>{covers}<ul class="tiles">{tiles}</ul>'
                f'<div class="acts noprint">'
                f'<button class="act" form="firm" name="do" value="docx" data-plain>'
                f'{self._say("firm_docx")}</button>'
                f'<button class="act" form="firm" name="do" value="md" data-plain>'
                f'{self._say("firm_report")}</button>'
                f'<button class="act" form="firm" name="do" value="csv" data-plain>'
                f'{self._say("export_csv")}</button>'
                f'<button type="button" class="act script" data-do="print">'
                f'{self._say("print")}</button></div>')

    def _part(self, name: str, matches: Sequence[Match]) -> str:
        head = f'{self._say(f"part_{name}")} <span class="n">{len(matches)}</span>'
        more = f'<p class="quiet">{self._say("part_unconfirmed_more")}</p>' \
            if name == "unconfirmed" else ""
        first = "".join(map(self._policy, matches[:MANY]))
        if rest := matches[MANY:]:
            shown = any(one.id == self.opened for one in rest)
            first += (f'<details class="rest" id="rest-{name}"{" open" if shown else ""}><summary>'
                      f'{self._say("part_more", n=len(rest))}</summary>'
                      f'{"".join(map(self._policy, rest))}</details>')
        if not matches:
            return ""
        if name not in FOLDED:
            return f'<section class="part {name}" id="part-{name}"><h3>{head}</h3>{more}{first}' \
                   "</section>"
        shown = any(one.id == self.opened for one in matches)
        return (f'<details class="part {name}" id="part-{name}"{" open" if shown else ""}>'
                f"<summary><h3>{head}</h3></summary>{first}</details>")

    def _policy(self, match: Match) -> str:
        policy, result = match.result.bound.policy, match.result
        here = match.id == self.opened
        title = escape(policy.title.say(self.language))
        near = escape(self.words.near(match))
        body = f'<div class="full">{self._full(match)}</div>' if here else ""
        return (f'<article class="policy {result.verdict}" id="policy-{match.id}">'
                f'<h4><button class="pick" form="firm" name="open" value="{match.id}" '
                f'aria-expanded="{str(here).lower()}">{title}</button>'
                f'<span class="money">{escape(self.words.money(match))}</span></h4>'
                f'<p class="flags">{"".join(self._flags(match))}</p>'
                + (f'<p class="change">{near}</p>' if near and not here else "")
                + body + "</article>")

    def _flags(self, match: Match) -> Iterable[str]:
        result, policy = match.result, match.result.bound.policy
        asked = [one for one in result.missing if not one.startswith("judge:")]
        said = [(self._say("part_eligible"), "done")] if result.verdict == "eligible" else []
        if result.validity == "unconfirmed":
            said.append((self._say("unconfirmed_flag"), "amber"))
        elif result.validity != "in_force":
            said.append((self._say(f"state_{result.validity}"), ""))
        if asked:
            said.append((self._say("needs_data", n=len(asked)), ""))
        if judged := len(result.missing) - len(asked):
            said.append((self._say("needs_judging", n=judged), ""))
        unmet = sum(one.met is False for one in result.clauses)
        if unmet:
            said.append((f"{SIGNS['not_met']} {unmet}", "grave"))
        if match.chosen:
            said.append((self._say("in_best"), "done"))
        if window := self.words.window(match):
            said.append((escape(window), ""))
        said.append((escape(policy.region.replace("/", "")), ""))
        for words, kind in said:
            yield f'<span class="badge {kind}">{words}</span>'

    # --- one policy in full

    def _full(self, match: Match) -> str:
        result, policy = match.result, match.result.bound.policy
        rows = "".join(self._clause(one, match) for one in result.clauses)
        heads = "".join(f"<th>{self._say(f'col_{name}')}</th>"
                        for name in ("verdict", "clause", "value", "threshold", "source"))
        place = policy.benefit.place
        where = self._place(place, policy) if place else ""
        note = escape(policy.note.say(self.language)) if policy.note else ""
        return (f'{self._worded()}' + f'<p class="note">{note}</p>' * bool(note)
                + f'<h5>{self._say("benefit_head")}</h5>'
                f"<p>{escape(policy.benefit.say(self.language))} {where}</p>"
                f'<div class="scroll"><table class="clauses"><thead><tr>{heads}</tr></thead>'
                f"<tbody>{rows}</tbody></table></div>"
                f"{self._missing(match)}{self._near(match)}{self._stacking(match)}"
                f"{self._papers(policy)}{self._steps(policy)}{self._facts(match)}")

    def _worded(self) -> str:
        """The sentences, and whose they are; a button where none were asked for."""
        if self.worded is None:
            return (f'<p class="noprint"><button class="act" form="firm" name="do" value="words">'
                    f'{self._say("in_words")}</button></p>')
        return (f'<div class="worded" role="status"><p>{escape(self.worded.text)}</p>'
                f'<p class="quiet">{escape(self.worded.note)}</p></div>')

    def _clause(self, found: ClauseResult, match: Match) -> str:
        policy, verdict = match.result.bound.policy, WORDS[found.met]
        tests = self.service.describer.checks(found.node, match.result.enterprise.values,
                                              self.language)
        own = len(tests) > 1
        values, wanted = [], []
        for one in tests:
            value = one.value or text("not_known", self.language)
            gap = f' <strong class="gap">{escape(one.gap)}</strong>' if one.gap else ""
            lead = f'{SIGNS[one.verdict]} {escape(one.what)}：' if own else ""
            values.append(f"<li>{lead}{escape(value)}{gap}</li>")
            place = f" {self._place(one.place, policy)}" if one.place else ""
            wanted.append(f"<li>{escape(one.threshold or one.what)}{place}</li>")
        return (f'<tr class="{verdict}"><td><strong aria-hidden="true">{SIGNS[verdict]}</strong> '
                f'{self._say(f"sign_{verdict}")}</td><td>{escape(found.clause.say(self.language))}'
                f'</td><td data-name="{self._say("col_value")}"><ul>{"".join(values)}</ul></td>'
                f'<td data-name="{self._say("col_threshold")}"><ul>{"".join(wanted)}</ul></td>'
                f"<td>{self._place(found.clause.place, policy)}</td></tr>")

    def _place(self, place: object, policy: Policy) -> str:
        from cityllm.policies.policy import Place

        assert isinstance(place, Place)
        return self.sources.show(place, policy, self.report.as_of, self.language)

    def _missing(self, match: Match) -> str:
        columns = dict.fromkeys([*match.result.missing, *match.result.for_amount])
        dictionary = self.service.rules.dictionary
        lines = []
        for column in columns if match.result.verdict == "unknown" else match.result.for_amount:
            label = escape(self.service.describer.label(column, self.language))
            if column.startswith("judge:"):
                lines.append(f"{label}（{self._say('needs_judging', n=1)}）")
                continue
            holder = dictionary.holders[dictionary.field_of(column).holder].say(self.language)
            lines.append(self._say("missing_holder", label=label, holder=escape(holder)))
        return self._list("missing_head", lines)

    def _near(self, match: Match) -> str:
        if match.near is None:
            return ""
        dictionary = self.service.rules.dictionary
        lines = [self._say("near_change", label=escape(dictionary.label(one.column, self.language)),
                           now=escape(dictionary.field_of(one.column).show(one.now, self.language)),
                           then=escape(dictionary.field_of(one.column).show(one.then,
                                                                            self.language)))
                 for one in match.near.changes]
        after = match.near.result
        worth = show_yuan(after.potential, self.language) if after.potential is not None else ""
        verdict = self._say("part_eligible" if after.verdict == "eligible" else "part_unknown")
        then = self._say("near_then", verdict=verdict, money=worth) if worth else ""
        return self._list("near_head", [*lines, *([then] if then else [])])

    def _stacking(self, match: Match) -> str:
        rules, own = self.service.rules, match.result.bound.policy
        comma = "、" if self.language == "zh" else ", "

        def names(ids: Iterable[str]) -> str:
            return escape(comma.join(rules.get(one).title.say(self.language) for one in ids))

        lines = []
        if match.chosen:
            lines.append(self._say("stack_chosen"))
        if match.excluded_by:
            lines.append(self._say("stack_excluded", names=names(match.excluded_by)))
        others = [one for one in rules if one.id != own.id]
        apart = [one.id for one in others if one.id in own.stacking.excludes
                 or own.id in one.stacking.excludes
                 or set(one.stacking.one_of) & set(own.stacking.one_of)]
        if apart:
            lines.append(self._say("stack_excludes", names=names(apart)))
        cap = own.stacking.shared_cap
        capped = [one.id for one in others if cap and one.stacking.shared_cap
                  and one.stacking.shared_cap.name == cap.name]
        if capped:
            lines.append(self._say("stack_cap", names=names(capped)))
        if own.stacking.note:
            lines.append(escape(own.stacking.note.say(self.language)))
        return self._list("stacking_head", lines or [self._say("stack_free")])

    def _papers(self, policy: Policy) -> str:
        holders = self.service.rules.dictionary.holders
        lines = []
        for one in sorted(policy.materials, key=lambda one: one.holder != "enterprise"):
            name = escape(one.say(self.language))
            if one.holder == "enterprise":
                lines.append(f'<span class="badge amber">{self._say("paper_bring")}</span> {name}')
            else:
                holder = escape(holders[one.holder].say(self.language))
                lines.append(f'<span class="badge done">{self._say("paper_held", holder=holder)}'
                             f"</span> <s>{name}</s>")
        return self._list("papers_head", lines)

    def _steps(self, policy: Policy) -> str:
        return self._list("steps_head", [escape(one.say(self.language)) for one in policy.steps],
                          "ol")

    def _facts(self, match: Match) -> str:
        policy, window = match.result.bound.policy, match.window
        first, last = (self._day(one) for one in (policy.valid.from_, policy.valid.to))
        valid = self._say("valid_words", first=first, last=last,
                          state=self._say(f"state_{match.result.validity}"))
        source = policy.source
        title = escape(f"《{source.title}》{policy.number} · {policy.issuer}")
        if source.url.startswith(("https://", "http://")):
            title = (f'<a href="{escape(source.url)}" target="_blank" rel="noopener noreferrer">'
                     f"{title}</a>")
        rows = (("window_head", self._say(f"window_{window.state}", opens=window.opens,
                                          closes=window.closes)),
                ("valid_head", valid), ("source_head", title))
        body = "".join(f"<div><dt>{self._say(name)}</dt><dd>{value}</dd></div>"
                       for name, value in rows)
        return f'<dl class="facts">{body}</dl>'

    def _day(self, day: date | str) -> str:
        return self._say(f"valid_{day}") if isinstance(day, str) else str(day)

    def _list(self, head: str, lines: Sequence[str], tag: str = "ul") -> str:
        if not lines:
            return ""
        items = "".join(f"<li>{one}</li>" for one in lines)
        return f'<h5>{self._say(head)}</h5><{tag} class="plain">{items}</{tag}>'

    def _say(self, name: str, **values: object) -> str:
        return text(name, self.language, **values)


def ask(question: Question, service: PolicyService, control: str, language: Language) -> str:
    """The one datum that decides most, ready to be answered."""
    label = escape(service.describer.label(question.column, language))
    why = text("ask_why", language, n=len(question.policies))
    if question.money:
        why += text("ask_money", language, money=show_yuan(question.money, language))
    return (f'<div class="ask-next"><p><span class="who">{text("ask_next", language)}</span> '
            f'<strong>{label}</strong> <span class="quiet">{escape(why)}</span></p>'
            f'<div class="bar">{control}'
            f'<button class="act chief" form="firm" name="do" value="match">'
            f'{text("ask_take", language)}</button>'
            f'<button class="act" form="firm" name="skip" value="{escape(question.column)}">'
            f'{text("ask_skip", language)}</button></div></div>')
