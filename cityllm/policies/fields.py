"""The dictionary of enterprise fields, and an enterprise read by it.

`rag_corpus/policies/fields.yaml` and the topics in `policies/fields/` name every datum that a rule
may read: its type, unit, who holds it, and whether a firm can change it. Inside the program a value
is a whole number where it can be (fen, 10^-decimals, days, the last day of a certificate), so that
every comparison is exact; at the edge it is a Decimal or a date. A datum that is not given is
missing: never zero, never false.

A column is a field, or a field and a year: `employees`, `revenue@2024`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

from cityllm.errors import EnterpriseError
from cityllm.policies.figures import NotAllowed, from_quanta, read_figure, show_yuan, to_quanta
from cityllm.policies.located import read_yaml
from cityllm.policies.regions import read_industry, read_region
from cityllm.policies.validate import check

Value = int | str | frozenset[str]
"""A stored value: quanta, a choice or a code, or a set of choices."""
Type = Literal["money", "integer", "number", "date", "boolean", "certificate", "choice", "set",
               "region", "industry"]
NUMBERS = ("money", "integer", "number")
LIMIT = 10**17
"""No quantum count reaches this, so that sums of a few stay within 64 bits."""
FOREVER, NEVER = date(9999, 12, 31).toordinal(), 0
"""Last day of a certificate that is held without a known end, and of one that is not held."""
YEARS = range(1949, 2201)
UNITS = {"": "", "元": "yuan", "人": "persons", "件": "items", "个": "items", "项": "items",
         "家": "firms", "次": "times", "分": "points", "天": "days", "月": "months", "台": "units",
         "辆": "vehicles", "座": "stations", "亩": "mu", "平方米": "m²", "吨": "t",
         "吨标准煤": "tce", "千瓦": "kW", "千瓦时": "kWh", "美元": "US dollars", "万千瓦时": "10 MWh"}
"""Units that a field may have, and how they are written in English."""
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,48}$")]


class Words(BaseModel):
    """A text in both languages."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    zh: Annotated[str, StringConstraints(min_length=1)]
    en: Annotated[str, StringConstraints(min_length=1)]

    def say(self, language: str = "zh") -> str:
        """The text in `zh` or `en`."""
        return self.en if language == "en" else self.zh


