"""Arithmetic with units: laws against Fraction, conversions against pint, and readable examples."""

from __future__ import annotations

from fractions import Fraction

import pint
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools import ToolInputError
from tools.calculate import calculate
from tools.numerals import read_numeral

EXAMPLES = [
    ("15亩 * 2.5", "37.5", "亩"), ("50万元 * 5%", "2.5", "万元"),
    ("(12000㎡ - 3000㎡) / 5000㎡", "1.8", ""), ("3.2公顷 = ? 亩", "48", "亩"),
    ("3.2公顷 换算成 亩", "48", "亩"), ("800万元的5%到10%", "40–80", "万元"),
    ("800万元的百分之五以上百分之十以下", "40–80", "万元"),
    ("800万元*5%到800万元*10%", "40–80", "万元"), ("十五亩乘以二点五", "37.5", "亩"),
    ("一百五十亩等于多少公顷", "10", "公顷"), ("每公顷120人 * 3公顷", "360", "人"),
    ("120人/公顷*3公顷", "360", "人"), ("6亿元 / 3000元/㎡", "200000", "㎡"),
    ("60km/h * 30分钟", "30", "km"), ("2小时30分钟 / 3", "50", "分钟"),
    ("1亿2000万元 * 三成", "3600", "万元"), ("容积率 = 30000㎡ / 12000㎡", "2.5", ""),
    ("建筑密度 = 3000㎡/12000㎡", "25", "%"), ("绿地率：4200平方米/1.2公顷", "35", "%"),
    ("5%+3%", "8", "%"), ("1000万元/50亩 = ? 元/㎡", "300", "元/㎡"), ("5千米*2", "10", "千米"),
    ("5 km * 2", "10", "km"), ("3.2 ha in mu", "48", "mu"), ("12,000㎡ * 2", "24000", "㎡"),
    ("25%的80万元", "20", "万元"), ("三分之一*9公顷", "3", "公顷"), ("-5+3", "-2", ""),
    ("2+3*4", "14", ""), ("(2+3)×4", "20", ""), ("10-4-3", "3", ""), ("2^3^2", "512", ""),
    ("24÷4÷2", "3", ""), ("0.1+0.2", "0.3", ""), ("10万元/年*3年", "30", "万元"),
    ("200万元是50万元的几倍", "4", ""), ("30公顷占120公顷的百分之几", "25", "%"),
    ("500元每平方米*80平方米", "40000", "元"), ("1平方公里是多少亩", "1500", "亩"),
]


@pytest.mark.parametrize(("expression", "text", "unit"), EXAMPLES)
def test_examples(expression: str, text: str, unit: str) -> None:
    result = calculate(expression)
    assert (result.values["result"].text, result.values["result"].unit) == (text, unit)
    assert result.exact
    assert text in result.summary("zh") and text in result.summary("en")


@pytest.mark.parametrize(("expression", "reason_zh", "reason_en"), [
    ("15亩 + 3公里", "面积不能加上长度", "cannot add length and area"),
    ("800万元 + 5%", "写明基数", "Write what the percentage is of"),
    ("1年 + 3天", "天数不固定", "no fixed number of days"),
    ("100美元 + 5元", "金额", "Dimensions differ"),
    ("1米 = ? 公顷", "长度，不能换算成“公顷”", "length and cannot be shown"),
    ("5 / 0", "除数是零", "Division by zero"), ("(3+4", "不完整", "incomplete"),
    ("3 + ", "不完整", "incomplete"), ("", "空的", "empty"),
    ("__import__('os').getcwd()", "读不懂", "Cannot read"), ("9**9**9", "指数", "exponent"),
    ("((9^60)^60)^60", "太大", "too large"), ("1" * 301, "最多 300", "at most 300"),
    ("3亩 4公里", "不完整或多了", "too much"), ("3 = 4", "不是单位", "not a unit"),
])
def test_what_cannot_be_calculated_is_explained(
        expression: str, reason_zh: str, reason_en: str) -> None:
    with pytest.raises(ToolInputError) as problem:
        calculate(expression)
    assert reason_zh in problem.value.zh
    assert reason_en in problem.value.en


def test_a_rounded_result_says_so() -> None:
    result = calculate("1公顷 / 3")
    assert not result.exact
    assert result.fraction == "1/3"
    assert "≈" in result.summary()
    assert result.values["result"].text == "0.333333"


