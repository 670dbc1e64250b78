"""A match in sentences, Chinese or English, made from the trace; no model wrote any of it.

Every sentence carries what decided it: the clause, the value, the threshold, the gap, the place.
"""

from __future__ import annotations

from collections.abc import Iterator

from cityllm.policies.describe import Check
from cityllm.policies.evaluate import ClauseResult
from cityllm.policies.figures import show_yuan
from cityllm.policies.policy import Place, Policy
from cityllm.policies.service import Match, PolicyService, Report

_SIGNS = {True: "✓", False: "✗", None: "?"}
_VERDICTS = {
    "eligible": ("符合", "eligible"),
    "not_eligible": ("不符合", "not eligible"),
    "unknown": ("还缺 {n} 项信息", "{n} data are missing"),
}
_VALIDITY = {
    "not_yet": ("还没有生效", "not in force yet"),
    "expired": ("已经到期", "no longer in force"),
    "unconfirmed": ("有效期未确认，先向主管部门核实",
                    "validity not confirmed: ask the office in charge first"),
}
_WINDOW = {"open": ("申报期内，截止 {closes}", "open until {closes}"),
           "later": ("申报期 {opens} 至 {closes}", "open from {opens} to {closes}"),
           "closed": ("申报期已过", "closed"), "always": ("", "")}


