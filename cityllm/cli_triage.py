"""`cityllm triage`: a day's petitions from a table into a table and a report; originals opened."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from typer.core import TyperGroup

from cityllm.config import ROOT, Settings, load_settings
from cityllm.errors import ConfigError, ModelUnavailable

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from cityllm.petitions.drafts import Drafter, Wanted
    from cityllm.petitions.pipeline import Pipeline, Recipe
    from cityllm.petitions.routing import Labeller
    from cityllm.safety.vault import Vault

AT_ONCE = 8
"""Messages that an endpoint is asked about together, in each process."""
HOLIDAYS = ROOT / "tools" / "data" / "holidays_cn.csv"


class RunByDefault(TyperGroup):
    """`triage IN OUT` is `triage run IN OUT`; a file named like a command is written ./train."""

    default = "run"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command in where none is named."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = [self.default, *args]
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed


app = typer.Typer(
    cls=RunByDefault, no_args_is_help=True,
    help="信访件：脱敏、分类、查重、算期限、定去向。 Petitions: mask, classify, group, date, route. "
         "`cityllm triage IN OUT` = `cityllm triage run IN OUT`.")


@app.command()
def run(
    source: Annotated[str, typer.Argument(
        metavar="IN", help="信访件：.xlsx .csv .tsv .jsonl，或 sqlite:///库#表 The petitions")],
    out: Annotated[str, typer.Argument(
        metavar="OUT", help="结果：.xlsx .csv .jsonl，或数据库表 Where the result goes")],
    pack: Annotated[Path | None, typer.Option(
        metavar="DIR", help="城市包；默认 CITYLLM_PACK City pack")] = None,
    workers: Annotated[int, typer.Option(
        min=1, metavar="N", help="并行进程数 Processes at once")] = 1,
    ray: Annotated[str, typer.Option(
        metavar="ADDRESS", help="在 Ray 集群上跑，如 ray://主机:10001；local 为本机 Over a Ray cluster")] = "",
    column: Annotated[list[str] | None, typer.Option(
        metavar="FIELD=COLUMN", help="指定列，如 text=诉求原文；可多次 Name a column; repeatable")] = None,
    report: Annotated[Path | None, typer.Option(
        metavar="FILE", help="日报页；默认 OUT 旁的 .html Day report; beside OUT by default")] = None,
    day: Annotated[str, typer.Option(
        metavar="DATE", help="日报按哪一天看期限；默认今天 Day for near and past periods")] = "",
    drafts: Annotated[str, typer.Option(
        metavar="none|urgent|review|all",
        help="给哪些件写答复草稿；review 含紧急件 Reply drafts for which rows; review includes urgent")
        ] = "none",
    ask_model: Annotated[bool, typer.Option(
        "--ask-model", help="分类没有把握的件再问模型端点 Ask the endpoint where the classifier is unsure")
        ] = False,
    queue: Annotated[bool, typer.Option(
        "--queue", help="同时送进审核页；再跑一次把审核结果写回 OUT。 Onto the review page, decisions back into OUT")
        ] = False,
) -> None:
    """处理一批信访件；中断后重跑即续，再跑只做新的和改过的。 Triage a batch; run again to resume."""
    from cityllm.petitions.batch import journal_of
    from cityllm.petitions.batch import run as triage
    from cityllm.petitions.columns import read_given
    from cityllm.petitions.intake import open_source
    from cityllm.petitions.review import Review
    from cityllm.triage_terminal import progress_lines, show

    settings = load_settings()
    today = _day(day)
    wanted = _wanted(drafts)
    rows = open_source(source, read_given(column or []))
    page = report or (Path(out).with_suffix(".html") if "://" not in out
                      else settings.home / f"triage-{today}.html")
    if Path(source).resolve() in (Path(out).resolve(), page.resolve()):
        raise ConfigError(f"输出 {out} 会盖掉输入，请换一个名字。",
                          f"The output {out} would replace the input: choose another name.")
    pack = pack or settings.pack
    recipe = make_recipe(settings, pack, rows.given, ask_model=ask_model)
    with (open_vault(settings) as vault, open_drafter(settings, pack, wanted) as drafter,
          progress_lines() as progress):
        result = triage(rows, out, recipe, vault, journal_of(out, settings.home), today,
                        page=page, workers=workers, ray=ray, drafter=drafter, progress=progress,
                        review=Review(settings.review) if queue else None)
    show(result, out, page)
    if queue:
        typer.echo(f"审核页 Review page: cityllm web，http://{settings.host}:{settings.port}/petitions")


@app.command()
def original(
    out: Annotated[str, typer.Argument(metavar="OUT", help="处理过的输出 An output of triage")],
    id_: Annotated[str, typer.Argument(metavar="ID", help="编号 Id of the petition")],
) -> None:
    """凭密钥查看一件的原件（检举件也只在这里看）。 Show the original of a petition, with the key."""
    from cityllm.petitions.batch import journal_of
    from cityllm.petitions.journal import keys_of

    settings = load_settings()
    keys = keys_of(journal_of(out, settings.home), id_)
    if not keys:
        raise ConfigError(f"{out} 的记录里没有编号 {id_}。", f"The journal of {out} has no id {id_}.")
    with open_vault(settings) as vault:
        for key in keys:
            for name, value in (vault.get(key) or {}).items():
                typer.echo(f"{name}：{value}")


@app.command()
def train(
    labelled: Annotated[Path, typer.Argument(
        metavar="LABELLED", help="JSONL：{title, text, label}，label 为类目名称或代码 Labelled rows")],
    pack: Annotated[Path | None, typer.Option(
        metavar="DIR", help="写入哪个城市包；默认 CITYLLM_PACK City pack to write into")] = None,
    tests: Annotated[Path | None, typer.Option(
        metavar="FILE", help="测试用的同样 JSONL；相同或几乎相同的行不学 Rows not to learn from")] = None,
) -> None:
    """用本地已标注的信访件训练本市的分类器，写入城市包。 Train the city's own classifier."""
    from dataclasses import replace

    from cityllm.petitions import training
    from cityllm.petitions.linear import Weights
    from cityllm.petitions.taxonomy import Taxonomy
    from cityllm.safety.pii import mask

    settings = load_settings()
    pack = pack or settings.pack
    base = Weights.load(classifier_folder(settings, settings.home / "no pack") / "weights.npz")
    rows, words = training.read_rows(labelled)
    rows = [replace(row, text=mask(row.text).text) for row in rows]
    held_back = [mask(row.text).text for row in training.read_rows(tests)[0]] if tests else []
    made = training.train(rows, base, Taxonomy.load(pack), words=words, tests=held_back,
                          progress=typer.echo)
    written = training.write(made, rows, pack / "petitions" / "classifier")
    told = made.report
    typer.echo(f"{told['used']:,} 行，作为测试去掉 {told['dropped_as_test']:,} 行；留出折上宏平均 F1 "
               f"{told['macro_f1']:.3f}。 Rows used, dropped as test rows, macro F1 held out.")
    line = told["line"]
    typer.echo(line["why"] or f"自动线 {line['threshold']:.3f}，覆盖 {line['coverage']:.1%}。 "
               "The automatic line, and the share above it.")
    typer.echo("\n".join(str(path) for path in written))


