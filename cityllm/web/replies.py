"""What the API returns, for OpenAPI and for whoever generates a client.

The routes send plain data of `policies.view` and `policies.policy_view` without reading it through
these again (that would cost more than the match); tests hold the two together.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Verdict = Literal["eligible", "not_eligible", "unknown"]
ClauseVerdict = Literal["met", "not_met", "unknown"]
Validity = Literal["in_force", "not_yet", "expired", "unconfirmed"]
Yuan = Annotated[str, Field(pattern=r"^-?\d+\.\d\d$", examples=["120000.00"])]


class _Reply(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Datum(_Reply):
    """A column: what to send back as a field, who holds it, what may be given."""

    column: str = Field(examples=["revenue@2025"])
    label: str
    holder: str
    allowed: str


class Question(Datum):
    """A datum to ask for: the money that hangs on it, the policies that wait for it."""

    money: Yuan
    policies: list[str]
    alone: list[str]


class Place(_Reply):
    """Where in which source."""

    title: str
    article: str
    at: str


class Test(_Reply):
    """One test of a clause. `gap` is what is lacking, `value` empty where it is unknown."""

    what: str
    verdict: ClauseVerdict
    value: str
    threshold: str
    gap: str
    columns: list[str]
    missing: list[str]
    place: Place | None


class Clause(_Reply):
    """A clause for an enterprise; without `details` only id and verdict."""

    id: str
    verdict: ClauseVerdict
    text: str = ""
    place: Place | None = None
    tests: list[Test] = []


class Change(_Reply):
    """A change of one datum that a firm can make."""

    column: str
    label: str
    now: str
    then: str


class NearMiss(_Reply):
    """The smallest changes, and what would come out then."""

    changes: list[Change]
    verdict: Verdict
    amount: Yuan | None
    missing: list[Datum]


class Window(_Reply):
    """Whether one may apply on the day."""

    state: Literal["open", "later", "closed", "always"]
    opens: date | None
    closes: date | None


class Match(_Reply):
    """One policy for one enterprise. Money is in yuan as text, exact to the fen.

    `nearest` is there with `details` alone: null where no change that a firm can make would do."""

    policy: str
    title: str
    verdict: Verdict
    validity: Validity
    amount: Yuan | None
    potential: Yuan | None
    up_to: bool
    benefit: str
    kind: str
    times: str
    window: Window
    missing: list[Datum]
    missing_for_amount: list[Datum]
    nearest: NearMiss | None = None
    chosen: bool
    excluded_by: list[str]
    materials: list[str]
    clauses: list[Clause]


class Best(_Reply):
    """The best combination of what is met."""

    policies: list[str]
    total: Yuan
    left_out: dict[str, list[str]]


class Report(_Reply):
    """One enterprise against all policies on a day, ranked."""

    enterprise: str
    name: str
    as_of: date
    best: Best
    questions: list[Question]
    regions_covered: list[str]
    matches: list[Match]


class Questions(_Reply):
    """What to ask, the datum on which most money hangs first."""

    enterprise: str
    as_of: date
    questions: list[Question]


class Wording(_Reply):
    """A few sentences, whose they are, and what the model wrote that was left out, with the
    reason."""

    text: str
    by: Literal["model", "rules"]
    note: str
    removed: list[str]


class Explanation(_Reply):
    """One policy for one enterprise in sentences, and the same as data; `words` where asked for."""

    lines: list[str]
    match: Match
    words: Wording | None


class Valid(_Reply):
    """First and last day; `to` may be open or unknown, `from` unknown."""

    from_: str = Field(alias="from")
    to: str


class PolicyLine(_Reply):
    """A policy in a list."""

    id: str
    title: str
    number: str
    issuer: str
    region: str
    validity: Validity
    valid: Valid
    window: Window
    benefit: str
    kind: str
    times: str
    up_to: bool


class PolicyPage(_Reply):
    """A page of policies; `next` is null on the last."""

    items: list[PolicyLine]
    next: str | None
    total: int


class PolicyClause(_Reply):
    """A clause of a policy and the columns that it reads."""

    id: str
    text: str
    place: Place
    columns: list[str]


class Dated(_Reply):
    """A value of a parameter from a day on."""

    from_: date = Field(alias="from")
    to: date | None
    value: str
    place: Place


class Parameter(_Reply):
    """A threshold on the day, and its history."""

    name: str
    text: str
    unit: str
    value: str | None
    history: list[Dated]


class Source(_Reply):
    """Where the text is published."""

    title: str
    name: str
    url: str


class Stacking(_Reply):
    """Which others it cannot be had with."""

    excludes: list[str]
    one_of: list[str]
    note: str | None


class Material(_Reply):
    """A paper; `bring` is false where an office holds it already."""

    text: str
    holder: str
    holder_name: str
    bring: bool


class Policy(PolicyLine):
    """A policy as it stands on a day."""

    as_of: date
    note: str | None
    source: Source
    hash: str
    clauses: list[PolicyClause]
    parameters: list[Parameter]
    fields: list[Datum]
    stacking: Stacking
    materials: list[Material]
    steps: list[str]


class FieldInfo(_Reply):
    """A field of an enterprise: what it is called, what may stand in it, who holds it."""

    key: str
    name: str
    type: str
    unit: str
    yearly: bool
    changeable: bool
    holder: str
    holder_name: str
    allowed: str
    options: dict[str, str]


class Fields(_Reply):
    """All fields."""

    items: list[FieldInfo]


class Read(_Reply):
    """A field and the words it was read from: `text[start:end]`, in characters.

    `shown` is the value in words; `exact` is false where the writer said about."""

    column: str
    label: str
    value: str | bool
    shown: str
    start: int
    end: int
    words: str
    exact: bool


class ReadText(_Reply):
    """What was read. It counts once a person has confirmed it: `fields` is what to send then."""

    as_of: date
    confirmed: Literal[False]
    readings: list[Read]
    fields: dict[str, Any]


class ChangedPolicy(_Reply):
    """A policy that decides otherwise on the later day."""

    policy: str
    title: str
    before: Validity
    after: Validity


class ChangedClause(_Reply):
    """A clause that comes out otherwise; null where the policy did not have it."""

    id: str
    before: ClauseVerdict | None
    after: ClauseVerdict | None


class ChangedEnterprise(_Reply):
    """A registered enterprise for which a policy comes out otherwise."""

    enterprise: str
    policy: str
    before: Verdict | None
    after: Verdict | None
    amount_before: Yuan | None
    amount_after: Yuan | None
    gained: bool
    lost: bool
    clauses: list[ChangedClause]


class Changes(_Reply):
    """What another day changes."""

    since: date
    as_of: date
    policies: list[ChangedPolicy]
    enterprises: list[ChangedEnterprise]


class Registered(_Reply):
    """An enterprise of the registry, as it was sent."""

    id: str
    name: str
    fields: dict[str, Any]
    judgements: dict[str, bool | None]
    version: int
    changed: datetime


class RegistryPage(_Reply):
    """A page of enterprises; `next` is null on the last."""

    items: list[Registered]
    next: str | None
    total: int


class Health(_Reply):
    """Whether it works, how many policies it holds, and a hash of all rule files."""

    status: Literal["ok"]
    policies: int
    rules: str
