"""The benefit of a policy on a day -> bound money: rates and tiers as whole fractions of a fen."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from cityllm.policies.bind import Binder
from cityllm.policies.bound import Money, Node, Pick, Step, Sum, Term
from cityllm.policies.conditions import (
    Amount,
    Cases,
    Combined,
    Compare,
    Fixed,
    Interest,
    Operand,
    Per,
    Quantity,
    Rate,
    Tiers,
)
from cityllm.policies.figures import FEN
from cityllm.policies.lookup import BindProblem, Path
from cityllm.policies.policy import Row

MONTHS = 12


def bind_money(amount: Amount, binder: Binder, path: Path) -> Money:
    """An amount bound. Raises BindProblem, and NoValue where a parameter has none on the day."""
    limits = {name: _fen(value, binder, (*path, name)) for name, value in
              (("floor", amount.floor), ("cap", amount.cap)) if value is not None}
    floor, cap = limits.get("floor"), limits.get("cap")
    match amount:
        case Fixed(fixed=value):
            if cell := binder.table(value):
                binder.cell_known(*cell, (*path, "fixed"))
                return _by_table(cell, binder, floor, cap)
            return Sum((), _fen(value, binder, (*path, "fixed")), 1, floor, cap)
        case Rate(rate=factor, of=of):
            share = binder.figure(factor, (*path, "rate")) * FEN
            return _share(of, share, binder, path, floor, cap)
        case Per(per=each, of=of):
            return _share(of, Fraction(_fen(each, binder, (*path, "per"))), binder, path, floor,
                          cap)
        case Interest():
            return _interest(amount, binder, path, floor, cap)
        case Tiers(by=by, tiers=tiers):
            quantity = _quantity(by)
            rows = []
            for at, tier in enumerate(tiers):
                where = (*path, "tiers", at)
                bounds = {name: value for name, value in
                          (("at_least", tier.from_), ("less_than", tier.below))
                          if value is not None}
                rows.append((_tier_test(quantity, bounds, binder, where),
                             bind_money(tier.then, binder, (*where, "then"))))
            return Step(tuple(rows), Sum((), 0, 1), floor, cap)
        case Cases(cases=cases, otherwise=otherwise):
            made = tuple((binder.node(case.when, (*path, "cases", at, "when"), "benefit"),
                          bind_money(case.then, binder, (*path, "cases", at, "then")))
                         for at, case in enumerate(cases))
            rest = bind_money(otherwise, binder, (*path, "otherwise")) if otherwise \
                else Sum((), 0, 1)
            return Step(made, rest, floor, cap)
        case Combined():
            name = next(one for one in ("total", "highest", "lowest")
                        if getattr(amount, one) is not None)
            parts = tuple(bind_money(part, binder, (*path, name, at))
                          for at, part in enumerate(getattr(amount, name)))
            return Pick(name, parts, floor, cap)  # type: ignore[arg-type]


def _by_table(cell: tuple[str, str], binder: Binder, floor: int | None, cap: int | None) -> Step:
    """The cell of the first row that fits; where none fits nothing is due."""
    def made(row: Row, at: Path) -> Money:
        return Sum((), _fen(row.cells[cell[1]], binder, (*at, cell[1])), 1)

    rows = binder.rows(cell[0], made)
    always = [money for test, money in rows if test is None]
    return Step(tuple((test, money) for test, money in rows if test is not None),
                always[0] if always else Sum((), 0, 1), floor, cap)


def _tier_test(quantity: Quantity, bounds: Mapping[str, Operand], binder: Binder,
               path: Path) -> Node:
    if not bounds:
        raise BindProblem(path, "一档要写 from 或 below。", "a tier needs from or below.")
    compare = Compare(**{quantity.head: getattr(quantity, quantity.head)}, **bounds)
    return binder.bounded(compare, bounds, path)


def _quantity(of: Quantity | str) -> Quantity:
    return of if isinstance(of, Quantity) else Quantity(field=of)


def _fen(value: Operand, binder: Binder, path: Path) -> int:
    found = binder.figure(value, path) * FEN
    if found.denominator != 1 or found < 0:
        raise BindProblem(path, f"金额 {value} 要是到分的非负数。",
                          f"the amount {value} must be whole fen, not below zero.")
    return int(found)


def _share(of: Quantity | str, factor: Fraction, binder: Binder, path: Path,
           floor: int | None, cap: int | None) -> Sum:
    """`factor` fen for each natural unit of a quantity."""
    terms, denominator = binder.terms(_quantity(of), (*path, "of"))
    share = factor / denominator
    return Sum(tuple((columns, whole * share.numerator) for columns, whole in terms), 0,
               share.denominator, floor, cap)


def _interest(amount: Interest, binder: Binder, path: Path, floor: int | None,
              cap: int | None) -> Sum:
    principal = binder.column(amount.interest, (*path, "interest"), "money")
    share = binder.figure(amount.rate, (*path, "rate")) / MONTHS
    if isinstance(amount.months, int):
        share *= amount.months
        term: Term = ((principal,), share.numerator)
    else:
        months = binder.column(amount.months, (*path, "months"), "integer")
        term = ((principal, months), share.numerator)
    return Sum((term,), 0, share.denominator, floor, cap)
