"""The tree of matters and the duty list of the default pack."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cityllm.config import ROOT
from cityllm.errors import ConfigError
from cityllm.petitions.taxonomy import Duties, Taxonomy

PACK = ROOT / "rag_corpus"


@pytest.fixture(scope="module")
def tree() -> Taxonomy:
    return Taxonomy.load(PACK)


def test_the_tree_has_the_official_size(tree: Taxonomy) -> None:
    assert [len(tree.codes(level)) for level in (1, 2, 3)] == [15, 118, 517]


def test_the_names_are_the_official_ones(tree: Taxonomy, shared: Path) -> None:
    lines = (shared / "petitions" / "taxonomy.jsonl").read_text(encoding="utf-8").splitlines()
    official = {(row["l1"], row["l2"], row["l3"]) for row in map(json.loads, lines)}
    assert {tree.path(code) for code in tree.codes(3)} == official


def test_labels_are_found_by_code_name_and_path(tree: Taxonomy) -> None:
    code = tree.find("城乡建设/住房保障与房地产/物业服务")
    assert code is not None
    assert tree.path(code) == ("城乡建设", "住房保障与房地产", "物业服务")
    assert tree.find(code) == code
    assert tree.find("环境保护") == "04"
    assert tree.find("物业服务") == code
    assert tree.find("其他") is None, "stands under almost every branch"
    assert tree.find("天外来客") is None


def test_every_leaf_has_a_department_and_none_names_a_district() -> None:
    duties, tree = Duties.load(PACK), Taxonomy.load(PACK)
    assert set(duties.by_code) <= set(tree.names)
    for code in tree.codes(3):
        assert duties.department(code) != duties.default, code


def test_the_department_depends_on_the_place_and_on_words() -> None:
    duties = Duties.load(PACK)
    assert duties.department("010903") == "市住房和城乡建设局"
    assert duties.department("010903", "南湖区") == "南湖区住房和城乡建设局"
    assert duties.department("010901", "南湖区") == "市住房公积金管理中心", "the city's own matter"
    assert duties.department("060205", text="高速公路收费站多扣") == "市高速公路管理处"
    assert duties.department("99") == "市信访局"


@pytest.mark.parametrize("text", [
    "tree: {'01 甲': {'0201 乙': ['020101 丙']}}", "tree: {'01 甲': {'0101 乙': ['01 丙']}}",
    "tree: {}", "tree: {'甲': {}}", "]["])
def test_a_wrong_tree_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "petitions").mkdir()
    (tmp_path / "petitions" / "taxonomy.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"taxonomy\.yaml"):
        Taxonomy.load(tmp_path)


@pytest.mark.parametrize("text", [
    "default: 甲", "departments: {}", "default: 甲\ndepartments: {'01': {who: 乙, at: moon}}",
    "default: 甲\ndepartments: {'01': 乙}"])
def test_a_wrong_duty_list_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "petitions").mkdir()
    (tmp_path / "petitions" / "duties.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"duties\.yaml"):
        Duties.load(tmp_path)
