"""When is a wording in force? The time rules, worked out over all versions at once.

1. A version starts on its own version date at the earliest, later if 自…起施行 says so.
2. It ends when the next version held starts, or on an amendment between the two that the next
   one's preamble names: the wording in between is not held, and is not made up.
3. 同时废止 in another instrument ends every version up to that date. The status table outranks it.
4. A newer wording that the table names and that is not held puts a warning on the last one held.
5. "Not yet in force" is said only before the first enactment of the title. 自…起施行 of a revision is
   the revision's date: the title was born on its own first day, or with its first adoption, or,
   where an older text of the same name is ended by this one, on a day that is not known.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta

from cityllm.corpus.names import plain_title, title_key
from cityllm.corpus.status import StatusTable

SAME_ACT = timedelta(days=200)
"""修订, 批准 and 公布 of one local act lie at most this far apart."""
VACATIO = timedelta(days=731)
"""A first enactment takes effect at most this long after its adoption."""
RULES = "2"
"""Raised when the rules above change: ledgers worked out by older ones are worked out again."""


@dataclass
class _Row:
    id: int
    key: str
    title: str
    version: str
    adopted: str | None
    effective: str | None
    at_once: bool
    amended: list[str]
    repeals: list[str]

    @property
    def start(self) -> str:
        """First day of this wording, "" where no date is known at all."""
        return max(self.version, self.effective or "")

    @property
    def renewed(self) -> bool:
        """An older text of the same name existed, and nothing here says since when."""
        return self.adopted in self.amended or self.key in map(title_key, self.repeals)

    @property
    def born(self) -> tuple[str, bool] | None:
        """First day of the title in any wording, as far as this text tells, and whether that day
        is exact (in force) or the adoption only. None where an older text of that name existed."""
        if self.renewed:
            return None
        if self.adopted and _apart(self.adopted, self.version, SAME_ACT) and (
                not self.effective or self.effective >= self.version
                or any(day < self.effective for day in self.amended)
                or _apart(self.adopted, self.effective, VACATIO)):
            return self.adopted, False
        return (self.effective or self.adopted or self.version), True

    @property
    def first_day(self) -> str:
        """Day on which the first enactment took effect: that is when 同时废止 did."""
        if self.effective:
            return self.effective
        return self.version if not self.adopted or not self.amended else self.adopted


def derive(connection: sqlite3.Connection, table: StatusTable) -> None:
    """Write starts, ends, repealed, replaced_by and note of every instrument. In a transaction."""
    rows = [_Row(r[0], r[1], r[2], r[3], r[4], r[5], bool(r[6]), json.loads(r[7]), json.loads(r[8]))
            for r in connection.execute(
                "SELECT id, key, title, version, adopted, effective, at_once, amended, repeals "
                "FROM instruments ORDER BY key, version")]
    chains: dict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        chains[row.key].append(row)
    said, revised = table.ended_by_key(), table.revised_by_key()
    ended = _repeals(rows)
    for key, entry in said.items():
        ended.pop(key, None)
        if entry.how != "in_force":
            ended[key] = [(entry.day.isoformat(), plain_title(entry.by) if entry.by else "")]
    values = []
    for key, chain in chains.items():
        born = _born(chain)
        for row in chain:
            later = [r for r in chain if r.version > row.version]
            end = min((r.start for r in later), default=None)
            gap = _amended_between(row, later)
            end = min(end, gap) if end and gap else end
            repealed, by = next(((day, by) for day, by in sorted(ended.get(key, []))
                                 if day >= row.version and (not end or day <= end)), (None, ""))
            note = ""
            news = revised.get(key)
            if news and not later and row.version < news.version.isoformat():
                note = (f"注意：{news.version} 已有新修订文本，自 {news.since} 起施行，本库未收录，"
                        "此处为此前文本")
            values.append((row.start or None, repealed or end, repealed, by, note, born, row.id))
    connection.executemany("UPDATE instruments SET starts=?, ends=?, repealed=?, replaced_by=?, "
                           "note=?, born=? WHERE id=?", values)


def _apart(first: str, second: str, limit: timedelta) -> bool:
    """Whether `second` lies more than `limit` after `first`; an unknown date does not."""
    return bool(second) and date.fromisoformat(second) - date.fromisoformat(first) > limit


def _born(chain: list[_Row]) -> str | None:
    """First day of a title over all versions held; None where it is not known."""
    told = [row.born for row in chain]
    exact = [day for day, sure in filter(None, told) if sure and day]
    rough = [day for day, sure in filter(None, told) if not sure and not any(
        day <= first and not _apart(day, first, VACATIO) for first in exact)]
    born = min(exact + rough, default=None)
    before = min((row.start for row in chain if row.renewed), default=None)
    return None if born is None or (before is not None and before <= born) else born


def _repeals(rows: list[_Row]) -> dict[str, list[tuple[str, str]]]:
    """Key of what ends -> (day, title that ends it), read from the texts."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in rows:
        for title in row.repeals:
            key = title_key(title)
            if key != row.key and row.first_day:
                found[key].append((row.first_day, row.title))
    return found


def _amended_between(row: _Row, later: list[_Row]) -> str | None:
    """First amendment after `row` that a later preamble names and that no version held answers."""
    if not later or not row.version:
        return None
    own = max([row.version, *row.amended])
    following = min(later, key=lambda r: r.version)
    limit = (date.fromisoformat(following.version) - SAME_ACT).isoformat()
    after = (date.fromisoformat(own) + SAME_ACT).isoformat()
    return min((day for day in following.amended if after < day < limit), default=None)
