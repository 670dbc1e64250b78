"""Are some treated otherwise than others? Automatic routing and corrections, with intervals.

Groups are districts, kinds of petition, and whatever column says who writes. For each: the share
routed without a person, and the share of decided petitions in which a clerk changed category or
department, both with Wilson's 95 % interval. A group stands out where its interval lies apart from
that of all others. Corrections are known of petitions that a person decided: of those that went by
themselves nothing is known, so a low share of corrections there means nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cityllm.petitions.calibrate import wilson
from cityllm.petitions.html import cards, chart, page, table
from cityllm.petitions.output import KINDS

FEW = 20
"""Petitions of a group below which its intervals say nothing."""
WRITERS = ("来信人类型", "信访人类型", "人员类别", "人群", "群体", "身份类别", "年龄段", "性别", "户籍",
           "petitioner_type", "group", "age_group", "gender")
COLUMNS = {"by": "按", "name": "组", "petitions": "件数", "automatic": "自动转送率", "auto_low": "下限",
           "auto_high": "上限", "decided": "已审核", "changed": "更改率", "changed_low": "更改率下限",
           "changed_high": "更改率上限", "apart": "与其他组的差别"}
Told = Mapping[str, Any]


@dataclass
class Group:
    """Counts of one group."""

    by: str
    name: str
    petitions: int = 0
    automatic: int = 0
    decided: int = 0
    changed: int = 0


def groups(records: Iterable[Told], by: Sequence[str] = ()) -> list[Group]:
    """Counts of every group; `by` names further columns of the input. Unusable rows are left out;
    a petition that was sent back is not counted as decided."""
    found: dict[tuple[str, str], Group] = {}
    for told in records:
        if told.get("problem"):
            continue
        for name, value in _of(told, by):
            held = found.setdefault((name, value), Group(name, value))
            held.petitions += 1
            held.automatic += told["route"] == "auto"
            if told.get("decision") in ("accepted", "changed"):
                held.decided += 1
                held.changed += (told["decided_code"] != told["code"]
                                 or told["decided_department"] != told["department"])
    return sorted(found.values(), key=lambda one: (one.by, -one.petitions, one.name))


def _of(told: Told, by: Sequence[str]) -> list[tuple[str, str]]:
    extra = told.get("extra") or {}
    named = [("区县", told["district"] or "未写明"), ("性质", KINDS.get(told["kind"], "未定"))]
    return named + [(column, str(value).strip() or "未写明") for column, value in extra.items()
                    if column in by or column.strip().casefold() in WRITERS]


def rows(held: Sequence[Group]) -> list[dict[str, Any]]:
    """Each group with its shares, intervals, and whether it stands apart from all others of its
    kind taken together."""
    total: dict[str, Counter[str]] = {}
    for one in held:
        total.setdefault(one.by, Counter()).update(
            petitions=one.petitions, automatic=one.automatic, decided=one.decided,
            changed=one.changed)
    return [_row(one, total[one.by]) for one in held]


def _row(one: Group, total: Counter[str]) -> dict[str, Any]:
    auto = wilson(one.automatic, one.petitions)
    changed = wilson(one.changed, one.decided)
    others = (wilson(total["automatic"] - one.automatic, total["petitions"] - one.petitions),
              wilson(total["changed"] - one.changed, total["decided"] - one.decided))
    said = [_apart(auto, others[0], one.petitions, "自动转送率 automatic"),
            _apart(changed, others[1], one.decided, "更改率 changed")]
    return {"by": one.by, "name": one.name, "petitions": one.petitions,
            "automatic": _share(one.automatic, one.petitions),
            "auto_low": round(auto[0], 3), "auto_high": round(auto[1], 3),
            "decided": one.decided, "changed": _share(one.changed, one.decided),
            "changed_low": round(changed[0], 3), "changed_high": round(changed[1], 3),
            "apart": "；".join(word for word in said if word) or (
                "件数太少 too few" if one.petitions < FEW else "")}


def _apart(own: tuple[float, float], others: tuple[float, float], count: int, what: str) -> str:
    if count < FEW:
        return ""
    return (f"{what} 偏低 low" if own[1] < others[0] else
            f"{what} 偏高 high" if own[0] > others[1] else "")


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None


def flat(told: Told) -> dict[str, str]:
    """A row as texts of a table."""
    return {name: "" if told[name] is None else str(told[name]) for name in COLUMNS}


def render(made: Sequence[Told], source: str) -> str:
    """The page. The same groups give the same page."""
    apart = [one for one in made if one["apart"] and "few" not in one["apart"]]
    kinds = list(dict.fromkeys(one["by"] for one in made))
    of_first = [one for one in made if one["by"] == kinds[0]] if kinds else []
    return page("公平检查 Bias report", [
        f"<h1>公平检查 <span class=en>Bias report</span></h1><p><small>{source}</small></p>",
        cards([("件", "petitions", sum(one["petitions"] for one in of_first), False),
               ("已审核", "decided", sum(one["decided"] for one in of_first), False),
               ("有差别的组", "groups that stand apart", len(apart), True)]),
        "<div class=two>",
        *(chart(f"按{by}：件数", f"by {by}", [(one["name"], one["petitions"]) for one in made
                                          if one["by"] == by][:15]) for by in kinds),
        "</div>",
        *(table(f"按{by}", "shares with 95 % intervals", (
            "组 group", "与其他组的差别 apart", "件数 petitions", "自动转送率 automatic", "已审核 decided",
            "更改率 changed"), [_cells(one) for one in made if one["by"] == by],
            sum(one["by"] == by for one in made)) for by in kinds),
        "<p><small>区间为 95% 威尔逊区间；与其他各组合计的区间不相交才说有差别。更改率只来自经人审核的件，自动转送的件对错不详。 "
        "Wilson intervals; a group stands apart only where they do not meet. What went by itself "
        "was checked by nobody.</small></p>"])


def _cells(one: Told) -> tuple[str, ...]:
    def share(value: float | None, low: float, high: float) -> str:
        return "–" if value is None else f"{value:.1%}（{low:.1%} 至 {high:.1%}）"

    return (one["name"], one["apart"], f"{one['petitions']:,}",
            share(one["automatic"], one["auto_low"], one["auto_high"]), f"{one['decided']:,}",
            share(one["changed"], one["changed_low"], one["changed_high"]))
