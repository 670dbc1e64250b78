"""vLLM as a process: its arguments from Settings, its start, its health, its end. Never imported.

Does not install it: `pip install cityllm[serve]` on a GPU, `scripts/test-vllm.sh` on a CPU.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from cityllm.config import ROOT, Settings
from cityllm.errors import ConfigError, ModelTimeout, ModelUnavailable

HOST = "127.0.0.1"
"""The model server listens here only: it has no accounts of its own."""
_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
_QUIET = {
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_DO_NOT_TRACK": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
_TOOLS = {"VLLM_ENFORCE_STRICT_TOOL_CALLING": "0"}
"""vLLM would hold a demanded call to a form that llguidance does not know, and refuse the request;
without, it holds it to the schemas."""


@dataclass(frozen=True)
class Command:
    """What is started: arguments, and what is added to the environment."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)


def command(settings: Settings, *, gpu: bool, rank: int = 16) -> Command:
    """Arguments and environment for vLLM. A pure function: nothing is read, nothing is started.

    `rank`: that of the adapter (see `adapter_rank`). The model answers to `endpoint_model`: with an
    adapter the adapted one, and the plain base to `base`. Tool calls are read in Hermes format and
    grammars by llguidance, as in process; JSON is written without blanks, of which a small model
    would find no end. Without a GPU: float32, small memory, `threads` cores.
    """
    name = settings.endpoint_model
    argv = [
        settings.serve_python or sys.executable,
        "-m",
        "vllm.entrypoints.openai.api_server",
        "--model",
        settings.serve_model,
        "--host",
        HOST,
        "--port",
        str(settings.serve_port),
        "--served-model-name",
        "base" if settings.serve_adapter else name,
        "--enable-auto-tool-choice",
        "--tool-call-parser",
        "hermes",
        "--structured-outputs-config",
        json.dumps({"backend": "guidance", "disable_any_whitespace": True}),
        "--seed",
        "0",
    ]
    if settings.serve_adapter:
        if rank > _RANKS[-1]:
            raise ConfigError(
                f"适配器的秩是 {rank}，vLLM 最多支持 {_RANKS[-1]}。",
                f"The adapter has rank {rank}; vLLM takes at most {_RANKS[-1]}.",
            )
        argv += [
            "--enable-lora",
            "--lora-modules",
            f"{name}={settings.serve_adapter}",
            "--max-lora-rank",
            str(next(r for r in _RANKS if r >= rank)),
        ]
    env = _QUIET | _TOOLS
    if settings.endpoint_key != "none":
        env["VLLM_API_KEY"] = settings.endpoint_key
    if Path(settings.serve_model).is_absolute():
        env["HF_HUB_OFFLINE"] = "1"
    if not gpu:
        argv += ["--enforce-eager", "--dtype", "float32", "--max-num-seqs", "8"]
        env |= {
            "VLLM_CPU_KVCACHE_SPACE": "1",
            "VLLM_CPU_OMP_THREADS_BIND": "nobind",
            "OMP_NUM_THREADS": str(settings.threads),
        }
    return Command(tuple(argv), env)


def adapter_rank(folder: str) -> int:
    """The rank in an adapter's own description; 16 where there is none. Raises ConfigError."""
    if not folder:
        return 16
    path = Path(folder) / "adapter_config.json"
    try:
        return int(json.loads(path.read_text(encoding="utf-8"))["r"])
    except (OSError, ValueError, KeyError, TypeError):
        raise ConfigError(
            f"CITYLLM_SERVE_ADAPTER={folder} 不是 LoRA 适配器：读不到 adapter_config.json 里的 r。",
            f"CITYLLM_SERVE_ADAPTER={folder} is no LoRA adapter: no r in its adapter_config.json.",
        ) from None


def has_gpu() -> bool:
    """Whether this machine has an NVIDIA or AMD accelerator with its driver."""
    return Path("/dev/nvidiactl").exists() or Path("/dev/kfd").exists()


