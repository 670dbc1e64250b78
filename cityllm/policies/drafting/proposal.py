"""A policy's text -> a proposed rule file, what of it is certain, and what a person has to settle.

The rule is plain data in the format of the catalogue (docs/policies.md). Every threshold in it
stands in the words of the finding it came from. A condition without a field, and a condition in
words only, become clauses that a person judges; what decides the amount and not the right to it is
listed and kept out of the clauses. The draft decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from cityllm.corpus.levels import NATION
from cityllm.errors import ConfigError
from cityllm.policies.drafting.amounts import Granted, granted, proposed
from cityllm.policies.drafting.findings import Finding, conditions
from cityllm.policies.drafting.heading import Heading, read_heading
from cityllm.policies.drafting.phrases import Phrases
from cityllm.policies.drafting.segments import Segment, segments
from cityllm.policies.fields import UNITS, Words
from cityllm.policies.policy import MAX_CLAUSES

_ONE_OF = re.compile(r"(?:之一|任一|任意一项)[^。]{0,8}$")
_MENTIONS = re.compile(r"(?:其中|以下|即|包括|如|由|参照)|.*(?:以下简称|参照执行|为准)")
_INTRODUCES = re.compile(r"(?:以下|下列|如下)[^，。]{0,14}(?:条件|要求)[^，。]{0,4}$")
_LIMITS = re.compile(r"不予|不得|不再|仅|只能")
_TIMES = {"年": "years", "月": "months", "日": "days", "周岁": "years old"}
_DIRECTION = re.compile(r"(?:支持|申请|申报|开展|提供|吸引|实施|鼓励|引导)[\u4e00-\u9fff“”（）]{3,}")
_BOUNDS = {"at_least": "at least", "at_most": "at most", "more_than": "more than",
           "less_than": "less than"}


@dataclass(frozen=True, slots=True)
class Open:
    """Something that a person settles before the rule may be published."""

    id: str
    words: Words
    clause: str = ""


@dataclass
class Clause:
    """A clause of the rule and the findings in it; a judged one may have none, only its words."""

    id: str
    segment: Segment
    when: dict[str, Any]
    zh: str
    en: str
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class Proposal:
    """All that was read. `aside` are findings that decide how much, not whether; `left` segments
    that ask something and have no rule."""

    heading: Heading
    clauses: tuple[Clause, ...]
    aside: tuple[Finding, ...]
    amounts: tuple[Granted, ...]
    left: tuple[Segment, ...]
    open: tuple[Open, ...]
    rule: dict[str, Any]

    @property
    def findings(self) -> list[Finding]:
        """Every finding, in the order of the text."""
        found = [one for clause in self.clauses for one in clause.findings]
        return sorted([*found, *self.aside], key=lambda one: (one.start, one.end))


def propose(text: str, phrases: Phrases, id_: str) -> Proposal:
    """Read a text. Raises ConfigError for one without a sentence."""
    heading = read_heading(text)
    parts = segments(text)
    found = {at: conditions(part, phrases, heading.region) for at, part in enumerate(parts)}
    aside = [one for at, part in enumerate(parts) if part.section == "benefit"
             for one in found[at]]
    made = _Clauses(phrases)
    left = made.build([(part, found[at]) for at, part in enumerate(parts)
                       if part.section in ("condition", "other")])
    left += [part for at, part in enumerate(parts)
             if part.section == "benefit" and not found[at] and _LIMITS.search(part.text)]
    if not parts:
        raise ConfigError("原文里没有句子可读。", "The text has no sentence to read.")
    if not made.clauses:
        made.clauses.append(_nothing_read(parts))
    amounts = [one for part in parts for one in granted(part)]
    amount, certain = proposed(amounts, phrases)
    places = [one.value for clause in made.clauses for one in clause.findings
              if one.fields == ("region",) and one.sure]
    region = heading.region or (str(places[0]) if places else "")
    rule = _rule(id_, heading, region or NATION, made.clauses, amounts, amount)
    points = [*_heading_points(heading, region), *_points(made.clauses, aside),
              *_amount_points(amounts, amount, certain), *_directions(parts)]
    return Proposal(heading, tuple(made.clauses), tuple(aside), tuple(amounts), tuple(left),
                    tuple(points), rule)


class _Clauses:
    """Findings made into clauses, those joined by 或 or listed under 之一 into one."""

    def __init__(self, phrases: Phrases) -> None:
        self.phrases = phrases
        self.clauses: list[Clause] = []
        self._seen: list[object] = []
        self._ids: set[str] = set()

    def build(self, parts: Iterable[tuple[Segment, list[Finding]]]) -> list[Segment]:
        """Make the clauses; gives back the segments without a rule."""
        left: list[Segment] = []
        one_of: tuple[str, ...] | None = None
        listed: list[list[Finding]] = []
        for part, found in parts:
            if one_of is not None and part.path[:len(one_of)] == one_of and len(
                    part.path) > len(one_of):
                listed.append(found or [_in_words(part)])
                continue
            self._list(listed)
            one_of, listed = None, []
            if _ONE_OF.search(part.text):
                one_of = part.path
            if found:
                for group in _groups(found):
                    self._add(group)
                if part.section == "condition" and (rest := _unread(part, found)):
                    left.append(rest)
                    self._judged(rest)
            elif part.section == "condition" and one_of is None and _asks(part.text):
                self._judged(part)
                left.append(part)
        self._list(listed)
        if len(self.clauses) >= MAX_CLAUSES:
            kept = [one for one in self.clauses if one.findings][:MAX_CLAUSES - 1]
            room = MAX_CLAUSES - 1 - len(kept)
            judged = [one for one in self.clauses if not one.findings]
            keep = {id(one) for one in [*kept, *judged[:room]]}
            left += [one.segment for one in self.clauses
                     if id(one) not in keep and one.segment not in left]
            self.clauses = [one for one in self.clauses if id(one) in keep]
        return left

    def _list(self, listed: list[list[Finding]]) -> None:
        """One clause that any of the listed items meets."""
        groups = [found for found in listed if found]
        if len(groups) == 1:
            self._add(groups[0])
        elif groups:
            ways = [_all([_condition(one) for one in found]) for found in groups]
            together = [one for found in groups for one in found]
            self._clause(together, {"any": _unjudged(ways)})

    def _add(self, group: list[Finding]) -> None:
        fresh = [one for one in group if _same(one) not in self._seen]
        if not fresh:
            return
        self._seen += [_same(one) for one in fresh]
        ways = [_condition(one) for one in fresh]
        self._clause(fresh, ways[0] if len(ways) == 1 else {"any": _unjudged(ways)})

    def _clause(self, found: list[Finding], when: dict[str, Any]) -> None:
        zh = _words(found)
        named = [one for one in found if one.fields]
        stem = named[0].fields[0] if named else "judged"
        self.clauses.append(Clause(self._id(stem), found[0].segment, when, zh,
                                   _english(found, self.phrases), found))

    def _judged(self, part: Segment) -> None:
        self.clauses.append(Clause(self._id("judged"), part, _judge(part.text), part.text,
                                   f"To be judged by a person: {part.text}"))

    def _id(self, stem: str) -> str:
        name, count = stem[:40], 1
        while name in self._ids:
            count += 1
            name = f"{stem[:40]}_{count}"
        self._ids.add(name)
        return name


def _words(found: list[Finding]) -> str:
    """The words of findings; those of one segment as they stand, from the first to the last."""
    said: list[str] = []
    for segment in dict.fromkeys(one.segment for one in found):
        own = [one for one in found if one.segment == segment]
        start, end = min(one.start for one in own), max(one.end for one in own)
        said.append(segment.text[start - segment.start:end - segment.start])
    return "；".join(said)


def _same(one: Finding) -> object:
    """What makes a finding the same as another one: its rule, else its words."""
    return one.when if one.when is not None else one.words


def _unread(part: Segment, found: list[Finding]) -> Segment | None:
    """What of a segment is in no finding, so that no half of a sentence is dropped; from its first
    to its last such part, None where all is read."""
    rest = [one for one in re.finditer("[^，,、]{6,}", part.text)
            if not any(one.start() < each.end - part.start and each.start - part.start < one.end()
                       for each in found) and not _MENTIONS.match(one[0])]
    if not rest:
        return None
    start, end = rest[0].start(), rest[-1].end()
    return replace(part, start=part.start + start, end=part.start + end, text=part.text[start:end])


def _asks(text: str) -> bool:
    """Whether words without a rule ask something: not a mere 应符合以下条件：."""
    return len(text) > 5 and not _INTRODUCES.search(text)


def _groups(found: list[Finding]) -> Iterator[list[Finding]]:
    group: list[Finding] = []
    for one in found:
        if group and not one.joined:
            yield group
            group = []
        group.append(one)
    if group:
        yield group


def _in_words(part: Segment) -> Finding:
    return Finding(part, part.start, part.end, part.text, part.text, "judge", part.text, "", None)


def _judge(words: str) -> dict[str, Any]:
    return {"judge": {"zh": f"由人判断：{words}", "en": f"A person judges: {words}"}}


def _condition(one: Finding) -> dict[str, Any]:
    return one.when if one.when is not None else _judge(one.words)


def _unjudged(ways: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One clause has one judgement: several that a person judges are put to him as one."""
    words = [way["judge"]["zh"].removeprefix("由人判断：") for way in ways if "judge" in way]
    rest = [way for way in ways if "judge" not in way]
    return [*rest, _judge("或者：".join(words))] if words else rest


