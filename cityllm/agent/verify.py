"""What in a sentence of the model is not borne out by evidence, in words for `Answer.removed`.

Checked are numbers (value, unit, bound), article numbers, names of laws, negation and duty
against permission, direction of change, authorities, quotation marks and links. A sentence is
compared with the evidence it cites or names, else with all that the answer cites, and figures
also with the user's own words. It does not check that two true figures stand in the right roles.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from cityllm.agent import polarity
from cityllm.agent.facts import language_of
from cityllm.agent.numerals import Quantity, articles, quantities, supported
from cityllm.agent.references import SIGNS, Sentence, source_text
from cityllm.agent.units import bound, read_unit
from cityllm.corpus.numerals import article_key
from cityllm.evidence import ClauseEvidence, Evidence, ToolRunEvidence

_BRACKETED = re.compile(r"[《〈]([^《》〈〉]{2,60})[》〉]")
_NAMED = re.compile(r"[\u4e00-\u9fff]{1,30}?(?:法典|条例|法(?![律规院制治定人庭官式子]))")
_LEAD = re.compile(r".*(?:根据|依据|按照|依照|遵照|违反|适用|查阅|参照|以及|规定|和|与|及|按|在|的|是|见|由)")
_NO_LAW = re.compile(
    r"(?:违|依|非|合|司|执|立|守|普|方|办|用|看|说|想|做|无|设|没|算|施|疗|语|书|枪|魔|语|执|枉|此|该|本|各|其他|有关|相关"
    r"|何|新|旧|讲|写|打|式|国|地方性|知|懂|护|变|宪|乘|加|减|除|测量|计算|处理)法$|^(?:本|该|此|各|新|旧)条例$|^条例$|^法$")
_EN_LAW = re.compile(
    r"\b(?:[A-Z][\w'’-]*\s+(?:(?:and|of|on|the|for|in)\s+){0,2})+"
    r"(?:Law|Act|Regulations?|Measures|Ordinance|Code|Provisions|Rules|Statute|Decree)\b"
    r"|\b(?:Law|Act|Regulations?|Measures|Ordinance|Code|Provisions|Rules)\s+(?:on|of|for)\s+(?:"
    r"the\s+)?[A-Z]\w+")
_AUTHORITY = re.compile(
    "国务院|(?:自治区|直辖市|设区的市|[省市县区乡镇])(?:级)?(?:以上)?(?:地方)?(?:各级)?(?:人民)?政府"
    "|最高人民(?:法院|检察院)|人民法院|法院|检察院|公安机关|仲裁委员会|街道办事处")
_EN_AUTHORITY = re.compile(r"\b(?:State Council|Supreme People's Court|court|police|prosecutor\w"
                           r"*|ministry)\b",
                           re.IGNORECASE)
_EN_AUTHORITY_CN = {"state council": "国务院", "supreme people's court": "最高人民法院", "court": "法院",
                    "police": "公安", "ministry": "部"}
_QUOTED = re.compile(r"[“「\"]([^“”「」\"]{8,})[”」\"]")
_TITLE_END = re.compile(r"(?:《([^《》]+)》|([\u4e00-\u9fff]{2,30}"
                        r"(?:法典?|条例|办法|规定|细则|规则)))\s*[的之]?\s*$")
_LINK = re.compile(r"https?://|www\.|!\[|\]\(|<[a-zA-Z/!]|javascript:|data:\w+/", re.IGNORECASE)


class Facts:
    """The evidence of one answer, read once."""

    def __init__(self, evidence: Sequence[Evidence], user: str,
                 resolve: Callable[[str], str | None] = lambda name: None,
                 mentioned: Callable[[str], Sequence[str]] = lambda text: ()) -> None:
        self.evidence: Mapping[str, Evidence] = {piece.id: piece for piece in evidence}
        self.texts = {piece.id: source_text(piece) for piece in evidence}
        self.user = user
        self.resolve = resolve
        self.mentioned = mentioned

    def clauses(self, ids: Sequence[str]) -> list[ClauseEvidence]:
        """The articles among these ids."""
        found = (self.evidence[one] for one in ids)
        return [piece for piece in found if isinstance(piece, ClauseEvidence)]

    def text(self, ids: Sequence[str]) -> str:
        """What these pieces say together."""
        return "\n".join(self.texts[one] for one in ids)


def problems(sentence: Sentence, facts: Facts, cited: Sequence[str]) -> list[str]:
    """Why the sentence may not be shown; [] where it may. `cited`: ids in the whole answer."""
    own = list(dict.fromkeys(r.id for r in sentence.references if r.id in facts.evidence))
    plain = sentence.plain
    named = _named(plain, facts, own or list(facts.evidence))
    scope = own or [piece.id for piece in named] or list(cited) or list(facts.evidence)
    source = facts.text(scope)
    found = [f"链接或标记 {m[0]}" for m in _LINK.finditer(plain)]
    found += _article_problems(plain, facts, own or list(facts.evidence), source)
    found += _law_problems(plain, facts, own or list(facts.evidence), source)
    found += _number_problems(plain, source, facts.user)
    found += _figure_problems(sentence, facts)
    found += _polarity_problems(plain, source, facts.user)
    found += _direction_problems(sentence, facts, scope)
    found += _authority_problems(plain, source + facts.user)
    found += [f"引号内容 {m[1]}" for m in _QUOTED.finditer(plain)
              if m[1] not in source and m[1] not in facts.user]
    return found


def _named(plain: str, facts: Facts, ids: Sequence[str]) -> list[ClauseEvidence]:
    keys = {article.key for article in articles(plain)}
    return [piece for piece in facts.clauses(ids) if piece.article in keys]


def _article_problems(plain: str, facts: Facts, ids: Sequence[str], source: str) -> list[str]:
    held = facts.clauses(ids)
    inside = {article.key for article in articles(source)}
    found = []
    for article in articles(plain):
        title = _title_before(plain[:article.start], facts)
        fitting = [c for c in held if article_key(c.article) == article.key]
        if title is not None:
            fitting = [c for c in fitting if c.title == title]
            inside_here = article.key in inside and title in source
        else:
            inside_here = article.key in inside
        if not fitting and not inside_here:
            found.append(f"未检索到的条文 {title or ''}{article.raw}")
    return found


def _title_before(text: str, facts: Facts) -> str | None:
    """The title that stands directly before an article number, as the ledger writes it."""
    tail = _TITLE_END.search(text)
    if tail is None:
        return None
    if tail[1]:
        return facts.resolve(tail[1]) or tail[1].removeprefix("中华人民共和国")
    held = [c.title for c in facts.clauses(list(facts.evidence)) if tail[2].endswith(c.title)]
    if held:
        return max(held, key=len)
    if re.search(r"(?:本|该|此|同)(?:法|条例|办法|规定)$", tail[2]):
        return None
    known = list(facts.mentioned(tail[2]))
    return known[0] if known else tail[2]


def _law_problems(plain: str, facts: Facts, ids: Sequence[str], source: str) -> list[str]:
    titles = {c.title for c in facts.clauses(ids)}
    inside = set(facts.mentioned(source))
    found = []

    def borne_out(name: str) -> bool:
        title = facts.resolve(name) or name.removeprefix("中华人民共和国")
        return title in titles or name in source or title in source or title in inside

    for match in _BRACKETED.finditer(plain):
        if not borne_out(match[1]):
            found.append(f"未检索到的法规 《{match[1]}》")
    rest = _BRACKETED.sub(" ", plain)
    for name in facts.mentioned(rest):
        if not borne_out(name):
            found.append(f"未检索到的法规 {name}")
    for match in _NAMED.finditer(rest):
        name = _LEAD.sub("", match[0]) or match[0]
        if len(name) < 2 or _NO_LAW.search(name) or any(t.endswith(name) or name.endswith(t)
                                                        for t in titles) or borne_out(name):
            continue
        found.append(f"未检索到的法规 {name}")
    found += [f"未检索到的法规 {m[0]}" for m in _EN_LAW.finditer(plain) if m[0] not in source]
    return found


def _number_problems(plain: str, source: str, user: str) -> list[str]:
    known: tuple[Quantity, ...] = (*_facts(source), *quantities(user))
    wrong = [item for item in quantities(plain)
             if not supported(item, known) or _exchanged(item, plain, source)]
    return [f"没有依据的数字 {item.raw}" for item in wrong]


def _exchanged(item: Quantity, plain: str, source: str) -> bool:
    """Whether the source has the very words before this figure, and other figures after them."""
    before = plain[max(0, item.start - 3):item.start]
    if item.kind != "number" or len(before.strip()) < 3:
        return False
    there = [fact for line in source.split("\n") for fact in quantities(line)
             if line[max(0, fact.start - 3):fact.start] == before]
    return bool(there) and all(fact.value != item.value for fact in there)


def _facts(source: str) -> list[Quantity]:
    return [item for line in source.split("\n") for item in quantities(line)]


def _figure_problems(sentence: Sentence, facts: Facts) -> list[str]:
    """A unit or a bound that the model wrote beside a figure it pointed at."""
    found = []
    for number, match in enumerate(SIGNS.finditer(sentence.words)):
        if number >= len(sentence.references):
            break
        reference = sentence.references[number]
        piece = facts.evidence.get(reference.id)
        if piece is None or reference.name in ("", "text") or reference.name not in piece.values:
            continue
        value = piece.values[reference.name]
        words = sentence.words
        unit = read_unit(words, match.end())
        own = read_unit(value.unit, 0).name if value.unit else ""
        written = unit.name if unit.known else ""
        if re.match(r"\s*[%％‰]", words[match.end():]):
            written = "%"
        if written and written != (own or value.unit) and not (not own and written == "倍"):
            found.append(f"单位不符 {reference.raw}{words[match.end():unit.end].strip() or '%'}")
        if bound(words, match.start(), unit.end if written else match.end()):
            found.append(f"没有依据的上下限 {reference.raw}")
        if (re.search(r"\d[.,]?$", words[:match.start()])
                or re.match(r"\d|[万亿千百]", words[match.end():])):
            found.append(f"改动了数字 {reference.raw}")
    return found


def _polarity_problems(plain: str, source: str, user: str) -> list[str]:
    if language_of(plain) == "en" and re.search("[A-Za-z]", plain):
        words = polarity.english(plain, source)
    else:
        words = polarity.chinese(plain, source, user)
    return [f"与依据相反或无法核对 {words}"] if words else []


def _direction_problems(sentence: Sentence, facts: Facts, scope: Sequence[str]) -> list[str]:
    pieces = [facts.evidence[one] for one in scope]
    runs = [piece for piece in pieces if not isinstance(piece, ClauseEvidence)]
    said = polarity.directions(sentence.plain)
    if not said or not runs:
        return []
    borne_out: set[str] = set()
    for reference in sentence.references:
        piece = facts.evidence.get(reference.id)
        if piece is not None and reference.name:
            borne_out |= _change(piece, reference.name)
    if not borne_out:
        for piece in runs:
            text = piece.summary if isinstance(piece, ToolRunEvidence) else facts.texts[piece.id]
            borne_out |= polarity.directions(text)
    return [] if said <= borne_out else [f"变化方向不符 {sentence.plain}"]


def _change(piece: Evidence, name: str) -> set[str]:
    """Direction of the measure that a figure belongs to, from its before and after."""
    stem = re.sub(r"_(?:before|after|change.*)$", "", name)
    before, after = piece.values.get(f"{stem}_before"), piece.values.get(f"{stem}_after")
    try:
        if before and after:
            difference = float(after.text.replace(",", "")) - float(before.text.replace(",", ""))
        elif "change" in name:
            difference = float(piece.values[name].text.replace("−", "-").replace("+", ""))
        else:
            return set()
    except ValueError:
        return set()
    return {"up"} if difference > 0 else {"down"} if difference < 0 else set()


def _authority_problems(plain: str, source: str) -> list[str]:
    def even(text: str) -> str:
        return text.replace("人民政府", "政府").replace("人民法院", "法院")

    found = [f"没有依据的机关 {m[0]}" for m in _AUTHORITY.finditer(plain)
             if even(m[0]) not in even(source)]
    found += [f"没有依据的机关 {m[0]}" for m in _EN_AUTHORITY.finditer(plain)
              if _EN_AUTHORITY_CN.get(m[0].lower(), "检察") not in source and m[0] not in source]
    return found
