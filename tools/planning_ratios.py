"""What planning ratios mean: floor area ratio (容积率), building density (建筑密度), green ratio (绿地率).

Each is an area over the area of the site. So a ratio that is given multiplies the site's area (or
divides the other area, where the site is asked for), and a ratio that is asked for has the site
below the line. `fitting` keeps the formulas that obey this; where none does, or nothing of the kind
is named, all are kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_RATIO = (r"(?:容积率|绿地率|绿化率|建筑密度|建筑覆盖率|覆盖率|floor area ratio|\bFAR\b|green ratio"
          r"|building (?:density|coverage)|site coverage|plot ratio)")
_GIVEN = re.compile(_RATIO + r"[^\d，。；,;?？零〇一二三四五六七八九十百]{0,14}$", re.IGNORECASE)
_ASKED = re.compile(_RATIO + r"[^\d，。；,;]{0,8}(?:多少|几|[?？])|what[^.?]{0,20}" + _RATIO,
                    re.IGNORECASE)
_AREA = re.compile(r"多少(?:平方米|平米|平方|平|亩|公顷|㎡|[^，。；]{0,6}面积)|多大|(?:建筑|绿地|基底|用地)?面积(?:是)?多少|几亩"
                   r"|how (?:much|many|large|big)", re.IGNORECASE)
_SITE_ASKED = re.compile(r"(?:要|需要?|得有?|至少|最少)[^，。？?]{0,6}(?:用地|地块|土地)"
                         r"|用地(?:面积)?(?:是|要|需)?多少|how (?:much|large|big)[^.?]{0,16}"
                         r"(?:land|site|plot)", re.IGNORECASE)
_SITE = re.compile(r"(?:用地|地块|宗地|基地|这块地|块地|\bsite|\bplot|\bland)[^，。；,;]{0,14}$",
                   re.IGNORECASE)


def fitting(text: str, formulas: Sequence[str], quantities: Sequence[str]) -> list[str]:
    """The `formulas` that use planning ratios as they are meant. `quantities` are those of `text`
    as written; the formulas are built of them."""
    before = {one: text[:text.find(one)] for one in quantities if one in text}
    if _ASKED.search(text):
        sites = [one for one in quantities if _SITE.search(before.get(one, ""))]
        kept = [one for one in formulas if any(
            one.removesuffix(" = ? %").endswith(f"/ {site}") for site in sites)]
        return kept or list(formulas)
    given = [one for one in quantities if _GIVEN.search(before.get(one, ""))]
    if not given or not (_AREA.search(text) or _SITE_ASKED.search(text)):
        return list(formulas)
    divides = bool(_SITE_ASKED.search(text))
    kept = [one for one in formulas if any(_uses(one, ratio, divides) for ratio in given)]
    return kept or list(formulas)


def _uses(formula: str, ratio: str, divides: bool) -> bool:
    body = formula.split(" = ")[0]
    if divides:
        return body.endswith(f"/ {ratio}")
    return f"* {ratio}" in body or body.startswith(f"{ratio} *")
