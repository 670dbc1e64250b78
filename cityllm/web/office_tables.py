"""The tables of enterprises that an office looks at: registry, the pack's sample, its uploads.

An upload is kept in a folder of its user under the program's home until it is deleted; at most
`KEPT` of them, the oldest goes. Beside them stands which table and day each policy was last looked
at with, so that the next look can say who gained and who lost.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

from cityllm.errors import EnterpriseError
from cityllm.policies.fields import Dictionary
from cityllm.policies.registry import Registry
from cityllm.policies.table_file import KINDS, ReadTable, read_table

REGISTRY = "registry"
SAMPLE = "sample"
SAMPLE_FILE = Path("enterprises") / "sample.csv"
"""In a city pack."""
MOST_BYTES = 24 * 2**20
KEPT = 5
_NAME = re.compile(r"[\w\u4e00-\u9fff .()（）-]{1,80}")


@dataclass(frozen=True, slots=True)
class Look:
    """A table on a day."""

    table: str
    day: date


class OfficeTables:
    """Tables and looks of every user, under `folder`."""

    def __init__(self, folder: Path, pack: Path, dictionary: Dictionary,
                 registry: Registry | None = None) -> None:
        self.registry = registry
        self.folder = folder
        self.sample = pack / SAMPLE_FILE
        self.dictionary = dictionary
        self._read = lru_cache(maxsize=4)(self._load)

    def names(self, user: str) -> list[str]:
        """What may be chosen: the registry where it holds any, sample, uploads, newest first."""
        held = [REGISTRY] if self.registry is not None and self.registry.count() else []
        held += [SAMPLE] if self.sample.is_file() else []
        return [*held, *(one.name for one in self._files(user))]

    def read(self, user: str, name: str) -> ReadTable:
        """A table by its name. Raises EnterpriseError."""
        path = self.sample if name == SAMPLE else self._own(user) / name
        if name not in self.names(user):
            raise EnterpriseError("没有这张表。", "There is no such table.")
        if name == REGISTRY and self.registry is not None:
            return ReadTable(self.registry.table(), (), ())
        state = path.stat()
        return self._read(path, state.st_mtime_ns, state.st_size)

    def _load(self, path: Path, changed: int, size: int) -> ReadTable:
        return read_table(path, self.dictionary)

    def add(self, user: str, name: str, content: bytes) -> str:
        """Keep an upload that can be read; its name. Raises EnterpriseError."""
        plain = "".join(_NAME.findall(Path(name.replace("\\", "/")).name))[-80:].strip(" .")
        kind = Path(plain).suffix.lower()
        if kind not in KINDS or plain == kind:
            raise EnterpriseError(f"{plain or name} 的格式不支持；可以用 {'、'.join(KINDS)}。",
                                  f"{plain or name} cannot be read; use {', '.join(KINDS)}.")
        own = self._own(user)
        own.mkdir(parents=True, exist_ok=True, mode=0o700)
        trial = own / f".new{kind}"
        try:
            trial.write_bytes(content)
            read_table(trial, self.dictionary)
            trial.replace(own / plain)
        except EnterpriseError as problem:
            raise EnterpriseError(problem.zh.replace(str(trial), plain),
                                  problem.en.replace(str(trial), plain)) from None
        finally:
            trial.unlink(missing_ok=True)
        for old in self._files(user)[KEPT:]:
            old.unlink()
        return plain

    def drop(self, user: str, name: str) -> None:
        """Delete an upload; nothing where there is none."""
        for one in self._files(user):
            if one.name == name:
                one.unlink()

    def before(self, user: str, policy: str, look: Look) -> Look | None:
        """The last other look at a policy; `look` is remembered as the newest."""
        path = self._own(user) / ".looks.json"
        try:
            held = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            held = {}
        seen = [one for one in held.get(policy, []) if one != [look.table, str(look.day)]]
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        held[policy] = [[look.table, str(look.day)], *seen][:2]
        path.write_text(json.dumps(held, ensure_ascii=False), encoding="utf-8")
        usable = [one for one in seen[:1] if one[0] in self.names(user)]
        return Look(usable[0][0], date.fromisoformat(usable[0][1])) if usable else None

    def _own(self, user: str) -> Path:
        return self.folder / hashlib.sha256(user.encode()).hexdigest()[:24]

    def _files(self, user: str) -> list[Path]:
        own = self._own(user)
        held = [one for one in own.iterdir() if one.suffix.lower() in KINDS
                and not one.name.startswith(".")] if own.is_dir() else []
        return sorted(held, key=lambda one: -one.stat().st_mtime_ns)