def _all(ways: list[dict[str, Any]]) -> dict[str, Any]:
    return ways[0] if len(ways) == 1 else {"all": _unjudged(ways)}


def _english(found: list[Finding], phrases: Phrases) -> str:
    """The findings in English, from the dictionary's names; Chinese words where no field fits."""
    said = []
    for one in found:
        if not one.fields:
            said.append(f"to be judged by a person: {one.words}")
            continue
        first = phrases.dictionary.fields[one.fields[0]]
        names = " / ".join(phrases.dictionary.fields[key].en for key in one.fields)
        if isinstance(one.value, Decimal):
            for way in ("growth", "increase"):
                if way in (one.when or {}):
                    names = f"{way.capitalize()} of: {names}"
            names = f"Time since: {names}" if first.type == "date" else names
            said.append(f"{names} {_BOUNDS[one.op]} {_shown(one.value, one.unit)}")
        elif isinstance(one.value, bool):
            said.append(names if one.value else f"not: {names}")
        else:
            option = first.options.get(one.value)
            said.append(f"{names}: {option.en if option else one.value}")
    text = "; or ".join(said)
    return text[0].upper() + text[1:]


def _shown(value: Decimal, unit: str) -> str:
    if unit == "%":
        return f"{(value * 100).normalize():f}%"
    name = _TIMES.get(unit) or UNITS.get(unit, "")
    return f"{value.normalize():,f} {name}".strip()


