"""`cityllm triage decisions`: what clerks decided, as training data; the check of its log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cityllm.config import load_settings
from cityllm.errors import ConfigError

app = typer.Typer(no_args_is_help=True,
                  help="审核页上的决定：导出、核验。 Decisions of the review page: export, verify.")


@app.command()
def export(
    out: Annotated[Path, typer.Argument(
        metavar="FILE", help="JSONL，供 cityllm triage train 读取 For cityllm triage train")],
) -> None:
    """导出接受和更改过的件，作为训练数据（已脱敏，不含检举控告）。 Decided rows as training data."""
    from cityllm.petitions.output import replacing
    from cityllm.petitions.review import Review
    from cityllm.petitions.verdict import taught

    settings = load_settings()
    count = 0
    with replacing(out) as file:
        for row in taught(Review(settings.review).records()):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    typer.echo(f"写出 {count:,} 行 rows：{out}\n训练 Train: cityllm triage train {out} --pack DIR")


@app.command()
def verify() -> None:
    """核验决定的记录没有被改动过；给出最新的哈希，请另存一份。 Check that the log was not altered."""
    from cityllm.petitions.review import Review

    checked = Review(load_settings().review).verify()
    if checked.broken:
        raise ConfigError(
            f"决定的记录被改动过：第 {checked.broken} 条起对不上（共 {checked.entries} 条）。请保留现场，从备份恢复。",
            f"The log of decisions was altered: it does not fit from entry {checked.broken} on (of "
            f"{checked.entries}). Keep the file as it is, and restore a copy.")
    typer.echo(f"{checked.entries:,} 条决定，哈希链完好。 Entries: {checked.entries:,}, the chain is "
               f"whole.\n{checked.head}")
