"""How well a question fits a row: shares of names covered, nothing learned, nothing random.

Chinese is compared by letters that stand together in twos or more, English by stemmed words.
`name` is the share of the measure's name (or of one of its aliases) that stands in the question,
light words (平均, number) count less; `asked` the share of the question's own content that stands
in the row. What kind of thing is asked for (多少秒, how many hours) must fit the unit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tools.city_catalogue import Catalogue, Row

LIGHT = 0.3
UNKNOWN = 0.7
"""Weight of a light word in a name, and of content in a question that no row has."""
KIND_FITS, KIND_DIFFERS, CHANGE_FITS = 0.08, -0.3, 0.06
CHANGE = re.compile(r"(?:提升|降低|缩短|压缩)幅度$|增幅$|降幅$")
_CHANGED = re.compile(r"提高|提升|下降|降[了低]|涨|缩短|压缩|减少|幅度|增长|"
                      r"\b(?:rise|rose|fall|fell|drop|gain|cut|growth)\b")
_SPAN = re.compile(r"从.*[到成至]|前后|前和|之前|before|改善前|[降减短][到至]")
_LIGHT = re.compile(r"平均|高峰|数量|总数|总量|总长度|日均|全年|每年|年均|累计|比例|占比|时间|期间|主城区|规模|辅助|主要|常住|"
                    r"全国|城市|城镇|家庭|提升|幅度|平台|系统|接入|[总数量的占比年日度额率（）]")
_LIGHT_EN = set("number mean total share yearly daily rate year day main urban area person before "
                "after monthly first when so far ".split())
_FILLER = re.compile(
    r"请问|请|各国|国际|帮我|查询|查一下|查查|查得到|能查到|能查|查到|查|看看|告诉我|我想知道|想知道|有没有|有多少|是多少|多少|哪些|哪个|哪座|哪年|"
    r"哪一个|是哪|哪几个|哪里|哪天|几个|几家|几辆|几栋|几米|几秒|几分钟|几公里|几人|几成|几倍|几|什么|怎么样|如何|到底|"
    r"各是|各有|各为|具体|大概|大约|差不多|平常|一下|列个表|列出|列表|给我|给出|出处|来源|联合国|公布|数据目录|数据|数字(?!经济)|数值|资料|情况|分别|各个?|"
    r"所有|以及|目前|现在|如今|已经|当前|同时|城市的|国际|国家|对照|对比|相比|比一比|比较|排个名|排名|排行|前十|变化|差|之前|之后|"
    r"以前|以后|原来|原先|前后|取消|提高|提升|增加|增长|减少|减到|下降|降低|降到|降|涨|缩短|缩短到|压缩|变成|变|上升|需要|只有|里面|"
    r"领导|写材料|材料|说话|有关|关于|有啥|啥|可以|能够|一共|总共|全部|大家|城市|市里|全市|时候|每天|一天|一年|每年|年来|"
    r"最[小多少低长短矮严厉重害快慢大高]*|从|到|把|被|和|与|及|的|了|吗|呢|是|有|在|市|"
    r"年|要|会|都|就|能|用|得|还|又|给|让|对|[？?，。,、：:！!；;\s\d.%％]+|"
    r"人(?![口员均才力次])|家(?!庭)|条(?!例)|[辆座栋米秒个元亿万次件项笔度升天所]")
_FILLER_EN = set(
    "the a an of in for is are what which how much many s and to city cities data figure figures "
    "compare by with per show me tell was were do does did it its that have has had at one from "
    "please list all give there on be been about any you any can i we this so get gets got every "
    "each between versus vs than up go went long tall high low big rise rose fall fell drop change "
    "cut grow grew increase decrease improve improvement time same before after current currently "
    "now up down lifting lifted comes come lowest highest least most largest smallest worst best "
    "published known number average exactly roughly there they their s people take took "
    "lift".split())
_KINDS = {   # what is asked for -> units that answer it
    "time": (re.compile(r"多久|多长时间|[多几]少?个?(?:秒|分钟|小时)|how long|how many (?:hours|minutes|seconds)|"
                        r"\bhours\b|\bminutes\b|\bseconds\b"),
             re.compile(r"^万?(?:秒|分钟|小时|天)")),
    "length": (re.compile(r"(?:多少|几)(?:米|公里|千米)|多高|how (?:tall|high)"),
               re.compile(r"m$|km|米|公里")),
    "money": (re.compile(r"多少钱|(?:多少|几|多少个)[十百千万]*亿?(?:元|美元|块)|"
                         r"how much .*money|how much (?:does|did) .*cost|"
                         r"how many (?:dollars|yuan)"),
              re.compile(r"元")),
    "percent": (re.compile(r"百分之几|百分之多少|百分点|几成|占比|比例|比重|几个点|多大比例|多少%|\bshare\b|percent|proportion"),
                re.compile(r"%")),
    "vehicles": (re.compile(r"(?:多少|几)[百千万]*辆|(?:how many|number of) (?:cars|vehicles)"),
                 re.compile(r"辆")),
    "people": (re.compile(r"(?:多少|几)[百千万]*(?:人|名)(?!均)|how many (?:people|clerks|residents)"),
               re.compile(r"人|%")),
    "loans": (re.compile(r"(?:多少|几)[百千万]*笔"), re.compile(r"笔")),
    "firms": (re.compile(r"(?:多少|几)[百千万]*家"), re.compile(r"家")),
    "places": (re.compile(r"how many (?:buildings|spaces|parking)|(?:多少|几)[百千万]*[栋座]"),
               re.compile(r"座|个")),
}


@dataclass(frozen=True)
class Fit:
    """`name`: share of the measure's name in the question; `asked`: share of the question in the
    row; `score`: both, with the kind of unit asked for. All near 0..1."""

    row: Row
    name: float
    asked: float
    score: float


@dataclass(frozen=True)
class Question:
    """A question without its places: `text` with the catalogue's words for people's words added,
    `plain` without them, `parts` its content, each with what it may mean."""

    text: str
    plain: str
    parts: tuple[tuple[str, ...], ...]
    english: bool

    @property
    def clauses(self) -> list[list[str]]:
        """Kinds of unit that each asking clause of the question asks for."""
        asking = [c for c in re.split(r"[，,；;]", self.plain)
                  if re.search(r"[多几]|how|share|rate|比", c)]
        return [[k for k, (asks, _) in _KINDS.items() if asks.search(c)] for c in asking]


def read_question(text: str, catalogue: Catalogue) -> Question:
    """Split a question, places taken out already, into content and asking words."""
    plain = text.lower()
    english = not re.search(r"[一-鿿]", plain)
    found = [word for word in sorted(catalogue.synonyms, key=len, reverse=True)
             if word.isascii() == english or word.isascii()]
    word_of = "|".join(rf"(?<![a-z]){re.escape(w)}(?![a-z])" if w.isascii() else re.escape(w)
                       for w in found)
    parts: list[tuple[str, ...]] = []
    added, at = [], 0
    for match in re.finditer(word_of, plain) if word_of else ():
        parts += [(run,) for run in _runs(plain[at:match.start()], english)]
        others = catalogue.synonyms[match[0]]
        parts.append((match[0], *others))
        added += others
        at = match.end()
    parts += [(run,) for run in _runs(plain[at:], english)]
    return Question(" ".join([plain, *added]), plain, tuple(parts), english)


def _runs(text: str, english: bool) -> list[str]:
    if english:
        return [w for w in re.findall(r"[a-z]+", text) if w not in _FILLER_EN and len(w) > 1]
    latin = re.findall(r"[a-z]{2,}", text)
    return [run for run in re.findall(r"[一-鿿]+", _FILLER.sub(" ", text)) if len(run) > 1] + latin


def stem(word: str) -> str:
    """A word without the usual endings: leaks, leakage, leaking -> leak."""
    for ending in ("ations", "ation", "ions", "ion", "ages", "age", "ings", "ing", "ies", "ied",
                   "ed", "es", "s", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            return word[:-len(ending)]
    return word


def fits(question: Question, rows: Iterable[Row], catalogue: Catalogue) -> list[Fit]:
    """One Fit a row, in the order of the rows."""
    rows = list(rows)
    kinds = [kind for found in question.clauses for kind in found]
    only = all(question.clauses)
    changed = bool(_CHANGED.search(question.plain)) and not _SPAN.search(question.plain)
    known = _vocabulary(catalogue, question.english)
    cache: dict[tuple[str, str, str], tuple[float, float]] = {}
    made = []
    for row in rows:
        key = (row.measure_zh, row.area, row.place)
        if key not in cache:
            names = _names(row, catalogue, question.english)
            name = max(_covered(n, question) - (0.02 if i else 0) for i, n in enumerate(names))
            cache[key] = name, _asked(question, _whole(row, catalogue, question.english), known)
        name, asked = cache[key]
        extra = 0.0
        if kinds:
            fit = any(_KINDS[kind][1].search(row.unit) for kind in kinds)
            extra = KIND_FITS if fit else KIND_DIFFERS if only else 0.0
        elif row.unit == "%" and not re.search("率", question.plain):
            extra = -0.02
        if CHANGE.search(row.measure_zh):
            extra += CHANGE_FITS if changed else -CHANGE_FITS
        made.append(Fit(row, name, asked, 0.6 * name + 0.4 * asked + extra))
    return made


def _bare(row: Row) -> str:
    return re.sub(r"（.*?）", "", row.measure_zh)


def _names(row: Row, catalogue: Catalogue, english: bool) -> list[str]:
    """The measure's own name without its qualifier in brackets, and its aliases."""
    bare = _bare(row)
    own = row.measure_en.lower() if english else bare.lower()
    others = catalogue.aliases.get(bare, [])
    return [own, *(a.lower() for a in others if a.isascii() == english)]


