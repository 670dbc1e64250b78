"""The nearest miss: the smallest changes that would make an enterprise eligible.

Only fields that a firm can change are changed (hire, invest, apply for a certificate), never its
age, its place or a person's judgement. What is found is tried out: after the changes no clause is
unmet. Fewest changes first, then the smallest in proportion. A missing datum is not invented: it
stays missing, and the policy may then still need it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cityllm.policies.bound import Between, Count, Member, Node, Opposite, Switch
from cityllm.policies.conditions import Holds, Judge
from cityllm.policies.evaluate import Result, Values, combine, evaluate, holds
from cityllm.policies.fields import FOREVER, NEVER, Dictionary, Enterprise, Value

ROUNDS = 3
"""How often the clauses are gone through, where a change for one undoes another."""
Plan = tuple[Mapping[str, Value], float]
"""New values by column, and the sum of their relative sizes."""


@dataclass(frozen=True, slots=True)
class Change:
    """A column, its value now and the nearest one that would do."""

    column: str
    now: Value
    then: Value


@dataclass(frozen=True, slots=True)
class NearMiss:
    """Changes that leave no clause unmet, and what would come out then."""

    changes: tuple[Change, ...]
    result: Result


def nearest(result: Result, dictionary: Dictionary) -> NearMiss | None:
    """The smallest changes for a policy in force that is not met; None where none would do."""
    if result.verdict != "not_eligible" or result.validity not in ("in_force", "unconfirmed"):
        return None
    if any(one.met is False and bound.fixed
           for one, bound in zip(result.clauses, result.bound.clauses, strict=True)):
        return None
    before = result.enterprise.values
    values, touched = dict(before), dict[str, None]()
    unmet = [one.node for one in result.clauses if one.met is False]
    for _ in range(ROUNDS):
        for node in unmet:
            plan = _ways(node, True, values, dictionary)
            if plan is None:
                return None
            values.update(plan[0])
            touched |= dict.fromkeys(plan[0])
        unmet = [one.node for one in result.clauses if holds(one.node, values) is False]
        if not unmet:
            break
    changed = evaluate(result.bound, Enterprise(result.enterprise.id, values))
    if changed.verdict == "not_eligible":
        return None
    columns = touched if len(touched) == 1 else [one for one in before if one in touched]
    return NearMiss(tuple(Change(column, before[column], values[column]) for column in columns
                          if before[column] != values[column]), changed)


def _ways(node: Node, wanted: bool, values: Values, dictionary: Dictionary) -> Plan | None:
    """The cheapest plan that makes a condition `wanted`; None where there is none."""
    if holds(node, values) is wanted:
        return {}, 0.0
    match node:
        case Between():
            return _shift(node, wanted, values, dictionary)
        case Member():
            return _choose(node, wanted, values, dictionary)
        case Count(least=least, parts=parts):
            needed = least if wanted else len(parts) - least + 1
            return _cheapest((_ways(part, wanted, values, dictionary) for part in parts), needed)
        case Opposite(part=part):
            return _ways(part, not wanted, values, dictionary)
        case Switch(rows=rows):
            for test, inner in rows:
                fits = True if test is None else holds(test, values)
                if fits is None:
                    return None
                if fits:
                    return _ways(inner, wanted, values, dictionary)
    return None


def _cheapest(plans: Iterable[Plan | None], needed: int) -> Plan | None:
    found = sorted((plan for plan in plans if plan is not None),
                   key=lambda plan: (len(plan[0]), plan[1]))
    if len(found) < needed:
        return None
    merged: dict[str, Value] = {}
    for plan in found[:needed]:
        merged.update(plan[0])
    return merged, sum(plan[1] for plan in found[:needed])


def _shift(node: Between, wanted: bool, values: Values, dictionary: Dictionary) -> Plan | None:
    """Move one changeable column just as far as the bound asks."""
    total = combine(node.terms, values)
    if total is None or isinstance(node.source, Judge) or holds(node, values) is None:
        return None
    if isinstance(node.source, Holds):
        (column,) = node.columns
        field = dictionary.field_of(column)
        return ({column: FOREVER if wanted else NEVER}, 1.0) if field.changeable else None
    goals = _goals(node, wanted, total)
    plans: list[Plan | None] = []
    for (column,), factor in node.terms:
        field = dictionary.field_of(column)
        now = values[column]
        assert isinstance(now, int)
        if not field.changeable:
            continue
        for goal, up in goals:
            apart = goal - total  # rounded towards the far side of the goal
            then = now + (-(-apart // factor) if (factor > 0) == up else apart // factor)
            legal = then >= 0 or field.negative
            if field.type == "boolean":
                legal = then in (0, 1)
            if legal and (column != node.positive or then > 0):
                plans.append(({column: then}, abs(then - now) / max(abs(now), 1)))
    return _cheapest(plans, 1)


def _goals(node: Between, wanted: bool, total: int) -> list[tuple[int, bool]]:
    """Totals to reach, and whether they lie above (True) or below."""
    if wanted:
        if node.lo is not None and total < node.lo:
            return [(node.lo, True)]
        return [(node.hi, False)] if node.hi is not None else []
    return [(bound, up) for bound, up in (
        (node.lo - 1 if node.lo is not None else None, False),
        (node.hi + 1 if node.hi is not None else None, True)) if bound is not None]


def _choose(node: Member, wanted: bool, values: Values, dictionary: Dictionary) -> Plan | None:
    """Another option of a changeable field; nothing for places and codes."""
    field = dictionary.field_of(node.column)
    now = values.get(node.column)
    if not field.changeable or now is None:
        return None
    if isinstance(now, frozenset):
        added = node.values if node.way == "includes_all" else {min(node.values)}
        then = now | added if wanted else now - (
            node.values if node.way == "includes" else {min(node.values)})
        return {node.column: then}, float(len(then ^ now))
    if not field.options:
        return None
    others = sorted(node.values if wanted else set(field.options) - node.values)
    return ({node.column: others[0]}, 1.0) if others else None
