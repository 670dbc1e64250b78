"""What a policy grants, as its text has it: fixed sums, shares with their caps, sums by head.

Each amount keeps its words and place. From them one computable amount is proposed only where the
text grants a single thing and the quantity that a share is taken of is a field of the dictionary;
several amounts are listed, and a person says which belongs to whom.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from cityllm.policies.drafting.findings import GRANTS, is_granted, written
from cityllm.policies.drafting.phrases import Phrases, sure
from cityllm.policies.drafting.segments import Segment
from cityllm.policies.drafting.thresholds import Figure, figures, thresholds

_UP_TO = re.compile(r"(?:不(?:得|应|再|能)?(?:超过|高于|多于|大于)|最高|最多|至多|上限|限额|封顶|以内)[^，；。\d]{0,14}$")
_EACH = re.compile(r"每(?:新?增加?|招用|招|引进|个|名|位)?\s*(?:1|一)?\s*(人|名|位|家|户|件|项|个|台|辆|张|亩|平方米|吨|千瓦|床)?"
                   r"(?:每[年月])?[^，。；\d]{0,10}$")
_BY_HEAD = re.compile(r"每\s*(?:新?增加?|招用|吸纳|培训)?\s*[1一]?\s*(?:人|名)(?:每[月年])?[^，\d]{0,10}$")
_PER = re.compile(r"\s*/\s*(人|户|家|件|项|个|台|辆|张|亩|平方米|平米|吨|千瓦时|千瓦|床位?|月|年)")
_SHARE = re.compile(r"按照?(?:[^，；。]{0,6}不(?:超过|高于))?(?P<of>[^，；。]{2,40}?)\s*$")
_NOT_GRANTED = re.compile(r"占股|股权(?!投资)|合同总?额不|投资额不低于|营运资金|注册资本|先期|剩余|第[一二三]期|总额的\s*$|累计不超过\s*$|利率|"
                          r"不足|年薪|收入")
_LIST = re.compile(r"[\s、和及]*(?:分别)?[\s、和及]*")


@dataclass(frozen=True, slots=True)
class Granted:
    """`kind`: fixed, cap (the most that can be granted), rate (a share of `of`), or per (for each
    `each`). `value` is in yuan, or the share itself (30% is 0.3)."""

    kind: str
    value: Decimal
    start: int
    end: int
    words: str
    segment: Segment
    figure: Figure
    of: str = ""
    each: str = ""


def granted(segment: Segment) -> Iterator[Granted]:
    """The amounts of one segment, in order."""
    if segment.section == "process" or not GRANTS.search(
            f"{segment.heading}{segment.text}"):
        return
    text, before, last, edge = segment.text, 0, None, 0
    bounds = {one.figure.start for one in thresholds(text) if one.op != "at_most" or one.unsure}
    for one in figures(text):
        if one.unit not in ("元", "%") or one.start in bounds:
            before = one.end
            continue
        left = max((found.end() for found in re.finditer("[，；。：:]", text[:one.start])), default=0)
        lead = text[max(left, before):one.start]
        whole = text[left:one.start]
        kept = last if last and _LIST.fullmatch(text[edge:one.start]) else None
        before = edge = one.end
        last = None
        kind = _kind(segment, one, lead, whole, text[one.end:one.end + 14])
        if kept and kept.figure.unit == one.unit:
            kind = kept.kind
        if not kind or (_NOT_GRANTED.search(whole) and not kept and not re.search(
                "给予|补[助贴]|奖励", whole)):
            continue
        each = _PER.match(text, one.end)
        share = _SHARE.search(whole) if kind == "rate" else None
        end = each.end() if each else one.end
        body = text[left:end]
        start = left + len(body) - len(body.lstrip(" 　（"))
        made = Granted(kind, one.value, segment.start + start, segment.start + end,
                       text[start:end], segment, one,
                       share["of"].removesuffix("的") if share else "",
                       each[1] if each else _each(whole) if kind == "per" else "")
        last = made
        yield made


def _kind(segment: Segment, one: Figure, lead: str, whole: str, tail: str) -> str:
    if one.unit == "%":
        if re.search(r"(?:占股|股权|率|占)[^，]{0,6}$", lead) and not re.search("比率|补|给予|支持|贴息", lead):
            return ""
        return "rate" if is_granted(segment, one, one.start) or (
            segment.section == "benefit" and _UP_TO.search(whole)) else ""
    if re.match(r"(?:[（(]含[）)])?\s*(?:及?以上|以下|至|到)", tail):
        return ""
    if _PER.match(tail) or (_BY_HEAD.search(whole) and not _UP_TO.search(whole)):
        return "per"
    if _UP_TO.search(lead) or re.match(r"(?:以内|封顶)", tail):
        return "cap" if segment.section == "benefit" or GRANTS.search(
            f"{segment.text}{segment.heading}") else ""
    if GRANTS.search(whole) or GRANTS.search(tail) or re.search(
            r"标准|补贴|奖|资助", segment.heading):
        return "fixed"
    return ""


def _each(whole: str) -> str:
    found = _EACH.search(whole)
    return (found[1] or "") if found else ""


def proposed(amounts: list[Granted], phrases: Phrases) -> tuple[dict[str, Any] | None, bool]:
    """The amount of a rule file, and whether it is certain; None where a person has to decide."""
    rates = [one for one in amounts if one.kind == "rate"]
    sums = [one for one in amounts if one.kind in ("fixed", "per")]
    caps = [one for one in amounts if one.kind == "cap"]
    if len(rates) == 1 and not sums and len(caps) <= 1:
        found = phrases.candidates(rates[0].of or rates[0].words, "元", rates[0].segment.text)
        if not found:
            return None, False
        field = phrases.dictionary.fields[found[0].key]
        ref = f"{field.key}@-1" if field.yearly else field.key
        amount: dict[str, Any] = {"rate": written(rates[0].figure), "of": ref}
        if caps:
            amount["cap"] = written(caps[0].figure)
        return amount, sure(found)
    if len(sums) == 1 and not rates and len(caps) <= 1:
        return _sum(sums[0], caps, phrases)
    if len(caps) == 1 and not rates and not sums:
        return {"fixed": written(caps[0].figure)}, True
    return None, False


def _sum(one: Granted, caps: list[Granted], phrases: Phrases) -> tuple[dict[str, Any] | None, bool]:
    limit = {"cap": written(caps[0].figure)} if caps else {}
    if one.kind == "fixed":
        return {"fixed": written(one.figure), **limit}, True
    unit = {"人": "人", "家": "家", "件": "件", "项": "项", "台": "台", "平方米": "平方米", "亩": "亩",
            "吨": "吨"}.get(one.each, "人")
    found = phrases.candidates(one.words, unit, one.segment.text)
    if not found:
        return None, False
    field = phrases.dictionary.fields[found[0].key]
    ref = f"{field.key}@-1" if field.yearly else field.key
    return {"per": written(one.figure), "of": ref, **limit}, sure(found)
