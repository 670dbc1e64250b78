"""Fixtures that several files share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The development data, from CITYLLM_SHARED or `../shared/data`; in CI it must be there."""
    default = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    folder = Path(os.environ.get("CITYLLM_SHARED", default))
    if (folder / "laws").is_dir():
        return folder
    message = f"the shared data is not at {folder}: set CITYLLM_SHARED to the folder with laws/"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)
