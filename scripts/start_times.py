"""How long `make run` takes from a bare clone until the chat answers, and how long the next times.

    python scripts/start_times.py [--json docs/results/start.json] [--again 3]

Clones this checkout's last commit into a temporary folder, runs `make run` there on a free port and
waits for /healthz; then again, and takes the median. What uv or pip keep in their own caches stays,
so a first run here may be faster than on a machine that never installed any of it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.request
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 1200.0
COMMAND = "python scripts/start_times.py"


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


def answers(port: int) -> bool:
    """Whether the chat's health page says that it is ready."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as page:
            return int(page.status) == 200
    except OSError:
        return False


def time_run(folder: Path) -> float:
    """Seconds from `make run` to the first answer. RuntimeError with its output when it fails."""
    port = free_port()
    environment = {**os.environ, "CITYLLM_PORT": str(port)}
    with tempfile.TemporaryFile() as log:
        began = time.perf_counter()
        running = subprocess.Popen(["make", "run"], cwd=folder, env=environment, stdout=log,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        try:
            while not answers(port):
                if running.poll() is not None or time.perf_counter() - began > LIMIT:
                    log.seek(0)
                    raise RuntimeError(log.read().decode()[-2000:])
                time.sleep(0.1)
            return time.perf_counter() - began
        finally:
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGTERM)
                running.wait(timeout=30)


def figure(zh: str, en: str, value: float, mark: str) -> dict[str, object]:
    """A figure as `python -m evals report` reads it."""
    return {"zh": zh, "en": en, "value": round(value, 1), "unit": "s", "mark": mark,
            "command": COMMAND}


def main() -> None:
    """Measure, print, and write with --json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--again", type=int, default=3, help="how often after the first time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "cityllm"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
        first = time_run(folder)
        later = [time_run(folder) for _ in range(options.again)]
    result = {
        "figures": [
            figure("首次 make run，从刚检出的代码到可以提问",
                   "first make run, from a bare clone to the chat", first, "≤ 360"),
            figure("再次 make run 到可以提问", "next make run to the chat",
                   statistics.median(later), "≤ 15")],
        "later": [round(seconds, 1) for seconds in later], "date": date.today().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.platform(terse=True)}",
        "load": round(os.getloadavg()[0], 1), "python": platform.python_version()}
    text = json.dumps(result, ensure_ascii=False, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
