"""The index is a cache: built once, kept, brought up to date, and healed when it is hurt."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import bm25s
import numpy as np
import pytest
from small_corpus import TEXTS, fill, settings_in

from cityllm.config import Settings
from cityllm.corpus.importer import add_files
from cityllm.corpus.index import open_index
from cityllm.corpus.ledger import Ledger
from cityllm.corpus.lexical import K1, B, Lexical
from cityllm.corpus.search import index_folder, open_search, rebuild_search
from cityllm.corpus.terms import terms
from cityllm.errors import CorpusError, ModelUnavailable

DAY = date(2024, 1, 1)
QUESTION = "车停在人行道上罚多少钱"


class CountingEmbedder:
    """Vectors from letters; remembers how many texts it was given."""

    def __init__(self, name: str = "letters", dim: int = 16) -> None:
        self.name, self.dim, self.leading, self.seen = name, dim, 0, 0

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        self.seen += len(texts)
        found = np.zeros((len(texts), self.dim), dtype=np.float32)
        for at, text in enumerate(texts):
            for letter in text:
                found[at, ord(letter) % self.dim] += 1
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)

    def encode_query(self, text: str) -> np.ndarray:
        return self.encode([text])[0]


def first(ledger: Ledger, settings: Settings) -> str:
    return open_search(ledger, settings).search(QUESTION, DAY)[0].clause.clause_id


def test_vectors_are_made_once_and_only_for_what_is_new(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    with fill(settings, dict(list(TEXTS.items())[:2])) as ledger:
        embedder = CountingEmbedder()
        open_index(ledger, tmp_path / "index", embedder)
        held = embedder.seen
        assert held == 7
        open_index(ledger, tmp_path / "index", embedder)
        assert embedder.seen == held
        (tmp_path / "texts" / "信访处理规定(2020-05-01).md").write_text(
            TEXTS["信访处理规定(2020-05-01)"], encoding="utf-8")
        add_files(ledger, [tmp_path / "texts"])
        index = open_index(ledger, tmp_path / "index", embedder)
        assert embedder.seen == held + 2
        assert len(index.views.shelf) == held + 2
        assert index.views.matrix is not None
        expected = CountingEmbedder().encode(
            [text for _, text in ledger.rows(index.views.shelf.rows.tolist())])
        np.testing.assert_allclose(index.views.matrix, expected, atol=1e-6)


def test_another_embedder_means_other_vectors(tmp_path: Path) -> None:
    with fill(settings_in(tmp_path)) as ledger:
        open_index(ledger, tmp_path / "index", CountingEmbedder())
        other = CountingEmbedder("others", 8)
        index = open_index(ledger, tmp_path / "index", other)
        assert other.seen == len(index.views.shelf)
        assert index.views.matrix is not None
        assert index.views.matrix.shape[1] == 8


@pytest.mark.parametrize("part", ["shelf.npz", "bm25/data.npy", "heads/terms.json", "state.json",
                                  "matrix.npz"])
@pytest.mark.parametrize("hurt", ["deleted", "cut", "scribbled"])
def test_a_damaged_part_is_built_again(tmp_path: Path, part: str, hurt: str) -> None:
    settings = settings_in(tmp_path)
    with fill(settings) as ledger:
        before = first(ledger, settings)
        path = index_folder(settings) / part
        data = path.read_bytes()
        if hurt == "deleted":
            path.unlink()
        else:
            path.write_bytes(data[:len(data) // 2] if hurt == "cut" else b"\0" * len(data))
        assert first(ledger, settings) == before


@pytest.mark.parametrize("hurt", ["deleted", "emptied", "scribbled", "no segments"])
def test_a_wedged_vector_store_heals(tmp_path: Path, hurt: str) -> None:
    settings = settings_in(tmp_path)
    folder = index_folder(settings) / "chroma"
    with fill(settings) as ledger:
        before = first(ledger, settings)
        (store,) = folder.iterdir()
        from cityllm.corpus.vectors import release

        release()
        if hurt == "deleted":
            shutil.rmtree(folder)
        elif hurt == "emptied":
            shutil.rmtree(store)
            store.mkdir()
        elif hurt == "scribbled":
            for path in store.rglob("*"):
                if path.is_file():
                    path.write_bytes(b"not a database" * 100)
        else:
            import sqlite3

            with sqlite3.connect(store / "chroma.sqlite3") as database:
                database.execute("DELETE FROM segments")
        found = open_search(ledger, settings)
        assert found.search(QUESTION, DAY)[0].clause.clause_id == before
        assert bool(found.index.healed) == (hurt in {"scribbled", "no segments"})


KILLED = """
import sys
from pathlib import Path
from cityllm.corpus import vectors
from cityllm.corpus.ledger import Ledger
from cityllm.corpus.search import open_search
from cityllm.config import Settings
vectors._BATCH = 2
def say(done, total, what):
    if what.startswith("向量"):
        print(done, flush=True)
