"""`cityllm policy draft|diff|publish|published`: from a policy's text to a published rule."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cityllm.cli_policy import Day, English, Json, Pack, fact_date
from cityllm.config import load_settings
from cityllm.errors import ConfigError, DraftError

if TYPE_CHECKING:
    from cityllm.config import Settings
    from cityllm.policies.drafting.publish import Persons


def draft(
    file: Annotated[Path, typer.Argument(
        metavar="FILE", help="政策原文 .docx .pdf .html .txt .md；或已有的草稿 .yaml，重新生成边界样例 "
                             "The policy's text; or a draft, to make its fixtures anew")],
    out: Annotated[Path | None, typer.Option(
        "--out", metavar="YAML", help="草稿写到；默认打印 Where the draft goes; printed by default")] = None,
    id_: Annotated[str, typer.Option(
        "--id", metavar="ID", help="政策编号；默认按 OUT 或 FILE 的文件名 Id of the policy")] = "",
    pack: Pack = None, as_of: Day = "",
) -> None:
    """由政策原文起草规则：条件、金额、出处，拿不准的标出。 Propose a rule file from a policy's text."""
    from cityllm.corpus.readers import read
    from cityllm.policies.drafting.file import refresh, write_draft
    from cityllm.policies.drafting.phrases import Phrases
    from cityllm.policies.drafting.proposal import propose
    from cityllm.policies.fields import Dictionary

    folder, day = pack or load_settings().pack, fact_date(as_of)
    dictionary = Dictionary.load(folder)
    if file.suffix.lower() in (".yaml", ".yml"):
        made = refresh(file, dictionary, day)
        _write(made, out or file)
        return
    if not file.is_file():
        raise ConfigError(f"没有文件 {file}。", f"There is no file {file}.")
    text = read(file)
    proposal = propose(text, Phrases.load(folder, dictionary), _id(id_, out, file))
    _write(write_draft(proposal, text, file.name, dictionary, day), out)
    conditions = proposal.findings
    unsure = sum(not one.sure for one in conditions)
    typer.echo(
        f"条件 {len(conditions)} 处（拿不准 {unsure}），金额 {len(proposal.amounts)} 处，没有规则的 "
        f"{len(proposal.left)} 处，要定的 {len(proposal.open)} 处。 Conditions {len(conditions)} "
        f"(unsure {unsure}), amounts {len(proposal.amounts)}, without a rule "
        f"{len(proposal.left)}, to settle {len(proposal.open)}.", err=True)


def _id(given: str, out: Path | None, file: Path) -> str:
    """The id as given, else from a file name that can be one, else from the text's name."""
    for name in (given, out.stem if out else "", file.stem):
        plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        if given and plain != given:
            raise ConfigError(f"--id {given!r} 不可用：小写字母、数字和 -，3 至 61 个。",
                              f"--id {given!r} is not usable: 3 to 61 of a-z, 0-9 and -.")
        if re.fullmatch(r"[a-z0-9][a-z0-9-]{2,60}", plain):
            return plain
    return "draft"


def _write(made: str, out: Path | None) -> None:
    if out is None:
        typer.echo(made, nl=False)
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(made, encoding="utf-8")
    typer.echo(f"→ {out}", err=True)


def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="原来的政策文件或草稿 Rule or draft before")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="新的政策文件或草稿 Rule or draft now")],
    as_of: Day = "", pack: Pack = None, english: English = False, as_json: Json = False,
) -> None:
    """两个版本逐条比较：改了什么，对谁有影响。 Two versions, clause by clause: what changes for whom."""
    import dataclasses
    import json

    from cityllm.policies.drafting.diff import differences
    from cityllm.policies.drafting.file import rule_of
    from cityllm.policies.fields import Dictionary

    dictionary = Dictionary.load(pack or load_settings().pack)
    found = differences(rule_of(old, dictionary), rule_of(new, dictionary), dictionary,
                        fact_date(as_of))
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(one) for one in found], ensure_ascii=False,
                              indent=1))
        return
    for one in found:
        typer.echo(one.say("en" if english else "zh"))
    if not found:
        typer.echo("没有不同。 No difference.")


