"""Numerals, article numbers, structure, dates and repeals."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityllm.corpus.clauses import article_key, article_label, cn_to_int, int_to_cn, parse, sort_key
from cityllm.corpus.dates import find_dates, repealed_in
from tests.laws import law


@given(st.integers(0, 99_999_999))
def test_numerals_are_inverse(number: int) -> None:
    assert cn_to_int(int_to_cn(number)) == number


@given(st.text(max_size=6))
def test_numeral_of_any_text_is_a_number_or_none(text: str) -> None:
    value = cn_to_int(text)
    assert value is None or value >= 0


@pytest.mark.parametrize(("text", "value"), [
    ("十", 10), ("一十", 10), ("一百零五", 105), ("一百一十", 110), ("一千二百六十", 1260),
    ("二〇二六", 2026), ("两万", 20_000), ("三千万", 30_000_000), ("一百二十条", None), ("", None),
    ("第", None), ("五五十", None)])
def test_numerals_as_laws_write_them(text: str, value: int | None) -> None:
    assert cn_to_int(text) == value


@given(st.integers(1, 2000), st.integers(0, 12))
def test_article_key_and_label_are_inverse(number: int, extra: int) -> None:
    key = f"{number}-{extra}" if extra else str(number)
    assert article_key(article_label(key)) == key
    assert article_key(key) == key


@pytest.mark.parametrize(("text", "key"), [
    ("第六十四条", "64"), ("64", "64"), ("六十四", "64"), ("第64条", "64"), ("第 64 条", "64"),
    ("第六十四条之一", "64-1"), ("第64条之1", "64-1"), ("６４", "64"), ("3.0.1", "3.0.1"),
    ("３．０．１", "3.0.1"), ("p2", "p2"), ("序言", "p0"), ("没有", "没有")])
def test_article_key_reads_every_usual_way(text: str, key: str) -> None:
    assert article_key(text) == key


@given(st.lists(st.tuples(st.integers(1, 1300), st.integers(0, 5)), max_size=20))
def test_order_of_articles_is_that_of_their_numbers(pairs: list[tuple[int, int]]) -> None:
    keys = [f"{a}-{b}" if b else str(a) for a, b in pairs]
    assert sorted(keys, key=sort_key) == [f"{a}-{b}" if b else str(a) for a, b in sorted(pairs)]


TEXT = """# 某市停车管理条例

2010年3月1日 某市人民代表大会常务委员会第三次会议通过

2019年6月5日 某市人民代表大会常务委员会第九次会议修正

<!-- INFO END -->

## 第一章 总则

第一条 （目的） 为了规范停车，制定本条例。

第二条 本条例所称停车场包括：

（一）公共停车场；

（二）专用停车场：

1.单位自建的；

2.住宅区内的。

其他停车场所依照本条例执行。

## 第二章 管理

### 第一节 规划

第二条之一 新建建筑应当按照第三条的规定配建。

第三条 违反
第二条规定的，由主管部门处理。

| 类型 | 标准 |
| --- | --- |
| 住宅 | 1.0 |

第四条 本条例自2010年5月1日起施行。2001年2月3日某市人民政府发布的《某市停车办法》同时废止。

附件：收费标准

