"""A table of enterprises from a file: .csv, .tsv, .jsonl, .parquet or .xlsx, one enterprise a row.

A column is named as a field is (`revenue@2025`, 营业收入@2025, 2025年营业收入); `id` and `name` are the
enterprise's own; `judge:POLICY.CLAUSE` a judgement. A column of any other name is left out and
said. A cell that cannot be read is missing and is said, with its row: one wrong cell does not stop
a city, and a missing datum never makes anybody eligible. A set is written `a,b` or a list.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from cityllm.errors import EnterpriseError
from cityllm.policies.fields import LIMIT, NUMBERS, Dictionary, Field
from cityllm.policies.figures import NotAllowed
from cityllm.policies.table import MISSING, EnterpriseTable, Ints, Texts, number_texts

if TYPE_CHECKING:
    import polars as pl

KINDS = (".csv", ".tsv", ".jsonl", ".parquet", ".xlsx")
IDS = {"id": "id", "编号": "id", "统一社会信用代码": "id", "name": "name", "名称": "name",
       "企业名称": "name"}
_YEAR_FIRST = re.compile(r"(\d{4})\s*年\s*(.+)")
_WORDS = {"true": True, "是": True, "有": True, "1": True, "false": False, "否": False,
          "无": False, "0": False}
SHOWN = 20
"""So many wrong cells are told one by one."""


@dataclass(frozen=True, slots=True)
class WrongCell:
    """A cell that was taken as missing: the first row (from 1, the head not counted) with it."""

    row: int
    column: str
    value: str
    zh: str
    en: str
    rows: int
    """How many rows have that value in that column."""


@dataclass(frozen=True)
class ReadTable:
    """The table, the columns that mean nothing, and the cells that could not be read."""

    table: EnterpriseTable
    ignored: tuple[str, ...]
    wrong: tuple[WrongCell, ...]


def read_table(path: Path, dictionary: Dictionary) -> ReadTable:
    """The enterprises of a file. Raises EnterpriseError where the file itself cannot be read."""
    frame = _frame(path)
    numbers: dict[str, Ints] = {}
    texts: dict[str, Texts] = {}
    sets: dict[str, Ints] = {}
    options: dict[str, tuple[str, ...]] = {}
    own: dict[str, list[str]] = {}
    ignored: list[str] = []
    wrong: list[WrongCell] = []
    for name in frame.columns:
        if name in IDS:
            own[IDS[name]] = ["" if one is None else str(one) for one in frame[name].to_list()]
            continue
        column = column_of(name, dictionary)
        if column is None:
            ignored.append(name)
            continue
        field = None if column.startswith("judge:") else dictionary.field_of(column)
        if field is not None and field.type in ("choice", "region", "industry"):
            texts[column] = _texts(frame[name], field, column, wrong)
        elif field is not None and field.type == "set":
            options[column] = tuple(sorted(field.options))
            sets[column] = _each(frame[name], _bits(field, options[column]), column, wrong)
        else:
            numbers[column] = _numbers(frame[name], field, column, wrong)
    ids = own.get("id") or [str(row + 1) for row in range(frame.height)]
    return ReadTable(EnterpriseTable(ids, numbers, texts, sets, own.get("name", ()), options),
                     tuple(ignored), tuple(wrong))


def column_of(name: str, dictionary: Dictionary) -> str | None:
    """The column that a heading means; None where it means none."""
    name = name.strip()
    if name.startswith("judge:"):
        return name
    if match := _YEAR_FIRST.fullmatch(name):
        name = f"{match[2]}@{match[1]}"
    key = dictionary.find(name)
    if key is None:
        return None
    year = name.partition("@")[2]
    if dictionary.fields[key].yearly != (len(year) == 4 and year.isdigit()):
        return None
    return f"{key}@{year}" if year else key


def _frame(path: Path) -> pl.DataFrame:
    import polars as pl

    kind = path.suffix.lower()
    try:
        if kind in (".csv", ".tsv"):
            return pl.read_csv(path, separator="\t" if kind == ".tsv" else ",",
                               infer_schema_length=0)
        if kind == ".jsonl":
            return pl.read_ndjson(path, infer_schema_length=None)
        if kind == ".parquet":
            return pl.read_parquet(path)
        if kind == ".xlsx":
            return _sheet(path)
    except (OSError, ValueError, KeyError, BadZipFile, pl.exceptions.PolarsError) as problem:
        first = str(problem).splitlines()[0]
        raise EnterpriseError(f"{path} 读不了：{first}。", f"{path} cannot be read: {first}."
                              ) from None
    raise EnterpriseError(f"{path} 的格式不支持；可以用 {'、'.join(KINDS)}。",
                          f"{path} is of no kind that can be read; use {', '.join(KINDS)}.")


def _sheet(path: Path) -> pl.DataFrame:
    """The first sheet of a workbook, every cell as text."""
    import openpyxl
    import polars as pl

    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        rows = [[None if cell is None else str(cell).removesuffix(" 00:00:00") for cell in row]
                for row in book.worksheets[0].iter_rows(values_only=True)]
    finally:
        book.close()
    if not rows:
        raise ValueError("空表 the sheet is empty")
    return pl.DataFrame(rows[1:], schema=[str(one) for one in rows[0]], orient="row")


def _each(series: pl.Series, read: Callable[[Any], int], column: str,
          wrong: list[WrongCell]) -> Ints:
    """Every distinct cell read once."""
    cells = series.to_list()
    known: dict[Any, int] = {}
    bad: dict[Any, tuple[int, NotAllowed, int]] = {}
    found = np.full(len(cells), MISSING, np.int64)
    for row, cell in enumerate(cells):
        if cell is None or cell == "":
            continue
        key = tuple(cell) if isinstance(cell, list) else cell
        if key in bad:
            first, problem, rows = bad[key]
            bad[key] = (first, problem, rows + 1)
            continue
        if key not in known:
            try:
                known[key] = read(cell)
            except NotAllowed as problem:
                bad[key] = (row + 1, problem, 1)
                continue
        found[row] = known[key]
    wrong += [WrongCell(row, column, str(key), problem.zh, problem.en, rows)
              for key, (row, problem, rows) in bad.items()]
    return found


def _texts(series: pl.Series, field: Field, column: str, wrong: list[WrongCell]) -> Texts:
    names: list[str] = []

    def read(cell: Any) -> int:
        names.append(str(field.encode(cell)))
        return len(names) - 1

    codes = _each(series, read, column, wrong)
    plain = number_texts(names)
    by_code = np.append(plain.codes, np.int32(-1))
    return Texts(by_code[np.where(codes == MISSING, -1, codes)], plain.names)


def _bits(field: Field, options: tuple[str, ...]) -> Callable[[Any], int]:
    def read(cell: Any) -> int:
        listed = re.split(r"[,，、;；]\s*", cell) if isinstance(cell, str) else list(cell)
        held = field.encode([one for one in listed if one])
        assert isinstance(held, frozenset)
        return sum(1 << at for at, option in enumerate(options) if option in held)
    return read


def _numbers(series: pl.Series, field: Field | None, column: str,
             wrong: list[WrongCell]) -> Ints:
    """Numbers, dates, certificates, booleans; plain digits of money are read all at once."""
    if field is None or field.type in ("boolean", "certificate"):
        return _each(series, lambda cell: _word(cell, field), column, wrong)
    if field.type not in NUMBERS:
        return _each(series, lambda cell: _stored(cell, field), column, wrong)
    found = _digits(series, field)
    rest = np.flatnonzero((found == MISSING) & series.is_not_null().to_numpy())
    if len(rest):
        left: list[WrongCell] = []
        found[rest] = _each(series.gather(rest), lambda cell: _stored(cell, field), column, left)
        wrong += [WrongCell(int(rest[one.row - 1]) + 1, one.column, one.value, one.zh, one.en,
                            one.rows) for one in left]
    return found


def _digits(series: pl.Series, field: Field) -> Ints:
    """Cells of plain digits with at most the field's decimals; all others MISSING."""
    import polars as pl

    text = series.cast(pl.String).str.strip_chars()
    plain = text.str.contains(rf"^-?\d{{1,13}}(?:\.\d{{1,{max(field.places, 1)}}})?$").fill_null(
        False)
    text = text.zip_with(plain, pl.Series([None], dtype=pl.String).new_from_index(0, len(text)))
    whole = text.str.replace(".", "", literal=True).cast(pl.Int64)
    decimals = text.str.extract(r"\.(\d+)$", 1).str.len_chars().fill_null(0).to_numpy()
    values = whole.fill_null(0).to_numpy().astype(np.int64)
    power = field.places - decimals.astype(np.int64)
    known = whole.is_not_null().to_numpy() & (power >= 0)
    scaled = values * 10 ** np.maximum(power, 0)
    known &= np.abs(scaled) < LIMIT
    if not field.negative:
        known &= scaled >= 0
    return np.where(known, scaled, MISSING)


def _word(cell: Any, field: Field | None) -> int:
    """true, 是, 有, 1; or for a certificate its last day."""
    word = _WORDS.get(str(cell).strip().lower(), cell)
    if field is None:
        if not isinstance(word, bool):
            raise NotAllowed(f"{cell!r} 不是 true 或 false", f"{cell!r} is neither true nor false")
        return int(word)
    return _stored(word, field)


def _stored(cell: Any, field: Field) -> int:
    value = field.encode(repr(cell) if isinstance(cell, float) else cell)
    assert isinstance(value, int)
    return value