def _place(segment: Segment) -> dict[str, str]:
    place = {"article": segment.article} if segment.article else {}
    at = "".join(segment.path) if segment.article else segment.at
    return {**place, "at": at} if at else place or {"at": "正文"}


def _nothing_read(parts: list[Segment]) -> Clause:
    """For a text in which no condition was found: a rule needs one, and a person decides."""
    words = "原文没有读出条件，由人判断是否适用"
    return Clause("applies", parts[0], {"judge": {
        "zh": words, "en": "No condition was read: a person judges whether the policy applies"}},
        words, "No condition was read: a person judges whether the policy applies")


def _rule(id_: str, heading: Heading, region: str, clauses: list[Clause], amounts: list[Granted],
          amount: dict[str, Any] | None) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": id_, "title": {"zh": heading.title or "（原文没有标题）",
                             "en": heading.title or "(no title)"},
        "number": heading.number or "无文号", "issuer": heading.issuer or "（原文没有写）",
        "region": region,
        "valid": {"from": heading.first or "unknown", "to": heading.last or "unknown"}}
    if heading.window:
        rule["window"] = {"from": _day(heading.window[0]), "to": _day(heading.window[1])}
    rule["source"] = {"title": heading.title or "（原文没有标题）", "name": heading.issuer or "（原文没有写）"}
    rule["clauses"] = [{"id": one.id, "zh": one.zh, "en": one.en, "place": _place(one.segment),
                        "when": one.when} for one in clauses]
    said = "；".join(dict.fromkeys(one.words for one in amounts)) or "原文没有写明金额"
    benefit: dict[str, Any] = {"zh": said, "en": _granted_english(amounts), "kind": "subsidy"}
    if amounts:
        benefit["place"] = _place(amounts[0].segment)
        benefit["up_to"] = any(one.kind == "cap" for one in amounts)
    if amount:
        benefit["amount"] = amount
    rule["benefit"] = benefit
    return rule


