"""The API as a real server: the code of its page, schemathesis, its description."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cityllm.config import ROOT
from tests.api_server import worker

PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with worker(tmp_path_factory.mktemp("api"), local=True) as found:
        yield found


def test_the_code_of_the_page_runs(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(BLOCKS) == 5
    script = "\n".join(BLOCKS)
    program = f"import httpx\nclient = httpx.Client(base_url={address!r}, timeout=120)\n{script}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True,
                          check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "营业收入" in done.stdout and "Did you mean revenue" in done.stdout


def test_the_page_names_every_call(address: str) -> None:
    described = httpx.get(f"{address}/openapi.json", timeout=60).json()["paths"]
    named = PAGE.replace("?since=DATE", "")
    for path, operations in described.items():
        for method in operations:
            assert re.search(rf"\| .*`[A-Z`, ]*{method.upper()}\b.*{re.escape(path)}[`,]|"
                             rf"{method.upper()} {re.escape(path)}`", named), (method, path)


def test_schemathesis_finds_no_server_error_and_no_violation(address: str, tmp_path: Path) -> None:
    """All checks but one: what the dictionary refuses (an unknown field, a fen too fine) cannot be
    said in a JSON schema, so a request that fits it may be answered by 422."""
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", f"{address}/openapi.json",
         "--exclude-checks", "positive_data_acceptance", "--max-examples", "20", "--seed", "1",
         "--no-color", "--request-timeout", "120"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=1200)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "No issues found" in done.stdout


def test_a_generated_client_matches_an_enterprise(address: str, tmp_path: Path) -> None:
    """The environment of the generator is made at its first use, which needs the network."""
    made = subprocess.run(["bash", "scripts/client.sh", str(tmp_path)], cwd=ROOT, check=False,
                          capture_output=True, text=True, timeout=600)
    assert made.returncode == 0, made.stdout + made.stderr
    [script] = re.findall(r"^```py\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    script = script.replace("http://127.0.0.1:7860/api/v1", address)
    ran = subprocess.run([str(ROOT / ".venv-client/bin/python"), "-c", script], check=False,
                         cwd=tmp_path / "cityllm-client", capture_output=True, text=True,
                         timeout=300)
    assert ran.returncode == 0, ran.stderr
    assert len(ran.stdout.splitlines()) == 3


def test_the_description_can_be_printed_without_a_server() -> None:
    done = subprocess.run([sys.executable, "scripts/openapi.py"], cwd=ROOT, capture_output=True,
                          text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "/policies/match" in json.loads(done.stdout)["paths"]
