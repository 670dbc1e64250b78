"""YAML in which every key and value knows its line, and numbers stay exact.

Differences to ordinary YAML: a number with a point is a Decimal, only `true` and `false` are
booleans (`no`, `off`, `yes` stay words), the same key twice is refused, and so are tags, anchors
and aliases: a rule file says each thing where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from cityllm.errors import PolicyFileError

_INT = re.compile(r"[-+]?(0|[1-9][0-9_]*)")
_DECIMAL = re.compile(r"[-+]?[0-9][0-9_]*\.[0-9]+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where PyYAML was built with it: a catalogue is read ten times as fast."""

Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Located:
    """Plain data, and the line (from 1) at which each path in it begins."""

    file: Path
    data: Any
    lines: dict[Path_, int]

    def line(self, path: Sequence[str | int]) -> int:
        """The line of `path`, or of the longest part of it that exists."""
        for end in range(len(path), -1, -1):
            if tuple(path[:end]) in self.lines:
                return self.lines[tuple(path[:end])]
        return 1

    def problem(self, path: Sequence[str | int], zh: str, en: str) -> PolicyFileError:
        """An error that names file, line and key before the sentence."""
        key = spell(path)
        line = self.line(path)
        return PolicyFileError(f"{self.file} 第 {line} 行，{key or '文件'}：{zh}",
                               f"{self.file} line {line}, {key or 'file'}: {en}")


def spell(path: Sequence[str | int]) -> str:
    """A path as a reader writes it: `clauses[0].when.field`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def read_yaml(file: Path) -> Located:
    """A YAML file with its lines. Raises PolicyFileError naming file, line and remedy."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise PolicyFileError(f"{file} 读不了：{problem}。请检查文件名，并存成 UTF-8。",
                              f"{file} cannot be read: {problem}. Check its name, and store it as "
                              "UTF-8.") from None
    return parse_yaml(text, file)


def parse_yaml(text: str, file: Path) -> Located:
    """The same from a text; `file` is named in messages."""
    try:
        node = yaml.compose(text, Loader=_LOADER)
        for token in yaml.scan(text, Loader=_LOADER) if re.search("[&*!]", text) else ():
            if isinstance(token, yaml.TagToken | yaml.AnchorToken | yaml.AliasToken):
                raise yaml.MarkedYAMLError(problem="tags, anchors and aliases are not allowed",
                                           problem_mark=token.start_mark)
    except yaml.MarkedYAMLError as problem:
        line = problem.problem_mark.line + 1 if problem.problem_mark else 1
        said = problem.problem or problem.context or "?"
        raise PolicyFileError(
            f"{file} 第 {line} 行不是正确的 YAML：{said}。请检查缩进、冒号后的空格和引号。",
            f"{file} line {line} is not valid YAML: {said}. Check indentation, the blank after "
            "a colon, and quotes.") from None
    except yaml.YAMLError as problem:
        raise PolicyFileError(f"{file} 不是正确的 YAML：{problem}。",
                              f"{file} is not valid YAML: {problem}.") from None
    lines: dict[Path_, int] = {}
    data = _plain(node, (), file, lines) if node is not None else None
    return Located(file, data, lines)


def _plain(node: yaml.Node, path: Path_, file: Path, lines: dict[Path_, int]) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key_node, value in node.value:
            key = str(key_node.value)
            line = key_node.start_mark.line + 1
            if key in found:
                raise PolicyFileError(
                    f"{file} 第 {line} 行：{spell((*path, key))} 写了两次，请合并或删去一个。",
                    f"{file} line {line}: {spell((*path, key))} stands twice; merge or delete one.")
            lines[*path, key] = line
            found[key] = _plain(value, (*path, key), file, lines)
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_plain(one, (*path, at), file, lines) for at, one in enumerate(node.value)]
    assert isinstance(node, yaml.ScalarNode)
    return _scalar(str(node.value), plain=not node.style)


def _scalar(text: str, *, plain: bool) -> Any:
    """A quoted scalar stays text; a plain one is a word, a number, a date, true, false or null."""
    if not plain:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text.replace("_", ""))
    if _DECIMAL.fullmatch(text):
        return Decimal(text.replace("_", ""))
    if _DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            return text
    return text
