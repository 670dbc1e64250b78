"""Reply drafts: cited or none, none for reports, each made once, nothing but template and quote."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fakes import PairSearch, QueueModel, calls

import app
import cityllm.cli as cli
from cityllm import cli_triage
from cityllm.agent.assistant import Assistant
from cityllm.agent.toolbox import Toolbox
from cityllm.config import ROOT
from cityllm.corpus.digests import sync_pack
from cityllm.corpus.ledger import Ledger
from cityllm.evidence import Answer, ClauseEvidence
from cityllm.petitions.drafts import MARK, REPORT, Drafter
from tests.petition_day import day, recipe, rows, write
from tests.small_classifier import SmallClassifier, make_small

PACK = ROOT / "rag_corpus"
TODAY = date(2026, 3, 20)
LAMPS = ClauseEvidence(
    id="E1", clause_id="照明管理规定@2010-05-27#21", title="城市照明管理规定", article="21",
    article_label="第二十一条", text="城市照明主管部门要建立维护制度。\n路灯坏了要及时修。", verbatim=False,
    version=date(2010, 5, 27), as_of=TODAY)


@dataclass
class Teller:
    """An assistant that answers all alike and keeps what it was asked; `fails` at that question."""

    refused: str = ""
    cited: tuple[ClauseEvidence, ...] = (LAMPS,)
    verified: bool = True
    fails: int = -1
    asked: list[str] = field(default_factory=list)

    def __call__(self, matter: str) -> Answer:
        if len(self.asked) == self.fails:
            raise KeyboardInterrupt
        self.asked.append(matter)
        return Answer(question=matter, text="我们保证三天内修好。", as_of=TODAY, refused=self.refused,
                      citations=list(self.cited), verified=self.verified and not self.refused)


def drafted(folder: Path, made: list[dict[str, str]], teller: Teller, wanted: Any = "all",
            mark: str = "") -> tuple[list[dict[str, Any]], Any]:
    write(folder / "in.jsonl", made)
    result = day(folder / "in.jsonl", folder / "out.jsonl",
                 drafter=Drafter(teller, wanted, mark, lambda: 2 * len(teller.asked)))
    return [json.loads(line) for line in
            (folder / "out.jsonl").read_text(encoding="utf-8").splitlines()], result


def test_a_draft_is_template_and_quote_with_the_periods_of_the_row(tmp_path: Path) -> None:
    teller = Teller()
    made = [{"编号": "1", "标题": "幸福路路灯坏了", "姓名": "王建国", "收到日期": "2026-03-05",
             "内容": "我叫王建国，电话13812345678。路灯不亮三天了，请王建国的电话13812345678回复。"},
            {"编号": "2", "标题": "路灯坏了", "内容": "幸福路的路灯不亮，请尽快修理。"}]
    (first, second, _), result = drafted(tmp_path, made, teller)
    assert (result.asked, result.drafts, result.calls) == (2, 2, 4)
    draft = first["draft"]
    assert draft.startswith(MARK)
    assert "《城市照明管理规定》第二十一条（2010-05-27 版，摘要，非原文" in draft
    assert f"“{LAMPS.text}”" in draft
    assert "登记并转送、交办（《信访工作条例》第二十二条，党委和政府信访部门）：收到日期之后 15 日，至 2026年3月20日" in draft
    assert "截止日未知（收到日期未知）" in second["draft"]
    assert first["department"] in draft
    for word in ("保证", "三天内修好", "王建国", "13812345678"):
        assert word not in draft
    assert not any("王建国" in asked or "138" in asked for asked in teller.asked)
    assert first["why_no_draft"] == ""
    own = draft.replace(LAMPS.text, "").replace(first["summary"], "")
    assert not re.search("保证|一定|承诺|将于|尽快|马上|我们会", own)


@pytest.mark.parametrize(("teller", "why"), [
    (Teller(refused="not_found"), "没有查到依据"), (Teller(refused="off_topic"), "不是城市政府办理的事务"),
    (Teller(cited=()), "没有引用条文"),
    (Teller(cited=(LAMPS.model_copy(update={"passage": LAMPS.text, "score": 0.3}),)), "不够贴切"),
    (Teller(verified=False), "没有通过核对"),
    (Teller(refused="something new"), "没有作答")])
def test_without_a_verified_citation_there_is_none_and_it_says_why(
        tmp_path: Path, teller: Teller, why: str) -> None:
    (one, _), result = drafted(tmp_path, [{"编号": "1", "内容": "路灯坏了三天，请修理。"}], teller)
    assert one["draft"] == ""
    assert why in one["why_no_draft"]
    assert (result.drafts, list(result.undrafted)) == (0, [one["why_no_draft"]])


def test_reports_of_wrongdoing_are_never_asked_about(tmp_path: Path) -> None:
    teller = Teller()
    made = [{"编号": "1", "内容": "市教育局科长王建国收了红包。"},
            {"编号": "2", "内容": "村支书贪污低保款，请纪委调查。"}]
    found, result = drafted(tmp_path, made, teller)
    assert teller.asked == []
    assert [(one["draft"], one["why_no_draft"]) for one in found[:2]] == [("", REPORT)] * 2
    assert result.asked == result.calls == 0


@pytest.mark.parametrize(("wanted", "routes"), [
    ("urgent", {"urgent"}), ("review", {"urgent", "review"}),
    ("all", {"urgent", "review", "auto"})])
def test_drafts_are_made_for_the_rows_asked_for(tmp_path: Path, wanted: str, routes: set[str],
                                                ) -> None:
    made = [*rows(30), {"编号": "急", "内容": "楼房快要坍塌了，有煤气泄漏，请马上来人。"}]
    found, _ = drafted(tmp_path, made, Teller(), wanted)
    assert {one["route"] for one in found} == {"urgent", "review", "auto"}
    for one in found:
        if one["problem"]:
            assert one["draft"] == one["why_no_draft"] == ""
        elif one["kind"] != "report":
            assert bool(one["draft"]) is (one["route"] in routes)


def test_drafts_are_kept_one_by_one_and_made_once(tmp_path: Path) -> None:
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
    made = [{"编号": str(n), "标题": f"第{n}号路灯坏了", "内容": "路灯不亮，请修理。"} for n in range(8)]
    drafted(tmp_path / "whole", made, Teller())
    here = tmp_path / "killed"
    with pytest.raises(KeyboardInterrupt):
        drafted(here, made, Teller(fails=5))
    rest = Teller()
    _, result = drafted(here, made, rest)
    assert (len(rest.asked), result.fresh) == (3, 0)
    out = (here / "out.jsonl").read_bytes()
    assert out == (tmp_path / "whole" / "out.jsonl").read_bytes()
    day(here / "in.jsonl", here / "out.jsonl")  # without drafts; those made are kept
    assert MARK not in (here / "out.jsonl").read_text(encoding="utf-8")
    nothing = Teller()
    drafted(here, made, nothing)
    assert nothing.asked == []
    assert (here / "out.jsonl").read_bytes() == out
    made[3]["标题"] = "第三号井盖坏了"
    changed = Teller()
    drafted(here, made, changed)
    assert len(changed.asked) == 1 and "井盖" in changed.asked[0]
    day(here / "in.jsonl", here / "out.jsonl", wanted=recipe(make_small, fingerprint="2"))
    again = Teller()
    drafted(here, made, again)  # rows done anew that came out the same keep their drafts
    assert again.asked == []
    other = Teller()
    drafted(here, made, other, mark="another model")
    assert len(other.asked) == 8


def test_a_model_that_fails_is_asked_three_times_and_again_by_the_next_run(tmp_path: Path) -> None:
    made = [{"编号": str(n), "内容": f"第{n}号路灯坏了，请修理。"} for n in range(6)]
    dead = Teller(refused="no_model")
    found, result = drafted(tmp_path, made, dead)
    assert len(dead.asked) == result.asked == 3
    assert all("语言模型不可用" in one["why_no_draft"] for one in found[:6])
    alive = Teller()
    found, _ = drafted(tmp_path, made, alive)
    assert len(alive.asked) == 6
    assert all(one["draft"] for one in found[:6])


def test_a_long_article_is_cut_at_whole_lines_around_what_answers(tmp_path: Path) -> None:
    lines = [f"第{n}项，" + "照明设施的维护单位应当按规定巡查。" * 5 for n in range(9)]
    long = LAMPS.model_copy(update={"text": "\n".join(lines), "passage": lines[4][:30],
                                    "score": 0.9, "verbatim": True})
    (one, _), _ = drafted(tmp_path, [{"编号": "1", "内容": "路灯坏了，请修理。"}], Teller(cited=(long,)))
    quoted = re.search("“(第4项[^”]*)”", one["draft"])
    assert quoted and all(line in lines for line in quoted[1].split("\n"))
    assert "全文；节选" in one["draft"]


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own and a small classifier in place of the shipped one."""
    monkeypatch.setenv("CITYLLM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CITYLLM_PACK", str(PACK))
    monkeypatch.setattr(cli_triage, "load_classifier", lambda folder, pack: SmallClassifier())
    return tmp_path


