"""A policy's text cut into the sentences and items that can hold one condition each, with places.

Offsets count characters of the text as `cityllm.corpus.readers.read` gives it. Each segment knows
where it stands (article, heading, items), and what kind of section that is by its heading:
conditions, benefits, process, or none of these. What stands under process is not read for rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from cityllm.corpus.numerals import article_key

Section = Literal["condition", "benefit", "process", "other"]
_ARTICLE = re.compile(r"第[零〇一二三四五六七八九十百千\d]+条(?:之[一二三四五六七八九十\d]+)?")
_LABEL = re.compile(r"(?:[一二三四五六七八九十]+、|[（(][一二三四五六七八九十]+[）)]|\d{1,2}[.．、])?\s*"
                    r"([\u4e00-\u9fff、/]{2,12})[：:]")
_ITEM = re.compile(r"(?<![\d.（(第])(?P<n>\d{1,2})\s*[．.、](?!\d)|"
                   r"[（(](?P<p>[一二三四五六七八九十]{1,3}|\d{1,2})[）)]|(?P<c>[①-⑳])|"
                   r"(?:(?<=^)|(?<=[。；：\s]))(?P<k>[一二三四五六七八九十]{1,3})、")
_STOP = re.compile(r"[。；;？！\n]")
_LEVELS = {"k": 0, "n": 1, "p": 2, "c": 3}
_PROCESS = re.compile(
    r"流程|程序|材料|联络|联系|咨询|电话|渠道|监督|附则|受理|拨付|检查|责任|分工|依据文件|发文|网址|时间|保障措施|组织实施|绩效")
_CONDITION = re.compile(r"条件|对象|范围|资格|门槛|适用|主体要求|申报要求")
_BENEFIT = re.compile(r"标准|内容|方式|额度|资助|补助|补贴|奖励|支持|扶持|资金|期限")
_ASKS = re.compile(r"符合|具备|满足|之一")
"""A line that leads a list in the midst of a sentence, not a heading of its own."""
_INNER_PROCESS = re.compile(r"(?:服务|办理|申报|申请)流程")
_NAMES_CONDITIONS = re.compile(
    r"(?:符合|具备|满足)(?:以下|下列)[^。]{0,12}条件|条件[：:？]?$|条件如下|[应须](?:当|同时)?(?:符合|具备|满足)")


@dataclass(frozen=True, slots=True)
class Segment:
    """`text` is what stands at `start:end`; `path` the item numbers above it, outermost first."""

    start: int
    end: int
    text: str
    article: str
    heading: str
    path: tuple[str, ...]
    section: Section

    @property
    def at(self) -> str:
        """Where it stands, as a reader finds it: 条件要求 1（2）."""
        items = "".join(self.path)
        return f"{self.heading} {items}".strip()


@dataclass
class _Where:
    """What the lines read so far say about the place of the next segment."""

    article: str = ""
    heading: str = ""
    section: Section = "other"
    items: dict[int, str] = field(default_factory=dict)
    inner: dict[int, Section] = field(default_factory=dict)

    def enter(self, level: int, mark: str, lead: str) -> None:
        """An item begins: deeper ones end; its first words may name another kind of section."""
        for deeper in [one for one in self.items if one >= level]:
            del self.items[deeper]
        for deeper in [one for one in self.inner if one >= level]:
            del self.inner[deeper]
        self.items[level] = mark
        if _NAMES_CONDITIONS.search(lead):
            self.inner[level] = "condition"

    @property
    def here(self) -> Section:
        """The kind of section, by the innermost item that names one."""
        return self.inner[max(self.inner)] if self.inner else self.section


def segments(text: str) -> list[Segment]:
    """The segments of a text in order; they overlap nowhere, and hold all but marks and blanks."""
    where, start = _Where(), 0
    found: list[Segment] = []
    for line in text.splitlines(keepends=True):
        found += _line(text, start, start + len(line.rstrip("\r\n")), where)
        start += len(line)
    return found


def _line(text: str, start: int, end: int, where: _Where) -> Iterator[Segment]:
    line = text[start:end]
    head = line.strip().lstrip("#").strip()
    if found := _ARTICLE.match(head):
        where.article, where.heading, where.section = article_key(found[0]), "", "other"
        where.items.clear()
        where.inner.clear()
        lead = head[found.end():].strip()[:14]
        where.section = _kind(lead.split("。")[0]) if "。" in lead[:12] else "other"
        start += line.index(found[0]) + len(found[0])
    elif (label := _LABEL.match(head)) and not _ASKS.search(label[1]):
        _under(where, label[1])
        start += line.index(label[0]) + len(label[0])
    elif _is_heading(head) and not _ASKS.search(head):
        _under(where, re.sub(r"^[（(]?[一二三四五六七八九十\d]+[）)、.．]\s*", "", head).rstrip("？：:"))
        return
    stop = _INNER_PROCESS.search(text, start, end)
    yield from _items(text, start, stop.start() if stop else end, where)
    if stop:
        yield Segment(stop.start(), end, text[stop.start():end], where.article, where.heading, (),
                      "process")


def _under(where: _Where, heading: str) -> None:
    where.heading, where.section = heading, _kind(heading)
    where.items.clear()
    where.inner.clear()


def _kind(heading: str) -> Section:
    if _CONDITION.search(heading):
        return "condition"
    if _PROCESS.search(heading):
        return "process"
    return "benefit" if _BENEFIT.search(heading) else "other"


def _is_heading(line: str) -> bool:
    """A short line without a full stop and without a figure that a threshold could have."""
    return bool(line) and len(line) <= 28 and line[-1] not in "。；，、" and not re.search(
        r"\d\s*(?:万|亿|元|%|％|人|年|家|个)|[，；]|[：:].", line)


def _items(text: str, start: int, end: int, where: _Where) -> Iterator[Segment]:
    """Cut at stops and at item marks, and follow the numbering."""
    cuts = [(found.start(), found) for found in _ITEM.finditer(text, start, end)
            if _begins(text, found, start)]
    edges = [start, *(at for at, _ in cuts), end]
    marks = [None, *[found for _, found in cuts]]
    for mark, left, right in zip(marks, edges[:-1], edges[1:], strict=True):
        if mark is not None:
            kind = mark.lastgroup or "n"
            shown = f"（{mark['p']}）" if kind == "p" else mark[kind]
            lead = _STOP.split(text[mark.end():right], maxsplit=1)[0]
            where.enter(_LEVELS[kind], shown, lead)
            left = mark.end()
        elif _NAMES_CONDITIONS.search(text[left:right]) and where.section != "process":
            where.inner[-1] = "condition"
        yield from _sentences(text, left, right, where)


def _begins(text: str, found: re.Match[str], start: int) -> bool:
    """Whether a number is an item's mark: not 第（一）项, not 1.5, not （含）, not a reference."""
    before = text[max(start, found.start() - 2):found.start()]
    if before.endswith(("第", "款", "条", "按", "按照")):
        return False
    return found.lastgroup != "n" or not re.search(r"[\u4e00-\u9fff%，]$", before) \
        or text[found.end() - 1] in "．."


def _sentences(text: str, start: int, end: int, where: _Where) -> Iterator[Segment]:
    left = start
    for stop in [*_STOP.finditer(text, start, end), None]:
        right = stop.start() if stop else end
        body = text[left:right]
        lead = len(body) - len(body.lstrip())
        if body.strip(" 　\t。；;：，|"):
            yield Segment(left + lead, left + len(body.rstrip()), body.strip(), where.article,
                          where.heading, tuple(where.items[one] for one in sorted(where.items)),
                          where.here)
        left = stop.end() if stop else end