def python_with_vllm(settings: Settings, root: Path = ROOT) -> str:
    """`serve_python`, else `.venv-vllm` under `root` where it is there, else this Python."""
    apart = root / ".venv-vllm" / "bin" / "python"
    return settings.serve_python or (str(apart) if apart.exists() else sys.executable)


class Server:
    """One running vLLM and its log. Leaving it as a context ends the process and its children."""

    def __init__(self, started: Command, url: str, log: Path, env: Mapping[str, str]) -> None:
        self.url, self.log = url, log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                started.argv,
                env={**env, **started.env},
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Process id, which is also that of the process group."""
        return self._process.pid

    def healthy(self) -> bool:
        """Whether it answers now."""
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=2) as reply:
                return bool(reply.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def wait_healthy(self, seconds: float) -> float:
        """Wait until it answers; returns the seconds that took.

        Raises ModelUnavailable with the reason in its log where it ends, ModelTimeout where it is
        not ready in time (it is stopped then).
        """
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            if self._process.poll() is not None:
                raise ModelUnavailable(
                    f"vLLM 没有启动起来：{self.reason()}。完整日志：{self.log}",
                    f"vLLM did not start: {self.reason()}. Its whole log: {self.log}",
                )
            if self.healthy():
                return time.monotonic() - began
            time.sleep(0.5)
        reason = self.reason()
        self.stop()
        raise ModelTimeout(
            f"vLLM 在 {seconds:.0f} 秒内没有就绪：{reason}。完整日志：{self.log}",
            f"vLLM was not ready within {seconds:.0f} s: {reason}. Its whole log: {self.log}",
        )

    def reason(self) -> str:
        """The line of the log that says most: the last error, else the last line."""
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        errors = [s for s in lines if "Error" in s and "Engine core initialization" not in s]
        return (errors or lines or ["(log is empty)"])[-1][-300:]

    def wait(self) -> int:
        """Wait until it ends by itself; its exit code."""
        return self._process.wait()

    def stop(self, seconds: float = 15.0) -> None:
        """End it and its children: asked first, killed after `seconds`."""
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self.kill()

    def kill(self) -> None:
        """End it and its children at once."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def start(
    settings: Settings, log: Path, env: Mapping[str, str], *, gpu: bool | None = None
) -> Server:
    """Start vLLM as Settings say; `env` is the environment it inherits. Does not wait."""
    asked = settings.model_copy(update={"serve_python": python_with_vllm(settings)})
    gpu = has_gpu() if gpu is None else gpu
    made = command(asked, gpu=gpu, rank=adapter_rank(asked.serve_adapter))
    return Server(made, f"http://{HOST}:{settings.serve_port}", log, env)


def serve(
    settings: Settings,
    env: Mapping[str, str],
    tell: Callable[[str, str], None],
    seconds: float = 1800.0,
) -> int:
    """What `cityllm serve` does: start, wait, tell the address, run until it ends or Ctrl-C.

    `tell` takes a Chinese and an English sentence. Returns vLLM's exit code, 0 after Ctrl-C or, in
    the main thread, a termination signal: vLLM never stays behind.
    """
    log = settings.home / "vllm.log"
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    with start(settings, log, env) as server:
        tell(
            f"正在启动 vLLM（{settings.serve_model}），日志在 {log}。",
            f"Starting vLLM ({settings.serve_model}); its log is {log}.",
        )
        try:
            took = server.wait_healthy(seconds)
            tell(
                f"已就绪，用了 {took:.0f} 秒：CITYLLM_ENGINE=endpoint CITYLLM_ENDPOINT_URL={server.url}/v1",
                f"Ready after {took:.0f} s: CITYLLM_ENGINE=endpoint "
                f"CITYLLM_ENDPOINT_URL={server.url}/v1",
            )
            return server.wait()
        except KeyboardInterrupt:
            return 0
