"""Two versions of a policy, clause by clause, in words: what changed, and for whom.

A clause is the same one when its id is; a threshold that moved says which enterprises it lets in or
leaves out. What is compared is the rule as it binds on one day, so that a parameter whose value
changed shows as the threshold that it sets.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal

from cityllm.policies.bound import Between, BoundClause, Count, Leaf, Node, Opposite, Switch
from cityllm.policies.conditions import Compare
from cityllm.policies.describe import Describer
from cityllm.policies.fields import Dictionary, Words
from cityllm.policies.policy import Policy
from cityllm.policies.ruleset import BoundPolicy, bind

Way = Literal["looser", "stricter", "other"]
_WAYS = {"looser": Words(zh="放宽", en="looser"), "stricter": Words(zh="收紧", en="stricter"),
         "other": Words(zh="改变", en="changed")}


@dataclass(frozen=True, slots=True)
class Change:
    """One change: of a clause by its id, or of `benefit`, `valid`, `region`, `title`, …"""

    part: str
    way: Way
    zh: str
    en: str

    def say(self, language: str = "zh") -> str:
        """In one line."""
        words = self.en if language == "en" else self.zh
        return f"[{_WAYS[self.way].say(language)}] {self.part}：{words}"


def differences(old: Policy, new: Policy, dictionary: Dictionary, day: date) -> list[Change]:
    """What is otherwise in `new`, the clauses first, in the order of the old file."""
    return list(_Diff(dictionary, bind(old, dictionary, day), bind(new, dictionary, day)).all())


class _Diff:
    def __init__(self, dictionary: Dictionary, old: BoundPolicy, new: BoundPolicy) -> None:
        self.dictionary = dictionary
        self.old, self.new = old, new
        judged = {f"judge:{policy.policy.id}.{one.clause.id}": one.clause
                  for policy in (old, new) for one in policy.clauses}
        self.say = Describer(dictionary, lambda column: judged[column])

    def all(self) -> Iterator[Change]:
        """Every change."""
        before = {one.clause.id: one for one in self.old.clauses}
        after = {one.clause.id: one for one in self.new.clauses}
        for id_, one in before.items():
            if id_ not in after:
                zh, en = self.words(one)
                yield Change(id_, "looser", f"删去“{zh}”：原来因这一条不符合的企业，不再因此落选",
                             f"dropped “{en}”: who failed by this clause fails by it no more")
            else:
                yield from self.clause(one, after[id_])
        for id_, one in after.items():
            if id_ not in before:
                zh, en = self.words(one)
                yield Change(id_, "stricter", f"新增“{zh}”：不满足这一条的企业，从此不符合",
                             f"added “{en}”: who does not meet it is not eligible any more")
        yield from self.rest()

    def words(self, one: BoundClause) -> tuple[str, str]:
        """A clause's rule in both languages."""
        return self.node(one.node, "zh"), self.node(one.node, "en")

    def node(self, node: Node, language: str) -> str:
        """A condition in words."""
        english = language == "en"
        match node:
            case Count(least=least, parts=parts):
                said = [self.node(part, language) for part in parts]
                if least == len(parts):
                    return (" and " if english else "，并且").join(said)
                if least == 1:
                    return (" or " if english else "，或者").join(said)
                head = f"at least {least} of: " if english else f"至少满足 {least} 项："
                return head + ("; " if english else "；").join(said)
            case Opposite(part=part):
                return f"{'not: ' if english else '不能：'}{self.node(part, language)}"
            case Switch(rows=rows):
                return ("; " if english else "；").join(self.node(inner, language)
                                                        for _, inner in rows)
            case _:
                return self.leaf(node, language)

    def leaf(self, leaf: Leaf, language: str) -> str:
        """A test in words: what, and the threshold."""
        check = self.say.check(leaf, {}, language)
        return f"{check.what} {check.threshold}".strip()

    def clause(self, old: BoundClause, new: BoundClause) -> Iterator[Change]:
        """What changed in a clause; nothing where only its digest did."""
        if old.node == new.node or self.words(old) == self.words(new):
            if (old.clause.zh, old.clause.en) != (new.clause.zh, new.clause.en):
                yield Change(old.clause.id, "other", f"只改了说明：{new.clause.zh}",
                             f"only its digest: {new.clause.en}")
            return
        if moved := _moved(old.node, new.node):
            yield self.moved(old, new, moved)
            return
        (old_zh, old_en), (new_zh, new_en) = self.words(old), self.words(new)
        yield Change(old.clause.id, "other", f"“{old_zh}”改为“{new_zh}”",
                     f"“{old_en}” becomes “{new_en}”")

    def moved(self, old: BoundClause, new: BoundClause, way: Way) -> Change:
        """A threshold that moved, and who lies between the old and the new one."""
        (old_zh, old_en), (new_zh, new_en) = self.words(old), self.words(new)
        inner, outer = ((old_zh, old_en), (new_zh, new_en))
        if way == "stricter":
            inner, outer = outer, inner
        gain = way == "looser"
        who = (f"{outer[0]}，但不到“{inner[0]}”的企业{'新符合' if gain else '不再符合'}这一条",
               f"enterprises with {outer[1]} that do not reach “{inner[1]}” "
               f"{'now meet' if gain else 'no longer meet'} this clause")
        return Change(old.clause.id, way, f"“{old_zh}”改为“{new_zh}”：{who[0]}",
                      f"“{old_en}” becomes “{new_en}”: {who[1]}")

    def rest(self) -> Iterator[Change]:
        """Benefit, days, region and heading."""
        old, new = self.old.policy, self.new.policy
        if self.old.money != self.new.money:
            before, after = _amount(old), _amount(new)
            yield Change("benefit", "other", f"金额由 {before} 改为 {after}：符合的企业所得不同",
                         f"the amount {before} becomes {after}: what the eligible get changes")
        elif old.benefit != new.benefit:
            yield Change("benefit", "other", f"说明改为“{new.benefit.zh}”，金额不变",
                         f"its words become “{new.benefit.en}”; the amount stays")
        for name in ("title", "number", "issuer", "region", "valid", "window", "stacking"):
            before, after = getattr(old, name), getattr(new, name)
            if before != after:
                yield Change(name, "other", f"{_shown(before, 'zh')} → {_shown(after, 'zh')}",
                             f"{_shown(before, 'en')} → {_shown(after, 'en')}")


