"""Text of one instrument -> its structure: 编 / 章 / 节 -> 条 -> 款 -> 项 -> 目, annexes, dates.

Three ways of numbering are known: articles (第六十四条, 第六十四条之一), numbered standards (3.0.1)
and points (一、 or 1.) of amendments and replies. A text with none of them comes back as
paragraphs. The words are kept as they stand: nothing is corrected, only white space is trimmed.
A jump in the numbering is reported in `gaps` with its reason, never filled.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

from cityllm.corpus.dates import Dates, read_dates
from cityllm.corpus.numerals import CN, article_key, article_label, cn_to_int, int_to_cn, sort_key

__all__ = ["Annex", "Item", "Paragraph", "ParsedArticle", "ParsedInstrument", "article_key",
           "article_label", "cn_to_int", "int_to_cn", "paragraphs_of", "parse", "sort_key"]

INFO_END = "<!-- INFO END -->"
_SPACE = re.compile(r"[ \t\u00a0\u3000\u2002\u2003]+")
_HEADING = re.compile(rf"第([{CN}]+|\d+)(分编|编|章|节|部分)(?:\s+(.*)|$)")
_TIGHT_HEADING = re.compile(rf"第([{CN}]+|\d+)(分编|编|章|节|部分)([^，。；：]{{1,30}})$")
_ARTICLE = re.compile(rf"\**第\s?([{CN}]+|\d+)\s?条(?:\s?之([{CN}]+|\d+))?\**")
_REFERENCE = re.compile(r"[第、，至和或及与的中所之规]|规定|以及|到第|款")
_STANDARD = re.compile(r"(\d{1,2}(?:\.\d{1,3}){2,3}[A-Z]?)(?:\s+|(?=[\u4e00-\u9fff]))(.*)")
_STANDARD_HEADING = re.compile(r"(?:第?\d{1,2}章?|\d{1,2}\.\d{1,2})\s+[^，。；]{1,40}$")
_TABLE = re.compile(r"={3,}\s*(.*?)\s*={3,}$")
_POINT_CN = re.compile(rf"([{CN}]+)、\s*")
_POINT_N = re.compile(r"(\d{1,3})[.．、]\s*(?!\d)")
_ANNEX = re.compile(r"附(?!\s*则)(?:[件表录图][一二三四五六七八九十\d]*)?(?:$|[：:\s].{0,60}$)")
_ITEM = re.compile(rf"[（(]([{CN}]+)[）)]")
_SUBITEM = re.compile(r"(?:(\d{1,3})[.．、]|[（(](\d{1,3})[）)]|([①-⑳]))\s*(?!\d)")
_CAPTION = re.compile(rf"(?:（(?![{CN}]+）)([^（）]{{2,24}})）|【([^】]{{2,24}})】)\s*")
_OPENINGS = (_HEADING, _ARTICLE, _STANDARD, _STANDARD_HEADING, _TABLE, _POINT_CN,
             re.compile(r"目\s*录$"))
_CLOSING = re.compile("施行|起实施|起执行|起生效|废止|(?:负责|进行)解释|为准")
_RANK = {"部分": 0, "编": 1, "分编": 2, "章": 3, "节": 4}


@dataclass(frozen=True)
class Item:
    """项 or 目: its label as printed (（一） or 1.), its words, the 目 below it."""

    label: str
    text: str
    items: tuple[Item, ...] = ()


@dataclass(frozen=True)
class Paragraph:
    """款: its number within the article from 1, its words, its 项."""

    number: int
    text: str
    items: tuple[Item, ...] = ()


@dataclass(frozen=True)
class ParsedArticle:
    """条. `text` is verbatim, one line a 款 or 项, without label and heading."""

    number: str
    label: str
    path: tuple[str, ...]
    text: str
    heading: str = ""

    @property
    def paragraphs(self) -> tuple[Paragraph, ...]:
        """款 of the article, each with its 项 and 目."""
        return paragraphs_of(self.text)


@dataclass(frozen=True)
class Annex:
    """What follows the articles under 附件, 附表, 附录 or 附: number "a1", title line, text."""

    number: str
    label: str
    text: str


@dataclass(frozen=True)
class ParsedInstrument:
    """All of one file. `numbering` is article | standard | point | paragraph.

    `complete` is False where a text with articles stops before the closing ones (施行, 废止, 解释):
    the source may have been cut off. What stands before the first article is article "p0", 序言,
    where it is long or numbering starts above 1.
    """

    title: str
    part: str
    numbering: str
    articles: tuple[ParsedArticle, ...]
    annexes: tuple[Annex, ...]
    preamble: str
    gaps: tuple[str, ...]
    complete: bool = True
    dates: Dates = field(default_factory=Dates)

    @property
    def repeals(self) -> tuple[str, ...]:
        """Titles that the text ends (同时废止)."""
        return self.dates.repeals

    @property
    def effective(self) -> date | None:
        """自…起施行, the first enactment's date in a consolidated text."""
        return self.dates.effective

    @property
    def adopted(self) -> date | None:
        """First adoption named in the preamble."""
        return self.dates.adopted


