"""Reports and matches as plain data in one language, for the API, `--json` and the pages.

Money is in yuan as text ("12500.00"), so that no reader makes a float of it; a date is ISO 8601.
`columns` and `missing` name what to send back as a field (`revenue@2025`).
"""

from __future__ import annotations

from typing import Any

from cityllm.policies.describe import WORDS, Check
from cityllm.policies.evaluate import ClauseResult, Result
from cityllm.policies.figures import from_quanta, show_yuan
from cityllm.policies.nearest import NearMiss
from cityllm.policies.policy import Place, Policy
from cityllm.policies.questions import Question
from cityllm.policies.service import Match, PolicyService, Report


def yuan(fen: int | None) -> str | None:
    """Fen as yuan with two decimals, for a machine to read."""
    return None if fen is None else str(from_quanta(fen, 2))


class View:
    """Plain data of what a service returns, in `zh` or `en`."""

    def __init__(self, service: PolicyService, language: str = "zh") -> None:
        self.service = service
        self.language = language

    def report(self, report: Report, *, details: bool = True) -> dict[str, Any]:
        """A whole report; without `details` the clauses hold id and verdict only."""
        return {
            "enterprise": report.enterprise.id, "name": report.enterprise.name,
            "as_of": report.as_of.isoformat(),
            "best": {"policies": list(report.best.chosen), "total": yuan(report.best.total),
                     "left_out": {id_: list(by) for id_, by in report.best.left_out.items()}},
            "questions": [self.question(one) for one in report.questions],
            "regions_covered": list(report.outside),
            "matches": [self.match(one, details=details) for one in report.matches]}

    def match(self, match: Match, *, details: bool = True) -> dict[str, Any]:
        """One policy for one enterprise."""
        result, policy = match.result, match.result.bound.policy
        return {
            "policy": policy.id, "title": policy.title.say(self.language),
            "verdict": result.verdict, "validity": result.validity,
            "amount": yuan(result.amount), "potential": yuan(result.potential),
            "up_to": policy.benefit.up_to, "benefit": policy.benefit.say(self.language),
            "kind": policy.benefit.kind, "times": policy.benefit.times,
            "window": {"state": match.window.state, "opens": _iso(match.window.opens),
                       "closes": _iso(match.window.closes)},
            "missing": [self.datum(column) for column in result.missing],
            "missing_for_amount": [self.datum(column) for column in result.for_amount],
            "nearest": self.near(match.near) if match.near else None,
            "chosen": match.chosen, "excluded_by": list(match.excluded_by),
            "materials": [one.say(self.language) for one in match.papers],
            "clauses": [self.clause(one, result) if details
                        else {"id": one.clause.id, "verdict": WORDS[one.met]}
                        for one in result.clauses]}

    def clause(self, found: ClauseResult, result: Result) -> dict[str, Any]:
        """A clause with its digest, its place, and each of its tests."""
        clause, values = found.clause, result.enterprise.values
        describer = self.service.describer
        return {"id": clause.id, "text": clause.say(self.language), "verdict": WORDS[found.met],
                "place": self.place(clause.place, result.bound.policy),
                "tests": [self.test(check, result.bound.policy) for check in
                          describer.checks(found.node, values, self.language)]}

    def test(self, check: Check, policy: Policy) -> dict[str, Any]:
        """One test in words."""
        return {"what": check.what, "verdict": check.verdict, "value": check.value,
                "threshold": check.threshold, "gap": check.gap, "columns": list(check.columns),
                "missing": list(check.missing),
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
        """A column: its name, who holds it, and what may be given."""
        rules = self.service.rules.dictionary
        if column.startswith("judge:"):
            return {"column": column, "label": self.label(column), "holder": "authority",
                    "allowed": "true, false"}
        field = rules.field_of(column)
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
