"""Make .venv and put the program in it: the first half of `make run` and `make test`.

Needs Python 3.11 and nothing else, never root. Installs with uv (seconds) and, where uv cannot be
had or fails, with pip. Does nothing when pyproject.toml, the lock and the choice of torch are
unchanged. `--system` also looks for what tests need from the system: Chromium, a Chinese
font, PostgreSQL.

torch comes in builds of very different size. CITYLLM_TORCH=gpu takes the one with CUDA (gigabytes);
otherwise the CPU build: from wherever pip is configured to find one, or else from PyTorch's own
index if that answers within three seconds, or else whatever the package index has.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import urllib.request
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "installed.json"
TORCH = "2.13.0"
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
UV = "uv==0.13.9"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PACKAGES = ("chromium", "fonts-noto-cjk", "fontconfig", "postgresql")


def say(zh: str, en: str) -> None:
    """One line for the person who waits, in both languages."""
    print(f"{zh} / {en}", file=sys.stderr, flush=True)


def stop(zh: str, en: str) -> None:
    """End with a message that names the next step."""
    say(zh, en)
    raise SystemExit(1)


def run(*command: str, quiet: bool = False) -> bool:
    """Run a command of the environment; true when it succeeded."""
    sink = subprocess.DEVNULL if quiet else None
    return subprocess.run(command, cwd=ROOT, stdout=sink, stderr=sink, check=False).returncode == 0


def wanted(extras: list[str]) -> dict[str, object]:
    """What the stamp compares: contents, Python, extras and the choice of torch."""
    files = [ROOT / "pyproject.toml", ROOT / "requirements.lock"]
    digest = hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()
    return {"files": digest, "python": platform.python_version(), "root": str(ROOT),
            "torch": os.environ.get("CITYLLM_TORCH", ""), "extras": sorted(extras)}


def installed() -> dict[str, object]:
    """The stamp of the last complete installation, empty when there is none."""
    try:
        found = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and PYTHON.exists() else {}


def pip_setting(name: str) -> list[str]:
    """A setting of pip by name (`find-links`), wherever pip keeps it; uv does not read these."""
    found = os.environ.get("PIP_" + name.replace("-", "_").upper())
    if found is None:
        asked = subprocess.run([str(PYTHON), "-m", "pip", "config", "get", f"global.{name}"],
                               capture_output=True, text=True, check=False)
        found = asked.stdout if asked.returncode == 0 else ""
    return found.split()


def uv_install(*what: str) -> bool:
    """Install with uv, told where pip would look. False when uv is not there or fails."""
    if not run(str(PYTHON), "-m", "uv", "--version", quiet=True):
        return False
    command = [str(PYTHON), "-m", "uv", "pip", "install", "--python", str(PYTHON)]
    for setting, option in (("index-url", "--index-url"), ("extra-index-url", "--extra-index-url"),
                            ("find-links", "--find-links")):
        command += [part for value in pip_setting(setting) for part in (option, value)]
    return run(*command, "--compile-bytecode", "--index-strategy", "unsafe-best-match", *what)


def install(*what: str) -> bool:
    """Install with uv, or with pip where uv does not manage."""
    return uv_install(*what) or run(str(PYTHON), "-m", "pip", "install",
                                    "--disable-pip-version-check", *what)


def pip_offers_cpu_torch() -> bool:
    """Whether pip, as configured on this machine, would take a CPU build by itself."""
    asked = subprocess.run(
        [str(PYTHON), "-m", "pip", "install", "--dry-run", "--quiet", "--no-deps",
         "--ignore-installed", "--report", "-", f"torch=={TORCH}"],
        capture_output=True, text=True, check=False, timeout=180)
    try:
        version = json.loads(asked.stdout)["install"][0]["metadata"]["version"]
    except (ValueError, LookupError):
        return False
    return str(version).endswith("+cpu")


def cpu_index_answers() -> bool:
    """Whether PyTorch's own index of CPU builds can be reached within three seconds."""
    try:
        with urllib.request.urlopen(f"{TORCH_CPU_INDEX}/torch/", timeout=3) as answer:
            return int(answer.status) == 200
    except (OSError, ValueError):
        return False


