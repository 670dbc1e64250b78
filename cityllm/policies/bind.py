"""A policy on a day -> bound nodes: parameters looked up, years and days resolved, types checked.

This is where a rule file that is well-formed but wrong is found: an unknown field, a year where
none belongs, a bound of the wrong kind. A fault carries its path in the file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from fractions import Fraction
from typing import Any, Literal

from cityllm.corpus.levels import NATION
from cityllm.policies.bound import (
    Between,
    BoundClause,
    Count,
    Leaf,
    Member,
    Node,
    Opposite,
    Switch,
    Term,
    Unsettled,
    columns_of,
)
from cityllm.policies.conditions import (
    All,
    AnyOf,
    Compare,
    Condition,
    Holds,
    Judge,
    Not,
    Operand,
    Quantity,
    Some,
)
from cityllm.policies.fields import NUMBERS, Field
from cityllm.policies.figures import NotAllowed
from cityllm.policies.lookup import BindProblem, Lookup, NoValue, Path, shift
from cityllm.policies.policy import Clause, Place, Row, Table

REGION = "region"
"""Id of the clause that a policy of a region has without writing it."""


class Binder(Lookup):
    """Binds the conditions of one policy on one day."""

    def clauses(self) -> list[BoundClause]:
        """Every clause with its node, the region first where the policy has one."""
        found = []
        own = self._region_clause()
        for at, clause in enumerate([*([own] if own else []), *self.policy.clauses]):
            path: Path = ("region",) if clause is own else ("clauses", at - bool(own), "when")
            node = self.node(clause.when, path, clause.id)
            columns = columns_of(node)
            found.append(BoundClause(clause, node, columns, not any(
                self._changeable(column) for column in columns)))
        return found

    def _changeable(self, column: str) -> bool:
        return not column.startswith("judge:") and self.dictionary.field_of(column).changeable

    def _region_clause(self) -> Clause | None:
        region = self.policy.region
        if region == NATION or any(one.id == REGION for one in self.policy.clauses):
            return None
        return Clause(id=REGION, zh=f"注册在{region.replace('/', '')}",
                      en=f"Registered in {region.replace('/', ' ')}", place=Place(at="region"),
                      when=Compare(field=REGION, under=[region]))

    def node(self, condition: Condition, path: Path, clause: str) -> Node:
        """A condition bound. Raises BindProblem."""
        match condition:
            case All(all=parts):
                return self._count(len(parts), parts, (*path, "all"), clause)
            case AnyOf(any=parts):
                return self._count(1, parts, (*path, "any"), clause)
            case Some(some=least, of=parts):
                return self._count(least, parts, (*path, "of"), clause)
            case Not(not_=part):
                return Opposite(self.node(part, (*path, "not"), clause))
            case Holds(holds=ref):
                column = self.column(ref, (*path, "holds"), "certificate")
                return Between((((column,), 1),), self.day.toordinal(), None, None, condition)
            case Judge():
                return Between((((f"judge:{self.policy.id}.{clause}",), 1),), 1, None, None,
                               condition)
            case _:
                return self._compare(condition, path)

    def _count(self, least: int, parts: Iterable[Condition], path: Path, clause: str) -> Count:
        return Count(least, tuple(self.node(part, (*path, at), clause)
                                  for at, part in enumerate(parts)))

    def _compare(self, compare: Compare, path: Path) -> Node:
        if compare.bounds:
            in_tables = {bound: at for bound, value in compare.bounds.items()
                         if (at := self.table(value))}
            if in_tables:
                return self._switch(compare, in_tables, path)
            return self.bounded(compare, compare.bounds, path)
        return self._member(compare, path)

    def _switch(self, compare: Compare, cells: Mapping[str, tuple[str, str]], path: Path) -> Switch:
        """One node for each row of the table that the bounds are read from."""
        names = {name for name, _ in cells.values()}
        if len(names) > 1:
            raise BindProblem(path, "一个比较只能用一张表。", "one comparison reads one table.")

        def made(row: Row, at: Path) -> Node:
            bounds = {bound: row.cells[cells[bound][1]] if bound in cells else value
                      for bound, value in compare.bounds.items()}
            return self.bounded(compare, bounds, path, at)

        for bound, (name, column) in cells.items():
            self.cell_known(name, column, (*path, bound))
        return Switch(self.rows(names.pop(), made))

    def rows(self, name: str,
             made: Callable[[Row, Path], Any]) -> tuple[tuple[Leaf | None, Any], ...]:
        """Each row of a table as its test and what `made` makes of it."""
        self.used.add(name)
        table = self.policy.tables[name]
        found: list[tuple[Leaf | None, Any]] = []
        for at, row in enumerate(table.rows):
            path: Path = ("tables", name, "rows", at)
            found.append((self._row_test(table, row, path), made(row, (*path, "cells"))))
        return tuple(found)

    def _row_test(self, table: Table, row: Row, path: Path) -> Leaf | None:
        if row.otherwise:
            return None
        if row.under is not None or row.in_ is not None:
            test = self._member(Compare(field=table.by, under=row.under, in_=row.in_), path)
            assert not isinstance(test, Opposite)
            return test
        return self.bounded(Compare(field=table.by, at_least=row.from_, less_than=row.below),
                            {name: value for name, value in
                             (("at_least", row.from_), ("less_than", row.below))
                             if value is not None}, path)

    def bounded(self, compare: Compare, bounds: Mapping[str, Operand], path: Path,
                cells: Path = ()) -> Leaf:
        """A quantity between bounds, which stand at `cells` where they come from a table.

        Unsettled where a parameter has no value on the day.
        """
        at = cells or path
        try:
            if compare.head in ("years_since", "months_since", "days_since"):
                return self._since(compare, bounds, path, at)
            if compare.head == "field" and self._type(compare.refs[0], path) == "date":
                column = self.column(compare.refs[0], (*path, "field"))
                days = {name: self._ordinal(value, (*at, name)) for name, value in bounds.items()}
                lo, hi = _limits(days)
                return Between((((column,), 1),), lo, hi, None, compare, tuple(days.items()),
                               self.place(bounds))
            return self._arithmetic(compare, bounds, path, at)
        except NoValue as missing:
            return Unsettled(missing.words)

    def _type(self, ref: str, path: Path) -> str:
        self.column(ref, (*path, "field"))
        return self.dictionary.field_of(ref).type

    def _ordinal(self, value: Operand, path: Path) -> Fraction:
        day, path = self.operand(value, path)
        if not isinstance(day, date):
            raise BindProblem(path, f"{value!r} 不是日期；可写 2023-09-01、as_of-5y、year_start。",
                              f"{value!r} is no date; write 2023-09-01, as_of-5y or year_start.")
        return Fraction(day.toordinal())

    def _since(self, compare: Compare, bounds: Mapping[str, Operand], path: Path,
               at: Path) -> Between:
        """So long since a date: turned round, `at most 5 years` is `not before as_of - 5 years`."""
        column = self.column(compare.refs[0], (*path, compare.head), "date")
        unit = {"years_since": "y", "months_since": "m", "days_since": "d"}[compare.head]
        turned = {"at_least": "at_most", "at_most": "at_least", "more_than": "less_than",
                  "less_than": "more_than"}
        days: dict[str, Fraction] = {}
        counts: dict[str, Fraction] = {}
        for name, value in bounds.items():
            count = self.figure(value, (*at, name))
            if count.denominator != 1:
                raise BindProblem((*at, name), f"{value} 要是整数；不足一年用 months_since。",
                                  f"{value} must be whole; use months_since for parts of a year.")
            counts[name] = count
            days[turned[name]] = Fraction(shift(self.day, -int(count), unit).toordinal())
        lo, hi = _limits(days)
        today = self.day.toordinal()  # a day that is still to come is not so long ago
        return Between((((column,), 1),), lo, today if hi is None else min(hi, today), None,
                       compare, tuple(counts.items()), self.place(bounds))

    def _arithmetic(self, compare: Compare, bounds: Mapping[str, Operand], path: Path,
                    at: Path) -> Leaf:
        if compare.head == "product":
            raise BindProblem(path, "product 只用于算金额，不用于比较。",
                              "product belongs to amounts, not to comparisons.")
        columns = [self.column(ref, (*path, compare.head), *NUMBERS) for ref in compare.refs]
        limits = {name: self.figure(value, (*at, name)) for name, value in bounds.items()}
        place = self.place(bounds)
        if compare.head in ("ratio", "growth"):
            return self._quotient(compare, columns, limits, place, path)
        terms, denominator = self.terms(compare, path)
        lo, hi = _limits({name: value * denominator for name, value in limits.items()})
        return Between(terms, lo, hi, None, compare, tuple(limits.items()), place)

    def terms(self, quantity: Quantity, path: Path) -> tuple[tuple[Term, ...], int]:
        """A quantity as whole factors over a denominator, in natural units."""
        if quantity.head not in ("field", "sum", "increase", "product"):
            raise BindProblem(
                path, f"这里不能用 {quantity.head}；可写 field、sum、increase、product。",
                f"{quantity.head} cannot stand here; write field, sum, increase or product.")
        columns = [self.column(ref, (*path, quantity.head), *NUMBERS) for ref in quantity.refs]
        places = [self.dictionary.field_of(column).places for column in columns]
        if quantity.head == "product":
            return ((tuple(columns), 1),), 10**sum(places)
        top = max(places)
        return tuple(((column,), (-1 if quantity.head == "increase" and at else 1)
                      * 10**(top - places[at]))
                     for at, column in enumerate(columns)), 10**top

    def _quotient(self, compare: Compare, columns: list[str], limits: Mapping[str, Fraction],
                  place: Place | None, path: Path) -> Leaf:
        """a/b (or a/b - 1) against one bound t, as `a - t·b` against 0 in whole numbers."""
        if len(limits) > 1:
            raise BindProblem(path, f"{compare.head} 只写一个界限；区间请用 all 写两条。",
                              f"one bound for {compare.head}; write a range as two under all.")
        ((name, bound),) = limits.items()
        times = bound + (1 if compare.head == "growth" else 0)
        first, second = (10**self.dictionary.field_of(column).places for column in columns)
        left, right = Fraction(1, first), times / second
        common = math.lcm(left.denominator, right.denominator)
        terms: tuple[Term, ...] = (((columns[0],), int(left * common)),
                                   ((columns[1],), int(-right * common)))
        lo, hi = _limits({name: Fraction(0)})
        return Between(terms, lo, hi, columns[1], compare, tuple(limits.items()), place)

    def _member(self, compare: Compare, path: Path) -> Between | Member | Opposite:
        ref = compare.refs[0]
        column = self.column(ref, (*path, "field"))
        found = self.dictionary.field_of(ref)
        if compare.is_ is not None:
            if found.type in ("boolean", *NUMBERS):
                only = self._encoded(found, compare.is_, (*path, "is"))
                assert isinstance(only, int)
                return Between((((column,), 1),), only, only, None, compare)
            return Member(column, "in", frozenset([self._listed(found, compare.is_, "in",
                                                                (*path, "is"))]), compare)
        way: Literal["in", "not_in", "under", "includes", "includes_all"]
        for way in ("in", "not_in", "under", "includes", "includes_all"):
            listed = getattr(compare, f"{way}_" if way == "in" else way)
            if listed is None:
                continue
            values = frozenset(self._listed(found, one, way, (*path, way, at))
                               for at, one in enumerate(listed))
            separator = "/" if found.type == "region" else ""
            if way == "not_in":
                inner = Member(column, "under" if found.type in ("region", "industry") else "in",
                               values, compare, separator)
                return Opposite(inner)
            return Member(column, way, values, compare, separator)
        raise BindProblem(path, "没有比较。", "there is no comparison.")

    def _listed(self, found: Field, value: Any, way: str, path: Path) -> str:
        types = {"in": ("choice",), "not_in": ("choice", "region", "industry"),
                 "under": ("region", "industry"), "includes": ("set",), "includes_all": ("set",)}
        if found.type not in types[way]:
            raise BindProblem(path, f"{found.key} 是 {found.type}，不能用 {way}。",
                              f"{found.key} is {found.type}: {way} does not fit.")
        if found.type == "set":
            (only,) = self._encoded(found, [value], path)
            return str(only)
        return str(self._encoded(found, value, path))

    def _encoded(self, found: Field, value: Any, path: Path) -> Any:
        try:
            return found.encode(value)
        except NotAllowed as problem:
            raise BindProblem(path, f"{problem.zh}；可写：{found.allowed.zh}。",
                              f"{problem.en}; allowed: {found.allowed.en}.") from None


def _limits(bounds: Mapping[str, Fraction]) -> tuple[int | None, int | None]:
    """Lowest and highest whole number within bounds: > k is >= floor(k) + 1."""
    lo = hi = None
    for name, value in bounds.items():
        match name:
            case "at_least":
                lo = math.ceil(value)
            case "more_than":
                lo = math.floor(value) + 1
            case "at_most":
                hi = math.floor(value)
            case "less_than":
                hi = math.ceil(value) - 1
    return lo, hi
