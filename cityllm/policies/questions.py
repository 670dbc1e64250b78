"""The cheapest question: which one datum, if it were known, decides most money.

A policy that needs n data shares its amount among them: with one datum missing the whole amount
hangs on it, with three a third each. A policy without an amount counts in `policies` alone. The
amount is what the policy would grant on the data given, or the most that it grants to anybody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fractions import Fraction

from cityllm.policies.evaluate import Result, Validity
from cityllm.policies.figures import round_half_up

IN_FORCE: tuple[Validity, ...] = ("in_force",)


@dataclass(frozen=True, slots=True)
class Question:
    """A missing column, the fen that hang on it, and the policies that wait for it.

    `alone` are those of the policies for which it is the last one missing.
    """

    column: str
    money: int
    policies: tuple[str, ...]
    alone: tuple[str, ...]


def questions(results: Iterable[Result],
              validities: Collection[Validity] = IN_FORCE) -> list[Question]:
    """What to ask, most money first, then most policies decided, then by name.

    Policies of another validity than `validities` do not count.
    """
    money: dict[str, Fraction] = {}
    waiting: dict[str, list[str]] = {}
    alone: dict[str, list[str]] = {}
    for result in results:
        if result.verdict != "unknown" or result.validity not in validities:
            continue
        for column in result.missing:
            share = Fraction(result.potential or 0, len(result.missing))
            money[column] = money.get(column, Fraction(0)) + share
            waiting.setdefault(column, []).append(result.bound.policy.id)
            if len(result.missing) == 1:
                alone.setdefault(column, []).append(result.bound.policy.id)
    found = [Question(column, round_half_up(share.numerator, share.denominator),
                      tuple(waiting[column]), tuple(alone.get(column, ())))
             for column, share in money.items()]
    return sorted(found, key=lambda one: (-one.money, -len(one.alone), -len(one.policies),
                                          one.column))
