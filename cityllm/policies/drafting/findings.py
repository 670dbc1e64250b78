"""What a policy's text states: conditions, each with its words and place, and what says nothing.

A finding is a threshold with the field that it may speak of, or a fact (a certificate, a place, no
bad record). Its `words` are the text at `start:end`; the figure stands in them, so that nothing is
in a draft that the text does not have. Money and shares that are granted are in `amounts`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from cityllm.policies.drafting.phrases import Candidate, Phrases, plain, sure
from cityllm.policies.drafting.places import place_in
from cityllm.policies.drafting.segments import Segment
from cityllm.policies.drafting.thresholds import Figure, Threshold, thresholds
from cityllm.policies.fields import Words

GRANTS = re.compile(
    r"给予|补助|补贴|资助|奖励|奖补|贴息|贴费|补偿|支持(?:金额|限额|比例|不超过|额度)|资金支持|资助额度|支持额度|"
    r"最高支持|出资额|拨付|贷款额度|奖金|匹配|限额|配套")
"""Words in whose company a figure of money or a share is what is granted, no condition."""
_GRANTED_TAIL = re.compile(r"的?比例|以?内?的?(?:一次性)?(?:给予|予以|资金|补|奖|贴|支持|资助)")
_MEASURED = re.compile(r"(?:占|率|营业收入|注册资本|投资额|出资额)[^，]{0,6}$")
_LASTS = re.compile(r"周期|期限|贴息|补贴|支持|累计可?获|享受|执行期|合同|有效期|租赁期")
_EDGE = re.compile(r"[，,；：:、]|(?<=[^不])且|并且|以及|或者?(?!业)")
_OTHERWISE = re.compile(r"或者?|任一|之一")
_NEGATED = re.compile(r"(?<!有)无|没有|未|不予|不得|不再|不能|不存在")
_OF_THE_SAME = re.compile(r"(?:且|并|并且)?(?:同比|环比|比上年|较上年)?(?:增长|增幅|增速|增加)")
"""A phrase that says how much what stands before it has grown."""
_PREMISE, _SOME = re.compile(r"(?:的|的企业|企业)[，,]"), re.compile("其中")
_NOT_COUNTED = re.compile(r"每个?(?:单位|企业|项目|家)?(?:仅|只|限|最多)|同一|不得少于.{0,6}演出|拨付|占股比例|股权投资")


@dataclass(frozen=True, slots=True)
class Finding:
    """One condition. `when` is its form in a rule file, None where no field was found for it."""

    segment: Segment
    start: int
    end: int
    words: str
    phrase: str
    op: str
    value: Decimal | str | bool
    unit: str
    when: dict[str, Any] | None
    candidates: tuple[Candidate, ...] = ()
    sure: bool = True
    why: Words | None = None
    joined: bool = False
    """It is one of several of which the sentence wants one: 或 stands before it."""
    fields: tuple[str, ...] = field(default=())


def conditions(segment: Segment, phrases: Phrases, region: str) -> list[Finding]:
    """The conditions of one segment in order. `region` is what 本市 stands for."""
    if segment.section == "process":
        return []
    bounds = list(_figures(segment, phrases))
    facts = list(_facts(segment, phrases, region))
    if segment.section == "condition":
        facts = _named(segment, phrases, facts, bounds)
    found = sorted([*bounds, *facts], key=lambda one: (one.start, one.end))
    return _premises(_alternatives(found, segment), segment)


def is_granted(segment: Segment, one: Figure, start: int) -> bool:
    """Whether a figure is money or a share that is granted, or how long that lasts."""
    text = segment.text
    left = max((found.end() for found in re.finditer("[，；。]", text[:start])), default=0)
    lead, tail = text[left:start], text[one.end:one.end + 14]
    if one.unit in ("年", "月", "日"):
        return bool(_LASTS.search(lead)) and not re.search("成立|注册|合同期|劳动合同|贷款为", lead)
    if one.unit not in ("元", "%"):
        return False
    if one.unit == "元" and segment.section != "condition" and GRANTS.search(text[:start]) and \
            re.search("最高|不超过|封顶", text[max(left, start - 4):one.end]):
        return True
    if GRANTS.search(lead) or _GRANTED_TAIL.match(tail):
        return bool(re.search("按|支持|补|给予", lead)) or not _MEASURED.search(lead)
    return segment.section == "benefit" and one.unit == "%" and bool(
        re.search(r"按照?[^，]{0,40}$", lead))


def _figures(segment: Segment, phrases: Phrases) -> Iterator[Finding]:
    text, before = segment.text, 0
    carried = ""
    for one in thresholds(text):
        if one.start < before:  # the upper end of a range: what it is about stands before the lower
            before = text.rfind(carried, 0, one.start) if carried else 0
        granted = one.op not in ("at_least", "more_than", "less_than") and is_granted(
            segment, one.figure, one.start)
        left = max((found.end() for found in _EDGE.finditer(text, before, one.start)
                    if found.end() < one.start), default=before)
        phrase = text[left:one.start].strip(" 　（(，、")
        if len(phrase) < 2 or (carried and _OF_THE_SAME.match(phrase)):
            phrase = f"{carried}{phrase}"
        left = min(left, one.start)
        before, carried = max(before, one.end), phrase
        if granted or _NOT_COUNTED.search(text[left:one.end]) or (
                one.op == "at_most" and one.figure.unit == "元" and segment.section == "benefit"):
            continue
        stop = re.search("[，；、）)]|且|$", text[one.end:])
        after = text[one.end:one.end + (stop.start() if stop else 0)]
        yield _finding(segment, one, left, phrase, after, phrases)


def _finding(segment: Segment, one: Threshold, left: int, phrase: str, after: str,
             phrases: Phrases) -> Finding:
    figure = one.figure
    said = f"{phrase}{after}"
    around = f"{segment.heading}{segment.text[:left]}"
    start = segment.start + left
    end = segment.start + (one.end + len(after) if not phrase else one.end)
    words = segment.text[left:end - segment.start]
    start += len(words) - len(words.lstrip(" 　（，、"))
    shown = words.strip(" 　（，、")
    when, found, certain = _when(one, said, around, phrases)
    why = None
    if one.unsure:
        why = Words(zh="没有写明是否包含端点", en="whether the ends belong to the range is not said")
    elif when is None:
        why = Words(zh="字段字典里没有合适的字段", en="no field of the dictionary fits")
    elif not certain:
        why = Words(zh="不能确定是哪个字段", en="which field is meant is not certain")
    return Finding(segment, start, start + len(shown), shown, said, one.op, figure.value,
                   figure.unit, when, tuple(found), certain and why is None, why,
                   fields=_fields(when))


def _when(one: Threshold, said: str, around: str, phrases: Phrases
          ) -> tuple[dict[str, Any] | None, list[Candidate], bool]:
    """The condition, the candidates, and whether the first of them is certain."""
    figure = one.figure
    if figure.unit == "%" and (ratio := _ratio(one, said, phrases)):
        return ratio
    found = phrases.candidates(said, figure.unit, around)
    if not found:
        return None, [], False
    key = found[0].key
    kind = phrases.dictionary.fields[key]
    count: int | str = int(figure.value) if figure.value == int(figure.value) else str(figure.value)
    if figure.unit == "会计年度":  # whole calendar years since the day
        side = {"at_least": "at_most", "less_than": "more_than"}.get(one.op)
        when = {"field": key, side: f"year_start-{count}y"} if side else None
        return when, found, sure(found)
    if kind.type == "date":
        head = {"年": "years_since", "月": "months_since", "日": "days_since"}[figure.unit]
        return {head: key, one.op: count}, found, sure(found)
    ref = key if not kind.yearly else f"{key}@0" if re.search("当年|本年", said) else f"{key}@-1"
    if figure.unit == "年" and kind.unit == "月":
        count = int(figure.value * 12)
    bound = written(figure) if figure.unit in ("元", "美元", "%", "平方米") else count
    if figure.unit == "元" and re.search("增量|同比增加", said) and kind.yearly:
        return {"increase": [ref, f"{key}@-2"], one.op: bound}, found, sure(found)
    return {"field": ref, one.op: bound}, found, sure(found)


def _ratio(one: Threshold, said: str, phrases: Phrases
           ) -> tuple[dict[str, Any], list[Candidate], bool] | None:
    """A占B的比例 as a ratio of two fields, A增长率 as growth; a field of its own is preferred."""
    own = phrases.candidates(said, "%")
    if own and own[0].score >= 0.9:
        return None
    bound = written(one.figure)
    if share := re.search(r"(.{2,})占(.{2,}?)(?:的?(?:比例|比重|份额)|之比)?\s*(?:为|应|均|达)?$", said):
        both = []
        for part in (share[1], share[2]):
            part = re.sub("的?(?:比例|比重).*", "", part)
            best = max((phrases.candidates(part, unit) for unit in ("元", "人")),
                       key=lambda found: found[0].score if found else 0.0)
            if not best or best[0].score < 0.9:
                return None
            both.append(best[0])
        refs = [f"{each.key}@-1" if phrases.dictionary.fields[each.key].yearly else each.key
                for each in both]
        return {"ratio": refs, one.op: bound}, both, True
    if re.search("增长|增幅|增速", said):
        found = max((phrases.candidates(said, unit) for unit in ("元", "美元", "人")),
                    key=lambda found: found[0].score if found else 0.0)
        if found and found[0].score >= 0.9 and phrases.dictionary.fields[found[0].key].yearly:
            key = found[0].key
            return ({"growth": [f"{key}@-1", f"{key}@-2"], one.op: bound}, found,
                    not re.search("[近最].{0,3}[三3两2二]|平均|复合", said))
    return None


def written(figure: Figure) -> str | int:
    """A figure as a rule file has it: 2000万, 1.5亿, 5%, 300."""
    if figure.unit == "%":
        return f"{_plain(figure.value * 100)}%"
    for name, factor in (("亿", 10**8), ("万", 10**4)):
        if figure.value >= factor and (figure.value / factor * 100) % 1 == 0:
            return f"{_plain(figure.value / factor)}{name}"
    return int(figure.value) if figure.value == int(figure.value) else _plain(figure.value)


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _fields(when: dict[str, Any] | None) -> tuple[str, ...]:
    refs: list[str] = []
    for key, value in (when or {}).items():
        if key in ("field", "holds", "years_since", "months_since", "days_since"):
            refs.append(value)
        elif key in ("ratio", "growth", "increase"):
            refs += value
    return tuple(dict.fromkeys(ref.partition("@")[0] for ref in refs))


def _facts(segment: Segment, phrases: Phrases, region: str) -> Iterator[Finding]:
    text = segment.text
    offered = segment.section == "benefit"
    if found := place_in(text, region):
        start, end, where, certain = found
        if not (offered and not re.search("注册|登记", text[max(0, start - 4):end + 6])):
            yield _fact(segment, start, end, "under", where,
                        {"field": "region", "under": [where]},
                        certain and "参照" not in text[end:])
    seen: set[str] = set()
    for start, end, fact in sorted(phrases.stated(text), key=lambda one: (one[0], -one[1])):
        when = plain(fact.when)
        keys = _fields(when)
        if not keys or keys[0] in seen:
            continue
        if offered and not re.match(r".{0,30}(?:给予|支持)", text[end:]) and "holds" in when:
            continue
        seen.add(keys[0])
        op = next(name for name in when if name not in ("field",))
        value = True if op == "holds" else when[op]
        value = value[0] if isinstance(value, list) else value
        yield _fact(segment, start, end, op, value, when, segment.section == "condition")


def _named(segment: Segment, phrases: Phrases, facts: list[Finding],
           bounds: list[Finding]) -> list[Finding]:
    """Facts, and those further ones that a part of the segment states nearly by a field's name."""
    kept = list(facts)
    for part in re.finditer("[^，；。]{4,}", segment.text):
        found = phrases.yes_or_no(part[0])
        bounded = any(part.start() < one.end - segment.start <= part.end() for one in bounds)
        if found is None or bounded or any(found.key in one.fields for one in kept):
            continue
        start, end = part.span()
        inside = [one for one in kept if start <= one.start - segment.start < end]
        if any(one.op == "holds" or one.fields == ("region",) for one in inside):
            continue
        kept = [one for one in kept if one not in inside or one.fields == ("legal_person",)]
        certificate = phrases.dictionary.fields[found.key].type == "certificate"
        met = not _NEGATED.search(part[0])
        when = {"holds": found.key} if certificate else {"field": found.key, "is": met}
        made = _fact(segment, start, end, "holds" if certificate else "is", met, when, False)
        kept.append(replace(made, candidates=(found,), start=segment.start + start,
                            words=segment.text[start:end]))
    return kept