def parse(text: str) -> ParsedInstrument:
    """Structure of `text`; never raises on odd input, at worst it is all paragraphs."""
    head, body = _split(text)
    titles = [line.lstrip("# ").strip() for line in head if line.startswith("#")]
    title = titles[0] if titles else (head[0] if head else "")
    preamble = [line for line in head if not line.startswith("#") and line != title]
    builder = _choose(body)
    articles, annexes, gaps, lead = builder.finish()
    complete = builder.numbering != "article" or any(
        _CLOSING.search(one.text) for one in articles[-3:])
    words = "\n".join(lead)
    if builder.numbering != "paragraph" and articles and (
            builder.lead_heading or len(words) > 200
            or (words and sort_key(articles[0].number)[1] > 1)):
        label = "序言" if "序言" in builder.lead_heading else "前言"
        articles = (ParsedArticle("p0", label, (), words), *articles)
    return ParsedInstrument(
        title=title, part=titles[1] if len(titles) > 1 else "", numbering=builder.numbering,
        articles=articles, annexes=annexes, preamble="\n".join(preamble + lead), gaps=gaps,
        complete=complete, dates=read_dates(preamble + lead[:12], [a.text for a in articles]))


def _split(text: str) -> tuple[list[str], list[str]]:
    """Header lines (title, preamble) and body lines, white space trimmed, empty lines gone."""
    def clean(part: str) -> list[str]:
        lines = (_SPACE.sub(" ", line).strip() for line in part.splitlines())
        return [line for line in lines if line and not line.startswith("<!--")]

    if INFO_END in text:
        head, _, body = text.partition(INFO_END)
        return clean(head), clean(body)
    lines = clean(text)
    if not lines:
        return [], []
    for index, line in enumerate(lines[:80]):
        plain = line.lstrip("# ")
        if any(opening.match(plain) for opening in _OPENINGS):
            return lines[:index], lines[index:]
    return lines[:1], lines[1:]


def paragraphs_of(text: str) -> tuple[Paragraph, ...]:
    """款 / 项 / 目 of an article's text: a line （一） is a 项, 1. or （1） a 目 below it."""
    found: list[tuple[str, list[tuple[str, str, list[Item]]]]] = []
    for line in text.split("\n"):
        item, sub = _ITEM.match(line), _SUBITEM.match(line)
        if item and found:
            found[-1][1].append((item[0], line[item.end():].strip(), []))
        elif sub and found and found[-1][1]:
            label = sub[0].strip()
            found[-1][1][-1][2].append(Item(label, line[sub.end():].strip()))
        elif sub and found:
            found[-1][1].append((sub[0].strip(), line[sub.end():].strip(), []))
        else:
            found.append((line, []))
    return tuple(Paragraph(number, words, tuple(Item(a, b, tuple(c)) for a, b, c in items))
                 for number, (words, items) in enumerate(found, start=1))