class Field(Words):
    """One datum of an enterprise."""

    key: str = ""
    type: Type
    unit: str = ""
    decimals: int = 0
    yearly: bool = False
    negative: bool = False
    options: dict[Key, Words] = {}
    holder: str
    changeable: bool
    note: Words | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Field:
        if (self.type in ("choice", "set")) != bool(self.options):
            raise NotAllowed("options 属于 choice 和 set，别的类型没有",
                             "options belong to type choice or set, and to no other")
        if self.decimals and self.type != "number":
            raise NotAllowed("decimals 只属于 number", "decimals belong to type number alone")
        if self.unit not in UNITS:
            listed = list(UNITS)[1:]
            raise NotAllowed(f"没有单位 {self.unit}；可写：{'、'.join(listed)}",
                             f"there is no unit {self.unit}; allowed: {', '.join(listed)}")
        return self

    @property
    def places(self) -> int:
        """Decimals of the stored quantum."""
        return 2 if self.type == "money" else self.decimals

    def unit_in(self, language: str) -> str:
        """The unit in words."""
        return UNITS[self.unit] if language == "en" else self.unit

    @cached_property
    def allowed(self) -> Words:
        """What may stand here, in one line."""
        above = ("", "") if self.negative else ("，不小于 0", ", not below 0")
        match self.type:
            case "money":
                zh, en = (f"金额（元，至多两位小数{above[0]}），如 20000000 或 2000万",
                          f"yuan with at most two decimals{above[1]}, as 20000000 or 2000万")
            case "integer":
                zh, en = f"整数{above[0]}", f"a whole number{above[1]}"
            case "number":
                zh, en = (f"数（至多 {self.decimals} 位小数{above[0]}）",
                          f"a number with at most {self.decimals} decimals{above[1]}")
            case "date":
                zh, en = "日期，如 2020-05-01", "a date, as 2020-05-01"
            case "boolean":
                zh, en = "true（是）或 false（否）", "true or false"
            case "certificate":
                zh, en = ("true（持有）、false（没有）或有效期最后一天，如 2027-12-31",
                          "true, false, or its last valid day, as 2027-12-31")
            case "region":
                zh, en = ("从省或市写起的地名，如 北京市/海淀区",
                          "a place from the province down, as 北京市/海淀区")
            case "industry":
                zh, en = "GB/T 4754-2017 代码，如 C3911 或 65", "a GB/T 4754-2017 code, as C3911 or 65"
            case _:
                listed = self.type == "set"
                zh = ("以下的列表：" if listed else "以下之一：") + "、".join(
                    f"{key}（{words.zh}）" for key, words in self.options.items())
                en = ("a list of: " if listed else "one of: ") + ", ".join(
                    f"{key} ({words.en})" for key, words in self.options.items())
        return Words(zh=zh, en=en)

    def encode(self, value: Any) -> Value:
        """A stored value from what a person or a program gives. NotAllowed for others."""
        match self.type:
            case "money" | "integer" | "number":
                quanta = to_quanta(read_figure(value), self.places)
                if abs(quanta) >= LIMIT or (quanta < 0 and not self.negative):
                    raise NotAllowed(f"{value!r} 超出范围", f"{value!r} is out of range")
                return quanta
            case "date":
                return _day(value).toordinal()
            case "boolean":
                if not isinstance(value, bool):
                    raise NotAllowed(f"{value!r} 不是 true 或 false",
                                     f"{value!r} is neither true nor false")
                return int(value)
            case "certificate":
                if isinstance(value, bool):
                    return FOREVER if value else NEVER
                return _day(value).toordinal()
            case "region":
                return read_region(_text(value))
            case "industry":
                return read_industry(_text(value))
            case "choice":
                return self._option(value)
            case "set":
                if isinstance(value, str) or not isinstance(value, list | tuple | set | frozenset):
                    raise NotAllowed(f"{value!r} 不是列表", f"{value!r} is not a list")
                return frozenset(self._option(one) for one in value)

    def _option(self, value: Any) -> str:
        for key, words in self.options.items():
            if value in (key, words.zh, words.en):
                return key
        raise NotAllowed(f"{value!r} 不在可选项里", f"{value!r} is not among the options")

    def decode(self, value: Value) -> Any:
        """The value as a program outside reads it: Decimal, int, date, bool, text, list."""
        if isinstance(value, str):
            return value
        if isinstance(value, frozenset):
            return sorted(value)
        match self.type:
            case "integer":
                return value
            case "money" | "number":
                return from_quanta(value, self.places)
            case "boolean":
                return bool(value)
            case "certificate" if value in (FOREVER, NEVER):
                return value == FOREVER
            case _:
                return date.fromordinal(value)

    def show(self, value: Value, language: str = "zh") -> str:
        """The value in words, with its unit."""
        english = language == "en"
        if isinstance(value, str):
            return self.options[value].say(language) if self.options else value
        if isinstance(value, frozenset):
            names = [self.options[one].say(language) for one in sorted(value)]
            return (", " if english else "、").join(names) or ("none" if english else "无")
        match self.type:
            case "money":
                return show_yuan(value, language)
            case "boolean":
                return ("yes" if value else "no") if english else ("是" if value else "否")
            case "certificate":
                if value in (FOREVER, NEVER):
                    held = value == FOREVER
                    return ("held" if held else "not held") if english else (
                        "持有" if held else "没有")
                day = date.fromordinal(value)
                return f"valid to {day}" if english else f"有效至 {day}"
            case "date":
                return str(date.fromordinal(value))
            case _:
                return f"{from_quanta(value, self.places):,f} {self.unit_in(language)}".strip()


def _day(value: Any) -> date:
    try:
        day = value if isinstance(value, date) else date.fromisoformat(_text(value))
    except ValueError:
        raise NotAllowed(f"{value!r} 不是日期", f"{value!r} is no date") from None
    if day.year not in YEARS:
        raise NotAllowed(f"{value!r} 不在 {YEARS[0]} 至 {YEARS[-1]} 年之间",
                         f"{value!r} is outside {YEARS[0]} to {YEARS[-1]}")
    return day


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise NotAllowed(f"{value!r} 不是文字", f"{value!r} is no text")
    return str(value)


@dataclass(frozen=True)
class Enterprise:
    """One enterprise: what is known of it, by column. What is not in `values` is missing."""

    id: str
    values: Mapping[str, Value]
    name: str = ""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    holders: dict[Key, Words] = {}
    fields: dict[Key, Field]


NEAR = 0.6
"""Share of the letters of two names that agree, in order, where one may stand for the other."""


