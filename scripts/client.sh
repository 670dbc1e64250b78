#!/usr/bin/env bash
# A typed Python client of the API, written to FOLDER/cityllm-client from its own description.
# The batch is left out: its reply is a stream of lines.
# openapi-python-client wants an older typer than the program: it gets an environment of its own.
set -euo pipefail
if [ $# -ne 1 ]; then
    echo "用法 / usage: bash scripts/client.sh FOLDER" >&2
    exit 2
fi
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
if [ ! -x .venv-client/bin/openapi-python-client ]; then
    "$python" -m venv .venv-client
    .venv-client/bin/python -m pip install --quiet --disable-pip-version-check \
        openapi-python-client==0.29.1 ruff==0.17.6
fi
"$python" scripts/openapi.py > "$folder/openapi.json"
cd "$folder"
"$OLDPWD/.venv-client/bin/openapi-python-client" generate --path openapi.json --overwrite \
    --output-path cityllm-client --meta uv
