"""`python -m evals retrieval` on a small made-up corpus: its figures are what they say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_corpus import TEXTS

from cityllm.corpus.held_out import HELD_OUT, fingerprint, fold, trained_on
from evals.retrieval import Asked, main, measure

WEIGHTS = Path(__file__).resolve().parent.parent / "cityllm" / "model" / "weights" / "embedder"
ROWS = [{"query": "车停在人行道上罚多少钱", "articles": ["河湾停车管理办法第二条"]},
        {"query": "小区车位归谁", "articles": ["《河湾停车管理办法》第三条", "河湾停车管理办法第一条"]},
        {"query": "上访多久有答复", "articles": ["信访处理规定第二条"]}]


@pytest.fixture
def laws(tmp_path: Path) -> Path:
    folder = tmp_path / "laws"
    for kind in ("行政法", "DLC/某省地方法规"):
        (folder / kind).mkdir(parents=True)
    for name, text in TEXTS.items():
        inside = "DLC/某省地方法规" if name.startswith("河湾城乡") else "行政法"
        (folder / inside / f"{name}.md").write_text(text, encoding="utf-8")
    return folder


def run(tmp_path: Path, laws: Path, rows: list[dict[str, object]], *more: str
        ) -> tuple[int, dict[str, object]]:
    questions, out = tmp_path / "qa.jsonl", tmp_path / "out.json"
    questions.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows),
                         encoding="utf-8")
    code = main(["--laws", str(laws), "--qa", str(questions), "--json", str(out),
                 "--as-of", "2024-01-01", *more])
    return code, json.loads(out.read_text(encoding="utf-8"))


def test_figures_of_a_small_corpus(tmp_path: Path, laws: Path) -> None:
    code, found = run(tmp_path, laws, ROWS)
    assert code == 0
    assert (found["n"], found["unresolved"], found["references"]) == (3, 0, 4)
    assert found["articles"] == 8, "without --all the regional law stays out"
    assert found["recall@10"] == found["recall@100"] == 1.0
    assert {"recall@10", "recall@100", "mrr@10"} <= set(found["bm25"])
    assert 0 < found["mrr@10"] <= 1
    assert 0 < found["p50_ms"] <= found["p95_ms"]
    assert found["build_s"] > 0


def test_all_lets_regional_law_in(tmp_path: Path, laws: Path) -> None:
    rows = [{"query": "夜里施工太吵", "articles": ["河湾城乡规划条例第四条"]}]
    assert run(tmp_path, laws, rows, "--all")[1]["recall@10"] == 1.0
    code, found = run(tmp_path, laws, rows)
    assert (code, found["unresolved"]) == (1, 1)


def test_too_many_unresolved_references_fail(tmp_path: Path, laws: Path,
                                             capsys: pytest.CaptureFixture[str]) -> None:
    rows = [*ROWS, {"query": "没有的", "articles": ["火星法第一条"]}]
    code, found = run(tmp_path, laws, rows)
    assert code == 1
    assert found["unresolved_references"] == ["火星法第一条"]
    assert "火星法" in capsys.readouterr().err


def test_what_is_no_longer_in_force_counts_as_not_found(tmp_path: Path, laws: Path) -> None:
    rows = [{"query": "车停在人行道上罚多少钱", "articles": ["河湾停车管理办法第二条"]}]
    code, found = run(tmp_path, laws, rows, "--as-of", "2010-01-01")
    assert (code, found["not_in_force"], found["recall@100"]) == (0, 1, 0.0)


def test_recall_and_rank_by_hand() -> None:
    questions = [Asked("a", {1, 2}), Asked("b", {7}), Asked("c", {9}, missing=1)]
    answers = {"a": [5, 1], "b": [*range(20, 35), 7], "c": [9]}
    assert measure(questions, lambda text: answers[text]) == {
        "recall@10": round((0.5 + 0 + 0.5) / 3, 4), "recall@100": round((0.5 + 1 + 0.5) / 3, 4),
        "mrr@10": round((0.5 + 0 + 1) / 3, 4)}


def test_the_shipped_embedder_has_seen_nothing_of_the_fold_held_out(shared: Path) -> None:
    lines = (shared / "statute_qa" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    seen = trained_on(WEIGHTS)
    folds = {fold(text) for text in (json.loads(line)["query"] for line in lines)
             if fingerprint(text) in seen}
    assert folds == set(range(5)) - {HELD_OUT}