class Words:
    """Sentences about matches in one language."""

    def __init__(self, service: PolicyService, language: str = "zh") -> None:
        self.service = service
        self.language = language
        self._at = 1 if language == "en" else 0

    def verdict(self, match: Match) -> str:
        """The verdict in a few words, with the reason where it is none of the enterprise's."""
        result = match.result
        if result.validity in ("not_yet", "expired"):
            return _VALIDITY[result.validity][self._at]
        if result.verdict == "unknown" and result.validity == "unconfirmed":
            return _VALIDITY["unconfirmed"][self._at]
        if result.verdict == "unknown" and not match.needs:
            return ("要由人判断", "a person has to judge")[self._at]
        return _VERDICTS[result.verdict][self._at].format(n=match.needs)

    def money(self, match: Match) -> str:
        """The amount in words; empty where the policy is not money."""
        result = match.result
        fen = result.amount if result.amount is not None else result.potential
        if result.bound.money is None or fen is None:
            return ""
        text = show_yuan(fen, self.language)
        if match.result.bound.policy.benefit.up_to or result.for_amount:
            return f"at most {text}" if self._at else f"至多 {text}"
        return text

    def summary(self, report: Report) -> Iterator[str]:
        """A report in lines: best choice, each policy, what to ask next."""
        if report.outside:
            names = ("、", ", ")[self._at].join(report.outside)
            yield (f"目录里的地区政策只有：{names}；这家企业不在其中。",
                   f"The catalogue's regional policies are of {names}; the enterprise lies in none."
                   )[self._at]
        chosen, total = len(report.best.chosen), show_yuan(report.best.total, self.language)
        met = chosen + len(report.best.left_out)
        yield (f"{report.as_of}：符合 {met} 项；能同时享受的最好组合 {chosen} 项，共 {total}。",
               f"{report.as_of}: eligible for {met}; the best combination is {chosen}, "
               f"{total} together.")[self._at]
        for match in report.matches:
            yield self.line(match)
        for one in report.questions[:3]:
            label = self.service.describer.label(one.column, self.language)
            count, money = len(one.policies), show_yuan(one.money, self.language)
            yield (f"先补一项：{label}（关系 {count} 项政策，{money}）",
                   f"ask next: {label} ({count} policies, {money})")[self._at]

    def line(self, match: Match) -> str:
        """One policy in one line."""
        policy = match.result.bound.policy
        parts = [self.verdict(match), self.money(match), self.window(match)]
        if match.excluded_by:
            others = ("、", ", ")[self._at].join(match.excluded_by)
            parts.append((f"不能与 {others} 同时享受", f"not together with {others}")[self._at])
        near = self.near(match)
        return f"{policy.id}  {policy.title.say(self.language)}：" + ("；", "; ")[self._at].join(
            part for part in [*parts, near] if part)

    def window(self, match: Match) -> str:
        """Whether one may apply now."""
        return _WINDOW[match.window.state][self._at].format(
            opens=match.window.opens, closes=match.window.closes)

    def near(self, match: Match) -> str:
        """What would have to change, said as such; empty where nothing can be done."""
        said = self.changes(match)
        return said and (f"最小改动：{said}", f"smallest change: {said}")[self._at]

    def changes(self, match: Match) -> str:
        """The fields that would have to change, from what to what."""
        if match.near is None:
            return ""
        dictionary = self.service.rules.dictionary
        changes = []
        for one in match.near.changes:
            field = dictionary.field_of(one.column)
            changes.append(f"{dictionary.label(one.column, self.language)} "
                           f"{field.show(one.now, self.language)} → "
                           f"{field.show(one.then, self.language)}")
        return ("、", ", ")[self._at].join(changes)

    def full(self, match: Match) -> Iterator[str]:
        """A match clause by clause, with papers and steps."""
        policy = match.result.bound.policy
        yield self.line(match)
        for clause in match.result.clauses:
            yield from self._clause(clause, match)
        if policy.note:
            yield ("说明：", "Note: ")[self._at] + policy.note.say(self.language)
        yield ("给什么：", "Benefit: ")[self._at] + policy.benefit.say(self.language)
        held = [one for one in policy.materials if one.holder != "enterprise"]
        if match.papers:
            yield ("要带的材料：", "Papers to bring: ")[self._at] + self._list(
                [one.say(self.language) for one in match.papers])
        if held:
            holders = self.service.rules.dictionary.holders
            yield ("不用带（政府已有）：", "Held already: ")[self._at] + self._list(
                [f"{one.say(self.language)}（{holders[one.holder].say(self.language)}）"
                 for one in held])
        if policy.steps:
            yield ("怎么办：", "Steps: ")[self._at] + " → ".join(
                one.say(self.language) for one in policy.steps)

    def headline(self, match: Match) -> str:
        """The verdict as a sentence of its own."""
        title = match.result.bound.policy.title.say(self.language)
        return (f"《{title}》：{self.verdict(match)}。", f"{title}: {self.verdict(match)}.")[self._at]

    def plain(self, match: Match) -> list[str]:
        """Why, what is missing, what would change it and for how much, a sentence each."""
        unmet = [one.clause.say(self.language) for one in match.result.clauses if one.met is False]
        missing = [self.service.describer.label(one, self.language) for one in match.result.missing]
        told = ((("没有达到：", "Not met: "), self._list(unmet)),
                (("还缺：", "Missing: "), self._list(list(dict.fromkeys(missing)))),
                (("最小改动：", "Smallest change: "), self.changes(match)),
                (("金额：", "Amount: "), self.money(match)))
        return [f"{head[self._at]}{text}{'。.'[self._at]}" for head, text in told if text]

    def _clause(self, found: ClauseResult, match: Match) -> Iterator[str]:
        policy = match.result.bound.policy
        yield (f"{_SIGNS[found.met]} {found.clause.say(self.language)}"
               f"〔{self.place(found.clause.place, policy)}〕")
        for check in self.service.describer.checks(found.node, match.result.enterprise.values,
                                                   self.language):
            yield "    " + self._check(check)

    def _check(self, check: Check) -> str:
        unknown = ("未知", "unknown")[self._at]
        text = f"{check.what}：{check.value or unknown}" if not self._at \
            else f"{check.what}: {check.value or unknown}"
        wanted = check.threshold and ("要求：", "required: ")[self._at] + check.threshold
        parts = [text, wanted, check.gap]
        return ("，", ", ")[self._at].join(part for part in parts if part)

    def place(self, place: Place, policy: Policy) -> str:
        """Where the clause has its ground."""
        title = place.title or policy.source.title
        article = (f"第{place.article}条", f"art. {place.article}")[self._at] if place.article else ""
        return " ".join(part for part in (f"《{title}》", article, place.at) if part)

    def _list(self, names: list[str]) -> str:
        return ("、", ", ")[self._at].join(names)
