"""How fast do all policies run over all enterprises of a city? `python -m evals speed policy`.

The policies are the pack's own, and generated ones of at least their size up to --policies; the
enterprises are made up, with 15 % of all data missing. Every pair's verdict, amount and clause bits
are streamed to Parquet and read back; then blocks are worked out again and sampled pairs compared
with the evaluator of one enterprise. `--peers PYTHON` names an interpreter that has zen-engine and
openfisca-core: the same clauses for a part of the enterprises, results compared before the times.
The machine's load is written beside the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cityllm.config import load_settings
from cityllm.policies.bound import Between, Count, Member, Node, Opposite, Switch
from cityllm.policies.evaluate import evaluate
from cityllm.policies.regions import under
from cityllm.policies.ruleset import BoundPolicy, RuleSet, bind
from cityllm.policies.service import PolicyService
from cityllm.policies.sweep import sweep
from cityllm.policies.table import EnterpriseTable
from cityllm.policies.vectors import TableEvaluator
from cityllm.policies.view import View
from evals.machine import machine
from evals.policy import outcome
from evals.policy_world import DAY, City, columns_of, policies, sizes, tests_of

COMMAND = "python -m evals speed policy"
PEERS = ("plain", "zen", "zen-batch", "openfisca")
ROWS = (
    ("sweep_s", "政策找人：17.6 万家 × 200 项，写成 Parquet",
     "policies: 176,000 enterprises × 200 policies, to Parquet", "≤ 20", "s"),
    ("memory_mib", "政策找人：内存", "policies: memory of the process", "≤ 6144", "MiB"),
    ("one_p50_ms", "政策找人：一家企业 × 200 项（进程内，含 JSON）",
     "policies: one enterprise × 200, in process, JSON included", "", "ms"),
)


def city_policies(rules: RuleSet, city: City, count: int) -> list[BoundPolicy]:
    """The pack's policies and generated ones, `count` in all."""
    shipped = list(rules)[:count]
    made = [*shipped, *policies(count - len(shipped), rules, city)]
    return [bind(policy, rules.dictionary, DAY) for policy in made]


def size_figures(bound: Sequence[BoundPolicy], shipped: int) -> dict[str, Any]:
    """Mean and 95th percentile of clauses, columns and tables, pack and generated."""
    found = {}
    for name, part in (("pack", bound[:shipped]), ("generated", bound[shipped:])):
        table = sizes(part) if part else np.zeros((1, 3))
        found[name] = {what: {"mean": round(float(table[:, at].mean()), 2),
                              "p95": float(np.quantile(table[:, at], 0.95))}
                       for at, what in enumerate(("clauses", "columns", "tables"))}
    return found


def measure_sweep(bound: Sequence[BoundPolicy], table: EnterpriseTable,
                  folder: Path) -> dict[str, Any]:
    """Time, size and check of a whole sweep to Parquet."""
    began, used = time.perf_counter(), time.process_time()
    done = sweep(bound, table, folder)
    took, busy = time.perf_counter() - began, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    size = sum(file.stat().st_size for file in folder.glob("*.parquet"))
    checked = check(bound, table, folder)
    return {"pairs": done.pairs, "sweep_s": round(took, 2), "sweep_cpu_s": round(busy, 2),
            "pairs_per_s": round(done.pairs / took), "memory_mib": round(peak),
            "parquet_mib": round(size / 2**20), **checked}


def check(bound: Sequence[BoundPolicy], table: EnterpriseTable, folder: Path) -> dict[str, Any]:
    """Read every pair back: all there, once, equal to a second run and, sampled, to the scalar."""
    dice, compared, rows, eligible = np.random.default_rng(0), 0, 0, 0
    evaluator = TableEvaluator(bound, table)
    for file in sorted(folder.glob("part-*.parquet")):
        part = read_pairs_of(file)
        size = part.height // len(bound)
        first = int(part["enterprise"][0])
        block = evaluator.block(first, first + size)
        expected = (np.tile(np.arange(first, first + size), len(bound)),
                    np.repeat(np.arange(len(bound)), size), block.verdicts.ravel(),
                    block.amounts.ravel(), block.clauses.ravel())
        for name, values in zip(("enterprise", "policy", "verdict", "amount", "clauses"), expected,
                                strict=True):
            held = part[name].fill_null(-1).to_numpy()
            if not np.array_equal(held, values):
                raise ValueError(f"{file.name}: column {name} is not what was worked out")
        for row in dice.choice(size, 20, replace=False):
            enterprise = table.enterprise(first + int(row))
            for at, policy in enumerate(bound):
                found = (block.verdicts[at, row], block.clauses[at, row], block.amounts[at, row])
                if outcome(evaluate(policy, enterprise)) != found:
                    raise ValueError(f"{policy.policy.id}, row {first + row}: evaluators differ")
                compared += 1
        rows += part.height
        eligible += int((block.verdicts == 2).sum())
    if rows != len(bound) * len(table):
        raise ValueError(f"{rows} pairs of {len(bound) * len(table)} were read back")
    return {"read_back": rows, "compared_with_scalar": compared, "eligible_pairs": eligible}