@dataclass(frozen=True)
class Dictionary:
    """All fields by key, and the offices that hold data and papers."""

    fields: Mapping[str, Field]
    holders: Mapping[str, Words]

    @classmethod
    def load(cls, pack: Path) -> Dictionary:
        """From `policies/fields.yaml` of a pack and the topics in `policies/fields/`.

        Raises PolicyFileError.
        """
        folder = pack / "policies"
        holders: dict[str, Words] = {}
        fields: dict[str, Field] = {}
        for file in [folder / "fields.yaml", *sorted((folder / "fields").glob("*.yaml"))]:
            located = read_yaml(file)
            held = check(_File, located)
            holders |= held.holders
            for key, field in held.fields.items():
                if key in fields:
                    raise located.problem(("fields", key), "另一个文件里已经有这个字段。",
                                          "another file has this field already.")
                if field.holder not in holders:
                    allowed = "、".join(holders)
                    raise located.problem(("fields", key, "holder"),
                                          f"没有 {field.holder} 这个部门；可写：{allowed}。",
                                          f"there is no holder {field.holder}; allowed: {allowed}.")
                fields[key] = field.model_copy(update={"key": key})
        return cls(fields, holders)

    @cached_property
    def _by_name(self) -> dict[str, str]:
        return {name: key for key, field in self.fields.items()
                for name in (key, field.zh, field.en)}

    def find(self, name: str) -> str | None:
        """The key of a field named by key or by its Chinese or English name, year or not."""
        return self._by_name.get(name.partition("@")[0])

    def field_of(self, column: str) -> Field:
        """The field of a column (`revenue@2024`). KeyError for an unknown one."""
        return self.fields[column.partition("@")[0]]

    def near(self, name: str) -> list[str]:
        """Keys that `name` may have meant, likeliest first; none that is far from it."""
        found = difflib.get_close_matches(name, list(self._by_name), n=3, cutoff=NEAR)
        return list(dict.fromkeys(self._by_name[one] for one in found))

    def label(self, column: str, language: str = "zh") -> str:
        """A column in words: `2024 年营业收入`, `Operating revenue 2024`."""
        key, _, year = column.partition("@")
        words = self.fields[key].say(language)
        if not year:
            return words
        return f"{words} {year}" if language == "en" else f"{year} 年{words}"

    def read(self, given: Mapping[str, Any], id_: str = "", name: str = "",
             judgements: Mapping[str, bool] | None = None) -> Enterprise:
        """An enterprise from `{field: value}`; a yearly field is `{field: {year: value}}` or
        `field@year`. A field may be named by its key, or by its Chinese or English name. null is
        missing. `judgements` are `{policy.clause: bool}`. Raises EnterpriseError for the first
        field that is unknown or wrong."""
        values: dict[str, Value] = {}
        for column, value in self._cells(given):
            if value is None:
                continue
            field = self.field_of(column)
            try:
                values[column] = field.encode(value)
            except NotAllowed as problem:
                raise _wrong(column, field, problem.zh, problem.en) from None
        for key, held in (judgements or {}).items():
            if held is None:
                continue
            if not isinstance(held, bool):
                raise EnterpriseError(f"判断 {key} 的值 {held!r} 不可用：写 true 或 false。",
                                      f"The judgement {key} has value {held!r}: true or false.",
                                      field=key, allowed="true, false")
            values[f"judge:{key}"] = int(held)
        return Enterprise(id_, values, name)

    def _cells(self, given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        for name, value in given.items():
            head, _, year = str(name).partition("@")
            key = self.find(head)
            if key is None:
                near = self.near(head)
                hint = f"是不是 {'、'.join(near)}？" if near else ""
                meant = f" Did you mean {', '.join(near)}?" if near else ""
                raise EnterpriseError(
                    f"没有字段 {head}。{hint}全部字段见 cityllm policy fields。",
                    f"There is no field {head}.{meant} cityllm policy fields lists them all.",
                    field=head, allowed=", ".join(near), nearest=near)
            field = self.fields[key]
            if not field.yearly and (year or isinstance(value, Mapping)):
                raise _wrong(key, field, "这一项不分年度", "it is not given by year")
            if field.yearly and not year and value is not None and not isinstance(value, Mapping):
                raise _wrong(key, field, "这一项分年度，请写 {2024: …}",
                             "it is given by year: {2024: …}")
            cells = value.items() if isinstance(value, Mapping) else [(year, value)]
            for one, cell in cells:
                if field.yearly and cell is not None and (
                        not str(one).isdigit() or int(one) not in YEARS):
                    raise _wrong(key, field, f"年度 {one!r} 不可用", f"{one!r} is no year")
                yield (f"{key}@{one}" if field.yearly else key), cell


def _wrong(column: str, field: Field, zh: str, en: str) -> EnterpriseError:
    return EnterpriseError(f"字段 {column}（{field.zh}）：{zh}。可以写：{field.allowed.zh}。",
                           f"Field {column} ({field.en}): {en}. Allowed: {field.allowed.en}.",
                           field=column, allowed=field.allowed.en)

