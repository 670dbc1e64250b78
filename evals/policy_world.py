"""A made-up city for measures: enterprises with joint distributions, and policies of real size.

Enterprises: size classes as in the last economic census' order of magnitude (most have fewer than
ten people), productivity and margins by industry, figures of a year grown from those of the year
before, research where industry and size make it likely, certificates where there is research. A
share of all data is missing. Policies: every form of docs/policies.md, thresholds at quantiles of
the enterprises, and sizes from the upper half of the pack's own. Nothing here is a real enterprise
or a real policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityllm.policies.bound import Switch, leaves
from cityllm.policies.fields import FOREVER, NEVER, NUMBERS, Dictionary, Field
from cityllm.policies.located import Located
from cityllm.policies.policy import Policy
from cityllm.policies.ruleset import BoundPolicy, RuleSet, bind, read_located
from cityllm.policies.table import MISSING, NO_TEXT, EnterpriseTable, Ints, Texts

DAY = date(2026, 6, 1)
YEARS = (2023, 2024, 2025, 2026)
DISTRICTS = {"北京市/海淀区": 22, "北京市/朝阳区": 26, "北京市/丰台区": 12, "北京市/大兴区": 9,
             "北京市/通州区": 9, "北京市/昌平区": 8, "北京市/西城区": 6, "北京市/东城区": 6,
             "北京市": 1, "浙江省/杭州市/西湖区": 1}
INDUSTRIES = {"F5171": 18, "F5299": 14, "L7299": 10, "M7519": 9, "I6513": 9, "I6490": 4, "C3911": 2,
              "C3561": 3, "C2740": 2, "C3581": 2, "E5010": 5, "G5430": 3, "H6210": 4, "K7020": 3,
              "R8810": 4, "O8291": 4, "A0139": 2, "P8391": 2}
PER_HEAD = {"F": 2.4e6, "C": 1.3e6, "E": 1.1e6, "I": 0.9e6, "M": 0.7e6}
"""Revenue for each person in yuan, median; 500,000 elsewhere."""
RESEARCH = {"I": 0.45, "M": 0.3, "C": 0.35}
"""Share of firms that do research."""


class City:
    """Enterprises drawn once; columns are made as they are asked for, always the same ones."""

    def __init__(self, size: int, dictionary: Dictionary, seed: int = 1,
                 missing: float = 0.15) -> None:
        self.size, self.dictionary, self.lack = size, dictionary, missing
        dice = np.random.default_rng(seed)
        self.seed = seed
        names, weights = list(INDUSTRIES), np.array(list(INDUSTRIES.values()), float)
        self.industry = dice.choice(len(names), size, p=weights / weights.sum()).astype(np.int32)
        self.industries = tuple(names)
        section = np.array([name[0] for name in names])[self.industry]
        self.employees = np.maximum(1, np.exp(dice.normal(1.7, 1.35, size))).astype(np.int64)
        median = np.select([section == key for key in PER_HEAD], list(PER_HEAD.values()), 5e5)
        self.revenue = self.employees * median * np.exp(dice.normal(0, 0.9, size))
        self.margin = dice.normal(0.06, 0.09, size)
        likely = np.select([section == key for key in RESEARCH], list(RESEARCH.values()), 0.02)
        self.research = dice.random(size) < likely * np.clip(
            np.log10(self.employees + 1) / 1.2, 0.3, 2)
        self.intensity = np.where(self.research, dice.beta(2, 18, size), 0)
        self.growth = np.exp(dice.normal(0.05, 0.25, (len(YEARS), size)))
        self.level = np.cumprod(self.growth, axis=0) / np.prod(self.growth[:3], axis=0)

    def table(self, columns: Sequence[str]) -> EnterpriseTable:
        """A table with these columns."""
        numbers: dict[str, Ints] = {}
        texts: dict[str, Texts] = {}
        sets: dict[str, Ints] = {}
        options: dict[str, tuple[str, ...]] = {}
        for column in sorted(set(columns)):
            dice = np.random.default_rng([self.seed, *column.encode()])
            gone = dice.random(self.size) < self.lack
            field = None if column.startswith("judge:") else self.dictionary.field_of(column)
            if field is not None and field.type in ("choice", "region", "industry"):
                codes, names = self._texts(field, dice)
                texts[column] = Texts(np.where(gone, NO_TEXT, codes).astype(np.int32), names)
            elif field is not None and field.type == "set":
                options[column] = tuple(sorted(field.options))
                bits = sum((dice.random(self.size) < 0.25).astype(np.int64) << at
                           for at in range(len(field.options)))
                sets[column] = np.where(gone, MISSING, bits)
            else:
                numbers[column] = np.where(gone, MISSING, self._numbers(column, field, dice))
        ids = [f"E{at:06d}" for at in range(self.size)]
        return EnterpriseTable(ids, numbers, texts, sets, (), options)

    def _texts(self, field: Field, dice: np.random.Generator) -> tuple[NDArray[Any],
                                                                       tuple[str, ...]]:
        if field.type == "industry":
            return self.industry, self.industries
        if field.type == "region":
            weights = np.array(list(DISTRICTS.values()), float)
            return (dice.choice(len(DISTRICTS), self.size, p=weights / weights.sum()),
                    tuple(DISTRICTS))
        names = tuple(field.options)
        weights = 1 / np.arange(1, len(names) + 1) ** 1.5
        return dice.choice(len(names), self.size, p=weights / weights.sum()), names

    def _numbers(self, column: str, field: Field | None, dice: np.random.Generator) -> Ints:
        if field is None or field.type == "boolean":
            return (dice.random(self.size) < (0.5 if field is None else 0.3)).astype(np.int64)
        if field.type == "certificate":
            held = self.research & (dice.random(self.size) < 0.4)
            until = dice.integers(DAY.toordinal() - 300, DAY.toordinal() + 1000, self.size)
            until = np.where(dice.random(self.size) < 0.2, FOREVER, until)
            return np.where(held, until, NEVER)
        if field.type == "date":
            age = dice.exponential(7 * 365, self.size)
            return (DAY.toordinal() - np.minimum(age, 40 * 365)).astype(np.int64)
        year = int(column.partition("@")[2] or YEARS[-2])
        level = self.level[max(0, min(len(YEARS) - 1, year - YEARS[0]))]
        if field.type == "integer":
            share = dice.beta(1.2, 8, self.size)
            whole = field.key in ("employees", "employees_at", "social_insured")
            return np.rint(self.employees * (1 if whole else share)).astype(np.int64)
        base = self.revenue * level
        if field.key == "rd_spend":
            base = base * self.intensity
        elif field.negative:
            base = base * self.margin * np.exp(dice.normal(0, 0.2, self.size))
        elif field.key not in ("revenue", "main_revenue", "total_assets"):
            zero = dice.random(self.size) < 0.4
            base = np.where(zero, 0, base * dice.beta(1, 12, self.size))
        if field.type == "number":
            return np.rint(dice.beta(2, 5, self.size) * 10**field.places).astype(np.int64)
        return np.rint(np.minimum(base, 1e12) * 100).astype(np.int64)


def sizes(bound: Sequence[BoundPolicy]) -> NDArray[np.int64]:
    """Clauses, columns and table switches of each policy."""
    return np.array([[len(one.clauses), len(one.columns), sum(_switches(c.node) for c in
                                                              one.clauses)] for one in bound])


def _switches(node: Any) -> int:
    if isinstance(node, Switch):
        return 1
    parts = getattr(node, "parts", None) or ([node.part] if hasattr(node, "part") else [])
    return sum(_switches(part) for part in parts)


def policies(count: int, rules: RuleSet, city: City, seed: int = 2) -> list[Policy]:
    """Generated policies, each at least as large as a policy of `rules` drawn by chance."""
    maker = _Maker(rules, city, seed)
    wanted = _upper_half(maker.shipped, count, seed)
    return [maker.policy(number, *wanted[number]) for number in range(count)]


def _upper_half(shipped: NDArray[np.int64], count: int, seed: int) -> list[list[int]]:
    """Sizes spread evenly over the upper half of each of the pack's own, so that neither mean nor
    95th percentile of the generated ones lies below the pack's."""
    dice = np.random.default_rng(seed)
    columns = []
    for held in shipped.T:
        half = np.sort(held)[len(held) // 2:]
        at = ((np.arange(count) + 0.999) / max(count, 1) * len(half)).astype(int)
        columns.append(dice.permutation(half[np.minimum(at, len(half) - 1)]))
    return [[int(one) for one in row] for row in np.stack(columns, axis=1)]


class _Maker:
    def __init__(self, rules: RuleSet, city: City, seed: int) -> None:
        self.rules, self.city = rules, city
        self.dice = np.random.default_rng(seed)
        self.shipped = sizes([bind(one, rules.dictionary, DAY) for one in rules])
        self.fields = list(rules.dictionary.fields.values())
        columns = [f"{one.key}@{YEARS[-2]}" if one.yearly else one.key for one in self.fields]
        self.sample = City(4000, rules.dictionary, city.seed, 0).table(columns)

    def policy(self, number: int, clauses: int, columns: int, tables: int) -> Policy:
        """One policy. Conditions are added until it has so many clauses, columns and tables."""
        id_ = f"generated-{number:03d}"
        raw: dict[str, Any] = {
            "id": id_, "title": {"zh": f"生成的政策 {number}", "en": f"Generated policy {number}"},
            "number": str(number), "issuer": "测试", "region": str(self.dice.choice(
                ["全国", "北京市", "北京市/海淀区"])),
            "valid": {"from": date(2020, 1, 1), "to": date(2030, 12, 31)},
            "source": {"title": "生成", "name": "evals"},
            "tables": {f"t{at}": self._table() for at in range(tables)},
            "clauses": [], "benefit": {"zh": "补助", "en": "Grant", "kind": "subsidy",
                                       "amount": self._amount()},
            "fixtures": [{"name": f"空 {at}", "as_of": DAY, "fields": {}, "verdict": "unknown"}
                         for at in range(4)]}
        pending = [self._in_table(name) for name in raw["tables"]]
        while True:
            while len(raw["clauses"]) < clauses - (raw["region"] != "全国") or pending:
                when = pending.pop() if pending else self._condition()
                raw["clauses"].append({"id": f"c{len(raw['clauses'])}", "zh": "条件", "en": "Clause",
                                       "place": {"at": "1"}, "when": when})
            policy = read_located(Located(Path(f"{id_}.yaml"), raw, {}), self.rules.dictionary)
            made = bind(policy, self.rules.dictionary, DAY)
            if len(made.columns) >= columns or len(raw["clauses"]) >= 28:
                return policy
            at = self.dice.integers(len(raw["clauses"]))
            old = raw["clauses"][at]["when"]
            raw["clauses"][at]["when"] = {"all": [old, self._simple()]} if "all" not in old else {
                "all": [*old["all"], self._simple()]}

    def _condition(self) -> dict[str, Any]:
        form = self.dice.choice(["simple", "any", "some", "not", "judge", "ratio"],
                                p=[0.55, 0.15, 0.07, 0.06, 0.05, 0.12])
        match form:
            case "any":
                return {"any": [self._simple(), self._simple()]}
            case "some":
                return {"some": 2, "of": [self._simple(), self._simple(), self._simple()]}
            case "not":
                return {"not": self._simple()}
            case "judge":
                return {"judge": {"zh": "判断", "en": "Judged"}}
            case "ratio":
                return self._ratio()
        return self._simple()

    def _ratio(self) -> dict[str, Any]:
        head = str(self.dice.choice(["ratio", "growth", "increase", "sum"]))
        match head:
            case "ratio":
                share = int(self.dice.integers(1, 12))
                return {"ratio": ["rd_spend@-1", "revenue@-1"], "at_least": f"{share}%"}
            case "growth":
                return {"growth": ["revenue@-1", "revenue@-2"],
                        "at_least": f"{int(self.dice.integers(-10, 30))}%"}
            case "increase":
                return {"increase": ["rd_spend@-1", "rd_spend@-2"], "at_least": "50万"}
        return {"sum": ["exports@-1", "service_exports@-1"], "more_than": "100万"}

    def _simple(self) -> dict[str, Any]:
        field = self.fields[self.dice.integers(len(self.fields))]
        ref = f"{field.key}@-1" if field.yearly else field.key
        options = list(field.options)
        match field.type:
            case "boolean":
                return {"field": ref, "is": bool(self.dice.random() < 0.3)}
            case "certificate":
                return {"holds": ref}
            case "date":
                return {"years_since": ref, "at_most": int(self.dice.integers(3, 12))}
            case "choice":
                return {"field": ref, "in": [str(one) for one in self.dice.choice(
                    options, max(1, len(options) // 2), replace=False)]}
            case "set":
                return {"field": ref, "includes": [str(one) for one in self.dice.choice(
                    options, max(1, len(options) // 3), replace=False)]}
            case "region":
                return {"field": ref, "under": ["北京市"]}
            case "industry":
                return {"field": ref, "under": [str(one) for one in self.dice.choice(
                    ["C", "I64", "I65", "M", "F51", "C39"], 3, replace=False)]}
        side = str(self.dice.choice(["at_least", "at_most", "more_than", "less_than"]))
        return {"field": ref, side: self._threshold(field, 0.3 if side in (
            "at_least", "more_than") else 0.8)}

    def _threshold(self, field: Field, quantile: float) -> Any:
        column = f"{field.key}@{YEARS[-2]}" if field.yearly else field.key
        value = int(np.quantile(self.sample.numbers[column], quantile))
        return field.decode(value) if field.type in NUMBERS else value

    def _table(self) -> dict[str, Any]:
        few, many = (int(one) for one in self.dice.integers([20, 60], [60, 300]))
        return {"by": "industry", "rows": [{"under": ["C", "E"], "cells": {"people": many}},
                                           {"under": ["I65"], "cells": {"people": few + 20}},
                                           {"otherwise": True, "cells": {"people": few}}]}

    def _in_table(self, name: str) -> dict[str, Any]:
        return {"field": "employees", "at_most": f"${name}.people"}

    def _amount(self) -> dict[str, Any]:
        match self.dice.choice(["fixed", "rate", "per", "tiers", "interest", "cases"]):
            case "fixed":
                return {"fixed": f"{int(self.dice.integers(1, 50))}万"}
            case "per":
                return {"per": 1500, "of": "graduates_hired@-1", "cap": "50万"}
            case "tiers":
                return {"by": "revenue@-1", "tiers": [
                    {"from": "100万", "below": "2000万", "then": {"fixed": "5万"}},
                    {"from": "2000万", "then": {"rate": "0.33%", "of": "revenue@-1"}}],
                    "cap": "100万"}
            case "interest":
                return {"interest": "loan_principal", "rate": "1.75%", "months": "loan_months",
                        "cap": "200万"}
            case "cases":
                return {"cases": [{"when": {"holds": "little_giant"}, "then": {"fixed": "50万"}},
                                  {"when": {"holds": "specialised_sme"}, "then": {"fixed": "20万"}}]}
        return {"rate": f"{int(self.dice.integers(1, 40))}%", "of": "rd_spend@-1", "floor": "1万",
                "cap": "300万"}


def columns_of(bound: Sequence[BoundPolicy]) -> list[str]:
    """Every column that some policy reads, each once."""
    return list(dict.fromkeys(column for one in bound for column in one.columns))


def tests_of(bound: Sequence[BoundPolicy]) -> int:
    """How many tests the policies have, equal ones counted each time."""
    return sum(1 for one in bound for clause in one.clauses for _ in leaves(clause.node))
