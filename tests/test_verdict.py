"""What may be decided: names of the pack's lists, and reports kept from whom they accuse."""

from __future__ import annotations

from typing import Any

import pytest

from cityllm.config import ROOT
from cityllm.errors import ReviewError
from cityllm.petitions.verdict import Choices
from cityllm.petitions.wrongdoing import HIGHER, OWN, WITHHELD

CHOICES = Choices.load(ROOT / "rag_corpus")


def form(**more: Any) -> dict[str, Any]:
    return {"category": "010204", "department": "市城市管理局", "kind": "complaint",
            "jurisdiction": "petition", "risks": [], **more}


def record(**more: Any) -> dict[str, Any]:
    return {"kind": "complaint", "department": "市城市管理局", "district": "", "problem": "",
            "code": "010204", "category": ["a"], "jurisdiction": "petition", "risks": [],
            "text": "路灯坏了", **more}


def test_only_names_of_the_lists_are_taken() -> None:
    assert CHOICES.chosen(record(), form(), "clerk").category == ("城乡建设", "城市建设和市政管理", "城市公共设施")
    by_name = form(category="城乡建设 / 城市建设和市政管理 / 城市公共设施")
    assert CHOICES.chosen(record(), by_name, "clerk").code == "010204"
    for wrong in (form(category="0102"), form(category=""), form(department="市马戏团"),
                  form(kind="x"), form(jurisdiction=None), form(risks=["fire"])):
        with pytest.raises(ReviewError):
            CHOICES.chosen(record(), wrong, "clerk")
    district = record(district="西湖区", department="西湖区城市管理局")
    assert "西湖区教育局" in CHOICES.departments(district)


def test_a_report_goes_to_discipline_inspection_unless_a_supervisor_read_it() -> None:
    told = record(kind="report", department=OWN, jurisdiction="discipline", text=WITHHELD)
    accused = form(kind="report", department="市城市管理局", jurisdiction="discipline")
    for role in ("clerk", "supervisor"):
        for one in (told, record()):
            with pytest.raises(ReviewError, match="检举控告"):
                CHOICES.chosen(one, accused, role)
    with pytest.raises(ReviewError, match="主管"):
        CHOICES.chosen(told, form(), "clerk")
    assert CHOICES.chosen(told, form(), "supervisor").department == "市城市管理局"
    assert CHOICES.chosen(record(), accused | {"department": HIGHER}, "clerk").kind == "report"


def test_what_has_no_proposal_cannot_be_accepted() -> None:
    for told in (record(department=""), record(code="999999"), record(problem="x")):
        with pytest.raises(ReviewError, match="C"):
            CHOICES.proposed(told)