def _granted_english(amounts: list[Granted]) -> str:
    """The amounts in English, without what they are for: that is in the Chinese words."""
    said = []
    for one in amounts:
        value = _shown(one.value, "%" if one.kind == "rate" else "元")
        said.append({"cap": f"at most {value}", "rate": f"{value} of what is named",
                     "per": f"{value} for each"}.get(one.kind, value))
    return "; ".join(dict.fromkeys(said)).capitalize() or "The text names no amount"


def _day(text: str) -> date | str:
    return date.fromisoformat(text) if len(text) > 5 else text


def _heading_points(heading: Heading, region: str) -> Iterator[Open]:
    yield Open("title.en", Words(zh="请写英文标题", en="write the English title"))
    for name, known, zh, en in (
            ("title", heading.title, "原文没有标题", "the text has no title"),
            ("issuer", heading.issuer, "原文没有写发文机关", "the text names no issuer"),
            ("region", region, "原文没有写适用地区", "the text names no region"),
            ("valid.from", heading.first, "原文没有写起始日期", "the text has no first day"),
            ("valid.to", heading.last, "原文没有写有效期；没有期限并且确认有效的写 open",
             "the text has no last day; write open for one without end that is in force")):
        if not known:
            yield Open(name, Words(zh=zh, en=en))


def _points(clauses: list[Clause], aside: list[Finding]) -> Iterator[Open]:
    for clause in clauses:
        if clause.id == "applies":
            yield Open("clause.applies", Words(zh="原文没有读出条件，请写上或删去",
                                               en="no condition was read: write them"), "applies")
        for one in clause.findings:
            if one.why is not None:
                near = "、".join(f"{each.key}" for each in one.candidates)
                yield Open(f"clause.{clause.id}", Words(
                    zh=f"{one.words}：{one.why.zh}" + (f"；候选 {near}" if near else ""),
                    en=f"{one.words}: {one.why.en}" + (f"; candidates {near}" if near else "")),
                    clause.id)
    for number, one in enumerate(aside, start=1):
        yield Open(f"aside.{number}", Words(
            zh=f"{one.words}：写在支持内容里，决定给多少还是给不给，请放进 amount 或 clauses",
            en=f"{one.words}: stands with the benefit; put it into the amount or the clauses"))


def _amount_points(amounts: list[Granted], amount: dict[str, Any] | None,
                   certain: bool) -> Iterator[Open]:
    if amounts and amount is None:
        yield Open("benefit", Words(
            zh=f"原文有 {len(amounts)} 处金额，哪一处对谁请写进 benefit.amount",
            en=f"the text has {len(amounts)} amounts: write into benefit.amount which is whose"))
    elif amount is not None and not certain:
        yield Open("benefit", Words(zh="不能确定补助的基数是哪个字段",
                                    en="of which field the benefit is a share is not certain"))


def _directions(parts: list[Segment]) -> Iterator[Open]:
    """Conditions listed by several directions of support must not all be asked of one firm."""
    names = {part.path[0]: part.text for part in reversed(parts)
             if part.section == "condition" and part.path and len(part.path) == 1
             and _DIRECTION.match(part.text)}
    deep = {part.path[0] for part in parts if part.section == "condition" and len(part.path) > 1}
    if len(names) > 1 and deep & set(names):
        yield Open("directions", Words(
            zh=f"条件分 {len(names)} 个方向写，请分成几项政策，或者把各方向的子句放进 any",
            en=f"the conditions are given for {len(names)} directions: make several policies, or "
               "put the clauses of each under any"))
