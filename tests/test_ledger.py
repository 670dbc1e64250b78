"""The ledger: time, versions, names, look-ups, the as-of filter."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityllm.corpus.digests import read_digest, sync_pack
from cityllm.corpus.importer import add_files, remove
from cityllm.corpus.ledger import Ledger
from cityllm.corpus.levels import compare, level_of, region_chain
from cityllm.corpus.names import Names, plain_title
from cityllm.errors import (
    ArticleNotFound,
    CorpusError,
    InstrumentNotFound,
    NotHeld,
    NotInForce,
)
from tests.laws import law, write

STATUS = """
status_known: 2025-04-30
ended:
  - {title: 访客条例, date: 2022-05-01, by: 访客工作条例, source: 测试}
  - {title: 买卖合同法, date: 2021-01-01, by: 大法典, source: 测试}
  - {title: 某市公园条例, date: 2020-01-01, how: in_force, source: 测试}
revised:
  - {title: 某市噪声条例, version: 2025-06-27, from: 2026-01-01, source: 测试}
aliases: {停车规定: 杭州市停车条例}
"""
DIGEST = """
title: 杭州市停车条例
full_title: 杭州市停车条例
aliases: [停车条例]
number: null
issuer: 杭州市人民代表大会常务委员会
kind: 地方性法规
region: 杭州市
adopted: 2010-03-01
version: 2019-06-05
effective: 2010-05-01
source: {name: 测试, url: "https://example.org"}
checked_against: x.md
articles:
  - {n: "2", heading: 多久答复, digest: 收到停车申请的单位要在15日内答复。}
  - {n: "9", heading: 收费, digest: 收费标准由政府定。}
