"""The calls of training dialogues, written as the engine would offer them.

At run time an argument is one of a few choices that the program read in the question
(`cityllm.agent.choices`); a dialogue must call with one of them that means what its author wrote.
"""

from __future__ import annotations

import re
from typing import Any

from cityllm.agent.toolbox import Toolbox
from cityllm.corpus.citations import numbers_in, titles_in
from cityllm.corpus.numerals import article_key
from tools import ToolInputError
from tools.calculate import calculate
from tools.calendar_cn import read_date
from tools.legal_deadline import legal_deadline, load_periods

Call = tuple[str, dict[str, Any]]


def pointed(call: Call, question: str, toolbox: Toolbox) -> Call | None:
    """The call with each argument as the engine would offer it; None where it offers none that
    means the same."""
    name, arguments = call
    spec = next(spec for spec in toolbox.specs if spec.name == name)
    bound = toolbox.bind(spec, question)
    if bound is None:
        return None
    found: dict[str, Any] = {}
    for key, value in arguments.items():
        options = bound.properties.get(key, {}).get("examples")
        if bound.properties.get(key, {}).get("format") != "choice" or not options:
            found[key] = value
            continue
        same = next((o for o in options if _same(key, str(o), str(value), toolbox)), None)
        if same is None:
            return None
        found[key] = same
    return name, found


def _same(argument: str, option: str, wanted: str, toolbox: Toolbox) -> bool:
    """Whether an offered value means the wanted one."""
    if option == wanted:
        return True
    if argument == "query":
        return re.sub(r"\W", "", wanted) in re.sub(r"\W", "", option)
    if argument == "title":
        return option in (wanted.strip("《》"), *titles_in(wanted, toolbox.ledger)[:1])
    if argument == "article":
        return numbers_in(option) == (numbers_in(wanted) or [article_key(wanted)])
    if argument == "start":
        return _read(read_date, option) == _read(read_date, wanted) is not None
    if argument == "period":
        named = load_periods().named(wanted)
        return option in [one.name for one in named] or (
            not named and _length(option) == _length(wanted) is not None)
    if argument == "expression":
        return base_value(option) == base_value(wanted) is not None
    return False


def base_value(expression: str) -> tuple[str, bool] | None:
    """Value in base units, and whether a percentage is asked for."""
    found = _read(calculate, re.sub(r" = \?.*", "", expression))
    if found is None:
        return None
    shown = found.values.get("result_ratio", found.values["result"])
    plain = found.values.get("result_yuan", found.values.get("result_m2", shown))
    return plain.text, expression.endswith("%") and "= ?" in expression


def _length(period: str) -> object:
    found = _read(lambda text: legal_deadline("2024-06-03", text), period)
    return found and found.deadline


def _read(function: Any, text: str) -> Any:
    try:
        return function(text)
    except ToolInputError:
        return None
