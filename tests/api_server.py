"""Real servers for tests of the API: workers that share a database, and PostgreSQL itself."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from cityllm.web.api import PREFIX
from tests.fakes_web import free_port

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def worker(home: Path, url: str = "", *, local: bool = False) -> Iterator[str]:
    """The API in a process of its own, over a database in `home` or at `url`; its address.

    It has one policy and asks for keys; with `local` it is the whole of the default pack, behind
    the site's door, as the local user sees it.
    """
    port = free_port()
    log = home / f"worker-{port}.log"
    with log.open("ab") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.api_server", str(home), url, str(port),
             "local" if local else "keys"], stdout=out, stderr=out, cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        await_port(port, server, log)
        yield f"http://127.0.0.1:{port}{PREFIX if local else ''}"
    finally:
        server.terminate()
        server.wait(timeout=20)


def await_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until somebody listens on `port`, two minutes at most."""
    for _ in range(1200):
        assert process.poll() is None, log.read_text("utf-8")[-3000:]
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    pytest.fail(f"nobody listens on {port}: {log.read_text('utf-8')[-3000:]}")


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL server of its own in a temporary folder; its URL. Never run as root."""
    found = [Path(name) for name in (shutil.which("initdb"),) if name]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        message = "PostgreSQL is not installed: sudo apt-get install -y postgresql"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    programs = found[-1].resolve().parent
    user = "postgres" if os.geteuid() == 0 else getpass.getuser()
    with tempfile.TemporaryDirectory(prefix="cityllm-pg-", ignore_cleanup_errors=True) as made:
        folder, port, log = Path(made), free_port(), Path(made) / "log"
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        who = {"user": user} if os.geteuid() == 0 else {}
        data = str(folder / "data")
        subprocess.run([str(programs / "initdb"), "-D", data, "-U", "city", "-A", "trust",
                        "--no-sync"], check=True, capture_output=True, cwd=folder, **who)
        with log.open("wb") as out:
            server = subprocess.Popen(
                [str(programs / "postgres"), "-D", data, "-p", str(port), "-k", str(folder),
                 "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"], stdout=out, stderr=out,
                cwd=folder, **who)
        try:
            await_port(port, server, log)
            yield f"postgresql://city@127.0.0.1:{port}/postgres"
        finally:
            server.terminate()
            server.wait(timeout=30)


def main(home: str, url: str, port: str, kind: str) -> None:
    """Serve the API until ended."""
    import uvicorn
    from fastapi import FastAPI

    from cityllm.policies.ruleset import RuleSet
    from cityllm.policies.service import PolicyService
    from cityllm.safety.database import Database
    from cityllm.web.api import make_api
    from cityllm.web.guard import Guard

    rules = RuleSet.load(ROOT / "rag_corpus")
    if kind == "keys":
        first = next(iter(rules.policies.values()))
        rules = RuleSet({first.id: first}, rules.dictionary)
    api = make_api(PolicyService(rules), Database(Path(home), url), lambda name: "admin")
    site = FastAPI(openapi_url=None)
    site.add_middleware(Guard, sessions=None)
    site.mount(PREFIX, api)
    uvicorn.run(site if kind == "local" else api, host="127.0.0.1", port=int(port),
                log_level="warning")


if __name__ == "__main__":
    main(*sys.argv[1:5])
