"""What the bundled model may write next, as a grammar for llguidance.

Either tool calls that fit the offered schemas, or an answer whose references name evidence that
exists. A small model points well and retypes badly, so arguments are pointed at as well:

- a string parameter is a run of the user's own words, or one of the schema's `examples`; with
  `"format": "choice"` it is one of the `examples`;
- with `"format": "expression"` it is arithmetic over the quantities the user named;
- a number parameter is one that the user named (either sign), or zero, within the schema's bounds;
- anything else (lists, objects) is JSON that fits its schema;
- a call is never the one that `"not": {"const": …}` of its parameters rules out.

Answers hold no digits outside references: every figure is written by the program. Lengths are
bounded, so that a call always ends. Nothing here reads a model or a tokenizer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cityllm.model.figures import plain_numbers, quantities, target_units

VERDICTS = ("off_topic", "not_found", "no_such_article", "not_held")
NOTHING = ("off_topic", "not_found")
"""Verdicts that are wrong where an article was found that is likely to answer."""
MARK = re.compile(r"</?(?:tool_call|tool_response|tools|think)>|<\|\w+\|>")
"""Control marks of the chat format: words of a user never become them."""
SPAN = 200
"""Longest run of the user's words in one argument, in characters."""
HEARD = 6000
"""How much of what the user said can be pointed at, in characters, the newest."""

_UNSAFE = re.compile(r'["\\\x00-\x1f\x7f]+|' + MARK.pattern)
_EVIDENCE = re.compile(r"^\[E(\d+)\](?: [a-z]\w*(?= |$))?(.*)$", re.MULTILINE)
_RUN = re.compile(r"^\[E\d+\] [a-z]\w*(?: |$)")
_NAME = re.compile(r"(?:^|\s)([a-z]\w*)=")


def clean(text: str) -> str:
    """Text that can be encoded and that holds no control mark; nothing else is changed."""
    return MARK.sub(" ", text.encode("utf-8", "replace").decode("utf-8"))


def evidence_names(tool_texts: Iterable[str]) -> dict[int, list[str]]:
    """Evidence shown to the model so far: number -> names of its figures; `text` for a clause."""
    shown: dict[int, list[str]] = {}
    for text in tool_texts:
        for match in _EVIDENCE.finditer(text):
            names = _NAME.findall(match[2]) if _RUN.match(match[0]) else []
            shown[int(match[1])] = list(dict.fromkeys(names)) or ["text"]
    return shown


class _Rules:
    """Lark rules under construction; `add` names a body once, and gives that name again."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], str] = {}

    def add(self, name: str, body: str) -> str:
        return self._names.setdefault((name, body), f"{name}{len(self._names)}")

    def text(self) -> str:
        return "".join(f"{name}: {body}\n" for (_, body), name in self._names.items())


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _any_of(values: Iterable[str]) -> str:
    return " | ".join(_text(v) for v in dict.fromkeys(values))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _pointing(rules: _Rules, user: str, examples: Sequence[str]) -> str:
    """A JSON string: a run of the user's words (no quotes, escapes, marks), or an example."""
    runs = [p.strip() for p in _UNSAFE.split(user)]
    options = [rules.add("SPAN", f'(%regex {{"substring_chars": {_text(p)}}} & '
                                 f"/\\S(.{{0,{SPAN - 2}}}\\S)?/)")
               for p in dict.fromkeys(runs) if p]
    options += [_text(_json(e)[1:-1]) for e in dict.fromkeys(examples) if e]
    if not options:
        return _text('""')
    return f'"\\"" {rules.add("POINT", " | ".join(options))} "\\""'


def _expression(rules: _Rules, user: str) -> str:
    number = rules.add("QUANTITY", _any_of([*quantities(user), "1", "100"]))
    sign = rules.add("SIGN", _any_of([" + ", " - ", " * ", " / "]))
    inner = rules.add("sum", f"{number} ({sign} {number}){{0,5}}")
    part = rules.add("part", f'{number} | "(" {inner} ")"')
    unit = rules.add("UNIT", _any_of(target_units()))
    return f'"\\"" {part} ({sign} {part}){{0,7}} (" = ? " {unit})? "\\""'


def _numbers(field: Mapping[str, Any], user: str) -> list[str]:
    """Numbers that may stand as this field, as JSON: named ones of either sign, within bounds."""
    named = plain_numbers(user)
    if field["type"] == "integer":
        named = [n for n in named if "." not in n]
    low = field.get("minimum", field.get("exclusiveMinimum", float("-inf")))
    high = field.get("maximum", field.get("exclusiveMaximum", float("inf")))
    edges = {field.get("exclusiveMinimum"), field.get("exclusiveMaximum")}
    signed = [s + n for n in [*named, "0"] for s in ("", "-") if s + n != "-0"]
    fit = [n for n in signed if low <= float(n) <= high and float(n) not in edges]
    return fit or [_json(field[k]) for k in ("default", "minimum", "maximum") if k in field][:1]


