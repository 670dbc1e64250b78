"""Word-by-word ranking: its likeness against a plain second implementation, and what it does."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityllm.config import Settings
from cityllm.corpus import alignment
from cityllm.corpus.alignment import NAMES, Aligner, Weights, load_weights
from cityllm.corpus.digests import sync_pack
from cityllm.corpus.ledger import Ledger
from cityllm.corpus.search import Search, open_search
from cityllm.errors import ModelUnavailable

DAY = date(2024, 1, 1)
FILE = """title: 河湾停车管理办法
full_title: 河湾停车管理办法
issuer: 河湾人民政府
kind: 地方政府规章
region: 全国
version: 2022-06-01
source: {name: 河湾, url: "https://city.example"}
articles:
  - n: "2"
    heading: 人行道停车
    digest: 把机动车违法停在人行道上，罚二百元。
    asks: [车停在人行道上罚多少钱, How much is the fine for parking on the pavement]
  - n: "3"
    heading: 车位归谁
    digest: 小区车位先给业主用。
    asks: [外人能不能占我们楼下的车位, 小区的车位先给谁]
  - n: "4"
    heading: 投诉
    digest: 对停车管理不服的，六十日内可以申请复议。
"""
WORDS = st.text(st.sampled_from("车停人行道上罚多少钱小区位先给谁业主投诉复议日内，。3a "), max_size=24)


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Search]:
    folder = tmp_path_factory.mktemp("alignment")
    (folder / "pack" / "regulations").mkdir(parents=True)
    (folder / "pack" / "regulations" / "parking.yaml").write_text(FILE, encoding="utf-8")
    found = Settings(home=folder, pack=folder / "pack")
    with Ledger.open(found.ledger) as ledger:
        sync_pack(ledger, found.pack)
        yield open_search(ledger, found)


@pytest.fixture(scope="module")
def aligner(search: Search) -> Aligner:
    assert search.aligner is not None
    return search.aligner


def plain(aligner: Aligner, query: str, other: str, longest: int) -> tuple[float, float]:
    """(there, back) by loops over single positions."""
    own, its = aligner.read(query, alignment.QUERY), aligner.read(other, longest)
    table = aligner.embedder.weights

    def vector(ids: list[int]) -> list[float]:
        sums = [sum(float(table[at][k]) for at in ids) for k in range(table.shape[1])]
        length = math.sqrt(sum(x * x for x in sums))
        return [x / max(length, 1e-6) for x in sums]

    def one_way(a: alignment.Positions, b: alignment.Positions) -> float:
        left, right = ([vector(ids) for ids in p.ids.tolist()] for p in (a, b))
        best = [max(sum(x * y for x, y in zip(u, v, strict=True)) for v in right) for u in left]
        return sum(w * x for w, x in zip(a.rarity.tolist(), best, strict=True)) / sum(
            a.rarity.tolist())

    return one_way(own, its), one_way(its, own)


@pytest.mark.parametrize("query", ["人行道停车罚钱吗", "小区车位给谁用", "parking fine on a pavement"])
def test_likeness_is_that_of_a_plain_second_implementation(search: Search, aligner: Aligner,
                                                           query: str) -> None:
    article = search.ledger.article("河湾停车管理办法", "3", DAY)
    place = int(np.flatnonzero(search.index.views.shelf.rows == article.rowid)[0])
    found = dict(zip(NAMES, search.likeness(query, np.array([place]))[0].tolist(), strict=True))
    words = f"{article.title}，{article.heading}。{article.text}"
    assert found["text"] == pytest.approx(plain(aligner, query, words, alignment.TEXT)[0], abs=1e-4)
    pairs = [plain(aligner, query, ask, alignment.ASK)
             for ask in ("外人能不能占我们楼下的车位", "小区的车位先给谁")]
    assert found["ask"] == pytest.approx(max(there for there, _ in pairs), abs=1e-4)
    assert found["asked"] == pytest.approx(max(back for _, back in pairs), abs=1e-4)
    both = sorted((sum(pair) for pair in pairs), reverse=True)
    assert [found["likest"], found["second"]] == pytest.approx(both, abs=1e-4)


@given(query=WORDS)
@settings(max_examples=40, deadline=None)
def test_likeness_is_bounded_and_a_text_is_most_like_itself(search: Search, query: str) -> None:
    places = np.arange(len(search.index.views.shelf))
    found = search.likeness(query, places)
    assert np.isfinite(found).all()
    assert (found[:, :3] <= 1 + 1e-5).all() and (found[:, 3:5] <= 2 + 1e-5).all()
    assert set(np.unique(found[:, alignment.ASKS:])) <= {-1.0, 0.0, 1.0}


def test_an_ask_finds_itself_unless_it_is_left_out(search: Search) -> None:
    article = search.ledger.article("河湾停车管理办法", "2", DAY)
    place = np.flatnonzero(search.index.views.shelf.rows == article.rowid)
    asked = "车停在人行道上罚多少钱"
    at = NAMES.index("ask")
    assert search.likeness(asked, place)[0, at] == pytest.approx(1, abs=1e-4)
    assert search.leaving_out().likeness(asked, place)[0, at] < 0.9


def test_an_article_without_asks_has_its_text_only(search: Search) -> None:
    article = search.ledger.article("河湾停车管理办法", "4", DAY)
    place = np.flatnonzero(search.index.views.shelf.rows == article.rowid)
    found = search.likeness("不服多少天内能复议", place)[0]
    assert found[0] > 0.3 and not found[1:alignment.ASKS].any()
    assert found[NAMES.index("period")] == 1 and found[NAMES.index("penalty")] == 0


def test_the_weights_decide_the_order_and_scores_fall(search: Search) -> None:
    query = "外人占了小区车位怎么办"
    by_period = np.zeros(len(NAMES), np.float32)
    by_period[NAMES.index("text")] = 50
    for weights in (None, Weights(1.0, by_period, 1.0, -5.0), Weights(0.0, -by_period, 1.0, 0.0)):
        search.weights = weights
        places, scores = search.rank(query, DAY)
        assert sorted(places.tolist()) == sorted(set(places.tolist()))
        assert (np.diff(scores) <= 1e-6).all()
        if weights is not None:
            text = search.likeness(query, places)[:, 0] * np.sign(weights.each.sum())
            if weights.first == 0:
                assert (np.diff(text) <= 1e-6).all()
    assert search.search(query, DAY, 1)[0].score == pytest.approx(
        float(Weights(0.0, -by_period, 1.0, 0.0).probability(search.rank(query, DAY)[1][:1])[0]))
    search.weights = None


def test_weights_are_kept_and_wrong_ones_refused(tmp_path: Path) -> None:
    path = tmp_path / "alignment.npz"
    assert load_weights(path) is None
    made = Weights(0.5, np.arange(len(NAMES), dtype=np.float32), 2.0, -1.0)
    made.save(path)
    read = load_weights(path)
    assert read is not None and np.array_equal(read.each, made.each)
    assert replace(read, each=made.each) == replace(made, each=made.each)
    path.write_bytes(b"not weights")
    with pytest.raises(ModelUnavailable, match=r"finetune\.alignment"):
        load_weights(path)
    np.savez(path, names=np.array(["other"]), each=np.zeros(1), first=1, slope=1, offset=0)
    with pytest.raises(ModelUnavailable, match="other likenesses"):
        load_weights(path)
