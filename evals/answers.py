"""Answers to a set of questions, judged: citations, values, tools, refusals, what was unverified.

    python -m evals answers --questions FILE [--laws DIR] [--engine NAME] [--compare] --json OUT

Without --laws the corpus is the default pack. With it DIR is imported beside the pack, into a cache
of its own (--cache; kept, so that the next run is quick). FILE is JSONL of {id, q, kind, law?,
article?, value?, as_of?, topic?}. --compare runs four: a keyword router without a model, the tool
retriever alone, the base without LoRA, and the shipped model. Exit code 0 whatever the figures are.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cityllm.config import load_settings
from cityllm.errors import ConfigError
from evals.judge import KINDS, SHARES, Row, figures, judge, table
from evals.machine import machine

if TYPE_CHECKING:
    from app import Services
    from cityllm.agent.assistant import Assistant
    from cityllm.config import Settings

ENGINES = ("shipped", "base", "retriever", "router", "endpoint", "none")


def read_questions(path: Path) -> list[Row]:
    """The questions of a JSONL file. ConfigError names the line that is wrong."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            missing = [key for key in ("q", "kind") if key not in row]
        except ValueError:
            missing = ["JSON"]
        if missing or row["kind"] not in KINDS:
            what = ", ".join(missing) or row["kind"]
            raise ConfigError(f"{path.name} 第 {number} 行有误（{what}）；kind 可用：{'、'.join(KINDS)}。",
                              f"{path.name}, line {number} is wrong ({what}); kinds: "
                              f"{', '.join(KINDS)}.")
        rows.append({"id": str(row.get("id", number)), **row})
    return rows


def run(assistant: Assistant, questions: Sequence[Row], resolve: Callable[[str], str | None],
        progress: Callable[[int, int], None] = lambda done, total: None) -> dict[str, Any]:
    """Ask all questions; figures, the table by kind, and a row for each question."""
    rows = []
    for number, question in enumerate(questions, start=1):
        day = date.fromisoformat(str(question["as_of"])) if question.get("as_of") else None
        answer = assistant.ask(str(question["q"]), as_of=day)
        rows.append({
            "id": question["id"], "kind": question["kind"], "q": question["q"],
            **judge(question, answer, resolve), "answer": answer.text, "refused": answer.refused,
            "tools": [{"tool": s.tool, "inputs": s.inputs, "problem": s.problem}
                      for s in answer.steps],
            "citations": [c.clause_id for c in answer.citations],
            "evidence": [getattr(e, "clause_id", e.id) for e in answer.evidence],
            "removed": answer.removed, "as_of": str(answer.as_of), "seconds": answer.seconds})
        progress(number, len(questions))
    return {**figures(rows), "rows": rows}


def assistant_for(engine: str, services: Services) -> Assistant:
    """The same assistant with another engine in the model's place."""
    from cityllm.agent.assistant import Assistant
    from cityllm.agent.toolbox import Toolbox

    settings, box = services.settings, services.toolbox
    if engine in ("shipped", "endpoint"):
        return services.assistant
    if engine == "none":
        return Assistant(box, None, engine="none")
    if engine == "base":
        from cityllm.model.embedded import EmbeddedModel

        model = EmbeddedModel(weights=settings.weights, threads=settings.threads, adapter=False)
        return Assistant(box, model, engine="base")
    from evals.baselines import keyword_router, retriever_alone

    everything = Toolbox(services.ledger, services.search, None, maps=box.maps)
    if engine == "router":
        return Assistant(everything, keyword_router(), engine="router")
    if box.retriever is None:
        raise ConfigError("没有工具检索器 retriever.npz；请运行 python -m finetune retriever。",
                          "There is no retriever.npz; run python -m finetune retriever.")
    return Assistant(everything, retriever_alone(box.retriever), engine="retriever")


def side_by_side(results: dict[str, dict[str, Any]]) -> str:
    """One column an engine."""
    names = [*SHARES, "mean_citations", "unverified_citations", "unverified_numbers", "seconds_p50"]
    lines = [f"{'':<22}" + "".join(f"{engine:>12}" for engine in results)]
    for name in names:
        cells = "".join(f"{'–' if r[name] is None else r[name]:>12}" for r in results.values())
        lines.append(f"{name:<22}{cells}")
    return "\n".join(lines)


def _services(options: argparse.Namespace) -> Services:
    from app import build

    settings: Settings = load_settings()
    changes: dict[str, Any] = {}
    if options.engine == "endpoint":
        changes["engine"] = "endpoint"
    if options.cache:
        changes["home"] = options.cache
    elif options.laws:
        name = hashlib.sha256(str(options.laws.resolve()).encode()).hexdigest()[:12]
        changes["home"] = settings.home / "evals" / f"laws-{name}"
    settings = settings.model_copy(update=changes)
    return build(settings, files=[options.laws] if options.laws else [])


def _tick(done: int, total: int) -> None:
    if sys.stderr.isatty() or done == total:
        print(f"\r{done}/{total}", end="" if done < total else "\n", file=sys.stderr, flush=True)


def main(argv: list[str] | None = None) -> int:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m evals answers", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=Path, required=True, nargs="+")
    parser.add_argument("--laws", type=Path, help="folder of full texts to import")
    parser.add_argument("--cache", type=Path, help="where ledger and indexes are kept")
    parser.add_argument("--engine", choices=ENGINES, default="shipped")
    parser.add_argument("--compare", action="store_true",
                        help="router, retriever, base and shipped side by side")
    parser.add_argument("--limit", type=int, default=0, help="only the first N questions")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(argv)
    for path in options.questions:
        if not path.is_file():
            raise ConfigError(f"没有问题文件 {path}。", f"There is no question file {path}.")
    if options.laws and not options.laws.is_dir():
        raise ConfigError(f"没有法规文件夹 {options.laws}。", f"There is no folder {options.laws}.")
    questions = [row for path in options.questions for row in read_questions(path)]
    questions = questions[:options.limit] if options.limit else questions
    services = _services(options)
    engines = ("router", "retriever", "base", "shipped") if options.compare else (options.engine,)
    results: dict[str, dict[str, Any]] = {}
    try:
        for engine in engines:
            print(f"{engine}:", file=sys.stderr)
            results[engine] = run(assistant_for(engine, services), questions,
                                  services.ledger.resolve, _tick)
    finally:
        services.close()
    main_engine = engines[-1]
    result = {**results[main_engine], "engine": main_engine,
              "corpus": "laws" if options.laws else "pack", "machine": machine()}
    print(table(result))
    if options.compare:
        print("\n" + side_by_side(results))
        result["compare"] = {name: {k: v for k, v in r.items() if k != "rows"}
                             for name, r in results.items()}
        result["compare_rows"] = {name: r["rows"] for name, r in results.items()
                                  if name != main_engine}
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(result, ensure_ascii=False, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
