"""No word leaves the machine unasked: every package's usage statistics are switched off here.

The packages read these names from the environment when they are imported, and child processes
(vLLM, Ray) inherit them. So the edge, `cli.py` and `app.py`, calls `switch_off()` before anything
else is imported. A value that the user set is overruled. Hub downloads that the user asks for by
naming a hub model go on working.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

OFF: dict[str, str] = {
    "DO_NOT_TRACK": "1",                  # a common sign, read by several packages
    "ANONYMIZED_TELEMETRY": "False",      # chromadb
    "CHROMA_OTEL_COLLECTION_ENDPOINT": "",
    "OTEL_SDK_DISABLED": "true",          # opentelemetry, which chromadb brings
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",      # huggingface_hub, transformers, peft, gradio
    "DISABLE_TELEMETRY": "1",
    "LANGSMITH_TRACING": "false",
    "LANGSMITH_TRACING_V2": "false",
    "LANGCHAIN_TRACING": "false",
    "LANGCHAIN_TRACING_V2": "false",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_DO_NOT_TRACK": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}


def switch_off(environment: MutableMapping[str, str] | None = None) -> None:
    """Set every name of `OFF` in the environment given, by default this process's own."""
    (os.environ if environment is None else environment).update(OFF)
