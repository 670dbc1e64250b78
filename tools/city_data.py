"""Published city figures, found by words or by read-only SQL; every row carries its source.

Words are matched openly: places by their names, measures by the share of the question's letters
that stand in the measure's name. Below 0.6 (0.8 without a place) nothing is answered. SQL runs in
memory on the catalogued tables only: one SELECT, no file, no network, limits on rows, time and
memory. The tool holds no live data.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools import ToolInputError
from tools.city_catalogue import Catalogue, Row, load_catalogue
from tools.schema import Figure, ToolResult

MAX_ROWS = 50
MAX_FIGURES = 20
MAX_SECONDS = 5.0
MAX_CELL = 300
LIKE = 0.6
LIKE_ANYWHERE = 0.8
DATA = Path(__file__).resolve().parent / "data" / "cities"
_FILLER = re.compile(
    r"请问|请|帮我|查询|查一下|查|看看|告诉我|我想知道|有没有|有多少|是多少|多少|哪些|哪个|哪座|几|什么|怎么样|如何|"
    r"数据|数字|情况|分别|各个?|所有|以及|目前|现在|城市的|对比|比较|排名|排行|前后|变化|之前|之后|以前|以后|"
    r"取消|提高|增加|减少|需要|(?<=限行)[前后]|和|与|及|的|了|吗|呢|是|有|在|市|年|[？?，。,、：:！!\s]")
_RANKS = re.compile(r"最|哪个|哪座|哪些城市|排名|排行|各城市|各个城市|\bwhich\b|est\b|\brank", re.IGNORECASE)
_MOST = re.compile(r"最[大小多少高低长短严重]+|\b(?:most|least|highest|lowest|largest|worst)\b",
                   re.IGNORECASE)
_FILLER_EN = set(
    "the a an of in for is are what which how much many s and to city cities data figure figures "
    "compare by with per show me tell was were do does it".split())


@dataclass(frozen=True)
class CityData(ToolResult):
    """Rows found: `table` names what was read, `sources` the publication and section of each."""

    table: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    sources: tuple[str, ...] = ()


def query_city_data(query: str, sql: str = "") -> CityData:
    """查城市公开数据（车速、拥堵、停车等）。Published city figures with sources.

    query: 城市和指标，如 南昌 平均车速；city and measure, in words
    sql: 可选，只读SELECT，表 figures；optional read-only SELECT over figures
    """
    catalogue = load_catalogue(DATA)
    if sql.strip():
        return _by_sql(query, sql, catalogue)
    return _by_words(query, catalogue)


def _by_words(query: str, catalogue: Catalogue) -> CityData:
    absent = catalogue.absent_places(query)
    places, rest = catalogue.take_places(query)
    if absent:
        held = "、".join(catalogue.places)
        raise ToolInputError(f"没有“{'、'.join(absent)}”的数据。有数据的地方：{held}。",
                             f"No data on {', '.join(absent)}. Held: "
                             f"{', '.join(catalogue.english(p) for p in catalogue.places)}.")
    year = re.search(r"(?<!\d)(?:19|20)\d{2}(?!\d)", rest)
    if year:
        rest = rest.replace(year[0], " ")
    pieces = _pieces(catalogue.plain(rest))
    scored = [(_share(pieces, row), row) for row in catalogue.rows]
    if _MOST.search(rest) and max(s for s, _ in scored) < LIKE_ANYWHERE:
        pieces = _pieces(catalogue.plain(_MOST.sub(" ", rest)))
        scored = [(_share(pieces, row), row) for row in catalogue.rows]
    if places and not pieces:
        scored = [(1.0, row) for row in catalogue.rows]
    fitting = [(s, row) for s, row in scored if s >= (LIKE if places else LIKE_ANYWHERE)]
    if _RANKS.search(query):
        fitting = _compared(fitting)
    here = [(s, row) for s, row in fitting if not places or row.place in places]
    if not here:
        _nothing(query, places, fitting, catalogue)
    best = max(s for s, _ in here)
    chosen = [row for s, row in here if s >= 0.8 * best]
    if year:
        dated = [row for row in chosen
                 if year[0] in (row.year, *re.findall(r"\d{4}", row.measure_zh))]
        if not dated:
            years = "、".join(sorted({row.year or "未注明年份" for row in chosen}))
            raise ToolInputError(f"没有 {year[0]} 年的这项数据；有的年份：{years}。",
                                 f"No such figure for {year[0]}; years held: {years}.")
        chosen = dated
    return _answer(query, chosen, pieces, catalogue)


def _compared(fitting: list[tuple[float, Row]]) -> list[tuple[float, Row]]:
    """For a question that ranks cities: only measures held for three places or more, if any."""
    where: dict[str, set[str]] = {}
    for _, row in fitting:
        where.setdefault(row.measure_zh, set()).add(row.place)
    return [(s, row) for s, row in fitting if len(where[row.measure_zh]) >= 3] or fitting


def _pieces(text: str) -> list[str]:
    """Chinese runs and Latin words of a question, without words that ask."""
    runs = re.findall(r"[一-鿿]+", _FILLER.sub(" ", text))
    words = (w for w in re.findall(r"[a-z]+", text.lower()) if w not in _FILLER_EN)
    return runs + [_stem(word) for word in words]


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _left_over(piece: str, row: Row) -> str:
    """What of one piece does not stand in the row's area or measure, in parts of two or more."""
    if piece.isascii():
        words = {_stem(w) for w in re.findall(r"[a-z]+", row.measure_en.lower())}
        return "" if piece in words else piece
    name, rest, at = row.area + row.measure_zh, "", 0
    shortest = min(2, len(piece))
    while at < len(piece):
        end = next((e for e in range(len(piece), at + shortest - 1, -1) if piece[at:e] in name), at)
        rest += "" if end > at else piece[at]
        at = max(end, at + 1)
    return rest


