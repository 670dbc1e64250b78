"""What the index knows of each clause besides its words: place, neighbours, level, size.

All arrays run over N clauses in reading order (instrument, then order in the text); a *place* is
an index into them, a *row* is the ledger's clause row id.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityllm.corpus.ledger import Ledger
from cityllm.corpus.levels import NATION
from cityllm.corpus.names import title_key
from cityllm.corpus.numerals import sort_key

_QUOTED = re.compile(r"《([^《》]{2,40})》")
FACTS = ("length", "year", "title_cited", "articles", "number", "opening", "interpretation",
         "title_length", "is_law", "is_judicial", "is_administrative", "is_departmental")


@dataclass(frozen=True)
class Shelf:
    """`rows` (N,) row ids; `work` (N,) number of the instrument, `work_start` (W,) its first
    place; `part` (N,) and `part_start` (P,) the same for chapters and headings; `facts`
    (N, len(FACTS)); `local` (N,) whether the clause is regional law."""

    rows: NDArray[np.int64]
    work: NDArray[np.int32]
    work_start: NDArray[np.int64]
    part: NDArray[np.int32]
    part_start: NDArray[np.int64]
    facts: NDArray[np.float32]
    local: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.rows)

    def save(self, path: Path) -> None:
        """Write as npz without pickle."""
        arrays: dict[str, Any] = {one.name: getattr(self, one.name) for one in fields(self)}
        np.savez(path, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> Shelf:
        """Read what `save` wrote. Raises OSError, KeyError or ValueError where it is damaged."""
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            return cls(**{one.name: found[one.name] for one in fields(cls)})


def build_shelf(ledger: Ledger) -> tuple[Shelf, list[str]]:
    """The shelf of all clauses held, and the words of each part (title, chapter, heading)."""
    known = ledger.catalogue.by_id
    cited = _citations(row[0] for row in ledger.connection.execute("SELECT text FROM clauses"))
    rows, work, part, local, heads = [], [], [], [], []
    facts: list[Sequence[float]] = []
    works: dict[int, int] = {}
    last: tuple[Any, ...] = ()
    for rowid, instrument, article, path, heading, length in ledger.connection.execute(
            "SELECT id, instrument, article, path, heading, length(text) FROM clauses "
            "ORDER BY instrument, ord, id"):
        one = known.get(instrument)
        if one is None:
            continue
        if (instrument, path, heading) != last:
            last = (instrument, path, heading)
            heads.append(" ".join([one.title, *json.loads(path), heading]))
        rows.append(rowid)
        work.append(works.setdefault(instrument, len(works)))
        part.append(len(heads) - 1)
        local.append(one.region != NATION)
        number = next((abs(n) for n in sort_key(article)[1:2]), 0) if article else 0
        facts.append((
            np.log1p(length), ((one.version.year if one.version else 2015) - 2015) / 5,
            np.log1p(cited[title_key(one.title)]), np.log1p(max(one.total, one.n_articles)),
            np.log1p(number), float(number <= 2), float("解释" in one.title),
            np.log1p(len(one.title)), *(float(one.kind == kind) for kind in (
                "法律", "司法解释", "行政法规", "部门规章"))))
    shelf = Shelf(np.array(rows, dtype=np.int64), np.array(work, dtype=np.int32), _starts(work),
                  np.array(part, dtype=np.int32), _starts(part),
                  np.array(facts, dtype=np.float32).reshape(len(rows), len(FACTS)),
                  np.array(local, dtype=np.bool_))
    return shelf, heads


def _starts(groups: list[int]) -> NDArray[np.int64]:
    values = np.array(groups, dtype=np.int64)
    return np.flatnonzero(np.diff(values, prepend=-1)).astype(np.int64)


def _citations(texts: Iterator[str]) -> Counter[str]:
    """How often each title is cited in 《》 by the texts held."""
    found: Counter[str] = Counter()
    for text in texts:
        if "《" in text:
            found.update(title_key(name) for name in _QUOTED.findall(text))
    return found
