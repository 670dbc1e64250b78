"""Files and the pack's digests -> the ledger, in transactions of many files.

What is committed stays: a killed import goes on where it stopped, because each file's mark (size,
time, hash) is written with its clauses. A file seen before and unchanged is not read again. A file
that cannot be read is listed and the import goes on.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from cityllm.corpus import readers
from cityllm.corpus.clauses import ParsedInstrument, parse, sort_key
from cityllm.corpus.ledger import Ledger
from cityllm.corpus.levels import issuer_from, kind_from, region_from
from cityllm.corpus.names import plain_title, title_key
from cityllm.errors import CorpusError, UnreadableFile

PARSER = 2
"""Raised when parsing changes: files read by an older one are read again."""
BATCH_CHARS = 4_000_000
"""Text in one transaction; bounds memory and what a kill can lose."""
_DATED = re.compile(r"[(（](\d{4})-?(\d{2})-?(\d{2})[)）]$")
_STANDARD = re.compile(r"((?:GB|JGJ|CJJ|JTG|DB\d*)(?:/T)?)[ _]?(\d+(?:\.\d+)?[-_]\d{4})[ _]*(\D.*)")
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Failure:
    """A file that was not imported, and why, in two languages."""

    path: str
    zh: str
    en: str


@dataclass
class ImportReport:
    """What an import did. `gaps`, `plain` (no articles found) and `cut` (stops before its
    closing articles) name the files they are about."""

    added: int = 0
    unchanged: int = 0
    clauses: int = 0
    with_articles: int = 0
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)
    gaps: list[tuple[str, str]] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Given:
    """What the caller knows better than the file: empty fields are worked out."""

    title: str = ""
    version: date | None = None
    kind: str = ""
    region: str = ""
    source_url: str = ""


def add_files(ledger: Ledger, paths: Sequence[Path], progress: Progress | None = None,
              given: Given | None = None) -> ImportReport:
    """Import files and folders. Raises CorpusError only where a path does not exist."""
    started, report, given = time.monotonic(), ImportReport(), given or Given()
    todo = list(_walk(paths))
    known = {row[0]: row[1:] for row in ledger.connection.execute(
        "SELECT path, size, mtime, hash, parser FROM files")}
    hashes = {row[2]: path for path, row in known.items() if row[3] == PARSER}
    batch: list[tuple[Path, str, int, int, ParsedInstrument]] = []
    twins: list[tuple[str, int, int, str]] = []
    size = 0
    for done, path in enumerate(todo, start=1):
        name, info = str(path), path.stat()
        seen = known.get(name)
        same = seen is not None and seen[3] == PARSER and given == Given()
        if same and seen is not None and seen[:2] == (info.st_size, info.st_mtime_ns):
            report.unchanged += 1
            continue
        try:
            digest = _hash(path)
            if given == Given() and digest in hashes:
                report.unchanged += 1
                if hashes[digest] != name:
                    report.notes.append(f"{path.name} 与 {hashes[digest]} 内容相同，未重复导入")
                    twins.append((name, info.st_size, info.st_mtime_ns, digest))
                continue
            text = readers.read(path)
            parsed = parse(text)
            if not parsed.articles:
                raise UnreadableFile(
                    f"{path.name}：只有标题和题注，没有正文。请从官方来源重新取得全文。",
                    f"{path.name}: title and preamble only, no text. Get the full text again.")
            batch.append((path, digest, info.st_size, info.st_mtime_ns, parsed))
            hashes[digest] = name
            size += len(text)
        except UnreadableFile as problem:
            report.failures.append(Failure(name, problem.zh, problem.en))
        except OSError as problem:
            report.failures.append(Failure(
                name, f"{path.name}：系统读不了（{problem.strerror}）。请检查权限。",
                f"{path.name}: the system cannot read it ({problem.strerror}). Check permissions."))
        if size >= BATCH_CHARS or done == len(todo):
            _commit(ledger, batch, given, report)
            batch, size = [], 0
        if progress:
            progress(done, len(todo), path.name)
    if batch:
        _commit(ledger, batch, given, report)
    _mark_twins(ledger, twins)
    if report.added:
        ledger.settle()
    report.seconds = time.monotonic() - started
    return report


def _mark_twins(ledger: Ledger, twins: list[tuple[str, int, int, str]]) -> None:
    """Remember files whose content another file gave already, so that they are not read again."""
    connection = ledger.connection
    for name, size, mtime, digest in twins:
        connection.execute(
            "INSERT OR REPLACE INTO files SELECT ?, ?, ?, hash, parser, instrument, 'same' "
            "FROM files WHERE hash=? AND path<>? LIMIT 1", (name, size, mtime, digest, name))


def _commit(ledger: Ledger, batch: list[tuple[Path, str, int, int, ParsedInstrument]],
            given: Given, report: ImportReport) -> None:
    if not batch:
        return
    with ledger.write() as connection:
        for path, digest, size, mtime, parsed in batch:
            _store(connection, path, digest, parsed, given, report)
            connection.execute("UPDATE files SET size=?, mtime=? WHERE path=?",
                               (size, mtime, str(path)))


def _store(connection: sqlite3.Connection, path: Path, digest: str, parsed: ParsedInstrument,
           given: Given, report: ImportReport) -> None:
    """One parsed file into the tables; replaces what the same file, or the same articles of the
    same version from another file, had put there."""
    _forget_file(connection, str(path))
    stem = path.stem
    dated = _DATED.search(stem)
    named = plain_title(_DATED.sub("", stem))
    full = given.title or parsed.title or named
    title = plain_title(full)
    aliases: list[str] = []
    document = parsed.dates.number
    standard = _STANDARD.match(named)
    if standard and not given.title:
        aliases = [standard[3], f"{standard[1]}{standard[2][:-5]}"]
        document = f"{standard[1]} {standard[2].replace('_', '-')}"
        title = full = f"{standard[3]}（{document}）"
    elif len(title) > 90 or not title:
        title = full = named
    dates = parsed.dates
    version = given.version or (_file_date(dated) if dated else None) or dates.last \
        or dates.effective
    region = given.region or region_from(path, title, dates.issuer)
    kind = given.kind or kind_from(path, title, dates.issuer, region)
    issuer = issuer_from(dates.issuer, kind, title)
    connection.execute(
        "INSERT OR IGNORE INTO instruments (key, title, full_title, version, kind, issuer, region, "
        "number, adopted, effective, at_once, amended, repeals, aliases, gaps, verbatim, numbering,"
        " source_name, source_url, source_hash) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,'[]',1,?,"
        "?,?,'')",
        (title_key(title), title, full.strip("《》 "), _iso(version) or "", kind, issuer,
         region, document, _iso(dates.adopted), _iso(dates.effective), dates.at_once,
         json.dumps([_iso(d) for d in dates.amended]), json.dumps(list(dates.repeals),
         ensure_ascii=False), json.dumps(aliases, ensure_ascii=False), parsed.numbering, path.name,
         given.source_url))
    instrument = connection.execute(
        "SELECT id FROM instruments WHERE key=? AND version=? AND verbatim=1",
        (title_key(title), _iso(version) or "")).fetchone()[0]
    _replace_same(connection, instrument, parsed, path, report)
    cut = not (parsed.complete or parsed.part or kind in ("司法解释", "宪法"))
    rows = [(instrument, str(path), order, one.number, one.label, one.heading,
             json.dumps(([parsed.part] if parsed.part else []) + list(one.path),
                        ensure_ascii=False), one.text)
            for order, one in enumerate(parsed.articles)]
    rows += [(instrument, str(path), len(rows) + order, one.number, one.label, "", "[]",
              one.text or one.label)
             for order, one in enumerate(parsed.annexes)]
    connection.executemany("INSERT INTO clauses (instrument, file, ord, article, label, heading, "
                           "path, text) VALUES (?,?,?,?,?,?,?,?)", rows)
    connection.execute("INSERT INTO files VALUES (?,0,0,?,?,?,?)",
                       (str(path), digest, PARSER, instrument, parsed.part))
    refresh(connection, instrument)
    connection.execute("UPDATE instruments SET complete=?, gaps=?, repeals=(SELECT CASE WHEN "
                       "?='[]' THEN repeals ELSE ? END) WHERE id=?",
                       (not cut, json.dumps(list(parsed.gaps), ensure_ascii=False),
                        *[json.dumps(list(dates.repeals), ensure_ascii=False)] * 2, instrument))
    report.added += 1
    report.clauses += len(rows)
    report.with_articles += parsed.numbering == "article"
    report.gaps += [(path.name, gap) for gap in parsed.gaps]
    if cut:
        report.cut.append(path.name)
    if parsed.numbering == "paragraph":
        report.plain.append(path.name)


def _replace_same(connection: sqlite3.Connection, instrument: int, parsed: ParsedInstrument,
                  path: Path, report: ImportReport) -> None:
    """Take out another file's clauses of the same version where the article numbers overlap."""
    numbers = {one.number for one in parsed.articles}
    others: dict[str, set[str]] = {}
    for file, article in connection.execute(
            "SELECT file, article FROM clauses WHERE instrument=?", (instrument,)):
        others.setdefault(file, set()).add(article)
    for file, held in others.items():
        if held & numbers:
            connection.execute("DELETE FROM clauses WHERE file=?", (file,))
            report.notes.append(f"{path.name} 取代同一版本的 {Path(file).name}")


