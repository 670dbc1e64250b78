"""The pack's status table: which instruments ended, by what and when, known on a stated date.

It outranks what is read from the texts themselves (同时废止). Format (YAML):

    status_known: 2025-04-30
    ended:
      - {title: 信访条例, date: 2022-05-01, by: 信访工作条例, how: replaced, source: 信访工作条例第五十条…}
    revised:
      - {title: 治安管理处罚法, version: 2025-06-27, from: 2026-01-01, source: 主席令…}
    aliases: {行诉法: 行政诉讼法}

`ended.how` is replaced | repealed | in_force; in_force cancels a wrong inference. `revised` names a
newer wording that may not be held: it puts a warning beside the older one.
"""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cityllm.corpus.names import title_key
from cityllm.errors import CorpusError


class Ended(BaseModel):
    """One instrument that ended on `day`; `by` is what replaced it, if anything did."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    title: str
    day: date = Field(alias="date")
    by: str = ""
    how: Literal["replaced", "repealed", "in_force"] = "replaced"
    source: str


class Revised(BaseModel):
    """A newer wording of `title`, in force from `since`."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    title: str
    version: date
    since: date = Field(alias="from")
    source: str


class StatusTable(BaseModel):
    """The whole table; `hash` changes with the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    status_known: date | None = None
    ended: tuple[Ended, ...] = ()
    revised: tuple[Revised, ...] = ()
    aliases: dict[str, str] = Field(default_factory=dict)
    hash: str = ""

    def ended_by_key(self) -> dict[str, Ended]:
        """Entries by the key of their title."""
        return {title_key(entry.title): entry for entry in self.ended}

    def revised_by_key(self) -> dict[str, Revised]:
        """Newest revision by the key of its title."""
        return {title_key(e.title): e for e in sorted(self.revised, key=lambda e: e.since)}


def read_status(path: Path | None) -> StatusTable:
    """The table at `path`; empty where `path` is None. A wrong entry raises CorpusError."""
    if path is None:
        return StatusTable()
    import yaml

    try:
        raw = path.read_bytes()
        content = yaml.safe_load(raw.decode("utf-8")) or {}
        table = StatusTable.model_validate(content)
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CorpusError(
            f"状态表 {path} 的 {where} 有误：{first['msg']}，值为 {first['input']!r}。",
            f"The status table {path} is wrong at {where}: {first['msg']}, value "
            f"{first['input']!r}.") from None
    except (OSError, ValueError, yaml.YAMLError) as problem:
        raise CorpusError(f"状态表 {path} 读不了：{problem}。请修复该文件。",
                          f"The status table {path} cannot be read: {problem}. Mend it.") from None
    return table.model_copy(update={"hash": hashlib.sha256(raw).hexdigest()[:16]})
