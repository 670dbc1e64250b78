"""Correct answers and what a model could get wrong in them, one fault each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from cityllm.evidence import ClauseEvidence, DataRowEvidence, Evidence, ToolRunEvidence, Value

AS_OF = date(2026, 11, 22)


def _clause(number: int, title: str, article: str, label: str, text: str) -> ClauseEvidence:
    return ClauseEvidence(
        id=f"E{number}", clause_id=f"{title}@2019-04-23#{article}", title=title, article=article,
        article_label=label, text=text, version=date(2019, 4, 23), effective=date(2020, 1, 1),
        as_of=AS_OF, verbatim=False)


# Written for these tests in the manner of a law; titles are real so that look-ups work.
EVIDENCE: list[Evidence] = [
    _clause(1, "城乡规划法", "64", "第六十四条",
            "没有取得建设工程规划许可证就动工的，由县级以上地方政府规划主管部门责令停工；能改正的，限期改正，"
            "处工程造价百分之五以上百分之十以下的罚款；不能改正的，限期拆除。"),
    _clause(2, "行政复议法", "20", "第二十条",
            "公民不服行政行为的，可以自知道之日起六十日内提出复议申请；机关应当在收到申请后五个工作日内审查，"
            "不得收取任何费用。因不可抗力耽误的，期限继续计算。"),
    _clause(3, "保障农民工工资支付条例", "56", "第五十六条",
            "建设单位未提供工程款支付担保的，由主管部门责令改正；逾期不改正的，处5万元以上10万元以下的罚款。"
            "总包单位应当存储工资保证金，存储比例不超过合同价款的3%，有效期不少于2年。"),
    _clause(4, "物业管理条例", "12", "第十二条",
            "业主大会应当有物业管理区域内专有部分占建筑物总面积三分之二以上的业主参加；筹集维修资金，必须经四分之三"
            "以上的业主同意。会议召开十五日前应当通知全体业主。禁止挪用维修资金。"),
    ToolRunEvidence(
        id="E5", tool="traffic_scenario", inputs={"close": "main_road", "demand_percent": 0},
        summary="封闭主路后，平均车速由 31.2 km/h 降低到 24.6 km/h，每车延误由 40 s/veh 增加到 66 s/veh。", seed=7,
        values={"mean_speed_before": Value(text="31.2", unit="km/h", label_zh="平均车速（前）"),
                "mean_speed_after": Value(text="24.6", unit="km/h", label_zh="平均车速（后）"),
                "delay_before": Value(text="40", unit="s/veh", label_zh="延误（前）"),
                "delay_after": Value(text="66", unit="s/veh", label_zh="延误（后）")}),
    ToolRunEvidence(
        id="E6", tool="calculate", inputs={"expression": "15亩 * 2.5万元/亩"},
        summary="15亩 * 2.5万元/亩：结果 = 37.5 万元", values={
            "result": Value(text="37.5", unit="万元", label_zh="结果")}),
    DataRowEvidence(
        id="E7", table="city_figures", query="北京 在途车辆", columns=["place", "value", "unit"],
        rows=[["北京", "40784", "辆"]], sources=["展望 2.1"],
        values={"v1": Value(text="40784", unit="辆", label_zh="北京 在途车辆")}),
]
USER = "我家3000平方米的厂房没办规划许可证就盖了，会怎么罚？"
TITLES = [e.title for e in EVIDENCE if isinstance(e, ClauseEvidence)] + ["土地管理法", "消防法", "民法典"]

CORRECT: list[str] = [
    "能改正的，限期改正，处工程造价百分之五以上百分之十以下的罚款[E1]。",
    "罚款为工程造价的5%以上10%以下[E1]。",
    "根据《城乡规划法》第六十四条[E1]，不能改正的，限期拆除。",
    "由县级以上地方政府规划主管部门责令停工[E1]。",
    "您的3000平方米厂房没有取得建设工程规划许可证，适用城乡规划法第六十四条[E1]。",
    "The fine is 5% to 10% of the cost of the works [E1].",
    "The fine is at least five percent and at most ten percent of the cost [E1].",
    "可以自知道之日起60日内提出复议申请[E2]。",
    "公民不服行政行为的，可以自知道之日起六十日内提出复议申请[E2]。",
    "机关应当在收到申请后五个工作日内审查[E2]。",
    "复议机关不得收取任何费用[E2]。",
    "You may apply within 60 days [E2].",
    "The authority must review it within five working days [E2].",
    "逾期不改正的，处5万元以上10万元以下的罚款[E3]。",
    "逾期不改正的，处五万元以上十万元以下的罚款[E3]。",
    "工资保证金存储比例不超过合同价款的百分之三，有效期不少于两年[E3]。",
    "总包单位应当存储工资保证金[E3]。",
    "The fine is RMB 50,000 or more and 100,000 yuan or less [E3].",
    "筹集维修资金，必须经四分之三以上的业主同意[E4]。",
    "会议召开十五日前应当通知全体业主[E4]。",
    "禁止挪用维修资金[E4]。",
    "Three quarters of the owners or more must agree [E4].",
    "平均车速由{E5.mean_speed_before}降低到{E5.mean_speed_after}。",
    "封闭后平均车速为24.6 km/h[E5]。",
    "每车延误增加到{E5.delay_after}。",
    "The mean speed falls to {E5.mean_speed_after}.",
    "合计{E6.result}。",
    "北京在途车辆为{E7.v1}。",
]


class Mutant(NamedTuple):
    """A wrong answer: which fault, which words carry it."""

    fault: str
    text: str
    wrong: str


_SWAPS: list[tuple[str, str, str]] = [
    # fault, pattern in the correct answer, replacement
    *(("digits", rf"(?<![\d.E{{\[]){a}(?=[%\s万元日平亿k,以])", b) for a, b in
      [("5", "15"), ("5", "6"), ("10", "20"), ("10", "1"), ("60", "90"), ("60", "6"),
       ("3000", "8000"),
       ("24.6", "26.4"), ("24.6", "2.46"), ("24.6", "31.1"), ("100,000", "1,000,000"),
       ("50,000", "500,000")]),
    *(("numerals", a, b) for a, b in
      [("百分之五", "百分之十五"), ("百分之五", "百分之六"), ("百分之五", "千分之五"), ("百分之十以下", "百分之二十以下"),
       ("百分之十以下", "百分之五十以下"), ("百分之三", "百分之十三"), ("百分之三", "三成"), ("六十日", "十六日"),
       ("六十日", "九十日"), ("六十日", "一百六十日"), ("五个工作日", "十五个工作日"), ("五个工作日", "七个工作日"),
       ("五万元", "十五万元"), ("五万元", "五十万元"), ("十万元", "一百万元"), ("四分之三", "三分之二以上、四分之一"),
       ("四分之三", "五分之三"), ("四分之三", "一半"), ("十五日", "五日"), ("十五日", "二十五日"), ("两年", "三年"),
       ("两年", "十二年"), ("5%", "五分之一"), ("5万元", "5亿元")]),
    *(("unit", a, b) for a, b in
      [("60日", "60个工作日"), ("60日", "60个月"), ("60日", "60小时"), ("六十日", "六十个工作日"), ("六十日", "六十个月"),
       ("六十日", "六十天工作时间"), ("五个工作日", "五日"), ("五个工作日", "五个月"), ("五个工作日", "五个小时"),
       ("十五日", "十五个工作日"), ("十五日", "十五个月"), ("十五日", "十五周"), ("5%", "5‰"), ("10%", "10个百分点"),
       ("10%", "10倍"), ("5万元", "5元"), ("5万元", "5万美元"), ("10万元", "10亿元"), ("五万元", "五千元"),
       ("十万元", "十万美元"), ("3000平方米", "3000亩"), ("3000平方米", "3000公顷"), ("3000平方米", "3000平方公里"),
       ("km/h", "m/s"), ("km/h", "mph"), ("km/h", "公里/分钟"), ("两年", "两个月"), ("两年", "两天"),
       ("days", "working days"), ("days", "months"), ("days", "weeks"), ("days", "hours"),
       ("working days", "days"), ("working days", "weeks"), ("percent", "permille points"),
       ("yuan", "dollars"), ("RMB 50,000", "$50,000"), ("100,000 yuan", "100,000 euros"),
       (r"\{E5.mean_speed_after\}", "{E5.mean_speed_after}公里"),
       (r"\{E5.mean_speed_after\}", "{E5.mean_speed_after} m/s"),
       (r"\{E6.result\}", "{E6.result}亿元"), (r"\{E6.result\}", "{E6.result}%"),
       (r"\{E7.v1\}", "{E7.v1}万辆"),
       (r"\{E7.v1\}", "{E7.v1}人")]),
    *(("bound", a, b) for a, b in
      [("百分之五以上", "百分之五以下"), ("百分之十以下", "百分之十以上"), ("5%以上", "5%以下"), ("10%以下", "10%以上"),
       ("5万元以上", "5万元以下"), ("10万元以下", "10万元以上"), ("五万元以上", "不超过五万元"), ("十万元以下", "至少十万元"),
       ("不超过合同价款", "超过合同价款"), ("不少于两年", "不超过两年"), ("不少于两年", "少于两年"), ("四分之三以上", "四分之三以下"),
       ("四分之三以上", "不足四分之三"), ("at least five", "at most five"), ("at most ten", "more than ten"),
       ("or more and", "or less and"), ("within 60", "more than 60"), ("within five", "at least "
                                                                                      "five"),
       ("60日内", "60日以上"), ("六十日内", "至少六十日"), ("合计", "合计超过"), ("为24.6", "超过24.6")]),
    *(("negation", a, b) for a, b in
      [("应当", "不应当"), ("应当", "可以"), ("应当", "不必"), ("应当", "无须"), ("可以", "不可以"), ("可以", "不得"),
       ("可以", "应当"), ("不得收取", "可以收取"), ("不得收取", "应当收取"), ("不得收取", "收取"), ("必须经", "无须经"),
       ("必须经", "不必经"), ("必须经", "可以不经"), ("禁止挪用", "允许挪用"), ("禁止挪用", "可以挪用"), ("禁止挪用", "不禁止挪用"),
       ("责令停工", "不责令停工"), ("责令停工", "不得责令停工"), ("限期拆除", "不限期拆除"), ("限期拆除", "无需限期拆除"),
       ("不能改正的", "能改正的也不"), ("逾期不改正", "逾期改正"), ("没有取得", "已经取得"), ("没有取得", "取得"),
       ("不服行政行为", "服从行政行为"), ("处5万元", "不处5万元"), ("处五万元", "免处五万元"), ("处工程造价", "不处工程造价"),
       ("must", "must not"), ("must", "need not"), ("must", "does not have to"),
       ("must", "never has to"),
       ("may", "may not"), ("may", "must not"), ("may", "cannot"), ("is 5%", "is not 5%"),
       ("The fine is", "There is no fine; it is never"), ("You may", "Nobody may")]),
    *(("article", a, b) for a, b in
      [("第六十四条", "第六十五条"), ("第六十四条", "第四十六条"), ("第六十四条", "第一百二十条"), ("第六十四条", "第64条之一"),
       ("第六十四条", "第二十条"), ("第六十四条", "第六十四条第九款"), ("《城乡规划法》", "《土地管理法》"),
       ("《城乡规划法》", "《城市美化管理法》"), ("城乡规划法第", "消防法第"), ("城乡规划法第", "城市景观法第"),
       *((rf"\[E{n}\]", "[E9]") for n in range(1, 5)),
       *((rf"\[E{n}\]", "[E42]") for n in range(1, 5)),
       (r"\{E5.mean_speed_after\}", "{E5.top_speed}"), (r"\{E6.result\}", "{E8.result}"),
       (r"\{E7.v1\}", "{E7.v9}")]),
    *(("authority", a, b) for a, b in
      [("县级以上地方政府", "省级以上地方政府"), ("县级以上地方政府", "国务院"), ("县级以上地方政府规划主管部门", "公安机关"),
       ("复议机关", "人民法院")]),
    *(("direction", a, b) for a, b in
      [("降低到", "提高到"), ("降低到", "上升到"), ("增加到", "减少到"), ("增加到", "缩短到"), ("falls", "rises"),
       ("falls", "increases")]),
]
_ADDED: list[tuple[str, str, str]] = [
    ("law", "根据《城市美化管理法》，", ""), ("law", "依照《数字城市促进条例》第三条，", ""),
    ("law", "按照城市景观条例第十条的规定，", ""), ("law", "根据民法典第一千条，", ""),
    ("law", "Under the Urban Beautification Act, ", "en"), ("law", "Under Article 99, ", "en"),
    ("law", "As the Skyline Protection Law says, ", "en"),
    ("number", "另需缴纳八千元保证金，", ""), ("number", "在45天内，", ""), ("number", "After 45 days, ", "en"),
    ("number", "In 1998, ", "en"), ("number", "自2031年7月1日起，", ""), ("link", "见 https://example.o"
                                                                            "rg ，", ""),
    ("quote", "原文写明“违者一律从重处理绝不姑息”，", ""), ("number", "Twenty-seven owners asked: ", "en"),
]


def mutants() -> Iterator[Mutant]:
    """Every mutator over every correct answer that it fits."""
    for text in CORRECT:
        for fault, pattern, replacement in _SWAPS:
            found = re.search(pattern, text)
            if found is None or (fault == "unit" and pattern == "days" and "working" in text):
                continue
            changed = text[:found.start()] + replacement + text[found.end():]
            if changed != text:
                yield Mutant(fault, changed, replacement)
        english = bool(re.match("[A-Z]", text))
        for fault, words, language in _ADDED:
            if english == (language == "en"):
                yield Mutant(fault, words + text, words.strip(" ，,"))
