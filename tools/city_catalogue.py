"""The catalogue of city tables: CSV files with units in every header, and the names of measures."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

_HEADER = re.compile(r"(?P<name>\w+)(?: \[(?P<unit>[^\]]+)\])?$")


@dataclass(frozen=True)
class Row:
    """One figure. `text` as published, `unit` as shown, `section` where it stands."""

    table: str
    place: str
    area: str
    measure_zh: str
    measure_en: str
    qualifier: str
    text: str
    unit: str
    year: str
    section: str

    @property
    def number(self) -> float:
        """The figure as a number."""
        return float(self.text)

    @property
    def label_zh(self) -> str:
        """南昌 平均车速（限行期间）（2019年）."""
        when = f"（{self.year}年）" if self.year else ""
        area = self.area if self.area not in ("", "全市") else ""
        return f"{self.place}{area} {self.measure_zh}{when}"

    def label_en(self, catalogue: Catalogue) -> str:
        """The same in English."""
        when = f" ({self.year})" if self.year else ""
        return f"{catalogue.english(self.place)}, {self.measure_en}{when}"


@dataclass(frozen=True)
class Table:
    """A CSV as it lies in the folder; `columns` without units, `cells` as text."""

    name: str
    title_zh: str
    title_en: str
    columns: tuple[str, ...]
    units: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Catalogue:
    """All tables, all figures in one long list, and the names of places."""

    publication_zh: str
    publication_en: str
    tables: tuple[Table, ...]
    rows: tuple[Row, ...]
    places: dict[str, list[str]]
    absent: tuple[str, ...]
    synonyms: dict[str, list[str]]
    groups: dict[str, list[str]]
    landmarks: dict[str, str]
    aliases: dict[str, list[str]]
    also: dict[str, list[str]]
    column_units: dict[str, str] = field(default_factory=dict)

    def english(self, place: str) -> str:
        """English name of a place."""
        names = self.places.get(place, [])
        return names[0] if names else place

    def absent_places(self, text: str) -> list[str]:
        """Well-known places in the text without any row."""
        text = self._without_landmarks(text)[1]
        return [name for name in self.absent if _stands(name, text)]

    def take_places(self, text: str) -> tuple[list[str], str]:
        """Places in the text, and the text without their names. A country beside a city goes; a
        landmark says its city and stays, for it is part of a measure's name."""
        for name in sorted(self.groups, key=len, reverse=True):
            if _stands(name, text):
                return self.groups[name], re.sub(re.escape(name), " ", text, flags=re.IGNORECASE)
        found, bare = self._without_landmarks(text)
        spelled = [(s, place) for place, others in self.places.items() for s in (place, *others)]
        for spelling, place in sorted(spelled, key=lambda pair: -len(pair[0])):
            if _stands(spelling, bare):
                bare = re.sub(re.escape(spelling), " ", bare, flags=re.IGNORECASE)
                text = re.sub(re.escape(spelling), " ", text, flags=re.IGNORECASE)
                if place not in found:
                    found.append(place)
        cities = [p for p in found if p not in ("美国", "全国", "全球")]
        return (cities or found), text

    def _without_landmarks(self, text: str) -> tuple[list[str], str]:
        """Cities of the landmarks in the text, and the text without the landmarks."""
        found: list[str] = []
        for name in sorted(self.landmarks, key=len, reverse=True):
            if _stands(name, text):
                text = re.sub(re.escape(name), " ", text, flags=re.IGNORECASE)
                if self.landmarks[name] not in found:
                    found.append(self.landmarks[name])
        return found, text


def _stands(name: str, text: str) -> bool:
    if name.isascii():
        return re.search(rf"(?<![A-Za-z]){re.escape(name)}(?![A-Za-z])", text,
                         0 if len(name) < 4 else re.IGNORECASE) is not None
    return name in text


@lru_cache(maxsize=4)
def load_catalogue(folder: Path) -> Catalogue:
    """Read `catalogue.yaml` and the tables that it names. Raises ValueError on a fault in them."""
    found: dict[str, Any] = yaml.safe_load((folder / "catalogue.yaml").read_text(encoding="utf-8"))
    tables, rows, units = [], [], {}
    for name, about in found["tables"].items():
        table = _read(folder / f"{name}.csv", name, about)
        tables.append(table)
        measures = about.get("measures", {})
        shown = found["units"]
        for column, unit in zip(table.columns, table.units, strict=True):
            if column in measures:
                units[column] = shown.get(unit, unit)
        for cells in table.cells:
            rows += _figures(table, cells, measures, shown)
    unknown = {row.place for row in rows} - set(found["places"])
    if unknown:
        raise ValueError(f"catalogue.yaml has no place {sorted(unknown)}")
    return Catalogue(found["publication"]["zh"], found["publication"]["en"], tuple(tables),
                     tuple(rows), found["places"],
                     (*found["not_held"]["zh"], *found["not_held"]["en"]),
                     {str(k): list(v) for k, v in found["synonyms"].items()}, found["groups"],
                     found["landmarks"], found["aliases"], found["also"], units)


def _read(path: Path, name: str, about: dict[str, Any]) -> Table:
    with path.open(encoding="utf-8", newline="") as file:
        header, *cells = csv.reader(file)
    split = [_HEADER.match(h) for h in header]
    if not all(split):
        raise ValueError(f"{path.name}: a header is not 'name [unit]': {header}")
    columns = tuple(m["name"] for m in split if m)
    bad = [i for i, row in enumerate(cells, 2) if len(row) != len(columns)]
    if bad:
        raise ValueError(f"{path.name}: line {bad[0]} has not {len(columns)} cells")
    return Table(name, about["zh"], about["en"], columns,
                 tuple(m["unit"] or "" for m in split if m), tuple(map(tuple, cells)))


def _figures(table: Table, cells: tuple[str, ...], measures: dict[str, Any],
             shown: dict[str, str]) -> list[Row]:
    """The figures of one line: one in a long table, one a measure in a wide one."""
    line = dict(zip(table.columns, cells, strict=True))
    common = {"table": table.name, "place": line["city"], "area": line.get("area", ""),
              "year": line["year"], "section": line["source"],
              "qualifier": line.get("qualifier", "")}
    if not measures:
        return [Row(measure_zh=line["measure_zh"], measure_en=line["measure_en"],
                    text=line["value"], unit=line["unit"], **common)]
    units = dict(zip(table.columns, table.units, strict=True))
    return [Row(measure_zh=names["zh"], measure_en=names["en"], text=line[column],
                unit=shown.get(units[column], units[column]), **common)
            for column, names in measures.items() if line[column]]