def read_pairs_of(file: Path) -> Any:
    """One part of a sweep."""
    import polars as pl

    return pl.read_parquet(file)


def measure_one(rules: RuleSet, bound: Sequence[BoundPolicy], table: EnterpriseTable,
                runs: int = 200) -> dict[str, Any]:
    """One enterprise against all, to JSON in process: milliseconds passed, and of processor."""
    every = RuleSet({one.policy.id: one.policy for one in bound}, rules.dictionary)
    service = PolicyService(every)
    view = View(service)
    times, busy = [], []
    for row in range(runs + 5):
        enterprise = table.enterprise(row)
        began, used = time.perf_counter(), time.process_time()
        report = service.match(enterprise, DAY)
        json.dumps(view.report(report, details=False), ensure_ascii=False)
        times.append(1000 * (time.perf_counter() - began))
        busy.append(1000 * (time.process_time() - used))
    return {"one_cpu_p50_ms": round(statistics.median(busy[5:]), 2),
            "one_p50_ms": round(statistics.median(times[5:]), 2),
            "one_p95_ms": round(float(np.quantile(times[5:], 0.95)), 2)}


def tree(node: Node, table: EnterpriseTable, names: dict[str, str]) -> Any:
    """A condition as plain lists, with short names for columns."""
    def name(column: str) -> str:
        return names.setdefault(column, f"c{len(names)}")

    match node:
        case Between(terms=terms, lo=lo, hi=hi, positive=positive):
            return ["between", [[name(columns[0]), factor] for columns, factor in terms], lo, hi,
                    name(positive) if positive else None]
        case Member(column=column, way=("includes" | "includes_all") as way, values=values):
            return ["set", name(column), way, sorted(values)]
        case Member(column=column, way=way, values=values, separator=separator):
            held = table.texts[column].names if column in table.texts else ()
            worth = {one: under(one, values, separator) if way == "under" else one in values
                     for one in held}
            return ["member", name(column), [one for one in held if worth[one]],
                    [one for one in held if worth[one] is None]]
        case Count(least=least, parts=parts):
            return ["count", least, [tree(part, table, names) for part in parts]]
        case Opposite(part=part):
            return ["not", tree(part, table, names)]
        case Switch(rows=rows):
            return ["switch", [[tree(test, table, names) if test else None,
                                tree(inner, table, names)] for test, inner in rows]]
    return ["unknown"]


def measure_peers(bound: Sequence[BoundPolicy], table: EnterpriseTable, python: str,
                  rows: int, folder: Path) -> dict[str, Any]:
    """The same clauses for the first `rows` enterprises, by each of PEERS and by ourselves."""
    part = table.take(range(rows))
    names: dict[str, str] = {}
    listed = [{"clauses": [tree(one.node, part, names) for one in policy.clauses],
               "columns": [names[column] for clause in policy.clauses
                           for column in clause.columns]} for policy in bound]
    firms = [part.enterprise(row).values for row in range(rows)]
    plain = [{short: sorted(value) if isinstance(value := firm.get(column), frozenset) else value
              for column, short in names.items()} for firm in firms]
    texts = [names[column] for column in [*part.texts, *part.sets] if column in names]
    given = folder / "peers.json"
    given.write_text(json.dumps({"policies": listed, "rows": plain, "texts": texts}), "utf-8")
    evaluator = TableEvaluator(bound, part)
    began = time.perf_counter()
    blocks = list(evaluator.blocks())
    took = time.perf_counter() - began
    bits = np.concatenate([one.clauses for one in blocks], axis=1)
    expected = [[[int(bits[at, row]) >> 2 * place & 3 for place in range(len(one.clauses))]
                 for row in range(rows)] for at, one in enumerate(bound)]
    pairs = rows * len(bound)
    found: dict[str, Any] = {"cityllm": {"pairs_per_s": round(pairs / took), "equal": 100.0}}
    for name in PEERS:
        target = folder / f"{name}.json"
        done = subprocess.run([python, str(Path(__file__).parent / "policy_peers.py"), name,
                               str(given), str(target)], capture_output=True, text=True,
                              check=False)
        if done.returncode:
            found[name] = {"failed": done.stderr.strip().splitlines()[-1][:200]}
            continue
        told = json.loads(target.read_text(encoding="utf-8"))
        same = sum(one == other for mine, theirs in zip(expected, told["clauses"], strict=True)
                   for one, other in zip(mine, theirs, strict=True))
        found[name] = {"pairs_per_s": round(pairs / told["seconds"]),
                       "equal": round(100 * same / pairs, 3), "version": told["version"]}
    return {"peer_enterprises": rows, "peers": found}