def install_torch() -> None:
    """The build that suits the machine; see the head of this file."""
    choice = os.environ.get("CITYLLM_TORCH", "")
    if choice not in ("", "cpu", "gpu"):
        stop(f"CITYLLM_TORCH 的值 {choice!r} 不可用，可用的有 cpu、gpu。",
             f"CITYLLM_TORCH has value {choice!r}; allowed: cpu, gpu.")
    pip = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check"]
    if choice == "gpu":
        say("安装 GPU 版 torch（数 GB）", "installing the GPU build of torch (some gigabytes)")
        done = run(*pip, f"torch==={TORCH}")  # === leaves out 2.13.0+cpu
    elif sys.platform != "linux" or pip_offers_cpu_torch():
        done = install("--no-deps", f"torch=={TORCH}")
    elif cpu_index_answers():
        done = run(*pip, "--no-deps", "--index-url", TORCH_CPU_INDEX, f"torch=={TORCH}")
    else:
        say("找不到 CPU 版 torch，改装通用版：下载约 3 GB，请耐心等待",
            "no CPU build of torch within reach; taking the general one, a download of about 3 GB")
        done = install(f"torch=={TORCH}")
    if not done:
        stop(f"torch {TORCH} 装不上：请检查网络后重试 make run。",
             f"torch {TORCH} could not be installed: check the network and run make run again.")


def make_environment() -> None:
    """A fresh .venv with pip in it; a Python packaged without ensurepip lends its own pip."""
    say("正在建立 .venv", "making .venv")
    try:
        venv.EnvBuilder(with_pip=True, clear=VENV.exists()).create(VENV)
    except subprocess.CalledProcessError:
        venv.EnvBuilder(with_pip=False, clear=True).create(VENV)
        if not run(sys.executable, "-m", "pip", "--python", str(PYTHON), "install", "-q", "pip"):
            stop("这个 Python 没有 pip。请先运行：sudo apt-get install python3-venv",
                 "this Python comes without pip. First run: sudo apt-get install python3-venv")


def install_project(extras: list[str]) -> None:
    """A new environment where there is none, then torch, then the project with its extras."""
    if installed().get("python") != platform.python_version():
        make_environment()
    STAMP.unlink(missing_ok=True)
    say("正在安装（首次约需数分钟）", "installing (the first time takes some minutes)")
    run(str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", UV)
    install_torch()
    project = f".[{','.join(extras)}]" if extras else "."
    if not install("-c", "requirements.lock", "-e", project):
        stop("安装没有完成：请看上面的第一条错误，检查网络后重试同一条命令。",
             "the installation did not finish: see the first error above, check the network and "
             "run the same command again.")
    STAMP.write_text(json.dumps(wanted(extras)), encoding="utf-8")


def has_chinese_font() -> bool:
    """Whether fontconfig knows a font that can draw Chinese."""
    if not shutil.which("fc-list"):
        return False
    listed = subprocess.run(["fc-list", ":lang=zh"], capture_output=True, text=True, check=False)
    return bool(listed.stdout.strip())


def has_postgres() -> bool:
    """Whether a PostgreSQL server can be started; Debian keeps it out of the path."""
    return bool(shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb")))


def system_packages() -> None:
    """Chromium, a Chinese font and PostgreSQL: installed as root with apt-get, otherwise the
    command is named."""
    if any(map(shutil.which, BROWSERS)) and has_chinese_font() and has_postgres():
        return
    command = f"apt-get install -y --no-install-recommends {' '.join(PACKAGES)}"
    if not (shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0):
        stop(f"测试需要 Chromium、中文字体和 PostgreSQL。请先运行：sudo {command}",
             "the tests need Chromium, a Chinese font and PostgreSQL. First run: sudo "
             f"{command}")
    say("正在安装 Chromium、中文字体和 PostgreSQL",
        "installing Chromium, Chinese fonts and PostgreSQL")
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    run("apt-get", "update", "-qq")
    if not run(*command.split(), "-qq"):
        stop(f"系统软件包没有装上。请手工运行：{command}",
             f"the system packages could not be installed. Run by hand: {command}")


def main() -> None:
    """Parse, check Python, install what is not there yet."""
    parser = argparse.ArgumentParser(description="Make .venv and install cityllm into it.")
    parser.add_argument("--extras", default="", help="extras to install, with commas: serve,dev")
    parser.add_argument("--system", action="store_true",
                        help="also Chromium, a Chinese font and PostgreSQL")
    given = parser.parse_args()
    if not (3, 11) <= sys.version_info[:2] <= (3, 14):
        stop(f"需要 Python 3.11 至 3.14，现在是 {platform.python_version()}。请用 PYTHON=… 指定。",
             f"Python 3.11 to 3.14 is needed; this is {platform.python_version()}. Name one with "
             "PYTHON=…")
    if given.system:
        system_packages()
    have = installed()
    before = have.get("extras")
    extras = sorted({e for e in given.extras.split(",") if e}
                    | set(before if isinstance(before, list) else []))
    if have != wanted(extras):
        install_project(extras)


if __name__ == "__main__":
    main()
