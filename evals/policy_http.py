"""One enterprise against all policies through HTTP: `python -m evals policy_http --json OUT`.

A real server in a process of its own, behind the site's door, with the shipped policies and
generated ones beside them up to `--policies`; made-up enterprises of `policy_world`, one
connection, one request at a time; `details` is what the endpoint answers by default, `brief` with
`"details": false`. Then as many clients at once as `--clients` send brief requests.
Times are seen by the client, elapsed: the machine's load counts, so the processor time that the
server spent on a request stands beside them.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from cityllm.config import load_settings
from cityllm.policies.fields import Enterprise
from cityllm.policies.ruleset import RuleSet
from cityllm.policies.service import PolicyService
from evals.machine import machine
from evals.policy_world import DAY, City, columns_of, policies
from evals.speed import show

WARM = 20
COMMAND = "python -m evals policy_http"


def world(count: int) -> RuleSet:
    """The shipped policies and generated ones, `count` in all."""
    rules = RuleSet.load(load_settings().pack)
    made = policies(max(0, count - len(rules.policies)), rules, City(2000, rules.dictionary))
    return RuleSet({**rules.policies, **{one.id: one for one in made}}, rules.dictionary)


def body(enterprise: Enterprise, rules: RuleSet, *, details: bool) -> bytes:
    """An enterprise as a client sends it."""
    fields = {column: rules.dictionary.field_of(column).decode(value)
              for column, value in enterprise.values.items() if not column.startswith("judge:")}
    return json.dumps({"enterprise": {"id": enterprise.id, "fields": fields}, "details": details,
                       "as_of": DAY.isoformat()}, default=_plain).encode()


def _plain(value: Any) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else value.isoformat() \
        if isinstance(value, date) else str(value)


def serve(count: int, port: int, home: str) -> None:
    """The API as the local user has it, until the process is ended."""
    import uvicorn
    from fastapi import FastAPI

    from cityllm.safety.database import Database
    from cityllm.web.api import PREFIX, make_api
    from cityllm.web.guard import Guard

    site = FastAPI(openapi_url=None)
    site.add_middleware(Guard, sessions=None)
    site.mount(PREFIX, make_api(PolicyService(world(count)), Database(Path(home)),
                                lambda _name: "admin"))
    gc.collect()
    gc.freeze()  # as `cityllm web` does
    uvicorn.run(site, host="127.0.0.1", port=port, log_level="warning")


@contextmanager
def served(count: int) -> Iterator[tuple[str, int]]:
    """The address of a server, and its process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    with tempfile.TemporaryDirectory() as home:
        server = subprocess.Popen([sys.executable, "-m", "evals.policy_http", str(count),
                                   str(port), home])
        try:
            for _ in range(1200):
                if server.poll() is not None:
                    raise RuntimeError("the server ended before it listened")
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}/api/v1", server.pid
        finally:
            server.terminate()
            server.wait(timeout=20)


def used(pid: int) -> float:
    """Seconds of processor time that a process has used (Linux)."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def measure(count: int, requests: int, clients: int) -> dict[str, Any]:
    """Milliseconds of each way of asking."""
    import httpx

    rules = world(count)
    table = City(requests + WARM, rules.dictionary).table(columns_of(list(rules.on(DAY).values())))
    firms = [table.enterprise(row) for row in range(len(table))]
    figures: dict[str, Any] = {"policies": len(rules.policies), "requests": requests}
    kind = {"content-type": "application/json"}
    with served(count) as (address, pid), httpx.Client(timeout=60) as client:
        for details in (False, True):
            for coding in ("identity", "gzip"):
                sent = [body(one, rules, details=details) for one in firms]
                headers = {**kind, "accept-encoding": coding}
                seen, size, spent = [], 0, 0.0
                for number, content in enumerate(sent):
                    if number == WARM:
                        spent = used(pid)
                    began = time.perf_counter()
                    reply = client.post(f"{address}/policies/match", content=content,
                                        headers=headers)
                    seen.append(time.perf_counter() - began)
                    reply.raise_for_status()
                    size = max(size, reply.num_bytes_downloaded)
                name = f"{'details' if details else 'brief'}_{coding}"
                p50, p95 = np.quantile(seen[WARM:], [0.5, 0.95]) * 1000
                figures |= {f"{name}_p50_ms": round(float(p50), 2),
                            f"{name}_p95_ms": round(float(p95), 2),
                            f"{name}_cpu_ms": round((used(pid) - spent) * 1000 / requests, 2),
                            f"{name}_kib": round(size / 1024)}
        figures |= at_once(address, [body(one, rules, details=False) for one in firms], clients)
    return figures


def at_once(address: str, sent: Sequence[bytes], clients: int) -> dict[str, Any]:
    """Requests a second of one server process, and seconds of one request, with several clients."""
    import httpx

    kind = {"content-type": "application/json", "accept-encoding": "identity"}

    def one_client(share: Sequence[bytes]) -> list[float]:
        seen = []
        with httpx.Client(timeout=60, headers=kind) as client:
            for content in share:
                began = time.perf_counter()
                client.post(f"{address}/policies/match", content=content).raise_for_status()
                seen.append(time.perf_counter() - began)
        return seen

    with ThreadPoolExecutor(clients) as pool:
        began = time.perf_counter()
        seen = [one for part in pool.map(one_client, [sent[at::clients] for at in range(clients)])
                for one in part]
        took = time.perf_counter() - began
    p50, p95 = np.quantile(seen, [0.5, 0.95]) * 1000
    return {"clients": clients, "clients_requests_per_s": round(len(sent) / took, 1),
            "clients_p50_ms": round(float(p50), 2), "clients_p95_ms": round(float(p95), 2)}


def main(argv: list[str]) -> int:
    """Measure, print, and write OUT."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--policies", type=int, default=200, help="so many policies")
    parser.add_argument("--requests", type=int, default=200, help="so many enterprises")
    parser.add_argument("--clients", type=int, default=8, help="so many clients at once")
    parser.add_argument("--json", type=Path, metavar="OUT", help="where the figures are written")
    options = parser.parse_args(argv)
    figures, where = measure(options.policies, options.requests, options.clients), machine()
    show(figures, where)
    if options.json:
        named = [{"zh": f"政策接口：一家企业对 {figures['policies']} 项政策，{zh}，p50",
                  "en": f"policy API: one enterprise against {figures['policies']} policies, "
                        f"{en}, p50", "mark": mark, "unit": "ms",
                  "value": figures[f"{form}_identity_p50_ms"], "command": COMMAND}
                 for form, zh, en, mark in (("brief", "简式", "brief form", "≤ 10"),
                                            ("details", "详式（默认）", "all details (default)", ""))]
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({**figures, "machine": where, "figures": named},
                                           ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
