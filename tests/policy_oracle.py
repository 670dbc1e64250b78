"""A third evaluator, written from docs/policies.md alone: the raw file, Fractions, one enterprise.

It shares no code with the program beyond the dictionary's types, and is slow.
"""

from __future__ import annotations

import re
from calendar import isleap
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

Values = Mapping[str, Any]
"""By column: Decimal, int, bool, date, text or list, as a program outside reads them."""


class Oracle:
    """One raw policy on one day for one enterprise."""

    def __init__(self, raw: Mapping[str, Any], day: date, values: Values,
                 types: Mapping[str, str]) -> None:
        self.raw, self.day, self.values, self.types = raw, day, values, types

    def verdict(self) -> bool | None:
        return least([self.validity(), *self.clauses().values()])

    def validity(self) -> bool | None:
        first, last = self.raw["valid"]["from"], self.raw["valid"]["to"]
        if isinstance(first, date) and self.day < first:
            return False
        if isinstance(last, date) and self.day > last:
            return False
        return None if "unknown" in (first, last) else True

    def clauses(self) -> dict[str, bool | None]:
        found: dict[str, bool | None] = {}
        region = self.raw["region"]
        if region != "全国" and all(one["id"] != "region" for one in self.raw["clauses"]):
            found["region"] = self.condition({"field": "region", "under": [region]}, "region")
        for one in self.raw["clauses"]:
            found[one["id"]] = self.condition(one["when"], one["id"])
        return found

    def get(self, ref: str) -> Any:
        key, _, year = ref.partition("@")
        if not year:
            return self.values.get(key)
        at = int(year) if len(year) == 4 else self.day.year + int(year)
        return self.values.get(f"{key}@{at}")

    def number(self, ref: str) -> Fraction | None:
        value = self.get(ref)
        return None if value is None else Fraction(value)

    def condition(self, node: Mapping[str, Any], clause: str) -> bool | None:
        if "all" in node:
            return least([self.condition(one, clause) for one in node["all"]])
        if "any" in node:
            return greatest([self.condition(one, clause) for one in node["any"]])
        if "some" in node:
            each = [self.condition(one, clause) for one in node["of"]]
            if sum(one is True for one in each) >= node["some"]:
                return True
            return None if sum(one is not False for one in each) >= node["some"] else False
        if "not" in node:
            inner = self.condition(node["not"], clause)
            return None if inner is None else not inner
        if "holds" in node:
            held = self.get(node["holds"])
            return held if held is None or isinstance(held, bool) else self.day <= held
        if "judge" in node:
            return self.values.get(f"judge:{self.raw['id']}.{clause}")
        return self.compare(node)

    def compare(self, node: Mapping[str, Any]) -> bool | None:
        for way in ("is", "in", "not_in", "under", "includes", "includes_all"):
            if way in node:
                return self.listed(node["field"], way, node[way])
        bounds = {name: node[name] for name in ("at_least", "more_than", "at_most", "less_than")
                  if name in node}
        resolved = {}
        for name, bound in bounds.items():
            value = self.operand(bound)
            if value is None:
                return None
            resolved[name] = value
        for head, months in (("years_since", 12), ("months_since", 1), ("days_since", 0)):
            if head in node:
                return self.since(node[head], months, resolved)
        return within(self.quantity(node), resolved)

    def quantity(self, node: Any) -> Any:
        if isinstance(node, str):
            node = {"field": node}
        if "field" in node:
            value = self.get(node["field"])
            return value if value is None or isinstance(value, date) else Fraction(value)
        [head] = [one for one in ("sum", "increase", "product", "ratio", "growth") if one in node]
        each = [self.number(ref) for ref in node[head]]
        if any(one is None for one in each):
            return None
        numbers = [one for one in each if one is not None]
        if head == "sum":
            return sum(numbers)
        if head == "increase":
            return numbers[0] - numbers[1]
        if head == "product":
            return numbers[0] * numbers[1]
        if numbers[1] <= 0:
            return None
        return numbers[0] / numbers[1] - (head == "growth")

    def since(self, ref: str, months: int, bounds: Mapping[str, Fraction]) -> bool | None:
        begun = self.get(ref)
        if begun is None:
            return None
        if begun > self.day:
            return False
        ok = True
        for name, count in bounds.items():
            mark = self.day - timedelta(int(count)) if not months else back(
                self.day, months * int(count))
            ok = ok and {"at_least": begun <= mark, "more_than": begun < mark,
                         "at_most": begun >= mark, "less_than": begun > mark}[name]
        return ok

    def listed(self, ref: str, way: str, wanted: Any) -> bool | None:
        value = self.get(ref)
        kind = self.types[ref.partition("@")[0]]
        if value is None:
            return None
        if way == "is":
            return value == wanted
        if way == "includes":
            return bool(set(wanted) & set(value))
        if way == "includes_all":
            return set(wanted) <= set(value)
        if kind in ("region", "industry"):
            cut = re.compile("/") if kind == "region" else re.compile("(?<=.)(?=.)")
            mine = cut.split(value)
            each = []
            for one in wanted:
                full = one if kind == "region" else letter(one)
                theirs = cut.split(full)
                inside = mine[:len(theirs)] == theirs or full == "全国"
                each.append(True if inside else None if theirs[:len(mine)] == mine else False)
            found = greatest(each)
            return found if way == "under" else None if found is None else not found
        return (value in wanted) is (way == "in")

    def operand(self, value: Any) -> Any:
        if isinstance(value, str) and " " in value:
            return self.worked_out(value.split())
        if isinstance(value, str) and value.startswith("$"):
            name, _, column = value[1:].partition(".")
            if column:
                return self.cell(name, column)
            held = [one for one in self.raw["parameters"][name]["values"]
                    if one["from"] <= self.day and self.day <= one.get("to", date.max)]
            last = max(held, key=lambda one: one["from"], default=None)
            return None if last is None else self.operand(last["value"])
        if isinstance(value, str) and (match := re.match(
                r"(as_of|year_start)(?:([+-]\d+)([ymd]))?$", value)):
            start = self.day if match[1] == "as_of" else date(self.day.year, 1, 1)
            count = int(match[2] or 0)
            if match[3] in ("y", "m"):
                return back(start, -count * (12 if match[3] == "y" else 1))
            return start + timedelta(count)
        return plain(value)

    def worked_out(self, words: list[str]) -> Fraction | None:
        total, product = Fraction(0), Fraction(1)
        for word in words:
            if word in ("+", "-"):
                total, product = total + product, Fraction(1 if word == "+" else -1)
            elif word != "*":
                value = self.operand(word)
                if value is None:
                    return None
                product *= value
        return total + product

    def cell(self, name: str, column: str) -> Any:
        table = self.raw["tables"][name]
        for row in table["rows"]:
            fits: bool | None = True
            if "under" in row or "in" in row:
                way = "under" if "under" in row else "in"
                fits = self.listed(table["by"], way, row[way])
            elif "from" in row or "below" in row:
                fits = within(self.quantity(table["by"]), self.span(row))
            if fits is None:
                return None
            if fits:
                return self.operand(row["cells"][column])
        return None

    def span(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self.operand(row[key]) for key, name in
                (("from", "at_least"), ("below", "less_than")) if key in row}

    def amount(self, node: Mapping[str, Any] | None = None) -> Fraction | None:
        """Yuan, whole fen; None where unknown or where there is none."""
        node = node or self.raw["benefit"].get("amount")
        if node is None:
            return None
        found = self.bare(node)
        if found is None:
            return None
        if "floor" in node:
            found = max(found, self.operand(node["floor"]))
        return min(found, self.operand(node["cap"])) if "cap" in node else found

    def bare(self, node: Mapping[str, Any]) -> Any:
        if "fixed" in node:
            return self.fixed(node["fixed"])
        if "interest" in node:
            principal = self.number(node["interest"])
            months = node["months"]
            count = Fraction(months) if isinstance(months, int) else self.number(months)
            if principal is None or count is None:
                return None
            return to_fen(principal * self.operand(node["rate"]) * count / 12)
        if "rate" in node or "per" in node:
            of = self.quantity(node["of"])
            return None if of is None else to_fen(of * self.operand(node.get("rate",
                                                                            node.get("per"))))
        if "tiers" in node:
            for tier in node["tiers"]:
                fits = within(self.quantity(node["by"]), self.span(tier))
                if fits is None:
                    return None
                if fits:
                    return self.amount(tier["then"])
            return Fraction(0)
        if "cases" in node:
            for case in node["cases"]:
                fits = self.condition(case["when"], "benefit")
                if fits is None:
                    return None
                if fits:
                    return self.amount(case["then"])
            return self.amount(node["otherwise"]) if "otherwise" in node else Fraction(0)
        [head] = [one for one in ("total", "highest", "lowest") if one in node]
        each = [self.amount(one) for one in node[head]]
        if any(one is None for one in each):
            return None
        return {"total": sum, "highest": max, "lowest": min}[head](each)  # type: ignore[operator]

    def fixed(self, value: Any) -> Any:
        """A table's cell is nothing where no row fits, and unknown where that is not known."""
        if isinstance(value, str) and "." in value and value.startswith("$"):
            table = self.raw["tables"][value[1:].partition(".")[0]]
            if self.get(table["by"]) is None:
                return self.operand(value)
            found = self.operand(value)
            return Fraction(0) if found is None and not self.coarse(table) else found
        return self.operand(value)

    def coarse(self, table: Mapping[str, Any]) -> bool:
        return any(self.listed(table["by"], "under", row["under"]) is None
                   for row in table["rows"] if "under" in row)