settings = Settings(home=Path(sys.argv[1]))
with Ledger.open(settings.ledger) as ledger:
    open_search(ledger, settings, say)
    print("end", flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("after", [1, 3])
def test_killed_while_writing_it_is_whole_at_the_next_start(tmp_path: Path, after: int) -> None:
    settings = settings_in(tmp_path)
    fill(settings).close()
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)],
                               stdout=subprocess.PIPE, text=True,
                               cwd=Path(__file__).resolve().parent.parent)
    assert process.stdout is not None
    with process.stdout:
        lines = [process.stdout.readline().strip() for _ in range(after)]
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert "end" not in lines
    with Ledger.open(settings.ledger) as ledger:
        search = open_search(ledger, settings)
        assert search.index.views.matrix is not None
        assert len(search.index.views.matrix) == len(search.index.views.shelf) == 12
        assert search.search(QUESTION, DAY)[0].clause.title == "河湾停车管理办法"


def test_rebuild_starts_from_nothing(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    with fill(settings) as ledger:
        before = first(ledger, settings)
        (index_folder(settings) / "stray").write_text("x")
        again = rebuild_search(ledger, settings)
        assert again.search(QUESTION, DAY)[0].clause.clause_id == before
        assert not (index_folder(settings) / "stray").exists()


def test_an_empty_ledger_can_be_searched(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    with Ledger.open(settings.ledger) as ledger:
        assert open_search(ledger, settings).search(QUESTION, DAY) == []


def test_wrong_embedders_are_named(tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    (weights / "embedder").mkdir(parents=True)
    (weights / "embedder" / "model.safetensors").write_bytes(b"nothing")
    with fill(settings_in(tmp_path)) as ledger:
        with pytest.raises(ModelUnavailable, match="embedder"):
            open_search(ledger, Settings(home=tmp_path, weights=weights))
        with pytest.raises(ModelUnavailable, match="CITYLLM_EMBEDDER"):
            open_search(ledger, Settings(home=tmp_path, embedder=str(tmp_path / "missing")))


def test_a_chroma_server_that_is_away_is_named(tmp_path: Path) -> None:
    with (fill(settings_in(tmp_path)) as ledger,
          pytest.raises(CorpusError, match=r"127\.0\.0\.1:9")):
        open_search(ledger, Settings(home=tmp_path, chroma_url="http://127.0.0.1:9"))


def test_scores_equal_those_of_bm25s() -> None:
    texts = [terms(text) for text in TEXTS.values()] + [terms("停车停车罚款"), []]
    ours = Lexical.build(texts)
    theirs = bm25s.BM25(k1=K1, b=B, method="lucene")
    theirs.index(texts, show_progress=False)
    for question in ("停车罚款", "罚款罚款", "规划 许可 noise"):
        known = [term for term in terms(question) if term in theirs.vocab_dict]
        expected = theirs.get_scores(known)
        np.testing.assert_allclose(ours.scores(terms(question))[0], expected, rtol=1e-5)


def test_share_is_one_where_all_of_a_question_stands() -> None:
    index = Lexical.build([terms("人行道停车"), terms("停车"), terms("规划")])
    _, share = index.scores(terms("人行道"))
    assert share == pytest.approx([1, 0, 0], abs=1e-6)
