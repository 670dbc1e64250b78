"""Which of the policies that are met can be had together, and which choice brings most money.

Exact: all choices are gone through within each group of policies that touch one another, with a
bound that cuts off what cannot win. At equal money more policies win.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from cityllm.policies.ruleset import BoundPolicy


@dataclass(frozen=True, slots=True)
class Combination:
    """The chosen policies, what they bring in fen, and for each left out those that exclude it."""

    chosen: tuple[str, ...]
    total: int
    left_out: Mapping[str, tuple[str, ...]]


def conflict(one: BoundPolicy, other: BoundPolicy) -> bool:
    """Whether the two exclude each other."""
    first, second = one.policy.stacking, other.policy.stacking
    return other.policy.id in first.excludes or one.policy.id in second.excludes or \
        not set(first.one_of).isdisjoint(second.one_of)


def best(policies: Sequence[tuple[BoundPolicy, int]]) -> Combination:
    """The best choice among policies with their amounts in fen (0 where it is not money)."""
    by_id = {one.policy.id: (one, amount) for one, amount in policies}
    apart: dict[str, set[str]] = {id_: set() for id_ in by_id}
    linked: dict[str, set[str]] = {id_: set() for id_ in by_id}
    for (first, _), (second, _) in combinations(policies, 2):
        a, b = first.policy.id, second.policy.id
        if conflict(first, second):
            apart[a].add(b)
            apart[b].add(a)
        if b in apart[a] or (_cap_name(first) and _cap_name(first) == _cap_name(second)):
            linked[a].add(b)
            linked[b].add(a)
    chosen: list[str] = []
    total = 0
    for group in _groups(linked):
        ids, money = _choose(group, by_id, apart)
        chosen += ids
        total += money
    kept = set(chosen)
    return Combination(tuple(id_ for id_ in by_id if id_ in kept), total, {
        id_: tuple(sorted(apart[id_] & kept)) for id_ in by_id if id_ not in kept})


def _cap_name(bound: BoundPolicy) -> str:
    cap = bound.policy.stacking.shared_cap
    return cap.name if cap else ""


def _groups(linked: Mapping[str, set[str]]) -> list[list[str]]:
    """Policies that touch one another, directly or through others."""
    left, found = dict(linked), []
    while left:
        todo, group = [next(iter(left))], []
        while todo:
            one = todo.pop()
            if one in left:
                group.append(one)
                todo += left.pop(one)
        found.append(group)
    return found


def worth(ids: Sequence[str], by_id: Mapping[str, tuple[BoundPolicy, int]]) -> int:
    """What policies bring together in fen, shared caps kept."""
    total = 0
    shared: dict[str, tuple[int, int]] = {}
    for id_ in ids:
        bound, amount = by_id[id_]
        name = _cap_name(bound)
        if name and bound.shared_cap is not None:
            so_far, cap = shared.get(name, (0, bound.shared_cap))
            shared[name] = (so_far + amount, min(cap, bound.shared_cap))
        else:
            total += amount
    return total + sum(min(amount, cap) for amount, cap in shared.values())


def _choose(group: Sequence[str], by_id: Mapping[str, tuple[BoundPolicy, int]],
            apart: Mapping[str, set[str]]) -> tuple[list[str], int]:
    order = sorted(group, key=lambda id_: (-by_id[id_][1], id_))
    rest = [sum(by_id[id_][1] for id_ in order[at:]) for at in range(len(order) + 1)]
    found: tuple[int, int, list[str]] = (-1, -1, [])

    def go(at: int, taken: list[str]) -> None:
        nonlocal found
        money = worth(taken, by_id)
        if (money + rest[at], len(taken) + len(order) - at) <= found[:2]:
            return
        if at == len(order):
            found = (money, len(taken), list(taken))
            return
        if apart[order[at]].isdisjoint(taken):
            go(at + 1, [*taken, order[at]])
        go(at + 1, taken)

    go(0, [])
    return found[2], found[0]
