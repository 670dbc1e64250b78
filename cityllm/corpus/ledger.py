"""The clause ledger: every instrument held, its versions, its articles. SQLite is the truth.

Indexes are rebuilt from `rows`; `in_force` is the hard as-of filter over the same row ids. A
`Ledger` may be read from several threads; one process writes at a time (see `corpus.importer`).

    with Ledger.open(path, status_table) as ledger:
        ledger.article("规划法", "第六十四条", date(2024, 5, 1)).text
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from cityllm.corpus.catalogue import Catalogue, Mask
from cityllm.corpus.clauses import paragraphs_of
from cityllm.corpus.names import title_key
from cityllm.corpus.numerals import article_key, article_label, sort_key
from cityllm.corpus.records import Clause, Instrument
from cityllm.corpus.schema import connect, prepare
from cityllm.corpus.status import StatusTable, read_status
from cityllm.corpus.versions import RULES, derive
from cityllm.errors import ArticleNotFound, InstrumentNotFound, NotHeld, NotInForce

__all__ = ["Clause", "Instrument", "Ledger"]
_CLAUSE = "id, instrument, article, label, heading, path, text"


class Ledger:
    """Open with `Ledger.open`; close it, or use it as a context manager."""

    def __init__(self, path: Path, table: StatusTable) -> None:
        self.path = path
        self.table = table
        self._local = threading.local()
        self._lock = threading.RLock()
        self._open: list[sqlite3.Connection] = []
        self._state: tuple[object, Catalogue] | None = None

    @classmethod
    def open(cls, path: Path, status_table: Path | None = None) -> Ledger:
        """The ledger at `path`, made when missing; a half-done import is put in order first."""
        path.parent.mkdir(parents=True, exist_ok=True)
        ledger = cls(path, read_status(status_table))
        prepare(ledger.connection, path)
        if ledger._meta("derived") != ledger._mark():
            ledger.settle()
        return ledger

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *problem: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            for connection in self._open:
                connection.close()
            self._open.clear()
            self._local = threading.local()

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = connect(self.path)
            self._local.connection = found
            with self._lock:
                self._open.append(found)
        return found

    @property
    def status_known(self) -> date | None:
        """The date up to which the status table is known to hold: shown with every answer."""
        return self.table.status_known

    @property
    def catalogue(self) -> Catalogue:
        """Instruments in memory, made anew when the ledger has changed."""
        mark = self._meta("derived"), self._meta("changed")
        with self._lock:
            if self._state is None or self._state[0] != mark:
                self._state = mark, Catalogue(self.connection, self.table)
            return self._state[1]

    def _meta(self, name: str) -> str:
        row = self.connection.execute("SELECT value FROM meta WHERE name=?", (name,)).fetchone()
        return str(row[0]) if row else ""

    def _mark(self) -> str:
        """What the derived columns depend on: content, status table and the rules of time."""
        return f"{self._meta('changed')}{self.table.hash}:{RULES}"

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction that changes content; all or nothing. `settle` must follow at the end."""
        connection = self.connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute(
                "INSERT INTO meta VALUES ('changed', '1') ON CONFLICT (name) DO UPDATE "
                "SET value = CAST(value AS INTEGER) + 1")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise

    def settle(self) -> None:
        """Work out again which version is in force when, after content or table changed."""
        connection = self.connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            derive(connection, self.table)
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('derived', ?)",
                               (self._mark(),))
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise

    def instruments(self) -> list[Instrument]:
        """One row a version, by title."""
        return list(self.catalogue.instruments)

    def versions(self, title: str) -> list[Instrument]:
        """All versions of a title, oldest first; [] where none is held."""
        resolved = self.resolve(title)
        return list(self.catalogue.by_key[title_key(resolved)]) if resolved else []

    def resolve(self, name: str) -> str | None:
        """Title for a name, short name or alias; None where none or more than one fits."""
        return self.catalogue.names.resolve(name)

    def mentioned(self, text: str) -> list[str]:
        """Titles named in free text, the longest name first."""
        return self.catalogue.names.mentioned(text)

    def in_force(self, as_of: date, region: str | None = None,
                 kinds: Sequence[str] | None = None) -> Mask:
        """Bool array indexed by clause row id (length: largest id + 1), read only.

        True where the clause's wording is in force on `as_of`; with `region` only its own law and
        that of the levels above it, with `kinds` only these kinds.
        """
        return self.catalogue.mask(as_of, region, kinds)

    def article(self, title: str, number: str, as_of: date) -> Clause:
        """The wording of one article in force on `as_of`, verbatim before digest.

        Raises InstrumentNotFound, ArticleNotFound (says how many articles there are), NotInForce
        (not yet, or no longer) and NotHeld (it existed, its wording then is not here).
        """
        resolved = self.resolve(title)
        if resolved is None:
            self._ended(title, as_of)
            near = self.catalogue.names.near(title)
            hint = f"相近的有：{'、'.join(near)}。" if near else "可用 cityllm corpus list 查看。"
            raise InstrumentNotFound(
                f"没有收录《{title}》。{hint}如有文本，可用 cityllm corpus add 导入。",
                f"“{title}” is not held. {'Similar: ' + '; '.join(near) + '. ' if near else ''}"
                "Import it with `cityllm corpus add`.")
        active = self.catalogue.active(title_key(resolved), as_of)
        if not active:
            raise self._absent(resolved, as_of)
        key = article_key(number)
        for one in active:
            row = self.connection.execute(
                f"SELECT {_CLAUSE} FROM clauses WHERE instrument=? AND article IN (?, ?) "
                "ORDER BY ord LIMIT 1", (one.id, key, f"p{key}")).fetchone()
            if row:
                return _clause(row, self.catalogue.by_id)
        raise _no_article(active[0], key)

    def _ended(self, title: str, day: date) -> None:
        """Raise what the status table knows of a title that is not held at all."""
        entry = self.table.ended_by_key().get(title_key(title))
        if entry is None or entry.how == "in_force":
            return
        by_zh = f"，由《{entry.by}》取代" if entry.by else ""
        by_en = f", replaced by {entry.by}" if entry.by else ""
        if day >= entry.day:
            raise NotInForce(f"《{entry.title}》已于 {entry.day} 废止{by_zh}，{day} 不再适用。",
                             f"{entry.title} ended on {entry.day}{by_en}; it does not apply on "
                             f"{day}.")
        raise NotHeld(f"《{entry.title}》在 {day} 尚未废止（{entry.day} 起废止{by_zh}），但本库没有收录其文本。"
                      "如有文本，可用 cityllm corpus add 导入。",
                      f"{entry.title} had not ended on {day} (it did on {entry.day}{by_en}), but "
                      "its text is not held. Import it with `cityllm corpus add`.")

    def _absent(self, title: str, day: date) -> NotHeld:
        """Why no wording of a title that is held applies on `day`."""
        versions = self.catalogue.by_key[title_key(title)]
        repealed = max((one for one in versions if one.repealed and one.repealed <= day),
                       key=lambda one: one.repealed or date.min, default=None)
        if repealed and not any(one.starts and one.starts > day for one in versions):
            by_zh = f"，由《{repealed.replaced_by}》取代" if repealed.replaced_by else ""
            by_en = f", replaced by {repealed.replaced_by}" if repealed.replaced_by else ""
            return NotInForce(
                f"《{title}》已于 {repealed.repealed} 废止{by_zh}，{day} 不再适用。"
                "要看当时的条文，请把日期改到废止之前。",
                f"{title} ended on {repealed.repealed}{by_en}; it does not apply on {day}. "
                "For its wording choose an earlier date.")
        first = min((one for one in versions), key=lambda one: one.starts or date.min)
        born = min((one.born for one in versions if one.born), default=None)
        if born and day < born:
            return NotInForce(f"《{title}》在 {day} 尚未施行（最早 {born}）。",
                              f"{title} was not yet in force on {day} (first: {born}).")
        if born is None and first.starts and day < first.starts:
            return NotHeld(
                f"《{title}》{first.starts} 以前另有文本，本库没有收录，{day} 的条文无从查对。"
                "不能用后来的文字代替；如有当时的文本，可用 cityllm corpus add 导入。",
                f"An earlier text of {title} applied before {first.starts}; it is not held, so its "
                f"wording on {day} cannot be told. Import it with `cityllm corpus add`.")
        return NotHeld(
            f"《{title}》在 {day} 已经存在，但本库没有收录当时的文本（所收最早版本自 {first.starts} 起）。"
            "不能用后来的文字代替；如有当时的文本，可用 cityllm corpus add 导入。",
            f"{title} existed on {day}, but its wording then is not held (the oldest held applies "
            f"from {first.starts}). Import that version with `cityllm corpus add`.")

    def clause(self, clause_id: str) -> Clause:
        """The clause of an id TITLE@VERSION#ARTICLE, verbatim before digest; with /2 or /2/3 at
        the end only that 款 or 项 of it. Raises InstrumentNotFound or ArticleNotFound."""
        name, _, place = clause_id.partition("#")
        title, _, version = name.rpartition("@")
        article, *parts = place.split("/")
        found = [one for one in self.catalogue.by_key.get(title_key(title), ())
                 if str(one.version or "undated") == version]
        if not found:
            raise InstrumentNotFound(f"没有收录 {name}。", f"{name} is not held.")
        found.sort(key=lambda one: not one.verbatim)
        for one in found:
            row = self.connection.execute(
                f"SELECT {_CLAUSE} FROM clauses WHERE instrument=? AND article=?",
                (one.id, article)).fetchone()
            if row:
                return self._part(_clause(row, self.catalogue.by_id), parts)
        raise _no_article(found[0], article)

    def clauses(self, rowids: Sequence[int]) -> list[Clause]:
        """Clauses by row id, in the order asked for; ids that are no longer held are left out."""
        rows: dict[int, tuple[object, ...]] = {}
        wanted = [int(one) for one in rowids]
        for start in range(0, len(wanted), 500):
            part = wanted[start:start + 500]
            marks = ",".join("?" * len(part))
            rows.update((row[0], row) for row in self.connection.execute(
                f"SELECT {_CLAUSE} FROM clauses WHERE id IN ({marks})", part))
        known = self.catalogue.by_id
        return [_clause(rows[one], known) for one in wanted if one in rows]

    def neighbours(self, clause_id: str, n: int = 1) -> list[Clause]:
        """Up to `n` clauses before and `n` after it in the same text, itself left out."""
        here = self.clause(clause_id)
        instrument = self.connection.execute("SELECT instrument FROM clauses WHERE id=?",
                                             (here.rowid,)).fetchone()[0]
        rows = self.articles(instrument)
        at = next(i for i, one in enumerate(rows) if one.rowid == here.rowid)
        return rows[max(0, at - n):at] + rows[at + 1:at + 1 + n]

    def articles(self, instrument: int) -> list[Clause]:
        """All clauses of one version (its `Instrument.id`), in the order of the text."""
        rows = self.connection.execute(
            f"SELECT {_CLAUSE} FROM clauses WHERE instrument=?", (instrument,)).fetchall()
        known = self.catalogue.by_id
        return [_clause(row, known) for row in sorted(rows, key=lambda row: sort_key(row[2]))]

    def rows(self, rowids: Sequence[int] | None = None) -> Iterator[tuple[int, str]]:
        """(row id, text to search) of every clause, or of those asked for: title, chapter,
        heading on one line, the clause below it. Row ids are never used twice."""
        known = self.catalogue.by_id
        query = f"SELECT {_CLAUSE} FROM clauses"
        if rowids is not None:
            for one in self.clauses(rowids):
                yield one.rowid, _search_text(one.title, one.path, one.heading, one.text)
            return
        for row in self.connection.execute(query + " ORDER BY id"):
            if row[1] in known:
                yield row[0], _search_text(known[row[1]].title, json.loads(row[5]), row[4], row[6])

    def asks(self) -> list[tuple[tuple[int, ...], tuple[str, ...]]]:
        """(row ids, everyday questions) of each article that the pack has questions for.

        The rows are those of that title, version and article: the digest's and, where the full
        text is held, the verbatim one's. Articles of which nothing is held are left out.
        """
        rows: dict[tuple[str, ...], list[int]] = {}
        for *place, row in self.connection.execute(
                "SELECT a.key, a.version, a.article, c.id FROM (SELECT DISTINCT key, version, "
                "article FROM asks) a JOIN instruments i ON i.key = a.key AND i.version = "
                "a.version JOIN clauses c ON c.instrument = i.id AND c.article = a.article "
                "ORDER BY a.key, a.version, a.article, c.id"):
            rows.setdefault(tuple(place), []).append(row)
        asked: dict[tuple[str, ...], list[str]] = {}
        for *place, question in self.connection.execute(
                "SELECT key, version, article, question FROM asks ORDER BY ord"):
            asked.setdefault(tuple(place), []).append(question)
        return [(tuple(held), tuple(asked[place])) for place, held in rows.items()]

    def snapshot(self) -> str:
        """A short hash of what is held; it changes when content, row ids or asks change."""
        digest = hashlib.sha256(self.table.hash.encode())
        for row in self.connection.execute(
                "SELECT i.key, i.version, i.verbatim, i.source_hash, min(c.id), max(c.id), "
                "count(*) FROM instruments i JOIN clauses c ON c.instrument = i.id "
                "GROUP BY i.id ORDER BY i.key, i.version, i.verbatim"):
            digest.update(repr(tuple(row)).encode())
        for row in self.connection.execute(
                "SELECT key, version, article, question FROM asks "
                "ORDER BY key, version, article, ord"):
            digest.update(repr(tuple(row)).encode())
        return digest.hexdigest()[:16]

    @staticmethod
    def _part(clause: Clause, parts: Sequence[str]) -> Clause:
        """`clause` narrowed to a 款 (parts[0]) and a 项 (parts[1]), both counted from 1."""
        if not parts:
            return clause
        paragraphs = paragraphs_of(clause.text)
        try:
            paragraph = paragraphs[int(parts[0]) - 1]
            label, text = f"{clause.label}第{parts[0]}款", paragraph.text
            if len(parts) > 1:
                item = paragraph.items[int(parts[1]) - 1]
                label, text = f"{label}第{parts[1]}项", f"{item.label}{item.text}"
            elif paragraph.items:
                text = "\n".join([text, *(f"{i.label}{i.text}" for i in paragraph.items)])
        except (IndexError, ValueError):
            raise ArticleNotFound(
                f"{clause.label}只有 {len(paragraphs)} 款，没有所指的款项 {'/'.join(parts)}。",
                f"{clause.label} has {len(paragraphs)} paragraphs; {'/'.join(parts)} is not one."
            ) from None
        return Clause(**{**clause.__dict__, "label": label, "text": text,
                         "clause_id": f"{clause.clause_id}/{'/'.join(parts)}"})


