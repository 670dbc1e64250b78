"""The catalogue against its sources: what is wrong is found, the shipped one has nothing wrong."""

from __future__ import annotations

import json
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest

from cityllm.config import ROOT
from cityllm.policies.conditions import Compare, Holds, Judge
from cityllm.policies.located import parse_yaml
from cityllm.policies.policy import Policy
from cityllm.policies.ruleset import RuleSet, read_located
from evals import policy_sources
from evals.policy_sources import Sources, item, problems
from evals.stated import english_values, rule_figures, values
from tests.laws import write

PACK = ROOT / "rag_corpus"
RULES = RuleSet.load(PACK)
RECORD = {"title": "示例市贴息", "依据文件": "《示例市贴息办法》", "发文机构": "示例市商务局",
          "发文字号": "示商发〔2023〕5 号", "发布日期": "2023-06-01", "时间/频度": "从 2023 年 6 月起",
          "服务对象": "在示例市注册的企业", "服务内容": "1．按利息的 40%给予支持。2．每家不超过 50 万元，由示例市商务局会同市财政局按照年度预算分批核定后拨付。",
          "条件要求": "1．年营业收入在 2 亿元（含）以下。2．成立满 2 年（2.5 年以上优先）。服务流程9．申报"}
LAW = "# 示例税法\n\n<!-- INFO END -->\n\n第一条 税率为百分之二十五。\n\n第二条 减按百分之二十征收。\n\n" \
      "第三条 本法自2020年1月1日起施行。\n"
CASE = """
id: shili-tiexi
title: {zh: 示例市贴息, en: Interest}
number: 示商发〔2023〕5号
issuer: 示例市商务局
region: 全国
valid: {from: 2023-06-01, to: unknown}
source: {title: 示例市贴息办法, name: 汇编, checked_against: [beijing.jsonl：示例市贴息]}
parameters:
  rate:
    zh: 比例
    en: Share
    values:
      - {from: 2023-06-01, value: 40%, place: {at: 服务内容 1}}
clauses:
  - id: revenue
    zh: 营业收入至多2亿元
    en: Revenue
    place: {at: 条件要求 1}
    when: {field: revenue@-1, at_most: 2亿}
  - id: age
    zh: 设立已有2年
    en: Age
    place: {at: 条件要求 2}
    when: {field: established, at_most: as_of-2y}
benefit:
  zh: 每家至多50万元
  en: At most half a million
  place: {at: 服务内容 2}
  kind: loan
  amount: {rate: $rate, of: loan_interest_paid@-1, cap: 50万}
fixtures:
""" + "".join(f"""  - name: {name}
    as_of: 2026-01-01
    fields: {{}}
    verdict: unknown
""" for name in "甲乙丙丁")


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    folder = tmp_path_factory.mktemp("sources")
    write(folder, "laws/示例税法(2019-10-01).md", LAW)
    write(folder, "policies/beijing.jsonl", json.dumps(RECORD, ensure_ascii=False) + "\n")
    return Sources(folder / "laws", folder / "policies")


def told(sources: Sources, old: str = "", new: str = "") -> list[str]:
    assert old in CASE
    located = parse_yaml(CASE.replace(old, new, 1), Path("shili-tiexi.yaml"))
    return problems(read_located(located, RULES.dictionary), located.data, sources)


def test_a_policy_that_is_as_its_source_has_no_problem(sources: Sources) -> None:
    assert told(sources) == []


@pytest.mark.parametrize(("old", "new", "part"), [
    ("at_most: 2亿", "at_most: 3亿", "clause revenue"),
    ("营业收入至多2亿元", "营业收入至多3亿元", "clause revenue"),
    ("as_of-2y", "as_of-3y", "clause age"),
    ("营业收入至多2亿元", "营业收入不超过限额", "clause revenue: not in the digest"),
    ("At most half a million", "At most 600,000 yuan", "benefit: not in the Chinese"),
    ("{at: 条件要求 2}", "{at: 条件要求 1}", "clause age"),
    ("{at: 条件要求 2}", "{at: 条件要求 9}", "there is no"),
    ("value: 40%", "value: 45%", "parameter rate"),
    ("cap: 50万", "cap: 60万", "benefit"),
    ("每家至多50万元", "每家至多60万元", "benefit"),
    ("〔2023〕5号", "〔2023〕6号", "number"),
    ("issuer: 示例市商务局", "issuer: 示例市科技局", "issuer"),
    ("title: 示例市贴息办法", "title: 示例市补贴办法", "source"),
    ("from: 2023-06-01, to", "from: 2023-07-01, to", "valid from"),
    ("to: unknown", "to: 2024-12-31", "valid to"),
    ("checked_against: [beijing.jsonl：示例市贴息]", "checked_against: []", "checked_against"),
    ("每家至多50万元", "由示例市商务局会同市财政局按照年度预算分批核定后拨付", "copied")])