def _whole(row: Row, catalogue: Catalogue, english: bool) -> str:
    """All that a row is called, with its qualifier and area."""
    return " ".join([row.measure_zh.lower(), *_names(row, catalogue, english), row.area])


def _vocabulary(catalogue: Catalogue, english: bool) -> set[str]:
    """Stems, or pairs of letters, of every name in the catalogue."""
    names = [n for row in catalogue.rows for n in (*_names(row, catalogue, english), row.area)]
    if english:
        return {stem(w) for n in names for w in re.findall(r"[a-z]+", n.lower())}
    return {n[i:i + 2] for n in names for i in range(len(n) - 1)}


def _covered(name: str, question: Question) -> float:
    """Share of a name that stands in the question, light words counting LIGHT."""
    if question.english:
        words = [w for w in re.findall(r"[a-z]+", name) if w not in _FILLER_EN or w in _LIGHT_EN]
        there = {stem(w) for w in re.findall(r"[a-z]+", question.text)}
        weights = [(LIGHT if w in _LIGHT_EN else 1.0, stem(w) in there) for w in words]
    else:
        marks = _marks(name, question.text)
        light = [False] * len(name)
        for match in _LIGHT.finditer(name):
            light[match.start():match.end()] = [True] * (match.end() - match.start())
        weights = [(LIGHT if light[i] else 1.0, mark) for i, mark in enumerate(marks)]
    total = sum(w for w, _ in weights)
    return sum(w for w, mark in weights if mark) / total if total else 0.0


