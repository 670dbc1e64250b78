"""Which field of the dictionary a phrase of a policy speaks of, and which facts it states.

Candidates are ranked by words: a name of the field (from the dictionary, or from the pack's
`policies/drafting/phrases.yaml`) that stands in the phrase wins, the longest first; else by the
share of the name's two-character pieces that the phrase has. Only fields that can hold the unit
are asked. No model takes part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, field_validator

from cityllm.policies.conditions import Condition
from cityllm.policies.fields import Dictionary, Field, Key
from cityllm.policies.figures import NotAllowed
from cityllm.policies.located import read_yaml
from cityllm.policies.validate import check

FILE = Path("policies/drafting/phrases.yaml")
SURE, LIKELY, APART = 0.75, 0.5, 0.12
"""Scores from which a field is taken, and from which it is offered as unsure; and by how much the
first must be before the second. Set on the development half of evals/policies/gold.jsonl."""
NAMED, NAMED_PIECES = 0.62, 4
"""From which share of its pieces, and with how many, a field of yes or no counts as named."""
_ASIDE = re.compile(r"[（(][^（）()]*[）)]|[“”、，]")
_COUNTS = frozenset("人户家个项件次辆台座场届篇所套张")
_DENIED = re.compile(r"(?:不具[备有]|不属于|不是|非|没有|无|未取得)[^，；。]{0,4}$")
Pattern = Annotated[str, StringConstraints(min_length=2)]


class Fact(BaseModel):
    """`words`: a pattern. `needs` must stand in the same clause, `unless` must not."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    words: Pattern
    when: Condition
    needs: str = ""
    unless: str = ""

    @field_validator("words", "needs", "unless")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as problem:
            raise NotAllowed(f"{pattern!r} 不是正则表达式：{problem}",
                             f"{pattern!r} is no pattern: {problem}") from None
        return pattern


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    names: dict[Key, list[str]] = {}
    facts: list[Fact] = []


@dataclass(frozen=True, slots=True)
class Candidate:
    """A field and how well its name fits, from 0 to 1."""

    key: str
    score: float


@dataclass(frozen=True)
class Phrases:
    """The dictionary's names, the pack's further names, and its facts."""

    dictionary: Dictionary
    names: Mapping[str, list[str]]
    facts: tuple[Fact, ...]

    @classmethod
    def load(cls, pack: Path, dictionary: Dictionary) -> Phrases:
        """From a pack; one without the file has the dictionary's names only. PolicyFileError."""
        file = pack / FILE
        if not file.is_file():
            return cls(dictionary, {}, ())
        located = read_yaml(file)
        held = check(_File, located)
        for key in held.names:
            if key not in dictionary.fields:
                near = "、".join(dictionary.near(key))
                raise located.problem(("names", key), f"没有字段 {key}；相近的有：{near}。",
                                      f"there is no field {key}; near to it: {near}.")
        return cls(dictionary, held.names, tuple(held.facts))

    @cached_property
    def _known(self) -> dict[str, list[tuple[str, frozenset[str]]]]:
        """Field -> its names, plain, with their pieces."""
        return {key: [(plain, _pieces(plain)) for name in (field.zh, *self.names.get(key, ()))
                      if (plain := _ASIDE.sub("", name))]
                for key, field in self.dictionary.fields.items()}

    @cached_property
    def _facts(self) -> list[tuple[str, str, frozenset[str]]]:
        """Fields of yes or no and certificates whose names are long enough to be recognised."""
        return [(key, name, pieces) for key, names in self._known.items()
                if self.dictionary.fields[key].type in ("boolean", "certificate")
                for name, pieces in names if len(pieces) >= NAMED_PIECES]

    @cached_property
    def _fitting(self) -> dict[str, list[str]]:
        """Unit -> keys of the fields that can hold it, filled as units come."""
        return {}

    def candidates(self, phrase: str, unit: str, around: str = "") -> list[Candidate]:
        """Fields that `phrase` may mean for a figure in `unit`, best first, at most three.

        What stands only in `around` (the rest of the clause and the headings above) counts half.
        """
        here, far = _pieces(phrase), _pieces(around)
        found = []
        if unit not in self._fitting:
            self._fitting[unit] = [key for key, field in self.dictionary.fields.items()
                                   if fits(field, unit)]
        for key in self._fitting[unit]:
            score = max(_score(name, pieces, phrase, here, far)
                        for name, pieces in self._known[key])
            if score >= LIKELY:
                found.append(Candidate(key, score))
        return sorted(found, key=lambda one: -one.score)[:3]

    def yes_or_no(self, part: str) -> Candidate | None:
        """The field of yes or no, or the certificate, that a part of a clause nearly names."""
        here = _pieces(part)
        best = max(((_score(name, pieces, part, here, frozenset()), key)
                    for key, name, pieces in self._facts), default=(0.0, ""))
        return Candidate(best[1], best[0]) if best[0] >= NAMED else None

    def stated(self, clause: str) -> Iterator[tuple[int, int, Fact]]:
        """Facts that a clause states, each with its place in it."""
        for fact in self.facts:
            for match in re.finditer(fact.words, clause):
                part = _part(clause, match.start(), match.end())
                if fact.needs and not re.search(fact.needs, part):
                    continue
                if fact.unless and re.search(fact.unless, part):
                    continue
                if not fact.needs and _DENIED.search(clause[:match.start()]):
                    continue  # 不具备法人资格 states the opposite, and is left to a person
                yield match.start(), match.end(), fact


def _part(clause: str, start: int, end: int) -> str:
    left = max(clause.rfind(mark, 0, start) for mark in "，；。") + 1
    right = min((at for mark in "，；。" if (at := clause.find(mark, end)) >= 0),
                default=len(clause))
    return clause[left:right]


def _pieces(text: str) -> frozenset[str]:
    plain = re.sub(r"\s|的", "", text)
    return frozenset(plain[at:at + 2] for at in range(len(plain) - 1))


def _score(name: str, pieces: frozenset[str], phrase: str, here: frozenset[str],
           far: frozenset[str]) -> float:
    if name in phrase:  # the longer of two names that both stand there, the later of equal ones
        return 0.9 + min(len(name), 20) / 250 + phrase.rfind(name) / max(len(phrase), 1) / 100
    if len(pieces) < 2:
        return 0.0
    close = pieces & here
    if len(close) < 2:
        return 0.0
    return (len(close) + 0.5 * len((pieces & far) - close)) / len(pieces)


def fits(field: Field, unit: str) -> bool:
    """Whether a field can be compared with a figure in that unit."""
    match unit:
        case "元":
            return field.type == "money"
        case "美元":
            return field.unit == "美元"
        case "%":
            return field.type == "number" and not field.unit and field.decimals >= 4
        case "会计年度":
            return field.type == "date"
        case "年" | "月" | "日":
            return field.type == "date" or (
                field.type in ("integer", "number") and (field.unit == unit or "年数" in field.zh))
        case _ if unit in _COUNTS:
            return field.type == "integer" and field.unit in (
                unit, "", "件" if unit == "项" else unit)
        case _:
            return field.type in ("integer", "number") and field.unit == unit


def sure(found: list[Candidate]) -> bool:
    """Whether the first candidate is good enough, and well before the second."""
    if not found or found[0].score < SURE:
        return False
    return found[0].score >= 0.9 or len(found) == 1 or found[0].score - found[1].score >= APART


def plain(condition: Any) -> dict[str, Any]:
    """A condition as the YAML of a rule file has it."""
    found: dict[str, Any] = condition.model_dump(mode="python", by_alias=True, exclude_none=True)
    return found
