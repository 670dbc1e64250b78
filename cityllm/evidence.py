"""What an answer stands on. The model points at evidence; the program writes what it says.

Every piece has an id (`E1`, `E2`, … in the order in which it was found) and `values`: the figures
that may be named by reference, `{E2.mean_speed_after}`. A clause is cited as `[E1]`.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Value(BaseModel):
    """A figure with its unit. `text` is how it is shown, for instance `23.4`; unit `km/h`."""

    model_config = ConfigDict(frozen=True)
    text: str
    unit: str = ""
    label_zh: str = ""
    label_en: str = ""

    def shown(self) -> str:
        """Figure and unit as a reader sees them: `23.4 km/h`, `15 日`, `5%`."""
        return f"{self.text}{self.unit}" if self.unit == "%" else f"{self.text} {self.unit}".strip()


class _Base(BaseModel):
    model_config = ConfigDict(frozen=True)
    id: str
    values: dict[str, Value] = Field(default_factory=dict)


class ClauseEvidence(_Base):
    """An article in force on the fact date. `verbatim` is false for a digest of the pack."""

    kind: Literal["clause"] = "clause"
    clause_id: str
    title: str
    article: str
    article_label: str
    heading: str = ""
    text: str
    passage: str = ""
    """The part of `text` that answers the query best; empty where the article was named."""
    verbatim: bool = True
    issuer: str = ""
    level: str = ""
    region: str = ""
    version: date | None = None
    effective: date | None = None
    source_url: str = ""
    as_of: date
    status: str = ""
    score: float = 0.0


class RuleTraceEvidence(_Base):
    """A decision by dated rules, step by step (a legal period, an eligibility rule)."""

    kind: Literal["rule"] = "rule"
    rule: str
    steps: list[str]


class DataRowEvidence(_Base):
    """Rows of a catalogued table, with the source of each."""

    kind: Literal["data"] = "data"
    table: str
    query: str
    columns: list[str]
    rows: list[list[Any]]
    sources: list[str]


class ToolRunEvidence(_Base):
    """A run of a tool: what went in, what came out, seed and units, and pictures if it drew any."""

    kind: Literal["run"] = "run"
    tool: str
    inputs: dict[str, Any]
    summary: str
    seed: int | None = None
    images: list[str] = Field(default_factory=list)


Evidence = Annotated[
    ClauseEvidence | RuleTraceEvidence | DataRowEvidence | ToolRunEvidence,
    Field(discriminator="kind"),
]


class Step(BaseModel):
    """One tool call of an answer: which tool, which inputs, how long, what went wrong if it did."""

    tool: str
    inputs: dict[str, Any]
    seconds: float = 0.0
    problem: str = ""
    evidence: list[str] = Field(default_factory=list)


class Answer(BaseModel):
    """What the user reads. `text` is resolved Markdown; nothing in it is unverified.

    `refused` says why there is no answer (`off_topic`, `not_found`, `no_such_article`,
    `not_held`, `unsupported`, `tool_failed`, `no_model`), empty where there is one.
    """

    question: str
    text: str
    language: Literal["zh", "en"] = "zh"
    citations: list[ClauseEvidence] = Field(default_factory=list)
    evidence: list[Evidence] = Field(default_factory=list)
    steps: list[Step] = Field(default_factory=list)
    verified: bool = True
    removed: list[str] = Field(default_factory=list)
    refused: str = ""
    as_of: date
    status_known: date | None = None
    engine: str = ""
    seconds: float = 0.0
