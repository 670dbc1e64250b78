"""A policy as its file has it: who gave it, when it holds, clauses, benefit, papers, fixtures.

One file of `rag_corpus/policies/` is one policy. Unknown keys are refused. What the file says in
other words than the source is marked as a digest by its place: the verbatim text appears where the
user has imported the source.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from cityllm.policies.conditions import Amount, Condition, Operand_, Ref
from cityllm.policies.fields import Key, Words
from cityllm.policies.figures import NotAllowed

Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{2,60}$")]
Verdict = Literal["eligible", "not_eligible", "unknown"]
ClauseVerdict = Literal["met", "not_met", "unknown"]
MAX_CLAUSES = 31
"""Two bits a clause in one whole number of 64 bits."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Source(_Strict):
    """Where the text is published."""

    title: str
    name: str
    """Publisher or collection in which we read it."""
    url: str = ""
    checked_against: list[str] = []
    """Files, or records of a file (`beijing.jsonl：title`), that every figure was read in."""


class Place(_Strict):
    """Where in a source: `title` is the policy's own unless given; `article` as in the ledger."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)
    title: str = ""
    article: str = ""
    at: str = ""
    """Paragraph, item or heading: 第一款, 条件要求第2项."""

    @model_validator(mode="after")
    def _somewhere(self) -> Place:
        if not (self.article or self.at):
            raise NotAllowed("要写 article（条）或 at（段落、标题）", "article or at is needed")
        return self


class Validity(_Strict):
    """First and last day on which the policy holds, both included.

    `to: open` is for a text that has no end and is known to be in force; `to: unknown` for one
    whose end nobody has confirmed: then no enterprise is found eligible.
    """

    from_: date | Literal["unknown"] = Field(alias="from")
    to: date | Literal["open", "unknown"]

    @model_validator(mode="after")
    def _forward(self) -> Validity:
        if isinstance(self.from_, date) and isinstance(self.to, date) and self.to < self.from_:
            raise NotAllowed(f"to {self.to} 早于 from {self.from_}",
                             f"to {self.to} is before from {self.from_}")
        return self

    def on(self, day: date) -> Literal["in_force", "not_yet", "expired", "unconfirmed"]:
        """Whether the policy holds on `day`."""
        if isinstance(self.from_, date) and day < self.from_:
            return "not_yet"
        if isinstance(self.to, date) and day > self.to:
            return "expired"
        return "unconfirmed" if "unknown" in (self.from_, self.to) else "in_force"


class Window(_Strict):
    """When one may apply: dates of one round, or month-day of every year, both included."""

    from_: date | Annotated[str, StringConstraints(pattern=r"^\d{2}-\d{2}$")] = Field(alias="from")
    to: date | Annotated[str, StringConstraints(pattern=r"^\d{2}-\d{2}$")]
    note: Words | None = None

    @model_validator(mode="after")
    def _alike(self) -> Window:
        if type(self.from_) is not type(self.to):
            raise NotAllowed("from 和 to 要么都是日期，要么都是月-日",
                             "from and to are both dates or both month-day")
        if isinstance(self.from_, str):
            for text in (self.from_, str(self.to)):
                date.fromisoformat(f"2024-{text}")
        elif self.to < self.from_:  # type: ignore[operator]
            raise NotAllowed(f"to {self.to} 早于 from {self.from_}",
                             f"to {self.to} is before from {self.from_}")
        return self


class Dated(_Strict):
    """A value of a parameter from a day on, up to the next one or to `to`."""

    from_: date = Field(alias="from")
    to: date | None = None
    value: Operand_
    place: Place


class Parameter(Words):
    """A threshold or rate with its history."""

    unit: str = ""
    values: Annotated[list[Dated], Field(min_length=1)]

    @model_validator(mode="after")
    def _in_order(self) -> Parameter:
        for one, next_ in zip(self.values, self.values[1:], strict=False):
            if next_.from_ <= (one.to or one.from_):
                raise NotAllowed(f"{next_.from_} 与前一段重叠，或者次序不对",
                                 f"{next_.from_} overlaps or precedes the one before")
        return self

    def on(self, day: date) -> Dated | None:
        """The value in force on `day`; None where none is known."""
        held = [one for one in self.values if one.from_ <= day]
        return held[-1] if held and (held[-1].to is None or day <= held[-1].to) else None


class Row(_Strict):
    """A row of a table: one way of matching, and its cells."""

    under: list[str] | None = None
    in_: list[str] | None = Field(default=None, alias="in")
    from_: Operand_ | None = Field(default=None, alias="from")
    below: Operand_ | None = None
    otherwise: Literal[True] | None = None
    cells: Annotated[dict[Key, Operand_], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_way(self) -> Row:
        ways = [self.under is not None, self.in_ is not None,
                self.from_ is not None or self.below is not None, bool(self.otherwise)]
        if sum(ways) != 1:
            raise NotAllowed("一行写一种匹配：under、in、from/below、otherwise",
                             "one way of matching a row: under, in, from/below, otherwise")
        return self


class Table(_Strict):
    """Cells by the value of a field: the first row that fits. No row, no value: unknown."""

    by: Ref
    rows: Annotated[list[Row], Field(min_length=1)]

    @model_validator(mode="after")
    def _same_columns(self) -> Table:
        for row in self.rows:
            if set(row.cells) != set(self.rows[0].cells):
                raise NotAllowed("各行的列要一样", "rows differ in their cells: "
                                 f"{sorted(row.cells)}, {sorted(self.rows[0].cells)}")
        return self


class Clause(Words):
    """One condition of the policy: our digest of it, its place, and what decides it."""

    id: Key
    place: Place
    when: Condition


class Benefit(Words):
    """What is granted. `amount` is absent where it is not money, or not computable."""

    place: Place | None = None
    kind: Literal["subsidy", "reward", "tax", "loan", "fee", "insurance", "service",
                  "qualification"]
    times: Literal["once", "yearly", "each"] = "once"
    up_to: bool = False
    """The text says 不超过: the amount is the most that can be granted."""
    amount: Amount | None = None


class SharedCap(_Strict):
    """Policies with the same `name` together give at most `amount` (the least one named wins)."""

    name: Key
    amount: Operand_


class Stacking(_Strict):
    """Which other policies it can be had with. What is not excluded can be had together."""

    excludes: list[Id] = []
    one_of: list[Key] = []
    """Names of groups of which an enterprise gets one policy at most."""
    shared_cap: SharedCap | None = None
    note: Words | None = None


class Material(Words):
    """A paper asked for. Who holds it already is not the enterprise: then it is not asked for."""

    holder: Key = "enterprise"


class Fixture(_Strict):
    """An enterprise and what must come out for it on a day."""

    name: str
    as_of: date
    fields: dict[str, Any]
    judgements: dict[str, bool] = {}
    """By clause id."""
    verdict: Verdict
    amount: Operand_ | None = None
    """Granted; of a policy whose validity is not confirmed, what it would grant."""
    clauses: dict[Key, ClauseVerdict] = {}


class Policy(_Strict):
    """A whole file."""

    id: Id
    title: Words
    number: str
    issuer: str
    region: str
    valid: Validity
    window: Window | None = None
    source: Source
    note: Words | None = None
    parameters: dict[Key, Parameter] = {}
    tables: dict[Key, Table] = {}
    clauses: Annotated[list[Clause], Field(min_length=1, max_length=MAX_CLAUSES - 1)]
    benefit: Benefit
    stacking: Stacking = Stacking()
    materials: list[Material] = []
    steps: list[Words] = []
    fixtures: Annotated[list[Fixture], Field(min_length=4)]

    @property
    def to_bring(self) -> tuple[Material, ...]:
        """The papers that the enterprise itself has to bring: those that no office holds."""
        return tuple(one for one in self.materials if one.holder == "enterprise")

    @field_validator("clauses")
    @classmethod
    def _distinct(cls, clauses: list[Clause]) -> list[Clause]:
        ids = [one.id for one in clauses]
        twice = [one for one in ids if ids.count(one) > 1]
        if twice:
            raise NotAllowed(f"子句 {twice[0]} 有两个", f"two clauses have the id {twice[0]}")
        return clauses


