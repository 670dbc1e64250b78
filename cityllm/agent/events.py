"""What an answer sends on its way: steps as they start and end, verified text, the answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cityllm.evidence import Answer, Step


@dataclass(frozen=True)
class StepStarted:
    """The model called a tool."""

    tool: str
    inputs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StepDone:
    """The call came back; `step.problem` says what went wrong, if anything."""

    step: Step


@dataclass(frozen=True)
class Delta:
    """A piece of the answer's text, verified. All pieces together are `Final.answer.text`."""

    text: str


@dataclass(frozen=True)
class Final:
    """The answer; always the last event."""

    answer: Answer


Event = StepStarted | StepDone | Delta | Final
