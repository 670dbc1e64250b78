"""The format of rules: the pack and the page are right, and each wrong file says what is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from cityllm.config import ROOT
from cityllm.errors import EnterpriseError, PolicyFileError, PolicyNotFound
from cityllm.policies.evaluate import Result, evaluate
from cityllm.policies.fields import Dictionary
from cityllm.policies.figures import read_figure
from cityllm.policies.located import parse_yaml
from cityllm.policies.policy import Fixture, Policy
from cityllm.policies.ruleset import RuleSet, bind, fixture_enterprise, read_located

PACK = ROOT / "rag_corpus"
DICTIONARY = Dictionary.load(PACK)
RULES = RuleSet.load(PACK)
WORDS = {True: "met", False: "not_met", None: "unknown"}
EXAMPLE = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "docs/policies.md").read_text("utf-8"),
                     re.MULTILINE | re.DOTALL)[0]


def example(old: str = "", new: str = "") -> Policy:
    """The policy of docs/policies.md, with one piece of its text exchanged."""
    assert old in EXAMPLE
    text = EXAMPLE.replace(old, new, 1)
    return read_located(parse_yaml(text, Path("shili-yanfa-buzhu.yaml")), DICTIONARY)


def problem(old: str, new: str) -> PolicyFileError:
    with pytest.raises(PolicyFileError) as told:
        example(old, new)
    return told.value


def outcome(policy: Policy, fixture: Fixture) -> Result:
    return evaluate(bind(policy, DICTIONARY, fixture.as_of),
                    fixture_enterprise(policy, fixture, DICTIONARY))


@pytest.mark.parametrize(("policy", "fixture"), [
    pytest.param(policy, fixture, id=f"{policy.id}: {fixture.name}")
    for policy in [*RULES, example()] for fixture in policy.fixtures])
def test_every_fixture_comes_out_as_it_says(policy: Policy, fixture: Fixture) -> None:
    found = outcome(policy, fixture)
    assert found.verdict == fixture.verdict
    clauses = {one.clause.id: WORDS[one.met] for one in found.clauses}
    assert {key: clauses[key] for key in fixture.clauses} == fixture.clauses
    if fixture.amount is not None:
        granted = found.amount if found.validity != "unconfirmed" else found.potential
        assert granted == 100 * read_figure(fixture.amount)
        assert all(one.met for one in found.clauses)


# Old text, new text, words of the message. One fault each.
FAULTS = [
    ("window: {", "windows: {", "是不是 window"),
    ("issuer: 示例市科学技术局\n", "", "缺少 issuer"),
    ("id: shili-yanfa-buzhu ", "id: shili-yanfa ", "文件名要是 shili-yanfa.yaml"),
    ("region: 北京市/海淀区", "region: 海淀区", "没有写明省份"),
    ("to: 2027-12-31", "to: 2023-12-31", "早于"),
    ("to: 2027-12-31", "to: soon", "open"),
    ("window: {from: 03-01, to: 04-30}", "window: {from: 03-01, to: 2026-04-30}", "月-日"),
    ("value: 2000万", "value: 2000 wan", "不是数"),
    ("from: 2025-01-01, value", "from: 2024-06-01, value", "重叠"),
    ("place: {article: \"3\"}}", "place: {}}", "article"),
    ("by: industry", "by: industri", "没有字段 industri；相近的有：industry"),
    ("under: [C, I65], cells", "under: [C, I99], cells", "I99"),
    ("cells: {employees: 300}", "cells: {staff: 300}", "各行的列要一样"),
    ("- id: revenue", "- id: age", "子句 age 有两个"),
    ("field: revenue@-1", "field: revenue", "revenue@-1"),
    ("field: employees,", "field: employees@-1,", "不分年度"),
    ("years_since: established", "years_since: revenue@-1", "这里要 date"),
    ("at_most: 5}", "at_most: 5.5}", "months_since"),
    ("at_most: $max_revenue", "at_most: $max_revenu", "没有参数 max_revenu；有：max_revenue"),
    ("at_most: $max_revenue", "at_most: 100", "max_revenue 没有用到"),
    ("$size.employees", "$size.people", "没有表格列 size.people；有：size.employees"),
    ("at_least: 5%}", "at_least: 5%, at_most: 9%}", "只写一个界限"),
    ("at_least: 5%}", "is: 5}", "is 只用于 field"),
    ("at_least: 10%}", "}", "要写一种比较"),
    ("ratio: [rd_spend@-1, revenue@-1]", "ratio: [rd_spend@-1]", "ratio"),
    ("some: 2", "some: 4", "只列了 3 项"),
    ("holds: high_tech", "holds: dishonest", "这里要 certificate"),
    ("field: dishonest, is: true", "field: dishonest, is: sometimes", "true 或 false"),
    ("not: {", "nor: {", "nor"),
    ("judge: {zh: 由专家评审判断, en", "judge: {zh: 由专家评审判断, english", "english"),
    ("kind: subsidy", "kind: present", "subsidy"),
    ("rate: 20%, of", "rates: 20%, of", "rates"),
    ("floor: 5万", "floor: -5万", "非负"),
    ("of: {increase", "of: {ratio", "不能用 ratio"),
    ("{increase: [rd_spend@-1, rd_spend@-2], at_least",
     "{product: [rd_spend@-1, employees], at_least", "product 只用于算金额"),
    ("rate: 20%", "rate: 20% - x", "不是数"),
    ("holder: market", "holder: markt", "没有 markt 这个部门"),
    ("clauses: {age: not_met", "clauses: {ages: not_met", "没有子句 ages"),
    ("employees: 300,", "employees: many,", "不是数"),
    ("verdict: unknown", "verdict: perhaps", "eligible"),
    ("  - {zh: 专家评审, en: Review}\n", "  - {zh: 专家评审, en: Review\n", "YAML"),
    ("number: 示科发", "issuer: 示科发", "写了两次"),
    ("steps:\n", "steps: &steps\n", "YAML"),
]


@pytest.mark.parametrize(("old", "new", "said"), FAULTS, ids=[fault[1][:40] for fault in FAULTS])
def test_a_wrong_file_names_line_key_and_what_is_allowed(old: str, new: str, said: str) -> None:
    told = problem(old, new)
    assert re.sub(r"\W", "", said) in re.sub(r"\W", "", told.zh)
    line = re.search(r"第 (\d+) 行", told.zh)
    assert line
    assert f"line {line[1]}" in told.en
    changed = EXAMPLE[:EXAMPLE.index(old)].count("\n") + 1
    whole_file = any(word in said for word in ("缺少", "没有用到", "重叠", "两", "YAML"))
    assert whole_file or abs(int(line[1]) - changed) <= 3, told.zh


def test_fewer_than_four_fixtures_are_refused() -> None:
    start = EXAMPLE.index("  - name: 没有人判断")
    assert "fixtures" in problem(EXAMPLE[start:], "").zh


def test_a_parameter_without_a_value_on_the_day_is_unknown_not_met() -> None:
    policy = example()
    early = policy.fixtures[0].model_copy(update={"as_of": policy.fixtures[0].as_of.replace(
        year=2023)})
    [clause] = [one for one in outcome(policy, early).clauses if one.clause.id == "revenue"]
    assert clause.met is None


@pytest.mark.parametrize("to", ["open", "unknown"])
def test_an_unconfirmed_end_makes_nobody_eligible(to: str) -> None:
    policy = example("to: 2027-12-31", f"to: {to}")
    found = outcome(policy, policy.fixtures[0])
    assert (found.verdict, found.validity) == (
        ("eligible", "in_force") if to == "open" else ("unknown", "unconfirmed"))
    assert all(one.met for one in found.clauses)


def test_yaml_words_stay_words_and_numbers_stay_exact() -> None:
    read = parse_yaml("a: no\nb: 0.1\nc: 2024-02-30\nd: '5'\n", Path("x.yaml")).data
    assert read["a"] == "no"
    assert read["b"] * 3 == read_figure("0.3")
    assert (read["c"], read["d"]) == ("2024-02-30", "5")


@pytest.mark.parametrize(("fields", "field"), [
    ({"revenu": 1}, "revenu"), ({"revenue": 1}, "revenue"), ({"revenue": {"2024": 1.5}}, "revenue"),
    ({"employees": -1}, "employees"), ({"employees": True}, "employees"),
    ({"region": "海淀区"}, "region"),
    ({"industry": "C65"}, "industry"), ({"established": "yesterday"}, "established"),
    ({"entity": "firm"}, "entity"), ({"zone": "zhongguancun"}, "zone"),
    ({"high_tech": "yes"}, "high_tech"),
    ({"legal_person": 1}, "legal_person"), ({"revenue": {"24": 1}}, "revenue"),
    ({"employees": {"2024": 1}}, "employees"), ({"revenue@2024": "0.001"}, "revenue@2024")])
def test_a_wrong_datum_is_named_with_what_is_allowed(fields: dict[str, object], field: str) -> None:
    with pytest.raises(EnterpriseError) as told:
        DICTIONARY.read(fields)
    assert told.value.field.partition("@")[0] == field.partition("@")[0]
    assert told.value.allowed or field == "revenu"


def test_a_datum_is_read_by_its_name_and_null_is_missing() -> None:
    read = DICTIONARY.read({"营业收入": {2024: "2000万"}, "employees": None,
                            "region": "杭州市西湖区", "industry": "65"})
    assert read.values == {"revenue@2024": 2_000_000_000, "region": "浙江省/杭州市/西湖区",
                           "industry": "I65"}


def test_every_field_says_what_it_is_in_both_languages() -> None:
    files = [PACK / "policies" / "fields.yaml", *(PACK / "policies" / "fields").glob("*.yaml")]
    counts = [len(yaml.safe_load(file.read_text(encoding="utf-8"))["fields"]) for file in files]
    assert 80 <= counts[0] < sum(counts) == len(DICTIONARY.fields)
    names = [name for field in DICTIONARY.fields.values() for name in (field.zh, field.en)]
    assert len(names) == len(set(names))
    assert all(field.allowed.zh and field.allowed.en for field in DICTIONARY.fields.values())


def test_a_field_of_two_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "policies" / "fields").mkdir(parents=True)
    words = "fields:\n  staff: {zh: 人数, en: Staff, type: integer, holder: tax, changeable: true}\n"
    (tmp_path / "policies" / "fields.yaml").write_text(
        f"holders:\n  tax: {{zh: 税务机关, en: Tax authority}}\n{words}", encoding="utf-8")
    assert list(Dictionary.load(tmp_path).fields) == ["staff"]
    (tmp_path / "policies" / "fields" / "more.yaml").write_text(words, encoding="utf-8")
    with pytest.raises(PolicyFileError, match=r"more\.yaml 第 2 行，fields\.staff：另一个文件里已经有"):
        Dictionary.load(tmp_path)


def test_figures_are_worked_out_from_parameters() -> None:
    amount = "amount: {rate: 20%, of: {increase: [rd_spend@-1, rd_spend@-2]}, floor: 5万, cap: 50万}"
    policy = example(amount, "amount: {rate: 30% - 5% * 2, of: {increase: "
                             "[rd_spend@-1, rd_spend@-2]}, floor: 5万, cap: 25万 * 2}")
    assert outcome(policy, policy.fixtures[0]).amount == 20_000_000
    policy = example(amount, "amount: {rate: 0.0005, of: {product: [revenue@-1, employees]}}")
    fixture = policy.fixtures[0].model_copy(update={"amount": None})
    assert outcome(policy, fixture).amount == round(40_000_000 * 300 * 0.0005 * 100)


def test_an_unknown_policy_is_said(tmp_path: Path) -> None:
    with pytest.raises(PolicyNotFound, match="没有政策 nothing"):
        RULES.get("nothing")
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "fields.yaml").write_text(
        (PACK / "policies" / "fields.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(PolicyFileError, match="没有政策文件"):
        RuleSet.load(tmp_path)
