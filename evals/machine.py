"""Where a figure was measured: the machine and the versions, to stand beside the figure."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

PACKAGES = ("torch", "transformers", "langchain", "chromadb", "bm25s", "sentence-transformers",
            "numpy", "polars")


def machine() -> dict[str, Any]:
    """Cores, processor, Python and the packages that matter; no host name and no path."""
    found: dict[str, Any] = {"cores": os.cpu_count(), "processor": platform.machine(),
                             "system": platform.system(), "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
