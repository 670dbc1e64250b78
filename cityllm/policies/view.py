"""Reports and matches as plain data in one language, for the API, `--json` and the pages.

Money is in yuan as text ("12500.00"), so that no reader makes a float of it; a date is ISO 8601.
`columns` and `missing` name what to send back as a field (`revenue@2025`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cityllm.policies.describe import WORDS, Check
from cityllm.policies.evaluate import ClauseResult, Result
from cityllm.policies.figures import FEN, show_yuan
from cityllm.policies.nearest import NearMiss
from cityllm.policies.policy import Place, Policy
from cityllm.policies.questions import Question
from cityllm.policies.ruleset import BoundPolicy
from cityllm.policies.service import Match, PolicyService, Report


def yuan(fen: int | None) -> str | None:
    """Fen as yuan with two decimals, for a machine to read."""
    if fen is None:
        return None
    whole, rest = divmod(abs(fen), FEN)
    return f"{'-' if fen < 0 else ''}{whole}.{rest:02d}"


@dataclass(frozen=True, slots=True)
class _Told:
    """A policy on a day in one language: its own lines, its clauses, and those in brief by
    verdict. Replies share these; nobody writes into them."""

    head: dict[str, Any]
    clauses: list[dict[str, Any]]
    brief: list[dict[bool | None, dict[str, Any]]]


class View:
    """Plain data of what a service returns, in `zh` or `en`."""

    def __init__(self, service: PolicyService, language: str = "zh") -> None:
        self.service = service
        self.language = language

    def report(self, report: Report, *, details: bool = True) -> dict[str, Any]:
        """A whole report; without `details` the clauses hold id and verdict only, and no nearest
        miss is worked out."""
        return {
            "enterprise": report.enterprise.id, "name": report.enterprise.name,
            "as_of": report.as_of.isoformat(),
            "best": {"policies": list(report.best.chosen), "total": yuan(report.best.total),
                     "left_out": {id_: list(by) for id_, by in report.best.left_out.items()}},
            "questions": [self.question(one) for one in report.questions],
            "regions_covered": list(report.outside),
            "matches": [self.match(one, details=details) for one in report.matches]}

    def match(self, match: Match, *, details: bool = True) -> dict[str, Any]:
        """One policy for one enterprise; without `details` no nearest miss is looked for."""
        result, told = match.result, self._told(match.result.bound)
        found = {
            **told.head, "verdict": result.verdict, "amount": yuan(result.amount),
            "potential": yuan(result.potential),
            "missing": [self.datum(column) for column in result.missing],
            "missing_for_amount": [self.datum(column) for column in result.for_amount],
            "chosen": match.chosen, "excluded_by": list(match.excluded_by)}
        if details:
            found["nearest"] = self.near(match.near) if match.near else None
            found["clauses"] = [self._clause(*one, result) for one in
                                zip(result.clauses, told.clauses, strict=True)]
        else:
            found["clauses"] = [one[clause.met] for clause, one in
                                zip(result.clauses, told.brief, strict=True)]
        return found

    def _told(self, bound: BoundPolicy) -> _Told:
        """What is told of a policy on a day whoever asks; worked out once."""
        kept: _Told | None = bound.kept.get((_Told, self.language))
        if kept is None:
            kept = bound.kept[_Told, self.language] = self._telling(bound)
        return kept

    def _telling(self, bound: BoundPolicy) -> _Told:
        policy, window = bound.policy, bound.opening
        head = {
            "policy": policy.id, "title": policy.title.say(self.language), "verdict": None,
            "validity": bound.validity, "amount": None, "potential": None,
            "up_to": policy.benefit.up_to, "benefit": policy.benefit.say(self.language),
            "kind": policy.benefit.kind, "times": policy.benefit.times,
            "window": {"state": window.state, "opens": _iso(window.opens),
                       "closes": _iso(window.closes)},
            "missing": (), "missing_for_amount": (), "chosen": False, "excluded_by": (),
            "materials": [one.say(self.language) for one in policy.to_bring]}
        clauses = [{"id": one.clause.id, "text": one.clause.say(self.language), "verdict": None,
                    "place": self.place(one.clause.place, policy)} for one in bound.clauses]
        return _Told(head, clauses, [{met: {"id": one.clause.id, "verdict": word}
                                      for met, word in WORDS.items()} for one in bound.clauses])

    def _clause(self, found: ClauseResult, told: dict[str, Any], result: Result) -> dict[str, Any]:
        """A clause with its digest, its place, and each of its tests."""
        checks = self.service.describer.checks(found.node, result.enterprise.values, self.language)
        return {**told, "verdict": WORDS[found.met],
                "tests": [self.test(check, result.bound.policy) for check in checks]}

    def test(self, check: Check, policy: Policy) -> dict[str, Any]:
        """One test in words."""
        return {"what": check.what, "verdict": check.verdict, "value": check.value,
                "threshold": check.threshold, "gap": check.gap, "columns": check.columns,
                "missing": check.missing,
                "place": self.place(check.place, policy) if check.place else None}

    def place(self, place: Place, policy: Policy) -> dict[str, str]:
        """Where in which source; `article` is empty where the source has none."""
        return {"title": place.title or policy.source.title, "article": place.article,
                "at": place.at}

    def near(self, near: NearMiss) -> dict[str, Any]:
        """The smallest changes, and what would come out then."""
        dictionary = self.service.rules.dictionary
        return {"changes": [{
                    "column": one.column, "label": self.label(one.column),
                    "now": dictionary.field_of(one.column).show(one.now, self.language),
                    "then": dictionary.field_of(one.column).show(one.then, self.language)}
                    for one in near.changes],
                "verdict": near.result.verdict, "amount": yuan(near.result.potential),
                "missing": [self.datum(column) for column in near.result.missing]}

    def question(self, question: Question) -> dict[str, Any]:
        """A datum to ask for, and what hangs on it."""
        return {**self.datum(question.column), "money": yuan(question.money),
                "policies": list(question.policies), "alone": list(question.alone)}

    def datum(self, column: str) -> dict[str, Any]:
        """A column: its name, who holds it, and what may be given. The same one each time."""
        kept = self.service.data.get((column, self.language))
        if kept is None:
            kept = self.service.data[column, self.language] = self._datum(column)
        return kept

    def _datum(self, column: str) -> dict[str, Any]:
        if column.startswith("judge:"):
            return {"column": column, "label": self.label(column), "holder": "authority",
                    "allowed": "true, false"}
        field = self.service.rules.dictionary.field_of(column)
        return {"column": column, "label": self.label(column), "holder": field.holder,
                "allowed": field.allowed.say(self.language)}

    def label(self, column: str) -> str:
        """A column in words."""
        return self.service.describer.label(column, self.language)

    def money(self, fen: int | None) -> str:
        """Fen in words; empty where no amount is known."""
        return "" if fen is None else show_yuan(fen, self.language)


def _iso(day: Any) -> str | None:
    return day.isoformat() if day else None
