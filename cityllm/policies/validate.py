"""A pydantic model read from a rule file; faults name file, line, key and what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from cityllm.policies.figures import NotAllowed
from cityllm.policies.located import Located

Model = TypeVar("Model", bound=BaseModel)


def check(model: type[Model], located: Located) -> Model:
    """`located.data` as a `model`. Raises PolicyFileError for its first fault."""
    try:
        return model.model_validate(located.data)
    except ValidationError as problem:
        faults = [(_real(located, one["loc"]), dict(one)) for one in problem.errors()]
    # An unknown key explains the key that is missing beside it, so it is told first.
    path, first = min(faults, key=lambda one: (one[1]["type"] != "extra_forbidden",
                                               located.line(one[0])))
    same = [one for at, one in faults if at == path]
    raise located.problem(path, *(_union(same) if len(same) > 1 else _said(model, first, path)))


def _real(located: Located, loc: Sequence[str | int]) -> tuple[str | int, ...]:
    """pydantic's location without the names of union members, as far as it leads in the file."""
    path: tuple[str | int, ...] = ()
    here: Any = located.data
    for at, part in enumerate(loc):
        inside = (isinstance(here, dict) and part in here) or (
            isinstance(here, list) and isinstance(part, int) and part < len(here))
        if inside:
            here, path = here[part], (*path, part)
        elif at == len(loc) - 1 and isinstance(here, dict) and "-" not in str(part):
            path = (*path, part)
    return path


def _union(faults: list[dict[str, Any]]) -> tuple[str, str]:
    """A value that is none of several kinds: what each would allow."""
    zh, en = [], []
    for fault in faults:
        kind, context = fault["type"], fault.get("ctx") or {}
        if kind.startswith("date"):
            zh.append("日期 2024-01-01")
            en.append("a date, 2024-01-01")
        elif kind == "literal_error":
            listed = str(context["expected"]).replace("'", "").replace(" or ", ", ")
            zh.append(listed)
            en.append(listed)
        elif kind == "string_pattern_mismatch":
            zh.append(f"格式 {context['pattern']}")
            en.append(f"the form {context['pattern']}")
    value = str(faults[0]["input"])[:60]
    return (f"{value!r} 不可用；可写：{'、'.join(dict.fromkeys(zh))}。",
            f"{value!r} is not allowed; allowed: {', '.join(dict.fromkeys(en))}.")


@cache
def _known_keys(model: type[BaseModel]) -> tuple[str, ...]:
    """Every key that the format has somewhere."""
    schema = model.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    return tuple(dict.fromkeys(key for part in parts for key in part.get("properties", ())))


def _said(model: type[BaseModel], fault: dict[str, Any],
          path: tuple[str | int, ...]) -> tuple[str, str]:
    key = str(path[-1]) if path else ""
    context = fault.get("ctx") or {}
    match fault["type"]:
        case "extra_forbidden":
            near = difflib.get_close_matches(key, _known_keys(model), n=1)
            meant = (f"是不是 {near[0]}？", f" Did you mean {near[0]}?") if near else ("", "")
            return (f"这里没有 {key} 这个键。{meant[0]}写法见 docs/policies.md。",
                    f"there is no key {key} here.{meant[1]} docs/policies.md has the format.")
        case "missing":
            return f"缺少 {key}。", f"{key} is missing."
        case "value_error":
            error = context.get("error")
            if isinstance(error, NotAllowed):
                return f"{error.zh}。", f"{error.en}."
            return f"{error}。", f"{error}."
        case "literal_error" | "enum":
            allowed = str(context.get("expected", "")).replace("'", "").replace(" or ", ", ")
            return (f"{fault['input']!r} 不可用；可写：{allowed}。",
                    f"{fault['input']!r} is not allowed; allowed: {allowed}.")
        case _:
            shown = str(fault["input"])[:60]
            return (f"值 {shown!r} 不可用：{fault['msg']}。",
                    f"the value {shown!r} is not allowed: {fault['msg']}.")
