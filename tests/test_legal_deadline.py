"""Periods: readable examples, laws of counting, and every catalogued figure against its article."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools import ToolInputError
from tools.calendar_cn import add_months, full_date, load_calendar
from tools.deadline_acts import asked, counts_back
from tools.legal_deadline import Catalogue, choices_in, legal_deadline, lengths_in, load_periods

EXAMPLES = [
    # start, period, last day, why
    ("2026年3月5日", "15日", "2026-03-20", "the start is not counted"),
    ("2026-03-05", "十五日内", "2026-03-20", "Chinese numerals"),
    ("March 5, 2026", "2 weeks", "2026-03-19", "English"),
    ("二〇二六年三月五日", "15天", "2026-03-20", "a date in Chinese numerals"),
    ("2026-03-05", "10个工作日", "2026-03-19", "two weekends"),
    ("2026-02-12", "3个工作日", "2026-02-24", "Spring Festival, a working Saturday on the 14th"),
    ("2026-09-18", "1个工作日", "2026-09-20", "a working Sunday"),
    ("2026-01-31", "1个月", "2026-02-28", "no such day in the month"),
    ("2024-02-29", "1年", "2025-02-28", "a leap day"),
    ("2026-08-31", "半年", "2027-02-28", "a calendar count beyond the holiday table"),
    ("2026-03-05", "信访复查", "2026-04-04", "a Saturday: petitions do not move"),
    ("2026-03-05", "信访办理", "2026-05-04", "a holiday: petitions do not move"),
    ("2026-02-10", "行政复议申请", "2026-04-13", "a Saturday moves to Monday"),
    ("2026-09-17", "行政判决上诉", "2026-10-08", "the national holiday moves it"),
    ("2026-09-25", "民事判决上诉", "2026-10-10", "a working Saturday does not move"),
    ("2023-02-01", "民事诉讼时效", "2026-02-02", "civil periods move"),
    ("2026-03-05", "行政许可决定", "2026-04-02", "20 working days"),
    ("2026-03-05", "处罚听证申请", "2026-03-12", "5 days are working days"),
    ("2026-03-05", "缴纳罚款", "2026-03-20", "15 days are calendar days"),
    ("2026-09-20", "信息公开答复", "2026-10-23", "20 working days over two holidays"),
    ("2026-03-05", "行政复议受理审查", "2026-03-12", "5 days are working days"),
]


@pytest.mark.parametrize(("start", "period", "last", "why"), EXAMPLES)
def test_examples(start: str, period: str, last: str, why: str) -> None:
    result = legal_deadline(start, period)
    assert result.deadline.isoformat() == last, why
    assert result.values["deadline_iso"].text == last
    assert last in result.summary("en")
    day = result.deadline
    assert f"{day.year}年{day.month}月{day.day}日" in result.summary("zh")


@pytest.mark.parametrize("start", ["", "今天", "3月5日", "昨天收到", "today", "2026年3月"])
def test_a_missing_start_is_asked_for_and_never_today(start: str) -> None:
    with pytest.raises(ToolInputError, match="Today is never assumed") as problem:
        legal_deadline(start, "15日")
    assert "不会拿今天代替" in problem.value.zh


@pytest.mark.parametrize(("start", "period", "said"), [
    ("2026-02-30", "15日", "没有“2026-02-30”这一天"),
    ("2026-03-05 2026-03-06", "15日", "不止一个日期"),
    ("2026-03-05", "火星申请", "看不懂期限"), ("2026-03-05", "", "看不懂期限"),
    ("2026-03-05", "99999日", "太长"), ("2026-03-05", "0日", "看不懂期限"),
    ("2020-03-05", "信访办理", "自2022年5月1日起适用"),
    ("2026-12-20", "10个工作日", "2027年的放假安排不在节假日表里"),
    ("2023-12-20", "3个工作日", "2023年的放假安排不在节假日表里"),
])
def test_what_cannot_be_counted_is_explained(start: str, period: str, said: str) -> None:
    with pytest.raises(ToolInputError) as problem:
        legal_deadline(start, period)
    assert said in problem.value.zh
    assert problem.value.en


def test_a_moved_day_beyond_the_holiday_table_is_not_guessed() -> None:
    result = legal_deadline("2026-12-01", "行政复议申请")
    assert result.deadline == date(2027, 1, 30)
    assert "未作顺延" in result.summary("zh") and "was not moved" in result.summary("en")


def test_the_rule_that_moved_the_day_is_named() -> None:
    result = legal_deadline("2026-02-10", "行政复议申请")
    assert any("行政复议法第八十八条" in step for step in result.steps)
    assert (result.law, result.article) == ("行政复议法", "20")


days = st.dates(date(2024, 1, 1), date(2026, 9, 1))


@given(days, st.integers(1, 60))
def test_working_days_agree_with_a_plain_walk(start: date, count: int) -> None:
    calendar = load_calendar()
    end = legal_deadline(start.isoformat(), f"{count}个工作日").deadline
    between = [start + timedelta(days=i) for i in range(1, (end - start).days + 1)]
    assert sum(calendar.is_working_day(day) for day in between) == count
    assert calendar.is_working_day(end)


@given(days, st.integers(1, 400), st.integers(1, 400))
def test_calendar_days_add_up(start: date, a: int, b: int) -> None:
    middle = legal_deadline(start.isoformat(), f"{a}日").deadline
    assert legal_deadline(middle.isoformat(), f"{b}日").deadline == start + timedelta(days=a + b)


@given(days, st.integers(1, 200))
def test_months_end_on_the_same_day_or_the_last(start: date, months: int) -> None:
    end = add_months(start, months)
    assert (end.year * 12 + end.month) - (start.year * 12 + start.month) == months
    assert end.day == start.day or (end.day < start.day and (end + timedelta(days=1)).day == 1)


def test_every_year_has_its_statutory_holidays() -> None:
    calendar = load_calendar()
    assert calendar.years == (2024, 2025, 2026)
    for year in calendar.years:
        for month, day in ((1, 1), (5, 1), (10, 1), (10, 2), (10, 3), (4, 4)):
            assert not calendar.is_working_day(date(year, month, day))
        working = sum(calendar.is_working_day(date(year, 1, 1) + timedelta(days=i))
                      for i in range(365))
        assert 247 <= working <= 252
    for day, kind in calendar.days.items():
        assert kind == "rest" or day.weekday() >= 5, "a make-up day is a Saturday or Sunday"


def test_a_catalogued_name_always_finds_its_own_period() -> None:
    catalogue = load_periods()
    assert len(catalogue.periods) >= 100
    assert len({p.name for p in catalogue.periods}) == len(catalogue.periods)
    for period in catalogue.periods:
        assert catalogue.named(period.name)[0] == period
        begin = max(date(2026, 3, 2), catalogue.laws[period.law].since)
        result = legal_deadline(begin.isoformat(), period.name)
        assert result.law == period.law and result.deadline > begin
        for alias in period.aliases:
            assert period in catalogue.named(alias), alias


def chinese(number: int) -> str:
    """41 as 四十一, 100 as 一百, 205 as 二百零五."""
    digits = "零一二三四五六七八九"
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    text = digits[hundreds] + "百" if hundreds else ""
    if tens:
        text += ("" if tens == 1 and not hundreds else digits[tens]) + "十"
    elif hundreds and ones:
        text += "零"
    return text + (digits[ones] if ones else "")


def article(text: str, number: str) -> str:
    """The text of one article, up to the next."""
    start = re.search(rf"^[\s　]*第{chinese(int(number))}条[\s　]", text, re.MULTILINE)
    assert start, number
    rest = text[start.end():]
    stop = re.search(r"^[\s　]*第[一二三四五六七八九十百零]+条[\s　]", rest, re.MULTILINE)
    return rest[:stop.start()] if stop else rest


def law_text(laws: Path, title: str, catalogue: Catalogue) -> str:
    if title == "民法典":
        return (laws / "民法典" / "总则.md").read_text(encoding="utf-8")
    name = f"{title}({catalogue.laws[title].version}).md"
    paths = [p for p in laws.rglob(name) if "DLC" not in p.parts]
    assert len(paths) == 1, name
    return paths[0].read_text(encoding="utf-8")


def test_every_period_stands_in_its_article(shared: Path) -> None:
    catalogue, wrong = load_periods(), []
    for period in catalogue.periods:
        body = article(law_text(shared / "laws", period.law, catalogue), period.article)
        numbers = {chinese(period.length), str(period.length)}
        numbers |= {"两"} if period.length == 2 else set()
        unit = {"个月": "个月", "工作日": "个工作日"}.get(period.unit, period.unit)
        figure = any(re.search(rf"(?<![\d一二三四五六七八九十百]){n}{unit}", body) for n in numbers)
        if not figure or not all(word in body for word in period.words):
            wrong.append((period.name, period.law, period.article))
    assert not wrong


def test_every_rule_of_counting_stands_in_its_article(shared: Path) -> None:
    catalogue = load_periods()
    for title, law in catalogue.laws.items():
        if law.working:
            body = article(law_text(shared / "laws", title, catalogue), law.working.article)
            assert "工作日" in body
            if law.working.days != "all" and title != "行政强制法":
                assert all(f"{chinese(n)}日" in body for n in law.working.days)
        for name, number in re.findall(r"(\w+?法|民法典)第([一二三四五六七八九十百零]+)条", law.basis):
            body = law_text(shared / "laws", name, catalogue)
            assert f"第{number}条" in body
    civil = law_text(shared / "laws", "民事诉讼法", catalogue)
    assert "法定休假日后的第一日" in article(civil, "85")
    assert "对应日" in article(law_text(shared / "laws", "民法典", catalogue), "202")


def test_a_length_that_is_none_is_no_choice() -> None:
    assert choices_in("停工一天亏五六万一天，谁赔") == choices_in("停工一天亏，谁赔")
    assert "六万一天" not in choices_in("一天赚五六万一天，15日内能复议吗")


@pytest.mark.parametrize(("question", "name"), [
    ("我2026年3月1日收到行政复议决定，最迟什么时候起诉？", "不服复议决定起诉"),
    ("信访事项复查意见2026年11月2日收到，申请复核的最后一天？", "信访复核申请"),
    ("3月5日收到处罚决定书，申请行政复议截止到哪天", "行政复议申请"),
    ("处罚前告知我可以听证，3月3日告知的，最晚哪天要求听证", "处罚听证申请"),
    ("2026年5月6日知道行政处罚，想直接起诉，最晚哪天？", "行政起诉"),
    ("The reconsideration decision arrived on 2026-03-01; what is the last day to sue?",
     "不服复议决定起诉")])
def test_the_period_of_what_a_person_wants_to_do_comes_first(question: str, name: str) -> None:
    assert choices_in(question)[0] == name


def test_a_day_before_the_one_named_is_known_for_what_it_is() -> None:
    for text in ("10月15日截止，往前推15天是哪天", "倒推20个工作日", "20 days before 2026-05-01"):
        assert counts_back(text)
    assert not counts_back("2026年3月5日收到，60日内复议，最晚哪天")


def test_whoever_waits_for_a_reply_asks_for_the_offices_period() -> None:
    assert "信访复核意见" in choices_in("我3月1日申请复核，最晚哪天给我答复")
    assert "信访办理" in choices_in("2月10日受理的信访，最晚哪天办结？")


@pytest.mark.parametrize(("text", "said", "day"), [
    ("3月5日", "3月5日收到处罚决定书", "2026年3月5日"), ("12月20日", "12月20日开始公示", "2026年12月20日"),
    ("八月二号", "八月二号受理", "2026年8月2日"), ("今天", "", "2026-11-27"),
    ("March 5", "served on March 5", "2026年3月5日"),
    ("3月5日", "2025年2月1日受理，3月5日告知", "2025年3月5日"), ("2月29日", "2月29日受理", "2月29日"),
    ("2026年3月5日", "", "2026年3月5日"), ("13月5日", "", "13月5日")])
def test_a_date_without_a_year_is_the_latest_possible(text: str, said: str, day: str) -> None:
    assert full_date(text, said, date(2026, 11, 27)) == day


def test_a_date_without_a_year_is_no_length() -> None:
    assert lengths_in("3月5日收到，60日内复议，2月内答复") == ["60日", "2月"]


def test_every_act_of_a_person_names_periods_of_the_catalogue() -> None:
    for question in ("最迟哪天起诉", "最迟哪天上诉", "最迟哪天申请复核", "最迟哪天申请复查", "最迟哪天申请复议",
                     "最迟哪天申请仲裁", "最迟哪天要求听证"):
        (act,) = asked(question)
        assert any(act in period.name for period in load_periods().periods), act
    assert asked("复议机关最迟哪天作出决定") == asked("起诉要带什么材料") == []
