"""Conditions, quantities and amounts as they stand in a rule file: data, nothing is evaluated here.

A condition is a mapping with one head (`field`, `ratio`, `all`, `holds`, `judge`, …); each is
explained in docs/policies.md. An operand is a literal (2000万, 5%, 2023-09-01), a dated parameter
(`$limit`), a cell of a table (`$size.employees`) or a day relative to the as-of date (`as_of-5y`,
`year_start`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)

from cityllm.policies.fields import Words
from cityllm.policies.figures import NotAllowed

Ref = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(@(-\d|0|\d{4}))?$")]
"""A field, for a yearly one with its year: `revenue@-1` is the year before the as-of date's."""
Operand = int | Decimal | date | str
Operand_ = Annotated[Operand, Field(union_mode="left_to_right")]

QUANTITIES = ("field", "sum", "increase", "product", "ratio", "growth", "years_since",
              "months_since", "days_since")
BOUNDS = ("at_least", "more_than", "at_most", "less_than")
SETS = ("in", "not_in", "under", "includes", "includes_all")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True,
                              arbitrary_types_allowed=True)


class Quantity(_Strict):
    """A number made of fields: exactly one head."""

    field: Ref | None = None
    sum: Annotated[list[Ref], Field(min_length=2)] | None = None
    increase: Annotated[list[Ref], Field(min_length=2, max_length=2)] | None = None
    """First minus second."""
    product: Annotated[list[Ref], Field(min_length=2, max_length=2)] | None = None
    """One times the other: an area by the tax of a square metre, a debt by its days."""
    ratio: Annotated[list[Ref], Field(min_length=2, max_length=2)] | None = None
    """First over second; no value where the second is not above zero."""
    growth: Annotated[list[Ref], Field(min_length=2, max_length=2)] | None = None
    """First over second, less one; no value where the second is not above zero."""
    years_since: Ref | None = None
    months_since: Ref | None = None
    days_since: Ref | None = None

    @model_validator(mode="after")
    def _one_head(self) -> Quantity:
        heads = [name for name in QUANTITIES if getattr(self, name) is not None]
        if len(heads) != 1:
            raise NotAllowed(f"要写且只写一个：{'、'.join(QUANTITIES)}",
                             f"exactly one of: {', '.join(QUANTITIES)}")
        return self

    @cached_property
    def head(self) -> str:
        """Which of the heads it is."""
        return next(name for name in QUANTITIES if getattr(self, name) is not None)

    @property
    def refs(self) -> list[str]:
        """The fields that it reads."""
        found = getattr(self, self.head)
        return [found] if isinstance(found, str) else list(found)


class Compare(Quantity):
    """A quantity against bounds or a set. Two bounds make a range."""

    is_: bool | str | int | None = Field(default=None, alias="is")
    in_: Annotated[list[str], Field(min_length=1)] | None = Field(default=None, alias="in")
    not_in: Annotated[list[str], Field(min_length=1)] | None = None
    under: Annotated[list[str], Field(min_length=1)] | None = None
    includes: Annotated[list[str], Field(min_length=1)] | None = None
    includes_all: Annotated[list[str], Field(min_length=1)] | None = None
    at_least: Operand_ | None = None
    more_than: Operand_ | None = None
    at_most: Operand_ | None = None
    less_than: Operand_ | None = None

    @property
    def bounds(self) -> dict[str, Operand]:
        """The bounds given, by name."""
        return {name: getattr(self, name) for name in BOUNDS if getattr(self, name) is not None}

    @model_validator(mode="after")
    def _one_test(self) -> Compare:
        sets = [name for name in ("is", *SETS) if getattr(self, _attribute(name)) is not None]
        bounds = self.bounds
        if len(sets) + bool(bounds) != 1:
            raise NotAllowed(f"要写一种比较：is、{'、'.join(SETS)}，或界限 {'、'.join(BOUNDS)}",
                             f"one comparison: is, {', '.join(SETS)}, or bounds "
                             f"{', '.join(BOUNDS)}")
        if {"at_least", "more_than"} <= set(bounds) or {"at_most", "less_than"} <= set(bounds):
            raise NotAllowed("同一个方向只写一个界限", "one bound for each direction")
        if sets and self.head != "field":
            raise NotAllowed(f"{sets[0]} 只用于 field", f"{sets[0]} belongs to field alone")
        return self


def _attribute(name: str) -> str:
    return f"{name}_" if name in ("is", "in") else name


class All(_Strict):
    """Every one of them."""

    all: Annotated[list[Condition], Field(min_length=1)]


class AnyOf(_Strict):
    """At least one of them."""

    any: Annotated[list[Condition], Field(min_length=1)]


