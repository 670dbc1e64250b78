"""Official replies scored: to the point, complete, with its ground, in time; and what is missing.

Relevance is how much of what the message is about the reply speaks of. Completeness looks for what
was asked, for findings, for a measure or an answer, and for somebody to turn to. Ground looks for a
law or document, else for findings and reasons. Each is between 0 and 1; a reply that only passes
the message on has no completeness and no ground. In time is told by the legal clock alone, and only
where it is certain. Scores point a supervisor to replies worth a second look: they do not say
whether a reply is true or lawful.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cityllm.petitions.clock import Clock
from cityllm.petitions.intake import Source, to_read
from cityllm.petitions.record import Labels
from cityllm.petitions.vectors import Space, counts
from cityllm.safety.pii import mask_all

Timely = Literal["in time", "late", "unknown"]
WEIGHTS = {"relevance": 0.4, "completeness": 0.4, "ground": 0.2}
ENOUGH = 0.04
"""Similarity of message and reply from which on the reply is about the message: of replies to other
messages of the same department 3 in 100 reach it."""
LOW = 0.5
"""Below it a score is told as something missing."""
TELLING = 40
"""Characters of content from which on a reply says something."""
REPLY = ("reply", "answer", "答复", "答复内容", "答复意见", "回复", "回复内容", "办理结果", "处理意见")
COLUMNS = {"id": "编号", "title": "标题", "total": "总分", "relevance": "切题", "completeness": "完整",
           "ground": "说明依据", "timely": "是否按期", "days": "用时（日）", "missing": "缺什么"}
TIMELY = {"in time": "按期", "late": "超期", "unknown": "不能确定"}

_FRAME = re.compile(
    r"[“\"]?(?:UU)?[0-9A-Za-z]*[”\"]?|尊敬的|亲爱的|网友|网民|市民|来信人|(?:您|你)好|您的(?:留言|来信|帖子|问题)|"
    r"(?:已|均)?(?:收悉|知悉|获悉|悉知)|现(?:将)?(?:有关)?(?:情况)?(?:回复|答复)如下|感谢[^。！]*[。！]|谢谢[^。！]*[。！]?|"
    r"再次感谢|特此回复|如有[^。]{0,20}(?:回复|反馈|告知)|第一时间|[一二三四五六七八九〇○\d]{2,4}年[^。，]{1,6}日|\s|[，。！：；、,.!:;]")
_PASSED = re.compile(r"(?:已|将)?[^。，]{0,8}(?:转|移交|交)[^。，]{0,24}(?:部门|单位|科室|局|办|县|区|市|镇|集团|公司)"
                     r"[^。，]{0,8}(?:调查|核查|核实|处理|处置|办理|办复|调处|核处|答复|反馈)?")
_FOUND = re.compile("经[^。，]{0,16}?(?:调查|核实|查|了解|现场|走访|咨询|联系)|"
                    "据(?:了解|查|悉)|调查(?:了解|发现|核实|情况)|核实(?:情况)?|"
                    "现场(?:查看|核查|检查|踏勘|发现)|查明|属实|情况(?:如下|说明)|目前|现已|由于|因为|原因|鉴于|根据")
_DONE = re.compile("已(?:经)?(?:要求|责令|责成|督促|安排|组织|完成|整改|立案|下达|联系|协调|列入|纳入|更换|维修|开展|启动|采取)|责令|"
                   "下一步|将(?:进一步|继续|加强|加大|依法|按照|积极|尽快|对|于|在|会)|计划|拟于|建议您|可以|可到|可向|请您|"
                   "不能|无法|不予|暂未|暂不|不属于|不符合|需要?提供|需要?携带|按照?[^。，]{2,16}(?:规定|标准|政策)|停班|罚款|处罚|拆除|办理")
_TURN = re.compile(r"电话|联系|咨询|拨打|\d{3,4}-\d{7,8}|12\d{3}|\d{7,8}|申请复查|网站|公众号|网址|欢迎")
_CONCRETE = re.compile(r"\d+(?:\.\d+)?\s*(?:元|万|亿|米|公里|亩|户|人|台|个|家|套|"
                       r"栋|次|件|%|％|天|小时)|\d{1,2}月\d{1,2}日[^0-9]{4}|"
                       "月底|年底|月中旬|月前|季度")
_LAW = re.compile(r"《[^》]{4,50}(?:法|条例|规定|办法|通知|意见|细则|方案|规范|标准|规划|决定|章程|计划)[^》]{0,12}》|"
                  r"[〔\[﹝（(]\d{4}[〕\]﹞）)]\s*\d+\s*号|第[一二三四五六七八九十百\d]+条")
_REASON = re.compile("根据|依据|按照|依照|由于|因为|因|鉴于|原因|经[^。，]{0,16}?(?:调查|核实|查|了解|现场)|据(?:了解|查)|属实|发现")
_SENTENCE = re.compile(r"[^。！!？?；;\n]+[？?]?")
_ASK = re.compile("[?？]|请问|是否|能否|可否|希望|要求|请求|恳请|建议|怎么|如何|何时|什么时候|哪里|多少|为什么|为何|吗")


@dataclass(frozen=True)
class Answered:
    """A message and its reply, masked. `received` and `replied` are None where not known."""

    id: str
    title: str
    text: str
    reply: str
    received: date | None = None
    replied: date | None = None
    accepted: date | None = None


@dataclass(frozen=True)
class Score:
    """`missing`: what the reply lacks, in Chinese and English."""

    relevance: float
    completeness: float
    ground: float
    timely: Timely
    days: int | None
    missing: tuple[tuple[str, str], ...]

    @property
    def total(self) -> float:
        """The weighted mean of the three; time is told beside it."""
        return sum(weight * float(getattr(self, name)) for name, weight in WEIGHTS.items())


def answered(source: Source) -> Iterator[Answered | str]:
    """The messages of a table with their replies, masked, or why a row has none to score."""
    for row in source.rows():
        read = to_read(row, source.given)
        if isinstance(read, str):
            yield read
            continue
        petition = read.petition
        reply = next((value for name, value in petition.extra.items()
                      if name.strip().casefold() in REPLY and value), "")
        if not reply:
            yield "没有答复"
            continue
        title, text, told = (one.text for one in mask_all(
            [petition.title, petition.text, reply], read.names))
        yield Answered(petition.id, title, text, told, petition.received,
                       read.events.get("replied"), read.events.get("accepted"))


def score(held: Sequence[Answered], clock: Clock) -> list[Score]:
    """One score each. What is rare is learnt from these messages and replies themselves."""
    relevance = alike(held)
    return [_score(one, float(near), clock) for one, near in zip(held, relevance, strict=True)]


def alike(held: Sequence[Answered], replies: Sequence[str] | None = None) -> NDArray[np.float32]:
    """Similarity of each message to its reply, or to the one at its place in `replies`."""
    from scipy.sparse import vstack

    asked = counts([f"{one.title}\n{one.title}\n{one.text}" for one in held])
    own = counts([one.reply for one in held])
    space = Space.of(vstack([asked, own]).tocsr())
    told = own if replies is None else counts(replies)
    return np.asarray(space.place(asked).multiply(space.place(told)).sum(axis=1),
                      dtype=np.float32).ravel()


def _score(one: Answered, near: float, clock: Clock) -> Score:
    said = _FRAME.sub("", _PASSED.sub("", one.reply))
    empty = len(said) < TELLING and not _LAW.search(one.reply) and (
        len(said) < TELLING // 4 or bool(_PASSED.search(one.reply)))
    relevance = min(1.0, near / ENOUGH)
    parts = {
        "findings": bool(_FOUND.search(one.reply)), "measure": bool(_DONE.search(one.reply)),
        "turn": bool(_TURN.search(one.reply))}
    asks = sum(bool(_ASK.search(part)) for part in _SENTENCE.findall(one.text[:600]))
    asked = min(1.0, len(said) / (40.0 + 40.0 * min(4, max(1, asks))))
    completeness = 0.0 if empty else (
        0.4 * asked + 0.2 * parts["findings"] + 0.2 * parts["measure"] + 0.1 * parts["turn"]
        + 0.1 * bool(_CONCRETE.search(one.reply)))
    laws = len(set(_LAW.findall(one.reply)))
    ground = 0.0 if empty else 1.0 if laws else 0.5 if _REASON.search(one.reply) else 0.0
    timely, days = in_time(one, clock)
    return Score(round(relevance, 3), round(completeness, 3), ground, timely, days,
                 tuple(_missing(one, relevance, empty, parts, asked, ground, timely, days)))


def _missing(one: Answered, relevance: float, empty: bool, parts: Mapping[str, bool],
             asked: float, ground: float, timely: Timely, days: int | None,
             ) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if empty:
        found.append(("只说已收到或已转办，没有办理情况", "only says that it was received or passed on"))
    if relevance < LOW:
        found.append(("很少谈到来信所说的事", "speaks little of what the message is about"))
    if not empty:
        if asked < LOW:
            found.append(("对提出的问题答得过短", "too short for what was asked"))
        if not parts["findings"]:
            found.append(("没有说调查核实的情况", "no findings"))
        if not parts["measure"]:
            found.append(("没有说怎么办、何时办，或者能不能办", "no measure and no yes or no"))
        if ground < LOW:
            found.append(("没有说明依据或理由", "no ground or reason"))
        elif ground < 1:
            found.append(("没有引用法规或文件", "cites no law or document"))
    if not parts["turn"] and not empty:
        found.append(("没有告知向谁询问", "names nobody to turn to"))
    if timely == "late":
        found.append((f"超过办理期限（用了 {days} 日）", f"past the legal period ({days} days)"))
    if one.replied is None or one.received is None:
        found.append(("缺收到日期或答复日期，算不出是否按期", "a date is missing: time cannot be told"))
    return found


def in_time(one: Answered, clock: Clock) -> tuple[Timely, int | None]:
    """Whether the reply came within the period to finish, and after how many days.

    Where the day of acceptance is not known it lies between receipt and the last day to register
    or tell; in time, or late, is said only where it holds for both.
    """
    if one.received is None or one.replied is None:
        return "unknown", None
    days = (one.replied - one.received).days
    if days < 0:
        return "unknown", None
    begun = clock.due({"received": one.received}, _PLAIN)
    latest = max((due.due for due in begun if due.due), default=one.received)
    accepted = (one.accepted, one.accepted) if one.accepted else (one.received, latest)
    last = [next((due.due for due in clock.due({"accepted": day}, _PLAIN) if due.id == "finish"),
                 None) for day in accepted]
    if last[0] is None or last[1] is None:
        return "unknown", days
    if one.replied <= min(last[0], last[1]):
        return "in time", days
    return ("late", days) if one.replied > max(last[0], last[1]) else ("unknown", days)


_PLAIN = Labels((), "", 0.0, [], "", "complaint")


def row_of(one: Answered, scored: Score) -> dict[str, Any]:
    """A score as JSON, in the order of COLUMNS; it holds no word of the reply."""
    return {"id": one.id, "title": one.title, "total": round(scored.total, 3),
            "relevance": scored.relevance, "completeness": scored.completeness,
            "ground": scored.ground, "timely": scored.timely, "days": scored.days,
            "missing": [zh for zh, _ in scored.missing],
            "missing_en": [en for _, en in scored.missing]}


def flat(told: Mapping[str, Any]) -> dict[str, str]:
    """The same as texts of a table, in Chinese."""
    return {name: "；".join(told[name]) if name == "missing" else
            TIMELY[told[name]] if name == "timely" else
            "" if told[name] is None else str(told[name]) for name in COLUMNS}
