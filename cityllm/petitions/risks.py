"""Rules of words for what is urgent: a city pack's `risks.yaml`, read into rules.

A rule with `any` holds where one of its words stands; one with `all` where a word of each of its
lists stands within `near` characters. `not` takes a hit back where one of its words stands within
`near` characters of it. Rules add to what a classifier finds; they never take away from it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from cityllm.errors import ConfigError

NAMES = ("life", "group", "self_harm", "minors")
_AROUND = 6


@dataclass(frozen=True)
class Rule:
    """`first` finds candidates; `lists` are the further lists of words."""

    first: tuple[str, ...]
    lists: tuple[tuple[str, ...], ...]
    near: int
    against: tuple[str, ...]

    def hit(self, text: str, starts: Collection[str] | None = None) -> tuple[str, ...]:
        """The words of `text` that fulfil the rule; empty where none do. `starts`: how the words
        that can stand in it begin (two characters), if that is known."""
        for word in self.first:
            if starts is not None and word[:2] not in starts:
                continue
            at = text.find(word)
            while at >= 0:
                low, high = max(0, at - self.near), at + len(word) + self.near
                part = text[low:high]
                others = [next((one for one in words if one in part), "") for words in self.lists]
                around = part if self.lists else text[max(0, low - _AROUND):high + _AROUND]
                if all(others) and not any(one in around for one in self.against):
                    return word, *others
                at = text.find(word, at + 1)
        return ()


@dataclass(frozen=True)
class Rules:
    """Rules by risk."""

    by_risk: Mapping[str, tuple[Rule, ...]]

    @classmethod
    def load(cls, pack: Path) -> Rules:
        """From `petitions/risks.yaml` of a pack. Raises ConfigError for a wrong rule."""
        path = pack / "petitions" / "risks.yaml"
        try:
            held = yaml.safe_load(path.read_text(encoding="utf-8"))
            unknown = set(held) - {*NAMES, "version"}
            if unknown:
                raise ValueError(f"unknown risks {sorted(unknown)}; allowed: {', '.join(NAMES)}")
            return cls({name: tuple(_rule(row) for row in held.get(name, ())) for name in NAMES})
        except (OSError, yaml.YAMLError, TypeError, AttributeError, ValueError, KeyError) as fault:
            first = str(fault).splitlines()[0]
            raise ConfigError(
                f"{path.name} 读不了：{first}。每条规则写 any: [词…] 或 all: [[词…], [词…]]，可加 near、not。",
                f"{path.name} cannot be read: {first}. A rule is any: [words] or all: [[words], "
                "[words]], with near and not if wanted.") from None

    def found(self, text: str) -> dict[str, tuple[str, ...]]:
        """Risk -> the words that speak for it."""
        plain = "".join(text.split())
        here: set[str] = set()
        for one in self._scan.finditer(plain):
            here |= {one[0], plain[one.start():one.start() + 2]}
        hits: dict[str, tuple[str, ...]] = {}
        for start in sorted(here & self._starts.keys()):  # the same words in every process
            for name, rule in self._starts[start]:
                if name not in hits and (words := rule.hit(plain, here)):
                    hits[name] = words
        return hits

    @cached_property
    def _scan(self) -> re.Pattern[str]:
        """A character that a first word begins with, its second one following."""
        after: dict[str, set[str]] = {}
        for start in self._starts:
            after.setdefault(start[0], set()).add(start[1:])
        return re.compile("|".join(
            re.escape(first) + ("" if "" in more else f"(?=[{re.escape(''.join(sorted(more)))}])")
            for first, more in sorted(after.items())) or "(?!)")

    @cached_property
    def _starts(self) -> dict[str, list[tuple[str, Rule]]]:
        """First two characters of a rule's first words -> the rules, so that few are tried."""
        found: dict[str, list[tuple[str, Rule]]] = {}
        for name, rules in self.by_risk.items():
            for rule in rules:
                for start in {word[:2] for word in rule.first}:
                    found.setdefault(start, []).append((name, rule))
        return found


def _words(words: object) -> tuple[str, ...]:
    if not isinstance(words, list) or not words:
        raise ValueError(f"a list of words, not {words}")
    return tuple(map(str, words))


def _rule(row: dict[str, object]) -> Rule:
    if set(row) - {"any", "all", "near", "not"} or ("any" in row) == ("all" in row):
        raise ValueError(f"rule {row}")
    lists, near = row.get("all", [row.get("any")]), row.get("near", 0)
    if not isinstance(lists, list) or not isinstance(near, int):
        raise ValueError(f"rule {row}")
    first, *others = map(_words, lists)
    return Rule(first, tuple(others), near, _words(row["not"]) if "not" in row else ())
