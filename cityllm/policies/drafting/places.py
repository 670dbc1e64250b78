"""Where an enterprise must be registered, as a policy puts it: 在北京市注册, 本市行政区域内, 注册地在…"""

from __future__ import annotations

import re

from cityllm.policies.figures import NotAllowed
from cityllm.policies.regions import read_region

_NAME = (r"(?P<name>(?:[\u4e00-\u9fff]{2,7}?(?:省|自治区))?[\u4e00-\u9fff]{2,4}?市"
         r"(?:[\u4e00-\u9fff]{2,5}?[区县](?!域))?)")
_OWN = r"(?P<own>本市|我市|全市|本区|在京|北京地区)"
_FORMS = (
    re.compile(rf"(?:注册地?|登记地?|住所|经营地)(?:址)?(?:应|须)?(?:在|位于|为)(?:{_NAME}|{_OWN})"),
    re.compile(rf"(?:在|于|是指在|为)?(?:{_NAME}|{_OWN})(?:地区|行政区域?|辖区|范围)?(?:内)?(?:依法)?(?:办理)?(?:工商)?"
               r"(?:法定)?(?:登记|注册|成立|具有独立|设立|具备)"))
_START = re.compile(r"^(?:在|于|为|是指在|和|或|由|其他)+")


def place_in(text: str, own: str) -> tuple[int, int, str, bool] | None:
    """Start, end, region and certainty of the first place of registration that a text names.

    `own` is the region of the policy itself, which 本市 and 在京 stand for; empty where unknown.
    """
    for form in _FORMS:
        for match in form.finditer(text):
            region, certain = _region(match, own)
            if region and not re.search(r"(?:京外|外省|境外|国外)", match[0]):
                return match.start(), match.end(), region, certain
    return None


def _region(match: re.Match[str], own: str) -> tuple[str, bool]:
    if match["own"]:
        if match["own"] in ("在京", "北京地区"):
            return "北京市", True
        parts = own.split("/")
        return (own if match["own"] == "本区" else "/".join(parts[:2]) if len(parts) > 2 else own,
                bool(own))
    name = _START.sub("", match["name"])
    try:
        return read_region(name), True
    except NotAllowed:
        return (own, False) if own and own.replace("/", "").endswith(name) else ("", False)
