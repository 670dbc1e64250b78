"""Policies find their enterprises: the one service behind API, pages, commands and chat.

`match` takes one enterprise through all policies, `one` through a single one; `table.find` takes a
table of enterprises through one. Nothing is stored here and no model is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, Literal

from cityllm.corpus.levels import NATION
from cityllm.policies.bind import REGION
from cityllm.policies.conditions import Judge
from cityllm.policies.describe import Describer
from cityllm.policies.evaluate import Result, evaluate
from cityllm.policies.fields import Dictionary, Enterprise, Words
from cityllm.policies.nearest import NearMiss, nearest
from cityllm.policies.policy import Material
from cityllm.policies.questions import Question, questions
from cityllm.policies.ruleset import RuleSet
from cityllm.policies.stacking import Combination, best
from cityllm.policies.windows import Opening

Order = Literal["money", "deadline", "missing"]
ORDERS: tuple[Order, ...] = ("money", "deadline", "missing")
_GROUPS = {"eligible": 0, "unknown": 1, "not_eligible": 2}


@dataclass(frozen=True)
class Match:
    """A policy for an enterprise, and what follows from it.

    `chosen` says whether it belongs to the best combination; `excluded_by` which chosen policies
    exclude it. `remote` tells how far it is from what was told and is commonly asked: 1/n for each
    missing datum that n policies wait for, in all divided by one more than the clauses met.
    """

    result: Result
    window: Opening
    chosen: bool
    excluded_by: tuple[str, ...]
    dictionary: Dictionary = field(repr=False)
    remote: float

    @cached_property
    def near(self) -> NearMiss | None:
        """The nearest miss, where it is not met and a firm can do something about it."""
        return nearest(self.result, self.dictionary)

    @property
    def id(self) -> str:
        """Id of the policy."""
        return self.result.bound.policy.id

    @property
    def papers(self) -> tuple[Material, ...]:
        """The papers that the enterprise itself has to bring."""
        return self.result.bound.policy.to_bring

    @property
    def needs(self) -> int:
        """How many data are missing for the verdict."""
        return len(self.result.missing)


@dataclass(frozen=True, slots=True)
class Report:
    """One enterprise against all policies on a day, ranked.

    `outside` are the regions that the catalogue covers, given where the enterprise lies in none of
    them; empty otherwise.
    """

    enterprise: Enterprise
    as_of: date
    matches: tuple[Match, ...]
    best: Combination
    questions: tuple[Question, ...]
    outside: tuple[str, ...]


class PolicyService:
    """Matches enterprises with the policies of a rule set."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        self.data: dict[tuple[str, str], dict[str, Any]] = {}
        """Columns in words by language, as `view` tells them; kept for the next reply."""
        self.describer = Describer(rules.dictionary, self.judgement)

    def match(self, enterprise: Enterprise, day: date, *, order: Order = "money",
              only: Iterable[str] | None = None) -> Report:
        """All policies, or those of `only`, for one enterprise. Raises PolicyNotFound."""
        bound = self.rules.on(day)
        ids = list(bound) if only is None else [self.rules.get(id_).id for id_ in only]
        results = [evaluate(bound[id_], enterprise) for id_ in ids]
        combined = best([(one.bound, one.amount or 0) for one in results
                         if one.verdict == "eligible"])
        waiting = Counter(column for one in results for column in one.missing)
        matches = [self._match(one, combined, waiting) for one in results]
        return Report(enterprise, day, tuple(sorted(matches, key=lambda one: rank(one, order))),
                      combined, tuple(questions(results)), self._outside(results))

    def one(self, id_: str, enterprise: Enterprise, day: date) -> Match:
        """A single policy for one enterprise. Raises PolicyNotFound."""
        return self.match(enterprise, day, only=[id_]).matches[0]

    def _match(self, result: Result, combined: Combination, waiting: Mapping[str, int]) -> Match:
        id_ = result.bound.policy.id
        return Match(result, result.bound.opening, id_ in combined.chosen,
                     combined.left_out.get(id_, ()), self.rules.dictionary,
                     sum([1 / waiting[column] for column in result.missing])
                     / (1 + sum([one.met is True for one in result.clauses])))

    def regions(self) -> tuple[str, ...]:
        """The regions that the catalogue has policies of, 全国 left out."""
        return tuple(sorted({one.region for one in self.rules} - {NATION}))

    def _outside(self, results: Iterable[Result]) -> tuple[str, ...]:
        regional = [clause.met for one in results for clause in one.clauses
                    if clause.clause.id == REGION]
        return self.regions() if regional and all(met is False for met in regional) else ()

    def judgement(self, column: str) -> Words:
        """The words of a column `judge:policy.clause`."""
        id_, _, name = column.removeprefix("judge:").partition(".")
        policy = self.rules.get(id_)
        for clause in policy.clauses:
            if clause.id == name:
                when = clause.when
                return when.judge if isinstance(when, Judge) else Words(zh=clause.zh, en=clause.en)
        return Words(zh=policy.title.zh, en=policy.title.en)


def rank(match: Match, order: Order) -> tuple[int, float, float, float, str]:
    """Sort key: met before unknown before not met; then by what `order` names first.

    Where neither money nor a date tells policies apart, those that wait for data that many ask for
    come before those of a narrow trade.
    """
    result = match.result
    worth = result.amount if result.amount is not None else result.potential or 0
    closes = match.window.closes or date.max
    money, deadline, missing = -float(worth), float(closes.toordinal()), float(match.needs)
    if order == "missing" and result.verdict == "not_eligible":
        missing = float(len(match.near.changes)) if match.near else 99.0
    keys = {"money": (money, deadline, match.remote), "deadline": (deadline, money, match.remote),
            "missing": (missing, money, deadline)}[order]
    group = _GROUPS[result.verdict] + (0.5 if result.verdict == "unknown"
                                       and result.validity != "in_force" else 0)
    return (int(2 * group), *keys, match.id)
