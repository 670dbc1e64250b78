"""Pages cannot drift: commands, settings, files, trees and figures named in them exist as named."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from cityllm.cli import app
from cityllm.cli import main as cityllm_main
from cityllm.config import PREFIX, ROOT, SETUP_ONLY, Settings
from cityllm.corpus.digests import read_digest
from evals import report
from evals.__main__ import main as evals_main
from evals.__main__ import measures
from tests.test_readers import pdf

READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]
PAGES = [*READMES, *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MAKE = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"),
                      re.MULTILINE))


def blocks(page: Path, language: str) -> list[str]:
    return [body for kind, body in BLOCK.findall(page.read_text(encoding="utf-8"))
            if kind == language]


def shell_lines() -> list[Any]:
    return [pytest.param(line, id=f"{page.name}: {line}") for page in PAGES
            for block in blocks(page, "bash") for line in block.splitlines() if line.strip()]


def parse_cityllm(words: list[str]) -> None:
    """Resolve a command as the program would and read its arguments, without running it."""
    command: Any = get_command(app)
    context = None
    while isinstance(command, TyperGroup):
        assert words, f"{command.name} needs a subcommand"
        default = getattr(command, "default", None)
        name = words.pop(0) if words[0] in command.commands or not default else default
        assert name in command.commands, f"no command {name!r}"
        command = command.commands[name]
    with command.make_context(command.name, list(words), parent=context) as made:
        assert made.command is command


@pytest.mark.parametrize("line", shell_lines())
def test_every_command_in_a_page_can_be_given_as_written(line: str) -> None:
    words = shlex.split(line, comments=True)
    while "=" in words[0]:
        name, value = words.pop(0).split("=", 1)
        assert name.removeprefix(PREFIX).lower() in {*Settings.model_fields, *SETUP_ONLY}
        if name.removeprefix(PREFIX).lower() in Settings.model_fields:
            Settings.model_validate({name.removeprefix(PREFIX).lower(): value})
    match words:
        case ["make", target]:
            assert target in MAKE
        case ["cityllm" | ".venv/bin/cityllm", *rest]:
            parse_cityllm(rest)
        case ["python", "-m", "evals", measure, *_]:
            assert measure in measures()
        case ["python", "-m", "finetune", _, "--recipe", recipe]:
            assert (ROOT / "finetune" / "recipes" / f"{recipe}.yaml").exists()
        case [".venv/bin/python", "-m", "pip", "install", "-c", lock, "-e", what]:
            project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
            assert what[2:-1] in project["project"]["optional-dependencies"]
            assert (ROOT / lock).exists()
        case ["bash", script, *_]:
            assert (ROOT / script).exists()
        case ["source", ".venv/bin/activate"]:
            pass
        case _:
            pytest.fail(f"no test knows how to check: {line}")


def test_the_example_regulation_is_one(tmp_path: Path) -> None:
    page = ROOT / "docs" / "city-pack.md"
    file = tmp_path / "example.yaml"
    file.write_text(blocks(page, "yaml")[0], encoding="utf-8")
    assert read_digest(file).title == "示例市绿化条例"


def test_the_way_from_a_pdf_to_its_enterprises_can_be_gone(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    page = ROOT / "docs" / "policies.md"
    section = page.read_text(encoding="utf-8").partition("## From a policy's PDF")[2]
    held = dict(reversed(BLOCK.findall(section)))
    pack = tmp_path / "pack"
    shutil.copytree(ROOT / "rag_corpus" / "policies", pack / "policies")
    monkeypatch.setenv("CITYLLM_PACK", str(pack))
    monkeypatch.setenv("CITYLLM_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    Path("policy.pdf").write_bytes(pdf([held["text"].splitlines()]))
    Path("firms.csv").write_text(
        "id,注册地,有独立法人资格,成立日期,营业收入@2025,rd_spend@2025,参加社会保险人数,近三年有不良信用记录,"
        "高新技术企业证书,loan_interest_paid@2025\n"
        "甲,浙江省杭州市,true,2020-01-01,2000万,100万,20,false,true,200万\n"
        "乙,浙江省杭州市,true,2020-01-01,19999999.99,100万,20,false,true,200万\n", encoding="utf-8")
    for line in held["bash"].splitlines():
        words = shlex.split(line)
        draft = Path("shili-chengzhang.yaml")
        if words[2] == "publish":  # what a person does by hand between drafting and publishing
            draft.write_text(draft.read_text(encoding="utf-8").replace(
                "state: unsure", "state: settled"), encoding="utf-8")
        if words[2] == "diff":
            Path("next-year.yaml").write_text(draft.read_text(encoding="utf-8").replace(
                "at_least: 2000万", "at_least: 1000万"), encoding="utf-8")
        with pytest.raises(SystemExit) as ended:
            cityllm_main(words[1:])
        assert ended.value.code == 0, capsys.readouterr()
    assert "放宽" in capsys.readouterr().out
    assert Path("list.csv").read_text(encoding="utf-8-sig").splitlines()[1].startswith("甲,")
    assert len(Path("list.csv").read_text(encoding="utf-8").splitlines()) == 2


def test_the_page_of_commands_is_made_from_the_program() -> None:
    done = subprocess.run([sys.executable, "scripts/docs.py", "--check"], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_files_and_settings_named_in_a_page_exist(page: Path) -> None:
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    named = re.findall(r"`((?:cityllm|tools|finetune|evals|scripts|tests|docs)/[\w./-]+)`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []
    settings = set(re.findall(rf"{PREFIX}([A-Z_]+)\b", page.read_text(encoding="utf-8")))
    assert {name.lower() for name in settings} <= {*Settings.model_fields, *SETUP_ONLY}


@pytest.mark.parametrize("page", READMES, ids=lambda p: p.name)
def test_the_tree_is_the_checkout(page: Path) -> None:
    [tree] = blocks(page, "text")
    listed, parents = set(), [""]
    for line in tree.splitlines():
        name = line.split()[0]
        depth = (len(line) - len(line.lstrip())) // 2
        parents[depth + 1:] = [parents[depth] + name]
        listed.add(parents[depth] + name)
    assert [name for name in listed if not (ROOT / name).exists()] == []
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True,
                             check=True).stdout.splitlines()
    folders = {f"{name.split('/')[0]}/" for name in tracked if "/" in name}
    assert folders <= listed
    parts = {f"cityllm/{name.split('/')[1]}/" for name in tracked if name.startswith("cityllm/")
             and name.count("/") > 1}
    assert parts <= listed


def test_both_readmes_show_the_same_commands() -> None:
    first, second = (["".join(w for w in line.split('"')[::2]) for block in blocks(page, "bash")
                      for line in block.splitlines()] for page in READMES)
    assert [line.split("#")[0] for line in first] == [line.split("#")[0] for line in second]


def test_the_figures_are_those_of_the_results() -> None:
    assert evals_main(["report", "--check"]) == 0


def test_a_table_of_figures_is_made_from_results(tmp_path: Path) -> None:
    (tmp_path / "retrieval.json").write_text(json.dumps(
        {"recall@10": 0.61234, "bm25": {"recall@10": 0.5}, "n": 1234}), encoding="utf-8")
    (tmp_path / "speed.json").write_text(json.dumps({"figures": [
        {"zh": "启动", "en": "start", "value": 9.5, "unit": "s", "mark": "≤ 15",
         "command": "make run"}]}), encoding="utf-8")
    rows = report.table(tmp_path, "en").splitlines()
    assert "| retrieval: recall@10, all laws | 0.612 | ≥ 0.60 " in rows[2]
    assert "| 0.5 |" in rows[3]
    assert "not measured yet" in rows[4]
    assert rows[-1] == "| start | 9.5 s | ≤ 15 | `make run` |"
    assert "| 启动 | 9.5 s |" in report.table(tmp_path, "zh")


def test_a_page_is_rewritten_between_its_marks_only() -> None:
    page = f"head\n{report.BEGIN}\nold\n{report.END}\ntail\n"
    once = report.rewrite(page, "new")
    assert once == f"head\n{report.BEGIN}\nnew\n{report.END}\ntail\n"
    assert report.rewrite(once, "new") == once
    with pytest.raises(ValueError, match="has no"):
        report.rewrite("head", "new")


def test_an_unknown_measure_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert evals_main(["nonsense"]) == 2
    assert "'nonsense'" in capsys.readouterr().err
    assert all(importlib.util.find_spec(f"evals.{name}") for name in measures())
