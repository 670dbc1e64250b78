"""The page of scored replies: counts, what is missing most often, the replies to look at again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from cityllm.petitions.html import cards, chart, page, table
from cityllm.petitions.replies import TIMELY

SHOWN = 100
Told = Mapping[str, Any]


def render(made: Sequence[Told], without: int, source: str) -> str:
    """The page; `without` rows had no reply. The same scores give the same page."""
    timely = Counter(one["timely"] for one in made)
    worst = sorted(made, key=lambda one: (one["total"], str(one["id"])))[:SHOWN]
    return page("答复评分 Replies scored", [
        f"<h1>答复评分 <span class=en>Replies scored</span></h1><p><small>{source}</small></p>",
        cards([("答复", "replies", len(made), False), ("没有答复", "without a reply", without, True),
               ("超期", "late", timely["late"], True),
               ("按期", "in time", timely["in time"], False),
               ("不能确定是否按期", "not known whether in time", timely["unknown"], False)]),
        "<div class=two>",
        chart("缺什么", "what is missing", _lacking(made)[:12]),
        chart("总分", "total", [(f"{low / 5:.1f} 至 {(low + 1) / 5:.1f}", sum(
            min(4, int(5 * one["total"])) == low for one in made)) for low in range(5)]),
        "</div>",
        table("最该再看一眼的答复", "Replies to look at again", (
            "编号 id", "标题 title", "缺什么 missing", "总分 total", "按期 in time", "用时 days"),
            [(one["id"], one["title"], "；".join(one["missing"]), f"{one['total']:.2f}",
              TIMELY[one["timely"]], str(one["days"] if one["days"] is not None else "不详"))
             for one in worst], len(made)),
        "<p><small>分数只说答复写了什么：不判断是否属实、是否合法。总分 = 0.4 切题 + 0.4 完整 + 0.2 依据；是否按期按法定"
        "期限另说，受理日不详时只在两头都成立时才下结论。 Scores look at what a reply says, not at whether it is "
        "true or lawful. In time is told by the legal clock.</small></p>"])


def summary(made: Sequence[Told], without: int) -> str:
    """A few lines for the terminal."""
    timely = Counter(one["timely"] for one in made)
    lines = [f"{len(made):,} 份答复，没有答复 {without:,}。 Replies, rows without.",
             "  ".join(f"{zh} {fmean(one[name] for one in made):.2f}" for name, zh in (
                 ("total", "总分 total"), ("relevance", "切题 relevance"),
                 ("completeness", "完整 completeness"), ("ground", "依据 ground"))),
             f"按期 {timely['in time']:,}，超期 {timely['late']:,}，不能确定 {timely['unknown']:,}。 "
             "In time, late, not known."]
    return "\n".join([*lines, *(f"{count:>6,}  {what}" for what, count in _lacking(made)[:8])])


def _lacking(made: Sequence[Told]) -> list[tuple[str, int]]:
    return Counter(zh.split("（")[0] for one in made for zh in one["missing"]).most_common()