def _forget_file(connection: sqlite3.Connection, name: str) -> None:
    row = connection.execute("SELECT instrument FROM files WHERE path=?", (name,)).fetchone()
    connection.execute("DELETE FROM clauses WHERE file=?", (name,))
    connection.execute("DELETE FROM files WHERE path=?", (name,))
    if row:
        left = connection.execute("SELECT 1 FROM clauses WHERE instrument=? LIMIT 1",
                                  row).fetchone()
        if left is None:
            connection.execute("DELETE FROM instruments WHERE id=?", row)
        else:
            refresh(connection, row[0])


def refresh(connection: sqlite3.Connection, instrument: int) -> None:
    """Counts and hash of one version from the clauses and files that it has now."""
    articles = [row[0] for row in connection.execute(
        "SELECT article FROM clauses WHERE instrument=? AND article NOT LIKE 'a%' "
        "AND article <> 'p0'", (instrument,))]
    highest = max((sort_key(one)[1] for one in articles if "." not in one), default=0)
    total = highest if highest and all("." not in one for one in articles) else len(articles)
    hashes = [row[0] for row in connection.execute(
        "SELECT hash FROM files WHERE instrument=? ORDER BY hash", (instrument,))]
    connection.execute(
        "UPDATE instruments SET n_articles=?, total=?, source_hash=? WHERE id=?",
        (len(articles), total, hashlib.sha256("".join(hashes).encode()).hexdigest(), instrument))


