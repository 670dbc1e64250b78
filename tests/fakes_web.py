"""An honest fake assistant and a small ledger, for the pages' tests.

The assistant answers by what the question contains, from real clauses of a ledger it is given, and
keeps the calls it received. It sleeps where a test asks for slowness, and raises where one asks for
failure.
"""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from cityllm.agent.events import Delta, Event, Final, StepDone, StepStarted
from cityllm.agent.wording import Narrator
from cityllm.config import Settings
from cityllm.corpus.numerals import article_key
from cityllm.corpus.records import Clause
from cityllm.errors import ArticleNotFound, ModelTimeout
from cityllm.evidence import Answer, ClauseEvidence, DataRowEvidence, Step, ToolRunEvidence, Value
from cityllm.petitions.review import Review
from cityllm.policies.service import PolicyService
from cityllm.safety.access import Accounts
from cityllm.safety.vault import Vault

ROOT = Path(__file__).resolve().parent.parent
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA"
                         "60e6kgAAAABJRU5ErkJggg==")
LAW = "城乡规划法"
TEXTS = {
    "63": ("处分", "有前款行为的，由本级人民政府处分。"),
    "64": ("未取得规划许可证的建设",
           "未取得许可证进行建设的，责令停止建设。\n可改正的，处造价百分之五以上百分之十以下的罚款；<b>不可改正的</b>，限期拆除。"),
    "65": ("乡村违法建设", "乡村规划区内未取得许可证的，由乡、镇人民政府责令停止建设。"),
}


class FakeLedger:
    """Three articles of one law, ids as the real ledger has them."""

    status_known = date(2025, 4, 30)

    def __init__(self) -> None:
        self._clauses = {
            f"{LAW}@2019-04-23#{n}": Clause(
                rowid=int(n), clause_id=f"{LAW}@2019-04-23#{n}", title=LAW,
                full_title=f"中华人民共和国{LAW}", article=n, label=f"第六十{'三四五'[int(n) - 63]}条",
                heading=heading, path=("第六章 法律责任",), text=text, verbatim=n != "65",
                issuer="全国人民代表大会常务委员会", kind="法律", level="法律", region="全国",
                version=date(2019, 4, 23), effective=date(2008, 1, 1),
                source_url="https://flk.npc.gov.cn", status="现行（2019-04-23 起）")
            for n, (heading, text) in TEXTS.items()}

    def clause(self, clause_id: str) -> Clause:
        if clause_id not in self._clauses:
            raise ArticleNotFound("没有这一条。", "No such article.")
        return self._clauses[clause_id]

    def article(self, title: str, number: str, as_of: date) -> Clause:
        return self.clause(f"{title}@2019-04-23#{article_key(number)}")

    def neighbours(self, clause_id: str, n: int = 1) -> list[Clause]:
        at = int(self.clause(clause_id).article)
        return [c for c in self._clauses.values() if c.article != str(at)
                and abs(int(c.article) - at) <= n]


def cited(ledger: FakeLedger, n: str = "64", as_of: date = date(2026, 11, 22)) -> ClauseEvidence:
    """The article as evidence E1."""
    c = ledger.clause(f"{LAW}@2019-04-23#{n}")
    return ClauseEvidence(
        id="E1", clause_id=c.clause_id, title=c.title, article=c.article, article_label=c.label,
        heading=c.heading, text=c.text, passage="责令停止建设", verbatim=c.verbatim, issuer=c.issuer,
        level=c.level, region=c.region, version=c.version, effective=c.effective,
        source_url=c.source_url, as_of=as_of, status=c.status, score=0.9)


def run_evidence(image: str) -> ToolRunEvidence:
    """A traffic run as evidence E2."""
    return ToolRunEvidence(
        id="E2", tool="traffic_scenario", inputs={"close": "main_road", "demand_percent": 0},
        summary="平均车速由 31.2 降到 24.8 km/h", seed=7, images=[image],
        values={"mean_speed_before": Value(text="31.2", unit="km/h", label_zh="封路前平均车速",
                                           label_en="Mean speed before"),
                "mean_speed_after": Value(text="24.8", unit="km/h", label_zh="封路后平均车速",
                                          label_en="Mean speed after")})


