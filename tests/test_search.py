"""Search over a small made-up corpus: look-up, the as-of filter, titles, passages, languages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_corpus import fill, settings_in

from cityllm.corpus.citations import clause_of, numbers_in
from cityllm.corpus.embedding import load_bundled
from cityllm.corpus.passages import best_passage
from cityllm.corpus.places import region_named
from cityllm.corpus.search import Search, open_search
from cityllm.corpus.terms import sentences, terms
from cityllm.corpus.wording import english_titles, statute_words
from cityllm.errors import ArticleNotFound, CorpusError

OLD, NEW = date(2021, 1, 1), date(2024, 1, 1)
WEIGHTS = Path(__file__).resolve().parent.parent / "cityllm" / "model" / "weights" / "embedder"


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Search]:
    settings = settings_in(tmp_path_factory.mktemp("home"))
    with fill(settings) as ledger:
        yield open_search(ledger, settings)


@pytest.mark.parametrize(("question", "answer"), [
    ("没办规划许可证就盖房，会怎么罚？", {"河湾城乡规划条例#3", "河湾城乡规划条例#2"}),
    ("晚上工地施工太吵了", {"河湾城乡规划条例#4"}),
    ("车停在人行道上罚多少钱", {"河湾停车管理办法#2"}),
    ("小区里的停车位归谁用", {"河湾停车管理办法#3"}),
    ("Is there a fine for noise at night?", {"河湾城乡规划条例#4"}),
])
def test_a_question_in_plain_words_finds_its_article(search: Search, question: str,
                                                     answer: set[str]) -> None:
    first = search.search(question, NEW)[0].clause
    assert f"{first.title}#{first.article}" in answer


@pytest.mark.parametrize("question", [
    "河湾停车管理办法第二条", "《河湾停车管理办法》第2条规定了什么", "停车管理办法2条", "河湾停车管理办法  第二条 是什么？"])
def test_a_named_article_is_looked_up(search: Search, question: str) -> None:
    first = search.search(question, NEW)[0]
    assert (first.clause.clause_id, first.why, first.score) == (
        "河湾停车管理办法@2022-06-01#2", "exact", 1.0)


@pytest.mark.parametrize(("day", "words"), [(OLD, "一百元"), (NEW, "二百元")])
def test_only_what_is_in_force_can_come_up(search: Search, day: date, words: str) -> None:
    hits = search.search("违法停放机动车 罚款", day, 50)
    parking = [hit.clause for hit in hits if hit.clause.title == "河湾停车管理办法"]
    assert words in parking[0].text
    assert len({clause.version for clause in parking}) == 1


def test_before_any_law_there_is_nothing(search: Search) -> None:
    assert search.search("罚款", date(1990, 1, 1)) == []


def test_a_clause_comes_once_and_scores_fall(search: Search) -> None:
    hits = search.search("停车管理办法第二条 罚款", NEW, 50)
    ids = [hit.clause.clause_id for hit in hits]
    assert len(ids) == len(set(ids)) > 3
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert len(search.search("罚款", NEW, 2)) == 2


def test_title_and_kinds_are_hard_filters(search: Search) -> None:
    of_title = search.search("罚款", NEW, 50, title="停车管理办法")
    assert {hit.clause.title for hit in of_title} == {"河湾停车管理办法"}
    of_kind = search.search("罚款", NEW, 50, kinds=["规范性文件"])
    assert {hit.clause.kind for hit in of_kind} <= {"规范性文件"}
    with pytest.raises(CorpusError, match="火星法"):
        search.search("罚款", NEW, title="火星法")


def test_a_question_without_known_words_finds_nothing(search: Search) -> None:
    assert search.search("", NEW) == []
    assert search.search("？？？", NEW) == []


@given(question=st.text(max_size=60))
def test_any_text_is_answered_by_hits_in_force(search: Search, question: str) -> None:
    for hit in search.search(question, NEW, 5):
        assert search.ledger.in_force(NEW)[hit.clause.rowid]
        assert len(hit.passage) <= 120


def test_search_works_without_reranker_and_without_vectors(search: Search) -> None:
    plain = Search(search.ledger, search.index, None, None)
    assert plain.search("人行道违法停放", NEW)[0].clause.article == "2"
    fused = Search(search.ledger, search.index, search.embedder, None)
    assert fused.search("人行道违法停放", NEW)[0].clause.article == "2"


@pytest.mark.parametrize(("text", "numbers"), [
    ("规划法64条", ["64"]), ("第六十四条之一", ["64-1"]), ("第一千二百六十条和第3条", ["1260", "3"]),
    ("Article 64 of the Law", ["64"]), ("GB 50352 的 3.0.1 怎么说", ["3.0.1"]),
    ("门前那条路", []), ("提了三条建议", []), ("这个条例好吗", []), ("养了两条狗", [])])
def test_article_numbers_are_read(text: str, numbers: list[str]) -> None:
    assert numbers_in(text) == numbers


def test_a_reference_resolves_or_says_why(search: Search) -> None:
    clause = clause_of(search.ledger, "《河湾停车管理办法》第三条", OLD)
    assert clause.clause_id == "河湾停车管理办法@2015-01-01#3"
    with pytest.raises(ArticleNotFound):
        clause_of(search.ledger, "河湾停车管理办法", OLD)


@pytest.mark.parametrize(("text", "region"), [
    ("杭州哪些地方不能停车", "杭州市"), ("浙江杭州的规定", "杭州市"), ("浙江省怎么规定", "浙江省"),
    ("中山路能停车吗", None), ("北京和上海有什么不同", None), ("rules in Hangzhou", "杭州市"),
    ("怎么办理许可", None)])
def test_a_region_is_read_from_the_question(text: str, region: str | None) -> None:
    assert region_named(text) == region


def test_english_names_and_terms_become_chinese() -> None:
    assert english_titles("Article 64 of the Urban and Rural Planning Law") == ["城乡规划法"]
    assert "规划许可证" in statute_words("built without planning permits")


def test_everyday_words_become_those_of_statutes() -> None:
    assert {"噪声", "夜间", "建筑施工"} <= set(statute_words("工地半夜噪音太大").split())
    assert statute_words("建设工程规划许可证") == ""


@given(st.text(max_size=300), st.text(max_size=20))
def test_a_passage_is_short_and_verbatim(text: str, query: str) -> None:
    passage = best_passage(text, dict.fromkeys(terms(query), 1.0))
    assert len(passage) <= 120
    assert passage.strip("…").strip() in " ".join(text.strip().split("\n")).strip("…")


def test_a_passage_holds_what_was_asked() -> None:
    text = "总则的话很长。" * 40 + "逾期不申请的，视为放弃。" + "别的话也很长。" * 40
    assert "逾期不申请" in best_passage(text, {"逾期": 5.0, "申请": 2.0})


@given(st.text(max_size=200))
def test_terms_and_sentences_hold_only_what_the_text_holds(text: str) -> None:
    squeezed = "".join(text.split())
    assert "".join("".join(sentences(text)).split()) == squeezed
    assert all(term for term in terms(text))


def test_the_bundled_embedder_equals_sentence_transformers() -> None:
    from sentence_transformers import SentenceTransformer

    texts = ["没办规划许可证就盖了楼", "夜间施工 15 日 noise", "信访事项六十日内办结"]
    ours = load_bundled(WEIGHTS).encode(texts)
    theirs = SentenceTransformer(str(WEIGHTS), device="cpu").float().encode(
        [" ".join(terms(text)) for text in texts])
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_an_empty_text_has_a_vector_of_zeros() -> None:
    found = load_bundled(WEIGHTS).encode(["", "规划"])
    assert not found[0].any()
    assert np.linalg.norm(found[1]) == pytest.approx(1, abs=1e-5)
