"""What a checkout may hold: nothing of one machine, no large binaries, files of a readable size."""

from __future__ import annotations

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = "cityllm/model/weights/"
BINARY = {".safetensors", ".npz", ".png", ".docx", ".pdf", ".gif", ".ico"}
MACHINE = re.compile("|".join((
    r"(?<![\w./-])/(?:work|farm|opt|root)/", r"(?<![\w./-])/home/(?!someone/)\w",
    r"/Users/\w", r"C:\\\\Users", r"pypi\.(?:org|python)", r"python" "hosted", r"registry\." r"npm",
    r"deb\." "debian",
    r"file://")))
SECRET = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY|\bghp_\w{30}|\bhf_\w{30}|\bsk-[A-Za-z0-9]{30}")


@cache
def files() -> tuple[Path, ...]:
    """What git tracks, or would track: everything that it does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
        capture_output=True, check=True).stdout.decode()
    return tuple(sorted(ROOT / name for name in listed.split("\0")
                        if name and (ROOT / name).exists()))


def text_files() -> list[Path]:
    return [path for path in files() if path.suffix not in BINARY]


def places(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for path in text_files():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if pattern.search(line) and path != Path(__file__).resolve():
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    return found


def test_no_path_of_a_machine_and_no_host_of_a_registry() -> None:
    assert places(MACHINE) == []


def test_no_secret() -> None:
    assert places(SECRET) == []


@pytest.mark.parametrize("line", ["see /wor" "k/main", "cd /ro" "ot/x",
                                  "https://pypi" ".org/simple", "find-links = /op" "t/wheels",
                                  "fi" "le:///x"])
def test_the_pattern_sees_what_it_should(line: str) -> None:
    assert MACHINE.search(line)


@pytest.mark.parametrize("line", ["a/wor" "k/b", "the law: https://flk.npc.gov.cn/", "/option/",
                                  "../shared/data", "https://city.example/home/"])
def test_the_pattern_passes_what_it_should(line: str) -> None:
    assert not MACHINE.search(line)


def test_weights_are_small_and_nothing_else_is_large() -> None:
    sizes = {str(path.relative_to(ROOT)): path.stat().st_size for path in files()}
    weights = {name: size for name, size in sizes.items() if name.startswith(WEIGHTS)}
    assert {name: size for name, size in weights.items() if size > 16 * 2**20} == {}
    assert sum(weights.values()) <= 64 * 2**20
    others = {n: s for n, s in sizes.items() if n not in weights and s > 2 * 2**20}
    assert others == {}


def test_python_files_are_one_thing_and_lines_fit() -> None:
    long_files, long_lines = {}, []
    for path in files():
        if path.suffix == ".py":
            lines = path.read_text(encoding="utf-8").splitlines()
            name = str(path.relative_to(ROOT))
            if len(lines) > 400:
                long_files[name] = len(lines)
            long_lines += [f"{name}:{n}" for n, line in enumerate(lines, 1) if len(line) > 100]
    assert long_files == {}
    assert long_lines == []


def test_nothing_is_left_unfinished() -> None:
    marks = re.compile("|".join(("TO" "DO", "FIX" "ME", r"\bX" "XX", "raise NotImplemented" "Error",
                                 "pragma: no " "cover", r"mark\.(skip|xfail)")))
    assert [place for place in places(marks) if ".py:" in place] == []


def test_the_version_is_the_same_everywhere() -> None:
    import cityllm

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert cityllm.__version__ == project["version"]


def test_the_lock_holds_every_pin() -> None:
    lock = {line.split(" ;")[0].strip().lower().replace("_", "-")
            for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    pins = project["dependencies"] + extras["ray"] + extras["dev"]
    plain = {re.sub(r"\[.*?\]", "", pin).lower().replace("_", "-") for pin in pins}
    assert sorted(plain - lock) == ["torch==2.13.0"]
    assert all("==" in line for line in lock if line and not line.startswith("#"))


def test_the_licence_is_apache() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