class _Builder:
    """Collects lines under the article that is open."""

    def __init__(self, numbering: str) -> None:
        self.numbering = numbering
        self.path: dict[int, str] = {}
        self.lead_heading = ""
        self.lead: list[str] = []
        self.done: list[tuple[str, str, str, tuple[str, ...], list[str]]] = []
        self.annexes: list[tuple[str, list[str]]] = []

    def heading(self, rank: int, words: str) -> None:
        """Open 编, 章 or 节; closes those below it."""
        self.path = {r: w for r, w in self.path.items() if r < rank} | {rank: words}

    def article(self, number: str, label: str, rest: str) -> None:
        """Open an article; a caption in （） or 【】 right after the label is its heading."""
        caption = _CAPTION.match(rest)
        heading = ""
        if caption and (caption[2] or caption.end() < len(rest)):
            heading, rest = caption[1] or caption[2], rest[caption.end():]
        path = tuple(self.path[rank] for rank in sorted(self.path))
        self.done.append((number, label, heading, path, [rest] if rest else []))

    def line(self, line: str) -> None:
        """A line that belongs to what is open: annex, article or lead."""
        if self.annexes:
            self.annexes[-1][1].append(line)
        elif self.done:
            self.done[-1][4].append(line)
        else:
            self.lead.append(line)

    def announces(self, label: str) -> bool:
        """Whether the open article ends in a colon and names `label`: a quoted article follows."""
        lines = self.done[-1][4]
        return bool(lines) and lines[-1][-1:] in "：:" and label in lines[-1]

    def split_off(self, number: int) -> tuple[str, str] | None:
        """(label, rest) of an article printed inside the last line of the open one, cut off it.

        Only after the end of a sentence: 。 第十六条 …, as some sources lost their line breaks.
        """
        lines = self.done[-1][4]
        label = article_label(str(number))
        if not lines or label not in lines[-1]:
            return None
        found = re.search(rf"(?<=[。；])\s*({label})\s*(?![第、，至和或及与的中所之规款]|规定)", lines[-1])
        if not found:
            return None
        rest, lines[-1] = lines[-1][found.end():].strip(), lines[-1][:found.start()].strip()
        return label, rest

    def finish(self) -> tuple[tuple[ParsedArticle, ...], tuple[Annex, ...], tuple[str, ...],
                              list[str]]:
        """Articles, annexes, gaps in the numbering, lines before the first article."""
        articles = tuple(ParsedArticle(number, label, path, "\n".join(lines), heading)
                         for number, label, heading, path, lines in self.done)
        annexes = tuple(Annex(f"a{n}", label, "\n".join(lines))
                        for n, (label, lines) in enumerate(self.annexes, start=1))
        gaps = _gaps(articles) if self.numbering == "article" else ()
        return articles, annexes, gaps, self.lead


def _choose(body: list[str]) -> _Builder:
    """The numbering that fits, tried from the surest."""
    for attempt in (_by_article, _by_standard, _by_point):
        builder = attempt(body)
        if builder is not None:
            return builder
    return _by_paragraph(body)


def _is_article(line: str) -> tuple[str, str, str, bool] | None:
    """(number, label, rest, sure) where a line may open an article; sure: white space follows."""
    found = _ARTICLE.match(line)
    if not found:
        return None
    number = article_key(found[0].strip("*").replace(" ", ""))
    rest = line[found.end():]
    if rest and not rest[0].isspace() and _REFERENCE.match(rest):
        return None
    sure = not rest or rest[0].isspace() or rest[0] in "【（"
    return number, found[0].strip("*").replace(" ", ""), rest.strip(" *"), sure


def _by_article(body: list[str]) -> _Builder | None:
    plain = [line.lstrip("# ") if line.startswith("#") else line for line in body]
    marks = {i: mark for i, line in enumerate(plain) if (mark := _is_article(line))}
    if not marks:
        return None
    ahead: dict[int, int] = {}
    for index, mark in marks.items():
        ahead[sort_key(mark[0])[1]] = index
    builder, last, extra, quoted = _Builder("article"), 0, 0, 0
    for index, line in enumerate(plain):
        mark = marks.get(index)
        if mark and not builder.annexes:
            number = sort_key(mark[0])
            here, inserted = number[1], number[2] if len(number) > 2 else 0
            follows = here == last + 1 or (here == last and inserted == extra + 1)
            jump = here > last and mark[3] and (last == 0 or ahead.get(last + 1, -1) < index)
            inserted_jump = here == last and inserted > extra and mark[3]
            if not follows and jump and last and (here == quoted + 1 or builder.announces(mark[1])):
                quoted = here
            elif follows or jump or inserted_jump:
                builder.article(mark[0], mark[1], mark[2])
                last, extra = here, inserted
                while last + 1 not in ahead and (split := builder.split_off(last + 1)):
                    builder.article(str(last + 1), split[0], split[1])
                    last, extra = last + 1, 0
                continue
            elif here == 1 and last > 1 and mark[3]:
                builder.annexes.append(("附", [line]))
                continue
        if builder.done and _ANNEX.match(line):
            builder.annexes.append((line, []))
            continue
        part = None if builder.annexes else (_HEADING.match(line) or _TIGHT_HEADING.match(line))
        if part and line[-1] not in "。；，：":
            name = " ".join(f"第{part[1]}{part[2]} {part[3] or ''}".split())
            builder.heading(_RANK[part[2]], name)
        elif body[index].startswith("#") and not builder.annexes:
            if line:
                builder.heading(3, line)
                if not builder.done and re.match("序\\s*言|前\\s*言", line):
                    builder.lead_heading = line.replace(" ", "")
        else:
            builder.line(line)
            while (last + 1 not in ahead and builder.done and not builder.annexes
                   and (split := builder.split_off(last + 1))):
                builder.article(str(last + 1), split[0], split[1])
                last, extra = last + 1, 0
    return builder if builder.done else None


