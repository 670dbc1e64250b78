"""`cityllm corpus`: bring laws in, look at them, take them out, build the indexes again."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from cityllm.config import Settings, load_settings
from cityllm.errors import CityLLMError

if TYPE_CHECKING:
    from cityllm.corpus.importer import ImportReport
    from cityllm.corpus.ledger import Clause, Ledger

app = typer.Typer(no_args_is_help=True, help="法规库：导入、查看、删除、重建。 "
                  "The laws held: import, show, remove, rebuild.")
Paths = Annotated[list[Path], typer.Argument(
    help="文件或文件夹 Files or folders (.md .txt .html .docx .pdf)")]
AsOf = Annotated[str, typer.Option("--as-of", help="哪一天有效的文本 The wording in force on DATE")]


def open_ledger(settings: Settings) -> Ledger:
    """The ledger of these settings with the pack's digests up to date."""
    from cityllm.corpus.digests import sync_pack
    from cityllm.corpus.ledger import Ledger

    table = settings.pack / "status.yaml"
    ledger = Ledger.open(settings.ledger, table if table.is_file() else None)
    sync_pack(ledger, settings.pack)
    return ledger


@app.command()
def add(
    paths: Paths,
    title: Annotated[str, typer.Option(help="名称（只导入一个文件时） Title, for one file")] = "",
    version: Annotated[str, typer.Option(help="版本日期 Date of this version")] = "",
    kind: Annotated[str, typer.Option(help="种类，如 地方性法规 Kind")] = "",
    region: Annotated[str, typer.Option(help="适用地区，如 杭州市 Region")] = "",
    url: Annotated[str, typer.Option(help="官方公布网址 Where the text is published")] = "",
) -> None:
    """导入法规文件。 Import laws from files and folders; what fails is listed at the end."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from cityllm.corpus.importer import Given, add_files
    from cityllm.corpus.levels import KINDS

    try:
        if kind and kind not in KINDS:
            raise CityLLMError(f"种类 {kind} 不认识，可用：{'、'.join(KINDS)}。",
                               f"Unknown kind {kind}. Allowed: {', '.join(KINDS)}.")
        if (title or version) and (len(paths) != 1 or paths[0].is_dir()):
            raise CityLLMError("--title 和 --version 只能用于一个文件。请一次导入一个文件。",
                               "--title and --version are for one file. Import one at a time.")
        given = Given(title, _day(version) if version else None, kind, region, url)
        console = Console(stderr=True)
        columns = (TextColumn("导入 Import"), BarColumn(), MofNCompleteColumn(),
                   TimeElapsedColumn(), TextColumn("{task.description}"))
        with open_ledger(load_settings()) as ledger, Progress(*columns, console=console) as bar:
            task = bar.add_task("", total=None)

            def show(done: int, total: int, name: str) -> None:
                bar.update(task, completed=done, total=total, description=name[:30])

            report = add_files(ledger, paths, show, given)
    except CityLLMError as problem:
        _stop(problem)
    _print_report(report)
    if report.failures and not report.added + report.unchanged:
        raise typer.Exit(1)


def _print_report(report: ImportReport) -> None:
    """What was imported; then what was odd; what failed comes last, as a table."""
    from rich.console import Console
    from rich.table import Column, Table

    console = Console()
    share = 100 * len({name for name, _ in report.gaps}) / max(1, report.with_articles)
    console.print(f"导入 {report.added} 个文件、{report.clauses} 条，{report.unchanged} 个未变，"
                  f"用时 {report.seconds:.1f} 秒。 Imported {report.added} files with "
                  f"{report.clauses} clauses, {report.unchanged} unchanged.", highlight=False)
    for note in report.notes:
        console.print(f"· {note}", highlight=False, markup=False, soft_wrap=True)
    if report.gaps:
        console.print(f"条号不连续 Numbering gaps ({share:.2f} %)：", highlight=False)
        for name, gap in report.gaps:
            console.print(f"· {name}：{gap}", highlight=False, markup=False, soft_wrap=True)
    if report.plain:
        console.print(f"没有条号、按段落收录 Imported as paragraphs ({len(report.plain)})：")
        for name in report.plain:
            console.print(f"· {name}", highlight=False, markup=False, soft_wrap=True)
    if report.cut:
        console.print(f"可能不完整、缺结尾条文 May be cut off ({len(report.cut)})：")
        for name in report.cut:
            console.print(f"· {name}", highlight=False, markup=False, soft_wrap=True)
    if report.failures:
        table = Table(Column("文件 File", overflow="fold"),
                      Column("原因与办法 Why, and what to do", overflow="fold"), show_lines=True,
                      title=f"未能导入 Not imported ({len(report.failures)})")
        for failure in report.failures:
            table.add_row(failure.path, f"{failure.zh}\n{failure.en}")
        console.print(table)


@app.command("list")
def list_(
    name: Annotated[str, typer.Argument(help="只列名称含此字样的 Only titles with this")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> None:
    """列出收录的法规及其版本。 List what is held, one row a version."""
    from rich.console import Console
    from rich.table import Column, Table

    try:
        with open_ledger(load_settings()) as ledger:
            found = [one for one in ledger.instruments() if name in one.title]
            known = ledger.status_known
    except CityLLMError as problem:
        _stop(problem)
    if as_json:
        rows = [{"title": one.title, "version": str(one.version or ""), "kind": one.kind,
                 "level": one.level, "region": one.region, "issuer": one.issuer,
                 "starts": str(one.starts or ""), "ends": str(one.ends or ""),
                 "status": one.status, "verbatim": one.verbatim, "articles": one.n_articles,
                 "gaps": list(one.gaps)} for one in found]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    table = Table(Column("名称 Title", overflow="fold"), "版本 Version", "级别 Level", "地区 Region",
                  "条 Art.", "文本 Text", "状态 Status")
    for one in found:
        table.add_row(one.title, str(one.version or "—"), one.level, one.region,
                      str(one.n_articles), "全文 full" if one.verbatim else "摘要 digest", one.status)
    console = Console()
    (console if console.is_terminal else Console(width=200)).print(table)
    typer.echo(f"{len(found)} 个版本 versions；状态截至 status as known on {known or '—'}")


@app.command()
def show(
    title: Annotated[str, typer.Argument(help="名称或简称 Title or short name")],
    article: Annotated[str, typer.Argument(help="条号，如 72 或 第七十二条 Article")] = "",
    as_of: AsOf = "",
) -> None:
    """显示一条的原文。 Show one article (or, without a number, the list of versions)."""
    try:
        with open_ledger(load_settings()) as ledger:
            if not article:
                if not ledger.versions(title):
                    ledger.article(title, "1", date.today())
                for one in ledger.versions(title):
                    text = "全文 full" if one.verbatim else "摘要 digest"
                    typer.echo(f"{one.name}  {one.n_articles} 条  {text}  {one.status}")
                return
            clause = ledger.article(title, article, _day(as_of) if as_of else date.today())
            _print_clause(clause, ledger.status_known)
    except CityLLMError as problem:
        _stop(problem)


def _print_clause(clause: Clause, known: date | None) -> None:
    what = "原文 verbatim" if clause.verbatim else "摘要（非原文） digest, not verbatim"
    typer.echo(f"《{clause.full_title}》{clause.label} {clause.heading}".rstrip())
    typer.echo(" / ".join([clause.level, clause.issuer or "—", clause.region, *clause.path]))
    typer.echo(f"{clause.clause_id}  {what}  {clause.status}")
    typer.echo(f"\n{clause.text}\n")
    typer.echo(f"状态截至 Status as known on {known or '—'}")


@app.command()
def remove(
    title: Annotated[str, typer.Argument(help="名称 Title")],
    version: Annotated[str, typer.Option(help="只删这个版本 Only this version")] = "",
) -> None:
    """删除一部法规。 Remove a title, or one version of it, from the ledger."""
    from cityllm.corpus.importer import remove as remove_title

    try:
        with open_ledger(load_settings()) as ledger:
            count = remove_title(ledger, title, _day(version) if version else None)
    except CityLLMError as problem:
        _stop(problem)
    typer.echo(f"已删除 {count} 个版本。 Removed {count} version(s).")


@app.command()
def rebuild() -> None:
    """从条文库重建检索索引。 Build the search indexes again from the ledger."""
    from rich.console import Console

    from cityllm.corpus.search import rebuild_search

    settings = load_settings()
    console = Console(stderr=True)
    try:
        with open_ledger(settings) as ledger, console.status("重建索引 Rebuilding …") as status:
            ledger.settle()

            def show_step(*words: object) -> None:
                status.update(" ".join(str(word) for word in words))

            rebuild_search(ledger, settings, show_step)
    except CityLLMError as problem:
        _stop(problem)
    typer.echo("索引已重建。 The indexes are built again.")


@app.command()
def check() -> None:
    """检查条文库是否完好。 Check the ledger: damage, empty texts, gaps, dates."""
    from cityllm.corpus.checks import check_ledger

    try:
        with open_ledger(load_settings()) as ledger:
            facts, problems = check_ledger(ledger)
    except CityLLMError as problem:
        _stop(problem)
    for fact in facts:
        typer.echo(fact)
    for words in problems:
        typer.echo(f"✗ {words}")
    if problems:
        raise typer.Exit(1)
    typer.echo("完好。 All is well.")


@app.command()
def counts(
    write: Annotated[bool, typer.Option(help="写入城市包 Write it into the pack")] = False,
) -> None:
    """由全文数出城市包各法规的条数。 Count the articles of the pack's laws from the full texts held."""
    from cityllm.corpus.digests import count_articles

    settings = load_settings()
    try:
        with open_ledger(settings) as ledger:
            found = count_articles(ledger, settings.pack)
    except CityLLMError as problem:
        _stop(problem)
    lines = "".join(f"{name}: {count}\n" for name, count in found.items())
    if write:
        head = ("# Number of articles of each official text, title@version. Made by\n"
                "# `cityllm corpus counts --write` from the full texts held.\n")
        (settings.pack / "article_counts.yaml").write_text(head + lines, "utf-8")
    typer.echo(lines, nl=False)


def _day(text: str) -> date:
    try:
        return datetime.strptime(text.strip(), "%Y-%m-%d").date()
    except ValueError:
        raise CityLLMError(f"日期 {text} 不对，应写成 2020-01-01。",
                           f"{text} is not a date; write it as 2020-01-01.") from None


def _stop(problem: CityLLMError) -> NoReturn:
    """Say what went wrong, in both languages, and leave with 1."""
    typer.echo(f"{problem.zh}\n{problem.en}", err=True)
    raise typer.Exit(1)
