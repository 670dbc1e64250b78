"""Every enterprise × every policy, streamed to Parquet: a file a block, so that it can resume.

A folder holds `plan.json` (policies, clauses, day, and a mark of all that decides the outcome) and
`part-00000.parquet` …, with a row for each pair:

    enterprise  row in the table, from 0          policy   number in plan.json, from 0
    verdict     0 not eligible, 1 unknown, 2 eligible
    amount      fen, null where nothing is granted or a datum for it is missing
    clauses     two bits a clause, the first lowest, with the values of `verdict`

A part is written under another name and renamed when whole. A folder of another plan is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cityllm.errors import PolicyError
from cityllm.policies.ruleset import BoundPolicy
from cityllm.policies.table import EnterpriseTable
from cityllm.policies.vector_money import NOTHING
from cityllm.policies.vectors import BLOCK, Block, TableEvaluator

if TYPE_CHECKING:
    import polars as pl

Progress = Callable[[int, int], None]
"""Enterprises done, and all of them."""


@dataclass(frozen=True, slots=True)
class Swept:
    """Pairs worked out, and how many of them came from an earlier run."""

    pairs: int
    kept: int


def sweep(policies: Sequence[BoundPolicy], table: EnterpriseTable, folder: Path, *,
          block: int = BLOCK, progress: Progress = lambda done, whole: None) -> Swept:
    """All pairs into `folder`. Run again after a stop, it goes on. Raises PolicyError."""
    plan = _plan(policies, table, block)
    _claim(folder, plan)
    evaluator = TableEvaluator(policies, table)
    kept = 0
    for number, start in enumerate(range(0, len(table), block)):
        end = min(start + block, len(table))
        part = folder / f"part-{number:05d}.parquet"
        if part.exists():
            kept += (end - start) * len(policies)
        else:
            fresh = part.with_suffix(".part")
            frame(evaluator.block(start, end)).write_parquet(fresh, compression="lz4",
                                                             statistics=False)
            fresh.rename(part)
        progress(end, len(table))
    return Swept(len(table) * len(policies), kept)


def frame(block: Block) -> pl.DataFrame:
    """A block as rows of pairs, policy by policy."""
    import polars as pl

    policies, size = block.verdicts.shape
    amounts = pl.Series("amount", block.amounts.ravel())
    return pl.DataFrame([
        pl.Series("enterprise", np.tile(np.arange(block.start, block.start + size, dtype=np.uint32),
                                        policies)),
        pl.Series("policy", np.repeat(np.arange(policies, dtype=np.uint16), size)),
        pl.Series("verdict", block.verdicts.ravel()), amounts,
        pl.Series("clauses", block.clauses.ravel())],
    ).with_columns(pl.when(pl.col("amount") != NOTHING).then(pl.col("amount")))


def read_plan(folder: Path) -> dict[str, Any]:
    """What a folder was made of. Raises PolicyError where there is none."""
    try:
        return dict(json.loads((folder / "plan.json").read_text(encoding="utf-8")))
    except (OSError, ValueError) as problem:
        raise PolicyError(f"{folder} 里没有匹配结果：{problem}。",
                          f"{folder} holds no result of a sweep: {problem}.") from None


def read_pairs(folder: Path) -> pl.LazyFrame:
    """The pairs of a folder, lazily."""
    import polars as pl

    return pl.scan_parquet(folder / "part-*.parquet")


def _plan(policies: Sequence[BoundPolicy], table: EnterpriseTable, block: int) -> dict[str, Any]:
    return {"mark": mark(policies, table), "enterprises": len(table), "block": block,
            "day": policies[0].day.isoformat() if policies else "",
            "policies": {one.policy.id: [clause.clause.id for clause in one.clauses]
                         for one in policies}}


def _claim(folder: Path, plan: Mapping[str, Any]) -> None:
    """Make the folder, or check that it is of the same plan."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "plan.json"
    if file.exists():
        if read_plan(folder) != plan:
            raise PolicyError(
                f"{folder} 里是另一批企业或另一版规则的结果。请换一个文件夹，或者先删掉它。",
                f"{folder} holds the result of other enterprises or rules. Name another folder, or "
                "delete it first.")
    elif any(folder.glob("part-*.parquet")):
        raise PolicyError(f"{folder} 里有别的 part-*.parquet，请换一个文件夹。",
                          f"{folder} has part-*.parquet of something else; name another folder.")
    else:
        fresh = folder / "plan.part"
        fresh.write_text(json.dumps(plan, ensure_ascii=False, indent=1), encoding="utf-8")
        fresh.rename(file)


def mark(policies: Sequence[BoundPolicy], table: EnterpriseTable) -> str:
    """A hash of all that decides the outcome: rules, day, and every value."""
    told = hashlib.sha256()
    for one in policies:
        told.update(f"{one.day} {one.policy.model_dump_json()}".encode())
    for column in sorted(table.numbers):
        told.update(column.encode() + np.ascontiguousarray(table.numbers[column]).data)
    for column in sorted(table.texts):
        told.update(repr((column, table.texts[column].names)).encode())
        told.update(np.ascontiguousarray(table.texts[column].codes).data)
    for column in sorted(table.sets):
        told.update(column.encode() + np.ascontiguousarray(table.sets[column]).data)
    told.update("\n".join(table.ids).encode())
    return told.hexdigest()