def _value(rules: _Rules, field: Mapping[str, Any], user: str, never: Any = None) -> str:
    """One value as a rule body; a value of an `enum` or a number that is `never` is left out, and
    the body is "" where nothing else is left."""
    options = [o for o in field.get("anyOf", ()) if o.get("type") != "null"]
    if len(options) == 1:
        field = {**field, **options[0]}
    kind = field.get("type")
    if "enum" in field or "const" in field:
        return _any_of(_json(v) for v in field.get("enum", [field.get("const")]) if v != never)
    if kind in ("number", "integer") and (fit := _numbers(field, user)):
        left = [n for n in fit if never is None or float(n) != never]
        return rules.add("NUMBER", _any_of(left)) if left else ""
    if kind == "boolean":
        return '"true" | "false"'
    if kind == "string" and field.get("format") == "choice":
        return rules.add("CHOICE", _any_of(_json(e) for e in field["examples"]))
    if kind == "string" and field.get("format") == "expression":
        return _expression(rules, user)
    if kind == "string" or (kind is None and not options):
        return _pointing(rules, user, field.get("examples", ()))
    layout = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
    return f"%json {_json({**field, 'x-guidance': layout})}"


def _call(rules: _Rules, function: Mapping[str, Any], user: str) -> str:
    """One `{"name": …, "arguments": {…}}`; properties in the schema's order, "" if none is valid.

    The first is always given, since a comma before the next must be known to be right. Where the
    schema has an idle call, each body lets one argument differ from it and those before it not.
    """
    schema = function.get("parameters") or {}
    idle = (schema.get("not") or {}).get("const") or {}
    turns: list[str | None] = list(idle) or [None]
    bodies = [body for at in range(len(turns))
              if (body := _arguments(rules, schema, user, idle, turns[:at], turns[at])) is not None]
    if not bodies:
        return ""
    head = _text('{"name": ' + _json(function["name"]) + ', "arguments": {')
    return rules.add("call", f'{head} ({" | ".join(bodies)}) "}}}}"')


def _arguments(rules: _Rules, schema: Mapping[str, Any], user: str, idle: Mapping[str, Any],
               settled: Sequence[str | None], busy: str | None) -> str | None:
    """All arguments, `settled` ones as in `idle` and `busy` not; None where that cannot be."""
    parts: list[str] = []
    for name, field in (schema.get("properties") or {}).items():
        if name in settled:
            open_to = idle[name] in field.get("enum", [idle[name]])
            body = _text(_json(idle[name])) if open_to else ""
        else:
            body = _value(rules, field, user, idle.get(name) if name == busy else None)
        if not body:
            return None
        item = f"{_text((', ' if parts else '') + _json(name) + ': ')} {rules.add('value', body)}"
        parts.append(item if name in schema.get("required", ()) or not parts else f"({item})?")
    return " ".join(parts)


def build(tools: Sequence[Mapping[str, Any]], user: str, shown: Mapping[int, Sequence[str]],
          *, must_call: bool = False, found: bool = False) -> str:
    """The Lark grammar for one turn.

    `tools`: OpenAI tool dictionaries that are offered (none: an answer only). `user`: everything
    the user has said, newest last. `shown`: from `evidence_names`. `must_call`: no answer yet.
    `found`: what was shown is likely to answer, so that it cannot be said that nothing was found.
    """
    rules = _Rules()
    starts: list[str] = []
    user = clean(user)[-HEARD:]
    calls = [call for t in tools if (call := _call(rules, t["function"], user))]
    if calls:
        one = rules.add("one", f'<tool_call> "\\n" ({" | ".join(calls)}) "\\n" </tool_call>')
        starts.append(f'{one} ("\\n" {one})?')
    if not (must_call and calls):
        open_to = [v for v in VERDICTS if not (found and v in NOTHING)]
        starts.append(rules.add("VERDICT", _any_of(f"[{v}]" for v in open_to)))
    if shown and not (must_call and calls):
        references = [f"[E{n}]" for n in shown]
        references += [f"{{E{n}.{name}}}" for n, names in shown.items() for name in names]
        reference = rules.add("REFERENCE", _any_of(references))
        words = rules.add("WORDS", r"/[^\[\]{}<>\p{Nd}]{1,80}/")
        starts.append(f"{words}? {reference} ({words}? {reference}){{0,30}} {words}?")
    return "start: " + "\n     | ".join(starts) + "\n" + rules.text()
