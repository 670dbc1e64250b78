"""From a policy's text to a proposed rule: nothing invented, what is unsure is said."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityllm.config import ROOT
from cityllm.policies.drafting.amounts import granted
from cityllm.policies.drafting.file import dump, read_draft, with_fixtures, write_draft
from cityllm.policies.drafting.heading import read_heading
from cityllm.policies.drafting.phrases import Phrases
from cityllm.policies.drafting.proposal import Proposal, propose
from cityllm.policies.drafting.segments import segments
from cityllm.policies.drafting.thresholds import thresholds
from cityllm.policies.fields import Dictionary
from cityllm.policies.fixtures import run_fixtures
from cityllm.policies.located import parse_yaml
from cityllm.policies.ruleset import RuleSet
from evals import policy_draft

PACK = ROOT / "rag_corpus"
DICTIONARY = Dictionary.load(PACK)
PHRASES = Phrases.load(PACK, DICTIONARY)
DAY = date(2026, 3, 1)
TEXT = """示例市科学技术局关于印发《示例市研发成长补助办法》的通知
示科发〔2025〕7号
第一条 为支持企业加大投入，制定本办法。
第二条 申请补助的企业应当同时符合以下条件：
（一）注册地在浙江省杭州市，具有独立法人资格；
（二）成立满3年，上一年度营业收入达到2000万元以上；
（三）研发费用占营业收入的比例不低于5%；
（四）参保人数不少于20人，近三年无不良信用记录；
（五）具有高新技术企业证书或者科技型中小企业；
（六）掌握核心技术，行业领先。
第三条 按已付贷款利息的30%给予补助，最高不超过50万元。
第四条 申报时间为每年3月1日至4月30日。
第五条 本办法自2025年1月1日起施行，有效期3年。
"""


def drafted(text: str = TEXT) -> Proposal:
    return propose(text, PHRASES, "shili-buzhu")


def one(text: str) -> tuple[str, Decimal, str]:
    [found] = thresholds(text)
    return found.op, found.figure.value, found.figure.unit


@pytest.mark.parametrize(("text", "op", "value", "unit"), [
    ("年营业收入达到2000万元以上", "at_least", "20000000", "元"),
    ("研发费用占比不低于5%", "at_least", "0.05", "%"),
    ("收入不低于企业当年总收入的 35%", "at_least", "0.35", "%"),
    ("成立满三年", "at_least", "3", "年"),
    ("成立不满1年", "less_than", "1", "年"),
    ("注册资本不低于1.5亿元人民币", "at_least", "150000000", "元"),
    ("从业人员 100 人（含）以下", "at_most", "100", "人"),
    ("资产总额超过5000万元", "more_than", "50000000", "元"),
    ("营业收入不超过 3 亿元", "at_most", "300000000", "元"),
    ("进出口额应低于 6500 万美元", "less_than", "65000000", "美元"),
    ("退休年龄 2 年以上（含 2 年）", "at_least", "2", "年"),
    ("场所面积 500 平方米以上", "at_least", "500", "平方米"),
    ("税收百分之三十以上", "at_least", "0.3", "%"),
    ("招用3人或以上", "at_least", "3", "人"),
    ("50人以上（不含）", "more_than", "50", "人"),
    ("全国前 10 名", "at_most", "10", "人")])
def test_a_threshold_is_read_as_it_is_written(text: str, op: str, value: str, unit: str) -> None:
    assert one(text) == (op, Decimal(value), unit)


@pytest.mark.parametrize("text", [
    "近三年经营良好", "2023年1月至6月", "自2022年起施行", "3年内获得两个奖项", "5个工作日内答复",
    "连续三年只能获得一次", "第二条规定的", "满足条件的企业"])
def test_a_figure_that_bounds_nothing_is_no_threshold(text: str) -> None:
    assert thresholds(text) == []


def test_a_range_gives_both_ends_and_says_when_they_are_not_clear() -> None:
    low, high = thresholds("促成 3（含）至 5 个项目")
    assert (low.op, low.figure.value, high.op, high.figure.value, low.unsure) == (
        "at_least", 3, "less_than", 5, False)
    low, high = thresholds("投资500至1000万元")
    assert (low.figure.value, high.figure.value) == (5_000_000, 10_000_000)
    assert low.unsure and high.unsure


@given(st.integers(1, 99_999), st.sampled_from(["", "万", "亿"]), st.sampled_from([
    ("不低于{}元", "at_least"), ("{}元以上", "at_least"), ("不超过{}元", "at_most"),
    ("超过{}元", "more_than"), ("低于{}元", "less_than"), ("{}元（含）以下", "at_most")]))
def test_every_figure_comes_out_exact(number: int, scale: str, way: tuple[str, str]) -> None:
    form, op = way
    factor = {"": 1, "万": 10**4, "亿": 10**8}[scale]
    assert one("营业收入" + form.format(f"{number}{scale}")) == (op, Decimal(number * factor), "元")


@settings(max_examples=60)
@given(st.text(alphabet="的企业应在注册不低于超过以上下（）()0123456789.%％万亿元人年，。；\n1２三第条一、：", max_size=80))
def test_no_text_breaks_the_reader_and_words_stand_where_they_are_cited(text: str) -> None:
    parts = segments(text)
    assert all(text[part.start:part.end] == part.text for part in parts)
    assert all(left.end <= right.start for left, right in pairwise(parts))
    if parts:
        assert policy_draft.invented(text, drafted(text)) == []


def test_the_language_of_a_policy_becomes_conditions_of_the_dictionary() -> None:
    rules = {clause.id: clause.when for clause in drafted().clauses}
    assert rules["region"] == {"field": "region", "under": ["浙江省/杭州市"]}
    assert rules["legal_person"] == {"field": "legal_person", "is": True}
    assert rules["established"] == {"years_since": "established", "at_least": 3}
    assert rules["revenue"] == {"field": "revenue@-1", "at_least": "2000万"}
    assert rules["rd_spend"] == {"ratio": ["rd_spend@-1", "revenue@-1"], "at_least": "5%"}
    assert rules["social_insured"] == {"field": "social_insured", "at_least": 20}
    assert rules["credit_record_3y"] == {"field": "credit_record_3y", "is": False}
    assert rules["high_tech"] == {"any": [{"holds": "high_tech"}, {"holds": "sme_tech"}]}
    assert "掌握核心技术" in rules["judged"]["judge"]["zh"]


def test_words_without_a_rule_are_listed_and_never_true_by_themselves() -> None:
    made = drafted()
    assert [part.text for part in made.left] == ["掌握核心技术，行业领先"]
    assert "judge" in next(one.when for one in made.clauses if not one.findings)


def test_the_heading_is_read_with_its_places() -> None:
    heading = read_heading(TEXT)
    assert (heading.title, heading.number, heading.issuer) == (
        "示例市研发成长补助办法", "示科发〔2025〕7号", "示例市科学技术局")
    assert (heading.first, heading.last, heading.window) == (
        date(2025, 1, 1), date(2027, 12, 31), ("03-01", "04-30"))
    said = heading.said["number"]
    assert TEXT[said.start:said.end] == "示科发〔2025〕7号"


def test_what_a_heading_does_not_say_stays_unknown() -> None:
    made = drafted("申报条件：\n企业注册资本不低于100万元。")
    assert made.rule["valid"] == {"from": "unknown", "to": "unknown"}
    assert {"valid.from", "valid.to", "region", "issuer"} <= {one.id for one in made.open}


@pytest.mark.parametrize(("text", "kinds"), [
    ("给予最高50万元一次性奖励", [("cap", 500_000)]),
    ("给予一次性奖励20万元", [("fixed", 200_000)]),
    ("按研发费用的30%给予补助，最高不超过100万元", [("rate", Fraction(3, 10)), ("cap", 1_000_000)]),
    ("每招用1人给予补贴1000元", [("per", 1000)]),
    ("按每人1000元给予补贴", [("per", 1000)]),
    ("按照贷款实际利息的 40%给予企业贴息支持", [("rate", Fraction(2, 5))]),
    ("分别给予每家80万元、30万元、20万元支持", [("fixed", 800_000), ("fixed", 300_000),
                                   ("fixed", 200_000)])])
def test_amounts_are_read_with_their_kind(text: str, kinds: list[tuple[str, Fraction]]) -> None:
    [part] = segments(f"支持标准：\n{text}。")
    assert [(each.kind, each.value) for each in granted(part)] == kinds


def test_one_share_with_one_cap_is_a_computable_amount() -> None:
    assert drafted().rule["benefit"]["amount"] == {
        "rate": "30%", "of": "loan_interest_paid@-1", "cap": "50万"}


def test_several_amounts_are_left_to_a_person() -> None:
    made = drafted(TEXT.replace("最高不超过50万元", "大型企业给予20万元，小型企业给予10万元"))
    assert "amount" not in made.rule["benefit"]
    assert "benefit" in {point.id for point in made.open}


def test_a_premise_makes_what_follows_unsure() -> None:
    made = drafted("申报条件：\n成立时间不足2年的，注册资本不低于100万元。")
    assert [found.sure for found in made.findings] == [False, False]


def test_what_is_asked_of_some_only_is_unsure_and_a_denied_fact_is_no_condition() -> None:
    made = drafted("申报条件：\n注册成立不超过5年，其中生物医药企业注册成立不超过7年。\n不具备法人资格的团队由单位申报。")
    assert [found.sure for found in made.findings] == [True, False]


def test_fiscal_years_are_counted_from_the_turn_of_the_year() -> None:
    made = drafted("申报条件：\n1．注册成立时间在两个会计年度（含）以上。\n2．成立不足三个会计年度。")
    assert [clause.when for clause in made.clauses] == [
        {"field": "established", "at_most": "year_start-2y"},
        {"field": "established", "more_than": "year_start-3y"}]


def test_growth_without_a_name_is_that_of_what_stands_before_it() -> None:
    made = drafted("申报条件：\n上年度进出口额达到300万美元以上且同比增长不低于8%。")
    assert [clause.when for clause in made.clauses] == [
        {"field": "trade_volume_usd@-1", "at_least": "300万"},
        {"growth": ["trade_volume_usd@-1", "trade_volume_usd@-2"], "at_least": "8%"}]


def test_half_a_sentence_without_a_rule_is_not_dropped() -> None:
    made = drafted("申报条件：\n在杭州市注册，纳税信用等级为B级以上，员工总数50人以上300人以下。")
    assert [part.text for part in made.left] == ["纳税信用等级为B级以上"]
    assert [(found.op, found.value) for found in made.findings] == [
        ("under", "浙江省/杭州市"), ("at_least", 50), ("at_most", 300)]


def test_items_under_one_of_are_alternatives() -> None:
    made = drafted("申报条件：\n1．符合下列条件之一：\n（1）注册资本不低于100万元；\n"
                   "（2）持有高新技术企业证书。\n2．具有独立法人资格。")
    first, second = made.clauses
    assert first.when == {"any": [{"field": "registered_capital", "at_least": "100万"},
                                  {"holds": "high_tech"}]}
    assert second.when == {"field": "legal_person", "is": True}


def test_a_text_without_conditions_asks_a_person() -> None:
    made = drafted("本办法由市科学技术局负责解释。")
    assert [clause.id for clause in made.clauses] == ["applies"]
    assert "clause.applies" in {point.id for point in made.open}


def test_a_draft_is_a_rule_that_loads_and_its_boundary_fixtures_hold(tmp_path: Path) -> None:
    file = tmp_path / "shili-buzhu.yaml"
    file.write_text(write_draft(drafted(), TEXT, "a.txt", DICTIONARY, DAY), encoding="utf-8")
    held = read_draft(file, DICTIONARY)
    assert all(TEXT[cited.start:cited.end] == cited.words for cited in
               [*held.marks.conditions, *held.marks.amounts, *held.marks.left])
    runs = list(run_fixtures(RuleSet({held.policy.id: held.policy}, DICTIONARY)))
    assert [run.faults for run in runs if run.faults] == []
    revenue = {str(fixture.fields.get("revenue@2025")): fixture.clauses["revenue"]
               for fixture in held.policy.fixtures if "revenue" in fixture.clauses}
    assert revenue == {"19999999.99": "not_met", "20000000": "met", "20000000.01": "met",
                       "None": "unknown"}
    verdicts = {fixture.name: fixture.verdict for fixture in held.policy.fixtures}
    assert verdicts["边界：全部满足"] == "eligible"
    assert verdicts["边界：什么都不知道"] == "unknown"


def test_new_fixtures_keep_those_written_by_hand() -> None:
    rule = with_fixtures(drafted().rule, DICTIONARY, DAY)
    rule["fixtures"].insert(0, {"name": "自己写的", "as_of": DAY, "fields": {}, "verdict": "unknown"})
    rule["clauses"] = [one for one in rule["clauses"] if one["id"] != "revenue"]
    again = with_fixtures(rule, DICTIONARY, DAY)
    assert again["fixtures"][0]["name"] == "自己写的"
    assert not any("revenue" in str(one.get("clauses")) for one in again["fixtures"])


def test_what_is_written_is_read_back_as_it_was() -> None:
    rule = with_fixtures(drafted().rule, DICTIONARY, DAY)
    assert parse_yaml(dump(rule), Path("a.yaml")).data == rule


def test_the_measure_counts_what_is_found_and_finds_what_is_invented(tmp_path: Path) -> None:
    file = tmp_path / "gold.jsonl"
    file.write_text(
        '{"id": "a", "text": "申报条件：\\n年营业收入不低于2000万元，注册资本不低于100万元。", "conditions": '
        '[{"field": "年营业收入", "op": ">=", "value": 2000, "unit": "万元"},'
        '{"field": "registered_capital", "op": "at_least", "value": "200万", "unit": "元"},'
        '{"field": "employees", "op": "at_most", "value": 5, "unit": "人"}], "amounts": []}\n',
        encoding="utf-8")
    counts = policy_draft.measure(file, PACK, None)["halves"]["all"]
    assert (counts["gold"], counts["found"], counts["right"], counts["invented"]) == (3, 2, 1, 0)
    made = drafted()
    assert policy_draft.invented(TEXT.replace("2000万", "3000万"), made)


@pytest.mark.slow
def test_drafts_of_real_policies_invent_nothing(shared: Path) -> None:
    result = policy_draft.measure(ROOT / "evals" / "policies" / "gold.jsonl", PACK, shared)
    held = result["halves"]["held"]
    assert result["halves"]["all"]["policies"] >= 30
    assert result["halves"]["all"]["invented"] == 0
    assert held["recall"] >= 0.8
    assert held["thresholds_right"] >= 0.8
