"""Dates and repeals that a legal text states about itself.

Preamble lines such as 2007年10月28日 第十届…会议通过, 自2008年1月1日起施行 in the last articles, and
《…》同时废止. In a consolidated text 自…起施行 is the date of the first enactment: when a version is
in force is decided by the ledger, not here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from cityllm.corpus.numerals import cn_to_int

_CN_DIGIT = "〇○零一二三四五六七八九"
_DATE = re.compile(
    rf"(\d{{4}}|[{_CN_DIGIT}]{{4}})\s*年\s*(\d{{1,2}}|[{_CN_DIGIT}十]{{1,3}})\s*月\s*"
    rf"(\d{{1,2}}|[{_CN_DIGIT}十]{{1,3}})\s*日")
_EFFECTIVE = re.compile(r"(?:自|从|于)\s*(?P<date>.{7,16}?日)\s*(?:起|开始|正式)*\s*(?:施行|实施|生效|执行)")
_AT_ONCE = re.compile(r"自(?:公布|发布|通过|颁布|印发)之日起\s*(?:施行|实施|生效|执行)")
_ENDED = re.compile(r"(?:同时|相应|即行|随之|一并)?(?:予以|自行|停止)?(?:废止|失效)")
_TITLE = re.compile(r"《((?:[^《》]|《[^《》]*》)+)》")
_BETWEEN = re.compile(r"(?:\s|、|，|,|和|以及|及|与|（[^（）]*）|\([^()]*\)|以来|"
                      r"(?:同时|于|即|也|均|亦|一并|相应|随之|自行|予以)|"
                      r"(?:原)?[^《》。；]{0,40}?(?:日|年|月)[^《》。；]{0,40}?"
                      r"(?:发布|公布|通过|批准|颁布|印发|施行|制定|修正|修订|公布施行|发布施行)(?:实施)?的)*")


@dataclass(frozen=True)
class Dates:
    """`adopted`: first 通过, else first date of the preamble. `last`: newest date of the preamble
    that is not only 施行. `at_once`: the text says 自公布之日起施行. `issuer`: who adopted it.
    `amended`: dates of 修正 and 修订 in the preamble."""

    adopted: date | None = None
    last: date | None = None
    effective: date | None = None
    at_once: bool = False
    issuer: str = ""
    number: str = ""
    amended: tuple[date, ...] = ()
    repeals: tuple[str, ...] = ()


def find_dates(text: str) -> list[date]:
    """Every date 2008年1月1日 or 二〇〇八年一月一日 in `text`, in order; impossible ones left out."""
    found: list[date] = []
    for match in _DATE.finditer(text):
        parts = [int(p) if p.isdigit() and p.isascii() else cn_to_int(p) for p in match.groups()]
        year, month, day = (part or 0 for part in parts)
        try:
            found.append(date(year, month, day))
        except ValueError:
            continue
    return found


def read_dates(preamble: Sequence[str], articles: Sequence[str]) -> Dates:
    """What the preamble and the last articles say. Nothing is guessed: unknown stays None."""
    adopted = first = last = effective = None
    issuer = number = ""
    amended: list[date] = []
    for line in preamble:
        when = find_dates(line)
        if not when:
            continue
        only_force = "施行" in line and not re.search("通过|公布|发布|修[正订改]|批准|印发", line)
        if only_force:
            effective = effective or when[-1]
            continue
        first = first or when[0]
        last = max([when[0], *([last] if last else [])])
        if adopted is None and re.search("通过|审议", line):
            adopted = when[0]
        if "施行" in line and re.search("公布施行|发布施行|公布之日", line):
            effective = effective or when[0]
        if re.search("修[正订改]", line):
            amended.append(when[0])
        issuer = issuer or _issuer(line)
        number = number or _number(line)
    tail = list(articles[-4:])
    at_once = False
    for text in reversed(tail):
        said = _EFFECTIVE.search(text)
        if said and (dates := find_dates(said["date"])):
            effective = dates[-1]
            break
        if _AT_ONCE.search(text):
            at_once = True
            break
    repeals = tuple(dict.fromkeys(t for text in tail for t in repealed_in(text)))
    return Dates(adopted or first, last, effective, at_once, issuer, number,
                 tuple(amended), repeals)


def repealed_in(text: str) -> list[str]:
    """Whole instruments that `text` ends: the 《》 of a list that leads straight to 同时废止.

    《A》第五条同时废止 and 《A》中有关…的规定同时废止 end a part only and are not listed.
    """
    found: list[str] = []
    for end in _ENDED.finditer(text):
        start = max(text.rfind(mark, 0, end.start()) for mark in "。；\n") + 1
        clause = text[start:end.start()]
        titles = list(_TITLE.finditer(clause))
        right = len(clause)
        for title in reversed(titles):
            if not _BETWEEN.fullmatch(clause, title.end(), right):
                break
            found.append(title[1])
            right = title.start()
    return found


_ISSUER = re.compile(
    r"日\s*(?P<who>.{0,24}?(?:人民代表大会常务委员会|人大常委会|人民代表大会|国务院|中央军事委员会|"
    r"最高人民法院|最高人民检察院|人民政府|[\u4e00-\u9fff]{2,12}(?:部|委员会|总局|总署|银行)(?=令|公告|发布|公布)))")
_SESSION = re.compile(r"第[\d一二三四五六七八九十百零〇]+届")
_NUMBER = re.compile(r"(?:(?:国务院|主席|[\u4e00-\u9fff]{2,14}?(?:部|总局|委员会|总署|政府))令\s*"
                     r"第?\s*[\d一二三四五六七八九十百零〇]+\s*号|[\u4e00-\u9fff]{1,8}〔\d{4}〕\d+\s*号)")


def _issuer(line: str) -> str:
    """Who acted on a preamble line, without the session's number; empty where unclear."""
    found = _ISSUER.search(line)
    if not found:
        return ""
    name = _SESSION.sub("", found["who"]).replace("中华人民共和国", "").replace(" ", "")
    name = name.removeprefix("根据").lstrip("经由").replace("人大常委会", "人民代表大会常务委员会")
    return name if "《" not in name else ""


def _number(line: str) -> str:
    found = _NUMBER.search(line)
    return re.sub(r"\s|中华人民共和国", "", found[0]) if found else ""