def _fact(segment: Segment, start: int, end: int, op: str, value: str | bool,
          when: dict[str, Any], certain: bool) -> Finding:
    left = max((found.end() for found in re.finditer("[，；：]", segment.text[:start])), default=0)
    words = segment.text[left:end]
    left += len(words) - len(words.lstrip(" 　（"))
    why = None if certain else Words(zh="不能确定这是申报的条件",
                                     en="whether this is a condition is not certain")
    return Finding(segment, segment.start + left, segment.start + end, segment.text[left:end],
                   segment.text[start:end], op, value, "", when, (), certain, why,
                   fields=_fields(when))


def _premises(found: list[Finding], segment: Segment) -> list[Finding]:
    """What follows 成立不足两年的，… is asked of some enterprises only: unsure, as is the premise."""
    made, begun = [], False
    for one in found:
        begun = begun or bool(segment.section != "benefit" and _PREMISE.match(
            segment.text, one.end - segment.start))
        made.append(replace(one, sure=False, why=one.why or Words(
            zh="只对其中一部分企业提出", en="asked of some of the enterprises only"))
            if begun or _SOME.match(one.words) else one)
    return made


def _alternatives(found: list[Finding], segment: Segment) -> list[Finding]:
    """Mark those before which 或 stands, and all certificates of one list: one of them will do."""
    made = []
    for at, one in enumerate(found):
        joined = False
        if at:
            last = found[at - 1]
            between = segment.text[max(0, last.end - segment.start):
                                   max(0, one.start - segment.start)]
            reach = segment.text[max(0, last.end - segment.start):one.end - segment.start]
            joined = bool(_OTHERWISE.search(between) or re.match("[，,]?或", reach)) or (
                one.op == last.op == "holds" and not re.search("[，；]|且|同时", between))
        made.append(replace(one, joined=joined))
    return made
