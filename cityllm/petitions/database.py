"""A table of a database as input or output, by SQLAlchemy URL: `sqlite:///day.db#petitions`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cityllm.errors import ConfigError, UnreadableFile

if TYPE_CHECKING:
    from sqlalchemy import Engine, Table

BATCH = 1000


@contextmanager
def _engine(url: str) -> Iterator[Engine]:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    try:
        engine = create_engine(url)
    except (ArgumentError, SQLAlchemyError, ImportError) as problem:
        raise ConfigError(f"数据库地址不可用：{problem}。写法如 sqlite:///day.db#petitions。",
                          f"The database address is not usable: {problem}. Write it like "
                          "sqlite:///day.db#petitions.") from None
    try:
        yield engine
    except SQLAlchemyError as problem:
        raise UnreadableFile(f"数据库出错：{problem}", f"The database failed: {problem}") from None
    finally:
        engine.dispose()


def _table(engine: Engine, name: str) -> Table:
    from sqlalchemy import MetaData, Table, inspect

    held = inspect(engine).get_table_names()
    if name not in held:
        raise ConfigError(f"数据库里没有表 {name!r}；有：{'、'.join(held)}。写法如 sqlite:///day.db#表名。",
                          f"The database has no table {name!r}; it has: {', '.join(held)}. Write "
                          "it like sqlite:///day.db#TABLE.")
    return Table(name, MetaData(), autoload_with=engine)


def count(url: str, table: str) -> int:
    """How many rows the table has."""
    from sqlalchemy import func, select

    with _engine(url) as engine, engine.connect() as line:
        return int(line.execute(select(func.count()).select_from(_table(engine, table))).scalar()
                   or 0)


def rows(url: str, table: str) -> Iterator[dict[str, object]]:
    """Every row, in the order of the primary key where there is one."""
    from sqlalchemy import select

    with _engine(url) as engine, engine.connect() as line:
        held = _table(engine, table)
        wanted = select(held).order_by(*held.primary_key.columns)
        for row in line.execution_options(yield_per=BATCH).execute(wanted).mappings():
            yield {str(name): value for name, value in row.items()}


def write(url: str, table: str, header: Sequence[str], records: Iterable[Mapping[str, str]]) -> int:
    """Replace the table by these records in one transaction, all columns texts; how many."""
    from sqlalchemy import Column, Integer, MetaData, Table, Text, insert

    if not table:
        raise ConfigError("没有写表名；写法如 sqlite:///day.db#表名。",
                          "No table is named; write it like sqlite:///day.db#TABLE.")
    done = 0
    with _engine(url) as engine, engine.begin() as line:
        made = Table(table, MetaData(), Column("row", Integer, primary_key=True),
                     *(Column(name, Text) for name in header))
        made.drop(line, checkfirst=True)
        made.create(line)
        batch: list[dict[str, object]] = []
        for done, record in enumerate(records, 1):
            batch.append({"row": done, **record})
            if len(batch) == BATCH:
                line.execute(insert(made), batch)
                batch.clear()
        if batch:
            line.execute(insert(made), batch)
    return done
