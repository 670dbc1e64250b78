"""A test in words: what is looked at, the value found, the threshold, and the gap between them.

All of it is worked out from the test itself, never from the digest of the clause, so that it cannot
say something else than what was decided.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from cityllm.policies.bound import Between, Leaf, Member, Node, Unsettled
from cityllm.policies.conditions import Compare, Holds, Judge
from cityllm.policies.evaluate import Values, combine, holds, relevant
from cityllm.policies.fields import Dictionary, Field, Value, Words
from cityllm.policies.figures import show_yuan
from cityllm.policies.policy import ClauseVerdict, Place

WORDS: dict[bool | None, ClauseVerdict] = {True: "met", False: "not_met", None: "unknown"}
_BOUNDS = {"at_least": ("不低于", "at least"), "more_than": ("超过", "more than"),
           "at_most": ("不超过", "at most"), "less_than": ("低于", "less than")}
_DATES = {"at_least": ("不早于", "not before"), "more_than": ("晚于", "after"),
          "at_most": ("不晚于", "not after"), "less_than": ("早于", "before")}
_SINCE = {"years_since": ("年", "years"), "months_since": ("个月", "months"),
          "days_since": ("天", "days")}
_WAYS = {"in": ("是", "is one of"), "under": ("属于", "lies within"),
         "includes": ("含其中之一", "has one of"), "includes_all": ("含全部", "has all of")}


class Check(NamedTuple):
    """One test of a clause for one enterprise, in the words of one language.

    `value` is empty where it is not known, `gap` where nothing is lacking or nothing can be said in
    a number. `columns` are what it reads, `missing` those of them that are not given.
    """

    what: str
    verdict: ClauseVerdict
    value: str
    threshold: str
    gap: str
    columns: tuple[str, ...]
    missing: tuple[str, ...]
    place: Place | None


KEPT, KEPT_OF_A_TEST = 20_000, 8
"""So many tests and values are kept in words for the next enterprise, so many outcomes of each."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What is told of a test whoever is asked about it."""

    leaf: Leaf
    what: str
    threshold: str
    columns: tuple[str, ...]
    place: Place | None
    seen: dict[tuple[Value | None, ...], Check] = field(default_factory=dict)
    """The last outcomes, by whether the opposite is asked for and the values of `columns`."""


