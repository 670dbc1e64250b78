"""What the measures share: their options, their rows, and where their figures go."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def parser(name: str, about: str | None, *needed: str, maybe: tuple[str, ...] = (),
           ) -> argparse.ArgumentParser:
    """Options of `python -m evals NAME`: a file for each of `needed`, for each of `maybe` where it
    is given, and --json OUT."""
    found = argparse.ArgumentParser(prog=f"python -m evals {name}", description=about,
                                    formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in (*needed, *maybe):
        found.add_argument(f"--{option}", type=Path, required=option in needed, metavar="FILE")
    found.add_argument("--json", type=Path, required=True, metavar="OUT")
    return found


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSONL file; empty lines are none."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def body(row: Mapping[str, Any]) -> str:
    """A message as the classifier reads it: the title, then the text."""
    return f"{row['title']}\n{row['text']}"


def write(out: Path, found: Any) -> None:
    """Figures into a JSON file, whose folder is made where it is missing."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def show(found: Mapping[str, Any], out: Path, width: int) -> int:
    """Write the figures to `out` and print them, names `width` wide; the exit code, 0."""
    write(out, found)
    for name, value in found.items():
        print(f"{name:{width}} {value}")
    return 0


def checker(name: str, about: str | None, *folders: str, only: str) -> argparse.ArgumentParser:
    """Options of a check of the pack against its sources: a folder for each of `folders`, --pack,
    --only (`only` says what its word is looked for in) and --json."""
    found = argparse.ArgumentParser(prog=f"python -m evals {name}", description=about)
    for option in folders:
        found.add_argument(f"--{option}", type=Path, required=True)
    found.add_argument("--pack", type=Path, default=Path("rag_corpus"))
    found.add_argument("--only", default="", help=f"only {only} holds this")
    found.add_argument("--json", type=Path)
    return found


def verdict(found: Mapping[str, Any], out: Path | None) -> int:
    """Print each of `found["problems"]` and the counts, write them to `out` where it is given; the
    exit code, 1 where there is a problem."""
    problems = found["problems"]
    for one in problems:
        print(one)
    counts = {name: value for name, value in found.items() if name != "problems"}
    print("  ".join(f"{name} {value}" for name, value in
                    {**counts, "problems": len(problems)}.items()))
    if out:
        write(out, found)
    return int(bool(problems))
