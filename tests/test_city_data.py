"""City figures: found by words, honest where nothing is held, SQL that can only read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools import ToolInputError
from tools.city_catalogue import load_catalogue
from tools.city_data import DATA, query_city_data

QUESTIONS = [
    # question, figures that must be there with their unit
    ("南昌 平均车速", {"31.9 km/h", "38.0 km/h"}),
    ("南昌取消限行后车速提高了多少", {"31.9 km/h", "38.0 km/h"}),
    ("Nanchang mean speed", {"31.9 km/h", "38.0 km/h"}),
    ("南昌 2022年 车速", {"38.0 km/h"}),
    ("纽约的建筑平均高度是多少", {"10.50 m"}),
    ("上海平均楼高", {"11.40 m"}),
    ("杭州 停车周转率", {"1.6 次", "1.85 次"}),
    ("Hangzhou parking turnover", {"1.6 次", "1.85 次"}),
    ("武汉信访处理用几个人", {"6 人", "1 人"}),
    ("成都华西医院拥堵指数", {"3.28", "2.44"}),
    ("巴黎在途量", {"100748 辆"}),
    ("北京二环内在途车辆", {"40784 辆"}),
    ("爱尔兰 供水漏损率 2018", {"46 %"}),
    ("Ireland pipe leakage", {"46 %", "40 %"}),
    ("congestion loss of US cities", {"9.1 十亿美元/年", "1762 美元/年"}),
    ("哪个城市拥堵损失最大", {"9.1 十亿美元/年"}),
    ("建筑最高的城市", {"113.86 m"}),
    ("全国机动车保有量 2023", {"4.35 亿辆"}),
    ("上海一网通办网办率", {"82.9 %"}),
    ("深圳有多少所学校", {"3000 所"}),
    ("城市A 路网长度", {"3057 km"}),
]

SENTENCES = [
    # whole sentences as people ask them, the first figures of the answer
    ("南昌取消尾号限行前后平均车速各是多少", ["31.9 km/h", "38.0 km/h"]),
    ("南昌不限行以后车速提高了几公里", ["31.9 km/h", "38.0 km/h"]),
    ("给领导写材料，要南昌不限行的车速数据和来源", ["38.0 km/h", "31.9 km/h"]),
    ("Did congestion in Nanchang fall after 2020? Give the figures", ["1.31", "1.27"]),
    ("哪个城市的建筑平均最矮", ["5.03 m", "8.39 m"]),
    ("平均建筑高度最高的城市是哪一个", ["12.51 m"]),
    ("各城市最大建筑高度列个表", ["113.86 m"]),
    ("巴黎最大建筑高度", ["76.05 m"]),
    ("How many vehicles are on the road at the same time in Shanghai?", ["907929 辆"]),
    ("美国堵车一年损失多少亿美元", ["700 亿美元"]),
    ("美国人一年堵车要浪费几个小时", ["42 小时"]),
    ("芝加哥司机一年堵在路上多少小时", ["96 小时/年"]),
    ("How many hours did the average New York driver lose in traffic?", ["101 小时/年"]),
    ("西小服服务了多少家企业", ["17.6 万家"]),
    ("武汉把信访办理的人从几个减到几个", ["6 人", "1 人"]),
    ("武汉信访处理人员压缩幅度", ["83 %"]),
    ("杭州停车周转率提高了多少", ["16 %", "1.6 次", "1.85 次"]),
    ("海纳小镇通勤步行时间现在几分钟", ["7 分钟", "11 分钟"]),
    ("30秒入住原来要多少秒", ["300 秒", "30 秒"]),
    ("杭州事故处置时间从多久缩短到多久", ["20 分钟", "5 分钟"]),
    ("城市A和城市B的在途量和保有量", ["300 万辆", "118 万辆", "30 万辆", "12 万辆"]),
    ("台州绿色贷款认定了多少笔，金额多少", ["2600 亿元", "7.7 万笔"]),
    ("北京一个堵的路口一年损失多少钱", ["127 万元"]),
    ("2050年城市人口还要增加多少", ["23 亿人"]),
    ("漏损水够多少人用一年", ["9000 万人"]),
    ("机动车保有量最多的城市", ["300 万辆"]),
    ("上海好评率", ["99.94 %"]),
    ("苏州河半马完赛率", ["99.55 %"]),
    ("What share of vehicles in Paris is in transit?", ["68.61 %"]),
    ("Which city has the lowest share of moving vehicles?", ["22.85 %"]),
    ("Congestion index around West China Hospital in Chengdu, before and after", ["3.28", "2.44"]),
    ("household water use in England versus Ethiopia", ["340 升", "40 升"]),
    ("How much water leaks from pipes in the world every year?", ["1260 亿立方米"]),
]


@pytest.mark.parametrize(("question", "first"), SENTENCES)
def test_whole_sentences_are_answered_best_figure_first(question: str, first: list[str]) -> None:
    values = query_city_data(question).values
    shown = [f"{values[f'v{i + 1}'].text} {values[f'v{i + 1}'].unit}".strip()
             for i in range(min(len(first), len(values)))]
    assert shown == first


NOT_HELD = """成都华西医院早高峰拥堵缩短了多长时间 2024年路口停车延误最长的城市 主要城市信控路口延误排名
早晚高峰平均停车延误时间，杭州是几秒 深圳早高峰路口延误多少 广州路口平均停车延误时间 全球一次能源转换效率是多少
煤电厂年容量因子2030年会降到多少 中国和美国人均能源使用量 全球城市占多少土地，用掉多少能源 全国驾驶人数
空气质量监测覆盖多少国家多少城市 你有哪些城市的交通数据 有没有宁波的在途车辆数据 东京的平均建筑高度有没有
伦敦堵车一年损失多少小时 深圳的在途量能查吗 苏州停车泊位多少个 武汉机动车有几百万辆""".split()


def test_each_question_of_the_phrases_is_answered_where_a_row_is_held() -> None:
    import yaml

    path = Path(__file__).resolve().parent.parent / "finetune" / "phrases" / "data.yaml"
    questions = [row["q"] for row in yaml.safe_load(path.read_text("utf-8"))]
    refused = {"Do you have congestion figures for London?", *NOT_HELD}
    assert refused <= set(questions)
    wrong = []
    for question in questions:
        try:
            said = query_city_data(question).summary("zh")
        except ToolInputError as problem:
            said = problem.zh
        held = not said.startswith("没有")
        listed = any(words in said for words in ("可以查", "有数据的地方", "有这项数据的地方"))
        wrong += [question] if held == (question in refused) or held == listed else []
    assert not wrong


@pytest.mark.parametrize(("question", "figures"), QUESTIONS)
def test_questions(question: str, figures: set[str]) -> None:
    result = query_city_data(question)
    found = {f"{f.text} {f.unit}".strip() for f in result.values.values()}
    assert figures <= found
    assert len(result.sources) == len(result.rows) and all("未来城市顾问展望" in s
                                                           for s in result.sources)
    for figure in figures:
        assert figure in result.summary("zh") and figure in result.summary("en")


@pytest.mark.parametrize(("question", "said"), [
    ("东京 平均车速", "没有“东京”的数据"), ("London parking", "没有“London”的数据"),
    ("杭州 供水漏损率", "有这项数据的地方：爱尔兰"), ("北京 房价", "没有找到“北京 房价”的数据"),
    ("火星人口", "不用相近的数字代替"), ("12345受理量", "没有找到"), ("", "没有找到"),
    ("南昌 2024年 车速", "有的年份：2019、2022"), ("月球平均车速", "没有找到"),
    ("What is the mean speed in Lisbon?", "没有找到"), ("杭州停车罚款多少", "没有找到"),
    ("杭州平均车速是多少", "有这项数据的地方：南昌"), ("深圳的在途量能查吗", "没有深圳的“车辆在途量”数据"),
])
def test_nothing_held_is_said_and_nothing_similar_given(question: str, said: str) -> None:
    with pytest.raises(ToolInputError) as problem:
        query_city_data(question)
    assert said in problem.value.zh
    assert problem.value.en


def test_a_place_alone_lists_what_is_held_for_it_only() -> None:
    result = query_city_data("南昌有哪些数据")
    assert {row[0] for row in result.rows} == {"南昌"}
    assert len(result.rows) >= 8


def test_every_figure_can_be_asked_for_by_its_own_name() -> None:
    catalogue = load_catalogue(DATA)
    assert len(catalogue.rows) >= 150
    for row in catalogue.rows:
        result = query_city_data(f"{row.place} {row.area} {row.measure_zh}")
        assert (row.place, row.measure_zh, row.text) in {(r[0], r[2], r[4]) for r in result.rows}


def test_every_header_carries_a_unit_or_needs_none() -> None:
    bare = {"city", "area", "measure_zh", "measure_en", "qualifier", "unit", "year", "source"}
    for table in load_catalogue(DATA).tables:
        for column, unit in zip(table.columns, table.units, strict=True):
            assert unit or column in bare, (table.name, column)


def test_every_figure_stands_in_the_publication(shared: Path) -> None:
    text = (shared.parent / "reference" / "outlook_2025.txt").read_text(encoding="utf-8")
    plain = text.replace(",", "")
    sections = set(re.findall(r"^(\d\.\d(?:\.\d)?)[ 　]", text, re.MULTILINE))
    for row in load_catalogue(DATA).rows:
        assert re.search(rf"(?<![\d.]){re.escape(row.text)}(?!\d)", plain), row
        section = row.section.split()[0]
        assert section in sections or section in text.replace(" ", ""), row


def test_select_reads_the_tables() -> None:
    result = query_city_data("建筑", "SELECT city, mean_height FROM buildings_from_space "
                                   "ORDER BY mean_height DESC LIMIT 1")
    assert result.rows == (("巴黎", 12.51),)
    assert result.values["v1"][:3] == ("12.51", "m", "巴黎 mean_height")
    total = query_city_data("x", "SELECT count(*) AS n FROM figures")
    assert int(total.values["v1"].text) == len(load_catalogue(DATA).rows)


def test_select_agrees_with_words() -> None:
    words = query_city_data("平均建筑高度")
    table = query_city_data("x", "SELECT value, unit FROM figures WHERE measure_zh = '平均建筑高度'")
    assert sorted(float(f.text) for f in words.values.values()) == sorted(
        float(f.text) for f in table.values.values())
    assert {f.unit for f in table.values.values()} == {"m"}


@pytest.mark.parametrize("sql", [
    "DROP TABLE figures", "INSERT INTO figures SELECT * FROM figures", "SELECT 1; SELECT 2",
    "COPY figures TO 'stolen.csv'", "ATTACH 'other.db'", "SET threads = 4", "PRAGMA version",
    "INSTALL httpfs", "LOAD httpfs", "CREATE TABLE x AS SELECT 1", "DELETE FROM figures",
    "SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM read_text('/etc/hostname')", "SELECT * FROM glob('/*')",
    "SELECT * FROM read_parquet('https://example.org/x.parquet')", "SELECT getenv('HOME')",
    "SELECT * FROM catalogue", "selec", "EXPORT DATABASE 'x'", "CALL pragma_version()",
    "SELECT * FROM figures WHERE place = 'nowhere'",
])
def test_sql_can_only_read_what_is_catalogued(sql: str, tmp_path: Path,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ToolInputError):
        query_city_data("x", sql)
    assert not list(tmp_path.iterdir())


def test_rows_and_time_are_limited() -> None:
    from tools.city_sql import run_select

    catalogue = load_catalogue(DATA)
    _, rows, cut = run_select("SELECT * FROM range(1000000)", catalogue, max_rows=50,
                              max_seconds=5)
    assert (len(rows), cut) == (50, True)
    endless = ("WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 1e12) "
               "SELECT max(n) FROM t")
    with pytest.raises(ToolInputError, match=r"0\.3 s"):
        run_select(endless, catalogue, max_rows=50, max_seconds=0.3)


@settings(deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_answered_or_explained(text: str) -> None:
    try:
        result = query_city_data(text)
    except ToolInputError:
        return
    assert result.rows and result.sources
