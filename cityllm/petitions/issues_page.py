"""The page of hot issues: counts, the hottest as a chart, a table with place, period, heat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from cityllm.petitions.html import cards, chart, page, table
from cityllm.petitions.issues import RECENT, Issue

SHOWN = 100
CHARTED = 15


def render(issues: Sequence[Issue], messages: int, source: str) -> str:
    """The page; `messages` were compared. The same issues give the same page."""
    grouped = sum(one.messages for one in issues)
    months: Counter[str] = Counter()
    for one in issues[:CHARTED]:
        months.update(dict(one.by_month))
    parts = [
        f"<h1>热点事项 <span class=en>Hot issues</span></h1><p><small>{source}</small></p>",
        cards([("比对的来信", "messages compared", messages, False),
               ("事项", "issues of two or more", len(issues), False),
               ("在事项中的来信", "messages in issues", grouped, False),
               (f"近 {RECENT} 天有来信", f"issues with messages in {RECENT} days",
                sum(one.recent > 0 for one in issues), True)]),
        "<div class=two>",
        chart("最热的事项：人数", "the hottest issues: people",
              [(one.title, one.people) for one in issues[:CHARTED]]),
        chart("这些事项的来信，按月", "their messages by month", sorted(months.items())),
        "</div>",
        table("事项，最热的在前", "Issues, the hottest first", (
            "序号 rank", "事项 issue", "地点 places", "类别 category", "拟办 department", "热度 heat",
            "人 people", "件 messages", f"近{RECENT}天 recent", "票 votes", "起 from", "止 to"),
            [_cells(rank, one) for rank, one in enumerate(issues[:SHOWN], 1)], len(issues)),
        f"<p><small>热度 = log₂(1+人数) + ½·log₂(1+票数) + 增长（近 {RECENT} 天对以往每 {RECENT} 天的平均，"
        "取以 2 为底的对数，0 至 2）+ ½·log₂(有来信的周数)。只用于排序，不表示事情的轻重。不显示内容的检举控告不在其中。 "
        "Heat adds people, votes, growth and weeks as told; it ranks and says nothing of how grave "
        "a thing is. Reports of wrongdoing that are withheld are left out.</small></p>"]
    return page("热点事项 Hot issues", parts)


def _cells(rank: int, one: Issue) -> tuple[str, ...]:
    counts = (one.people, one.messages, one.recent, one.votes)
    return (str(rank), one.title, "、".join((*one.places, *one.districts)), one.category,
            one.department, f"{one.heat:.1f}", *map(str, counts), str(one.first or "不详"),
            str(one.last or ""))
