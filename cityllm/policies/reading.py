"""What a person writes about a firm, read into fields, each with the words it came from.

我们是海淀区的高新技术企业，去年营收2000万 gives region, high_tech and revenue of the year before. Rules
alone, no model, and precision first: what is a wish, a question, a bound (超过, 不到), a range, about
somebody else or without a year is left out, and two values for one field are both left out. A
reading counts only once a person has confirmed it. Not read: dates without a day, amounts of the
current year, English.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from cityllm.corpus.numerals import cn_to_int
from cityllm.policies.fields import Dictionary, Enterprise
from cityllm.policies.figures import NotAllowed
from cityllm.policies.reading_words import (
    BOOLEANS,
    CERTIFICATES,
    CHOICES,
    COUNTS,
    HEADS,
    INDUSTRIES,
    MONEY,
    PLACES,
    SHOPS,
    path_of,
)

_CLAUSE = re.compile(r"(?:[^，,。；;！!？?\n]|(?<=\d),(?=\d{3}))+[，,。；;！!？?\n]?")
_SENTENCE_END = "。！!？?\n"
_OTHERS = re.compile("客户|供应商|合作伙伴|合作方|母公司|子公司|分公司|股东|对方|他们|它们|甲方|乙方|朋友|同行|竞争|"
                     "别的|其他企业|其他公司|隔壁|上级|集团|房东|投资人|行业平均|政策要求|门槛|标准是|要求")
_OURS = re.compile("我|本公司|本企业|本单位|咱|自己")
_UNREAL = re.compile("如果|要是|假如|假设|倘若|即使|打算|计划|准备|希望|想要|想成为|想申|拟|预计|预期|预测|目标|争取|力争|"
                     "将要|将会|即将|申请|申报|争创|正在办|在办|培育|曾经|以前|原来|过去|当时|过期|到期|取消|撤销|失效|"
                     "差不多要|快要|是否|是不是|有没有|算不算|能不能|能否|会不会|吗|呢|听说|据说|可能|也许|或许|不知道|不确定|"
                     "除了|怎样|成为|才能|假的|不是没有|并非没有|[？?]")
_ASKS = re.compile("(?:能|可以|可|应该|该|有|需要|想问|请问|怎么|如何|还)[^，。]{0,12}(?:什么|哪些|哪几|多少|怎么|如何|啥).*")
_NOT = re.compile("不|没|未|无|非(?!营利)|尚")
_IS = "是|(?<![关体联])系(?![统列])|为|属于|作为|有|持有|拥有|获得|取得|拿到|拿了|通过|入选|认定|评为|获评|列入|纳入|被|入库"
_YEAR = re.compile(r"(?P<near>去年|上一?年度?|前年|今年|本年度?)|"
                   r"(?P<full>(?:19|20)\d\d)\s*年度?(?!\s*\d{1,2}\s*月)")
_BACK = {"去": 1, "上": 1, "前": 2, "今": 0, "本": 0}
_FIGURE = (r"(?P<figure>\d[\d,]*(?:\.\d+)?|[一二两三四五六七八九十百千零]+)\s*(?P<odd>多|余|几|来)?\s*个?"
           r"(?P<factor>千万|百万|亿|万|千|[wW](?![a-zA-Z]))?(?P<odd2>多|余|来)?\s*")
_LINK = (r"(?:是|为|有|达到|达|到了|到|共计|共|一共|总共|合计|总计|总额|总数|约|大约|大概|大致|差不多|在|了|就|也|只有|仅|"
         r"做到|做了|实现|完成|的|合|：|:|\s|人民币)*")
_BOUND = re.compile("超过|不到|以上|以下|至少|至多|最多|不足|不超过|不低于|将近|接近|近(?=\\s*[\\d一二两三四五六七八九十])|"
                    "几|数(?=[十百千万亿])|[-—~～至到](?=\\s*\\d)|多(?=万|亿|人|元|名|个|件|项)|余(?=万|亿|人|元|名)|上下浮动")
_ABOUT = re.compile("约|大概|大约|大致|左右|差不多")
_CHANGED = re.compile("增长|增加|下降|减少|提高|上升|翻|多了|少了|新增|同比|环比|占|比例|平均|人均|月均|每月|每个月|季度|上半年|下半年|"
                      "月份|累计|三年|近两年|招|裁|辞|离职|借|补贴|奖励|罚")
_FOREIGN = re.compile("美元|美金|港币|港元|欧元|日元|英镑|韩元")
KEPT = 3
"""Years after which a certificate got then may have ended."""
_FACTORS = {"": "", "w": "万", "W": "万"}
_DATE = re.compile(r"(?:(?P<before>成立(?:于|在|时间是?|日期是?|时间为)?|注册(?:于|时间是?|日期是?)|创立于|创办于)[：:\s]*)?"
                   r"(?P<year>(?:19|20)\d\d)\s*[年./-]\s*(?P<month>\d{1,2})\s*[月./-]\s*"
                   r"(?P<day>\d{1,2})\s*(?:日|号)?"
                   r"(?P<after>\s*(?:在[^，。]{1,12})?(?:正式)?(?:成立|注册|创立|创办|设立))?")


@dataclass(frozen=True, slots=True)
class Reading:
    """A column, what to send as its value, and `text[start:end]`, the words it was read from.

    `exact` is false where the writer said about (约, 左右).
    """

    column: str
    value: str | bool
    start: int
    end: int
    exact: bool = True


@dataclass(frozen=True, slots=True)
class _Clause:
    text: str
    start: int
    year: int | None
    asked: bool
    spoken: int | None
    """The year said in the clause itself."""


def read_text(text: str, day: date, dictionary: Dictionary) -> list[Reading]:
    """What `text` says of the writer's own firm, in its order. `day` is what 去年 is counted from.

    Fields that the dictionary does not have, and values that it refuses, are left out.
    """
    found = [one for clause in _clauses(text, day) for one in _readings(clause, day)
             if _allowed(one, dictionary)]
    values: dict[str, set[str]] = {}
    for one in found:
        values.setdefault(one.column, set()).add(str(one.value))
    kept: dict[str, Reading] = {}
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        if len(values[one.column]) == 1:
            kept.setdefault(one.column, one)
    return list(kept.values())


def heard(text: str, day: date, dictionary: Dictionary, language: str = "zh"
          ) -> tuple[Enterprise, list[str]]:
    """What `text` says of the writer's own firm as an enterprise, and a line for each field with
    the words that it was read from, so that a wrong reading is seen."""
    found = read_text(text, day, dictionary)
    lines = []
    for one in found:
        label, words = dictionary.label(one.column, language), text[one.start:one.end]
        field = dictionary.field_of(one.column)
        value = field.show(field.encode(one.value), language)
        lines.append(f"读出：{label} {value}，依据“{words}”，请核对" if language == "zh" else
                     f"Read: {label} {value}, from '{words}'; please check")
    return dictionary.read({one.column: one.value for one in found}), lines


def _allowed(one: Reading, dictionary: Dictionary) -> bool:
    field = dictionary.fields.get(one.column.partition("@")[0])
    if field is None or field.yearly != ("@" in one.column):
        return False
    try:
        field.encode(one.value)
    except NotAllowed:
        return False
    return True


def _clauses(text: str, day: date) -> Iterator[_Clause]:
    """Clauses that may be read; a year holds until the end of its sentence."""
    year: int | None = None
    others = False
    for match in _CLAUSE.finditer(text):
        whole = match[0]
        years = {_year_of(near, full, day) for near, full in _YEAR.findall(whole)}
        spoken = min(years, default=None)
        if years:
            year = spoken if len(years) == 1 else None
        asked = _ASKS.search(whole)
        body = whole[:asked.start()] if asked else whole
        others = bool(_OTHERS.search(body)) or (others and not _OURS.search(body))
        if body.strip() and not others and not _UNREAL.search(body):
            yield _Clause(body, match.start(), year, asked is not None, spoken)
        if whole[-1] in _SENTENCE_END:
            year, others = None, False


def _year_of(near: str, full: str, day: date) -> int:
    return int(full) if full else day.year - _BACK[near[0]]


def _readings(clause: _Clause, day: date) -> Iterator[Reading]:
    yield from _money(clause, day)
    yield from _counts(clause)
    yield from _headcount(clause)
    yield from _certificates(clause, day)
    yield from _choices(clause)
    yield from _places(clause)
    yield from _industry(clause)
    yield from _established(clause, day)


def _money(clause: _Clause, day: date) -> Iterator[Reading]:
    if _FOREIGN.search(clause.text):
        return
    for column, names, yearly in MONEY:
        for match in re.finditer(rf"(?:{names}){_LINK}{_FIGURE}(?:元|块钱|人民币|$|(?=[，,。；;、！!\s的左和]))",
                                 clause.text):
            if yearly and (clause.year is None or clause.year >= day.year):
                continue
            value = _value(match, clause)
            if value is not None and (match["factor"] or match[0].rstrip().endswith("元")):
                name = f"{column}@{clause.year}" if yearly else column
                yield _made(name, value, clause, match)


def _counts(clause: _Clause) -> Iterator[Reading]:
    for column, names, units in COUNTS:
        for pattern in (rf"(?:{names})(?:人数|数量|总数|规模)?{_LINK}{_FIGURE}(?:{units})?",
                        rf"{_FIGURE}(?:{units})(?:正式|全职|在职|有效|授权|的)*(?:{names})"
                        r"(?=[，,。；;、！!\s和]|$)"):
            for match in re.finditer(pattern, clause.text):
                value = _value(match, clause)
                if value is not None:
                    yield _made(column, value, clause, match)


def _headcount(clause: _Clause) -> Iterator[Reading]:
    """A clause that says nothing but how many people there are: 15个人, 我们店里一共五个人."""
    found = re.fullmatch(rf"\s*(?:{HEADS}){{0,4}}\s*{_FIGURE}(?:个|名|号|位)?(?:人|员工|工人|伙计|帮工)"
                         r"[，,。；;、！!\s]*", clause.text)
    value = _value(found, clause) if found else None
    if found and value is not None:
        start, end = found.start("figure"), len(found[0].rstrip("，,。；;、！! "))
        yield _reading("employees", value, clause, start, end)


def _value(match: re.Match[str], clause: _Clause) -> str | None:
    """The figure as a policy writes it, or None where it is a bound, a range or a change."""
    text = clause.text
    around = text[max(0, match.start() - 6):match.end() + 4]
    if match["odd"] or match["odd2"] or _BOUND.search(around) or _CHANGED.search(around):
        return None
    digits = match["figure"].replace(",", "")
    if not digits[0].isdigit():
        number = cn_to_int(digits)
        if number is None:
            return None
        digits = str(number)
    factor = match["factor"] or ""
    return digits + _FACTORS.get(factor, factor)


def _made(column: str, value: str, clause: _Clause, match: re.Match[str]) -> Reading:
    about = _ABOUT.search(clause.text[max(0, match.start() - 3):match.end() + 3])
    return _reading(column, value, clause, match.start(), match.end(), exact=not about)


def _reading(column: str, value: str | bool, clause: _Clause, start: int, end: int, *,
             exact: bool = True) -> Reading:
    return Reading(column, value, clause.start + start, clause.start + end, exact)


def _certificates(clause: _Clause, day: date) -> Iterator[Reading]:
    for column, names in (*CERTIFICATES, *BOOLEANS):
        for match in re.finditer(f"(?:{names})", clause.text):
            held = _held(clause, match)
            past = clause.spoken is not None and clause.spoken <= day.year - (KEPT if held else 1)
            if held is not None and not past:
                yield _reading(column, held, clause, match.start(), match.end())


def _held(clause: _Clause, match: re.Match[str]) -> bool | None:
    """Whether the writer says to have it; None where nothing plain is said."""
    text = clause.text
    before = text[:match.start()]
    cue = list(re.finditer(_IS, before))
    rest = text[match.end():].strip("，,。；;！!、 的")
    alone = not clause.asked and not before.strip("“\"「 我们公司企业也还") and not rest
    if _NOT.search(before[-14:]) or re.match("(?:没|未|也?不是|也?没有)", rest):
        plain = re.search("(?:不是|没有|没|未|无|尚未|还没|不属于|并非)[^不没未无]*$", before)
        return False if plain and not _NOT.search(before[:plain.start()]) else None
    near = cue and match.start() - cue[-1].end() <= 14
    return True if near or alone or re.match("(?:资质|证书|称号|认定)?(?:有|已)", rest) else None


def _choices(clause: _Clause) -> Iterator[Reading]:
    for column, names, value in CHOICES:
        for match in re.finditer(f"(?:{names})", clause.text):
            before = clause.text[:match.start()]
            if re.search(_IS, before) and not _NOT.search(before):
                yield _reading(column, value, clause, match.start(), match.end())


_OWN = (r"(?:(?:注册地?|地)(?:址)?(?:在|于|是|为)?|位于|地处|落户(?:在|于)?|设在|开在|办在|住所(?:在|是)?|"
        r"(?:我们?|公司|企业|我司|本公司|本企业|单位|工厂|店)(?:就)?(?:是|在|也在)(?:一家)?|^\s*在|作为)[：:\s]*")
_ELSEWHERE = re.compile("[^，。]{0,6}(?:分公司|分店|分部|办事处|子公司|项目|客户|市场)|[东西南北中]?(?:大学|银行|路|街|大道)")
_KIND = r"(?:区)?(?:注册|的?(?:一家|一个)?[^，。]{0,14}(?:企业|公司|厂|店|合作社|个体户|机构))"


def _places(clause: _Clause) -> Iterator[Reading]:
    for match in PLACES.finditer(clause.text):
        before, after = clause.text[:match.start()], clause.text[match.end():]
        own = re.search(f"{_OWN}$", before) or (
            re.match(_KIND, after) and re.search("(?:我们?(?:公司|企业)?是|我司是|^)(?:一家)?$", before))
        branch = _ELSEWHERE.match(after)
        if not own or branch or _NOT.search(before[-4:]):
            continue
        path = path_of(match[0])
        if path:
            yield _reading("region", path, clause, match.start(), match.end())


def _industry(clause: _Clause) -> Iterator[Reading]:
    for names, code in INDUSTRIES:
        pattern = (rf"(?<![不没未非])(?:从事|主营|经营|专做|做|我们?(?:公司)?是(?:一家|做|搞)?|属于|行业是)[^，。不没非]{{0,10}}?"
                   rf"(?P<name>{names})")
        named = rf"(?:^\s*|一家|[的是])(?P<name>{names})(?:公司|企业|厂)(?!.*(?:客户|供应|合作|服务))"
        for match in [*re.finditer(pattern, clause.text), *re.finditer(named, clause.text)]:
            yield _reading("industry", code, clause, match.start("name"), match.end("name"))
    for names, code in SHOPS:
        shop = (rf"(?<![想要算备划能再])开(?:了|着|的?是|一?家|个|小)*(?P<name>[^，。]{{0,3}}(?:{names}))"
                r"(?=[的，,。；;、！!\s]|$)")
        for match in re.finditer(shop, clause.text):
            yield _reading("industry", code, clause, match.start("name"), match.end("name"))


def _established(clause: _Clause, day: date) -> Iterator[Reading]:
    for match in _DATE.finditer(clause.text):
        if not (match["before"] or match["after"]):
            continue
        try:
            when = date(int(match["year"]), int(match["month"]), int(match["day"]))
        except ValueError:
            continue
        if when <= day:
            yield _reading("established", when.isoformat(), clause, match.start(), match.end())