"""


def make(folder: Path) -> Path:
    """A corpus of a few laws with versions, repeals and a joined code; returns its folder."""
    first = "2010年3月1日 杭州市人民代表大会常务委员会通过"
    amended = f"{first}\n\n2019年6月5日 杭州市人民代表大会常务委员会修正"
    wide = "2007年3月1日 第十届全国人民代表大会通过"
    write(folder, "浙江地方法规/地方性法规/杭州市停车条例(2010-03-01).md",
          law("杭州市停车条例", 12, preamble=first, words="旧版"))
    write(folder, "浙江地方法规/地方性法规/杭州市停车条例(2019-06-05).md",
          law("杭州市停车条例", 10, preamble=amended, words="新版"))
    write(folder, "行政法规/访客条例(2005-01-10).md",
          law("访客条例", preamble="2005年1月10日 国务院令第1号公布", closing="自2005年5月1日起施行。"))
    write(folder, "行政法规/访客工作条例(2022-02-25).md",
          law("访客工作条例", preamble="2022年2月25日 国务院发布", closing="自2022年5月1日起施行。"))
    write(folder, "浙江地方法规/地方性法规/某市公园条例(2001-01-01).md",
          law("某市公园条例", closing="自2001年1月1日起施行。"))
    write(folder, "浙江地方法规/地方性法规/某市绿地条例(2015-01-01).md", law(
        "某市绿地条例", closing="自2015年3月1日起施行。《某市公园条例》、《某市噪声条例》同时废止。"))
    write(folder, "浙江地方法规/地方性法规/某市噪声条例(2020-01-01).md",
          law("某市噪声条例", closing="自2020年1月1日起施行。"))
    write(folder, "浙江地方法规/地方性法规/某市夜市条例(2003-01-01).md",
          law("某市夜市条例", closing="自2003年2月1日起施行。"))
    write(folder, "浙江地方法规/地方性法规/某市集市条例(2016-01-01).md",
          law("某市集市条例", closing="自2016年3月1日起施行。《某市夜市条例》同时废止。"))
    for part, start in (("总则", 1), ("物权编", 4)):
        articles = "\n\n".join(f"第{'一二三四五六'[n - 1]}条 {part}的规定。"
                               for n in range(start, start + 3))
        write(folder, f"民法典/{part}.md", f"# 中华人民共和国大法典\n\n# {part}\n\n{wide}\n\n"
              f"2008年1月1日 施行\n\n<!-- INFO END -->\n\n## 第一章 开头\n\n{articles}")
    return folder


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """The corpus of `make`, imported, with the status table."""
    folder = tmp_path_factory.mktemp("ledger")
    status = write(folder, "status.yaml", STATUS)
    with Ledger.open(folder / "ledger.sqlite", status) as opened:
        report = add_files(opened, [make(folder / "laws")])
        assert not report.failures
        yield opened


def test_each_date_reads_its_own_wording(ledger: Ledger) -> None:
    old = ledger.article("杭州市停车条例", "2", date(2019, 6, 4))
    new = ledger.article("杭州市停车条例", "第二条", date(2019, 6, 5))
    assert old.clause_id == "杭州市停车条例@2010-03-01#2"
    assert new.clause_id == "杭州市停车条例@2019-06-05#2"
    assert old.text.startswith("旧版")
    assert new.text.startswith("新版")
    assert "2019-06-05" in old.status
    assert old.status.startswith("旧版本")
    assert new.status.startswith("现行")


def test_consolidated_text_starts_on_its_own_version_date(ledger: Ledger) -> None:
    first, second = ledger.versions("杭州市停车条例")
    assert (first.effective, second.effective) == (date(2010, 5, 1), date(2010, 5, 1))
    assert (first.starts, first.ends) == (date(2010, 5, 1), date(2019, 6, 5))
    assert (second.starts, second.ends) == (date(2019, 6, 5), None)


def test_wording_before_the_oldest_held_is_not_made_up(tmp_path: Path) -> None:
    path = write(tmp_path, "杭州市停车条例(2019-06-05).md", law(
        "杭州市停车条例", preamble="2010年3月1日 通过\n\n2019年6月5日 修正"))
    with Ledger.open(tmp_path / "l.sqlite") as ledger:
        add_files(ledger, [path])
        with pytest.raises(NotHeld, match="没有收录当时的文本") as held:
            ledger.article("杭州市停车条例", "2", date(2015, 1, 1))
        assert not isinstance(held.value, NotInForce)
        with pytest.raises(NotInForce, match="尚未施行（最早 2010-05-01）"):
            ledger.article("杭州市停车条例", "2", date(2010, 4, 30))
        assert not ledger.in_force(date(2015, 1, 1)).any()


def test_amendment_between_two_versions_held_is_a_hole(tmp_path: Path) -> None:
    write(tmp_path, "甲/某市桥梁条例(2005-01-01).md", law(
        "某市桥梁条例", preamble="2005年1月1日 通过", closing="自2005年1月1日起施行。"))
    write(tmp_path, "甲/某市桥梁条例(2020-01-01).md", law(
        "某市桥梁条例", preamble="2005年1月1日 通过\n\n2012年6月1日 第一次修正\n\n2020年1月1日 第二次修正",
        closing="自2005年1月1日起施行。"))
    with Ledger.open(tmp_path / "l.sqlite") as ledger:
        add_files(ledger, [tmp_path / "甲"])
        assert ledger.article("某市桥梁条例", "1", date(2012, 5, 31)).version == date(2005, 1, 1)
        with pytest.raises(NotHeld):
            ledger.article("某市桥梁条例", "1", date(2015, 1, 1))


def test_status_table_ends_what_no_text_does(ledger: Ledger) -> None:
    assert ledger.article("访客条例", "1", date(2022, 4, 30)).text
    with pytest.raises(NotInForce, match="2022-05-01 废止，由《访客工作条例》取代"):
        ledger.article("访客条例", "1", date(2022, 5, 1))
    assert ledger.status_known == date(2025, 4, 30)


def test_repeal_read_from_a_text_and_overruled_by_the_table(ledger: Ledger) -> None:
    (market,) = ledger.versions("某市夜市条例")
    assert (market.repealed, market.replaced_by) == (date(2016, 3, 1), "某市集市条例")
    (park,) = ledger.versions("某市公园条例")
    assert park.repealed is None
    assert ledger.article("某市公园条例", "1", date(2024, 1, 1)).status.startswith("现行")


def test_repeal_does_not_reach_a_later_text_of_that_title(ledger: Ledger) -> None:
    (noise,) = ledger.versions("某市噪声条例")
    assert noise.repealed is None


def test_a_newer_wording_not_held_is_warned_of(ledger: Ledger) -> None:
    assert "2026-01-01" in ledger.article("某市噪声条例", "1", date(2024, 1, 1)).status


def test_missing_article_says_how_many_there_are(ledger: Ledger) -> None:
    with pytest.raises(ArticleNotFound, match="没有第十一条：该文本共 10 条"):
        ledger.article("杭州市停车条例", "11", date(2024, 1, 1))
    assert ledger.article("杭州市停车条例", "11", date(2012, 1, 1)).label == "第十一条"


def test_unknown_title_offers_similar_ones(ledger: Ledger) -> None:
    with pytest.raises(InstrumentNotFound, match="杭州市停车条例"):
        ledger.article("杭州市停车办法", "1", date(2024, 1, 1))
    with pytest.raises(NotInForce, match="大法典"):
        ledger.article("买卖合同法", "1", date(2024, 1, 1))
    with pytest.raises(NotHeld, match="没有收录其文本"):
        ledger.article("买卖合同法", "1", date(2019, 1, 1))


def test_code_in_several_files_is_one_instrument(ledger: Ledger) -> None:
    (code,) = ledger.versions("中华人民共和国大法典")
    assert (code.n_articles, code.kind) == (6, "法律")
    assert [one.article for one in ledger.articles(code.id)] == list("123456")
    fourth = ledger.article("大法典", "4", date(2024, 1, 1))
    assert fourth.path[0] == "物权编"
    assert [one.article for one in ledger.neighbours(fourth.clause_id, 2)] == ["2", "3", "5", "6"]


def test_names(ledger: Ledger) -> None:
    for name in ("《杭州市停车条例》", "杭州市 停车条例", "停车规定", "市停车条例"):
        assert ledger.resolve(name) == "杭州市停车条例", name
    assert ledger.resolve("条例") is None
    assert ledger.resolve("市条例") is None
    assert ledger.mentioned("按大法典和《杭州市停车条例》第二条，以及访客工作条例办理") == [
        "杭州市停车条例", "访客工作条例", "大法典"]


def test_a_name_within_another_word_is_no_name() -> None:
    names = Names(["公司法", "城乡规划法", "浙江省城乡规划条例"], {"规划法": "城乡规划法"})
    assert names.mentioned("公司法定代表人可以变更吗") == []
    assert names.mentioned("公司法第三条和规划法") == ["公司法", "城乡规划法"]
    assert names.mentioned("浙江省城乡规划条例") == ["浙江省城乡规划条例"]


def test_longer_title_is_not_taken_for_a_law_known_to_have_ended() -> None:
    assert Names(["劳动买卖合同法"], {}).resolve("买卖合同法") == "劳动买卖合同法"
    assert Names(["劳动买卖合同法"], {}, ["买卖合同法"]).resolve("买卖合同法") is None


@given(st.sampled_from(["城乡规划法", "公司法（试行）", "实施《水法》办法"]),
       st.booleans(), st.booleans())
def test_ways_of_writing_a_title_are_one(title: str, nation: bool, quoted: bool) -> None:
    written = ("中华人民共和国" if nation else "") + title.replace("（", "(").replace("）", ")")
    names = Names([title], {})
    assert names.resolve(f"《{written}》" if quoted and "《" not in title else written) == title
    assert plain_title(written) == title


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, 9000), st.sampled_from([None, "全国", "浙江省", "杭州市"]),
       st.sampled_from([None, ("法律",), ("地方性法规", "行政法规")]))
def test_mask_is_the_rule_applied_to_each_clause(
        ledger: Ledger, days: int, region: str | None, kinds: tuple[str, ...] | None) -> None:
    day = date(2000, 1, 1) + timedelta(days=days)
    mask = ledger.in_force(day, region, kinds)
    wanted = set()
    for one in ledger.instruments():
        here = region is None or one.region in region_chain(region)
        if one.in_force(day) and here and (kinds is None or one.kind in kinds):
            wanted |= {clause.rowid for clause in ledger.articles(one.id)}
    assert set(np.flatnonzero(mask).tolist()) == wanted


def test_rows_and_clauses_agree(ledger: Ledger) -> None:
    rows = dict(ledger.rows())
    assert len(rows) == sum(one.n_articles for one in ledger.instruments())
    assert max(rows) == len(ledger.in_force(date.today())) - 1
    some = list(rows)[::3]
    clauses = ledger.clauses([*some, 10**9])
    assert [one.rowid for one in clauses] == some
    for clause in clauses:
        assert clause.title in rows[clause.rowid]
        assert clause.text in rows[clause.rowid]
        assert ledger.clause(clause.clause_id) == clause
    assert dict(ledger.rows(some)) == {one: rows[one] for one in some}


def test_parts_of_an_article_have_ids(tmp_path: Path) -> None:
    path = write(tmp_path, "某法.md", "# 某法\n2001年1月1日 通过\n<!-- INFO END -->\n第一条 甲：\n"
                 "（一）乙；\n（二）丙。\n丁。\n第二条 自公布之日起施行。")
    with Ledger.open(tmp_path / "l.sqlite") as ledger:
        add_files(ledger, [path])
        assert ledger.clause("某法@2001-01-01#1/2").text == "丁。"
        item = ledger.clause("某法@2001-01-01#1/1/2")
        assert (item.label, item.text) == ("第一条第1款第2项", "（二）丙。")
        with pytest.raises(ArticleNotFound, match="2 款"):
            ledger.clause("某法@2001-01-01#1/3")


def test_digest_steps_back_for_the_full_text(tmp_path: Path) -> None:
    write(tmp_path, "pack/regulations/a.yaml", DIGEST)
    write(tmp_path, "pack/article_counts.yaml", "杭州市停车条例@2019-06-05: 10\n")
    with Ledger.open(tmp_path / "l.sqlite") as ledger:
        assert sync_pack(ledger, tmp_path / "pack") == 1
        assert sync_pack(ledger, tmp_path / "pack") == 0
        day = date(2024, 1, 1)
        digest = ledger.article("停车条例", "2", day)
        assert (digest.verbatim, digest.heading) == (False, "多久答复")
        with pytest.raises(NotHeld, match="共 10 条，城市包只收录了其中 2 条的摘要"):
            ledger.article("停车条例", "3", day)
        with pytest.raises(ArticleNotFound, match="共 10 条"):
            ledger.article("停车条例", "11", day)
        before = ledger.snapshot()
        add_files(ledger, [make(tmp_path / "laws")])
        assert ledger.snapshot() != before
        assert ledger.article("停车条例", "2", day).verbatim
        assert ledger.clause(digest.clause_id).verbatim
        assert not ledger.in_force(day)[digest.rowid]
        assert remove(ledger, "杭州市停车条例") == 3
        assert ledger.resolve("停车条例") is None


def test_pack_follows_its_files(tmp_path: Path) -> None:
    path = write(tmp_path, "pack/regulations/a.yaml", DIGEST)
    with Ledger.open(tmp_path / "l.sqlite") as ledger:
        sync_pack(ledger, tmp_path / "pack")
        path.write_text(DIGEST.replace("15日", "20日"), "utf-8")
        assert sync_pack(ledger, tmp_path / "pack") == 1
        assert "20日" in ledger.article("停车条例", "2", date(2024, 1, 1)).text
        path.unlink()
        assert sync_pack(ledger, tmp_path / "pack") == 1
        assert ledger.instruments() == []


@pytest.mark.parametrize(("old", "new", "words"), [
    ("kind: 地方性法规", "kind: 地方法", "kind"), ('n: "9"', 'n: "2"', "出现了两次"),
    ("version: 2019-06-05", "version: 昨天", "version"), ("issuer:", "issuers:", "issuer"),
    ("title: 杭州市停车条例\n", "title: [杭州\n", "读不了")])
def test_wrong_digest_is_refused_by_name(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = write(tmp_path, "a.yaml", DIGEST.replace(old, new, 1))
    with pytest.raises(CorpusError, match=words) as caught:
        read_digest(path)
    assert "a.yaml" in caught.value.zh


@pytest.mark.parametrize(("text", "words"), [
    ("ended: [{title: 甲, date: 2020-13-01, source: x}]", "读不了|ended"),
    ("ended: [{title: 甲, date: 2020-01-01}]", "ended.0.source"), ("endet: []", "endet"),
    ("ended: [", "读不了")])
def test_wrong_status_table_is_refused_by_place(tmp_path: Path, text: str, words: str) -> None:
    path = write(tmp_path, "status.yaml", text)
    with pytest.raises(CorpusError, match=words):
        Ledger.open(tmp_path / "l.sqlite", path)


def test_damaged_ledger_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite"
    path.write_bytes(b"no database at all, but long enough to be looked at" * 50)
    with pytest.raises(CorpusError, match="打不开"):
        Ledger.open(path)


def test_reads_from_many_threads(ledger: Ledger) -> None:
    found: list[str] = []

    def work() -> None:
        for number in range(1, 11):
            found.append(ledger.article("杭州市停车条例", str(number), date(2024, 1, 1)).clause_id)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 80
    assert len(set(found)) == 10


def test_levels_are_a_partial_order() -> None:
    city, province = ("地方性法规", "杭州市"), ("地方性法规", "浙江省")
    assert compare("宪法", "全国", "法律", "全国") == "higher"
    assert compare("法律", "全国", *province) == "higher"
    assert compare(*city, *province) == "lower"
    assert compare(*province, "地方政府规章", "杭州市") == "higher"
    assert compare(*city, "地方政府规章", "浙江省") == "apart"
    assert compare("部门规章", "全国", "地方政府规章", "浙江省") == "equal"
    assert compare("部门规章", "全国", *province) == "unresolved"
    assert compare("司法解释", "全国", "法律", "全国") == "apart"
    assert compare(*city, "地方性法规", "广州市") == "apart"
    assert level_of(*city) == "设区的市地方性法规"
    assert level_of("地方性法规", "上海市") == "地方性法规"


@given(st.sampled_from(["宪法", "法律", "行政法规", "地方性法规", "部门规章", "地方政府规章", "标准"]),
       st.sampled_from(["全国", "浙江省", "杭州市", "上海市"]),
       st.sampled_from(["宪法", "法律", "行政法规", "地方性法规", "部门规章", "地方政府规章", "标准"]),
       st.sampled_from(["全国", "浙江省", "杭州市", "上海市"]))
def test_order_reads_the_same_from_both_sides(a: str, b: str, c: str, d: str) -> None:
    turned = {"higher": "lower", "lower": "higher"}
    there, back = compare(a, b, c, d), compare(c, d, a, b)
    assert back == turned.get(there, there)
