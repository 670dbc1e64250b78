"""The day report: one HTML page that needs nothing else, Chinese with English beside it.

Counts, periods near and past, what waits for a person, groups of the same matter, a chart. Of a
report of wrongdoing it shows that there is one, never its words.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from cityllm.petitions.html import cards, chart, page, table
from cityllm.petitions.output import ENGLISH, KINDS, RISK_NAMES, ROUTES, WAYS, standing

SHOWN = 200
"""Rows of a table that are shown; the number of the others is said."""


@dataclass
class Day:
    """Counts over the records of a day, fed one by one; memory does not grow with their number
    but for groups of the same matter."""

    today: date
    rows: int = 0
    bad: list[tuple[str, str]] = field(default_factory=list)
    routes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    ways: Counter[str] = field(default_factory=Counter)
    topics: Counter[str] = field(default_factory=Counter)
    departments: Counter[str] = field(default_factory=Counter)
    districts: Counter[str] = field(default_factory=Counter)
    risks: Counter[str] = field(default_factory=Counter)
    periods: Counter[str] = field(default_factory=Counter)
    why: Counter[str] = field(default_factory=Counter)
    groups: Counter[str] = field(default_factory=Counter)
    titles: dict[str, str] = field(default_factory=dict)
    again: int = 0
    bad_rows: int = 0
    decided: int = 0
    _due: list[tuple[int, int, tuple[str, ...]]] = field(default_factory=list)
    _wait: list[tuple[int, int, tuple[str, ...]]] = field(default_factory=list)

    def add(self, told: Mapping[str, Any]) -> None:
        """Count one record."""
        self.rows += 1
        self.routes[told["route"]] += 1
        if told["problem"]:
            self.bad_rows += 1
            if len(self.bad) < SHOWN:
                self.bad.append((told["id"], told["problem"]))
            return
        self.kinds[told["kind"]] += 1
        self.ways[told["jurisdiction"]] += 1
        self.topics[told["category"][0] if told["category"] else "未分类"] += 1
        self.departments[told["department"] or "未定"] += 1
        self.districts[told["district"] or "未写明"] += 1
        self.risks.update(told["risks"])
        self.again += bool(told["again"])
        if told["duplicate_of"]:
            self.groups[told["duplicate_of"]] += 1
        self.titles.setdefault(told["id"], told["summary"])
        urgent = self._periods(told)
        self.decided += bool(told["decision"])
        if told["route"] != "auto" and not told["decision"]:
            self.why[told["why_review"].split("（")[0]] += 1
            rank = -10_000 if told["route"] == "urgent" else 0
            self._push(self._wait, rank + urgent, (
                told["id"], ROUTES[told["route"]], told["summary"], told["department"],
                told["why_review"], told["next_due"]))

    def _periods(self, told: Mapping[str, Any]) -> int:
        """Count the periods; days until the nearest one that is open, 5,000 where none is."""
        nearest = 5000
        for how, one in standing(told, self.today):
            self.periods[how] += 1
            if how in ("past", "near", "open") and one.due:
                left = (one.due - self.today).days
                nearest = min(nearest, max(left, -4000))
                if how != "open":
                    self._push(self._due, left, (
                        told["id"], told["summary"], f"{one.name} {one.name_en}",
                        f"{one.law}第{one.article}条", one.binds, str(one.due),
                        f"已过 {-left} 天 past" if left < 0 else f"还有 {left} 天 left"))
        return nearest

    def _push(self, heap: list[tuple[int, int, tuple[str, ...]]], rank: int,
              cells: tuple[str, ...]) -> None:
        """Keep the SHOWN most urgent, ties by order."""
        entry = (-rank, -self.rows, cells)
        if len(heap) < SHOWN:
            heapq.heappush(heap, entry)
        else:
            heapq.heappushpop(heap, entry)

    @property
    def due(self) -> list[tuple[str, ...]]:
        """Periods past and near, the longest past first."""
        return [cells for _, _, cells in sorted(self._due, reverse=True)]

    @property
    def waiting(self) -> list[tuple[str, ...]]:
        """What waits for a person, the most urgent first."""
        return [cells for _, _, cells in sorted(self._wait, reverse=True)]


def render(day: Day) -> str:
    """The page. The same records and the same day give the same page."""
    groups = sorted(day.groups.items(), key=lambda item: (-item[1], item[0]))[:10]
    parts = [
        f"<h1>信访日报 {day.today} <span class=en>Petitions, day report</span></h1>",
        cards([("收到", "received", day.rows, False),
                ("自动转送", "routed automatically", day.routes["auto"], False),
                ("转人工", "to a person", day.routes["review"], False),
                ("已审核", "decided by a person", day.decided, False),
                ("紧急", "urgent", day.routes["urgent"], True),
                ("期限已过", "periods past", day.periods["past"], True),
                ("期限临近", "periods near", day.periods["near"], True),
                ("起算日未知", "start unknown", day.periods["unknown"], False),
                ("同一事项", "same matter as an earlier one", sum(day.groups.values()), False),
                ("同一人再次来信", "same person again", day.again, False),
                ("读不了的行", "rows that could not be used", day.bad_rows, day.bad_rows > 0)]),
        "<div class=two>",
        chart("按类别", "by category", day.topics.most_common(15)),
        chart("按承办单位", "by department", day.departments.most_common(15)),
        chart("按区县", "by district", day.districts.most_common(15)),
        chart("按性质", "by kind", _named(day.kinds, KINDS)),
        chart("按途径", "by procedure", _named(day.ways, WAYS)),
        chart("转人工的原因", "why a person", day.why.most_common(10)),
        "</div>",
        chart("风险", "risks", [(RISK_NAMES[risk], n) for risk, n in day.risks.most_common()]),
        table("期限已过与临近", "Periods past and near", (
            "编号 id", "摘要 summary", "期限 period", "依据 basis", "约束谁 binds", "最后一天 last day",
            "还有 left"), day.due, day.periods["past"] + day.periods["near"]),
        table("等人处理，最急的在前", "Waiting for a person, most urgent first", (
            "编号 id", "去向 route", "摘要 summary", "拟转 proposed", "原因 why", "最近期限 next"),
            day.waiting,
            day.routes["review"] + day.routes["urgent"] - day.bad_rows - day.decided),
        table("来信最多的同一事项", "Largest groups of one matter", (
            "首件 first", "摘要 summary", "件数 petitions"),
            [(id_, day.titles.get(id_, ""), str(count + 1)) for id_, count in groups],
            len(groups)),
        table("读不了的行", "Rows that could not be used", ("编号 id", "原因 reason"), day.bad,
               day.bad_rows),
        "<p><small>检举控告只计数，不显示内容，也不转给被检举的单位或个人（信访工作条例第三十条）。期限按自然日计，"
        "只有“工作日”看放假安排；起算日未知的不推算。 Reports of wrongdoing are counted only. 日 are calendar "
        "days; a period whose start is unknown is not guessed.</small></p>"]
    return page(f"信访日报 {day.today}", parts)


def _named(counts: Counter[str], names: Mapping[str, str]) -> list[tuple[str, int]]:
    return [(f"{names[name]} {ENGLISH[name]}", count) for name, count in counts.most_common()]