@dataclass
class Services:
    ledger: Ledger
    assistant: Assistant

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with Ledger.open(tmp_path_factory.mktemp("d") / "ledger.sqlite", PACK / "status.yaml") as one:
        sync_pack(one, PACK)
        yield one


def run(*words: str | Path) -> int:
    try:
        cli.main(["triage", *map(str, words)])
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    return 0


MATTERS = [{"编号": "1", "标题": "邻居没办规划许可证就盖了楼", "内容": "没办建设工程规划许可证就开工建房，怎么处罚？"},
           {"编号": "2", "内容": "市教育局科长王建国收了红包。"}]


def test_the_command_asks_the_assistant_of_the_chat_and_counts_its_model(
        office: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    search = calls(("search_regulations", {"query": "没办建设工程规划许可证就开工 工程造价"}))
    model = QueueModel(replies=[search, "依据[E1]：\n{E1.text}"])
    assistant = Assistant(Toolbox(ledger, PairSearch(ledger)), model, engine="queue")
    monkeypatch.setattr(app, "build", lambda settings, progress: Services(ledger, assistant))
    write(office / "in.jsonl", MATTERS)
    words = (office / "in.jsonl", office / "out.jsonl", "--drafts", "all")
    assert run(*words) == 0
    said = capsys.readouterr().out
    assert "问了 1 件，写成 1 份" in said
    assert "draft " in said
    assert f"2 = {2000 / 3:.1f} / 1,000 行" in said
    assert f"1 件没有草稿 without: {REPORT}" in said
    first = json.loads((office / "out.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert "《城乡规划法》第六十四条" in first["draft"]
    assert run(*words) == 0  # the queue is empty: nothing may be asked
    assert "写成" not in capsys.readouterr().out
    assistant.model = None
    assert run(*words) == 1
    assert "no language model to write drafts" in capsys.readouterr().err
    assert run(*words[:2], "--drafts", "some") == 1
    assert "none, urgent, review, all" in capsys.readouterr().err


@pytest.mark.slow
def test_the_bundled_assistant_writes_drafts_whose_quotes_stand_in_the_pack(
        office: Path, ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    asks = ["小区的垃圾没有分类收集，请处理。", "工地夜里施工噪音很大，请处理。", "小区绿地被侵占，请处理。"]
    more = [{"编号": f"n{n}", "内容": ask} for n, ask in enumerate(asks)]
    write(office / "in.jsonl", [*MATTERS, *more])
    assert run(office / "in.jsonl", office / "out.jsonl", "--drafts", "review") == 0
    assert "model calls" in capsys.readouterr().out
    found = [json.loads(line) for line in
             (office / "out.jsonl").read_text(encoding="utf-8").splitlines()][:-1]
    drafts = [one["draft"] for one in found if one["draft"]]
    assert drafts
    assert all(one["draft"] or one["why_no_draft"] for one in found if one["route"] != "auto")
    held = "\n".join(text for _, text in ledger.rows())
    for draft in drafts:
        quotes = re.findall(r"》第\S+条\S*（.+?）：\n“(.+?)”\n", draft, re.DOTALL)
        assert quotes
        for quote in quotes:
            assert all(line in held for line in quote.split("\n")), quote
