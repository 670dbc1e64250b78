"""`cityllm policy`: what an enterprise can get, why not, and who can get a policy."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cityllm.config import load_settings
from cityllm.errors import ConfigError

if TYPE_CHECKING:
    from cityllm.messages import Language
    from cityllm.policies.fields import Enterprise
    from cityllm.policies.ruleset import RuleSet
    from cityllm.policies.service import PolicyService

app = typer.Typer(
    no_args_is_help=True,
    help="惠企政策：能享受什么、为什么不能、谁能享受。 Policies: what can be had, why not, and by whom.")

File = Annotated[Path | None, typer.Argument(
    metavar="ENTERPRISE", help="企业数据 JSON；- 为标准输入 The enterprise as JSON; - is stdin")]
Pairs = Annotated[list[str] | None, typer.Option(
    "--set", metavar="FIELD=VALUE", help="给一项数据，如 revenue@2025=2000万；可多次 One datum; repeatable")]
Day = Annotated[str, typer.Option("--as-of", metavar="DATE",
                                  help="适用日期；默认今天 Fact date; today by default")]
Pack = Annotated[Path | None, typer.Option(
    metavar="DIR", help="城市包；默认 CITYLLM_PACK City pack")]
English = Annotated[bool, typer.Option("--en", help="用英文 In English")]
Json = Annotated[bool, typer.Option("--json", help="输出 JSON Print JSON")]


@app.command("list")
def list_(pack: Pack = None, as_of: Day = "") -> None:
    """列出全部政策。 List all policies."""
    day = fact_date(as_of)
    states = {"in_force": "有效 in force", "not_yet": "未生效 not yet", "expired": "已到期 expired",
              "unconfirmed": "有效期未确认 validity not confirmed"}
    for policy in rules_of(pack):
        typer.echo(f"{policy.id}  {policy.title.zh} {policy.title.en}  〔{policy.region}，"
                   f"{states[policy.valid.on(day)]}〕")


@app.command()
def fields(
    words: Annotated[list[str] | None, typer.Argument(
        metavar="WORD", help="只列名称里有这个词的 Only those whose name has this word")] = None,
    pack: Pack = None,
) -> None:
    """列出企业字段：能写什么、谁掌握。 The fields of an enterprise, and what may stand in each."""
    dictionary = rules_of(pack).dictionary
    for key, field in dictionary.fields.items():
        text = f"{key}{'@年 year' if field.yearly else ''}  {field.zh} {field.en}"
        if all(word.lower() in text.lower() for word in words or ()):
            typer.echo(f"{text}  〔{dictionary.holders[field.holder].zh}〕 {field.allowed.zh}")


@app.command()
def match(
    enterprise: File = None, given: Pairs = None, as_of: Day = "",
    by: Annotated[str, typer.Option(
        metavar="money|deadline|missing", help="排序 Ranked by")] = "money",
    every: Annotated[bool, typer.Option(
        "--all", help="不符合的也列出 Those not met too")] = False,
    report_file: Annotated[Path | None, typer.Option(
        "--report", metavar="FILE.docx", help="另存一份可带走的 Word 报告 Also keep a Word report")] = None,
    pack: Pack = None, english: English = False, as_json: Json = False,
) -> None:
    """一家企业能享受哪些政策，缺什么，差多少。 What one enterprise can get, and what is missing."""
    from cityllm.policies.explain import Words
    from cityllm.policies.report import docx
    from cityllm.policies.service import ORDERS
    from cityllm.policies.view import View

    order = next((one for one in ORDERS if one == by), None)
    if order is None:
        raise ConfigError(f"--by {by!r} 不可用：可以写 {'、'.join(ORDERS)}。",
                          f"--by {by!r} is not usable: {', '.join(ORDERS)}.")
    if report_file is not None and report_file.suffix.lower() != ".docx":
        raise ConfigError(f"--report {str(report_file)!r} 不可用：文件名要以 .docx 结尾。",
                          f"--report {str(report_file)!r} is not usable: name a .docx file.")
    day, service = fact_date(as_of), _service(pack)
    report = service.match(_enterprise(enterprise, given, service.rules), day, order=order)
    language = "en" if english else "zh"
    if report_file is not None:
        _keep(report_file, docx(service, report, language))
    if as_json:
        typer.echo(json.dumps(View(service, language).report(report), ensure_ascii=False, indent=1))
        return
    hopeless = [one for one in report.matches
                if one.result.verdict == "not_eligible" and one.near is None]
    shown = report if every else replace(
        report, matches=tuple(one for one in report.matches if one not in hopeless))
    for line in Words(service, language).summary(shown):
        typer.echo(line)
    if hopeless and not every:
        typer.echo((f"另有 {len(hopeless)} 项不符合，企业也改变不了；--all 列出。",
                    f"{len(hopeless)} more are not met, and the enterprise cannot change that; "
                    "--all shows them.")[english])


@app.command()
def explain(
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="政策编号 Id of the policy")],
    enterprise: File = None, given: Pairs = None, as_of: Day = "", pack: Pack = None,
    words: Annotated[bool, typer.Option(
        "--words", help="先用一段话说；接了大模型时由它写 In a few sentences first, by an endpoint's model")
        ] = False,
    english: English = False, as_json: Json = False,
) -> None:
    """一家企业对一项政策，逐条说明。 One enterprise and one policy, clause by clause."""
    from app import narrator
    from cityllm.policies.explain import Words
    from cityllm.policies.view import View
    from cityllm.web.match_words import in_words

    service = _service(pack)
    found = service.one(policy, _enterprise(enterprise, given, service.rules), fact_date(as_of))
    language: Language = "en" if english else "zh"
    worded = in_words(narrator(load_settings()), service, found, language) if words else None
    if as_json:
        told = View(service, language).match(found)
        told |= {"words": asdict(worded)} if worded else {}
        typer.echo(json.dumps(told, ensure_ascii=False, indent=1))
        return
    if worded:
        typer.echo(f"{worded.text}\n{worded.note}\n")
    for line in Words(service, language).full(found):
        typer.echo(line)


@app.command()
def check(pack: Pack = None) -> None:
    """检查政策文件：格式、引用、每个样例的结果。 Check the rule files and run their fixtures."""
    from cityllm.policies.fixtures import run_fixtures

    rules = rules_of(pack)
    runs = list(run_fixtures(rules))
    wrong = [one for one in runs if one.faults]
    for one in wrong:
        typer.echo(f"{rules.files[one.policy.id]}：{one.fixture.name}\n    "
                   + "\n    ".join(one.faults))
    typer.echo(f"{len(rules.policies)} 项政策，{len(runs)} 个样例，{len(wrong)} 个不符。 "
               f"{len(rules.policies)} policies, {len(runs)} fixtures, {len(wrong)} wrong.")
    if wrong:
        raise typer.Exit(1)


def rules_of(pack: Path | None) -> RuleSet:
    """The policies of a pack, by default that of the settings."""
    from cityllm.policies.ruleset import RuleSet

    return RuleSet.load(pack or load_settings().pack)


def _service(pack: Path | None) -> PolicyService:
    from cityllm.policies.service import PolicyService

    return PolicyService(rules_of(pack))


def _enterprise(file: Path | None, pairs: list[str] | None, rules: RuleSet) -> Enterprise:
    """From a file, from `--set`, or both: what is set wins."""
    from cityllm.policies.enterprises import from_data, from_pairs, parse_json, read_file
    from cityllm.policies.fields import Enterprise

    if file is None and not pairs:
        raise ConfigError("没有企业数据：给一个 JSON 文件，或者 --set 字段=值。字段见 cityllm policy fields。",
                          "No enterprise given: name a JSON file, or --set FIELD=VALUE. cityllm "
                          "policy fields lists the fields.")
    read = None
    if file is not None:
        read = from_data(parse_json(sys.stdin.read()), rules.dictionary) if str(file) == "-" \
            else read_file(file, rules.dictionary)
    added = rules.dictionary.read(from_pairs(pairs or (), rules.dictionary))
    if read is None:
        return added
    return Enterprise(read.id, {**read.values, **added.values}, read.name)


def _keep(path: Path, content: bytes) -> None:
    """Write a file; say where it lies, or why it could not be written."""
    try:
        path.write_bytes(content)
    except OSError as problem:
        raise ConfigError(f"{path} 写不了：{problem.strerror}。请换一个能写的地方。",
                          f"{path} cannot be written: {problem.strerror}. Name another place."
                          ) from None
    typer.echo(f"报告 report: {path}", err=True)


def fact_date(text: str) -> date:
    """A date as typed; today where there is none."""
    try:
        return date.fromisoformat(text) if text else date.today()
    except ValueError:
        raise ConfigError(f"日期 {text!r} 不可用：请写成 2026-06-01 这样。",
                          f"The date {text!r} is not usable: write it like 2026-06-01.") from None