def test_areas_and_money_come_in_the_other_usual_units() -> None:
    values = calculate("30亩 * 2").values
    assert values["result_m2"][:2] == ("40000", "㎡")
    assert values["result_ha"][:2] == ("4", "公顷")
    assert calculate("3万元 * 2").values["result_yuan"][:2] == ("60000", "元")
    ends = calculate("800万元的5%到10%").values
    assert (ends["low"].text, ends["high"].text) == ("40", "80")


numbers = st.decimals(min_value="0.01", max_value="9999", places=2).map(str)


@given(numbers, numbers, numbers, st.sampled_from("+-*/"), st.sampled_from("+-*/"))
def test_precedence_and_exactness_against_python(
        a: str, b: str, c: str, first: str, second: str) -> None:
    expected = eval(f"F('{a}'){first}F('{b}'){second}F('{c}')", {"F": Fraction})  # noqa: S307
    assert Fraction(calculate(f"{a} {first} {b} {second} {c}").fraction) == expected


@given(numbers, numbers, st.sampled_from("+-*/"))
def test_brackets_against_python(a: str, b: str, sign: str) -> None:
    expected = Fraction(7) * eval(f"F('{a}'){sign}F('{b}')", {"F": Fraction})  # noqa: S307
    assert Fraction(calculate(f"7×（{a}{sign}{b}）").fraction) == expected


PINT = {"㎡": "meter**2", "公顷": "hectare", "平方公里": "kilometer**2", "亩": "mu_area",
        "公里": "kilometer", "米": "meter", "厘米": "centimeter", "小时": "hour", "分钟": "minute",
        "天": "day", "吨": "metric_ton", "公斤": "kilogram", "立方米": "meter**3", "升": "liter",
        "千瓦时": "kilowatt_hour", "公里/小时": "kilometer/hour", "米/秒": "meter/second",
        "千瓦": "kilowatt", "吨/公顷": "metric_ton/hectare"}


@pytest.fixture(scope="module")
def registry() -> pint.UnitRegistry[Fraction]:
    units: pint.UnitRegistry[Fraction] = pint.UnitRegistry(non_int_type=Fraction)
    units.define("mu_area = 2000/3 * meter**2")
    return units


@settings(deadline=None)
@given(numbers, st.sampled_from(sorted(PINT)), st.sampled_from(sorted(PINT)))
def test_conversions_against_pint(
        registry: pint.UnitRegistry[Fraction], number: str, source: str, target: str) -> None:
    there = registry.Quantity(Fraction(number), PINT[source])
    expression = f"{number}{source} = ? {target}"
    if there.is_compatible_with(PINT[target]):
        expected = there.to(PINT[target]).magnitude
        assert float(Fraction(calculate(expression).fraction)) == pytest.approx(float(expected))
    else:
        with pytest.raises(ToolInputError):
            calculate(expression)


@given(numbers, st.sampled_from(["亩", "公顷", "万元", "公里/小时"]), numbers)
def test_distributive_law_with_units(a: str, unit: str, b: str) -> None:
    together = calculate(f"({a}{unit} + {b}{unit}) * 3").fraction
    apart = calculate(f"{a}{unit} * 3 + {b}{unit} * 3").fraction
    assert together == apart


def spoken(number: int) -> str:
    """A number below 10^8 as it is written in Chinese (an independent writer for the reader)."""
    if number >= 10000:
        rest = number % 10000
        gap = "零" if 0 < rest < 1000 else ""
        return spoken(number // 10000) + "万" + gap + (spoken(rest) if rest else "")
    text, zero = "", False
    for power, word in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // power % 10
        if digit:
            text += ("零" if zero and text else "") + "零一二三四五六七八九"[digit] + word
            zero = False
        else:
            zero = True
    return text


@given(st.integers(min_value=1, max_value=10**8 - 1))
def test_chinese_numerals(number: int) -> None:
    text = spoken(number)
    found = read_numeral(text, 0)
    assert found is not None
    assert (found.value, found.end) == (number, len(text))


@pytest.mark.parametrize(("text", "value"), [
    ("三点一四", Fraction("3.14")), ("百分之五", Fraction(1, 20)), ("千分之三", Fraction(3, 1000)),
    ("3.5万", 35000), ("1亿2000万", 120_000_000), ("三万五", 35000), ("一百零五", 105),
    ("二〇二六", 2026), ("两千", 2000), ("十五", 15), ("一千二百六十", 1260)])
def test_numerals_as_people_write_them(text: str, value: Fraction) -> None:
    found = read_numeral(text, 0)
    assert found is not None and found.value == value and found.end == len(text)


@given(st.text(max_size=40))
def test_any_text_is_answered_or_explained(text: str) -> None:
    try:
        result = calculate(text)
    except ToolInputError:
        return
    assert result.values["result"].text
