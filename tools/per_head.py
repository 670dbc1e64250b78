"""Figures for each thousand people, as plans give them: 每千人5.2张床位, 人均0.3平方米, 8 beds per 1,000.

`written_out` turns them into quantities that `calculate` reads (5.2张床/千人), and 人口500万 into
500万人, so that their product is the number of beds. It rounds nothing up and adds no reserve.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_NUMBER = r"\d[\d,]*(?:\.\d+)?[万亿]?"
_EACH = re.compile(
    rf"(?:每|按)(?P<many>[百千万十]?)(?P<who>[人户])(?:口|均)?[^，。；,;\d]{{0,8}}?(?P<n>{_NUMBER})\s*"
    r"(?P<unit>张床|平方米|平米|㎡|公顷|亩|[张个座所处辆床米升])?")
_AVERAGE = re.compile(rf"(?P<who>[人户])均[^，。；,;\d]{{0,8}}?(?P<n>{_NUMBER})\s*"
                      r"(?P<unit>平方米|平米|㎡|[个升米])")
_PEOPLE = re.compile(rf"(?:常住|户籍|规划)?人口(?:规模|总数)?(?:是|为|有|约|达|达到)?(?P<n>{_NUMBER})(?![\d人%％个])")
HEADS = re.compile(r"/[百千万十]?[人户]")
"""What follows the unit of such a figure when it is written out."""
_EACH_EN = re.compile(rf"(?P<n>{_NUMBER}) \w+ (?:per|for (?:each|every)) (?:1,?000|thousand)"
                      r" (?:people|residents|inhabitants|persons)", re.IGNORECASE)
_PEOPLE_EN = re.compile(rf"(?P<n>{_NUMBER}) (?:people|residents|inhabitants|persons)\b",
                        re.IGNORECASE)


def written_out(text: str) -> str:
    """`text` with such figures as quantities; any other text is returned as it is."""
    def each(match: re.Match[str]) -> str:
        unit = (match["unit"] or "个").replace("张床", "床").replace("张", "床")
        unit = unit if unit not in ("所", "处", "辆") else "个"
        return f"{match['n']}{unit}/{match['many']}{match['who']}"

    found = _EACH.sub(each, text)
    found = _AVERAGE.sub(lambda m: f"{m['n']}{m['unit']}/{m['who']}", found)
    found = _EACH_EN.sub(lambda m: f"{m['n']}个/千人", found)
    if found == text:
        return text
    return _PEOPLE_EN.sub(lambda m: f"{m['n']}人", _PEOPLE.sub(lambda m: f"人口{m['n']}人", found))


def fitting(formulas: Sequence[str]) -> list[str]:
    """The formulas that multiply such a figure by a number of people; all where none does."""
    kept = [one for one in formulas if HEADS.search(one)
            and " * " in one and " / " not in one and not re.search(r" [+-] ", one)
            and len(re.findall(r"[人户]", one)) == 2]
    return kept or list(formulas)
