"""The command line: help at once, words instead of traces, and what each command prints."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command

import cityllm.cli as cli
from cityllm.agent.events import Event, Final, StepDone, StepStarted
from cityllm.config import ROOT, Settings
from cityllm.doctor import examine
from cityllm.errors import ModelUnavailable, NotHeld
from cityllm.evidence import Answer, ClauseEvidence, Step, ToolRunEvidence
from cityllm.safety.access import Accounts
from cityllm.safety.telemetry import OFF, switch_off
from cityllm.terminal import show_answer

HEAVY = ("torch", "transformers", "chromadb", "duckdb", "uxsim", "gradio", "langchain", "numpy",
         "sklearn", "sentence_transformers", "fastapi", "pandas", "matplotlib", "httpx")

ANSWER = Answer(
    question="没办规划许可证就盖了楼，会怎么罚？", text="处罚见城乡规划法第六十四条。",
    citations=[ClauseEvidence(
        id="E1", clause_id="城乡规划法@2019-04-23#64", title="城乡规划法", article="64",
        article_label="第六十四条", text="…", verbatim=False, version=date(2019, 4, 23),
        as_of=date(2026, 1, 1), status="现行", source_url="https://city.example/64")],
    evidence=[ToolRunEvidence(id="E2", tool="traffic_scenario", inputs={"close": "main_road"},
                              summary="均速下降", seed=7, images=["map.png"])],
    as_of=date(2026, 1, 1), status_known=date(2025, 4, 1), engine="bundled", seconds=1.25)


def leaves(group: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [path]
    for name, command in group.commands.items():
        deeper = (*path, name)
        found += leaves(command, deeper) if isinstance(command, TyperGroup) else [deeper]
    return found


COMMANDS = leaves(get_command(cli.app))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CITYLLM_HOME", str(tmp_path))
    return tmp_path


def run(*arguments: str) -> int:
    """The exit code of a command, run in this process."""
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    return int(end.value.code or 0)


def answering(monkeypatch: pytest.MonkeyPatch, events: list[Event | Exception]) -> list[Any]:
    """Put an assistant with these events behind `ask`; returns the list of what it was asked."""
    asked: list[Any] = []

    class Services:
        assistant = None

        def close(self) -> None:
            asked.append("closed")

        def stream(self, question: str, history: list[Any], as_of: date | None = None) -> Any:
            asked.append((question, as_of))
            for event in events:
                if isinstance(event, Exception):
                    raise event
                yield event

    services = Services()
    services.assistant = services  # type: ignore[assignment]
    root = SimpleNamespace(build=lambda settings, progress: services)
    monkeypatch.setitem(sys.modules, "app", root)
    return asked


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_help_in_both_languages(path: tuple[str, ...],
                                                  capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*path, "--help") == 0
    shown = capsys.readouterr().out
    assert any("\u4e00" <= letter <= "\u9fff" for letter in shown)
    assert "Usage: " in shown


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\nfrom cityllm.cli import main\n"
        f"for path in {COMMANDS!r}:\n"
        "    try:\n        main([*path, '--help'])\n    except SystemExit as end:\n"
        "        assert not end.code, path\n"
        f"print('HEAVY', [m for m in {HEAVY!r} if m in sys.modules])\n")
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True,
                          check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"


def test_ask_prints_the_answer_with_what_it_stands_on(
        monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked = answering(monkeypatch, [StepStarted("search_regulations"),
                                    StepDone(Step(tool="search_regulations", inputs={})),
                                    Final(ANSWER)])
    assert run("ask", ANSWER.question, "--as-of", "2026-01-01") == 0
    assert asked == [(ANSWER.question, date(2026, 1, 1)), "closed"]
    shown = capsys.readouterr().out
    for part in (ANSWER.text, "[E1] 城乡规划法 第六十四条（摘要）", "https://city.example/64", "map.png",
                 "close=main_road", "随机种子 7", "bundled · 1.2 秒"):
        assert part in shown


def test_an_english_answer_is_labelled_in_english() -> None:
    shown = show_answer(ANSWER.model_copy(update={"language": "en"}))
    for part in ("（digest）", "seed 7", "bundled · 1.2 s"):
        assert part in shown
    assert "依据" not in shown


def test_ask_json_can_be_read_back(monkeypatch: pytest.MonkeyPatch,
                                   capsys: pytest.CaptureFixture[str]) -> None:
    answering(monkeypatch, [Final(ANSWER)])
    assert run("ask", ANSWER.question, "--json") == 0
    assert Answer.model_validate(json.loads(capsys.readouterr().out)) == ANSWER


@pytest.mark.parametrize("problem", [
    NotHeld("当时的文本没有收录。", "That wording is not held."),
    ModelUnavailable("模型停了。", "The model stopped."),
])
def test_an_error_is_said_in_both_languages(monkeypatch: pytest.MonkeyPatch,
                                            capsys: pytest.CaptureFixture[str],
                                            problem: NotHeld | ModelUnavailable) -> None:
    answering(monkeypatch, [problem])
    assert run("ask", "?") == 1
    shown = capsys.readouterr()
    assert shown.err == f"{problem.zh}\n{problem.en}\n"
    assert shown.out == ""


def test_an_answer_that_never_comes_is_an_error(monkeypatch: pytest.MonkeyPatch,
                                                capsys: pytest.CaptureFixture[str]) -> None:
    answering(monkeypatch, [StepStarted("calculate")])
    assert run("ask", "?") == 1
    assert "cityllm doctor" in capsys.readouterr().err


def test_a_fault_of_the_program_shows_no_trace_but_keeps_one(
        monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path) -> None:
    answering(monkeypatch, [ZeroDivisionError("inner words")])
    assert run("ask", "?") == 1
    shown = capsys.readouterr().err
    assert "Traceback" not in shown
    assert "inner words" not in shown
    assert str(home / "errors.log") in shown
    assert "inner words" in (home / "errors.log").read_text(encoding="utf-8")


@pytest.mark.parametrize(("arguments", "named"), [
    (("ask", " "), "empty"), (("ask", "?", "--as-of", "2020-02-30"), "'2020-02-30'"),
])
def test_a_bad_input_is_named(arguments: tuple[str, ...], named: str,
                              capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == 1
    assert named in capsys.readouterr().err


def test_an_unknown_setting_stops_every_command(monkeypatch: pytest.MonkeyPatch,
                                                capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CITYLLM_PROT", "1")
    assert run("user", "list") == 1
    assert "CITYLLM_PROT" in capsys.readouterr().err


def test_accounts_are_made_listed_and_removed(
        monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("a long password\n"))
    assert run("user", "add", "王工", "--role", "planner") == 0
    assert Accounts(home / "accounts.sqlite").sign_in("王工", "a long password").role == "planner"
    assert run("user", "list") == 0
    assert "王工\tplanner" in capsys.readouterr().out
    assert run("user", "remove", "王工") == 0
    assert run("user", "remove", "王工") == 1
    assert "cityllm user list" in capsys.readouterr().err


def test_doctor_names_a_command_for_each_fault(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", pack=tmp_path / "pack", weights=tmp_path / "none",
                        host="0.0.0.0", port=0)
    checks = {check.name.split()[1]: check for check in examine(settings)}
    for name, command in (("model", "finetune"), ("pack", "CITYLLM_PACK"),
                          ("corpus", "cityllm corpus rebuild"), ("accounts", "cityllm user add")):
        assert not checks[name].good
        assert command in checks[name].mend
    assert all(check.mend for check in checks.values() if not check.good)
    assert not (tmp_path / "home").exists()


def test_doctor_sees_a_broken_ledger_a_dead_endpoint_and_a_taken_port(tmp_path: Path) -> None:
    import socket

    settings = Settings(home=tmp_path, engine="endpoint", endpoint_url="http://127.0.0.1:9/v1")
    settings.ledger.write_bytes(b"this is no database, though it is long enough to be read" * 99)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        checks = {check.name.split()[1]: check
                  for check in examine(settings.model_copy(update={"port": port}))}
    assert not checks["corpus"].good
    assert "cityllm serve" in checks["model"].mend
    assert f"CITYLLM_PORT={port + 1}" in checks["port"].mend


@pytest.mark.slow
def test_no_package_reports_home() -> None:
    program = (
        "import warnings; warnings.simplefilter('ignore')\n"
        "from cityllm.safety.telemetry import switch_off\nswitch_off()\n"
        "import chromadb.config, gradio.analytics, huggingface_hub.constants, langsmith.utils\n"
        "print(chromadb.config.Settings().anonymized_telemetry,\n"
        "      gradio.analytics.analytics_enabled(),\n"
        "      not huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY,\n"
        "      langsmith.utils.tracing_is_enabled())\n")
    loud = {"ANONYMIZED_TELEMETRY": "True", "GRADIO_ANALYTICS_ENABLED": "True",
            "LANGSMITH_TRACING": "true", "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True,
                          check=True, env=loud)
    assert done.stdout.split() == ["False"] * 4


def test_child_processes_are_told_as_well() -> None:
    child = {"VLLM_NO_USAGE_STATS": "0", "KEPT": "1"}
    switch_off(child)
    assert child["VLLM_NO_USAGE_STATS"] == "1"
    assert child["KEPT"] == "1"
    assert set(OFF) < set(child)


def test_the_chat_does_not_start_on_a_taken_port(monkeypatch: pytest.MonkeyPatch, home: Path,
                                                 capsys: pytest.CaptureFixture[str]) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv("CITYLLM_PORT", str(port))
        assert run("web") == 1
    assert f"CITYLLM_PORT={port + 1} make run" in capsys.readouterr().err


def test_the_chat_does_not_open_to_others_without_accounts(
        monkeypatch: pytest.MonkeyPatch, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CITYLLM_HOST", "0.0.0.0")
    assert run("web") == 1
    assert "cityllm user add" in capsys.readouterr().err
