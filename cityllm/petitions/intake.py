"""Rows of a table -> petitions: XLSX, CSV and TSV (UTF-8, UTF-16 or GB18030), JSONL, a database.

`Source.rows()` gives every row of the input once, in order. A row that cannot be used is a row all
the same: it says why. A date that cannot be read is unknown. Nothing is masked here.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from cityllm.errors import UnreadableFile
from cityllm.petitions import columns
from cityllm.petitions.record import Petition

LOST = "\ufffd"
UNDECODED = "这一行有无法解码的字节，文件里的编码可能混杂"
csv.field_size_limit(1 << 26)


@dataclass(frozen=True)
class Row:
    """A row as read. `values`: column -> text. `problem`: why it cannot be used, else empty."""

    number: int
    values: dict[str, str]
    problem: str = ""

    @property
    def digest(self) -> str:
        """Hash of the contents, not of the place."""
        told = json.dumps([sorted(self.values.items()), self.problem], ensure_ascii=False)
        return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]


@dataclass(frozen=True)
class Read:
    """A petition as written, who wrote it, and what happened to it on which day."""

    petition: Petition
    names: tuple[str, ...] = ()
    who: str = ""
    events: dict[str, date] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """An input: its rows, how many there are (None: not known before), and the fields named."""

    name: str
    read: Callable[[], Iterator[Row]]
    total: int | None
    given: Mapping[str, str] = field(default_factory=dict)

    def rows(self) -> Iterator[Row]:
        """Every row once, in order. ConfigError where no column holds the text."""
        checked = False
        for row in self.read():
            if not checked and not row.problem and row.values:
                columns.match(list(row.values), self.given)
                checked = True
            yield row


def open_source(name: str, given: Mapping[str, str] | None = None) -> Source:
    """The input of that name: a file by its ending, or `dialect://…#table`."""
    given = given or {}
    if "://" in name:
        url, _, table = name.partition("#")
        from cityllm.petitions import database

        return Source(name, lambda: _from_records(database.rows(url, table)),
                      database.count(url, table), given)
    path = Path(name)
    if not path.is_file():
        raise UnreadableFile(f"没有 {path} 这个文件。请核对路径；数据库写成 sqlite:///文件#表名。",
                             f"There is no file {path}. Check the path; a database is written "
                             "sqlite:///FILE#TABLE.")
    kind = path.suffix.lower()
    if kind in (".xlsx", ".xlsm"):
        return Source(name, lambda: _xlsx(path), _count_xlsx(path), given)
    if kind in (".jsonl", ".ndjson"):
        return Source(name, lambda: _jsonl(path), _count_lines(path), given)
    if kind in (".csv", ".tsv", ".txt"):
        return Source(name, lambda: _csv(path), sum(1 for _ in _csv(path)), given)
    raise UnreadableFile(
        f"读不了 {path.name}：可用 .xlsx、.csv、.tsv、.jsonl，或数据库地址。旧版 .xls 请另存为 .xlsx。",
        f"{path.name} cannot be read: use .xlsx, .csv, .tsv, .jsonl or a database address. Save an "
        "old .xls as .xlsx.")


def encoding_of(path: Path) -> str:
    """utf-8-sig, utf-16 or gb18030, by all of the file: UTF-8 where nine in ten of the lines with
    Chinese are valid UTF-8, so that a damaged line does not decide for the others."""
    with path.open("rb") as file:
        head = file.read(4)
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        file.seek(0)
        lines = valid = 0
        for line in file:
            if not line.isascii():
                lines += 1
                try:
                    line.decode("utf-8")
                    valid += 1
                except UnicodeDecodeError:
                    continue
    return "utf-8-sig" if valid >= 0.9 * lines else "gb18030"


def _csv(path: Path) -> Iterator[Row]:
    with path.open(encoding=encoding_of(path), errors="replace", newline="") as file:
        head = file.readline()
        file.seek(0)
        mark = max(",\t;", key=head.count)
        reader = csv.reader(file, delimiter=mark)
        header: list[str] | None = None
        number = 0
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as problem:
                number += 1
                yield Row(number, {}, f"这一行读不了（{problem}）")
                continue
            if header is None:
                header = _header(cells)
            elif any(cell.strip() for cell in cells):
                number += 1
                yield _row(number, header, cells)


def _row(number: int, header: list[str], cells: list[str]) -> Row:
    values = dict(zip(header, cells, strict=False))
    problem = ""
    if len(cells) > len(header):
        rest = cells[len(header):]
        if any(rest):
            values |= {f"多出的第{n}列": cell for n, cell in enumerate(rest, 1)}
            problem = f"这一行有 {len(cells)} 列，表头只有 {len(header)} 列，内容可能错位"
    if any(LOST in cell for cell in cells):
        problem = UNDECODED
    return Row(number, values, problem)


def _header(cells: Iterable[object]) -> list[str]:
    """Names of columns; an empty or repeated one gets a name of its own."""
    names: list[str] = []
    for place, cell in enumerate(cells, 1):
        name = _text(cell).strip() or f"第{place}列"
        names.append(name if name not in names else f"{name}#{place}")
    return names


def _jsonl(path: Path) -> Iterator[Row]:
    number = 0
    with path.open(encoding=encoding_of(path), errors="replace") as file:
        for line in file:
            if not line.strip():
                continue
            number += 1
            try:
                found = json.loads(line)
            except ValueError as problem:
                yield Row(number, {"原文": line.rstrip("\n")}, f"不是 JSON：{problem}")
                continue
            if not isinstance(found, dict):
                yield Row(number, {"原文": line.rstrip("\n")}, "不是 JSON 对象")
                continue
            values = {str(name): _text(value) for name, value in found.items()}
            lost = any(LOST in value for value in values.values())
            yield Row(number, values, UNDECODED if lost else "")


def _count_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for line in file if line.strip())


def _xlsx(path: Path) -> Iterator[Row]:
    book = _open_xlsx(path)
    try:
        header: list[str] | None = None
        number = 0
        for cells in book.worksheets[0].iter_rows(values_only=True):
            if all(cell is None or not str(cell).strip() for cell in cells):
                continue
            if header is None:
                header = _header(cells)
                continue
            number += 1
            yield _row(number, header, [_text(cell) for cell in cells])
    finally:
        book.close()


def _open_xlsx(path: Path) -> Any:
    import warnings
    import zipfile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # styles that openpyxl does not know
            return load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError) as problem:
        raise UnreadableFile(f"打不开 {path.name}：不是完好的 Excel 文件（{problem}）。请在 Excel 里另存一次。",
                             f"{path.name} cannot be opened: it is no sound Excel file "
                             f"({problem}). Save it again in Excel.") from None


def _count_xlsx(path: Path) -> int | None:
    book = _open_xlsx(path)
    try:
        last: int | None = book.worksheets[0].max_row
        return max(0, last - 1) if last else None
    finally:
        book.close()


def _from_records(records: Iterable[Mapping[str, object]]) -> Iterator[Row]:
    for number, record in enumerate(records, 1):
        yield Row(number, {name: _text(value) for name, value in record.items()})


def _text(value: object) -> str:
    """A cell as text: whole numbers without .0, dates as ISO, nothing as the empty text."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