def open_vault(settings: Settings) -> Vault:
    """The vault of originals of these settings; a key is made where there is none."""
    from cityllm.safety.vault import Vault, read_key

    return Vault(settings.home / "vault.sqlite", read_key(
        settings.vault_key, settings.vault_key_file or settings.home / "vault.key"))


def make_recipe(settings: Settings, pack: Path, given: Any, *, ask_model: bool = False) -> Recipe:
    """What the batch needs, with the pack's own classifier where it has one. `ask_model`: the
    endpoint is asked where that is not sure; not the bundled model, which does not help there."""
    from cityllm.petitions.calibrate import Line
    from cityllm.petitions.pipeline import Recipe
    from cityllm.safety.vault import read_key

    folder = classifier_folder(settings, pack)
    clock = pack / "petitions" / "clock.yaml"
    if not clock.is_file():
        raise ConfigError(f"城市包 {pack} 里没有 petitions/clock.yaml。可以从 {ROOT / 'rag_corpus'} 复制。",
                          f"The pack {pack} has no petitions/clock.yaml: copy it from "
                          f"{ROOT / 'rag_corpus'}.")
    key = read_key(settings.vault_key, settings.vault_key_file or settings.home / "vault.key")
    load, mark = partial(load_classifier, folder, pack), dict(given)
    if ask_model:
        if settings.engine != "endpoint":
            raise ConfigError(
                "--ask-model 要接模型端点：设置 CITYLLM_ENGINE=endpoint 和 CITYLLM_ENDPOINT_URL。自带的小模型在这一步"
                "测下来没有帮助（docs/petitions.md）。",
                "--ask-model needs a model endpoint: set CITYLLM_ENGINE=endpoint and "
                "CITYLLM_ENDPOINT_URL. The bundled model was measured and does not help here "
                "(docs/petitions.md).")
        load = partial(load_cascade, settings, folder, pack)
        mark |= {"asked": f"{settings.endpoint_url} {settings.endpoint_model}"}
    return Recipe(load, Line.load(folder / "line.json"), clock, HOLIDAYS, key, dict(given),
                  _fingerprint(folder, pack, mark), folder)


@contextmanager
def open_drafter(settings: Settings, pack: Path, wanted: Wanted) -> Iterator[Drafter | None]:
    """The chat's assistant as writer of drafts; None where none are wanted."""
    if wanted == "none":
        yield None
        return
    from contextlib import closing

    from app import build
    from cityllm.petitions.drafts import Drafter
    from cityllm.terminal import progress_bar

    with progress_bar() as progress:
        services = build(settings.model_copy(update={"pack": pack}), progress)
    with closing(services):
        assistant = services.assistant
        if assistant.model is None:
            raise ModelUnavailable(
                f"没有语言模型，写不了草稿：{settings.weights / 'base'} 里没有权重。请从仓库恢复，"
                "或者不用 --drafts。",
                f"There is no language model to write drafts: {settings.weights / 'base'} holds "
                "no weights. Restore them from the repository, or leave --drafts out.")
        count = _counting(assistant.model)
        yield Drafter(lambda matter: assistant.ask(matter, language="zh"), wanted,
                      _assistant_mark(settings, services.ledger.snapshot()), count)


