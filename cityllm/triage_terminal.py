"""What `cityllm triage` prints: how far it is, and what was done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from cityllm.petitions.batch import Progress, Result


@contextmanager
def progress_lines() -> Iterator[Progress]:
    """A bar with rate and remaining time on a terminal; elsewhere a line every ten seconds."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    names = {"rows": "处理 Rows", "drafts": "草稿 Drafts", "write": "查重、写出 Group and write",
             "drift": "漂移检查 Drift"}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    opened = last = time.monotonic()
    tasks: dict[str, Any] = {}
    begun: dict[str, float] = {}
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        def tell(done: int, total: int | None, what: str) -> None:
            nonlocal last
            now = time.monotonic()
            rate = done / max(now - begun.setdefault(what, now if tasks else opened), 1e-6)
            if what not in tasks:
                tasks[what] = bar.add_task(names.get(what, what), total=total, rate="")
            bar.update(tasks[what], completed=done, total=total, rate=f"{rate:,.0f} 行/s rows/s")
            if not console.is_terminal and now - last >= 10:
                last = now
                left = f"，约剩 {(total - done) / rate:,.0f} s left" if total and done else ""
                console.print(f"{names.get(what, what)} {done:,}/{total or '?'} "
                              f"{rate:,.0f} 行/s rows/s{left}", highlight=False)

        yield tell


def show(result: Result, out: str, page: Path) -> None:
    """What was done, and each stage's rows a second."""
    say: Callable[[str], None] = typer.echo
    say(f"{result.rows:,} 行，其中新处理 {result.fresh:,} 行，读不了 {result.bad:,} 行，"
        f"用时 {result.seconds:.1f} s。 Rows: {result.rows:,}, done now {result.fresh:,}, "
        f"unusable {result.bad:,}.")
    say(f"自动转送 {result.routes['auto']:,}，人工审核 {result.routes['review']:,}，紧急 "
        f"{result.routes['urgent']:,}。 Automatic, to a person, urgent.")
    if result.closed:
        say(f"已关闭自动线：{result.closed}。重新训练以前都由人审核。 The line is shut until trained again.")
    say("各环节每个进程 Each stage, in one process:")
    for name, rows, rate in result.times.rates():
        shown = f"{rate:,.0f}" if rate >= 10 else f"{rate:.2f}"
        say(f"  {name:<24}{rows:>9,} 行 rows {shown:>12} 行/s rows/s")
    if result.asked or result.drafts or result.undrafted:
        say(f"草稿：问了 {result.asked:,} 件，写成 {result.drafts:,} 份。 Drafts: asked, written.")
        for why, count in result.undrafted.most_common():
            say(f"  {count:,} 件没有草稿 without: {why}")
    if result.fresh:
        own = result.seconds - result.times.stages.get("draft", (0, 0.0))[1]
        say(f"  {'全程（不含草稿） all':<22}{result.fresh:>9,} 行 rows "
            f"{result.fresh / max(own, 1e-9):>12,.0f} 行/s rows/s")
    if result.rows and (result.fresh or result.asked):
        say(f"  大模型调用 model calls: {result.calls:,} = {1000 * result.calls / result.rows:.1f} / "
            "1,000 行 rows")
    _show_model(result, out)
    say(f"结果 Result: {out}\n日报 Report: {page}")


def _show_model(result: Result, out: str) -> None:
    """What the model of `--ask-model` did; nothing where none was asked."""
    from cityllm.petitions.cascade import FAILURES
    from cityllm.petitions.pipeline import CHANGED, FAILED, SOLVED, TRIED
    from cityllm.petitions.trial import MARK

    say: Callable[[str], None] = typer.echo
    tried, solved, changed, failed = (
        result.times.count(name) for name in (TRIED, SOLVED, CHANGED, FAILED))
    if failed:
        say(f"  大模型有 {failed:,} 次没有答成，连续 {FAILURES} 次就不再问；没问成的件保留分类器的类目。查好模型端点，"
            f"删去 {out}.journal 再跑一次。\n  The model failed {failed:,} times, and is asked no more "
            f"after {FAILURES} in a row; these rows keep the classifier's category. Mend the "
            f"endpoint, delete {out}.journal and run again.")
    elif solved < MARK * tried:
        say(f"  大模型没有通过试题（答对 {solved}/{tried}，要八成），所以没有让它分类。\n  The model did not pass "
            f"the trial of easy questions ({solved} of {tried}, {MARK:.0%} are needed), and was "
            "not asked about any row.")
    elif tried:
        say(f"  试题答对 {solved}/{tried}，大模型改了 {changed:,} 件的类目。 Questions of the trial solved; "
            f"labels changed by the model: {changed:,}.")
