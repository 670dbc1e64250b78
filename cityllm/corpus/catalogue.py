"""All instruments in memory, with the arrays that make the as-of filter fast.

Built from SQLite in one go and thrown away when the ledger changes. Sizes: N instruments (a few
thousand), R = largest clause row id + 1 (some hundred thousand).
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from cityllm.corpus.levels import region_chain
from cityllm.corpus.names import Names, title_key
from cityllm.corpus.records import Instrument
from cityllm.corpus.status import StatusTable

Mask = NDArray[np.bool_]
_FAR = date.max.toordinal()
_COLUMNS = ("id, title, full_title, version, kind, issuer, region, number, adopted, effective, "
            "starts, ends, born, repealed, replaced_by, verbatim, numbering, n_articles, total, "
            "source_name, source_url, source_hash, note, complete, aliases, gaps")


class Catalogue:
    """Instruments, names and masks of one state of the ledger. Read only, shared by threads."""

    def __init__(self, connection: sqlite3.Connection, table: StatusTable) -> None:
        self.instruments = [_instrument(row) for row in connection.execute(
            f"SELECT {_COLUMNS} FROM instruments ORDER BY title, version, verbatim")]
        self.by_id = {one.id: one for one in self.instruments}
        self.by_key: dict[str, list[Instrument]] = defaultdict(list)
        aliases: dict[str, str] = {}
        for one in self.instruments:
            self.by_key[title_key(one.title)].append(one)
            aliases.update(dict.fromkeys(one.aliases, one.title))
        ordered = sorted(self.instruments, key=lambda one: one.ends is not None)
        self.names = Names((one.title for one in ordered), aliases | table.aliases,
                           table.ended_by_key())
        place = {one.id: index for index, one in enumerate(self.instruments)}
        pairs = connection.execute("SELECT id, instrument FROM clauses").fetchall()
        size = max((row for row, _ in pairs), default=0) + 1
        self._of_row = np.full(size, -1, dtype=np.int32)
        if pairs:
            ids = np.fromiter((row for row, _ in pairs), dtype=np.int64, count=len(pairs))
            self._of_row[ids] = [place[instrument] for _, instrument in pairs]
        self._starts = np.array([one.starts.toordinal() if one.starts else 0
                                 for one in self.instruments], dtype=np.int64)
        self._ends = np.array([one.ends.toordinal() if one.ends else _FAR
                               for one in self.instruments], dtype=np.int64)
        self._masks: dict[tuple[object, ...], Mask] = {}

    def active(self, key: str, day: date) -> list[Instrument]:
        """Wordings of one title in force on `day`, the verbatim one first."""
        found = [one for one in self.by_key.get(key, ()) if one.in_force(day)]
        return sorted(found, key=lambda one: (not one.verbatim, -_ordinal(one.version)))

    def mask(self, day: date, region: str | None, kinds: Sequence[str] | None) -> Mask:
        """Bool array of length R: row r may be retrieved on `day`. The digest of a title is out
        where a verbatim wording of it is in force. Region lets in its own law and that above."""
        wanted = (day, region, tuple(sorted(kinds)) if kinds is not None else None)
        cached = self._masks.get(wanted)
        if cached is not None:
            return cached
        ordinal = day.toordinal()
        good = (self._starts <= ordinal) & (ordinal < self._ends)
        regions = set(region_chain(region)) if region else None
        full = {title_key(one.title)
                for one, ok in zip(self.instruments, good, strict=True) if ok and one.verbatim}
        for index in np.flatnonzero(good):
            one = self.instruments[index]
            if ((not one.verbatim and title_key(one.title) in full)
                    or (regions is not None and one.region not in regions)
                    or (kinds is not None and one.kind not in kinds)):
                good[index] = False
        held = self._of_row >= 0
        mask = np.zeros(len(self._of_row), dtype=np.bool_)
        mask[held] = good[self._of_row[held]]
        mask.flags.writeable = False
        if len(self._masks) >= 64:
            self._masks.clear()
        self._masks[wanted] = mask
        return mask


def _ordinal(day: date | None) -> int:
    return day.toordinal() if day else 0


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _instrument(row: Sequence[object]) -> Instrument:
    values = list(row)
    for index in (3, 8, 9, 10, 11, 12, 13):
        values[index] = _date(values[index])  # type: ignore[arg-type]
    values[15] = bool(values[15])
    values[23] = bool(values[23])
    values[24], values[25] = (tuple(json.loads(str(values[index]))) for index in (24, 25))
    return Instrument(*values)  # type: ignore[arg-type]
