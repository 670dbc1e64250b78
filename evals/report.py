"""The table of measured figures in both READMEs, made from docs/results/*.json. Nothing by hand.

    python -m evals report [--check]

A result is the `--json` of a measure under the name that `ROWS` expects, or a file of its own with
a list `figures` of {zh, en, value, unit, mark, command}: value a number, mark a sentence such as
"≥ 0.60" or empty. What has not been measured says so. With `--check` nothing is written.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "results"
BEGIN, END = "<!-- figures: make figures -->", "<!-- /figures -->"
PAGES = {"en": ROOT / "README.md", "zh": ROOT / "README.zh-CN.md"}
HEADS = {"en": "| what | measured | mark | command |", "zh": "| 项目 | 实测 | 目标 | 命令 |"}
NOT_YET = {"en": "not measured yet", "zh": "尚未测量"}

RETRIEVAL = ("python -m evals retrieval --laws DIR --qa FILE --all --pack rag_corpus",
             "retrieval.json")
PACK = ("python -m evals answers --questions evals/questions/*.jsonl", "answers-pack.json")
LAWS = (f"{PACK[0]} --laws DIR", "answers-laws.json")


@dataclass(frozen=True)
class Row:
    """One figure: how it is called, its mark, and where it stands.

    `source` is the command that makes the file, with `--json`, and the file; `key` a dotted path.
    """

    source: tuple[str, str]
    key: str
    zh: str
    en: str
    mark: str = ""
    unit: str = ""


ROWS = (
    Row(RETRIEVAL, "recall@10", "检索：前 10 条召回率（全部法规）",
        "retrieval: recall@10, all laws", "≥ 0.60"),
    Row(RETRIEVAL, "bm25.recall@10", "检索：同次运行的 BM25", "retrieval: BM25 in the same run"),
    Row(RETRIEVAL, "recall@100", "检索：前 100 条召回率", "retrieval: recall@100", "≥ 0.82"),
    Row(RETRIEVAL, "p50_ms", "检索：单次查询中位耗时", "retrieval: one query, median", "≤ 40", "ms"),
    Row(PACK, "citation_accuracy", "回答：引用正确率（自带城市包）",
        "answers: citation accuracy, default pack", "≥ 0.80"),
    Row(LAWS, "citation_accuracy", "回答：引用正确率（全部法规）",
        "answers: citation accuracy, full laws", "≥ 0.65"),
    Row(PACK, "value_accuracy", "回答：数值正确率", "answers: value accuracy"),
    Row(PACK, "tool_accuracy", "回答：工具选择正确率", "answers: tool accuracy", "≥ 0.88"),
    Row(PACK, "refusal_accuracy", "回答：该拒答时拒答", "answers: refusal accuracy", "≥ 0.95"),
    Row(PACK, "refused_answerable", "回答：误拒", "answers: refused though answerable", "≤ 0.10"),
    Row(PACK, "unverified_citations", "回答：未核对的引用", "answers: unverified citations", "0"),
    Row(PACK, "unverified_numbers", "回答：未核对的数字", "answers: unverified numbers", "0"),
    Row(PACK, "seconds_p50", "回答：中位耗时", "answers: median time", "", "s"),
)


def read(folder: Path, name: str) -> dict[str, Any]:
    """A result by file name; empty when it is not there."""
    path = folder / name
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found if isinstance(found, dict) else {}


def look_up(result: dict[str, Any], key: str) -> float | None:
    """A number by its path of keys, `bm25.recall@10`; None when it is not there."""
    found: Any = result
    for part in key.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found if isinstance(found, int | float) and not isinstance(found, bool) else None


def shown(value: float | None, unit: str, language: str) -> str:
    """A figure as it stands in the table: three digits, whole numbers whole."""
    if value is None:
        return NOT_YET[language]
    text = f"{value:,}" if isinstance(value, int) else f"{value:.3g}"
    if isinstance(value, float) and abs(value) >= 100:
        text = f"{value:,.0f}"
    return f"{text} {unit}".strip()


def table(folder: Path, language: str) -> str:
    """The Markdown table: first the rows of `ROWS`, then other files' own figures by name."""
    lines = [HEADS[language], "|---|---|---|---|"]
    for row in ROWS:
        value = look_up(read(folder, row.source[1]), row.key)
        name = row.zh if language == "zh" else row.en
        lines.append(f"| {name} | {shown(value, row.unit, language)} | {row.mark} "
                     f"| `{row.source[0]}` |")
    for path in sorted(folder.glob("*.json")):
        for figure in read(folder, path.name).get("figures", ()):
            lines.append(f"| {figure[language]} "
                         f"| {shown(figure['value'], figure.get('unit', ''), language)} "
                         f"| {figure.get('mark', '')} | `{figure['command']}` |")
    return "\n".join(lines)


def rewrite(page: str, new: str) -> str:
    """The page with the table between its marks replaced. ValueError when the marks are missing."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} … {END}")
    return f"{head}{BEGIN}\n{new}\n{END}{tail}"


def main(argv: list[str] | None = None) -> int:
    """Rewrite both READMEs, or with --check say whether they are up to date."""
    parser = argparse.ArgumentParser(prog="python -m evals report", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, only compare")
    options = parser.parse_args(argv)
    stale = False
    for language, path in PAGES.items():
        old = path.read_text(encoding="utf-8")
        new = rewrite(old, table(RESULTS, language))
        stale |= new != old
        if not options.check:
            path.write_text(new, encoding="utf-8")
    if options.check and stale:
        print("the READMEs' figures are not those of docs/results: run make figures",
              file=sys.stderr)
    return int(options.check and stale)


if __name__ == "__main__":
    sys.exit(main())
