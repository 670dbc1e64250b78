"""`cityllm triage` as typed: both spellings, every message, what is written and what is said."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest
from server import serving, whole

import cityllm.cli as cli
from cityllm import cli_triage
from cityllm.config import ROOT
from cityllm.petitions import training
from cityllm.petitions.cascade import Cascade
from cityllm.petitions.classify import Classifier
from cityllm.petitions.drift import KEPT, Reference
from cityllm.petitions.review import Review
from cityllm.petitions.trial import QUESTIONS
from cityllm.petitions.verdict import Final, Verdict
from cityllm.safety.access import Account
from tests.petition_day import rows, write
from tests.small_classifier import TAUGHT, SmallClassifier


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own and a small classifier in place of the shipped one."""
    weights = tmp_path / "weights" / "triage"
    weights.mkdir(parents=True)
    (weights / "weights.npz").write_bytes(b"")
    (weights / "line.json").write_text('{"threshold": 0.6, "n_local": 600}', encoding="utf-8")
    monkeypatch.setenv("CITYLLM_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("CITYLLM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CITYLLM_PACK", str(ROOT / "rag_corpus"))
    monkeypatch.setattr(cli_triage, "load_classifier", lambda folder, pack: SmallClassifier())
    write(tmp_path / "in.jsonl", rows(40))
    return tmp_path


def run(*arguments: str | Path) -> int:
    """The exit code."""
    try:
        cli.main([str(argument) for argument in arguments])
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    return 0


@pytest.mark.parametrize("words", [["triage"], ["triage", "run"]])
def test_both_spellings_run_the_batch(office: Path, capsys: pytest.CaptureFixture[str],
                                      words: list[str]) -> None:
    assert run(*words, office / "in.jsonl", office / "out.csv", "--day", "2026-03-20") == 0
    said = capsys.readouterr().out
    assert "41 行，其中新处理 41 行" in said
    for stage in ("mask", "classify", "duplicates", "write", "model calls"):
        assert stage in said
    assert len((office / "out.csv").read_text(encoding="utf-8-sig").splitlines()) >= 42
    assert run(*words, "--day", "2026-03-21", office / "in.jsonl", office / "out.csv") == 0
    assert "其中新处理 0 行" in capsys.readouterr().out


def test_the_report_is_one_page_that_needs_no_network(office: Path) -> None:
    run("triage", office / "in.jsonl", office / "out.jsonl", "--day", "2026-03-20")
    page = (office / "out.html").read_text(encoding="utf-8")
    done = [json.loads(line) for line in
            (office / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert "信访日报 2026-03-20" in page
    assert "day report" in page
    assert "<svg" in page
    assert "://" not in page
    assert "<script" not in page
    past = sum(one["due"] != "" and one["due"] < "2026-03-20" and not one["done"]
               for told in done for one in told["clock"])
    assert past > 0
    assert f"<b>{past}</b>期限已过" in page
    for route, name in (("urgent", "紧急"), ("auto", "自动转送")):
        assert f"<b>{sum(one['route'] == route for one in done)}</b>{name}" in page


def test_words_of_a_petitioner_are_no_markup_in_the_report(office: Path) -> None:
    write(office / "in.jsonl", [{"编号": "<b>1", "标题": "<script>alert(1)</script>", "内容": "路灯坏了。"}])
    run("triage", office / "in.jsonl", office / "out.jsonl")
    assert "<script" not in (office / "out.html").read_text(encoding="utf-8")


def test_an_original_is_shown_with_the_key_only(office: Path, capsys: pytest.CaptureFixture[str],
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    write(office / "in.jsonl", [{"编号": "9", "内容": "市教育局科长王建国收了红包。"}])
    run("triage", office / "in.jsonl", office / "out.jsonl")
    capsys.readouterr()
    assert run("triage", "original", office / "out.jsonl", "9") == 0
    assert "王建国收了红包" in capsys.readouterr().out
    assert run("triage", "original", office / "out.jsonl", "10") == 1
    assert "10" in capsys.readouterr().err
    monkeypatch.setenv("CITYLLM_VAULT_KEY", "00" * 32)
    assert run("triage", "original", office / "out.jsonl", "9") == 1
    said = capsys.readouterr()
    assert "CITYLLM_VAULT_KEY" in said.err
    assert "红包" not in said.out


def test_training_writes_a_classifier_into_the_pack_without_names(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    pack = tmp_path / "pack"
    shutil.copytree(ROOT / "rag_corpus" / "petitions", pack / "petitions")
    monkeypatch.setenv("CITYLLM_HOME", str(tmp_path / "home"))
    lines = [{"title": "反映问题", "text": f"我叫王建国，{text}，第{n}次反映。", "label": top}
             for n in range(8) for top, _, text, _ in TAUGHT]
    labelled = tmp_path / "labelled.jsonl"
    labelled.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines),
                        encoding="utf-8")
    assert run("triage", "train", labelled, "--pack", pack) == 0
    said = capsys.readouterr().out
    assert "500" in said  # too few local rows for an automatic line
    made = pack / "petitions" / "classifier"
    assert set(Reference.load(made / KEPT).labels) <= {top for top, *_ in TAUGHT}
    assert "王建国" not in (made / "lora.jsonl").read_text(encoding="utf-8")
    write(tmp_path / "in.jsonl", rows(10))
    assert run("triage", tmp_path / "in.jsonl", tmp_path / "out.jsonl", "--pack", pack) == 0
    assert "11 行" in capsys.readouterr().out


def test_without_a_classifier_it_says_what_to_do(office: Path,
                                                 capsys: pytest.CaptureFixture[str]) -> None:
    (office / "weights" / "triage" / "weights.npz").unlink()
    assert run("triage", office / "in.jsonl", office / "out.jsonl") == 1
    said = capsys.readouterr().err
    assert "cityllm triage train" in said
    assert "There is no petition classifier" in said


@pytest.mark.parametrize(("words", "told"), [
    (["in.jsonl", "in.jsonl"], "would replace the input"), (["none.csv", "out.csv"], "none.csv"),
    (["in.jsonl", "out.doc"], ".xlsx"), (["in.jsonl", "out.csv", "--day", "soon"], "soon"),
    (["in.jsonl", "out.csv", "--column", "x=y"], "x=y"),
    (["in.jsonl", "out.csv", "--column", "text=无此列"], "无此列"),
    (["in.jsonl", "out.csv", "--pack", "empty"], "clock.yaml")])
def test_what_is_wrong_is_said_in_words(office: Path, capsys: pytest.CaptureFixture[str],
                                        words: list[str], told: str) -> None:
    names = [str(office / word) if "." in word or word == "empty" else word for word in words]
    assert run("triage", *names) == 1
    said = capsys.readouterr().err
    assert told in said
    assert "Traceback" not in said


def test_queued_rows_are_decided_exported_and_learnt_from(
        office: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = ("triage", office / "in.jsonl", office / "out.csv", "--queue")
    assert run(*told) == 0
    assert "/petitions" in capsys.readouterr().out
    review = Review(office / "home" / "review.sqlite")
    clerk = Account("li", "clerk")
    for code, name in (("010204", "城市公共设施"), ("010203", "居民服务设施")):
        held = review.take_next(clerk)
        assert held
        review.decide(clerk, held.n, held.mark, Verdict("changed", Final(
            code, ("城乡建设", "城市建设和市政管理", name), "市城市管理局", "complaint", "petition")))
    assert run("triage", "decisions", "verify") == 0
    assert "2 条决定" in capsys.readouterr().out
    assert run(*told) == 0
    assert (office / "out.csv").read_text(encoding="utf-8-sig").count("市城市管理局,投诉,信访") >= 2
    assert run("triage", "decisions", "export", office / "taught.jsonl") == 0
    taught, words = training.read_rows(office / "taught.jsonl")
    assert [row.label for row in taught] == ["010204", "010203"] and not words
    base = sqlite3.connect(review.path)
    base.execute("DROP TRIGGER decisions_delete")
    base.execute("DELETE FROM decisions WHERE seq = 1")
    base.commit()
    base.close()
    capsys.readouterr()
    assert run("triage", "decisions", "verify") == 1
    assert "第 2 条起对不上" in capsys.readouterr().err


@pytest.fixture
def endpoint_office(office: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The office with the shipped classifier, six rows, and an endpoint to be named by the test."""
    monkeypatch.undo()
    for name, value in (("HOME", office / "home"), ("PACK", ROOT / "rag_corpus"),
                        ("ENGINE", "endpoint")):
        monkeypatch.setenv(f"CITYLLM_{name}", str(value))
    write(office / "in.jsonl", rows(6))
    return office


def _codes(out: Path) -> list[str]:
    return [json.loads(line)["code"] for line in out.read_text(encoding="utf-8").splitlines()]


def test_labels_that_the_model_changed_are_counted(
        endpoint_office: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    known = {question.text: question.right for question in QUESTIONS}

    def ask(text: str, options: Sequence[str]) -> int:
        return options.index(known.get(text, min(options)))

    monkeypatch.setattr(cli_triage, "load_cascade", lambda settings, folder, pack: Cascade(
        Classifier.load(folder, pack), ask))
    given = endpoint_office / "in.jsonl"
    run("triage", given, endpoint_office / "plain.jsonl")
    run("triage", given, endpoint_office / "out.jsonl", "--ask-model")
    said = capsys.readouterr().out
    plain, asked = _codes(endpoint_office / "plain.jsonl"), _codes(endpoint_office / "out.jsonl")
    changed = sum(one != other for one, other in zip(plain, asked, strict=True))
    assert changed and "试题答对 20/20" in said
    assert f"labels changed by the model: {changed}." in said


def test_a_model_that_fails_the_trial_is_not_asked_about_rows(
        endpoint_office: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    reply = whole("")
    reply[1]["choices"][0]["message"]["tool_calls"] = [{
        "id": "1", "type": "function",
        "function": {"name": "choose_category", "arguments": '{"number": "2"}'}}]
    given = endpoint_office / "in.jsonl"
    run("triage", given, endpoint_office / "plain.jsonl")
    with serving(*[reply] * 40) as fake:
        monkeypatch.setenv("CITYLLM_ENDPOINT_URL", fake.url)
        assert run("triage", given, endpoint_office / "out.jsonl", "--ask-model") == 0
    said = capsys.readouterr().out
    assert "答对 7/20" in said and "was not asked about any row" in said
    assert f"model calls: {len(fake.heard)} = " in said
    assert _codes(endpoint_office / "plain.jsonl") == _codes(endpoint_office / "out.jsonl")


def test_a_model_that_is_not_there_is_said_and_the_classifier_stands(
        endpoint_office: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    given = endpoint_office / "in.jsonl"
    run("triage", given, endpoint_office / "plain.jsonl")
    with serving() as fake:
        monkeypatch.setenv("CITYLLM_ENDPOINT_URL", fake.url)
    assert run("triage", given, endpoint_office / "out.jsonl", "--ask-model") == 0
    said = capsys.readouterr().out
    assert "没有答成" in said and "out.jsonl.journal" in said
    assert _codes(endpoint_office / "plain.jsonl") == _codes(endpoint_office / "out.jsonl")
