"""Past petitions that are like a new one: for a clerk who wants to know how it was done before.

Compared are masked texts by `vectors`; reports of wrongdoing and rows that could not be used are
never among the cases. It does not judge whether two petitions are one matter (`duplicates`,
`issues` do), nor whether what was done then was right.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cityllm.errors import ConfigError
from cityllm.petitions.output import OUTCOME_NAMES
from cityllm.petitions.vectors import Space, counts

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

FLOOR = 0.08
"""Similarity below which nothing is shown."""


@dataclass(frozen=True)
class Case:
    """A past petition, masked. `outcome`: what a clerk decided, empty where that is not known."""

    id: str
    summary: str
    text: str
    received: str = ""
    district: str = ""
    category: str = ""
    department: str = ""
    outcome: str = ""


@dataclass(frozen=True)
class Near:
    """A case and how similar it is, above 0 and at most 1."""

    case: Case
    score: float


def case_of(told: Mapping[str, Any]) -> Case | None:
    """The case of a record of the batch; None for a report of wrongdoing and an unusable row."""
    if told.get("problem") or told["kind"] == "report" or told["jurisdiction"] == "discipline":
        return None
    decided = bool(told.get("decision"))
    return Case(told["id"], told["summary"], f"{told['title']}\n{told['text']}", told["received"],
                told["district"],
                " / ".join(told["decided_category"] if decided else told["category"]),
                told["decided_department"] if decided else told["department"],
                OUTCOME_NAMES[told["decision"]] if decided else "")


def past_files(pack: Path) -> tuple[tuple[Path, int, int], ...]:
    """Outputs of the batch (JSONL) in `petitions/cases` of a pack, each with size and time of
    change, so that it is known when they have to be read anew."""
    found = sorted((pack / "petitions" / "cases").glob("*.jsonl"))
    return tuple((path, told.st_size, told.st_mtime_ns)
                 for path in found for told in [path.stat()])


def cases_of(path: Path) -> Iterator[Case]:
    """The cases of one output; ConfigError names the line that is no record of the batch."""
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                case = case_of(json.loads(line)) if line.strip() else None
            except (ValueError, KeyError, TypeError) as fault:
                raise ConfigError(
                    f"{path.name} 第 {number} 行不是 cityllm triage 的输出（{fault}）。",
                    f"{path.name}, line {number} is no output of cityllm triage ({fault}).",
                    ) from None
            if case:
                yield case


@dataclass(frozen=True)
class Cases:
    """Cases and their vectors, row by row."""

    cases: tuple[Case, ...]
    space: Space
    matrix: csr_matrix

    @classmethod
    def build(cls, cases: Iterable[Case]) -> Cases:
        """About 2,000 cases a second; some kilobytes of memory each."""
        held = tuple(cases)
        counted = counts([case.text for case in held])
        space = Space.of(counted)
        return cls(held, space, space.place(counted))

    def nearest(self, text: str, limit: int = 5, skip: Collection[str] = ()) -> list[Near]:
        """The most similar cases first, without those whose id is in `skip`."""
        if not self.cases:
            return []
        query = self.space.place(counts([text]))
        scores = np.asarray((self.matrix @ query.T).todense()).ravel()
        found: list[Near] = []
        for at in np.argsort(-scores, kind="stable")[:limit + len(skip)]:
            score = min(float(scores[at]), 1.0)
            if score < FLOOR or len(found) == limit:
                break
            if self.cases[at].id not in skip:
                found.append(Near(self.cases[at], score))
        return found