_DATE = re.compile(r"(\d{4})\s*[年./-]\s*(\d{1,2})\s*[月./-]\s*(\d{1,2})(?!\d)|"
                   r"(\d{4})(\d\d)(\d\d)(?!\d)")


def read_date(text: str) -> date | None:
    """The day in 2020/1/6 12:09:38, 2020年1月6日, 2020-01-06T…, 20200106; None for all else."""
    found = _DATE.match(text.strip())
    if not found:
        return None
    year, month, day = (int(part) for part in found.groups() if part)
    try:
        return date(year, month, day) if 1949 <= year <= 2100 else None
    except ValueError:
        return None


def to_read(row: Row, given: Mapping[str, str]) -> Read | str:
    """The petition of a row, or why there is none."""
    if row.problem:
        return row.problem
    fields = columns.fields_of(tuple(row.values), tuple(given.items()))
    told = {field: row.values[column].strip() for column, field in fields.items()}
    if not (told.get("title") or told.get("text")):
        return "没有标题也没有内容"
    events = {name: day for name in columns.EVENTS if (day := read_date(told.get(name, "")))}
    extra = {column: value.strip() for column, value in row.values.items()
             if column not in fields and value.strip()}
    unread = [name for name in ("received", *columns.EVENTS)
              if told.get(name) and read_date(told[name]) is None]
    if unread:
        extra["日期读不了"] = "；".join(f"{name}={told[name]}" for name in unread)
    petition = Petition(
        id=told.get("id") or f"h{row.digest[:12]}", title=told.get("title", ""),
        text=told.get("text", ""), received=read_date(told.get("received", "")),
        channel=told.get("channel", ""), district=told.get("district", ""),
        place=told.get("place", ""), extra=extra)
    names = tuple(name for name in [told.get("person", "")] if re.search(r"[\u3400-\u9fff]", name))
    who = told.get("identity") or told.get("phone") or told.get("person", "")
    return Read(petition, names, who, events)
