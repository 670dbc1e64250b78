"""Reports of wrongdoing: 500 plain and 500 oblique ones, none routed to whom they accuse."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from cityllm.petitions.calibrate import Line
from cityllm.petitions.record import Ground, Labels
from cityllm.petitions.wrongdoing import (
    HIGHER,
    OWN,
    WITHHELD,
    acts_in,
    is_secret,
    named_in,
    shield,
)
from tests.accusations import ACTS, OBLIQUE_UNITS, UNITS, accusations
from tests.petition_day import day, recipe, write


class Traitor:
    """The worst classifier: sure of itself, it sends each text to the unit that it accuses and
    never sees a report in it."""

    def labels(self, texts: Sequence[str],
               districts: Sequence[str] | None = None) -> list[Labels]:
        return [Labels(("其他",), "15", 0.99, [("15", 0.99)],
                       next(unit for unit, _ in (*UNITS, *OBLIQUE_UNITS) if unit in text),
                       "complaint") for text in texts]

    def grounds(self, texts: Sequence[str], labels: Sequence[Labels],
                districts: Sequence[str]) -> list[tuple[Ground, ...]]:
        """The whole text as the reason, so that nothing leaks by that way."""
        return [(Ground("category", "15", "words", ((text, 0.0),)),) for text in texts]


def run(tmp_path: Path, made: list[dict[str, str]]) -> list[dict[str, str]]:
    write(tmp_path / "in.jsonl", made)
    day(tmp_path / "in.jsonl", tmp_path / "out.jsonl", 1, 256, recipe(Traitor, Line(0.5, 9000)))
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()[:-1]
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("oblique", [False, True])
def test_500_reports_and_none_reaches_the_accused(tmp_path: Path, oblique: bool) -> None:
    cases = accusations(500, oblique=oblique)
    done = run(tmp_path, [{"编号": str(n), "标题": one.title, "内容": one.text}
                          for n, one in enumerate(cases)])
    assert len(done) == 500
    withheld = 0
    for case, row in zip(cases, done, strict=True):
        assert row["route"] in ("review", "urgent"), case
        assert row["department"] in ("", OWN, HIGHER), case
        assert row["why_review"], case
        if "纪委" in case.unit:
            assert row["department"] in ("", HIGHER), case
        if row["text"] == WITHHELD:
            withheld += 1
            assert row["title"] == row["summary"] == WITHHELD
            assert not row["reasons"] and not row["grounds"]
            assert not row["extra"] and not row["draft"]
        else:
            assert row["department"] == "", case
    if not oblique:
        assert withheld == 500
        for file in ("out.jsonl", "out.html", "out.jsonl.journal"):
            written = (tmp_path / file).read_bytes()
            assert [act for act in ACTS if act.encode() in written] == [], file


def test_words_of_wrongdoing_are_withheld_from_every_kind_of_row(tmp_path: Path) -> None:
    [row] = run(tmp_path, [{"编号": "1", "标题": "求助", "内容": "市教育局科长收了红包才办入学。", "地点": "幸福路",
                            "备注": "收红包的是张科长"}])
    assert row["text"] == WITHHELD
    assert row["extra"] == {}
    assert row["place"] == ""
    assert "红包" not in (tmp_path / "out.jsonl.journal").read_bytes().decode("utf-8", "ignore")


LABELS = Labels(("市场监管",), "0801", 0.9, [], "市市场监督管理局", "complaint")


@pytest.mark.parametrize(("text", "department", "kind"), [
    ("超市卖过期牛奶，请市场监督管理局查处。", "市市场监督管理局", "complaint"),
    ("小吃店用地沟油，我已向12345反映过。", "市市场监督管理局", "complaint"),
    ("市场监管局的人跟老板很熟，每次来都走个过场。", "", "complaint"),
    ("市监所所长和老板吃了一顿饭就没事了。", "", "complaint"),
    ("市场监管局所长收了超市的红包。", OWN, "report"),
    ("纪委的人收了红包，把案子压了下来。", HIGHER, "report"),
    ("信访局接访科的科长把我的信给了对方。", OWN, "report")])
def test_who_may_handle_it(text: str, department: str, kind: str) -> None:
    found = shield(text, LABELS)
    assert (found.department, found.kind) == (department, kind)


def test_a_report_about_a_shop_keeps_its_regulator() -> None:
    from dataclasses import replace

    shop = shield("举报某饭店偷税漏税，卖假烟。", replace(LABELS, kind="report"))
    assert (shop.department, shop.kind, shop.jurisdiction) == (
        "市市场监督管理局", "complaint", "petition")


@pytest.mark.parametrize(("department", "text", "expected"), [
    ("市住房和城乡建设局", "住建局一直拖着", True), ("岳麓区城市管理局", "城管打人", True),
    ("幸福镇政府", "幸福镇的人来过", True), ("市公安局", "派出所不立案", True), ("", "住建局", False),
    ("市教育局", "希望教育局核实处理", False), ("市教育局", "路灯坏了", False)])
def test_a_department_is_known_by_what_people_call_it(department: str, text: str,
                                                      expected: bool) -> None:
    assert named_in(department, text) is expected


@pytest.mark.parametrize("text", [
    "举报一家烧烤店占道，城管来过一次，请城管局查处。", "小区违建没人管，是不是有保护伞？希望政府部门调查。",
    "业委会主任不公开账目，业主代表要求核实。", "请问举报信寄给纪委后多久有结果？", "公司挪用押金不退，请工商局处理。"])
def test_words_of_reporting_alone_accuse_nobody(text: str) -> None:
    assert acts_in(text) == ()


def test_what_may_be_a_report_is_read_by_a_person_first() -> None:
    from dataclasses import replace

    doubt = shield("街道的人让我把茶叶放在桌子底下。", replace(LABELS, suspected=True))
    assert (doubt.department, doubt.kind) == ("", "complaint")
    assert not is_secret(doubt)
