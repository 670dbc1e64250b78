"""Published city figures, found by words or by read-only SQL; every row carries its source.

A question is matched openly (see city_match): places by their names, measures by how much of the
name stands in the question and of the question in the name. Below NAMED, ASKED and FITS (higher
without a place) nothing is answered. SQL runs in memory on the catalogued tables only: one SELECT,
no file, no network, limits on rows, time and memory. The tool holds no live data.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools import ToolInputError
from tools.city_catalogue import Catalogue, Row, load_catalogue
from tools.city_match import (
    CHANGE,
    Fit,
    Question,
    asked_side,
    fits,
    has,
    headed,
    read_question,
    uncovered,
    unknown_start,
)
from tools.schema import Figure, ToolResult

MAX_ROWS = 50
MAX_FIGURES = 20
MAX_SECONDS = 5.0
MAX_CELL = 300
NAMED, NAMED_ANYWHERE = 0.45, 0.6
FITS, FITS_ANYWHERE = 0.56, 0.62
ASKED, ASKED_ANYWHERE = 0.45, 0.6
FULL, LISTED = 0.97, 0.95
CLOSE = 0.1
WHOLE = ("全国", "全球", "美国", "英国", "爱尔兰", "埃塞俄比亚")
SIZES = {"十亿": 1e9, "亿": 1e8, "万": 1e4}
DATA = Path(__file__).resolve().parent / "data" / "cities"
_RANKS = re.compile(r"最|哪个城市|哪座|哪些城市|前十|排名|排行|排个名|各城市|各个城市|各国|几个.{0,2}城市|列个表|"
                    r"\bwhich\b|\brank|\bcities\b", re.IGNORECASE)
_BEST = re.compile(r"最[高大]|\b(?:highest|tallest|largest)\b", re.IGNORECASE)
_LISTS = re.compile(r"有关|关于|有啥|哪些数据|什么数据|数据目录|\blist\b|what data", re.IGNORECASE)
_RISING = re.compile(r"最[矮低小少短轻]|\b(?:lowest|least|smallest|fewest|shortest)\b", re.IGNORECASE)
_YEAR = re.compile(r"(?<![\d.])(?P<year>(?:19|20)\d{2})(?!\d)(?:\s*年)?(?:\d{1,2}月)?(?:\d{1,2}[日号])?"
                   r"(?P<around>以?[后前来]|之[后前]|起|到)?")
_AROUND_EN = re.compile(r"\b(?:after|since|before|by|until|from)\s+(?:19|20)\d{2}", re.IGNORECASE)


@dataclass(frozen=True)
class CityData(ToolResult):
    """Rows found: `table` names what was read, `sources` the publication and section of each."""

    table: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    sources: tuple[str, ...] = ()


def query_city_data(query: str, sql: str = "") -> CityData:
    """查城市公开数据（车速、拥堵、停车等）。Published city figures with sources.

    query: 用户的整句问题，或城市和指标；the question as asked, or city and measure
    sql: 可选，只读SELECT，表 figures；optional read-only SELECT over figures
    """
    catalogue = load_catalogue(DATA)
    if sql.strip():
        return _by_sql(query, sql, catalogue)
    return _by_words(query, catalogue)


def _by_words(query: str, catalogue: Catalogue) -> CityData:
    places, rest = catalogue.take_places(query)
    absent = catalogue.absent_places(query)
    if absent:
        held = "、".join(catalogue.places)
        raise ToolInputError(f"没有“{'、'.join(absent)}”的数据。有数据的地方：{held}。",
                             f"No data on {', '.join(absent)}. Held: "
                             f"{', '.join(catalogue.english(p) for p in catalogue.places)}.")
    dated = _YEAR.search(rest)
    year = dated["year"] if dated and not dated["around"] and not _AROUND_EN.search(rest) else ""
    rest = _YEAR.sub(" ", rest)
    if not places and _RANKS.search(rest) and re.search(r"平均|average|mean", rest):
        rest = _BEST.sub(" ", rest)
    question = read_question(rest, catalogue)
    found = fits(question, catalogue.rows, catalogue)
    if year:
        told = {fit.row for fit in found if year in fit.row.measure_zh}
    fitting = [fit for fit in found if _good(fit, bool(places), query)]
    if places and not question.parts:
        fitting = found
    elif not places and (unknown_start(question, catalogue) or _foreign(rest, catalogue)):
        fitting = []
    elif places and not any(fit.row.place in places for fit in fitting):
        fitting += [fit for fit in found if headed(question, fit.row) and fit.row.place in places]
    if _RANKS.search(query) and not places:
        fitting = _compared(fitting)
    here = [fit for fit in fitting if not places or _about(fit.row, places, catalogue)]
    if not here:
        _nothing(query, places, fitting, catalogue)
    best = max(fit.score for fit in here)
    close = CLOSE if len(question.clauses) < 2 else 2 * CLOSE
    chosen = [fit for fit in here if fit.score >= best - close or (
        fit.asked >= LISTED and _LISTS.search(query))]
    if year:
        of_year = [fit for fit in here if fit.row.year == year or fit.row in told]
        if not of_year:
            years = "、".join(sorted({fit.row.year or "未注明年份" for fit in chosen}))
            raise ToolInputError(f"没有 {year} 年的这项数据；有的年份：{years}。",
                                 f"No such figure for {year}; years held: {years}.")
        best = max(fit.score for fit in of_year)
        chosen = [fit for fit in of_year if fit.score >= best - CLOSE]
    elif places:
        chosen += _rest_of(question, chosen, [fit for fit in found if _about(
            fit.row, places, catalogue) and fit.name >= NAMED_ANYWHERE], catalogue)
    return _answer(query, _in_order(chosen, query, catalogue, year), catalogue)


def _foreign(text: str, catalogue: Catalogue) -> bool:
    """Whether an English question names something with a capital that no row knows: a place?"""
    words = re.findall(r"(?<=[a-z,] )[A-Z][a-z]+", text)
    return any(unknown_start(read_question(word, catalogue), catalogue) for word in words)


def _rest_of(question: Question, chosen: list[Fit], here: list[Fit],
             catalogue: Catalogue) -> list[Fit]:
    """Rows for what else is asked: 路口数量和信号灯数量, 是多少，占几成."""
    more: list[Fit] = []
    for part in uncovered(question, [fit.row for fit in chosen], catalogue):
        found = [fit for fit in here if fit not in chosen and has(part, fit.row, catalogue)]
        best = max((fit.score for fit in found), default=0.0)
        more += [fit for fit in found if fit.score >= best - CLOSE and fit not in more]
    if len(question.clauses) > 1:
        more += [fit for fit in here if fit.name >= FULL and fit not in [*chosen, *more]]
    return more


def _good(fit: Fit, placed: bool, query: str) -> bool:
    """Whether a row may answer: enough of its name is asked for, and enough of the question is
    about it. A question for a list only needs to be about it."""
    if _LISTS.search(query) and fit.asked >= LISTED:
        return True
    if fit.asked < (ASKED if placed else ASKED_ANYWHERE) and fit.name < FULL:
        return False
    return fit.name >= (NAMED if placed else NAMED_ANYWHERE) and fit.score >= (
        FITS if placed else FITS_ANYWHERE)


def _about(row: Row, places: Sequence[str], catalogue: Catalogue) -> bool:
    also = next((p for start, p in catalogue.also.items() if row.measure_zh.startswith(start)), [])
    return row.place in places or any(place in also for place in places)


def _compared(fitting: list[Fit]) -> list[Fit]:
    """For a question that ranks cities: only measures held for two cities or more, if any."""
    fitting = [fit for fit in fitting if fit.row.place not in WHOLE] or fitting
    where: dict[str, set[str]] = {}
    for fit in fitting:
        where.setdefault(fit.row.measure_zh, set()).add(fit.row.place)
    return [fit for fit in fitting if len(where[fit.row.measure_zh]) >= 2] or fitting


def _in_order(chosen: list[Fit], query: str, catalogue: Catalogue, year: str) -> list[Row]:
    """Best first; the two sides of a pair together, in the order asked for; ranked by value where
    a ranking is asked for; newest first where one measure has several years."""
    sides = asked_side(query)
    scores: dict[tuple[str, str], float] = {}
    for fit in chosen:
        pair = fit.row.place, _bare(fit.row)
        scores[pair] = max(fit.score, scores.get(pair, 0.0))
    rows = {fit.row for fit in chosen}
    if not year:
        for row in filter(_side, catalogue.rows):
            changes = [s for (place, name), s in scores.items() if place == row.place
                       and CHANGE.search(name) and _bare(row).endswith(CHANGE.sub("", name))]
            if (row.place, _bare(row)) in scores or changes:
                scores.setdefault((row.place, _bare(row)), min(changes, default=0.0) - CLOSE)
                rows.add(row)
    measures = {_bare(row): max(s for (_, m), s in scores.items() if m == _bare(row))
                for row in rows}
    ranked, rising = bool(_RANKS.search(query)), bool(_RISING.search(query))
    order = list(catalogue.places)
    spoken = {place: query.find(place) for place in order}

    def key(row: Row) -> tuple[float | int, ...]:
        side = sides.index(_side(row)) if _side(row) else 0
        size = row.number * next((n for mark, n in SIZES.items() if mark in row.unit), 1)
        value = (size if rising else -size) if ranked else 0
        return (-round(measures[_bare(row)], 3), list(measures).index(_bare(row)) if ranked else 0,
                value, spoken[row.place], order.index(row.place), side, -int(row.year or 0))

    return sorted(sorted(rows, key=catalogue.rows.index), key=key)


def _bare(row: Row) -> str:
    """The measure without the side of a pair: 平均车速（限行期间） -> 平均车速."""
    return re.sub(r"（.*?）", "", row.measure_zh)


def _side(row: Row) -> str:
    """before, after or nothing."""
    if re.search(r"[^）]前）|（限行期间", row.measure_zh):
        return "before"
    return "after" if re.search(r"后）|不限行期间", row.measure_zh) else ""


def _nothing(query: str, places: Sequence[str], fitting: Sequence[Fit],
             catalogue: Catalogue) -> None:
    """Say honestly that nothing is held, and what is."""
    near = [fit for fit in fitting if fit.name >= NAMED_ANYWHERE]
    if places and near:
        measure = max(near, key=lambda fit: fit.score).row
        where = sorted({fit.row.place for fit in near if _bare(fit.row) == _bare(measure)})
        raise ToolInputError(
            f"没有{'、'.join(places)}的“{_bare(measure)}”数据；有这项数据的地方：{'、'.join(where)}。",
            f"No figure on {measure.measure_en} for "
            f"{', '.join(catalogue.english(p) for p in places)}; held for "
            f"{', '.join(catalogue.english(p) for p in where)}.")
    rows = [row for row in catalogue.rows if not places or row.place in places]
    names = list(dict.fromkeys(_bare(row) for row in rows))[:15]
    names_en = list(dict.fromkeys(row.measure_en for row in rows))[:15]
    raise ToolInputError(f"没有找到“{query}”的数据，不用相近的数字代替。可以查：{'、'.join(names)}……",
                         f"Nothing held on '{query}'; no similar figure is given instead. "
                         f"Held, for instance: {'; '.join(names_en)}.")


def _answer(query: str, chosen: list[Row], catalogue: Catalogue) -> CityData:
    shown = chosen[:MAX_FIGURES]
    values, lines, lines_en = {}, [], []
    for i, row in enumerate(shown, 1):
        values[f"v{i}"] = Figure(row.text, row.unit, row.label_zh, row.label_en(catalogue))
        lines.append(f"{row.label_zh} {row.qualifier}{row.text} {row.unit}".rstrip())
        lines_en.append(f"{row.label_en(catalogue)}: {row.text} {row.unit}".rstrip())
    more = f"；另有 {len(chosen) - len(shown)} 行未列出" if len(chosen) > len(shown) else ""
    more_en = f"; {len(chosen) - len(shown)} more rows not listed" if more else ""
    columns = ("place", "area", "measure", "qualifier", "value", "unit", "year")
    table = "、".join(dict.fromkeys(row.table for row in shown))
    return CityData(
        {"query": query, "sql": ""}, values,
        f"{'；'.join(lines)}{more}（来源：{catalogue.publication_zh}）。",
        f"{'; '.join(lines_en)}{more_en} (source: {catalogue.publication_en}).",
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