def _clause(row: Sequence[object], known: Mapping[int, Instrument]) -> Clause:
    """A clause from a row of `_CLAUSE` and the instrument that it belongs to."""
    one = known[int(str(row[1]))]
    article = str(row[2])
    return Clause(
        rowid=int(str(row[0])), clause_id=f"{one.name}#{article}", title=one.title,
        full_title=one.full_title, article=article, label=str(row[3]), heading=str(row[4]),
        path=tuple(json.loads(str(row[5]))), text=str(row[6]), verbatim=one.verbatim,
        issuer=one.issuer, kind=one.kind, level=one.level, region=one.region,
        version=one.version, effective=one.effective, source_url=one.source_url,
        status=one.status)


def _search_text(title: str, path: Sequence[str], heading: str, text: str) -> str:
    return f"{' '.join([title, *path, heading]).strip()}\n{text}"


def _no_article(one: Instrument, key: str) -> ArticleNotFound | NotHeld:
    """No such article; or, of a digest, one that exists and is not among those held."""
    label = article_label(key)
    number = sort_key(key)[1] if sort_key(key)[1:] else 0
    if not one.verbatim and 0 < number <= (one.total or 0):
        return NotHeld(
            f"《{one.title}》共 {one.total} 条，城市包只收录了其中 {one.n_articles} 条的摘要，没有{label}。"
            "导入全文后可查：cityllm corpus add 文件。",
            f"{one.title} has {one.total} articles; the pack holds digests of {one.n_articles}, "
            f"not of {label}. Import the full text with `cityllm corpus add`.")
    if not one.complete and number > one.total:
        return NotHeld(
            f"所收的《{one.title}》止于{article_label(str(one.total))}，原文件可能不完整，没有{label}。"
            "请从官方来源取得全文后再导入。",
            f"The text held of {one.title} stops at article {one.total} and may be incomplete: "
            f"{label} is not held. Import the full text.")
    count, unit = (one.total or one.n_articles), ("段" if one.numbering == "paragraph" else "条")
    held = "" if one.verbatim or one.total else "（城市包所收摘要）"
    return ArticleNotFound(
        f"《{one.title}》没有{label}：该文本共 {count} {unit}{held}。请核对条号。",
        f"{one.title} has no {label}: it has {count} articles. Check the number.")
