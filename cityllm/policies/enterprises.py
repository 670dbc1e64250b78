"""One enterprise from JSON, as the API, the command line and the pages take it.

    {"id": "91110108…", "name": "…", "fields": {"region": "北京市海淀区", "revenue": {"2025": "2000万"}},
     "judgements": {"beijing-suanli-quan.direction": true}}

A mapping without `fields` is taken for the fields themselves.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from cityllm.errors import EnterpriseError
from cityllm.policies.fields import Dictionary, Enterprise

_KEYS = ("id", "name", "fields", "judgements")


def parse_json(text: str | bytes) -> Any:
    """JSON in which a number with a point is a Decimal. Raises EnterpriseError."""
    try:
        data = json.loads(text, parse_float=Decimal)
        if "\\u" in str(text):  # half a sign can be escaped
            json.dumps(data, ensure_ascii=False, default=str).encode()
        return data
    except json.JSONDecodeError as problem:
        raise EnterpriseError(f"不是正确的 JSON（第 {problem.lineno} 行）：{problem.msg}。",
                              f"This is not valid JSON (line {problem.lineno}): {problem.msg}."
                              ) from None
    except (ValueError, RecursionError):
        raise EnterpriseError("这段 JSON 读不了：不是 UTF-8，嵌套太深，或者数字太长。",
                              "This JSON cannot be read: it is not UTF-8, too deep, or has a "
                              "number that is too long.") from None


def from_data(data: Any, dictionary: Dictionary) -> Enterprise:
    """An enterprise from a mapping. Raises EnterpriseError naming the field and what is allowed."""
    if not isinstance(data, Mapping):
        raise EnterpriseError("企业数据要是一个对象：{\"fields\": {…}}。",
                              "An enterprise is an object: {\"fields\": {…}}.")
    if "fields" not in data:
        return dictionary.read(data)
    unknown = sorted(set(data) - set(_KEYS))
    if unknown:
        allowed = ", ".join(_KEYS)
        raise EnterpriseError(f"不认识 {unknown[0]}；可以有：{allowed}。",
                              f"{unknown[0]} is not known; allowed: {allowed}.",
                              field=unknown[0], allowed=allowed)
    for name in ("fields", "judgements"):
        if data.get(name) is not None and not isinstance(data[name], Mapping):
            raise EnterpriseError(f"{name} 要是一个对象。", f"{name} must be an object.", field=name,
                                  allowed="{…}")
    return dictionary.read(data["fields"] or {}, str(data.get("id") or ""),
                           str(data.get("name") or ""), data.get("judgements"))


def from_pairs(pairs: Iterable[str], dictionary: Dictionary) -> dict[str, Any]:
    """`field=value` as typed on a command line, into fields; a set is written `a,b`."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise EnterpriseError(f"{pair!r} 不可用：写成 字段=值，如 revenue@2025=2000万。",
                                  f"{pair!r} is not usable: write field=value, as "
                                  "revenue@2025=2000万.", field=name)
        near = dictionary.find(name)
        value: Any = {"true": True, "是": True, "false": False, "否": False, "": None}.get(
            text.strip(), text.strip())
        if near and dictionary.fields[near].type == "set" and isinstance(value, str):
            value = [one.strip() for one in value.replace("、", ",").split(",")]
        found[name] = value
    return found


def read_file(path: Path, dictionary: Dictionary) -> Enterprise:
    """An enterprise from a JSON file. Raises EnterpriseError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise EnterpriseError(f"{path} 读不了：{problem}。", f"{path} cannot be read: {problem}."
                              ) from None
    return from_data(parse_json(text), dictionary)
