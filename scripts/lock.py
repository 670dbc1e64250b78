"""Write requirements.lock: one version of everything that the pins of pyproject.toml bring.

Resolved for Python 3.11 and newer on every platform, with all extras, so that each extra installs
beside each other one. torch and its CUDA packages are left out: which build is taken depends on the
machine (see setup.py), and torch names its own exactly. Run with `make lock`; needs uv.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = re.compile(r"^(torch|triton|nvidia-|cuda-)")
HEAD = "# Made by `make lock` from pyproject.toml; used as constraints (pip install -c).\n"


def resolve(extras: list[str], constraints: Path | None) -> str:
    """What uv resolves for the project with these extras."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal",
               "--python-version", "3.11", "--no-annotate", "--no-header", "pyproject.toml"]
    command += [part for extra in extras for part in ("--extra", extra)]
    if constraints:
        command += ["-c", str(constraints)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout


def main() -> None:
    """vLLM first, because it asks for the most; then the rest within what suits it."""
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.txt"
        whole.write_text(resolve(["serve", "ray", "dev"], None), encoding="utf-8")
        lines = resolve(["ray", "dev"], whole).splitlines()
    kept = [line for line in lines if not LEFT_OUT.match(line)]
    (ROOT / "requirements.lock").write_text(HEAD + "\n".join(kept) + "\n", encoding="utf-8")
    print(f"requirements.lock: {len(kept)} packages")


if __name__ == "__main__":
    main()
