"""The command line: ask, web, serve, doctor, user, corpus, triage, policy. Builds and prints.

Heavy packages are imported where they are used, so that every `--help` answers at once. What goes
wrong is said in both languages on stderr with exit code 1, never as a stack trace; the trace of a
fault of the program itself goes to `errors.log` in the home folder.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from cityllm.config import Settings, load_settings
from cityllm.errors import CityLLMError, ConfigError

if TYPE_CHECKING:
    from cityllm.evidence import Answer

app = typer.Typer(
    name="cityllm", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="城市大模型助手：条条有出处，数数有来源。 A city's assistant: cited answers, sourced figures.")
user = typer.Typer(no_args_is_help=True, help="本机账号。 Local accounts.")
app.add_typer(user, name="user")


@app.command()
def ask(
    question: Annotated[str, typer.Argument(
        help="问题，用引号括起来。 The question, in quotes.", metavar="QUESTION")],
    as_of: Annotated[str, typer.Option(
        help="适用日期，如 2020-01-01；默认今天。 Fact date; today by default.",
        metavar="DATE")] = "",
    as_json: Annotated[bool, typer.Option(
        "--json", help="输出 JSON，含全部依据。 Print JSON with all evidence.")] = False,
) -> None:
    """问一个问题，得到可核对的回答。 Ask a question, get an answer that can be checked."""
    from contextlib import closing

    from cityllm.terminal import progress_bar, show_answer, watch

    if not question.strip():
        raise ConfigError("问题是空的。请把问题写在引号里：cityllm ask \"……\"。",
                          "The question is empty. Write it in quotes: cityllm ask \"…\".")
    day = _date(as_of)
    settings = load_settings()
    from app import build

    with progress_bar() as progress:
        services = build(settings, progress)
    with closing(services):
        answer: Answer = watch(services.assistant.stream(question, [], as_of=day))
    print(answer.model_dump_json(indent=2) if as_json else show_answer(answer))


@app.command()
def web() -> None:
    """建好索引，打开浏览器里的对话页。 Build the index and start the chat for the browser."""
    import gc
    from contextlib import closing

    from cityllm.doctor import port_problem
    from cityllm.safety.access import require_accounts
    from cityllm.terminal import progress_bar

    settings = load_settings()
    require_accounts(settings.host, _accounts(settings))
    if problem := port_problem(settings):
        where, other = f"{settings.host}:{settings.port}", f"CITYLLM_PORT={settings.port + 1}"
        raise ConfigError(f"{where} 用不了（{problem}）。可以换一个端口：{other} make run。",
                          f"{where} cannot be used ({problem}). Take another: {other} make run.")
    import uvicorn

    from app import build, make_app

    with progress_bar() as progress:
        services = build(settings, progress)
    with closing(services):
        page = make_app(services)
        gc.collect()
        gc.freeze()  # what lives as long as the server is not searched for garbage again
        print(f"对话页已就绪，请用浏览器打开（Ctrl-C 停止）。 The chat is ready (Ctrl-C stops it):\n"
              f"http://{settings.host}:{settings.port}/", flush=True)
        uvicorn.run(page, host=settings.host, port=settings.port, log_level="warning")


@app.command()
def serve() -> None:
    """按设置启动 vLLM 模型服务（需要 GPU）。 Start vLLM from the settings (needs a GPU)."""
    import os

    from cityllm.model.vllm import serve as start

    code = start(load_settings(), os.environ,
                 lambda zh, en: print(f"{zh}\n{en}", file=sys.stderr, flush=True))
    raise typer.Exit(code)


@app.command()
def doctor() -> None:
    """检查各部分，每个问题给出修复命令。 Check every part; each fault comes with its remedy."""
    from cityllm.doctor import examine
    from cityllm.terminal import show_checks

    checks = list(examine(load_settings()))
    print(show_checks(checks))
    if not all(check.good for check in checks):
        raise typer.Exit(1)


@user.command("add")
def user_add(
    name: Annotated[str, typer.Argument(help="用户名。 Name.", metavar="NAME")],
    role: Annotated[str, typer.Option(
        help="角色 role: planner | clerk | supervisor | auditor | enterprise | admin",
        metavar="ROLE")],
) -> None:
    """新建账号；密码由提示或标准输入读取。 Make an account; the password is asked or piped in."""
    from cityllm.terminal import ask_password

    account = _accounts(load_settings()).add(name, ask_password(again=True), role)
    print(f"已建立账号 {account.name}（{account.role}）。 Account made.")


@user.command("list")
def user_list() -> None:
    """列出账号。 List the accounts."""
    for account in _accounts(load_settings()).list():
        print(f"{account.name}\t{account.role}\t{date.fromtimestamp(account.created)}")


@user.command("remove")
def user_remove(
    name: Annotated[str, typer.Argument(help="用户名。 Name.", metavar="NAME")],
) -> None:
    """删除账号。 Remove an account."""
    _accounts(load_settings()).remove(name)
    print(f"已删除账号 {name}。 Account removed.")


def _accounts(settings: Settings):  # type: ignore[no-untyped-def]
    from cityllm.safety.access import Accounts

    return Accounts(settings.home / "accounts.sqlite")


def _date(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"日期 {text!r} 不可用：请写成 2020-01-01 这样。",
                          f"The date {text!r} is not usable: write it like 2020-01-01.") from None


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; turn errors into words and an exit code."""
    from cityllm.safety.telemetry import switch_off

    switch_off()
    _configure_logging()
    try:
        app(args=list(arguments) if arguments is not None else None, prog_name="cityllm")
    except CityLLMError as problem:
        print(f"{problem.zh}\n{problem.en}", file=sys.stderr)
        raise SystemExit(1) from None
    except Exception as problem:
        print(_unexpected(problem), file=sys.stderr)
        raise SystemExit(1) from None


def _configure_logging() -> None:
    """Warnings on stderr. The limit is the handler's, since some packages set their own level."""
    import logging

    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    logging.basicConfig(handlers=[handler], format="%(levelname)s %(name)s: %(message)s")


def _unexpected(problem: Exception) -> str:
    """Two sentences for a fault of the program; the trace goes to a file."""
    import traceback

    kind = type(problem).__name__
    try:
        log = load_settings().home / "errors.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            file.write("".join(traceback.format_exception(problem)))
    except (OSError, CityLLMError):
        return f"程序出错（{kind}）。请运行 cityllm doctor。\nThe program failed ({kind}): " \
               "run cityllm doctor."
    return (f"程序出错（{kind}），详情已写入 {log}。请运行 cityllm doctor。\n"
            f"The program failed ({kind}); details are in {log}. Run cityllm doctor.")


def _mount() -> None:
    """The commands of corpus, petitions and policies live in files of their own."""
    from cityllm import cli_overview as overview
    from cityllm.cli_api_key import app as api_key
    from cityllm.cli_corpus import app as corpus
    from cityllm.cli_decisions import app as decisions
    from cityllm.cli_policy import app as policy
    from cityllm.cli_policy_draft import mount as mount_draft
    from cityllm.cli_policy_office import mount as mount_office
    from cityllm.cli_triage import app as triage

    for command in (overview.issues, overview.replies, overview.bias, overview.drift):
        triage.command()(command)
    triage.add_typer(decisions, name="decisions")
    app.add_typer(corpus, name="corpus")
    app.add_typer(triage, name="triage")
    mount_office(policy)
    mount_draft(policy)
    app.add_typer(policy, name="policy")
    app.add_typer(api_key, name="api-key")


_mount()

if __name__ == "__main__":
    main()
