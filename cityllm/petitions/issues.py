"""Groups of messages -> issues: what it is, where, since when, how many people, how hot.

Heat adds four parts, each told beside it: people (binary logarithm of one and their number), votes
(half the binary logarithm), growth (of the last 30 days against the mean of 30 days before, at most
2) and spread (half the binary logarithm of the weeks in which somebody wrote). It ranks; it does
not say how bad a thing is. Reports of wrongdoing whose words are withheld are in no issue.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from math import log2
from typing import Any

from cityllm.petitions.grouping import BAR, Message, group
from cityllm.petitions.intake import Source
from cityllm.petitions.pipeline import Pipeline, Times
from cityllm.petitions.record import Triaged
from cityllm.petitions.summary import summarise
from cityllm.petitions.wrongdoing import WITHHELD

RECENT = 30
"""Days that count as now, up to the day of the newest message."""
VOTES = ("up", "votes", "点赞", "点赞数", "点赞量", "支持数", "赞成数", "赞同数")
COLUMNS = {
    "rank": "序号", "title": "事项", "heat": "热度", "messages": "件数", "people": "人数", "votes": "票数",
    "recent": "近30天件数", "growth": "增长", "weeks": "持续周数", "first": "最早", "last": "最近",
    "places": "地点", "districts": "区县", "category": "类别", "department": "承办单位", "ids": "编号"}
"""Field of an issue -> heading in a table."""
_KIND = re.compile(r"小区|新城|花园|家园|公寓|大厦|广场|社区|街道|大道|市场|学校|小学|中学|幼儿园|医院|公园|安置区|"
                   r"[苑府庭湾园路镇村桥]")
_LONGEST = 6
_BLOCK = 256


@dataclass(frozen=True)
class Issue:
    """`messages` and the others are counts; `first`, `last` are None where no date is known;
    `parts` of `heat` by name; `ids` of the messages, the one that tells it best first."""

    title: str
    messages: int
    people: int
    votes: int
    recent: int
    weeks: int
    first: date | None
    last: date | None
    places: tuple[str, ...]
    districts: tuple[str, ...]
    category: str
    department: str
    heat: float
    parts: Mapping[str, float]
    ids: tuple[str, ...]
    by_month: tuple[tuple[str, int], ...] = ()


def triaged(source: Source, pipeline: Pipeline, progress: Any = lambda done, total, what: None,
            ) -> list[Triaged]:
    """Every row that could be used, masked and labelled, without withheld reports."""
    found: list[Triaged] = []
    rows = iter(source.rows())
    done = 0
    while block := list(islice(rows, _BLOCK)):
        found += [one.done for one in pipeline.run(block, Times())
                  if not one.problem and WITHHELD not in (one.done.petition.text,
                                                          one.done.petition.title)]
        done += len(block)
        progress(done, source.total, "rows")
    return found


def message_of(one: Triaged) -> Message:
    """What is compared of a petition."""
    petition = one.petition
    return Message(petition.title, petition.text, petition.person, petition.place)


def issues(done: Sequence[Triaged], bar: float = BAR) -> list[Issue]:
    """All groups of two messages or more, the hottest first."""
    labels = group([message_of(one) for one in done], bar)
    members: dict[int, list[Triaged]] = defaultdict(list)
    for label, one in zip(labels.tolist(), done, strict=True):
        members[label].append(one)
    days = [one.petition.received for one in done if one.petition.received]
    newest, oldest = (max(days), min(days)) if days else (None, None)
    found = [_issue(held, newest, oldest) for held in members.values() if len(held) > 1]
    return sorted(found, key=lambda one: (-one.heat, -one.messages, one.title))


def _issue(held: Sequence[Triaged], newest: date | None, oldest: date | None) -> Issue:
    days = sorted(one.petition.received for one in held if one.petition.received)
    since = newest - timedelta(days=RECENT) if newest else None
    recent = sum(day > since for day in days) if since else 0
    before = len(days) - recent
    span = ((since - oldest).days / RECENT) if since and oldest and since > oldest else 0.0
    people = len({one.petition.person or one.petition.id for one in held})
    votes = sum(_votes(one) for one in held)
    weeks = len({day.isocalendar()[:2] for day in days})
    growth = min(2.0, max(0.0, log2((1 + recent) / (1 + before / span)))) if span >= 1 else 0.0
    parts = {"people": log2(1 + people), "votes": log2(1 + votes) / 2, "growth": growth,
             "spread": log2(weeks) / 2 if weeks else 0.0}
    best = _best(held)
    return Issue(
        title=summarise(best.petition.title, best.petition.text).split("；诉求：")[0],
        messages=len(held), people=people, votes=votes, recent=recent, weeks=weeks,
        first=days[0] if days else None, last=days[-1] if days else None,
        places=_places(held),
        districts=_most(one.petition.district for one in held),
        category=next(iter(_most(" / ".join(one.labels.category) for one in held)), ""),
        department=next(iter(_most(one.labels.department for one in held)), ""),
        heat=round(sum(parts.values()), 3), parts=parts,
        ids=(best.petition.id, *(one.petition.id for one in held if one is not best)),
        by_month=tuple(sorted(Counter(f"{day:%Y-%m}" for day in days).items())))


def _best(held: Sequence[Triaged]) -> Triaged:
    """The message whose title shares most with the titles of the others."""
    grams = [{title[at:at + 2] for at in range(len(title) - 1)}
             for title in (one.petition.title or one.summary for one in held)]
    common = Counter(gram for one in grams for gram in one)
    told = [sum(common[gram] for gram in one) / (len(one) + 8) if one else 0.0 for one in grams]
    return held[max(range(len(held)), key=lambda n: (told[n], -n))]


def _places(held: Sequence[Triaged]) -> tuple[str, ...]:
    """Names of places in the titles of at least two messages and a fifth of them, as long as four
    in five of those that name them write them."""
    counts: Counter[str] = Counter()
    for one in held:
        title = re.sub(r"\W", " ", one.petition.title)
        counts.update({title[end.start() - size:end.end()] for end in _KIND.finditer(title)
                       for size in range(2, _LONGEST + 1) if end.start() >= size})
    least = max(2.0, len(held) / 5)
    often = {name: count for name, count in counts.most_common() if count >= least}
    found: list[str] = []
    for name, count in often.items():
        if len(found) == 3:
            break
        longer = [one for one, held_by in often.items()
                  if one.endswith(name) and held_by >= 0.8 * count and " " not in one]
        best = max([name, *longer], key=len)
        if " " not in best and not any(best in one or one in best for one in found):
            found.append(best)
    given = _most(one.petition.place for one in held)
    return (*given, *(one for one in found if one not in given))[:3]


def _most(words: Any, limit: int = 3) -> tuple[str, ...]:
    return tuple(word for word, _ in Counter(word for word in words if word).most_common(limit))


def _votes(one: Triaged) -> int:
    for name, value in one.petition.extra.items():
        if name.strip().casefold() in VOTES and value.strip().isdigit():
            return int(value)
    return 0


def row_of(rank: int, issue: Issue) -> dict[str, Any]:
    """An issue as JSON, in the order of COLUMNS."""
    return {"rank": rank, "title": issue.title, "heat": issue.heat, "messages": issue.messages,
            "people": issue.people, "votes": issue.votes, "recent": issue.recent,
            "growth": round(issue.parts["growth"], 3), "weeks": issue.weeks,
            "first": str(issue.first or ""), "last": str(issue.last or ""),
            "places": list(issue.places), "districts": list(issue.districts),
            "category": issue.category, "department": issue.department, "ids": list(issue.ids)}


def flat(told: Mapping[str, Any]) -> dict[str, str]:
    """The same as texts of a table."""
    return {name: "、".join(value) if isinstance(value, list) else str(value)
            for name, value in told.items()}


