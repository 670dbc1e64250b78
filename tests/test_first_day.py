"""The first day of a title: before it "not yet in force", after it at worst "not held"."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from cityllm.corpus.digests import sync_pack
from cityllm.corpus.importer import add_files
from cityllm.corpus.ledger import Ledger
from cityllm.errors import NotHeld, NotInForce
from tests.laws import law, write
from tests.test_ledger import DIGEST

FIRST = "adopted: 2010-03-01\nversion: 2019-06-05\neffective: 2010-05-01"


@pytest.mark.parametrize(("dates", "held", "absent"), [
    # the revision's own date is not the law's first: it existed since its adoption
    ("adopted: 1993-12-29\nversion: 2023-12-29\neffective: 2024-07-01", "1993-12-29", "1993-12-28"),
    # 自…起施行 of a revision before the last one
    ("adopted: 1988-01-21\nversion: 2016-07-02\neffective: 2002-10-01", "1988-01-21", "1988-01-20"),
    # the first enactment's date, one and a half years after the adoption
    ("adopted: 1989-04-04\nversion: 2017-06-27\neffective: 1990-10-01", "1990-10-01", "1990-09-30"),
    (FIRST, "2010-05-01", "2010-04-30"),
    ("adopted: 2010-03-01\nversion: 2019-06-05\neffective: null", "2010-03-01", "2010-02-28")])
def test_revised_digest_existed_since_its_first_enactment(tmp_path: Path, dates: str, held: str,
                                                          absent: str) -> None:
    write(tmp_path, "pack/regulations/a.yaml", DIGEST.replace(FIRST, dates))
    with Ledger.open(tmp_path / "l.sqlite") as ledger:
        sync_pack(ledger, tmp_path / "pack")
        with pytest.raises(NotHeld, match="已经存在，但本库没有收录当时的文本") as found:
            ledger.article("停车条例", "2", date.fromisoformat(held))
        assert not isinstance(found.value, NotInForce)
        with pytest.raises(NotInForce, match=f"尚未施行（最早 {held}）"):
            ledger.article("停车条例", "2", date.fromisoformat(absent))


@pytest.mark.parametrize(("adopted", "version", "first"), [
    ("2024-12-25", "2024-12-25", "2026-01-01"), ("2022-01-24", "2022-02-25", "2022-05-01")])
def test_first_enactment_is_not_in_force_before_its_day(tmp_path: Path, adopted: str, version: str,
                                                        first: str) -> None:
    write(tmp_path, "pack/regulations/a.yaml", DIGEST.replace(
        FIRST, f"adopted: {adopted}\nversion: {version}\neffective: {first}"))
    with Ledger.open(tmp_path / "l.sqlite") as ledger:
        sync_pack(ledger, tmp_path / "pack")
        day = date.fromisoformat(first)
        assert ledger.article("停车条例", "2", day).text
        with pytest.raises(NotInForce, match=f"尚未施行（最早 {first}）"):
            ledger.article("停车条例", "2", day - timedelta(days=1))


def test_first_version_held_tells_the_first_day(tmp_path: Path) -> None:
    old = "adopted: 2020-07-05\nversion: 2020-07-05\neffective: 2020-09-01"
    new = "adopted: 2020-07-05\nversion: 2025-03-17\neffective: 2025-06-01"
    write(tmp_path, "pack/regulations/a.yaml", DIGEST.replace(FIRST, old))
    write(tmp_path, "pack/regulations/b.yaml", DIGEST.replace(FIRST, new))
    with Ledger.open(tmp_path / "l.sqlite") as ledger:
        sync_pack(ledger, tmp_path / "pack")
        assert ledger.article("停车条例", "2", date(2025, 5, 31)).version == date(2020, 7, 5)
        with pytest.raises(NotInForce, match="最早 2020-09-01"):
            ledger.article("停车条例", "2", date(2020, 8, 31))


def test_text_that_ends_an_older_one_of_its_name_was_not_the_first(tmp_path: Path) -> None:
    path = write(tmp_path, "行政法规/来信条例(2005-01-10).md", law(
        "来信条例", preamble="2005年1月10日 国务院令第1号公布",
        closing="本条例自2005年5月1日起施行。1995年10月28日发布的《来信条例》同时废止。"))
    with Ledger.open(tmp_path / "l.sqlite") as ledger:
        add_files(ledger, [path])
        with pytest.raises(NotHeld, match="2005-05-01 以前另有文本") as found:
            ledger.article("来信条例", "1", date(2000, 1, 1))
        assert not isinstance(found.value, NotInForce)


def test_no_revised_law_of_the_pack_is_said_not_to_be_in_force_yet(tmp_path: Path) -> None:
    pack = Path(__file__).resolve().parent.parent / "rag_corpus"
    with Ledger.open(tmp_path / "l.sqlite", pack / "status.yaml") as ledger:
        sync_pack(ledger, pack)
        for one in ledger.instruments():
            assert one.born is not None, one.name
            first = min(v.starts for v in ledger.versions(one.title) if v.starts)
            if one.adopted and (first - one.adopted).days > 731:
                with pytest.raises(NotHeld, match="已经存在"):
                    ledger.article(one.title, "1", first - timedelta(days=1))
        for name, day in (("公司法", date(2018, 10, 25)), ("行政复议法", date(2017, 8, 31)),
                          ("安全生产法", date(2015, 1, 1)), ("信访条例", date(2000, 1, 1)),
                          ("水法", date(1990, 1, 1))):
            with pytest.raises(NotHeld, match="已经存在"):
                ledger.article(name, "1", day)
