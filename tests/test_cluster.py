"""A batch over a real local Ray gives the bytes of one without; what is said where it cannot."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cityllm.config import ROOT
from cityllm.errors import ConfigError
from cityllm.petitions.cluster import outcomes
from tests.petition_day import recipe, rows, write

DAY = """
import sys
from pathlib import Path
from tests.petition_day import KEY, TODAY, recipe
from cityllm.petitions.batch import journal_of, run
from cityllm.petitions.intake import open_source
from cityllm.safety.vault import Vault
source, out, ray = sys.argv[1:]
with Vault(Path(out).with_suffix(".vault"), KEY) as vault:
    told = run(open_source(source), out, recipe(), vault, journal_of(out, Path(out).parent), TODAY,
               page=Path(out).with_suffix(".html"), ray=ray, chunk=16)
print(told.rows, told.fresh)
"""


def day(source: Path, out: Path, ray: str = "") -> str:
    """In a process of its own: Ray starts others, and opens sockets that tests may not."""
    done = subprocess.run([sys.executable, "-c", DAY, str(source), str(out), ray], cwd=ROOT,
                          capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.split("\n")[-2]


@pytest.mark.slow
def test_over_ray_the_result_is_the_same_to_the_byte(tmp_path: Path) -> None:
    if importlib.util.find_spec("ray") is None:
        message = "Ray is not installed: pip install -c requirements.lock -e '.[dev]'"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    source = tmp_path / "in.jsonl"
    write(source, rows(120))
    assert day(source, tmp_path / "alone.jsonl") == "121 121"
    assert day(source, tmp_path / "ray.jsonl", "local") == "121 121"
    for kind in ("jsonl", "html"):
        alone, over = (tmp_path / f"{name}.{kind}" for name in ("alone", "ray"))
        assert alone.read_bytes() == over.read_bytes()
    assert day(source, tmp_path / "ray.jsonl", "local") == "121 0"


def test_without_ray_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"\[ray\]") as told:
        next(outcomes(iter([]), recipe(), "local"))
    assert "--workers" in told.value.en
