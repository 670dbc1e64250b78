"""Which formulas a question allows: all can be calculated, and they are of the kind asked for."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.calculate import calculate
from tools.formulas import MOST, formulas, quantities
from tools.legal_deadline import choices_in, legal_deadline, lengths_in

UNITS = ("亩", "公顷", "平方米", "元", "万元", "%", "户", "人", "件", "天", "")
AMOUNT = st.tuples(st.integers(1, 99_999), st.sampled_from(UNITS))


@settings(max_examples=60, deadline=None)
@given(st.lists(AMOUNT, min_size=1, max_size=5))
def test_every_formula_can_be_calculated(amounts: list[tuple[int, str]]) -> None:
    text = "，".join(f"数目{number}{unit}" for number, unit in amounts)
    found = formulas(text)
    assert len(found) <= MOST
    for formula in found:
        calculate(formula)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 99_999), st.integers(1, 99_999))
def test_growth_is_by_the_smaller_and_a_fall_by_the_larger(a: int, b: int) -> None:
    if a == b:
        return
    low, high = sorted((a, b))
    up = formulas(f"去年{low}件，今年{high}件，增长百分之几")
    down = formulas(f"去年{high}件，今年{low}件，下降了百分之几")
    assert up == [f"({high}件 - {low}件) / {low}件 = ? %"]
    assert down == [f"({high}件 - {low}件) / {high}件 = ? %"]
    assert Fraction(calculate(up[0]).fraction) == Fraction(100 * (high - low), low)


@pytest.mark.parametrize(("question", "wanted"), [
    ("绿地3600平方米，用地12000平方米，绿地率多少", "3600平方米 / 12000平方米 = ? %"),
    ("地块2.4公顷，绿地率要求35%，最少要做多少平方米绿地？", "2.4公顷 * 35% = ? 平方米"),
    ("三百二十亩合多少公顷", "三百二十亩 = ? 公顷"),
    ("老房子98平方按每平2.6万元，新房120平方每平2.35万，要补多少差价？",
     "120 * 2.35万元 - 98 * 2.6万元"),
    ("工程造价五百万元，按百分之八罚款，罚多少", "五百万元 * 百分之八"),
    ("A site is 1.2 hectares with a ratio of 3.2. How many square metres of floor?",
     "1.2 hectares * 3.2 = ? ㎡"),
])
def test_the_formula_that_is_asked_for_is_offered(question: str, wanted: str) -> None:
    same = {calculate(one).fraction for one in formulas(question)}
    assert calculate(wanted).fraction in same


@pytest.mark.parametrize(("question", "wanted"), [
    ("地块面积8公顷，容积率1.8，最多能盖多少建筑面积（平方米）？", {"8公顷 * 1.8"}),
    ("用地28000平方米，计容总建筑面积70000平方米，容积率多少？", {"70000平方米 / 28000平方米"}),
    ("地块2.4公顷，绿地率要求35%，最少要做多少平方米绿地？", {"2.4公顷 * 35% = ? 平方米"}),
    ("想盖54000平方米，容积率2.0，需要多少用地", {"54000平方米 / 2.0"}),
    ("基底面积3000平方米，地块1.2公顷，建筑密度是多少", {"3000平方米 / 1.2公顷"}),
    ("The site is 2 hectares and the floor area ratio 2.5. How many square metres can be built?",
     {"2 hectares * 2.5 = ? ㎡"}),
])
def test_planning_ratios_are_used_as_they_are_meant(question: str, wanted: set[str]) -> None:
    found = formulas(question)
    assert {calculate(one.removesuffix(" = ? %")).fraction for one in found} == {
        calculate(one).fraction for one in wanted}, found


@pytest.mark.parametrize(("question", "wanted"), [
    ("100000元罚款，逾期15天每天加处3%，一共交多少？", "100000元 + 100000元 * 45%"),
    ("罚款20万元，逾期10日，每日按3%加处罚款，加处多少？", "20万元 * 30%"),
    ("欠费5000元，每日万分之五滞纳金，30天滞纳金多少", "75元"),
    ("贷款50万元，年利率4%，3年本息一共多少", "56万元"),
    ("月息2%，借3万元，6个月利息多少", "0.36万元"),
    ("A late fee of 0.05% per day on 5000 yuan for 30 days, how much is it?", "75元"),
])
def test_a_rate_runs_over_the_time_given(question: str, wanted: str) -> None:
    found = formulas(question)
    assert {calculate(one).fraction for one in found} == {calculate(wanted).fraction}, found


@pytest.mark.parametrize("question", [
    "年利率4%，借了6个月，本金50万元，利息多少", "税率3%，销售额50万元，税款多少"])
def test_a_rate_without_time_in_its_own_unit_leaves_the_choice(question: str) -> None:
    assert len(formulas(question)) > 1


@pytest.mark.parametrize(("question", "wanted"), [
    ("人口500万的城市，每千人5.2个床位，一共多少床位", "26000个"),
    ("规划人口12万，按每千人40个座配小学，要多少座位", "4800个"),
    ("20万人的新区，人均公园绿地12平方米，要多少公顷绿地", "240公顷"),
    ("每百户配2个充电桩，小区有1800户，要几个", "36个"),
    ("每千人医疗床位6张，常住人口35万，需要多少张", "2100床"),
    ("A town of 80,000 people, 6 beds per 1,000 residents: how many beds?", "480个")])
def test_a_figure_for_each_thousand_people_is_multiplied_by_the_people(question: str, wanted: str
                                                                        ) -> None:
    found = formulas(question)
    assert {calculate(one).fraction for one in found} == {calculate(wanted).fraction}, found


@given(st.integers(1, 10**7), st.integers(1, 500), st.sampled_from(["百", "千", "万"]))
def test_per_head_agrees_with_plain_arithmetic(people: int, each: int, many: str) -> None:
    (one,) = formulas(f"人口{people}，每{many}人{each}个床位，共多少个床位")
    size = {"百": 100, "千": 1000, "万": 10**4}[many]
    assert Fraction(calculate(one).fraction) == Fraction(people * each, size)


def test_what_nobody_tells_is_not_offered() -> None:
    """A share a yuan, or as many days as days."""
    for one in formulas("100000元，15天每天3%，结果呢"):
        assert "15天每天" not in one and not one.endswith("/ 100000元"), one


def test_a_ratio_of_something_else_is_left_alone() -> None:
    assert len(formulas("满意率86%，办件1200件，不满意的有多少件")) > 1


def test_dates_names_and_article_numbers_are_no_quantities() -> None:
    assert quantities("2025年8月5日《城乡规划法》第六十四条，罚15万元，R2地块") == ["15万元"]
    assert formulas("去年设区的市能立法吗") == []


def test_two_areas_are_not_multiplied() -> None:
    assert not any("*" in one for one in formulas("地块36亩，旁边一块12亩"))


def test_a_named_length_stands_for_the_period_of_that_length() -> None:
    assert choices_in("2025年8月5日签收处罚决定，60天内申请复议，最后一天是哪天")[0] == "行政复议申请"
    assert choices_in("限10个工作日整改") == ["10个工作日"]
    assert lengths_in("往后15日是几号，最后一天，第3天") == ["15日"]
    for name in choices_in("对信访答复不服想复查，什么时候截止"):
        legal_deadline("2025年3月3日", name)