def _share(pieces: Sequence[str], row: Row) -> float:
    """Share of the question that stands in the row: letters for Chinese, a word counts as four."""
    total = sum(4 if p.isascii() else len(p) for p in pieces)
    left = sum(4 if p.isascii() else 1 for piece in pieces for p in _letters(piece, row))
    return 1 - left / total if total else 0.0


def _letters(piece: str, row: Row) -> list[str]:
    rest = _left_over(piece, row)
    return [rest] if rest and piece.isascii() else list(rest)


def _nothing(query: str, places: Sequence[str], fitting: Sequence[tuple[float, Row]],
             catalogue: Catalogue) -> None:
    """Say honestly that nothing is held, and what is."""
    if places and fitting:
        measure = max(fitting, key=lambda pair: pair[0])[1]
        where = sorted({row.place for _, row in fitting})
        raise ToolInputError(
            f"没有{'、'.join(places)}的“{measure.measure_zh}”数据；有这项数据的地方：{'、'.join(where)}。",
            f"No figure on {measure.measure_en} for "
            f"{', '.join(catalogue.english(p) for p in places)}; held for "
            f"{', '.join(catalogue.english(p) for p in where)}.")
    rows = [row for row in catalogue.rows if not places or row.place in places]
    names = list(dict.fromkeys(row.measure_zh for row in rows))[:15]
    names_en = list(dict.fromkeys(row.measure_en for row in rows))[:15]
    raise ToolInputError(f"没有找到“{query}”的数据，不用相近的数字代替。可以查：{'、'.join(names)}……",
                         f"Nothing held on '{query}'; no similar figure is given instead. "
                         f"Held, for instance: {'; '.join(names_en)}.")


def _answer(query: str, chosen: list[Row], pieces: Sequence[str], catalogue: Catalogue) -> CityData:
    top = sorted(chosen, key=lambda row: (row.measure_zh, -row.number))
    if len({row.measure_zh for row in chosen}) > 1:
        top = sorted(chosen, key=lambda row: list(catalogue.places).index(row.place))
    shown = top[:MAX_FIGURES]
    best = max(shown, key=lambda row: _share(pieces, row))
    unused = [rest for rest in (_left_over(p, best) for p in pieces) if rest] if pieces else []
    values, lines, lines_en = {}, [], []
    for i, row in enumerate(shown, 1):
        values[f"v{i}"] = Figure(row.text, row.unit, row.label_zh, row.label_en(catalogue))
        lines.append(f"{row.label_zh} {row.qualifier}{row.text} {row.unit}".rstrip())
        lines_en.append(f"{row.label_en(catalogue)}: {row.text} {row.unit}".rstrip())
    more = f"；另有 {len(top) - len(shown)} 行未列出" if len(top) > len(shown) else ""
    more_en = f"; {len(top) - len(shown)} more rows not listed" if more else ""
    note = f"。没有用到的词：{'、'.join(unused)}" if unused else ""
    note_en = f". Words not used: {', '.join(unused)}" if unused else ""
    columns = ("place", "area", "measure", "qualifier", "value", "unit", "year")
    table = "、".join(dict.fromkeys(row.table for row in shown))
    return CityData(
        {"query": query, "sql": ""}, values,
        f"{'；'.join(lines)}{more}（来源：{catalogue.publication_zh}）{note}。",
        f"{'; '.join(lines_en)}{more_en} (source: {catalogue.publication_en}){note_en}.",
        table=table, columns=columns,
        rows=tuple((r.place, r.area, r.measure_zh, r.qualifier, r.text, r.unit, r.year)
                   for r in shown),
        sources=tuple(f"{catalogue.publication_zh} {r.section}" for r in shown))


def _by_sql(query: str, sql: str, catalogue: Catalogue) -> CityData:
    from tools.city_sql import run_select

    columns, rows, cut = run_select(sql, catalogue, max_rows=MAX_ROWS, max_seconds=MAX_SECONDS)
    if not rows:
        raise ToolInputError("查询没有结果行；请放宽条件，或改用词语查询。",
                             "The query returned no rows; widen it, or ask in words.")
    values: dict[str, Figure] = {}
    for row in rows:
        named = dict(zip(columns, row, strict=True))
        who = " ".join(str(named[c]) for c in ("place", "city", "measure_zh") if named.get(c))
        for column, cell in named.items():
            number = isinstance(cell, int | float) and not isinstance(cell, bool)
            if not number or column == "year" or len(values) >= MAX_FIGURES:
                continue
            unit = str(named.get("unit") or "") if column == "value" else \
                catalogue.column_units.get(column, "")
            label = f"{who} {column}".strip()
            values[f"v{len(values) + 1}"] = Figure(_plain(cell), unit, label, label)
    lines = "；".join("，".join(_plain(cell) for cell in row) for row in rows[:MAX_FIGURES])
    note = f"（只取前 {MAX_ROWS} 行）" if cut else ""
    return CityData(
        {"query": query, "sql": sql}, values,
        f"SQL 结果 {len(rows)} 行{note}：{lines}。来源：{catalogue.publication_zh}。",
        f"SQL returned {len(rows)} rows{' (cut)' if cut else ''}: {lines}. "
        f"Source: {catalogue.publication_en}.",
        table="sql", columns=tuple(columns), rows=tuple(tuple(r) for r in rows),
        sources=(catalogue.publication_zh,))


def _plain(cell: Any) -> str:
    """A cell as text: floats without noise, long text cut."""
    if isinstance(cell, float):
        text = f"{cell:.6f}".rstrip("0").rstrip(".")
        return text if text not in ("", "-0") else "0"
    return "" if cell is None else str(cell)[:MAX_CELL]
