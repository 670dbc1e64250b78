"""Is everything in order? Each check says what it found and, where wrong, the command that mends.

Looks and measures only: nothing is repaired, downloaded or started here. A command-line concern:
besides `cli.py`, nothing imports it.
"""

from __future__ import annotations

import json
import platform
import shutil
import socket
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from cityllm.config import ROOT, Settings
from cityllm.errors import AccessError
from cityllm.safety.access import Accounts, require_accounts

DISK = 2 * 1024**3
"""Free space below which an import of all national law may not fit, in bytes."""


@dataclass(frozen=True)
class Check:
    """One thing looked at. `mend` is a command or a sentence; empty when `good`."""

    name: str
    good: bool
    found: str
    mend: str = ""


def examine(settings: Settings) -> Iterator[Check]:
    """All checks, in the order in which things depend on each other."""
    yield versions()
    yield engine(settings)
    yield pack(settings)
    yield corpus(settings)
    yield disk(settings)
    yield port(settings)
    yield accounts(settings)


def versions() -> Check:
    """Python, and every package that pyproject.toml pins, at the version that it pins."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wrong: list[str] = []
    for pin in project["dependencies"]:
        name, wanted = pin.split("==")
        try:
            found = metadata.version(name).split("+")[0]
        except metadata.PackageNotFoundError:
            found = "-"
        if found != wanted:
            wrong.append(f"{name} {found} ≠ {wanted}")
    about = f"cityllm {project['version']}, Python {platform.python_version()}"
    if wrong:
        return Check("版本 versions", False, f"{about}; {', '.join(wrong)}", "make setup")
    return Check("版本 versions", True, f"{about}, torch {metadata.version('torch')}")


def engine(settings: Settings) -> Check:
    """The bundled weights are whole, or the endpoint answers and knows the model."""
    if settings.engine == "endpoint":
        return _endpoint(settings)
    base, adapter = settings.weights / "base", settings.weights / "adapter"
    files = sorted(f for f in settings.weights.rglob("*") if f.is_file())
    size = sum(f.stat().st_size for f in files) / 2**20
    missing = [f"{folder.name}/{name}" for folder, name in (
        (base, "config.json"), (base, "tokenizer.json"), (adapter, "adapter_config.json"))
        if not (folder / name).exists()]
    if missing:
        return Check("模型 model", False, f"{settings.weights}: {', '.join(missing)} 缺失 missing",
                     "git checkout -- cityllm/model/weights, 或 or: "
                     "python -m finetune all --recipe cpu")
    shape = json.loads((base / "config.json").read_text(encoding="utf-8"))
    return Check("模型 model", True,
                 f"内置 bundled: {shape.get('model_type')} {shape.get('hidden_size')}×"
                 f"{shape.get('num_hidden_layers')}, {len(files)} 个文件 files, {size:.1f} MiB")


def _endpoint(settings: Settings) -> Check:
    address = f"{settings.endpoint_url.rstrip('/')}/models"
    request = urllib.request.Request(
        address, headers={"Authorization": f"Bearer {settings.endpoint_key}"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            served = [str(one["id"]) for one in json.load(answer)["data"]]
    except (OSError, ValueError, LookupError, TypeError) as problem:
        return Check("模型 model", False, f"{address}: {type(problem).__name__}",
                     "cityllm serve, 或改设置 or set: CITYLLM_ENDPOINT_URL, CITYLLM_ENGINE=embedded")
    if settings.endpoint_model not in served:
        return Check("模型 model", False,
                     f"{address}: 没有 no {settings.endpoint_model!r}; {', '.join(served)}",
                     f"CITYLLM_ENDPOINT_MODEL={served[0] if served else '…'}")
    return Check("模型 model", True, f"{settings.endpoint_model} @ {settings.endpoint_url}")


def pack(settings: Settings) -> Check:
    """The city pack is there and holds regulations."""
    count = len(list((settings.pack / "regulations").glob("*.yaml")))
    return Check("城市包 pack", count > 0, f"{settings.pack}: {count} 部法规 regulations",
                 "" if count else "git checkout -- rag_corpus, 或 or: CITYLLM_PACK=…")


def corpus(settings: Settings) -> Check:
    """The ledger opens, is whole, and holds articles."""
    name = "法规库 corpus"
    if not settings.ledger.exists():
        return Check(name, False, f"{settings.ledger} 还没有建立 not there yet",
                     "cityllm corpus rebuild")
    try:
        with closing(sqlite3.connect(f"file:{settings.ledger}?mode=ro", uri=True)) as database:
            whole = database.execute("PRAGMA quick_check").fetchone()[0]
            instruments = database.execute("SELECT count(*) FROM instruments").fetchone()[0]
            clauses = database.execute("SELECT count(*) FROM clauses").fetchone()[0]
    except sqlite3.DatabaseError as problem:
        whole, instruments, clauses = str(problem), 0, 0
    good = whole == "ok" and clauses > 0
    state = "" if whole == "ok" else f" · {whole}"
    found = f"{instruments} 部 instruments, {clauses} 条 articles{state}"
    return Check(name, good, found, "" if good else "cityllm corpus rebuild")


def disk(settings: Settings) -> Check:
    """The home folder can be written and has room."""
    place = settings.home
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    good = free >= DISK and _writable(place)
    return Check("磁盘 disk", good, f"{settings.home}: {free / 2**30:.1f} GiB 可用 free",
                 "" if good else "CITYLLM_HOME=另一个可写的文件夹 another writable folder")


def _writable(folder: Path) -> bool:
    import os

    return os.access(folder, os.W_OK)


def port(settings: Settings) -> Check:
    """The chat's port is free, or the chat itself is on it."""
    where, problem = f"{settings.host}:{settings.port}", port_problem(settings)
    if not problem:
        return Check("端口 port", True, f"{where} 空闲 free")
    if _is_ours(settings):
        return Check("端口 port", True, f"{where}: 对话页正在运行 the chat is running")
    return Check("端口 port", False, f"{where}: {problem}",
                 f"CITYLLM_PORT={settings.port + 1} make run")


def port_problem(settings: Settings) -> str:
    """Why the chat's address cannot be taken, in the system's words; empty when it can."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((settings.host, settings.port))
        except OSError as problem:
            return problem.strerror or type(problem).__name__
    return ""


def _is_ours(settings: Settings) -> bool:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    try:
        with urllib.request.urlopen(f"http://{host}:{settings.port}/healthz", timeout=3) as page:
            return bool(json.load(page) == {"status": "ok"})
    except (OSError, ValueError):
        return False


def accounts(settings: Settings) -> Check:
    """Accounts exist where the address needs them."""
    kept = Accounts(settings.home / "accounts.sqlite")
    try:
        needed = require_accounts(settings.host, kept)
    except AccessError:
        return Check("账号 accounts", False, f"{settings.host}: 0",
                     "cityllm user add NAME --role admin")
    count = len(kept.list())
    return Check("账号 accounts", True, f"{count} · " + (
        "登录后使用 sign-in is on" if needed else "仅本机，无需登录 this machine only, no sign-in"))
