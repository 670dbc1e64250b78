"""The browser that the tests of the pages drive: Debian's Chromium, one for each file of tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    assert program, "chromium is missing: apt-get install -y chromium fonts-noto-cjk"
    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=program,
                                      args=["--no-sandbox", "--disable-gpu", "--lang=zh-CN"])
        yield opened
        opened.close()