每小时五元。
"""


def test_structure_of_an_instrument() -> None:
    parsed = parse(TEXT)
    assert parsed.title == "某市停车管理条例"
    assert [one.number for one in parsed.articles] == ["1", "2", "2-1", "3", "4"]
    first, second, inserted, third, _ = parsed.articles
    assert (first.heading, first.text) == ("目的", "为了规范停车，制定本条例。")
    assert inserted.path == ("第二章 管理", "第一节 规划")
    assert second.path == ("第一章 总则",)
    assert "第二条规定的" in third.text
    assert "| 住宅 | 1.0 |" in third.text
    assert [(one.label, one.text) for one in parsed.annexes] == [("附件：收费标准", "每小时五元。")]
    assert parsed.gaps == ()


def test_paragraphs_items_and_subitems() -> None:
    opening, closing = parse(TEXT).articles[1].paragraphs
    assert (opening.number, closing.number) == (1, 2)
    assert [item.label for item in opening.items] == ["（一）", "（二）"]
    assert [item.text for item in opening.items[1].items] == ["单位自建的；", "住宅区内的。"]
    assert closing.text == "其他停车场所依照本条例执行。"


def test_dates_of_a_consolidated_text() -> None:
    parsed = parse(TEXT)
    assert parsed.adopted == date(2010, 3, 1)
    assert parsed.effective == date(2010, 5, 1)
    assert parsed.dates.last == date(2019, 6, 5)
    assert parsed.dates.amended == (date(2019, 6, 5),)
    assert parsed.dates.issuer == "某市人民代表大会常务委员会"
    assert parsed.repeals == ("某市停车办法",)


def test_an_article_inside_the_line_above_is_found() -> None:
    text = law("某条例").replace("\n\n第三条 ", " 第三条")
    assert [one.number for one in parse(text).articles] == ["1", "2", "3", "4", "5"]


def test_a_gap_is_kept_and_explained() -> None:
    text = "\n\n".join(line for line in law("某条例").split("\n\n") if not line.startswith("第三条"))
    parsed = parse(text)
    assert [one.number for one in parsed.articles] == ["1", "2", "4", "5"]
    assert parsed.gaps == ("缺第三条：原文件从第二条直接编到第四条",)


def test_numbering_may_start_above_one() -> None:
    parsed = parse("# 某法典\n# 物权编\n<!-- INFO END -->\n第二百零五条 甲。\n第二百零六条 乙。")
    assert parsed.part == "物权编"
    assert [one.label for one in parsed.articles] == ["第二百零五条", "第二百零六条"]
    assert parsed.gaps == ()


def test_articles_of_an_annex_are_not_those_of_the_text() -> None:
    text = law("某办法") + "\n\n附件一\n\n第一条 附件的第一条。\n\n第二条 附件的第二条。"
    parsed = parse(text)
    assert len(parsed.articles) == 5
    assert "附件的第二条" in parsed.annexes[0].text


def test_articles_quoted_by_an_amendment_stay_in_it() -> None:
    text = ("# 修正案\n<!-- INFO END -->\n第一条 甲。\n第二条 增加两条，作为第十条、第十一条。内容如下：第十条、第十一条：\n"
            "第十条 新的十。\n第十一条 新的十一。\n第三条 丙。")
    parsed = parse(text)
    assert [one.number for one in parsed.articles] == ["1", "2", "3"]
    assert "新的十一" in parsed.articles[1].text


def test_numbered_standard() -> None:
    text = ("3 基本规定\n3.0.1 住宅应有阳台。\n3.0.2 层高不应低于表 3.0.2 的规定。\n"
            "===== 表格：表3.0.2 层高 =====\n类别 | 层高\n住宅 | 2.80\n3.1 日照\n3.1.1 应满足日照要求。\n"
            "3.1.2A 另行规定。")
    parsed = parse("某标准\n" + text)
    assert parsed.numbering == "standard"
    assert [one.number for one in parsed.articles] == ["3.0.1", "3.0.2", "3.1.1", "3.1.2A"]
    assert "住宅 | 2.80" in parsed.articles[1].text
    assert parsed.articles[2].path == ("3 基本规定", "3.1 日照")


def test_points_of_an_amendment() -> None:
    parsed = parse("# 某法修正案\n<!-- INFO END -->\n一、将第三条修改为：“甲。”\n二、删去第四条。\n原第五条改为第四条。")
    assert parsed.numbering == "point"
    assert [(one.number, one.label) for one in parsed.articles] == [("p1", "一、"), ("p2", "二、")]
    assert parsed.articles[1].text.endswith("原第五条改为第四条。")


def test_text_without_articles_is_paragraphs() -> None:
    parsed = parse("# 关于某事的批复\n<!-- INFO END -->\n你院请示收悉。\n经研究，答复如下。")
    assert parsed.numbering == "paragraph"
    assert [one.text for one in parsed.articles] == ["你院请示收悉。", "经研究，答复如下。"]


def test_a_text_that_stops_early_is_not_complete() -> None:
    whole = parse(law("某条例", 8))
    cut = parse("\n\n".join(law("某条例", 8).split("\n\n")[:8]))
    assert whole.complete
    assert not cut.complete


def test_preface_is_kept() -> None:
    parsed = parse("# 根本法\n<!-- INFO END -->\n## 序言\n开头的话。\n## 第一章 总纲\n第一条 甲。\n第二条 自公布之日起施行。")
    assert (parsed.articles[0].number, parsed.articles[0].label) == ("p0", "序言")
    assert parsed.articles[0].text == "开头的话。"


@given(st.text(alphabet="第一二三十百条章节、，。：（）《》 \n附件1.0#|甲乙", max_size=200))
def test_any_text_parses_and_no_word_is_lost(text: str) -> None:
    parsed = parse("题目\n" + text)
    kept = "".join([parsed.title, parsed.preamble, *(
        one.label + one.heading + one.text + "".join(one.path)
        for one in (*parsed.articles,)), *(a.label + a.text for a in parsed.annexes)])
    assert text.count("甲") + text.count("乙") <= kept.count("甲") + kept.count("乙") + sum(
        line.count("甲") + line.count("乙") for line in text.splitlines() if "章" in line
        or "节" in line or line.lstrip().startswith("#"))


@pytest.mark.parametrize(("text", "titles"), [
    ("《甲法》、《乙法》同时废止。", ["甲法", "乙法"]),
    ("1999年3月1日国务院发布的《甲办法》和2001年4月2日国务院发布的《乙办法》同时废止。", ["甲办法", "乙办法"]),
    ("《甲法》第五条同时废止。", []),
    ("《甲法》中有关税收的规定同时废止。", []),
    ("依照《甲法》执行。《乙法》自本法施行之日起废止。", []),
    ("《丙条例》（国务院令第1号）同时废止。", ["丙条例"])])
def test_repeals_of_whole_instruments_only(text: str, titles: list[str]) -> None:
    assert sorted(repealed_in(text)) == sorted(titles)


def test_dates_in_both_scripts() -> None:
    assert find_dates("自二〇〇八年一月一日起，至2010年12月31日；2010年2月30日不存在") == [
        date(2008, 1, 1), date(2010, 12, 31)]


def test_real_standards_parse(shared: Path) -> None:
    for path in sorted((shared / "standards" / "processed").glob("*.txt")):
        parsed = parse(path.read_text("utf-8"))
        assert parsed.numbering == "standard", path.name
        assert len(parsed.articles) > 20, path.name