def test_what_differs_from_the_source_is_told(sources: Sources, old: str, new: str,
                                              part: str) -> None:
    assert any(part in one for one in told(sources, old, new)), told(sources, old, new)


def test_an_article_is_found_by_its_title_and_number(sources: Sources) -> None:
    law = CASE.replace("checked_against: [beijing.jsonl：示例市贴息]",
                       "checked_against: [示例税法(2019-10-01).md]").replace(
        "title: 示例市贴息办法", "title: 示例税法").replace("2023-06-01", "2020-01-01").replace(
        "value: 40%, place: {at: 服务内容 1}", "value: 25%, place: {article: 1}")
    located = parse_yaml(law, Path("shili-tiexi.yaml"))
    found = problems(read_located(located, RULES.dictionary), located.data, sources)
    assert not any("valid" in one or "parameter" in one for one in found)
    assert any("clause revenue" in one for one in found)


@pytest.mark.parametrize(("text", "figures"), [
    ("减按 2 亿元的百分之三十", {2 * 10**8, Fraction(3, 10)}), ("0.5％、5‰", {Fraction(1, 200)}),
    ("每日利率万分之五", {Fraction(1, 2000)}), ("百分之一点五", {Fraction(3, 200)}),
    ("五百万元减半", {5_000_000, Fraction(1, 2)}), ("2022-06-16", {2022, 6, 16})])
def test_figures_are_read_however_they_are_written(text: str, figures: set[Fraction]) -> None:
    assert values(text) == {Fraction(one) for one in figures}


@pytest.mark.parametrize(("text", "figures"), [
    ("up to 2 million yuan, 30% of it", {2_000_000, Fraction(3, 10)}), ("500,000 yuan", {500_000}),
    ("within five years, One billion", {5, 10**9}), ("someone often tends to it", set())])
def test_english_figures_are_read(text: str, figures: set[Fraction]) -> None:
    assert english_values(text) == {Fraction(one) for one in figures}


def test_a_rule_states_its_figures_as_a_source_may_put_them() -> None:
    rule = {"all": [{"field": "loan_months", "at_least": 24}, {"field": "tier", "below": 7},
                    {"rate": "1 - $share", "of": "x"}, {"field": "d", "at_least": "as_of-5y"}]}
    assert [may for _, may in rule_figures(rule)] == [[24, 2], [7, 6], [1], [5]]


def test_an_item_ends_where_the_next_begins() -> None:
    assert item(RECORD, "条件要求 2") == "2．成立满 2 年（2.5 年以上优先）。"
    assert item(RECORD, "条件要求 1,2") is not None
    assert item(RECORD, "条件要求 3") is None
    assert "申报" not in str(item(RECORD, "条件要求"))


def _decided(policy: Policy) -> int:
    """Clauses that data decide, without a person."""
    def judged(node: object) -> bool:
        if isinstance(node, Compare | Holds):
            return False
        if isinstance(node, Judge):
            return True
        return any(judged(one) for name in ("all", "any", "of", "not_")
                   for one in _list(getattr(node, name, [])))

    return sum(not judged(clause.when) for clause in policy.clauses)


def _list(node: object) -> list[object]:
    return node if isinstance(node, list) else [node]


def test_the_catalogue_is_as_large_as_it_should_be() -> None:
    policies = list(RULES)
    assert len(policies) >= 120
    assert sum(_decided(policy) >= 2 for policy in policies) >= 110
    assert sum(policy.benefit.amount is not None for policy in policies) >= 90
    titles = Counter(words for policy in policies for words in (policy.title.zh, policy.title.en))
    assert not [title for title, count in titles.items() if count > 1]
    for policy in policies:
        verdicts = {fixture.verdict for fixture in policy.fixtures}
        assert {"not_eligible", "unknown"} <= verdicts, policy.id
        assert policy.valid.to == "unknown" or "eligible" in verdicts, policy.id


def test_every_figure_of_the_catalogue_is_in_its_source(shared: Path) -> None:
    result = policy_sources.check(PACK, Sources(shared / "laws", shared / "policies"))
    assert result["problems"] == []
    assert result["policies"] == len(RULES.policies)