def answer_of(question: str, ledger: FakeLedger, image: str, as_of: date | None = None,
              language: str = "zh") -> Answer:
    """What the fake answers."""
    day = as_of or date(2026, 11, 22)
    base = {"question": question, "language": language, "as_of": day, "engine": "fake",
            "status_known": ledger.status_known, "seconds": 1.5}
    if "第一百二十条" in question:
        return Answer(text="没有这一条。《城乡规划法》共 70 条。", refused="no_such_article", verified=False,
                      **base)
    if "主路" in question or "road" in question:
        run = run_evidence(image)
        words = (f"封闭主路后，平均车速由 {run.values['mean_speed_before'].shown()} 降到 "
                 f"{run.values['mean_speed_after'].shown()}。[运行结果](#E2)")
        step = Step(tool="traffic_scenario", inputs=run.inputs, seconds=1.25, evidence=["E2"])
        return Answer(text=words, evidence=[run], steps=[step], **base)
    if "数据" in question:
        rows = DataRowEvidence(id="E3", table="speeds", query="SELECT 1", columns=["城市", "车速"],
                               rows=[["南昌", 38.0]], sources=["https://example.org/outlook", "报告"])
        return Answer(text="南昌 38.0 km/h。", evidence=[rows], **base)
    clause = cited(ledger, as_of=day)
    words = (f"按[《{LAW}》第六十四条](#E1)，未办规划许可证就建设的，先责令停止建设。{question}\n\n"
             f"> **{LAW}第六十四条（2019-04-23 版，全文）**\n>\n> 处造价百分之五以上百分之十以下的罚款。")
    steps = [Step(tool="search_regulations", inputs={"query": question}, seconds=0.21,
                  evidence=["E1"]),
             Step(tool="read_article", inputs={"title": LAW, "article": "120"}, seconds=0.02,
                  problem="没有第一百二十条")]
    return Answer(text=words, citations=[clause], evidence=[clause], steps=steps, **base)


@dataclass
class FakeAssistant:
    """Streams like the real one. `gate`, until set, holds an answer with 等 in its question;
    so does `release`, until there is such a file."""

    ledger: FakeLedger
    image: str = ""
    calls: list[tuple[str, Sequence[tuple[str, str]], date | None, str | None]] = field(
        default_factory=list)
    closed: list[tuple[str, ...]] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    pause: float = 0.0
    release: Path | None = None

    def stream(self, question: str, history: Sequence[tuple[str, str]] = (),
               as_of: date | None = None, language: str | None = None,
               closed: Collection[str] = ()) -> Iterator[Event]:
        self.closed.append(tuple(closed))
        self.calls.append((question, list(history), as_of, language))
        if "超时" in question:
            raise ModelTimeout("语言模型 30 秒没有回答，请稍后再试。",
                               "The language model did not answer within 30 s; try again later.")
        if "故障" in question:
            raise ValueError("secret inner detail /home/someone/file.py")
        answer = answer_of(question, self.ledger, self.image, as_of, language or "zh")
        for step in answer.steps:
            yield StepStarted(step.tool, step.inputs)
            time.sleep(self.pause)
            yield StepDone(step)
        if "等" in question:
            began = time.monotonic()
            while not self.gate.wait(timeout=0.05) and time.monotonic() - began < 120:
                if self.release is not None and self.release.exists():
                    break
        for at in range(0, len(answer.text), 8):
            yield Delta(answer.text[at:at + 8])
            time.sleep(self.pause / 4)
        yield Final(answer)


@dataclass(frozen=True)
class FakeServices:
    """What `make_site` needs."""

    settings: Settings
    ledger: FakeLedger
    assistant: FakeAssistant
    accounts: Accounts
    review: Review
    policies: PolicyService | None = None
    narrator: Narrator = field(default_factory=lambda: Narrator(None))

    def vault(self) -> Vault:
        """The originals, under the key of the tests."""
        return Vault(self.settings.home / "vault.sqlite", bytes(range(32)))


def fake_services(home: Path, host: str = "127.0.0.1", port: int = 7860,
                  pause: float = 0.0) -> FakeServices:
    """Services over a folder of their own, with a real picture in it."""
    home.mkdir(parents=True, exist_ok=True)
    image = home / "map.png"
    image.write_bytes(PIXEL)
    ledger = FakeLedger()
    settings = Settings(home=home, host=host, port=port)
    assistant = FakeAssistant(ledger, str(image), pause=pause, release=home / "release")
    return FakeServices(settings, ledger, assistant, Accounts(home / "accounts.sqlite"),
                        Review(settings.review))


def _markdown(answer: Answer) -> str:
    if "坏" in answer.question:
        raise ValueError("secret inner detail")
    return f"# {answer.question}\n\n{answer.text}\n"


EXPORTERS = {"md": _markdown, "docx": lambda answer: b"PK fake"}


@contextmanager
def serving(home: Path, host: str = "127.0.0.1", port: int = 0,
            pause: float = 0.0) -> Iterator[str]:
    """A real server of the fake services in a process of its own; yields its address.

    `host` is what the settings say (it decides about sign-in); it always listens on 127.0.0.1.
    """
    port = port or free_port()
    log = home / "server.log"
    home.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        command = [sys.executable, __file__, str(home), host, str(port), str(pause)]
        server = subprocess.Popen(command, stdout=out, stderr=out,
                                  env={**os.environ, "PYTHONPATH": str(ROOT)})
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(1800):
            assert server.poll() is None, log.read_text("utf-8")[-3000:]
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=20)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def main(home: str, host: str, port: str, pause: str) -> None:
    """Serve until ended."""
    import uvicorn

    from cityllm.web.site import make_site

    services = fake_services(Path(home), host, int(port), float(pause))
    uvicorn.run(make_site(services, EXPORTERS), host="127.0.0.1", port=int(port),
                log_level="warning", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main(*sys.argv[1:5])