def _counting(model: BaseChatModel) -> Callable[[], int]:
    """How often a model has been called since, also within an agent."""
    from langchain_core.callbacks import BaseCallbackHandler

    class Counter(BaseCallbackHandler):
        calls = 0

        def on_chat_model_start(self, *told: Any, **more: Any) -> None:
            self.calls += 1

    counter = Counter()
    model.callbacks = [counter]
    return lambda: counter.calls


def _assistant_mark(settings: Settings, held: str) -> str:
    """Hash of what decides an answer: corpus, model, program."""
    told = hashlib.sha256(repr((held, settings.engine, settings.endpoint_url,
                                settings.endpoint_model)).encode())
    files = [settings.weights / "retriever.npz"]
    for part in ("base", "adapter", "embedder") if settings.engine == "embedded" else ("embedder",):
        files += sorted((settings.weights / part).glob("*"))
    for part in ("agent", "model"):
        files += sorted((ROOT / "cityllm" / part).glob("*.py"))
    files += [ROOT / "cityllm" / "prompts.py", ROOT / "cityllm" / "petitions" / "drafts.py"]
    _add_files(told, files)
    return told.hexdigest()[:32]


def classifier_folder(settings: Settings, pack: Path) -> Path:
    """Where the classifier is: the pack's own, else the shipped one."""
    shipped = settings.weights / "triage"
    for folder in (pack / "petitions" / "classifier", shipped):
        if (folder / "weights.npz").is_file():
            return folder
    raise ModelUnavailable(
        f"没有信访分类器：{shipped} 和城市包里都没有 weights.npz。请从仓库恢复 cityllm/model/weights/triage，"
        f"或用本地数据训练一个：cityllm triage train 标注文件 --pack {pack}。",
        f"There is no petition classifier: neither {shipped} nor the pack has weights.npz. Restore "
        "cityllm/model/weights/triage from the repository, or train one on local data: "
        f"cityllm triage train LABELLED --pack {pack}.")


def chat_pipeline(settings: Settings) -> Callable[[], Pipeline] | None:
    """What builds the stages of one message for the chat, which keeps nothing and so needs no key;
    None where classifier or clock are missing."""
    from cityllm.petitions.calibrate import Line
    from cityllm.petitions.pipeline import Recipe

    clock = settings.pack / "petitions" / "clock.yaml"
    try:
        folder = classifier_folder(settings, settings.pack)
    except ModelUnavailable:
        return None
    if not clock.is_file():
        return None
    return Recipe(partial(load_classifier, folder, settings.pack),
                  Line.load(folder / "line.json"), clock, HOLIDAYS, b"").build


def load_classifier(folder: Path, pack: Path) -> Labeller:
    """The classifier of a folder; runs in each worker process."""
    from cityllm.petitions.classify import Classifier

    return Classifier.load(folder, pack)


def load_cascade(settings: Settings, folder: Path, pack: Path) -> Labeller:
    """The classifier, with the endpoint for what it is not sure of; in each worker process."""
    from cityllm.model.endpoint import chat_model
    from cityllm.petitions.cascade import Cascade, asker
    from cityllm.petitions.classify import Classifier

    return Cascade(Classifier.load(folder, pack), asker(chat_model(settings)), at_once=AT_ONCE)


def _fingerprint(folder: Path, pack: Path, given: dict[str, str]) -> str:
    """Hash of all that decides how a row comes out: weights, pack, calendar, columns, program."""
    files = [*sorted(folder.glob("*")), *sorted((pack / "petitions").glob("*.yaml")), HOLIDAYS]
    for part in ("petitions", "safety"):
        files += sorted((ROOT / "cityllm" / part).glob("*.py"))
    told = hashlib.sha256(repr(sorted(given.items())).encode())
    _add_files(told, files)
    return told.hexdigest()[:32]


def _add_files(told: hashlib._Hash, files: Sequence[Path]) -> None:
    for file in files:
        if file.is_file():
            told.update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())


def _wanted(text: str) -> Wanted:
    from cityllm.petitions.drafts import ROUTES_OF

    if text not in ROUTES_OF:
        raise ConfigError(f"--drafts {text!r} 不可用：可以写 {'、'.join(ROUTES_OF)}。",
                          f"--drafts {text!r} is not usable: use {', '.join(ROUTES_OF)}.")
    return cast("Wanted", text)


def _day(text: str) -> date:
    if not text:
        return date.today()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"日期 {text!r} 不可用：请写成 2026-03-05 这样。",
                          f"The date {text!r} is not usable: write it like 2026-03-05.") from None
