"""Reading petitions: each kind of file, each encoding, columns by name, rows of no use."""

from __future__ import annotations

import json
import sqlite3
from datetime import date, datetime
from pathlib import Path

import pytest

from cityllm.errors import CityLLMError, ConfigError, UnreadableFile
from cityllm.petitions.columns import read_given
from cityllm.petitions.intake import Read, open_source, read_date, to_read

HEADER = ["编号", "留言主题", "留言详情", "留言时间", "所属区县", "电话", "备注"]
LINES = [["1", "路灯不亮", "人民路路灯坏了，\n\"三天\"没修", "2026/1/6 12:09:38", "东城区", "13812345678", "急"],
         ["2", "噪声", "夜里施工", "2026年1月7日", "西城区", "", ""],
         ["3", "", "", "2026-01-08", "", "", ""]]


def reads(name: str, given: dict[str, str] | None = None) -> list[Read | str]:
    source = open_source(name, given)
    rows = list(source.rows())
    assert source.total in (None, len(rows))
    return [to_read(row, source.given) for row in rows]


def check(found: list[Read | str]) -> None:
    first, second, third = found
    assert isinstance(first, Read)
    assert isinstance(second, Read)
    assert first.petition.id == "1"
    assert first.petition.title == "路灯不亮"
    assert first.petition.text == "人民路路灯坏了，\n\"三天\"没修"
    assert first.petition.received == date(2026, 1, 6)
    assert first.petition.district == "东城区"
    assert first.petition.extra == {"备注": "急"}
    assert first.who == "13812345678"
    assert second.petition.received == date(2026, 1, 7)
    assert third == "没有标题也没有内容"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_csv_of_every_encoding(tmp_path: Path, encoding: str, mark: str) -> None:
    import csv

    path = tmp_path / "day.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=mark).writerows([HEADER, *LINES])
    check(reads(str(path)))


def test_one_damaged_line_does_not_spoil_the_others(tmp_path: Path) -> None:
    path = tmp_path / "day.csv"
    good = "".join(f"{n},路灯不亮，请修\n" for n in range(30)).encode()
    path.write_bytes("编号,内容\n".encode() + good + b"x,\xd6\xd0\xce\xc4\n")
    found = reads(str(path))
    assert [one for one in found if isinstance(one, str)] == [found[30]]
    assert "编码" in str(found[30])


def test_excel(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    for line in [HEADER, *LINES]:
        book.active.append(line)
    book.active["D3"] = datetime(2026, 1, 7, 8, 30)
    book.active["A2"] = 1
    book.save(tmp_path / "day.xlsx")
    check(reads(str(tmp_path / "day.xlsx")))
    (tmp_path / "bad.xlsx").write_bytes(b"no zip")
    with pytest.raises(UnreadableFile, match=r"bad\.xlsx"):
        open_source(str(tmp_path / "bad.xlsx"))


def test_json_lines_and_bad_ones(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    rows = [json.dumps(dict(zip(HEADER, line, strict=True)), ensure_ascii=False) for line in LINES]
    path.write_text("\n".join([*rows, "", "{broken", "[1]", '{"id": 7, "text": "只有内容"}']),
                    encoding="utf-8")
    found = reads(str(path))
    check(found[:3])
    assert "JSON" in str(found[3])
    assert "JSON" in str(found[4])
    last = found[5]
    assert isinstance(last, Read)
    assert (last.petition.id, last.petition.received) == ("7", None)


def test_a_table_of_a_database(tmp_path: Path) -> None:
    path = tmp_path / "day.db"
    with sqlite3.connect(path) as base:
        base.execute("CREATE TABLE t (编号 INTEGER PRIMARY KEY, 留言主题, 留言详情, 留言时间 TEXT, 所属区县,"
                     " 电话, 备注)")
        base.executemany("INSERT INTO t VALUES (?,?,?,?,?,?,?)", LINES)
    base.close()
    check(reads(f"sqlite:///{path}#t"))
    with pytest.raises(ConfigError, match="none"):
        open_source(f"sqlite:///{path}#none")
    with pytest.raises(ConfigError, match="sqlite"):
        open_source("nonsense://x#t")


def test_a_row_with_too_many_cells_is_kept_with_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "day.csv"
    path.write_text("id,text\n1,a\n2,b,c,d\n3\n", encoding="utf-8")
    found = reads(str(path))
    assert isinstance(found[0], Read)
    assert "4" in str(found[1])
    assert found[2] == "没有标题也没有内容"


def test_columns_that_are_named_and_columns_that_are_not(tmp_path: Path) -> None:
    path = tmp_path / "day.csv"
    path.write_text("甲,乙\n1,路灯坏了\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="--column text="):
        list(open_source(str(path)).rows())
    with pytest.raises(ConfigError, match="丙"):
        list(open_source(str(path), {"text": "丙"}).rows())
    [found] = reads(str(path), read_given(["text=乙", "id=甲"]))
    assert isinstance(found, Read)
    assert (found.petition.id, found.petition.text) == ("1", "路灯坏了")
    with pytest.raises(ConfigError, match="nonsense"):
        read_given(["nonsense=x"])


def test_what_cannot_be_opened_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="sqlite"):
        open_source(str(tmp_path / "none.csv"))
    (tmp_path / "old.xls").write_bytes(b"")
    with pytest.raises(UnreadableFile, match=r"\.xlsx"):
        open_source(str(tmp_path / "old.xls"))


@pytest.mark.parametrize(("text", "day"), [
    ("2020/1/6 12:09:38", date(2020, 1, 6)), ("2020-01-06T12:00", date(2020, 1, 6)),
    ("2020年1月6日", date(2020, 1, 6)), ("20200106", date(2020, 1, 6)), ("2020.1.6", date(2020, 1, 6)),
    ("", None), ("昨天", None), ("1月6日", None), ("43836", None), ("2020-13-01", None),
    ("2020-02-30", None), ("1/6/2020", None), ("0001-01-01", None)])
def test_a_date_is_read_or_unknown(text: str, day: date | None) -> None:
    assert read_date(text) == day


def test_an_unread_date_stays_visible_and_dates_of_what_happened_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "day.csv"
    path.write_text("内容,收到日期,受理日期\n噪声,昨天,2026-01-09\n", encoding="utf-8")
    [found] = reads(str(path))
    assert isinstance(found, Read)
    assert found.petition.received is None
    assert "昨天" in found.petition.extra["日期读不了"]
    assert found.events == {"accepted": date(2026, 1, 9)}


def test_equal_rows_have_equal_digests_and_others_have_not(tmp_path: Path) -> None:
    path = tmp_path / "day.csv"
    path.write_text("id,text\n1,a\n1,a\n1,b\n", encoding="utf-8")
    first, second, third = open_source(str(path)).rows()
    assert first.digest == second.digest != third.digest
    assert issubclass(UnreadableFile, CityLLMError)
