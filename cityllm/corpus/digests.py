"""The pack's digests (rag_corpus/regulations/*.yaml) -> the ledger, marked as not verbatim.

A digest states an article in the pack's own words. It shares title and version with the official
text and steps back where that is held. `article_counts.yaml` beside the folder says how many
articles each official text has, so that an article that does not exist can be told from one that
the pack leaves out. An article may hold `asks`: everyday questions that it answers, which search
reads as a second way to it, also where the full text of the same version has stepped in.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
)

from cityllm.corpus.importer import PARSER, refresh
from cityllm.corpus.ledger import Ledger
from cityllm.corpus.levels import KINDS
from cityllm.corpus.names import plain_title, title_key
from cityllm.corpus.numerals import article_key, article_label
from cityllm.errors import CorpusError


class _Article(BaseModel):
    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)
    n: str
    heading: str = ""
    digest: str = Field(min_length=2)
    asks: list[Annotated[str, StringConstraints(strip_whitespace=True, min_length=4,
                                                max_length=200)]] = Field(default_factory=list)

    @field_validator("asks")
    @classmethod
    def _once(cls, asks: list[str]) -> list[str]:
        twice = [one for at, one in enumerate(asks) if one in asks[:at]]
        if twice:
            raise ValueError(f"each question once; twice: {twice[0][:60]}")
        return asks


class _Source(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    url: str


class Digest(BaseModel):
    """One file of the pack; see /docs for the format."""

    model_config = ConfigDict(extra="forbid")
    title: str
    full_title: str
    aliases: list[str] = Field(default_factory=list)
    number: str | None = None
    issuer: str
    kind: str
    region: str
    adopted: date | None = None
    version: date
    effective: date | None = None
    source: _Source
    checked_against: str = ""
    articles: list[_Article] = Field(min_length=1)

    @field_validator("kind")
    @classmethod
    def _known(cls, kind: str) -> str:
        if kind not in KINDS:
            raise ValueError(f"one of {', '.join(KINDS)}")
        return kind


def read_digest(path: Path) -> Digest:
    """One pack file, checked. Raises CorpusError naming file and field."""
    import yaml

    try:
        digest = Digest.model_validate(_yaml(path))
        numbers = [article_key(one.n) for one in digest.articles]
        twice = sorted({n for n in numbers if numbers.count(n) > 1})
        if twice:
            raise CorpusError(f"{path}：条号 {'、'.join(twice)} 出现了两次，请合并或改正。",
                              f"{path}: article {', '.join(twice)} occurs twice; merge or mend it.")
        return digest
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CorpusError(
            f"{path} 的 {where} 有误：{first['msg']}，值为 {str(first['input'])[:60]!r}。",
            f"{path} is wrong at {where}: {first['msg']}, value {str(first['input'])[:60]!r}."
        ) from None
    except (OSError, ValueError, yaml.YAMLError) as problem:
        raise CorpusError(f"{path} 读不了：{problem}。", f"{path} cannot be read: {problem}.") from None


def sync_pack(ledger: Ledger, pack: Path) -> int:
    """Bring the ledger's digests in line with `pack`/regulations; returns how many files changed.

    Files that left the pack leave the ledger. Unchanged files are not read. Raises CorpusError
    for a wrong file, with nothing changed.
    """
    counts_path = pack / "article_counts.yaml"
    counts = dict(_yaml(counts_path)) if counts_path.is_file() else {}
    salt = hashlib.sha256(repr(sorted(counts.items())).encode()).hexdigest()
    files = sorted((pack / "regulations").glob("*.yaml"))
    known = {row[0]: row[1] for row in ledger.connection.execute(
        "SELECT path, hash FROM files WHERE part='digest'")}
    changed: list[tuple[str, str, Digest]] = []
    for path in files:
        digest = hashlib.sha256(path.read_bytes() + salt.encode()).hexdigest()
        if known.get(str(path.resolve())) != f"{PARSER}:{digest}":
            changed.append((str(path.resolve()), f"{PARSER}:{digest}", read_digest(path)))
    gone = sorted(set(known) - {str(path.resolve()) for path in files})
    if not changed and not gone:
        return 0
    with ledger.write() as connection:
        for name in [*gone, *(name for name, _, _ in changed)]:
            _forget(connection, name)
        for name, digest, content in changed:
            _store(connection, name, digest, content, counts)
    ledger.settle()
    return len(changed) + len(gone)


def _forget(connection: sqlite3.Connection, name: str) -> None:
    connection.execute("DELETE FROM instruments WHERE id IN "
                       "(SELECT instrument FROM files WHERE path=?)", (name,))
    connection.execute("DELETE FROM clauses WHERE file=?", (name,))
    connection.execute("DELETE FROM asks WHERE file=?", (name,))
    connection.execute("DELETE FROM files WHERE path=?", (name,))


def _store(connection: sqlite3.Connection, name: str, digest: str, content: Digest,
           counts: dict[str, Any]) -> None:
    title = plain_title(content.title)
    key = title_key(title)
    held = connection.execute(
        "SELECT f.path FROM instruments i JOIN files f ON f.instrument = i.id WHERE i.key=? AND "
        "i.version=? AND i.verbatim=0", (key, content.version.isoformat())).fetchone()
    if held:
        raise CorpusError(f"{name} 与 {held[0]} 是同一文件的同一版本，请合并。",
                          f"{name} and {held[0]} hold one version of one instrument: merge them.")
    cursor = connection.execute(
        "INSERT INTO instruments (key, title, full_title, version, kind, issuer, region, number, "
        "adopted, effective, at_once, amended, repeals, aliases, gaps, verbatim, numbering, "
        "source_name, source_url, source_hash) "
        "VALUES (?,?,?,?,?,?,?,?,?,?,0,'[]','[]',?,'[]',0,'article',?,?,'')",
        (key, title, content.full_title, content.version.isoformat(), content.kind, content.issuer,
         content.region, content.number or "",
         content.adopted.isoformat() if content.adopted else None,
         content.effective.isoformat() if content.effective else None,
         json.dumps(content.aliases, ensure_ascii=False), content.source.name, content.source.url))
    instrument = cursor.lastrowid or 0
    numbers = [article_key(one.n) for one in content.articles]
    connection.executemany(
        "INSERT INTO clauses (instrument, file, ord, article, label, heading, path, text) "
        "VALUES (?,?,?,?,?,?,'[]',?)",
        [(instrument, name, order, number, article_label(number), one.heading, one.digest.strip())
         for order, (number, one) in enumerate(zip(numbers, content.articles, strict=True))])
    connection.executemany(
        "INSERT OR REPLACE INTO asks (file, key, version, article, ord, question) "
        "VALUES (?,?,?,?,?,?)",
        [(name, key, content.version.isoformat(), number, order, question)
         for number, one in zip(numbers, content.articles, strict=True)
         for order, question in enumerate(one.asks)])
    connection.execute("INSERT INTO files VALUES (?,0,0,?,?,?,'digest')",
                       (name, digest, PARSER, instrument))
    refresh(connection, instrument)
    total = counts.get(f"{title}@{content.version}", 0)
    connection.execute("UPDATE instruments SET total=? WHERE id=?", (int(total), instrument))


def count_articles(ledger: Ledger, pack: Path) -> dict[str, int]:
    """Title@version -> number of articles of the official text, for each text of the pack whose
    verbatim version the ledger holds; what `article_counts.yaml` is written from."""
    counts: dict[str, int] = {}
    for path in sorted((pack / "regulations").glob("*.yaml")):
        digest = read_digest(path)
        for one in ledger.versions(digest.title):
            if one.verbatim and one.complete and one.version == digest.version:
                counts[one.name] = one.total
    return dict(sorted(counts.items()))


def _yaml(path: Path) -> dict[str, Any]:
    import yaml

    loaded = yaml.load(path.read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return loaded if isinstance(loaded, dict) else {}