def _marks(name: str, text: str) -> list[bool]:
    """Which letters of `name` stand in `text` together with a neighbour."""
    marks = [False] * len(name)
    for i in range(len(name) - 1):
        if name[i:i + 2] in text:
            marks[i] = marks[i + 1] = True
    return marks


def _asked(question: Question, name: str, known: set[str]) -> float:
    """Share of the question's content that the row's name has; what no row has counts less."""
    total = there = 0.0
    stems = {stem(w) for w in re.findall(r"[a-z]+", name)} if question.english else set()
    for part in question.parts:
        if question.english:
            share = max(_share_en(p, stems) for p in part)
            weight = 4.0 * (1 if any(_share_en(p, known) == 1 for p in part) else UNKNOWN)
        else:
            share = max(sum(_marks(p, name)) / max(len(p), 1) for p in part)
            seen = max(sum(p[i:i + 2] in known for i in range(len(p) - 1)) for p in part)
            weight = len(part[0]) * (1 if seen else UNKNOWN)
        if _FILLER.fullmatch(part[0]) and share < 0.75:
            continue
        total += weight
        there += weight * share
    return there / total if total else 0.0


def uncovered(question: Question, rows: Sequence[Row], catalogue: Catalogue) -> list[Question]:
    """Parts of the question's content, as questions of their own, that no row of `rows` has."""
    names = [_whole(row, catalogue, question.english) for row in rows]
    known = _vocabulary(catalogue, question.english)
    left = []
    for part in question.parts:
        alone = Question(" ".join(part), question.plain, (part,), question.english)
        content = len(part[0]) > 1 and not _FILLER.fullmatch(part[0])
        if content and all(_asked(alone, name, known) < 0.5 for name in names):
            left.append(alone)
    return left


def has(part: Question, row: Row, catalogue: Catalogue) -> bool:
    """Whether a row's names hold this part of a question."""
    return _asked(part, _whole(row, catalogue, part.english),
                  _vocabulary(catalogue, part.english)) >= 0.75


def _share_en(phrase: str, stems: set[str]) -> float:
    words = [stem(w) for w in re.findall(r"[a-z]+", phrase)]
    return sum(w in stems for w in words) / len(words) if words else 0.0


def headed(question: Question, row: Row) -> bool:
    """Whether the row's name ends with all that is asked: 好评率 of 一网通办好评率."""
    runs = [part[0] for part in question.parts]
    return len(runs) == 1 and len(runs[0]) > 2 and _bare(row).lower().endswith(runs[0])


def unknown_start(question: Question, catalogue: Catalogue) -> str:
    """Content at the start of a question that no row has: it may be a place that is not held."""
    if not question.parts:
        return ""
    known = _vocabulary(catalogue, question.english)
    part = question.parts[0]
    if question.english:
        return "" if any(_share_en(p, known) > 0 for p in part) else part[0]
    if len(part) > 1:
        return ""
    for i in range(len(part[0]) - 1):
        if part[0][i:i + 2] in known:
            return part[0][:i] if i >= 2 else ""
    return part[0]


def asked_side(text: str) -> Sequence[str]:
    """Sides of a before/after pair in the order in which the question wants them."""
    if re.search(r"前后|从.*[到成至]|提高|提升|下降|缩短|对比|变化|各|涨|before and after|"
                 r"rise|rose|fall|fell|drop", text):
        return ("before", "after")
    late = re.search(r"以后|[后了]|现在|目前|如今|不限行|\bafter\b|\bnow\b|\bwithout\b", text)
    early = re.search(r"之前|以前|原来|原先|[^目之以]前|限行期间|限行时|\bbefore\b|\bunder\b", text)
    return ("after", "before") if late and not early else ("before", "after")