def remove(ledger: Ledger, title: str, version: date | None = None) -> int:
    """Remove a title (or one version of it), digests included; returns how many versions went.
    Raises CorpusError where none is held."""
    found = [one for one in ledger.versions(title) if version is None or one.version == version]
    if not found:
        which = f"{title}@{version}" if version else title
        raise CorpusError(f"没有收录 {which}，没有删除任何内容。可用 cityllm corpus list 查看。",
                          f"{which} is not held; nothing was removed. See `cityllm corpus list`.")
    with ledger.write() as connection:
        for one in found:
            connection.execute("DELETE FROM clauses WHERE instrument=?", (one.id,))
            connection.execute("DELETE FROM files WHERE instrument=?", (one.id,))
            connection.execute("DELETE FROM instruments WHERE id=?", (one.id,))
    ledger.settle()
    return len(found)


def _walk(paths: Iterable[Path]) -> Iterator[Path]:
    """Files to import, each once, in a fixed order; of a folder only what may be a text."""
    seen: set[Path] = set()
    for given in paths:
        path = given.expanduser().resolve()
        if not path.exists():
            raise CorpusError(f"找不到 {given}。请给出存在的文件或文件夹。",
                              f"{given} does not exist. Name a file or folder that does.")
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        for one in inside:
            wanted = one == path or one.suffix.lower() in readers.SUFFIXES | readers.FOREIGN
            hidden = path.is_dir() and any(p.startswith((".", "~$"))
                                           for p in one.relative_to(path).parts)
            if one.is_file() and wanted and not hidden and one not in seen:
                seen.add(one)
                yield one


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _file_date(found: re.Match[str]) -> date | None:
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None
