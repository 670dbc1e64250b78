"""Everyday questions of the pack: where they attach, what they do in search, how they are kept."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from small_corpus import TEXTS, fill

from cityllm.config import Settings
from cityllm.corpus.asks import NAMES as ASK_NAMES
from cityllm.corpus.digests import read_digest, sync_pack
from cityllm.corpus.features import NAMES
from cityllm.corpus.held_out import fold
from cityllm.corpus.importer import add_files
from cityllm.corpus.ledger import Ledger
from cityllm.corpus.lexical import Lexical
from cityllm.corpus.search import Search, index_folder, open_search
from cityllm.corpus.terms import terms
from cityllm.errors import CorpusError
from finetune.retrieval_data import ask_questions, pack_asks
from finetune.unseen import halves, with_few_asks

OLD, NEW = date(2021, 1, 1), date(2024, 1, 1)
WEIGHTS = Path(__file__).resolve().parent.parent / "cityllm" / "model" / "weights" / "embedder"
ASK = "铁疙瘩趴在砖道上挨宰几张"
FILE = f"""title: 河湾停车管理办法
full_title: 河湾停车管理办法
issuer: 河湾人民政府
kind: 地方政府规章
region: 全国
version: 2022-06-01
source: {{name: 河湾, url: "https://city.example"}}
articles:
  - n: "2"
    heading: 人行道停车
    digest: 把机动车违法停在人行道上，罚二百元。
    asks:
      - {ASK}
      - How much is it for a motor left on the pavement
  - n: "3"
    heading: 车位归谁
    digest: 小区车位先给业主用。
    asks: [外人能不能占我们楼下的格子]
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home and a pack of one file with asks."""
    (tmp_path / "pack" / "regulations").mkdir(parents=True)
    write(tmp_path, FILE)
    return Settings(home=tmp_path, pack=tmp_path / "pack")


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Ledger]:
    """The pack alone."""
    with Ledger.open(settings.ledger) as found:
        sync_pack(found, settings.pack)
        yield found


def write(folder: Path, text: str) -> Path:
    path = folder / "pack" / "regulations" / "parking.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def attached(ledger: Ledger) -> dict[str, list[tuple[str, bool]]]:
    """Question -> (clause id, verbatim) of the rows that it attaches to."""
    return {question: [(one.clause_id, one.verbatim) for one in ledger.clauses(rows)]
            for rows, asked in ledger.asks() for question in asked}


def first(search: Search, day: date = NEW, query: str = ASK) -> tuple[str, bool]:
    clause = search.search(query, day)[0].clause
    return clause.clause_id, clause.verbatim


def test_asks_attach_to_digest_and_to_the_full_text_of_the_same_version(
        settings: Settings, ledger: Ledger) -> None:
    place = "河湾停车管理办法@2022-06-01#2"
    assert attached(ledger)[ASK] == [(place, False)]
    assert first(open_search(ledger, settings)) == (place, False)
    fill(settings).close()
    assert sorted(attached(ledger)[ASK]) == [(place, False), (place, True)]
    assert first(open_search(ledger, settings)) == (place, True)


def test_asks_never_attach_to_another_version(settings: Settings, ledger: Ledger) -> None:
    fill(settings, {name: text for name, text in TEXTS.items() if "2022" not in name})
    assert {one for found in attached(ledger).values() for one, _ in found} == {
        "河湾停车管理办法@2022-06-01#2", "河湾停车管理办法@2022-06-01#3"}
    search = open_search(ledger, settings)
    assert first(search)[0] == "河湾停车管理办法@2022-06-01#2"
    before = search.candidates(ASK, OLD)
    at = NAMES.index("ask_held")
    assert not before.features[:, at].any()
    rows = search.index.views.shelf.rows[before.places]
    assert ledger.in_force(OLD)[rows].all()


def test_asks_pass_no_hard_filter(settings: Settings, ledger: Ledger) -> None:
    fill(settings).close()
    search = open_search(ledger, settings)
    kinds = {hit.clause.kind for hit in search.search(ASK, NEW, 50, kinds=["规范性文件"])}
    assert kinds <= {"规范性文件"}
    titles = {hit.clause.title for hit in search.search(ASK, NEW, 50, title="信访处理规定")}
    assert titles <= {"信访处理规定"}


def test_leaving_out_a_question_does_not_find_itself(settings: Settings, ledger: Ledger) -> None:
    found = open_search(ledger, settings)
    unseen = Search(ledger, found.index, found.embedder, found.reranker, leave_out=True)
    at = NAMES.index("ask_likeness")
    for question in (ASK, f"2023年的时候，{ASK}", f"{ASK}？"):
        assert found.candidates(question, NEW).features[:, at].max() > 0.4
        assert unseen.candidates(question, NEW).features[:, at].max() < 0.1
    other = "外人占楼下的格子"
    assert unseen.candidates(other, NEW).features[:, at].max() > 0.4


def test_a_question_without_an_ask_nearby_is_still_answered(settings: Settings) -> None:
    with fill(settings) as ledger:
        sync_pack(ledger, settings.pack)
        assert first(open_search(ledger, settings), query="信访事项多少日办结")[
            0] == "信访处理规定@2020-05-01#2"


def test_the_index_follows_the_asks(settings: Settings, ledger: Ledger) -> None:
    open_search(ledger, settings)
    before = ledger.snapshot()
    write(settings.home, FILE.replace(ASK, "四个轮子搁在人走的地方"))
    assert sync_pack(ledger, settings.pack) == 1
    assert ledger.snapshot() != before
    assert len(attached(ledger)) == 3
    search = open_search(ledger, settings)
    assert search.index.healed == ""
    place = "河湾停车管理办法@2022-06-01#2"
    assert first(search, query="四个轮子搁在人走的地方") == (place, False)
    write(settings.home, FILE.replace("    asks: [外人能不能占我们楼下的格子]\n", ""))
    sync_pack(ledger, settings.pack)
    assert len(open_search(ledger, settings).index.views.asks) == 2


@pytest.mark.parametrize("part", ["asks/data.npy", "asks/terms.json", "asks-vectors.npz"])
@pytest.mark.parametrize("hurt", ["deleted", "cut", "scribbled"])
def test_damaged_asks_are_built_again(settings: Settings, ledger: Ledger, part: str,
                                      hurt: str) -> None:
    expected = open_search(ledger, settings).candidates(ASK, NEW).features
    path = index_folder(settings) / part
    data = path.read_bytes()
    if hurt == "deleted":
        path.unlink()
    else:
        path.write_bytes(data[:len(data) // 2] if hurt == "cut" else b"\0" * len(data))
    found = open_search(ledger, settings).candidates(ASK, NEW).features
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(("wrong", "words"), [
    (FILE.replace("[外人能不能占我们楼下的格子]", "[外人占格子, 外人占格子]"), "外人占格子"),
    (FILE.replace("[外人能不能占我们楼下的格子]", "[谁, 谁的格子]"), "谁"),
    (FILE.replace("[外人能不能占我们楼下的格子]", "外人能不能占"), "asks"),
    (FILE.replace("[外人能不能占我们楼下的格子]", f"[{'长' * 201}]"), "长长"),
    (FILE.replace("    asks: [", "    questions: ["), "questions")])
def test_a_wrong_ask_is_named(tmp_path: Path, settings: Settings, wrong: str, words: str) -> None:
    path = write(tmp_path, wrong)
    with pytest.raises(CorpusError, match=words):
        read_digest(path)


def test_training_asks_every_question_of_a_search_that_has_not_seen_it(
        settings: Settings, ledger: Ledger) -> None:
    unseen = halves(ledger, settings.home / "half", [WEIGHTS, WEIGHTS])
    assert unseen.of(ASK) is unseen.searches[1 - fold(ASK) % 2]
    assert unseen.of(f"2023年的时候，{ASK}") is unseen.of(ASK)
    assert unseen.search("小区车位归谁", NEW)[0].clause.article == "3"
    at = NAMES.index("ask_likeness")
    assert unseen.of(ASK).candidates(ASK, NEW).features[:, at].max() < 0.1
    bare = with_few_asks(unseen).of(ASK).candidates("外人占楼下的格子", NEW)
    own = bare.features[:, [NAMES.index(name) for name in ASK_NAMES if name != "ask_rank"]]
    assert not own.any()


def test_what_training_reads_is_what_the_pack_holds(settings: Settings, ledger: Ledger) -> None:
    assert [(question, title, article) for question, title, article in pack_asks(settings.pack)
            if question == ASK] == [(ASK, "河湾停车管理办法", "2")]
    (one,) = [one for one in ask_questions(ledger) if one.text == ASK]
    assert "二百元" in one.answer
    assert [clause.article for clause in ledger.clauses(one.rows)] == ["2"]


def test_cover_counts_a_term_once_for_an_article() -> None:
    texts = [terms(text) for text in ("停车罚款", "停车收费", "规划许可")]
    index, group = Lexical.build(texts), np.array([0, 0, 1])
    found = index.cover(terms("停车罚款收费"), group, 2, np.array([True, True, True]))
    weights = index.weights(terms("停车罚款收费"))
    both = set(texts[0]) | set(texts[1])
    assert found == pytest.approx([sum(v for k, v in weights.items() if k in both), 0], rel=1e-5)
    half = index.cover(terms("停车罚款收费"), group, 2, np.array([True, False, True]))
    assert half[0] == pytest.approx(sum(v for k, v in weights.items() if k in texts[0]), rel=1e-5)
    assert index.totals() == pytest.approx(
        [sum(index.weights(text).values()) for text in texts], rel=1e-5)


def test_removing_the_pack_removes_its_asks(settings: Settings, ledger: Ledger) -> None:
    shutil.rmtree(settings.pack / "regulations")
    sync_pack(ledger, settings.pack)
    assert ledger.asks() == []
    fill(settings).close()
    add_files(ledger, [settings.home / "texts"])
    assert ledger.asks() == []


