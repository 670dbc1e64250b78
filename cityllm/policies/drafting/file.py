"""A draft as a YAML file: the proposed rule, where each part stands in the text, what is open.

    draft:     the text's file and hash; `open`: what a person settles, each `unsure` or
               `settled`; `conditions`, `amounts`: words and their place; `left`: without a rule
    policy:    the rule as the catalogue has it, fixtures at every threshold included

A person edits `policy` and sets `state: settled`. `refresh` makes the boundary fixtures anew and
keeps those that were written by hand.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from cityllm.errors import ConfigError
from cityllm.policies.boundaries import edges, witness
from cityllm.policies.describe import WORDS
from cityllm.policies.drafting.amounts import Granted
from cityllm.policies.drafting.findings import Finding
from cityllm.policies.drafting.proposal import Proposal
from cityllm.policies.evaluate import evaluate
from cityllm.policies.fields import Dictionary, Enterprise, Value
from cityllm.policies.located import Located, read_yaml
from cityllm.policies.policy import Policy
from cityllm.policies.ruleset import bind, read_located
from cityllm.policies.validate import check

EDGE = "边界："
"""Names of fixtures that are made begin with this."""
_SIDES = {"below": "略低", "at": "正好", "above": "略高", "missing": "缺失", "inside": "以内",
          "outside": "以外"}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(_Strict):
    """The text that was read: file name, hash of its characters, how many there are."""

    file: str
    sha256: str
    characters: int


class Point(_Strict):
    """Something to settle. `settled` says that a person has decided it."""

    id: str
    clause: str = ""
    zh: str
    en: str
    state: Literal["unsure", "settled"]


class Cited(_Strict):
    """Words of the text from character `start` to `end`, and what was read in them."""

    clause: str = ""
    start: int
    end: int
    words: str
    reads: str = ""
    sure: bool = True
    candidates: list[str] = []


class Marks(_Strict):
    """All that a draft has beside its rule."""

    text: Text
    made_by: str
    open: list[Point] = []
    heading: list[Cited] = []
    conditions: list[Cited] = []
    amounts: list[Cited] = []
    left: list[Cited] = []


class _File(_Strict):
    draft: Marks
    policy: dict[str, Any] = Field(min_length=1)


@dataclass(frozen=True)
class DraftFile:
    """A draft that was read: its marks, its rule checked, and the rule as plain data."""

    file: Path
    marks: Marks
    policy: Policy
    rule: Mapping[str, Any]

    @property
    def unsure(self) -> list[Point]:
        """What is not settled yet."""
        return [one for one in self.marks.open if one.state == "unsure"]


def write_draft(proposal: Proposal, text: str, source: str, dictionary: Dictionary,
                day: date) -> str:
    """The YAML of a proposal. Raises PolicyFileError where its rule could not be loaded."""
    rule = with_fixtures(proposal.rule, dictionary, day)
    marks = {
        "text": {"file": source, "sha256": hashlib.sha256(text.encode()).hexdigest(),
                 "characters": len(text)},
        "made_by": f"cityllm {importlib.metadata.version('cityllm')}, rules",
        "open": [{"id": one.id, **({"clause": one.clause} if one.clause else {}),
                  "zh": one.words.zh, "en": one.words.en, "state": "unsure"}
                 for one in proposal.open],
        "heading": [{"start": one.start, "end": one.end, "words": text[one.start:one.end],
                     "reads": f"{name} {one.value}"}
                    for name, one in proposal.heading.said.items()],
        "conditions": list(_conditions(proposal)),
        "amounts": [_amount(one) for one in proposal.amounts],
        "left": [{"start": one.start, "end": one.end, "words": one.text}
                 for one in proposal.left]}
    return dump({"draft": marks, "policy": rule})


def _conditions(proposal: Proposal) -> Iterator[dict[str, Any]]:
    for clause in proposal.clauses:
        for one in clause.findings:
            yield _condition(one, clause.id)
        if not clause.findings:
            part = clause.segment
            yield {"clause": clause.id, "start": part.start, "end": part.end, "words": part.text,
                   "reads": "judge"}
    for one in proposal.aside:
        yield _condition(one, "")


def _condition(one: Finding, clause: str) -> dict[str, Any]:
    value = f"{one.value:f}" if isinstance(one.value, Decimal) else str(one.value).lower()
    made: dict[str, Any] = {"clause": clause} if clause else {}
    made |= {"start": one.start, "end": one.end, "words": one.words,
             "reads": " ".join([*one.fields, one.op, value, one.unit]).strip()
             if one.op != "judge" else "judge"}
    if not one.sure:
        made["sure"] = False
    if one.candidates:
        made["candidates"] = [each.key for each in one.candidates]
    return made


def _amount(one: Granted) -> dict[str, Any]:
    parts = [one.kind, f"{one.value:f}", one.of and f"of {one.of}", one.each and f"each {one.each}"]
    return {"start": one.start, "end": one.end, "words": one.words,
            "reads": " ".join(part for part in parts if part)}


def read_draft(file: Path, dictionary: Dictionary) -> DraftFile:
    """A draft, its rule checked like one of the catalogue. Raises PolicyFileError."""
    located = read_yaml(file)
    held = check(_File, located)
    lines = {path[1:]: line for path, line in located.lines.items() if path[:1] == ("policy",)}
    id_ = held.policy.get("id", "")
    inner = Located(file.with_name(f"{id_}.yaml"), held.policy, lines)
    return DraftFile(file, held.draft, read_located(inner, dictionary), held.policy)


def refresh(file: Path, dictionary: Dictionary, day: date) -> str:
    """The YAML of a draft with its boundary fixtures made anew, hand-written ones kept."""
    located = read_yaml(file)
    held = check(_File, located)
    return dump({"draft": located.data["draft"],
                 "policy": with_fixtures(held.policy, dictionary, day)})


def with_fixtures(rule: Mapping[str, Any], dictionary: Dictionary, day: date) -> dict[str, Any]:
    """A rule with fixtures at each of its thresholds: just below, at, just above, missing."""
    kept = [one for one in rule.get("fixtures") or [] if not one["name"].startswith(EDGE)]
    stand_in = [{"name": f"{EDGE}{at}", "as_of": day, "fields": {}, "verdict": "unknown"}
                for at in range(4)]
    plain = {**{key: value for key, value in rule.items() if key != "fixtures"},
             "fixtures": stand_in}
    policy = read_located(Located(Path(f"{rule['id']}.yaml"), plain, {}), dictionary)
    day = _within(policy, day)
    bound = bind(policy, dictionary, day)
    base = witness(bound, dictionary)
    made = [_fixture("全部满足", "", Enterprise("", base), policy, dictionary, day),
            _fixture("什么都不知道", "", Enterprise("", {}), policy, dictionary, day)]
    for number, one in enumerate(edges(bound, dictionary, base), start=1):
        made.append(_fixture(f"{number} {one.clause} {_SIDES[one.side]}", one.clause,
                             one.enterprise, policy, dictionary, day))
    for at in range(len(made), 4):
        made.append({**made[-1], "name": f"{EDGE}{at} 什么都不知道"})
    return {**plain, "fixtures": [*kept, *made]}


def _within(policy: Policy, day: date) -> date:
    """The day nearest to `day` on which the policy is in force, where its days are known."""
    first, last = policy.valid.from_, policy.valid.to
    if isinstance(last, date) and day > last:
        day = last
    return first if isinstance(first, date) and day < first else day


def _fixture(name: str, clause: str, enterprise: Enterprise, policy: Policy,
             dictionary: Dictionary, day: date) -> dict[str, Any]:
    """What comes out for an enterprise, as a fixture of the rule file."""
    result = evaluate(bind(policy, dictionary, day), enterprise)
    fields: dict[str, Any] = {}
    judged: dict[str, bool] = {}
    for column, value in enterprise.values.items():
        if column.startswith("judge:"):
            judged[column.partition(".")[2]] = bool(value)
        else:
            fields[column] = _outside(dictionary, column, value)
    made: dict[str, Any] = {"name": f"{EDGE}{name}", "as_of": day, "fields": fields}
    if judged:
        made["judgements"] = judged
    made["verdict"] = result.verdict
    if clause:
        made["clauses"] = {one.clause.id: WORDS[one.met] for one in result.clauses
                           if one.clause.id == clause}
    return made


def _outside(dictionary: Dictionary, column: str, value: Value) -> Any:
    plain = dictionary.field_of(column).decode(value)
    if isinstance(plain, Decimal) and plain == plain.to_integral_value():
        return int(plain)
    return plain


class _Dumper(yaml.SafeDumper):
    """Numbers with a point as they are written, no anchors (a rule file may not have them)."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(
    Decimal, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:float", f"{value:f}"))


def dump(data: Mapping[str, Any]) -> str:
    """Plain data as YAML that `read_yaml` gives back unchanged."""
    return yaml.dump(dict(data), Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=96)


def rule_of(file: Path, dictionary: Dictionary) -> Policy:
    """The policy of a rule file or of a draft. Raises PolicyFileError, ConfigError."""
    located = read_yaml(file)
    if not isinstance(located.data, dict):
        raise ConfigError(f"{file} 既不是政策文件，也不是草稿。", f"{file} is neither a rule nor a draft.")
    if "draft" in located.data:
        return read_draft(file, dictionary).policy
    named = located.data.get("id", file.stem)
    return read_located(Located(file.with_name(f"{named}.yaml"), located.data, located.lines),
                        dictionary)
