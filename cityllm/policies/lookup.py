"""Names in a rule file looked up on a day: fields, parameters, table cells, relative days."""

from __future__ import annotations

import math
import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

from cityllm.policies.conditions import Operand
from cityllm.policies.fields import Dictionary, Words
from cityllm.policies.figures import NotAllowed, read_figure
from cityllm.policies.policy import Place, Policy, Table

Path = tuple[str | int, ...]
"""Keys and indexes that lead to a value in a rule file."""
_OPERATOR = re.compile(r" [-+*] ")
_RELATIVE = re.compile(r"(as_of|year_start)(?:([+-])(\d+)([ymd]))?")


class BindProblem(ValueError):
    """A rule that cannot be read: the path in the file, and both sentences."""

    def __init__(self, path: Path, zh: str, en: str) -> None:
        super().__init__(f"{zh} {en}")
        self.path, self.zh, self.en = path, zh, en


class NoValue(Exception):
    """A parameter has no value on the day."""

    def __init__(self, name: str, day: date) -> None:
        super().__init__(name)
        self.words = Words(zh=f"参数 {name} 在 {day} 没有已知的值",
                           en=f"parameter {name} has no known value on {day}")


@dataclass
class Lookup:
    """What the names in one policy stand for on one day."""

    policy: Policy
    dictionary: Dictionary
    day: date
    used: set[str] = field(default_factory=set)
    """Parameters and tables that were looked at."""

    def column(self, ref: str, path: Path, *types: str) -> str:
        """The column of a reference on the day; its field must be of one of `types`."""
        key, _, year = ref.partition("@")
        if key not in self.dictionary.fields:
            near = "、".join(self.dictionary.near(key)) or "policies/fields.yaml"
            raise BindProblem(path, f"没有字段 {key}；相近的有：{near}。",
                              f"there is no field {key}; near to it: {near}.")
        found = self.dictionary.fields[key]
        if types and found.type not in types:
            raise BindProblem(
                path, f"{key}（{found.zh}）是 {found.type}，这里要 {'、'.join(types)}。",
                f"{key} ({found.en}) is {found.type}; here {', '.join(types)} is needed.")
        if found.yearly != bool(year):
            raise BindProblem(
                path, f"{key} 分年度，写成 {key}@-1（上一年）。" if found.yearly else f"{key} 不分年度。",
                f"{key} is given by year: write {key}@-1 (last year)." if found.yearly
                else f"{key} is not given by year.")
        if not year:
            return key
        return f"{key}@{int(year) if len(year) == 4 else self.day.year + int(year)}"

    def operand(self, value: Operand, path: Path) -> tuple[Operand, Path]:
        """A literal, or what a parameter or a day relative to the as-of date comes to, and where
        it stands. Raises NoValue, and BindProblem for an unknown name."""
        if not isinstance(value, str):
            return value, path
        if value.startswith("$"):
            name = value[1:]
            if name not in self.policy.parameters:
                held = "、".join(self.policy.parameters) or "（无 none）"
                raise BindProblem(path, f"没有参数 {name}；有：{held}。",
                                  f"there is no parameter {name}; there are: {held}.")
            self.used.add(name)
            parameter = self.policy.parameters[name]
            dated = parameter.on(self.day)
            if dated is None:
                raise NoValue(name, self.day)
            at = parameter.values.index(dated)
            return dated.value, ("parameters", name, "values", at, "value")
        relative = _RELATIVE.fullmatch(value)
        if relative:
            start = self.day if relative[1] == "as_of" else date(self.day.year, 1, 1)
            count = int(relative[3] or 0) * (-1 if relative[2] == "-" else 1)
            return shift(start, count, relative[4] or "d"), path
        return value, path

    def figure(self, value: Operand, path: Path) -> Fraction:
        """An operand that must be a number, or several joined by ` + `, ` - ` and ` * `."""
        if isinstance(value, str) and _OPERATOR.search(value):
            return self._worked_out(value, path)
        found, path = self.operand(value, path)
        try:
            return Fraction(read_figure(found))
        except NotAllowed as problem:
            raise BindProblem(path, f"{problem.zh}。", f"{problem.en}.") from None

    def _worked_out(self, text: str, path: Path) -> Fraction:
        signs = ["+", *re.findall(r" ([+-]) ", text)]
        products = [math.prod((self.figure(one, path) for one in product.split(" * ")),
                              start=Fraction(1)) for product in re.split(r" [+-] ", text)]
        return sum((-one if sign == "-" else one
                    for sign, one in zip(signs, products, strict=True)), Fraction(0))

    def table(self, value: Operand) -> tuple[str, str] | None:
        """Table and column of an operand `$table.column`, None for any other operand."""
        if not isinstance(value, str) or not value.startswith("$") or "." not in value:
            return None
        name, _, column = value[1:].partition(".")
        return name, column

    def cell_known(self, name: str, column: str, path: Path) -> Table:
        """The table of that name with that column. Raises BindProblem."""
        table = self.policy.tables.get(name)
        if table is None or column not in table.rows[0].cells:
            held = "、".join(f"{key}.{cell}" for key, one in self.policy.tables.items()
                            for cell in one.rows[0].cells) or "（无 none）"
            raise BindProblem(path, f"没有表格列 {name}.{column}；有：{held}。",
                              f"there is no table column {name}.{column}; there are: {held}.")
        return table

    def place(self, bounds: Mapping[str, Operand]) -> Place | None:
        """Where the first parameter among the bounds has its value from."""
        for value in bounds.values():
            if isinstance(value, str) and value[1:] in self.policy.parameters:
                dated = self.policy.parameters[value[1:]].on(self.day)
                return dated.place if dated else None
        return None


def shift(day: date, count: int, unit: str) -> date:
    """`day` moved by years (y), months (m) or days (d); 29 February falls back to the 28th."""
    if unit == "d":
        return day + timedelta(days=count)
    months = day.year * 12 + day.month - 1 + count * (12 if unit == "y" else 1)
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
