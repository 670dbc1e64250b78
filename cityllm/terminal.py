"""What the command line prints: an answer with its evidence, the steps as they run, the checks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cityllm.errors import AccessError, ModelUnavailable
from cityllm.evidence import Answer, ClauseEvidence, DataRowEvidence, ToolRunEvidence

if TYPE_CHECKING:
    from rich.progress import TaskID

    from cityllm.agent.events import Event
    from cityllm.doctor import Check

LABELS = {
    "basis": ("依据", "Basis"), "runs": ("计算与数据", "Runs and data"),
    "digest": ("摘要", "digest"), "verbatim": ("原文", "verbatim"),
    "seed": ("随机种子", "seed"), "map": ("地图", "map"), "seconds": ("秒", "s"),
}


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int, str], None]]:
    """A bar on stderr for work in steps, fed with (done, all, what); unseen when nothing is done.

    Where stderr is no terminal, a line is printed as each step begins.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    tasks: dict[str, TaskID] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        def tell(done: int, all_: int, what: str) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=all_)
                if not console.is_terminal:
                    console.print(f"{what} …")
            bar.update(tasks[what], completed=done, total=all_)

        yield tell


def watch(events: Iterable[Event]) -> Answer:
    """Follow an answer being made, each tool on stderr when that is a terminal; return the last."""
    from cityllm.agent.events import Final, StepStarted

    for event in events:
        if isinstance(event, Final):
            return event.answer
        if isinstance(event, StepStarted) and sys.stderr.isatty():
            print(f"… {event.tool}", file=sys.stderr, flush=True)
    raise ModelUnavailable("模型没有给出回答就停了。请运行 cityllm doctor。",
                           "The model stopped without an answer: run cityllm doctor.")


def show_answer(answer: Answer) -> str:
    """The answer as plain text: words, then every clause and run that it stands on.

    The fact date and the date on which the status was known stand in the words already.
    """
    lines = [answer.text.strip()]
    if answer.citations:
        lines += ["", _label("basis", answer)]
        lines += [_clause(clause, answer) for clause in answer.citations]
    runs = [e for e in answer.evidence if isinstance(e, ToolRunEvidence | DataRowEvidence)]
    if runs and not answer.refused:
        lines += ["", _label("runs", answer)]
        lines += [line for run in runs for line in _run(run, answer)]
    facts = [answer.engine, f"{answer.seconds:.1f} {_label('seconds', answer)}"]
    return "\n".join([*lines, "", " · ".join(fact for fact in facts if fact)])


def show_checks(checks: Iterable[Check]) -> str:
    """A line for each check; a fault is followed by the command that mends it."""
    lines: list[str] = []
    for check in checks:
        lines.append(f"{'✓' if check.good else '✗'} {check.name}: {check.found}")
        if not check.good:
            lines.append(f"    → {check.mend}")
    return "\n".join(lines)


def _label(name: str, answer: Answer) -> str:
    return LABELS[name][0 if answer.language == "zh" else 1]


def _clause(clause: ClauseEvidence, answer: Answer) -> str:
    kind = _label("verbatim" if clause.verbatim else "digest", answer)
    parts = [f"[{clause.id}] {clause.title} {clause.article_label}（{kind}）"]
    if clause.version:
        parts.append(str(clause.version))
    parts += [part for part in (clause.issuer, clause.status, clause.source_url) if part]
    return " · ".join(parts)


def _run(run: ToolRunEvidence | DataRowEvidence, answer: Answer) -> list[str]:
    if isinstance(run, DataRowEvidence):
        return [f"[{run.id}] {run.table}: {'; '.join(run.sources)}"]
    inputs = ", ".join(f"{name}={value}" for name, value in run.inputs.items())
    seed = f" · {_label('seed', answer)} {run.seed}" if run.seed is not None else ""
    lines = [f"[{run.id}] {run.tool}({inputs}){seed}", f"    {run.summary}"]
    return lines + [f"    {_label('map', answer)}: {image}" for image in run.images]


def ask_password(*, again: bool = False) -> str:
    """Typed at a terminal, twice with `again`; otherwise the first line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    from getpass import getpass

    first = getpass("密码 password: ")
    if again and getpass("再输一遍 again: ") != first:
        raise AccessError("两次输入的密码不一样，请重新运行这条命令。",
                          "The two passwords differ: run the command again.")
    return first