def _moved(old: Node, new: Node) -> Way | None:
    """Which way a single threshold moved; None where the test itself is another one."""
    if not (isinstance(old, Between) and isinstance(new, Between)
            and isinstance(old.source, Compare) and isinstance(new.source, Compare)) \
            or (old.source.head, old.columns) != (new.source.head, new.columns):
        return None
    moves = [_side(dict(old.limits), dict(new.limits), names, outward) for names, outward in (
        (("at_least", "more_than"), -1), (("at_most", "less_than"), 1))]
    if max(moves) > 0 and min(moves) >= 0:
        return "looser"
    return "stricter" if min(moves) < 0 and max(moves) <= 0 else None


def _side(old: Mapping[str, Fraction], new: Mapping[str, Fraction], names: tuple[str, str],
          outward: int) -> int:
    """1 where the bound of one side moved outward (or went), -1 inward (or came), 0 where it
    stands; a bound that includes its figure lies outside of one that does not."""
    before, after = ([(value, name == names[0]) for name, value in limits.items() if name in names]
                     for limits in (old, new))
    if before == after:
        return 0
    if not before or not after:
        return 1 if before else -1
    (was, held), (now, holds) = before[0], after[0]
    if was == now:
        return 1 if holds and not held else -1
    return 1 if (now - was) * outward > 0 else -1


def _amount(policy: Policy) -> str:
    """The amount as the rule file has it: {rate: 30%, of: loan_interest_paid@-1, cap: 50万}."""
    amount = policy.benefit.amount
    if amount is None:
        return "—"
    plain = amount.model_dump(mode="json", by_alias=True, exclude_none=True)
    return json.dumps(plain, ensure_ascii=False).replace('"', "")


def _shown(value: object, language: str) -> str:
    if value is None:
        return "—"
    if isinstance(value, Words):
        return value.say(language)
    first, last = getattr(value, "from_", None), getattr(value, "to", None)
    return f"{first}—{last}" if first is not None else str(value)
