"""All policies of a pack, checked, and each bound to a day.

Loading reads every file, refuses what is wrong with file, line and key, and binds each policy on
every day on which one of its values changes, so that a fault shows before anybody asks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from cityllm.errors import EnterpriseError, PolicyFileError, PolicyNotFound
from cityllm.policies.bind import Binder
from cityllm.policies.bound import BoundClause, Money, money_columns, most
from cityllm.policies.fields import Dictionary, Enterprise
from cityllm.policies.figures import NotAllowed
from cityllm.policies.located import Located, read_yaml
from cityllm.policies.lookup import BindProblem, NoValue
from cityllm.policies.money import bind_money
from cityllm.policies.policy import MAX_CLAUSES, Fixture, Policy
from cityllm.policies.regions import read_region
from cityllm.policies.validate import check
from cityllm.policies.windows import Opening, opening

FIELDS = "fields.yaml"
KEPT_DAYS = 32


@dataclass(frozen=True)
class BoundPolicy:
    """A policy as it stands on a day: clauses and money without names, ready to evaluate.

    `kept` holds what others work out of it for every enterprise alike, by a name of theirs.
    """

    policy: Policy
    day: date
    validity: Literal["in_force", "not_yet", "expired", "unconfirmed"]
    clauses: tuple[BoundClause, ...]
    money: Money | None
    shared_cap: int | None = None
    kept: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def opening(self) -> Opening:
        """Whether one may apply on the day."""
        return opening(self.policy, self.day)

    @cached_property
    def most(self) -> int | None:
        """The most that it can grant, in fen; None where nothing bounds it or it is not money."""
        return most(self.money) if self.money else None

    @cached_property
    def money_columns(self) -> tuple[str, ...]:
        """Columns that the amount reads."""
        return money_columns(self.money)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Every column that the policy reads, each once."""
        found = [column for clause in self.clauses for column in clause.columns]
        return tuple(dict.fromkeys([*found, *self.money_columns]))


def bind(policy: Policy, dictionary: Dictionary, day: date) -> BoundPolicy:
    """A policy on a day. Raises BindProblem for a rule that cannot be read."""
    binder = Binder(policy, dictionary, day)
    clauses = tuple(binder.clauses())
    amount = policy.benefit.amount
    money: Money | None = None
    shared: int | None = None
    try:
        if amount is not None:
            money = bind_money(amount, binder, ("benefit", "amount"))
        if policy.stacking.shared_cap:
            path = ("stacking", "shared_cap", "amount")
            shared = int(binder.figure(policy.stacking.shared_cap.amount, path) * 100)
    except NoValue:
        money = None
    return BoundPolicy(policy, day, policy.valid.on(day), clauses, money, shared)


def read_policy(file: Path, dictionary: Dictionary) -> Policy:
    """One rule file, checked whole. Raises PolicyFileError: file, line, key, what is allowed."""
    return read_located(read_yaml(file), dictionary)


def read_located(located: Located, dictionary: Dictionary) -> Policy:
    """The same from YAML that was read already; the file's name must be the policy's id."""
    policy = check(Policy, located)
    if located.file.stem != policy.id:
        raise located.problem(("id",), f"id 是 {policy.id}，文件名要是 {policy.id}.yaml。",
                              f"id is {policy.id}: the file must be named {policy.id}.yaml.")
    try:
        read_region(policy.region)
    except NotAllowed as problem:
        raise located.problem(("region",), f"{problem.zh}。", f"{problem.en}.") from None
    used: set[str] = set()
    try:
        for day in _days(policy):
            binder = Binder(policy, dictionary, day, used)
            if len(binder.clauses()) > MAX_CLAUSES:
                raise BindProblem(("clauses",), f"连同地区至多 {MAX_CLAUSES} 条。",
                                  f"at most {MAX_CLAUSES} with the region.")
            _check_money(policy, binder)
    except BindProblem as problem:
        raise located.problem(problem.path, problem.zh, problem.en) from None
    for part in ("parameters", "tables"):
        idle = sorted(set(getattr(policy, part)) - used)
        if idle:
            raise located.problem((part, idle[0]), f"{idle[0]} 没有用到，请删去或用上。",
                                  f"{idle[0]} is not used: delete it or use it.")
    _check_rest(policy, dictionary, located)
    return policy


def _days(policy: Policy) -> list[date]:
    """Days on which some value of the policy begins, and the first day of the policy."""
    days = {dated.from_ for one in policy.parameters.values() for dated in one.values}
    if isinstance(policy.valid.from_, date):
        days.add(policy.valid.from_)
    return sorted(days | {fixture.as_of for fixture in policy.fixtures})


