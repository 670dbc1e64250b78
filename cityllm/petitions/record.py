"""What is known of one petition: the petition itself, its labels, its periods, and the outcome.

Plain values without behaviour of their own; every stage takes them and returns them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Kind = Literal["complaint", "request", "suggestion", "report", "thanks"]
Risk = Literal["life", "group", "self_harm", "minors"]
Jurisdiction = Literal["petition", "court", "arbitration", "reconsideration", "discipline"]
Route = Literal["auto", "review", "urgent"]
Named = Literal["category", "department", "kind", "jurisdiction", "risk"]
By = Literal["classifier", "words", "place", "category", "self_harm", "office", "model"]


@dataclass(frozen=True)
class Petition:
    """One message. `received` is None where the date is not known: never today instead.

    `person` is a keyed hash of who wrote it, so that the same person can be told again without
    the name; empty where nobody is named. `extra` holds what else the row said, column by column.
    """

    id: str
    title: str
    text: str
    received: date | None = None
    channel: str = ""
    district: str = ""
    place: str = ""
    person: str = ""
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def body(self) -> str:
        """Title and text, the form that is classified and compared."""
        return self.title + "\n" + self.text


@dataclass(frozen=True)
class Ground:
    """Why one label was given. `words` are of the message, with what each adds to `score`, by which
    the label is ahead of `against` (the next best; empty: none): score = bias + words + rest, where
    `bias` counts without any word and `rest` is the remaining text.

    `by` says who decided: the classifier; `words`, a rule of words, or `place`, the district (no
    sums then); `category`, what the category implies; `self_harm`, a sign of it; `office`, the rule
    on what counts as a report; `model`, the language model.
    """

    of: Named
    label: str
    by: By
    words: tuple[tuple[str, float], ...] = ()
    against: str = ""
    score: float = 0.0
    bias: float = 0.0
    rest: float = 0.0


@dataclass(frozen=True)
class Labels:
    """What a message is about, and whose it is. `confidence` is calibrated, 0 to 1.

    `category` holds the names of levels 1 to 3 as far as they are known; `alternatives` the three
    best codes with their probability; `grounds` why each label was given, where that was asked for.
    `suspected`: it may accuse somebody in an office, so that a person reads it before any office
    does.
    """

    category: tuple[str, ...]
    category_code: str
    confidence: float
    alternatives: list[tuple[str, float]]
    department: str
    kind: Kind
    risks: tuple[Risk, ...] = ()
    jurisdiction: Jurisdiction = "petition"
    grounds: tuple[Ground, ...] = ()
    suspected: bool = False

    @property
    def reasons(self) -> tuple[str, ...]:
        """The words that spoke for the labels, each once."""
        return tuple(dict.fromkeys(
            word for one in self.grounds for word, share in one.words
            if share > 0 or one.by == "words"))


@dataclass(frozen=True)
class Due:
    """One legal period of a petition. `due` is None while `start` is unknown: `why` says what is
    missing. `binds`: who has to act, or may act, within it."""

    id: str
    name: str
    name_en: str
    law: str
    article: str
    binds: str
    event: str
    length: int
    unit: Literal["day", "working_day"]
    start: date | None = None
    due: date | None = None
    done: date | None = None
    why: str = ""


@dataclass(frozen=True)
class Triaged:
    """The outcome of one row. `petition` is masked; `duplicate_of` and `again` are ids of earlier
    petitions (the same matter; the same person), empty where there is none."""

    petition: Petition
    labels: Labels
    duplicate_of: str = ""
    clock: list[Due] = field(default_factory=list)
    summary: str = ""
    route: Route = "review"
    why_review: str = ""
    draft: str = ""
    again: str = ""