def publish(
    file: Annotated[Path, typer.Argument(metavar="DRAFT", help="定好的草稿 A draft that is settled")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="发布人 Who publishes")],
    approved_by: Annotated[str, typer.Option(
        "--approved-by", metavar="NAME",
        help="批准人，不能是发布人；本机有账号时要输入此人的密码 Who approves: another person, whose "
             "password is asked where there are accounts")],
    pack: Pack = None,
) -> None:
    """发布草稿：第二个人批准，写进城市包，记入只增不改的记录。 Publish a draft that another approved."""
    from cityllm.policies.drafting.file import read_draft
    from cityllm.policies.drafting.publish import Publications
    from cityllm.policies.fields import Dictionary

    settings = load_settings()
    folder = pack or settings.pack
    dictionary = Dictionary.load(folder)
    held = read_draft(file, dictionary)
    entry = Publications(settings.publications).publish(
        held, folder, dictionary, _persons(settings, by, approved_by))
    typer.echo(f"已发布 {held.policy.id}，第 {entry.seq} 条记录。 Published, entry {entry.seq}.\n"
               f"{folder / 'policies' / (held.policy.id + '.yaml')}\n{entry.hash}")


def _persons(settings: Settings, by: str, approved_by: str) -> Persons:
    """Both names; where this machine has accounts both are of them, and the second signs in."""
    from cityllm.policies.drafting.publish import Persons
    from cityllm.safety.access import Accounts
    from cityllm.terminal import ask_password

    store = settings.home / "accounts.sqlite"
    accounts = Accounts(store) if store.is_file() else None
    if accounts is None or not accounts.list():
        typer.echo("本机没有账号，批准人的身份没有核对（cityllm user add 建账号）。 There are no accounts: who "
                   "approves was not checked.", err=True)
        return Persons(by, approved_by)
    publisher = accounts.find(by)
    if publisher is None or publisher.role == "enterprise":
        raise DraftError(f"{by} 不是可以发布的账号。cityllm user list 列出账号。",
                         f"{by} is no account that may publish. cityllm user list shows them.")
    if by.casefold() == approved_by.casefold():
        return Persons(by, approved_by)
    approver = accounts.sign_in(approved_by, ask_password())
    if approver.role not in ("supervisor", "admin"):
        raise DraftError(f"{approved_by}（{approver.role}）不能批准；要 supervisor 或 admin。",
                         f"{approved_by} ({approver.role}) may not approve: it takes a supervisor "
                         "or an admin.")
    return Persons(by, approved_by, checked=True)


def published(
    pack: Pack = None,
) -> None:
    """列出发布记录，核验记录和城市包都没有被改动过。 List what was published; check log and pack."""
    from cityllm.policies.drafting.publish import Publications

    settings = load_settings()
    log = Publications(settings.publications)
    checked, otherwise = log.verify(pack or settings.pack)
    for one in log.entries():
        seen = "" if one.body["approval_checked"] else "（身份未核对 not checked）"
        typer.echo(f"{one.seq}  {one.at}  {one.body['policy']}  {one.who} → "
                   f"{one.body['approved_by']}{seen}")
    if checked.broken:
        raise ConfigError(
            f"发布记录被改动过：第 {checked.broken} 条起对不上。请保留现场，从备份恢复。",
            f"The log was altered: it does not fit from entry {checked.broken} on. Keep the file "
            "as it is, and restore a copy.")
    for id_ in otherwise:
        typer.echo(f"{id_}：文件与最近一次发布的不同 the file is not as it was published", err=True)
    typer.echo(f"{checked.entries} 条，哈希链完好。 Entries: {checked.entries}, the chain is whole.\n"
               f"{checked.head}")
    if otherwise:
        sys.exit(1)


def mount(app: typer.Typer) -> None:
    """Add the commands of this file to `cityllm policy`."""
    for command in (draft, diff, publish, published):
        app.command()(command)
