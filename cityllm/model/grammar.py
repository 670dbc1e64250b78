"""What the bundled model may write next, as a grammar for llguidance.

Either tool calls that fit the offered schemas, or an answer whose references name evidence that
exists. A small model points well and retypes badly, so arguments are pointed at as well:

- a string parameter is a run of the user's own words, or one of the schema's `examples`;
- with `"format": "expression"` it is arithmetic over the quantities the user named;
- a number parameter is one that the user named (either sign), or zero.

Answers hold no digits outside references: every figure is written by the program.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

VERDICTS = ("off_topic", "not_found", "no_such_article", "not_held")
QUANTITY = re.compile(
    r"(?:\d[\d,]*(?:\.\d+)?|[零〇一二两三四五六七八九十百千]+(?:点[零一二三四五六七八九]+)?(?=[亿万亩元公平立个百米天]))"
    r"\s*(?:万亿|千万|百万|亿|万|千)?\s*"
    r"(?:平方米|平方公里|平方千米|平米|公顷|公里|千米|立方米|美元|元|亩|㎡|m²|m2|km2|km²|km|ha|米|厘米|分钟|小时|天|"
    r"人|户|辆|层|吨|方|%|％|m)?")
_EVIDENCE = re.compile(r"^\[E(\d+)\](.*)$", re.MULTILINE)
_NAME = re.compile(r"(?:^|\s)([a-z]\w*)=")
_TENTHS = re.compile(r"([一二两三四五六七八九])成(半)?")
_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"两": 2, "半": 5}


def quantities(text: str) -> list[str]:
    """Figures with their units as the user wrote them, in order, without repeats."""
    found = (m[0].strip() for m in QUANTITY.finditer(text))
    return list(dict.fromkeys(q for q in found if q))


def plain_numbers(text: str) -> list[str]:
    """Numbers the user named, bare: digits as written, 两成 as 20, Chinese numerals up to ten."""
    found = re.findall(r"\d+(?:\.\d+)?", text)
    found += [str(_DIGITS[m[1]] * 10 + (5 if m[2] else 0)) for m in _TENTHS.finditer(text)]
    half = re.search(r"一半|减半|half", text)
    return list(dict.fromkeys(found + (["50"] if half else []) + (["100"] if "翻" in text else [])))


def evidence_names(tool_texts: Iterable[str]) -> dict[int, list[str]]:
    """Evidence shown to the model so far: number -> names of its figures; `text` for a clause."""
    shown: dict[int, list[str]] = {}
    for text in tool_texts:
        for match in _EVIDENCE.finditer(text):
            names = _NAME.findall(match[2])
            shown[int(match[1])] = names or ["text"]
    return shown


class _Rules:
    """Lark rules under construction; `add` names a rule once."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, name: str, body: str) -> str:
        name = f"{name}{len(self.lines)}"
        self.lines.append(f"{name}: {body}")
        return name


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _pointing(rules: _Rules, user: str, examples: Sequence[str]) -> str:
    """A terminal: a run of the user's words (no quotes, escapes or line ends), or an example."""
    pieces = [p for p in re.split(r'["\\\x00-\x1f]+', user) if p.strip()]
    options = [f'(%regex {{"substring_chars": {_text(p)}}} & /.+/)' for p in pieces]
    names = [rules.add("SPAN", o) for o in options]
    names += [_text(e) for e in examples if e]
    return rules.add("POINT", " | ".join(names or ['"-"']))


def _expression(rules: _Rules, user: str) -> str:
    found = [q for q in quantities(user) if '"' not in q and "\\" not in q]
    number = rules.add("QUANTITY", " | ".join(_text(q) for q in [*found, "1", "100"]))
    depth = number
    for _ in range(2):
        inner = rules.add("sum", f'{depth} ((" + " | " - " | " * " | " / ") {depth})*')
        depth = rules.add("part", f'{number} | "(" {inner} ")"')
    units = "亩 公顷 平方米 平方公里 元 万元 亿元 米 公里 天 小时 % 立方米".split()
    unit = rules.add("UNIT", " | ".join(_text(u) for u in units))
    return rules.add("formula", f'{depth} ((" + " | " - " | " * " | " / ") {depth})* (" = ? " {unit})?')


def _value(rules: _Rules, schema: Mapping[str, Any], user: str) -> str:
    if "enum" in schema:
        return " | ".join(_text(json.dumps(v, ensure_ascii=False)) for v in schema["enum"])
    kind = schema.get("type", "string")
    if kind in ("number", "integer"):
        numbers = plain_numbers(user)
        if kind == "integer":
            numbers = [n for n in numbers if "." not in n]
        bare = rules.add("NUMBER", " | ".join(_text(n) for n in [*numbers, "0"]))
        return f'("-")? {bare}'
    if kind == "boolean":
        return '"true" | "false"'
    inner = (_expression(rules, user) if schema.get("format") == "expression"
             else _pointing(rules, user, schema.get("examples", ())))
    return f'"\\"" {inner} "\\""'


def _call(rules: _Rules, function: Mapping[str, Any], user: str) -> str:
    """One `{"name": …, "arguments": {…}}`; properties in the schema's order, optional ones may lack."""
    schema = function["parameters"]
    required = set(schema.get("required", ()))
    parts: list[str] = []
    first = True
    for name, field in schema.get("properties", {}).items():
        value = rules.add("value", _value(rules, field, user))
        key = _text(("" if first else ", ") + json.dumps(name) + ": ")
        item = f"{key} {value}"
        parts.append(item if name in required or first else f"({item})?")
        first = False
    head = _text('{"name": ' + json.dumps(function["name"]) + ', "arguments": {')
    return rules.add("call", f'{head} {" ".join(parts)} "}}}}"')


def build(tools: Sequence[Mapping[str, Any]], user: str, shown: Mapping[int, Sequence[str]]) -> str:
    """The Lark grammar for one turn.

    `tools`: OpenAI tool dictionaries that are offered (none: an answer only). `user`: everything
    the user has said. `shown`: from `evidence_names`.
    """
    rules = _Rules()
    starts: list[str] = []
    if tools:
        calls = [_call(rules, t["function"], user) for t in tools]
        one = rules.add("one", f'<tool_call> "\\n" ({" | ".join(calls)}) "\\n" </tool_call>')
        starts.append(f'{one} ("\\n" {one})?')
    marks = [f"[{v}]" for v in VERDICTS]
    starts.append(rules.add("VERDICT", " | ".join(_text(m) for m in marks)))
    if shown:
        references = [_text(f"[E{n}]") for n in shown]
        references += [_text(f"{{E{n}.{name}}}") for n, names in shown.items() for name in names]
        reference = rules.add("REFERENCE", " | ".join(references))
        words = rules.add("WORDS", r"/[^\[\]{}<>0-9]{1,80}/")
        starts.append(f"{words}? {reference} ({words}? {reference})* {words}?")
    return "start: " + "\n     | ".join(starts) + "\n" + "\n".join(rules.lines) + "\n"
