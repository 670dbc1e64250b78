"""One enterprise against one policy, with a full trace. Three values: True, False, None (unknown).

Kleene's logic throughout: `all` is false as soon as one part is false, even where others are
unknown; else unknown as soon as one is. So a datum that comes in later never changes a verdict that
was decided without it, and nobody is eligible by leaving a field out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from cityllm.policies.bound import (
    Between,
    Count,
    Leaf,
    Member,
    Money,
    Node,
    Opposite,
    Pick,
    Step,
    Sum,
    Switch,
    Term,
    Unsettled,
)
from cityllm.policies.fields import Enterprise, Value
from cityllm.policies.figures import round_half_up
from cityllm.policies.policy import Clause, Verdict
from cityllm.policies.regions import under
from cityllm.policies.ruleset import BoundPolicy

Values = Mapping[str, Value]
Validity = Literal["in_force", "not_yet", "expired", "unconfirmed"]
IN_FORCE: dict[Validity, bool | None] = {"in_force": True, "unconfirmed": None}
"""Whether a policy is known to be in force; False for any other validity."""
VERDICTS: dict[bool | None, Verdict] = {True: "eligible", False: "not_eligible", None: "unknown"}


class ClauseResult(NamedTuple):
    """A clause's verdict (True met, False not, None unknown), and the columns that it lacks."""

    clause: Clause
    met: bool | None
    node: Node
    missing: tuple[str, ...]


class Result(NamedTuple):
    """One enterprise and one policy on a day.

    `amount` is in fen: what is granted to who is eligible, None where it is not money or a datum
    for it is missing. `potential` is the amount regardless of the verdict, or the most possible.
    `missing` are columns that are needed for the verdict, `for_amount` those for the amount alone.
    """

    bound: BoundPolicy
    enterprise: Enterprise
    validity: Validity
    clauses: tuple[ClauseResult, ...]
    verdict: Verdict
    amount: int | None
    potential: int | None
    missing: tuple[str, ...]
    for_amount: tuple[str, ...]


def evaluate(bound: BoundPolicy, enterprise: Enterprise) -> Result:
    """The verdict of a policy for an enterprise, clause by clause."""
    values = enterprise.values
    clauses = tuple([
        ClauseResult(one.clause, met := holds(one.node, values), one.node,
                     lacking(one.node, values) if met is None else ())
        for one in bound.clauses])
    verdict = VERDICTS[conjunction([IN_FORCE.get(bound.validity, False),
                                    *[one.met for one in clauses]])]
    worth = money(bound.money, values) if bound.money else None
    potential = worth if worth is not None else bound.most
    missing = tuple(dict.fromkeys([column for one in clauses for column in one.missing])
                    ) if verdict == "unknown" else ()
    lacking_amount = tuple([column for column in bound.money_columns if column not in values])
    return Result(bound, enterprise, bound.validity, clauses, verdict,
                  worth if verdict == "eligible" else None, potential,
                  missing, lacking_amount)


def conjunction(verdicts: Iterable[bool | None]) -> bool | None:
    """False if one is false, else unknown if one is, else true."""
    unknown = False
    for one in verdicts:
        if one is False:
            return False
        unknown = unknown or one is None
    return None if unknown else True


def holds(node: Node, values: Values) -> bool | None:
    """The value of a condition."""
    match node:
        case Between():
            return _between(node, values)
        case Member():
            return _member(node, values)
        case Count(least=least, parts=parts):
            met = unknown = 0
            for part in parts:
                one = holds(part, values)
                met += one is True
                unknown += one is None
            return True if met >= least else None if met + unknown >= least else False
        case Opposite(part=part):
            inner = holds(part, values)
            return None if inner is None else not inner
        case Switch(rows=rows):
            for test, inner_node in rows:
                fits = True if test is None else holds(test, values)
                if fits is None:
                    return None
                if fits:
                    return holds(inner_node, values)
            return None
        case Unsettled():
            return None


def _between(node: Between, values: Values) -> bool | None:
    total = values.get(node.plain) if node.plain else combine(node.terms, values)
    if not isinstance(total, int):
        return None
    if node.positive is not None:
        base = values.get(node.positive)
        if not isinstance(base, int) or base <= 0:
            return None
    return (node.lo is None or total >= node.lo) and (node.hi is None or total <= node.hi)


def combine(terms: tuple[Term, ...], values: Values) -> int | None:
    """Σ factor · product of columns; None where a column is missing."""
    total = 0
    for columns, factor in terms:
        for column in columns:
            value = values.get(column)
            if not isinstance(value, int):
                return None
            factor *= value
        total += factor
    return total


def _member(node: Member, values: Values) -> bool | None:
    value = values.get(node.column)
    if value is None:
        return None
    match node.way:
        case "in":
            return value in node.values
        case "under":
            return under(str(value), node.values, node.separator)
        case "includes":
            return not node.values.isdisjoint(value)  # type: ignore[arg-type]
        case "includes_all":
            return node.values <= value  # type: ignore[operator]


def relevant(node: Node, values: Values, negated: bool = False) -> Iterator[tuple[Leaf, bool]]:
    """The tests that decide a condition, each with whether its opposite is asked for.

    Of a table only the row that fits is told; all of it where that is not known.
    """
    match node:
        case Count(parts=parts):
            for part in parts:
                yield from relevant(part, values, negated)
        case Opposite(part=part):
            yield from relevant(part, values, not negated)
        case Switch(rows=rows):
            for test, inner in rows:
                fits = True if test is None else holds(test, values)
                if fits:
                    yield from relevant(inner, values, negated)
                    return
                if fits is None:
                    break
            for test, inner in rows:
                if test is not None and holds(test, values) is None:
                    yield test, False
                yield from relevant(inner, values, negated)
        case _:
            yield node, negated


def lacking(node: Node, values: Values) -> tuple[str, ...]:
    """Columns that an unknown condition lacks; what is decided within it lacks nothing."""
    if holds(node, values) is not None:
        return ()
    match node:
        case Count(parts=parts):
            found = [column for part in parts for column in lacking(part, values)]
        case Opposite(part=part):
            found = list(lacking(part, values))
        case _:
            found = [column for leaf, _ in relevant(node, values) if holds(leaf, values) is None
                     for column in leaf.columns if column not in values]
    return tuple(dict.fromkeys(found))


def money(node: Money, values: Values) -> int | None:
    """An amount in fen; None where a datum for it is missing."""
    match node:
        case Sum(terms=terms, constant=constant, denominator=denominator):
            total = combine(terms, values)
            found = None if total is None else max(0, round_half_up(total + constant, denominator))
        case Step(rows=rows, otherwise=otherwise):
            found = _step(rows, otherwise, values)
        case Pick(way=way, parts=parts):
            each = [money(part, values) for part in parts]
            known = [one for one in each if one is not None]
            if len(known) < len(each):
                return None
            found = sum(known) if way == "total" else max(known) if way == "highest" else min(known)
    if found is None:
        return None
    if node.floor is not None:
        found = max(found, node.floor)
    return found if node.cap is None else min(found, node.cap)


def _step(rows: tuple[tuple[Node, Money], ...], otherwise: Money | None,
          values: Values) -> int | None:
    for test, inner in rows:
        fits = holds(test, values)
        if fits is None:
            return None
        if fits:
            return money(inner, values)
    return money(otherwise, values) if otherwise is not None else 0