def within(value: Any, bounds: Mapping[str, Any]) -> bool | None:
    if value is None:
        return None
    return all({"at_least": value >= bound, "more_than": value > bound, "at_most": value <= bound,
                "less_than": value < bound}[name] for name, bound in bounds.items())


def least(each: list[bool | None]) -> bool | None:
    return False if False in each else None if None in each else True


def greatest(each: list[bool | None]) -> bool | None:
    return True if True in each else None if None in each else False


def plain(value: Any) -> Any:
    """2000万, 20 %, numbers and dates."""
    if isinstance(value, int | Decimal):
        return Fraction(value)
    if not isinstance(value, str):
        return value
    text = value.replace(",", "").rstrip("元人家项个件")
    times = Fraction(1)
    for word, factor in (("万", 10**4), ("亿", 10**8), ("千", 1000), ("百", 100), ("%", None)):
        while text.endswith(word):
            text = text.removesuffix(word)
            times *= Fraction(1, 100) if factor is None else factor
    return Fraction(text) * times


def to_fen(yuan: Fraction) -> Fraction:
    """Nearest fen, a half up; never below zero."""
    return max(Fraction(int(yuan * 100 + Fraction(1, 2)), 100) if yuan > 0 else Fraction(0),
               Fraction(0))


def back(day: date, months: int) -> date:
    """So many months earlier by the calendar."""
    year, month = day.year, day.month - months
    while month < 1:
        year, month = year - 1, month + 12
    while month > 12:
        year, month = year + 1, month - 12
    long = [31, 29 if isleap(year) else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    return date(year, month, min(day.day, long))


LAST = "A05 B12 C43 D46 E50 F52 G60 H62 I65 J69 K70 L72 M75 N79 O82 P83 Q85 R90 S96 T97".split()


def letter(code: str) -> str:
    """A code with the letter of its section in front."""
    if not code[0].isdigit():
        return code
    return next(one[0] for one in LAST if code[:2] <= one[1:]) + code