def _by_standard(body: list[str]) -> _Builder | None:
    plain = [line.lstrip("# ") for line in body]
    if sum(1 for line in plain if _STANDARD.match(line)) < 3:
        return None
    builder = _Builder("standard")
    seen: set[str] = set()
    for line in plain:
        found, table = _STANDARD.match(line), _TABLE.match(line)
        if found and found[1] not in seen and not builder.annexes:
            seen.add(found[1])
            builder.article(found[1], found[1], found[2].strip())
        elif table and not table[1].startswith("表"):
            builder.heading(3, table[1])
        elif _STANDARD_HEADING.match(line) and "|" not in line:
            builder.heading(4 if "." in line.split()[0] else 3, line)
        elif builder.done and re.match(r"(本规范用词说明|条文说明|附录\s?[A-Z])", line):
            builder.annexes.append((line, []))
        else:
            builder.line(table[1] if table else line)
    return builder


def _by_point(body: list[str]) -> _Builder | None:
    """一、二、 or, where these are only headings of it, a running 1. 2. 3."""
    plain = [line.lstrip("# ") for line in body]
    for pattern in (_POINT_N, _POINT_CN):
        builder, last = _Builder("point"), 0
        for line in plain:
            found = pattern.match(line)
            number = article_key(found[1]) if found else ""
            if found and number == str(last + 1):
                last += 1
                builder.article(f"p{last}", found[0].strip(), line[found.end():].strip())
            elif pattern is _POINT_N and _POINT_CN.match(line) and len(line) < 40:
                builder.heading(3, line)
            elif builder.done and not builder.annexes and _ANNEX.match(line):
                builder.annexes.append((line, []))
            else:
                builder.line(line)
        cn_points = sum(1 for line in plain if _POINT_CN.match(line))
        if last >= 2 and (pattern is _POINT_CN or (last > cn_points >= 0 and last >= 8)):
            return builder
    return None


def _by_paragraph(body: list[str]) -> _Builder:
    builder = _Builder("paragraph")
    for line in body:
        if line.startswith("#"):
            words = line.lstrip("# ")
            if words:
                builder.heading(len(line) - len(line.lstrip("#")) + 1, words)
        elif line.startswith("|") and builder.done and builder.done[-1][4][-1].startswith("|"):
            builder.done[-1][4].append(line)
        else:
            number = len(builder.done) + 1
            path = tuple(builder.path[rank] for rank in sorted(builder.path))
            builder.done.append((f"p{number}", f"第{number}段", "", path, [line]))
    return builder


def _gaps(articles: tuple[ParsedArticle, ...]) -> tuple[str, ...]:
    """Each jump in the numbering with what the text itself shows about it."""
    found: list[str] = []
    last, before = 0, ""
    for article in articles:
        here = sort_key(article.number)[1]
        if last and here > last + 1:
            missing = [article_label(str(n)) for n in range(last + 1, here)]
            names = "、".join(missing[:5]) + (f"等 {len(missing)} 条" if len(missing) > 5 else "")
            inside = [name for name in missing if name in before]
            reason = (f"原文件把{inside[0]}接在上一条的文字里" if inside
                      else f"原文件从{article_label(str(last))}直接编到{article.label}")
            found.append(f"缺{names}：{reason}")
        last, before = here, article.text
    return tuple(found)
