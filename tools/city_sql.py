"""One SELECT over the catalogued tables, in a DuckDB that can reach nothing else.

The database lives in memory and is filled from text already read; external access, extension
loading and Python replacement scans are off and the configuration is locked before the user's
statement runs.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from tools import ToolInputError
from tools.city_catalogue import Catalogue, Table

if TYPE_CHECKING:
    import duckdb

_LOCK = ("SET enable_external_access = false", "SET allow_community_extensions = false",
         "SET autoinstall_known_extensions = false", "SET autoload_known_extensions = false",
         "SET python_enable_replacements = false", "SET memory_limit = '256MB'",
         "SET threads = 1", "SET max_temp_directory_size = '0KB'", "SET lock_configuration = true")


def run_select(sql: str, catalogue: Catalogue, *, max_rows: int,
               max_seconds: float) -> tuple[list[str], list[tuple[Any, ...]], bool]:
    """Column names, at most `max_rows` rows, and whether more were cut.

    Raises ToolInputError for anything but one SELECT, for an error in it, and past the limits.
    """
    import duckdb

    with duckdb.connect(":memory:") as connection:
        _fill(connection, catalogue)
        for setting in _LOCK:
            connection.execute(setting)
        _check(connection, sql)
        timer = threading.Timer(max_seconds, connection.interrupt)
        timer.start()
        try:
            cursor = connection.execute(sql)
            rows = cursor.fetchmany(max_rows + 1)
            names = [column[0] for column in cursor.description or []]
        except duckdb.InterruptException:
            raise ToolInputError(f"查询超过 {max_seconds:g} 秒，已停止；请简化。",
                                 f"The query ran past {max_seconds:g} s and was stopped; "
                                 "simplify it.") from None
        except duckdb.Error as problem:
            reason = str(problem).splitlines()[0][:200]
            tables = ", ".join(["figures", *(t.name for t in catalogue.tables)])
            raise ToolInputError(
                f"SQL 不能执行：{reason}。可用的表：{tables}；figures 的列：place, area, measure_zh, "
                "measure_en, value, unit, year, source。",
                f"The SQL cannot run: {reason}. Tables: {tables}; columns of figures: place, area, "
                "measure_zh, measure_en, value, unit, year, source.") from None
        finally:
            timer.cancel()
    return names, rows[:max_rows], len(rows) > max_rows


def _check(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Exactly one statement, and a SELECT."""
    import duckdb

    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as problem:
        reason = str(problem).splitlines()[0][:200]
        raise ToolInputError(f"SQL 有语法错误：{reason}。", f"SQL syntax error: {reason}.") from None
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise ToolInputError("只能执行一条 SELECT 语句；不能写入、附加、导出或改设置。",
                             "Only one SELECT statement is allowed; no writing, attaching, "
                             "exporting or settings.")


def _fill(connection: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> None:
    connection.execute("CREATE TABLE figures (place VARCHAR, area VARCHAR, measure_zh VARCHAR, "
                       "measure_en VARCHAR, qualifier VARCHAR, value DOUBLE, unit VARCHAR, "
                       "year INTEGER, source VARCHAR)")
    connection.executemany(
        "INSERT INTO figures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(r.place, r.area, r.measure_zh, r.measure_en, r.qualifier, r.number, r.unit,
          int(r.year) if r.year else None, r.section) for r in catalogue.rows])
    for table in catalogue.tables:
        _fill_table(connection, table)


def _fill_table(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    kinds = [_kind([row[i] for row in table.cells]) for i in range(len(table.columns))]
    columns = ", ".join(f'"{c}" {k}' for c, k in zip(table.columns, kinds, strict=True))
    connection.execute(f'CREATE TABLE "{table.name}" ({columns})')
    marks = ", ".join("?" * len(table.columns))
    connection.executemany(
        f'INSERT INTO "{table.name}" VALUES ({marks})',
        [[cell if kind == "VARCHAR" else (float(cell) if cell else None)
          for cell, kind in zip(row, kinds, strict=True)] for row in table.cells])


def _kind(cells: list[str]) -> str:
    try:
        numbers = [float(cell) for cell in cells if cell]
    except ValueError:
        return "VARCHAR"
    whole = all(n.is_integer() and "." not in c for n, c in zip(
        numbers, [c for c in cells if c], strict=True))
    return "VARCHAR" if not numbers else "BIGINT" if whole else "DOUBLE"