class Some(_Strict):
    """At least n of them."""

    some: Annotated[int, Field(ge=1)]
    of: Annotated[list[Condition], Field(min_length=1)]

    @model_validator(mode="after")
    def _enough(self) -> Some:
        if self.some > len(self.of):
            raise NotAllowed(f"some 是 {self.some}，但只列了 {len(self.of)} 项",
                             f"some is {self.some}, but only {len(self.of)} are listed")
        return self


class Not(_Strict):
    """Its opposite; unknown stays unknown."""

    not_: Condition = Field(alias="not")


class Holds(_Strict):
    """A certificate that is held and has not ended on the as-of date."""

    holds: Ref


class Judge(_Strict):
    """What no datum decides (核心技术, 行业领先): unknown until a person has judged."""

    judge: Words
    by: str = "authority"


_HEADS = {"all": "All", "any": "AnyOf", "some": "Some", "not": "Not", "holds": "Holds",
          "judge": "Judge"}


def _tag(value: Any, heads: Mapping[str, str], rest: str) -> str:
    """Which model a mapping is meant as, by its head; the "-" keeps tags apart from keys."""
    if isinstance(value, Mapping):
        return next((tag for head, tag in heads.items() if head in value), rest) + "-"
    return type(value).__name__ + "-"


Condition = Annotated[
    Annotated[All, Tag("All-")] | Annotated[AnyOf, Tag("AnyOf-")] | Annotated[Some, Tag("Some-")]
    | Annotated[Not, Tag("Not-")] | Annotated[Holds, Tag("Holds-")]
    | Annotated[Judge, Tag("Judge-")] | Annotated[Compare, Tag("Compare-")],
    Discriminator(lambda value: _tag(value, _HEADS, "Compare"))]


class _Limits(_Strict):
    cap: Operand_ | None = None
    floor: Operand_ | None = None


class Fixed(_Limits):
    """A sum of money."""

    fixed: Operand_


class Rate(_Limits):
    """A share of a quantity of money, rounded half up to the fen."""

    rate: Operand_
    of: Quantity | Ref


class Per(_Limits):
    """So much for each: by head, by patent, by square metre."""

    per: Operand_
    of: Quantity | Ref


class Interest(_Limits):
    """Interest for a loan: principal × yearly rate × months / 12."""

    interest: Ref
    rate: Operand_
    months: Ref | int


class Tier(_Strict):
    """`from` (inclusive) up to `below` (exclusive) of the quantity in `by`."""

    from_: Operand_ | None = Field(default=None, alias="from")
    below: Operand_ | None = None
    then: Amount


class Tiers(_Limits):
    """The one tier in which a quantity lies decides; below the first nothing is due."""

    by: Quantity | Ref
    tiers: Annotated[list[Tier], Field(min_length=1)]


class Case(_Strict):
    """An amount for those that meet a condition."""

    when: Condition
    then: Amount


class Cases(_Limits):
    """The first case that is met decides; else `otherwise`, else nothing."""

    cases: Annotated[list[Case], Field(min_length=1)]
    otherwise: Amount | None = None


class Combined(_Limits):
    """Several amounts added up, or the highest or the lowest of them."""

    total: Annotated[list[Amount], Field(min_length=2)] | None = None
    highest: Annotated[list[Amount], Field(min_length=2)] | None = None
    lowest: Annotated[list[Amount], Field(min_length=2)] | None = None

    @model_validator(mode="after")
    def _one(self) -> Combined:
        if sum(one is not None for one in (self.total, self.highest, self.lowest)) != 1:
            raise NotAllowed("要写一种金额：fixed、rate、per、interest、tiers、cases、total、highest、lowest",
                             "one kind of amount: fixed, rate, per, interest, tiers, cases, "
                             "total, highest, lowest")
        return self


_AMOUNTS = {"fixed": "Fixed", "interest": "Interest", "rate": "Rate", "per": "Per",
            "tiers": "Tiers", "cases": "Cases"}
Amount = Annotated[
    Annotated[Fixed, Tag("Fixed-")] | Annotated[Rate, Tag("Rate-")] | Annotated[Per, Tag("Per-")]
    | Annotated[Interest, Tag("Interest-")] | Annotated[Tiers, Tag("Tiers-")]
    | Annotated[Cases, Tag("Cases-")] | Annotated[Combined, Tag("Combined-")],
    Discriminator(lambda value: _tag(value, _AMOUNTS, "Combined"))]

for _model in (All, AnyOf, Some, Not, Tier, Tiers, Case, Cases, Combined):
    _model.model_rebuild()