def _check_money(policy: Policy, binder: Binder) -> None:
    try:
        if policy.benefit.amount is not None:
            bind_money(policy.benefit.amount, binder, ("benefit", "amount"))
        if policy.stacking.shared_cap:
            binder.figure(policy.stacking.shared_cap.amount, ("stacking", "shared_cap", "amount"))
    except NoValue:
        return


def _check_rest(policy: Policy, dictionary: Dictionary, located: Located) -> None:
    """Papers name known holders; fixtures name known fields and clauses."""
    for at, material in enumerate(policy.materials):
        if material.holder not in dictionary.holders:
            allowed = "、".join(dictionary.holders)
            raise located.problem(("materials", at, "holder"),
                                  f"没有 {material.holder} 这个部门；可写：{allowed}。",
                                  f"there is no holder {material.holder}; allowed: {allowed}.")
    ids = {one.clause.id for one in Binder(policy, dictionary, date(2000, 1, 1)).clauses()}
    for at, fixture in enumerate(policy.fixtures):
        path = ("fixtures", at)
        unknown = sorted((set(fixture.clauses) | set(fixture.judgements)) - ids - {"benefit"})
        if unknown:
            where = "clauses" if unknown[0] in fixture.clauses else "judgements"
            raise located.problem((*path, where, unknown[0]),
                                  f"没有子句 {unknown[0]}；有：{'、'.join(sorted(ids))}。",
                                  f"there is no clause {unknown[0]}; there are: "
                                  f"{', '.join(sorted(ids))}.")
        try:
            fixture_enterprise(policy, fixture, dictionary)
        except EnterpriseError as problem:
            raise located.problem((*path, "fields", problem.field), problem.zh,
                                  problem.en) from None


def fixture_enterprise(policy: Policy, fixture: Fixture, dictionary: Dictionary) -> Enterprise:
    """The enterprise of a fixture."""
    judged = {f"{policy.id}.{clause}": held for clause, held in fixture.judgements.items()}
    return dictionary.read(fixture.fields, fixture.name, fixture.name, judged)


@dataclass
class RuleSet:
    """The policies of a pack by id, and the dictionary that they are written in."""

    policies: Mapping[str, Policy]
    dictionary: Dictionary
    files: Mapping[str, Path] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)
    _bound: dict[date, dict[str, BoundPolicy]] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, pack: Path) -> RuleSet:
        """All of `policies/*.yaml` of a pack. Raises PolicyFileError for the first wrong file."""
        dictionary = Dictionary.load(pack)
        policies, files, hashes = {}, {}, {}
        for file in policy_files(pack):
            policy = read_policy(file, dictionary)
            policies[policy.id], files[policy.id] = policy, file
            hashes[policy.id] = hashlib.sha256(file.read_bytes()).hexdigest()
        for id_, policy in policies.items():
            for at, other in enumerate(policy.stacking.excludes):
                if other not in policies or other == id_:
                    raise read_yaml(files[id_]).problem(
                        ("stacking", "excludes", at), f"没有政策 {other}。",
                        f"there is no policy {other}.")
        return cls(policies, dictionary, files, hashes)

    def __iter__(self) -> Iterator[Policy]:
        return iter(self.policies.values())

    def get(self, id_: str) -> Policy:
        """The policy of an id. Raises PolicyNotFound."""
        if id_ not in self.policies:
            raise PolicyNotFound(f"没有政策 {id_}。cityllm policy list 列出全部。",
                                 f"There is no policy {id_}. cityllm policy list shows them all.")
        return self.policies[id_]

    def on(self, day: date) -> dict[str, BoundPolicy]:
        """Every policy as it stands on a day, in force or not; kept for the next call."""
        if day not in self._bound:
            if len(self._bound) >= KEPT_DAYS:
                self._bound.pop(next(iter(self._bound)))
            self._bound[day] = {id_: bind(policy, self.dictionary, day)
                                for id_, policy in self.policies.items()}
        return self._bound[day]


def policy_files(pack: Path) -> list[Path]:
    """The rule files of a pack. Raises PolicyFileError where it has none."""
    folder = pack / "policies"
    files = sorted(path for path in folder.glob("*.yaml") if path.name != FIELDS)
    if not files:
        raise PolicyFileError(f"{folder} 里没有政策文件。写法见 docs/policies.md。",
                              f"{folder} holds no policy. docs/policies.md has the format.")
    return files
