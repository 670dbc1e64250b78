"""`cityllm triage issues | replies | bias | drift`: what many petitions say together."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cityllm.config import load_settings
from cityllm.errors import ConfigError, ModelUnavailable

if TYPE_CHECKING:
    from cityllm.config import Settings
    from cityllm.petitions.clock import Clock
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
    from cityllm.petitions import issues as found
    from cityllm.petitions import issues_page, output
    from cityllm.petitions.columns import read_given
    from cityllm.petitions.intake import open_source
    from cityllm.triage_terminal import progress_lines

    rows, page = open_source(source, read_given(column or [])), page_of(source, out, report)
    began = time.perf_counter()
    with progress_lines() as progress:
        done = found.triaged(rows, pipeline(load_settings()), progress)
    made = found.issues(done)
    if out:
        output.write(out, (found.row_of(rank, one) for rank, one in enumerate(made, 1)),
                     found.COLUMNS, found.flat)
    _write_page(page, lambda: issues_page.render(made, len(done), Path(source).name))
    typer.echo(f"{len(done):,} 件来信，{len(made):,} 个事项，用时 {time.perf_counter() - began:.1f} s。 "
               "Messages, issues of two or more.")
    for rank, one in enumerate(made[:SHOWN], 1):
        typer.echo(f"{rank:>3}  热度 {one.heat:5.1f}  {one.people:>4} 人 {one.messages:>4} 件 "
                   f"{one.votes:>5} 票  {one.first or '?'} 至 {one.last or '?'}  {one.title}")
    _tell_files("事项 Issues", out, page)


def replies(
    source: Annotated[str, typer.Argument(
        metavar="IN", help="来信和答复（列：标题、内容、答复、收到日期、答复日期） Messages with replies")],
    out: Annotated[str, typer.Argument(
        metavar="[OUT]", help="每件的分数和缺什么：.xlsx .csv .jsonl，或数据库表 Scores of each")] = "",
    column: Column = None,
    report: Page = None,
) -> None:
    """给答复打分：切题、完整、说明依据、按期，并说缺什么。 Replies scored, and what each lacks."""
    from cityllm.petitions import output, replies_page
    from cityllm.petitions import replies as scoring
    from cityllm.petitions.columns import read_given
    from cityllm.petitions.intake import open_source

    rows, page = open_source(source, read_given(column or [])), page_of(source, out, report)
    read = list(scoring.answered(rows))
    held = [one for one in read if not isinstance(one, str)]
    if not held:
        raise ConfigError(f"{source} 里没有可评的答复。答复的列名可以是 {'、'.join(scoring.REPLY)}。",
                          f"{source} holds no reply to score. The column of replies may be named "
                          f"{', '.join(scoring.REPLY)}.")
    made = [scoring.row_of(one, scored) for one, scored in
            zip(held, scoring.score(held, clock(load_settings())), strict=True)]
    if out:
        output.write(out, made, scoring.COLUMNS, scoring.flat)
    _write_page(page, lambda: replies_page.render(made, len(read) - len(held), Path(source).name))
    typer.echo(replies_page.summary(made, len(read) - len(held)))
    _tell_files("分数 Scores", out, page)


def bias(
    source: Annotated[str, typer.Argument(
        metavar="[IN]", help="cityllm triage 的输出 .jsonl；不写则用审核页的记录 An output of triage; "
        "by default what is on the review page")] = "",
    out: Annotated[str, typer.Option(
        metavar="FILE", help="各组的率和区间：.xlsx .csv .jsonl Shares of each group")] = "",
    by: Annotated[list[str] | None, typer.Option(
        metavar="COLUMN", help="再按输入表的这一列分组；可多次 Also by this column; repeatable")] = None,
    report: Page = None,
) -> None:
    """按区县和来信人类型比较自动转送率和更改率，带区间。 Shares by group, with intervals."""
    from cityllm.petitions import bias as groups
    from cityllm.petitions import output
    from cityllm.petitions.review import Review

    settings = load_settings()
    if not source and not settings.review.is_file():
        raise ConfigError("审核页还没有记录：先运行 cityllm triage IN OUT --queue，或者写明一个输出文件。",
                          "The review page holds nothing yet: run cityllm triage IN OUT --queue, "
                          "or name an output.")
    page = page_of(source or str(settings.review), out, report)
    records = _records(Path(source)) if source else Review(settings.review).records()
    made = groups.rows(groups.groups(records, by or ()))
    if out:
        output.write(out, made, groups.COLUMNS, groups.flat)
    _write_page(page, lambda: groups.render(
        made, Path(source).name if source else "审核页 review page"))
    for one in made:
        typer.echo("  ".join(f"{groups.COLUMNS[name]} {value}" for name, value in one.items()
                             if name in ("name", "petitions", "automatic", "decided", "changed",
                                         "apart") and value not in (None, "")))
    _tell_files("各组 Groups", out, page)


def drift(
    calibration: Annotated[Path, typer.Argument(
        metavar="CALIBRATION", help="校准用的件经 cityllm triage 的输出 .jsonl Output over those rows")],
    output: Annotated[Path, typer.Argument(
        metavar="OUT", help="要检查的输出 .jsonl The output to look at")],
    close: Annotated[bool, typer.Option(
        "--close", help="有漂移就关闭自动线 Shut the automatic line where a week has drifted")] = False,
    pack: Annotated[Path | None, typer.Option(
        metavar="DIR", help="关哪个城市包的线；默认 CITYLLM_PACK Whose line")] = None,
) -> None:
    """逐周比对来件与校准数据，有漂移就说明，并可关闭自动线。 Drift by week; shuts the line if asked."""
    from cityllm.cli_triage import classifier_folder
    from cityllm.petitions import drift as weekly

    settings = load_settings()
    weeks = weekly.check(_records(calibration), _records(output))
    for week in weeks:
        told = "，".join(f"{weekly.NAMES[name]} {value:.3f}"
                        for name, value in week.measures.items())
        few = f"不足 {weekly.FEW} 件，不下结论 too few" if week.petitions < weekly.FEW else "正常 steady"
        typer.echo(f"{week.week}  {week.petitions:>6,} 件  {told}  {week.why or few}")
    if close:
        folder = classifier_folder(settings, pack or settings.pack)
        if why := weekly.closing(weeks):
            weekly.shut(folder / "line.json", why)
        typer.echo(f"已关闭自动线：{why}\n{folder / 'line.json'} The automatic line is shut."
                   if why else "没有漂移，自动线不变。 No drift; the line stays as it is.")


def _write_page(page: Path | None, render: Callable[[], str]) -> None:
    """The report page, where one is wanted."""
    from cityllm.petitions import output

    if page:
        with output.replacing(page) as file:
            file.write(render())


def _tell_files(name: str, out: str, page: Path | None) -> None:
    """Print what was written: OUT under its `name`, and the report page."""
    for what, path in ((name, out), ("报告 Report", page)):
        if path:
            typer.echo(f"{what}: {path}")


def _records(path: Path) -> Iterator[dict[str, Any]]:
    """The records of an output. ConfigError where it is none."""
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                told = json.loads(line)
                if not {"route", "code", "department", "district", "kind"} <= set(told):
                    raise ValueError(number)
                yield told
    except (OSError, ValueError, TypeError) as fault:
        raise ConfigError(f"{path} 不是 cityllm triage 写出的 .jsonl（{fault}）。",
                          f"{path} is no .jsonl written by cityllm triage ({fault}).") from None


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


def clock(settings: Settings) -> Clock:
    """The legal clock of the pack. ConfigError where it is missing or wrong."""
    from cityllm.cli_triage import HOLIDAYS
    from cityllm.petitions.clock import Clock
    from cityllm.petitions.workdays import WorkDays

    return Clock.load(settings.pack / "petitions" / "clock.yaml", WorkDays.load(HOLIDAYS))


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
