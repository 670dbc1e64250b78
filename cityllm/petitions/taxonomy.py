"""The tree of petition matters and who is responsible for each: a city pack's own data.

`taxonomy.yaml` holds three levels, each entry `CODE NAME`; `duties.yaml` the responsible department
for a code (the longest code that fits wins) and for certain words. A district's department is named
after the district where it is known. Nothing here looks at a model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import yaml

from cityllm.errors import ConfigError
from cityllm.petitions.record import Jurisdiction

_ENTRY = re.compile(r"(\d{2}(?:\d{2}){0,2}) (\S.*)")
_CITY = re.compile(r"^市")


def _read(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as problem:
        first = str(problem).splitlines()[0]
        raise ConfigError(
            f"城市数据包里的 {path.name} 读不了：{first}。请检查文件夹 {path.parent.parent} 是不是完整的数据包。",
            f"{path.name} of the city pack cannot be read: {first}. Check that "
            f"{path.parent.parent} is a whole pack.") from None


@dataclass(frozen=True)
class Taxonomy:
    """Codes of 2, 4 and 6 digits and their names; a code begins with its parent's."""

    names: Mapping[str, str]

    @classmethod
    def load(cls, pack: Path) -> Taxonomy:
        """From `petitions/taxonomy.yaml` of a pack. Raises ConfigError for a wrong entry."""
        path = pack / "petitions" / "taxonomy.yaml"
        names: dict[str, str] = {}
        held = _read(path)

        def add(entry: object, level: int, parent: str) -> str:
            match = _ENTRY.fullmatch(str(entry))
            if not match or len(match[1]) != 2 * level or not match[1].startswith(parent) \
                    or match[1] in names:
                raise ConfigError(
                    f"{path.name} 的条目“{entry}”不对：第 {level} 级应写“编码 名称”，编码 {2 * level} 位数字，"
                    f"以上级编码“{parent}”开头且不重复。",
                    f'Entry "{entry}" of {path.name} is wrong: level {level} is "CODE NAME", '
                    f'{2 * level} digits, beginning with its parent\'s "{parent}", each once.')
            names[match[1]] = match[2]
            return match[1]

        for top, inner in ((held or {}).get("tree") or {}).items():
            first = add(top, 1, "")
            for middle, leaves in inner.items():
                second = add(middle, 2, first)
                for leaf in leaves:
                    add(leaf, 3, second)
        if not names:
            raise ConfigError(f"{path.name} 里没有类目；顶层应有 tree。",
                              f"{path.name} holds no categories; it needs a tree at the top.")
        return cls(names)

    def codes(self, level: int) -> tuple[str, ...]:
        """All codes of level 1, 2 or 3, in order."""
        return tuple(sorted(code for code in self.names if len(code) == 2 * level))

    def path(self, code: str) -> tuple[str, ...]:
        """Names from level 1 down to `code`; empty for an unknown code."""
        return tuple(self.names[code[:end]] for end in range(2, len(code) + 1, 2)
                     if code[:end] in self.names)

    def find(self, label: str) -> str | None:
        """The code that a label means: a code, a name, or names joined by / or > or —; None where
        it is unknown or means several (the highest level wins)."""
        plain = label.strip()
        if plain in self.names:
            return plain
        parts = [part.strip() for part in re.split(r"[/>＞—\-|]+", plain) if part.strip()]
        for level in (1, 2, 3):
            fits = [code for code in self.codes(level) if list(self.path(code)) == parts
                    or (len(parts) == 1 and self.names[code] == parts[0])]
            if fits:
                return fits[0] if len(fits) == 1 else None
        return None


@dataclass(frozen=True)
class Duties:
    """Which department a matter belongs to."""

    default: str
    by_code: Mapping[str, tuple[str, str]]
    said: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, str]], ...]
    elsewhere: Mapping[str, str]

    @classmethod
    def load(cls, pack: Path) -> Duties:
        """From `petitions/duties.yaml` of a pack. Raises ConfigError for a wrong entry."""
        path = pack / "petitions" / "duties.yaml"
        held = _read(path) or {}
        try:
            by_code = {str(code): _who(row) for code, row in held["departments"].items()}
            said = tuple((tuple(map(str, row["words"])), tuple(map(str, row["codes"])),
                          _who(row))
                         for row in held.get("said", ()))
            elsewhere = {str(code): str(name)
                         for code, name in (held.get("jurisdictions") or {}).items()}
            unknown = set(elsewhere.values()) - set(get_args(Jurisdiction))
            if unknown:
                raise ValueError(f"jurisdictions: {sorted(unknown)}")
            return cls(str(held["default"]), by_code, said, elsewhere)
        except (KeyError, TypeError, AttributeError, ValueError) as problem:
            raise ConfigError(
                f"{path.name} 写得不对：{problem}。需要 default、departments（编码: {{who, at}}），at 为 city 或 "
                "district。",
                f"{path.name} is wrong: {problem}. It needs default and departments (code: "
                "{who, at}); at is city or district.") from None

    def jurisdiction(self, code: str) -> str:
        """Who decides matters of `code` by law: `petition` unless the pack names another."""
        for end in range(len(code), 0, -1):
            if code[:end] in self.elsewhere:
                return self.elsewhere[code[:end]]
        return "petition"

    def names(self, district: str = "") -> tuple[str, ...]:
        """All departments, each once, in the form they have in `district`."""
        held = [*self.by_code.values(), *(who for _, _, who in self.said)]
        return tuple(dict.fromkeys((*(_named(who, district) for who in held), self.default)))

    def department(self, code: str, district: str = "", text: str = "") -> str:
        """The department for `code` in `district` (empty: not known)."""
        if rule := self._rule(code, text):
            return _named(rule[1], district)
        for end in range(len(code), 0, -1):
            if code[:end] in self.by_code:
                return _named(self.by_code[code[:end]], district)
        return self.default

    def word(self, code: str, text: str) -> str:
        """The word of `text` by which a rule names the department; empty where none does."""
        rule = self._rule(code, text)
        return rule[0] if rule else ""

    def _rule(self, code: str, text: str) -> tuple[str, tuple[str, str]] | None:
        """The first rule of words that holds: its word in `text`, and who is responsible."""
        for words, codes, who in self.said:
            if code.startswith(codes):
                word = next((one for one in words if one in text), None)
                if word is not None:
                    return word, who
        return None


def _who(row: Mapping[str, Any]) -> tuple[str, str]:
    at = str(row["at"])
    if at not in ("city", "district"):
        raise ValueError(f"at: {at}")
    return str(row["who"]), at


def _named(who: tuple[str, str], district: str) -> str:
    name, at = who
    return _CITY.sub(district, name) if at == "district" and district else name
