"""What the ledger hands out: an instrument (one row a version) and a clause."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from cityllm.corpus.levels import level_of


@dataclass(frozen=True)
class Instrument:
    """One version of one instrument.

    `starts` and `ends` bound the time in which this wording is in force, `starts` <= day < `ends`;
    None is open; `born` is the first day of the title in any wording, None where it is not known.
    `effective` is what 自…起施行 says, in a consolidated text the first enactment's date or that of
    the last revision. `total` is the number of articles of the official text, 0 where unknown: a
    digest holds some of them, `n_articles` counts those held. Not `complete`: the file may be cut.
    """

    id: int
    title: str
    full_title: str
    version: date | None
    kind: str
    issuer: str
    region: str
    number: str
    adopted: date | None
    effective: date | None
    starts: date | None
    ends: date | None
    born: date | None
    repealed: date | None
    replaced_by: str
    verbatim: bool
    numbering: str
    n_articles: int
    total: int
    source_name: str
    source_url: str
    source_hash: str
    note: str
    complete: bool
    aliases: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()

    @property
    def level(self) -> str:
        """Level in the order of 立法法: 法律, 行政法规, 设区的市地方性法规 …"""
        return level_of(self.kind, self.region)

    @property
    def name(self) -> str:
        """TITLE@VERSION, the front of every clause id."""
        return f"{self.title}@{self.version or 'undated'}"

    @property
    def status(self) -> str:
        """Status in Chinese, for a reader: 现行, 已废止 and since when, or a warning."""
        if self.repealed and self.repealed == self.ends:
            by = f"，由《{self.replaced_by}》取代" if self.replaced_by else ""
            words = f"已废止（{self.repealed} 起{by}）"
        elif self.ends:
            words = f"旧版本（{self.ends} 起不再适用）"
        else:
            words = f"现行（{self.starts} 起）" if self.starts else "现行（施行日期不详）"
        return f"{words}；{self.note}" if self.note else words

    def in_force(self, day: date) -> bool:
        """Whether this wording applies on `day`."""
        begun = self.starts is None or self.starts <= day
        return begun and (self.ends is None or day < self.ends)


@dataclass(frozen=True)
class Clause:
    """One article (or paragraph, or annex) of one version, ready to be cited.

    `text` is verbatim where `verbatim`, otherwise the pack's digest in its own words.
    """

    rowid: int
    clause_id: str
    title: str
    full_title: str
    article: str
    label: str
    heading: str
    path: tuple[str, ...]
    text: str
    verbatim: bool
    issuer: str
    kind: str
    level: str
    region: str
    version: date | None
    effective: date | None
    source_url: str
    status: str
