"""A real server of the site with the shipped policies and regulations, for the pages' tests.

    python tests/policy_site.py HOME HOST PORT
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from fakes_web import EXPORTERS, ROOT, FakeServices, fake_services, free_port

from cityllm.corpus.digests import sync_pack
from cityllm.corpus.ledger import Ledger
from cityllm.policies.ruleset import RuleSet
from cityllm.policies.service import PolicyService

PACK = ROOT / "rag_corpus"


def policy_services(home: Path, host: str = "127.0.0.1") -> FakeServices:
    """The fake services over the real ledger of the pack and its policies."""
    ledger: Any = Ledger.open(home / "ledger.sqlite", PACK / "status.yaml")
    sync_pack(ledger, PACK)
    return replace(fake_services(home, host), ledger=ledger,
                   policies=PolicyService(RuleSet.load(PACK)))


@contextmanager
def serving_policies(home: Path, host: str = "127.0.0.1") -> Iterator[str]:
    """The server in a process of its own; yields its address."""
    port = free_port()
    log = home / "server.log"
    home.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        server = subprocess.Popen(
            [sys.executable, __file__, str(home), host, str(port)], stdout=out, stderr=out,
            env={**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests")))})
    try:
        for _ in range(600):
            assert server.poll() is None, log.read_text("utf-8")[-3000:]
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=20)


def main(home: str, host: str, port: str) -> None:
    """Serve until ended."""
    import uvicorn

    from cityllm.web.site import make_site

    uvicorn.run(make_site(policy_services(Path(home), host), EXPORTERS), host="127.0.0.1",
                port=int(port), log_level="warning", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main(*sys.argv[1:4])
