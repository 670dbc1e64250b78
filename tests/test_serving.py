"""vLLM as a process: arguments, start and end, with a stand-in for the program itself."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cityllm.config import ROOT, Settings
from cityllm.errors import ConfigError, ModelTimeout, ModelUnavailable
from cityllm.model import vllm

HEALTHY = """
import http.server, sys, os, subprocess, time
open(os.environ["CHILD"], "w").write(str(subprocess.Popen(["sleep", "60"]).pid))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
port = int(sys.argv[sys.argv.index("--port") + 1])
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""
BROKEN = "print('loading');raise ValueError('no kernel image for this device')"
SLOW = "import time; print('still compiling', flush=True); time.sleep(60)"


def _after(argv: tuple[str, ...], name: str) -> str:
    return argv[argv.index(name) + 1]


def test_arguments_on_a_gpu_and_on_a_cpu() -> None:
    settings = Settings(serve_port=8123, serve_python="/x/python", threads=4)
    made = vllm.command(settings, gpu=True)
    assert made.argv[:3] == ("/x/python", "-m", "vllm.entrypoints.openai.api_server")
    assert _after(made.argv, "--model") == "Qwen/Qwen3-8B"
    assert _after(made.argv, "--host") == "127.0.0.1" and _after(made.argv, "--port") == "8123"
    assert _after(made.argv, "--served-model-name") == "city"
    assert (
        _after(made.argv, "--tool-call-parser") == "hermes"
        and "--enable-auto-tool-choice" in made.argv
    )
    assert not {"--enable-lora", "--enforce-eager"} & set(made.argv)
    assert made.env["VLLM_NO_USAGE_STATS"] == made.env["DO_NOT_TRACK"] == "1"
    assert made.env["VLLM_ENFORCE_STRICT_TOOL_CALLING"] == "0"
    assert "HF_HUB_OFFLINE" not in made.env and "VLLM_API_KEY" not in made.env
    cpu = vllm.command(settings, gpu=False)
    assert {"--enforce-eager", "--dtype", "float32"} <= set(cpu.argv) - set(made.argv)
    assert cpu.env["OMP_NUM_THREADS"] == "4"


def test_an_adapter_takes_the_name_and_its_rank_fits() -> None:
    settings = Settings(
        serve_model="/m", serve_adapter="/a", endpoint_model="hangzhou", endpoint_key="k"
    )
    made = vllm.command(settings, gpu=True, rank=24)
    assert _after(made.argv, "--lora-modules") == "hangzhou=/a"
    assert (
        _after(made.argv, "--max-lora-rank") == "32"
        and _after(made.argv, "--served-model-name") == "base"
    )
    assert (
        made.env["HF_HUB_OFFLINE"] == "1"
        and made.env["VLLM_API_KEY"] == "k"
        and "k" not in made.argv
    )
    with pytest.raises(ConfigError, match="rank 1000; vLLM takes at most 512"):
        vllm.command(settings, gpu=True, rank=1000)


def test_the_rank_is_read_from_the_adapter(tmp_path: Path) -> None:
    assert vllm.adapter_rank("") == 16
    with pytest.raises(ConfigError, match=r"CITYLLM_SERVE_ADAPTER=.*is no LoRA adapter"):
        vllm.adapter_rank(str(tmp_path))
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": 32}))
    assert vllm.adapter_rank(str(tmp_path)) == 32


def test_which_python_has_vllm(tmp_path: Path) -> None:
    assert vllm.python_with_vllm(Settings(), tmp_path) == sys.executable
    apart = tmp_path / ".venv-vllm" / "bin" / "python"
    apart.parent.mkdir(parents=True)
    apart.touch()
    assert vllm.python_with_vllm(Settings(), tmp_path) == str(apart)
    assert vllm.python_with_vllm(Settings(serve_python="/x"), tmp_path) == "/x"


def _settings(folder: Path, program: str) -> Settings:
    python = folder / "python"
    (folder / "program.py").write_text(program)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{folder}/program.py" "$@"\n')
    python.chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return Settings(home=folder, serve_python=str(python), serve_port=free.getsockname()[1])


def _alive(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


def test_it_starts_answers_and_takes_its_children_along(tmp_path: Path) -> None:
    env = {**os.environ, "CHILD": str(tmp_path / "child")}
    with vllm.start(_settings(tmp_path, HEALTHY), tmp_path / "log", env, gpu=False) as server:
        assert 0 < server.wait_healthy(20) < 20
        child = int((tmp_path / "child").read_text())
        assert server.healthy() and _alive(child)
    assert not server.healthy() and not _alive(server.pid)
    for _ in range(50):  # who was killed is gone when the system gets round to it
        if not _alive(child):
            break
        time.sleep(0.1)
    assert not _alive(child)


@pytest.mark.parametrize(
    ("program", "kind", "words"),
    [
        (BROKEN, ModelUnavailable, "没有启动起来：ValueError: no kernel image for this device"),
        (SLOW, ModelTimeout, "1 秒内没有就绪：still compiling"),
    ],
)
def test_a_failed_start_gives_the_reason_in_its_log(
    tmp_path: Path, program: str, kind: type[Exception], words: str
) -> None:
    log = tmp_path / "log"
    with (
        vllm.start(_settings(tmp_path, program), log, os.environ, gpu=False) as server,
        pytest.raises(kind, match=words) as caught,
    ):
        server.wait_healthy(1 if program is SLOW else 20)
    assert str(log) in str(caught.value) and not _alive(server.pid)


def test_serve_tells_its_address_and_ends_with_the_program(tmp_path: Path) -> None:
    settings, told = _settings(tmp_path, HEALTHY), []
    ended: list[int] = []
    env = {**os.environ, "CHILD": str(tmp_path / "child")}
    ready = threading.Event()

    def tell(zh: str, en: str) -> None:
        told.append(en)
        if len(told) == 2:
            ready.set()

    thread = threading.Thread(target=lambda: ended.append(vllm.serve(settings, env, tell)))
    thread.start()
    assert ready.wait(20)
    parent = int(
        Path(f"/proc/{(tmp_path / 'child').read_text()}/stat")
        .read_text()
        .rpartition(")")[2]
        .split()[1]
    )
    os.kill(parent, 9)
    thread.join(20)
    assert ended == [-9] and f"http://127.0.0.1:{settings.serve_port}/v1" in told[1]


TERMINATED = """
import os, sys
from pathlib import Path
from cityllm.config import ROOT, Settings
from cityllm.model import vllm
settings = Settings(home=Path(sys.argv[1]), serve_python=sys.argv[2], serve_port=int(sys.argv[3]))
sys.exit(vllm.serve(settings, os.environ, lambda zh, en: print(en, flush=True)))
"""


def test_nothing_stays_behind_when_serve_is_terminated(tmp_path: Path) -> None:
    settings = _settings(tmp_path, HEALTHY)
    env = {**os.environ, "CHILD": str(tmp_path / "child")}
    argv = [sys.executable, "-c", TERMINATED, str(tmp_path), settings.serve_python]
    with subprocess.Popen(
        [*argv, str(settings.serve_port)], env=env, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as program:
        assert program.stdout is not None
        assert "Starting" in program.stdout.readline() and "Ready" in program.stdout.readline()
        child = int((tmp_path / "child").read_text())
        assert _alive(child)
        program.terminate()
        assert program.wait(20) == 0
    assert not _alive(child)
