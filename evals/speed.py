"""How fast the bundled model is here: `python -m evals speed model --json OUT`.

One stream on `--threads` cores, prompts and lengths as in an answer. `start_s` and `memory_mib` are
those of a fresh process that imports, loads and writes one token. `overhead_percent` compares the
processor time of as many tokens with and without a grammar, so that other work on the machine does
not blur it. All else are medians of `--runs` in elapsed time: there the machine's load counts.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cityllm.agent.specs import SPECS
from cityllm.config import load_settings
from cityllm.model import grammar
from cityllm.model.chat_format import to_template
from cityllm.model.engine import Engine
from cityllm.prompts import SYSTEM_PROMPT
from evals.machine import machine

QUESTION = "一块地15亩，容积率2.5，没办规划许可证就盖了楼，会怎么罚？"
EVIDENCE = "\n".join(f"[E{i}] 城乡规划法 第六十四条 " + "未取得建设工程规划许可证进行建设的，责令停止建设" * 3
                     for i in range(1, 6))
START = """
import sys, resource
from pathlib import Path
from cityllm.model.embedded import EmbeddedModel
engine = EmbeddedModel(weights=Path(sys.argv[1]), threads=int(sys.argv[2])).load()
next(engine.generate([1, 2, 3], 'start: /(?s:.)+/', 1, 0.0), "")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
ANY = "start: /(?s:.){4000}/"
"""Any text, and no end before 4,000 characters."""
ROWS = (
    ("tokens_per_s", "内置模型：单路生成速度", "bundled model: one stream", "≥ 40", "tokens/s"),
    ("start_s", "内置模型：启动", "bundled model: start", "< 10", "s"),
    ("first_token_s", "内置模型：首字", "bundled model: first token, new prompt", "", "s"),
    ("first_token_kept_s", "内置模型：首字（前缀已读）", "bundled model: first token, prefix kept", "", "s"),
    ("overhead_percent", "内置模型：文法开销", "bundled model: overhead of the grammar", "", "%"),
    ("memory_mib", "内置模型：内存", "bundled model: memory of the process", "", "MiB"),
)


def spent(action: Callable[[], Any]) -> tuple[float, float]:
    """Seconds that passed, and seconds of processor time."""
    began, used = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - began, time.process_time() - used


def start(weights: Path, threads: int) -> tuple[float, float]:
    """Seconds and MiB of a fresh process that loads and writes one token."""
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", START, str(weights), str(threads)],
                          capture_output=True, text=True, check=True)
    return time.perf_counter() - began, float(done.stdout.split()[-1])


def bare(engine: Engine, prompt: Sequence[int], tokens: int) -> tuple[float, float]:
    """What the same greedy decoding takes without a grammar, the prompt being read already."""
    import torch
    from transformers import DynamicCache

    cache = DynamicCache(config=engine.model.config)

    def step(ids: list[int]) -> list[int]:
        with torch.inference_mode():
            return [int(engine.forward(ids, cache).argmax())]

    def loop() -> None:
        fresh = list(prompt[-1:])
        for _ in range(tokens):
            fresh = step(fresh)

    step(list(prompt[:-1]))
    return spent(loop)


def model(weights: Path, threads: int, tokens: int, runs: int) -> dict[str, Any]:
    """Every figure of the bundled model, by name."""
    began = [start(weights, threads) for _ in range(runs)]
    engine = Engine(weights, threads, adapter=True, seed=0)
    tools = [spec.openai for spec in SPECS]
    prompt = engine.prompt(to_template(_conversation()), tools)
    other = engine.prompt([{"role": "user", "content": QUESTION}], ())

    def write(ids: list[int], number: int) -> tuple[float, float]:
        return spent(lambda: list(engine.generate(ids, ANY, number, 0.0)))

    first, kept, guided, plain = [], [], [], []
    for _ in range(runs):
        write(other, 1)
        first.append(write(prompt, 1)[0])
        kept.append(write(prompt, 1)[0])
        guided.append(write(prompt, tokens))
        plain.append(bare(engine, prompt, tokens))
    built = [spent(lambda: engine.check(grammar.build(tools, QUESTION, {1: ["text"]})))[0]
             for _ in range(10)]
    mid = statistics.median
    (wall, used), (bare_wall, bare_used) = (
        [mid(column) for column in zip(*rows, strict=True)] for rows in (guided, plain))
    return {
        "tokens_per_s": round(tokens / wall, 1),
        "tokens_per_s_without_grammar": round(tokens / bare_wall, 1),
        "overhead_percent": round(100 * (used / bare_used - 1), 1),
        "grammar_build_ms": round(1000 * mid(built), 2),
        "start_s": round(mid([s for s, _ in began]), 2),
        "memory_mib": round(mid([m for _, m in began])),
        "first_token_s": round(mid(first), 3), "first_token_kept_s": round(mid(kept), 3),
        "prompt_tokens": len(prompt), "tokens": tokens, "runs": runs, "threads": threads,
        "parameters": sum(p.numel() for p in engine.model.parameters()),
    }


def _conversation() -> list[Any]:
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

    call = {"name": "search_regulations", "args": {"query": QUESTION}, "id": "1"}
    return [SystemMessage(SYSTEM_PROMPT), HumanMessage(QUESTION), AIMessage("", tool_calls=[call]),
            ToolMessage(EVIDENCE, tool_call_id="1")]


def show(figures: dict[str, Any], where: dict[str, Any]) -> None:
    """The figures as a table, with the machine they were measured on."""
    from rich.console import Console
    from rich.table import Table

    table = Table("figure", "measured", caption="  ".join(f"{k} {v}" for k, v in where.items()))
    for name, value in figures.items():
        table.add_row(name, f"{value:,}")
    Console().print(table)


def main(argv: list[str]) -> int:
    """Measure, print, and write OUT."""
    if argv[:1] == ["policy"]:
        from evals.policy_speed import run

        return run(argv[1:])
    parser = argparse.ArgumentParser(prog="python -m evals speed", description=__doc__)
    parser.add_argument("part", choices=["model"],
                        help="what to measure; `policy` has a --help of its own")
    parser.add_argument("--json", type=Path, metavar="OUT", help="where the figures are written")
    parser.add_argument("--weights", type=Path, help="another folder of weights")
    parser.add_argument("--threads", type=int, help="cores (default: CITYLLM_THREADS)")
    parser.add_argument("--tokens", type=int, default=200, help="length of an answer")
    parser.add_argument("--runs", type=int, default=3, help="medians of so many")
    options = parser.parse_args(argv)
    settings = load_settings()
    threads = options.threads or settings.threads
    figures = model(options.weights or settings.weights, threads, options.tokens, options.runs)
    where = machine()
    show(figures, where)
    if options.json:
        command = "python -m evals speed model"
        named = [{"zh": zh, "en": en, "mark": mark, "unit": unit, "value": figures[key],
                  "command": command} for key, zh, en, mark, unit in ROWS]
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(
            {**figures, "machine": where, "figures": named}, ensure_ascii=False, indent=1) + "\n",
            encoding="utf-8")
    return 0
