"""`cityllm policy find|changes|sample|checked`: what an office does with all of its enterprises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cityllm.cli_policy import Day, Pack, fact_date, rules_of
from cityllm.errors import ConfigError

if TYPE_CHECKING:
    from cityllm.policies.changes import Changed
    from cityllm.policies.ruleset import RuleSet
    from cityllm.policies.sample import Drawn
    from cityllm.policies.table import EnterpriseTable

Enterprises = Annotated[Path, typer.Argument(
    metavar="TABLE", help="企业表：.csv .tsv .jsonl .parquet .xlsx Table of enterprises")]
Out = Annotated[Path | None, typer.Option(
    metavar="FILE", help="名单写到：.csv .jsonl .parquet Where the list goes")]


def find(
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="政策编号 Id of the policy")],
    table: Enterprises, as_of: Day = "", out: Out = None,
    verdict: Annotated[str, typer.Option(
        metavar="eligible|unknown|not_eligible", help="列哪一种 Which are listed")] = "eligible",
    pack: Pack = None,
) -> None:
    """一项政策找出能享受的企业，并说明卡在哪一条。 Who gets one policy, and which clause stops others."""
    from cityllm.policies.figures import show_yuan
    from cityllm.policies.find import find as search

    chosen = next((one for one in ("eligible", "unknown", "not_eligible") if one == verdict), None)
    if chosen is None:
        raise ConfigError(f"--verdict {verdict!r} 不可用：eligible、unknown、not_eligible。",
                          f"--verdict {verdict!r} is not usable: eligible, unknown, not_eligible.")
    rules = rules_of(pack)
    bound = rules.on(fact_date(as_of))[rules.get(policy).id]
    found = search(bound, read(table, rules))
    typer.echo(f"{bound.policy.title.zh} {bound.policy.title.en}（{bound.day}，{bound.validity}）")
    typer.echo(f"符合 eligible {found.count('eligible'):,}，共 in all {show_yuan(found.total)}；"
               f"缺信息 unknown {found.count('unknown'):,}；不符合 not eligible "
               f"{found.count('not_eligible'):,}")
    for one in bound.clauses:
        alone = found.alone[one.clause.id]
        if alone:
            typer.echo(f"  只差这一条 this clause alone: {alone:,}  {one.clause.zh} {one.clause.en}")
    lines = list(found.lines(chosen))
    if out:
        write(lines, out)
    for line in lines[:0 if out else 20]:
        typer.echo(f"  {line['id']}  {line['name']}  {line['amount']}")


def changes(
    before: Annotated[Path, typer.Argument(metavar="BEFORE", help="原来的企业表 Table before")],
    after: Annotated[Path, typer.Argument(metavar="AFTER", help="现在的企业表 Table now")],
    pack: Pack = None,
    pack_before: Annotated[Path | None, typer.Option(
        metavar="DIR", help="原来的城市包；默认同现在 City pack before; the same by default")] = None,
    as_of: Day = "",
    as_of_before: Annotated[str, typer.Option(
        metavar="DATE", help="原来的日期；默认同现在 Fact date before; the same by default")] = "",
    out: Out = None,
) -> None:
    """数据、规则或日期变了，谁新符合、谁不再符合、为什么。 Who gained, who lost, and why."""
    from cityllm.policies.changes import State
    from cityllm.policies.changes import changes as compare

    rules = rules_of(pack)
    old_rules = rules_of(pack_before) if pack_before else rules
    day = fact_date(as_of)
    found = compare(
        State(old_rules.on(fact_date(as_of_before) if as_of_before else day),
              read(before, old_rules)),
        State(rules.on(day), read(after, rules)))
    count = Counter("gained" if one.gained else "lost" if one.lost else "other"
                    for one in found.changed)
    typer.echo(f"重新匹配 matched again {found.matched:,} / {found.pairs:,}；新符合 gained "
               f"{count['gained']:,}，不再符合 lost {count['lost']:,}，其他变化 other {count['other']:,}")
    lines = [_line(one, rules) for one in found.changed]
    if out:
        write(lines, out)
    for line in lines[:0 if out else 40]:
        typer.echo("  " + "  ".join(str(value) for value in line.values() if value))


def _line(one: Changed, rules: RuleSet) -> dict[str, str]:
    verdicts = {0: "✗", 1: "?", 2: "✓", -1: "—"}
    dictionary = rules.dictionary

    def shown(column: str, value: Any) -> str:
        if value is None:
            return "—"
        return str(value) if column.startswith("judge:") \
            else dictionary.field_of(column).show(value)

    return {"enterprise": one.enterprise, "policy": one.policy,
            "change": f"{one.before or '—'} → {one.after or '—'}", "because": one.because,
            "amount": f"{one.amount_before} → {one.amount_after} 分 fen"
            if one.amount_before != one.amount_after else "",
            "clauses": " ".join(f"{name} {verdicts[old]}→{verdicts[new]}"
                                for name, (old, new) in one.clauses.items()),
            "data": "；".join(f"{column} {shown(column, old)} → {shown(column, new)}"
                             for column, (old, new) in one.data.items())}


def sample(
    table: Enterprises,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="抽样表 .csv Where the sample goes")],
    size: Annotated[int, typer.Option(min=1, metavar="N", help="抽多少件 How many")] = 100,
    seed: Annotated[int, typer.Option(metavar="N", help="随机种子 Seed")] = 1,
    policy: Annotated[list[str] | None, typer.Option(
        metavar="ID", help="只抽这些政策；可多次 Only these; repeatable")] = None,
    as_of: Day = "", pack: Pack = None,
) -> None:
    """从已符合的里分层抽样，供事后核查。 A stratified sample of grants, to be checked afterwards."""
    from cityllm.policies.sample import as_rows, draw

    rules = rules_of(pack)
    bound = rules.on(fact_date(as_of))
    ids = [rules.get(one).id for one in policy] if policy else list(bound)
    drawn = draw(list(_grants([bound[one] for one in ids], read(table, rules))), size, seed)
    write(as_rows(drawn), out)
    whole = sum(drawn.strata.values())
    typer.echo(f"抽了 {len(drawn.grants)} 件，{len(drawn.strata)} 层，总体 {whole:,} 件。核查后在 wrong 列填 "
               "0 或 1，再运行 cityllm policy checked。 Drawn, strata, all: put 0 or 1 into wrong, "
               "then run cityllm policy checked.")


def _grants(bound: list[Any], table: EnterpriseTable) -> Iterable[Any]:
    import numpy as np

    from cityllm.policies.sample import Grant
    from cityllm.policies.vectors import MET, TableEvaluator

    for block in TableEvaluator(bound, table).blocks():
        for at, row in zip(*np.nonzero(block.verdicts == MET), strict=True):
            yield Grant(table.ids[block.start + row], bound[at].policy.id,
                        max(0, int(block.amounts[at, row])))


def checked(
    file: Annotated[Path, typer.Argument(
        metavar="SAMPLE", help="填好 wrong 列的抽样表 The sample with its wrong column filled in")],
) -> None:
    """由核查结果估计错发的比例和区间。 The share of wrong grants and its interval, from the checks."""
    from cityllm.policies.sample import estimate

    drawn, wrong = _read_sample(file)
    found = estimate(drawn, wrong)
    typer.echo(f"核查 {found.checked} 件，错 {found.wrong} 件；总体 {found.grants:,} 件里估计错 "
               f"{found.share:.2%}（95% 区间 {found.low:.2%} 至 {found.high:.2%}），约 "
               f"{found.expected:,.0f} 件。 Checked, wrong, all; estimated share of wrong grants "
               "with its 95 % interval, and their number.")


def _read_sample(file: Path) -> tuple[Drawn, dict[tuple[str, str], bool]]:
    import polars as pl

    from cityllm.policies.sample import Drawn, Grant

    try:
        rows = pl.read_csv(file, infer_schema_length=0).to_dicts()
        marks = {(row["enterprise"], row["policy"]): row["wrong"] == "1" for row in rows
                 if row["wrong"] in ("0", "1")}
        grants = tuple(Grant(row["enterprise"], row["policy"],
                             int(str(row["amount"]).replace(".", ""))) for row in rows)
        strata = {row["stratum"]: int(row["stratum_size"]) for row in rows}
    except (OSError, KeyError, ValueError, pl.exceptions.PolarsError) as problem:
        first = str(problem).splitlines()[0]
        raise ConfigError(f"{file} 不是 cityllm policy sample 写出的表：{first}。",
                          f"{file} is no table of cityllm policy sample: {first}.") from None
    return Drawn(grants, strata), marks


def read(path: Path, rules: RuleSet) -> EnterpriseTable:
    """The enterprises of a file; what could not be read is said on stderr."""
    from cityllm.policies.table_file import SHOWN, read_table

    found = read_table(path, rules.dictionary)
    if found.ignored:
        typer.echo(f"{path}：没有用到的列 columns left out: {'、'.join(found.ignored)}", err=True)
    for one in found.wrong[:SHOWN]:
        typer.echo(f"{path}：第 {one.row} 行 row，{one.column}：{one.zh}，按缺失处理（{one.rows} 行） "
                   f"{one.en}; taken as missing", err=True)
    if len(found.wrong) > SHOWN:
        typer.echo(f"{path}：还有 {len(found.wrong) - SHOWN} 种 more", err=True)
    return found.table


def write(lines: list[Mapping[str, Any]] | list[dict[str, Any]], out: Path) -> None:
    """Rows into a .csv (with a mark for Excel), .jsonl or .parquet file."""
    import polars as pl

    kinds = (".csv", ".jsonl", ".parquet")
    if out.suffix.lower() not in kinds:
        raise ConfigError(f"{out} 的格式不支持；可以用 {'、'.join(kinds)}。",
                          f"{out} is of no kind that can be written; use {', '.join(kinds)}.")
    frame = pl.DataFrame(lines, infer_schema_length=None)
    out.parent.mkdir(parents=True, exist_ok=True)
    match out.suffix.lower():
        case ".csv":
            frame.write_csv(out, include_bom=True)
        case ".jsonl":
            frame.write_ndjson(out)
        case _:
            frame.write_parquet(out)
    typer.echo(f"{len(lines):,} 行 rows → {out}")


def mount(app: typer.Typer) -> None:
    """Add the commands of this file to `cityllm policy`."""
    for command in (find, changes, sample, checked):
        app.command()(command)
