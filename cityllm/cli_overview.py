"""`cityllm triage issues`: what many petitions say together. Mounted beside the other commands."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cityllm.config import load_settings
from cityllm.errors import ConfigError, ModelUnavailable

if TYPE_CHECKING:
    from cityllm.config import Settings
    from cityllm.petitions.pipeline import Pipeline

Column = Annotated[list[str] | None, typer.Option(
    metavar="FIELD=COLUMN", help="指定列，如 text=诉求原文；可多次 Name a column; repeatable")]
Page = Annotated[Path | None, typer.Option(
    metavar="FILE", help="报告页；默认 OUT 旁的 .html Report page; beside OUT by default")]
SHOWN = 10


def issues(
    source: Annotated[str, typer.Argument(
        metavar="IN", help="来信：.xlsx .csv .tsv .jsonl，或 sqlite:///库#表 The messages")],
    out: Annotated[str, typer.Argument(
        metavar="[OUT]", help="全部事项：.xlsx .csv .jsonl，或数据库表 Where all issues go")] = "",
    column: Column = None,
    report: Page = None,
) -> None:
    """把来信归成事项，按热度排序：地点、起止、人数、票数。 Messages into issues, the hottest first."""
    from cityllm.cli_triage import progress_lines
    from cityllm.petitions import issues as found
    from cityllm.petitions import issues_page, output
    from cityllm.petitions.columns import read_given
    from cityllm.petitions.intake import open_source

    rows, page = open_source(source, read_given(column or [])), page_of(source, out, report)
    began = time.perf_counter()
    with progress_lines() as progress:
        done = found.triaged(rows, pipeline(load_settings()), progress)
    made = found.issues(done)
    if out:
        output.write(out, (found.row_of(rank, one) for rank, one in enumerate(made, 1)),
                     found.COLUMNS, found.flat)
    if page:
        with output.replacing(page) as file:
            file.write(issues_page.render(made, len(done), Path(source).name))
    typer.echo(f"{len(done):,} 件来信，{len(made):,} 个事项，用时 {time.perf_counter() - began:.1f} s。 "
               "Messages, issues of two or more.")
    for rank, one in enumerate(made[:SHOWN], 1):
        typer.echo(f"{rank:>3}  热度 {one.heat:5.1f}  {one.people:>4} 人 {one.messages:>4} 件 "
                   f"{one.votes:>5} 票  {one.first or '?'} 至 {one.last or '?'}  {one.title}")
    for name, path in (("事项 Issues", out), ("报告 Report", page)):
        if path:
            typer.echo(f"{name}: {path}")


def page_of(source: str, out: str, given: Path | None) -> Path | None:
    """Where the page goes: as given, or beside a file OUT. ConfigError where it, or OUT, would
    replace the input or cannot be written."""
    from cityllm.petitions import output

    if out:
        output.check_name(out)
    page = given or (Path(out).with_suffix(".html") if out and "://" not in out else None)
    if Path(source).resolve() in [Path(one).resolve() for one in (out, page) if one]:
        raise ConfigError(f"输出 {out or page} 会盖掉输入，请换一个名字。",
                          f"The output {out or page} would replace the input: choose another name.")
    return page


def pipeline(settings: Settings) -> Pipeline:
    """The stages of one message, of the settings. ModelUnavailable where a part is missing."""
    from cityllm.cli_triage import chat_pipeline, classifier_folder

    classifier_folder(settings, settings.pack)
    build = chat_pipeline(settings)
    if build is None:
        raise ModelUnavailable(
            f"城市包 {settings.pack} 里没有 petitions/clock.yaml。",
            f"The pack {settings.pack} has no petitions/clock.yaml.")
    return build()
