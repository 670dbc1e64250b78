"""Pictures for the README and the docs: `python scripts/screenshots.py http://127.0.0.1:7860`.

Start the chat first (`make run`), and queue petitions of your own, some with a draft
(`cityllm triage day.xlsx done.xlsx --queue --drafts review`). Asks the README's questions, opens a
citation, takes a petition, matches the made-up enterprise and the sample table with policies, and
writes docs/images/: chat-desktop.png (1440 x 900), chat-phone.png (390 x 844), traffic.png,
review-desktop.png, review-phone.png, review-reasons.png, policies-enterprise.png and
policies-office.png; `--only NAME` takes one. Needs Chromium
and Chinese fonts (apt-get install -y chromium fonts-noto-cjk). Exits with 1 and a sentence where an
answer does not come, so that no picture of a failure is taken for one of the product.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Error, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PENALTY = "没办规划许可证就盖了楼，会怎么罚？"
ROAD = "如果把主路封了，平均车速会怎样？"
PICTURES = (("chat-desktop", 1440, 900, PENALTY), ("chat-phone", 390, 844, PENALTY),
            ("traffic", 1440, 900, ROAD), ("review-desktop", 1440, 900, ""),
            ("review-phone", 390, 844, ""), ("review-reasons", 1440, 900, ""),
            ("policies-enterprise", 1440, 900, ""),
            ("policies-office", 1440, 1250, ""))
"""Name, width, height, and the question; none for a page that is not the chat."""
MOST = 50
"""Petitions that are looked at until one has a draft."""


def main() -> int:
    """Take the pictures; 0 when all were taken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", nargs="?", default="http://127.0.0.1:7860")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--only", action="append", default=[], help="take this picture alone")
    parser.add_argument("--wait", type=float, default=180, help="seconds for one answer")
    options = parser.parse_args()
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        print("chromium is missing: apt-get install -y chromium fonts-noto-cjk", file=sys.stderr)
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program,
                                       args=["--no-sandbox", "--disable-gpu"])
        try:
            for name, width, height, question in PICTURES:
                if options.only and name not in options.only:
                    continue
                page = (answered(browser, options.address, width, height, question, options.wait)
                        if question else matched(browser, options.address, name, width, height)
                        if name.startswith("policies") else
                        taken(browser, options.address, width, height))
                if name.endswith("desktop"):
                    page.locator(".cite[data-do=cite]").first.click()
                    page.locator("#panel .article h2").wait_for()
                elif question == ROAD:
                    page.locator("#transcript figure.map img").evaluate("(p) => p.decode()")
                page.wait_for_timeout(400)
                page.screenshot(path=options.out / f"{name}.png")
                print(options.out / f"{name}.png")
                page.context.close()
        except Error as problem:
            print(f"no picture: {problem.message}", file=sys.stderr)
            return 1
        finally:
            browser.close()
    return 0


def matched(browser: Browser, address: str, name: str, width: int, height: int) -> Page:
    """The enterprises' page with its example, a policy open and its article beside it; or the
    office's page with the sample table. Raises playwright's Error where they are not there."""
    page = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN",
                               device_scale_factor=1).new_page()
    if name == "policies-office":
        page.goto(f"{address}/policies/office?policy=xiaoxing-weili-suodeshui&table=sample")
        page.locator("svg.funnel").wait_for()
        return page
    page.goto(f"{address}/policies")
    page.locator("button[value=example]").click()
    page.locator("#part-eligible .pick").first.click()
    page.locator(".full a.cite").first.click()
    page.locator("#panel .article h2").wait_for()
    return page


def answered(browser: Browser, address: str, width: int, height: int, question: str,
             wait: float) -> Page:
    """A page on which `question` stands answered. Raises playwright's Error where it is not."""
    page = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN",
                               device_scale_factor=1).new_page()
    page.goto(address)
    page.locator(".welcome").wait_for(timeout=30_000)
    box = page.locator("#question textarea")
    box.fill(question)
    box.press("Enter")
    page.locator("#transcript .reply:not(.sorry):not(.refused)").wait_for(timeout=wait * 1000)
    return page


def taken(browser: Browser, address: str, width: int, height: int) -> Page:
    """The petitions page with a petition whose draft cites an article. Raises playwright's Error
    where none of the first has one."""
    page = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN",
                               device_scale_factor=1).new_page()
    page.goto(f"{address.rstrip('/')}/petitions")
    for _ in range(MOST):
        page.wait_for_timeout(700)
        page.keyboard.press("n")
        page.locator(".petition").wait_for(timeout=30_000)
        page.wait_for_function("!document.getElementById('site').hasAttribute('aria-busy')")
        if page.locator("#reply-part .cite").count():
            page.locator("#similar .waiting").wait_for(state="detached", timeout=60_000)
            return page
    raise Error("no petition of the queue has a draft that cites an article")


if __name__ == "__main__":
    sys.exit(main())