class Describer:
    """Words for the tests of bound policies; those that hold for every enterprise are kept."""

    def __init__(self, dictionary: Dictionary, judgement: Callable[[str], Words]) -> None:
        """`judgement` gives the words of a column `judge:policy.clause`."""
        self.dictionary = dictionary
        self._judgement = judgement
        self._kept: dict[tuple[int, str], _Told] = {}
        self._shown = lru_cache(KEPT)(self._show)

    def label(self, column: str, language: str = "zh") -> str:
        """A column in words, a judgement included."""
        if column.startswith("judge:"):
            return self._judgement(column).say(language)
        return self.dictionary.label(column, language)

    def checks(self, node: Node, values: Values, language: str = "zh") -> list[Check]:
        """The tests of a condition, those of table rows that do not apply left out."""
        if isinstance(node, Leaf):
            return [self.check(node, values, language)]
        return [self.check(leaf, values, language, negated=negated)
                for leaf, negated in relevant(node, values)]

    def check(self, leaf: Leaf, values: Values, language: str = "zh", *,
              negated: bool = False) -> Check:
        """A test, or its opposite, with its value and its gap for an enterprise."""
        told = self._kept.get((id(leaf), language))
        if told is None or told.leaf is not leaf:
            told = _Told(leaf, self._what(leaf, language), self._threshold(leaf, language),
                         leaf.columns, leaf.place if isinstance(leaf, Between) else None)
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[id(leaf), language] = told
        columns = told.columns
        given = (int(negated), values.get(columns[0])) if len(columns) == 1 else (
            int(negated), *[values.get(column) for column in columns])
        found = told.seen.get(given)
        if found is None:
            if len(told.seen) >= KEPT_OF_A_TEST:
                told.seen.clear()
            found = told.seen[given] = self._outcome(told, values, language, negated)
        return found

    def _outcome(self, told: _Told, values: Values, language: str, negated: bool) -> Check:
        leaf, met = told.leaf, holds(told.leaf, values)
        missing = tuple([one for one in told.columns if one not in values])
        value = "" if missing else self._value(leaf, values, language)
        gap, threshold = "", told.threshold
        if negated:
            met = None if met is None else not met
            threshold = f"not: {threshold}" if language == "en" else f"不能：{threshold}"
        elif met is False:
            gap = self._gap(leaf, values, language)
        return Check(told.what, WORDS[met], value, threshold, gap, told.columns, missing,
                     told.place)

    def _what(self, leaf: Leaf, language: str) -> str:
        if isinstance(leaf, Unsettled):
            return leaf.why.say(language)
        names = [self.label(column, language) for column in leaf.columns]
        head = leaf.source.head if isinstance(leaf.source, Compare) else "field"
        english = language == "en"
        match head:
            case "sum":
                return " + ".join(names)
            case "increase":
                return " − ".join(names)
            case "ratio":
                return f"{names[0]} / {names[-1]}"
            case "growth":
                return (f"growth from {names[-1]} to {names[0]}" if english
                        else f"{names[0]}比{names[-1]}的增长")
            case "years_since" | "months_since" | "days_since":
                return f"time since {names[0]}" if english else f"自{names[0]}起的时间"
            case _:
                return names[0]

    def _threshold(self, leaf: Leaf, language: str) -> str:
        at = 1 if language == "en" else 0
        comma = ", " if at else "、"
        if isinstance(leaf, Unsettled):
            return ""
        if isinstance(leaf, Member):
            options = self.dictionary.field_of(leaf.column).options
            names = [options[one].say(language) if options else one.replace("/", "")
                     for one in sorted(leaf.values)]
            return f"{_WAYS[leaf.way][at]} {comma.join(names)}"
        if isinstance(leaf.source, Holds):
            return ("held and valid", "持有且有效")[1 - at]
        if isinstance(leaf.source, Judge):
            return ("judged to be so", "经判断符合")[1 - at]
        if not leaf.limits:
            return self._show(leaf.columns[0], leaf.lo or 0, language)
        words = _DATES if self._is_date(leaf) else _BOUNDS
        return comma.join(f"{words[name][at]} {self._limit(leaf, value, language)}"
                          for name, value in leaf.limits)

    def _is_date(self, leaf: Between) -> bool:
        return isinstance(leaf.source, Compare) and leaf.source.head == "field" \
            and self.dictionary.field_of(leaf.columns[0]).type == "date"

    def _limit(self, leaf: Between, value: Fraction, language: str) -> str:
        assert isinstance(leaf.source, Compare)
        head = leaf.source.head
        if head in ("ratio", "growth"):
            return percent(value)
        if head in _SINCE:
            return f"{int(value)} {_SINCE[head][1 if language == 'en' else 0]}"
        if self._is_date(leaf):
            return str(date.fromordinal(int(value)))
        return _natural(self.dictionary.field_of(leaf.columns[0]), value, language)

    def _value(self, leaf: Leaf, values: Values, language: str) -> str:
        if isinstance(leaf, Unsettled):
            return ""
        if isinstance(leaf, Member):
            return self._shown(leaf.column, values[leaf.column], language)
        if isinstance(leaf.source, Judge):
            yes = bool(values[leaf.columns[0]])
            return ("yes" if yes else "no") if language == "en" else ("符合" if yes else "不符合")
        if isinstance(leaf.source, Holds) or leaf.source.head in ("field", *_SINCE):
            column = leaf.columns[0]
            return self._shown(column, values[column], language)
        if leaf.source.head in ("ratio", "growth"):
            quotient = self._quotient(leaf, values)
            return percent(quotient) if quotient is not None else ""
        return _natural(self.dictionary.field_of(leaf.columns[0]), self._total(leaf, values),
                        language)

    def _show(self, column: str, value: Value, language: str) -> str:
        return self.dictionary.field_of(column).show(value, language)

    def _total(self, leaf: Between, values: Values) -> Fraction:
        return Fraction(combine(leaf.terms, values) or 0, 10**self._places(leaf))

    def _places(self, leaf: Between) -> int:
        """Decimals of a sum of columns."""
        return max([self.dictionary.field_of(column).places for column in leaf.columns])

    def _quotient(self, leaf: Between, values: Values) -> Fraction | None:
        parts = []
        for (column,), _ in leaf.terms:
            value = values[column]
            assert isinstance(value, int)
            parts.append(Fraction(value, 10**self.dictionary.field_of(column).places))
        if parts[1] <= 0:
            return None
        assert isinstance(leaf.source, Compare)
        return parts[0] / parts[1] - (leaf.source.head == "growth")

    def _gap(self, leaf: Leaf, values: Values, language: str) -> str:
        english = language == "en"
        if not isinstance(leaf, Between) or not isinstance(leaf.source, Compare) or not leaf.limits:
            return ""
        total = combine(leaf.terms, values)
        if total is None:
            return ""
        short = leaf.lo is not None and total < leaf.lo
        names = ("at_least", "more_than") if short else ("at_most", "less_than")
        limit = next((value for name, value in leaf.limits if name in names), None)
        head = leaf.source.head
        if head in ("ratio", "growth"):
            quotient = self._quotient(leaf, values)
            if quotient is None or limit is None:
                return ""
            points = percent(abs(limit - quotient)).rstrip("%")
            said = f"{points} points" if english else f"{points} 个百分点"
        else:
            apart = (leaf.lo or 0) - total if short else total - (leaf.hi or 0)
            if head in _SINCE or self._is_date(leaf):
                said = f"{apart} days" if english else f"{apart} 天"
            else:
                said = _natural(self.dictionary.field_of(leaf.columns[0]),
                                Fraction(apart, 10**self._places(leaf)), language)
        if head in _SINCE:
            short = not short
        return (f"short by {said}" if short else f"over by {said}") if english else (
            f"还差 {said}" if short else f"超出 {said}")


def _natural(field: Field, value: Fraction, language: str) -> str:
    """A quantity in natural units: yuan, people, tonnes."""
    if field.type == "money":
        return show_yuan(round(value * 100), language)
    unit = field.unit_in(language)
    if value.denominator == 1:
        return f"{int(value):,} {unit}".strip()
    return f"{float(value):,.{max(field.places, 2)}f}".rstrip("0") + (f" {unit}" if unit else "")


def percent(value: Fraction) -> str:
    """A share in percent, at most two decimals; a share that they would round away keeps a mark."""
    shown = f"{float(value * 100):.2f}".rstrip("0").rstrip(".")
    return f"{shown}%" if Fraction(shown) == value * 100 else f"≈{shown}%"