def curve(bound: Sequence[BoundPolicy], table: EnterpriseTable) -> list[dict[str, Any]]:
    """Seconds against the number of enterprises and of policies, without writing."""
    found = []
    for share_of, counts in (("enterprises", (0.125, 0.25, 0.5, 1)), ("policies", (0.25, 0.5, 1))):
        for part in counts:
            rows = int(len(table) * part) if share_of == "enterprises" else len(table)
            some = bound[:max(1, int(len(bound) * part))] if share_of == "policies" else bound
            evaluator = TableEvaluator(some, table.take(range(rows)))
            began = time.perf_counter()
            for _ in evaluator.blocks():
                pass
            found.append({"enterprises": rows, "policies": len(some),
                          "s": round(time.perf_counter() - began, 3)})
    return found


def draw(points: Sequence[dict[str, Any]], file: Path) -> None:
    """Cost against enterprises and policies as a picture."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(11, 3.2), sharey=True)
    for axis, what in zip(axes, ("enterprises", "policies"), strict=True):
        other = "policies" if what == "enterprises" else "enterprises"
        most = max(point[other] for point in points)
        line = sorted({point[what]: point["s"] for point in points if point[other] == most}.items())
        axis.plot(*zip(*line, strict=True), marker="o")
        axis.set_xticks([count for count, _ in line], [f"{count:,}" for count, _ in line])
        axis.set_xlabel(f"{what} ({most:,} {other})")
        axis.set_xlim(0)
        axis.set_ylim(0)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("seconds")
    figure.tight_layout()
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=120)
    plt.close(figure)


def run(argv: list[str]) -> int:
    """Measure, print, and write OUT."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--json", type=Path, metavar="OUT")
    parser.add_argument("--enterprises", type=int, default=176_000, metavar="N")
    parser.add_argument("--policies", type=int, default=200, metavar="N")
    parser.add_argument("--peers", default="", metavar="PYTHON",
                        help="an interpreter with zen-engine and openfisca-core")
    parser.add_argument("--peer-enterprises", type=int, default=500, metavar="N")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="cost as a PNG")
    options = parser.parse_args(argv)
    rules = RuleSet.load(load_settings().pack)
    city = City(options.enterprises, rules.dictionary)
    bound = city_policies(rules, city, options.policies)
    table = city.table(columns_of(bound))
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        found: dict[str, Any] = {
            "enterprises": len(table), "policies": len(bound),
            "shipped": min(len(rules.policies), len(bound)), "columns": len(table.columns),
            "tests": tests_of(bound), "load_before": round(load, 2),
            "sizes": size_figures(bound, min(len(rules.policies), len(bound))),
            **measure_sweep(bound, table, Path(folder) / "sweep"),
            **measure_one(rules, bound, table)}
        if options.peers:
            found |= measure_peers(bound, table, options.peers, options.peer_enterprises,
                                   Path(folder))
    if options.picture:
        found["curve"] = curve(bound, table)
        draw(found["curve"], options.picture)
    found["load_after"] = round(os.getloadavg()[0], 2)
    found["machine"] = machine()
    for name, value in found.items():
        print(f"{name:22} {value:,}" if isinstance(value, int | float) else f"{name:22} {value}")
    if options.json:
        figures = [{"zh": zh, "en": en, "mark": mark, "unit": unit, "value": found[key],
                    "command": COMMAND} for key, zh, en, mark, unit in ROWS]
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({**found, "figures": figures}, ensure_ascii=False,
                                           indent=1) + "\n", encoding="utf-8")
    return 0
