"""The clerk's tools of the chat: which message is meant, what is told of it, and what never is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from fakes import PairSearch
from hypothesis import given
from hypothesis import strategies as st

from cityllm.agent.petition_tools import CASES, HEAD, NAMES, messages
from cityllm.agent.specs import SPECS
from cityllm.agent.toolbox import Session, Toolbox
from cityllm.config import ROOT
from cityllm.corpus.digests import sync_pack
from cityllm.corpus.ledger import Ledger
from cityllm.errors import ConfigError, ToolProblem
from cityllm.evidence import ToolRunEvidence
from cityllm.petitions.desk import Desk
from cityllm.petitions.drafts import MARK
from cityllm.petitions.duplicates import Link
from cityllm.petitions.intake import Row
from cityllm.petitions.output import linked, record
from cityllm.petitions.pipeline import Times
from cityllm.petitions.similar import Case, Cases, cases_of, past_files
from tests.petition_day import recipe

PACK = ROOT / "rag_corpus"
TODAY = date(2026, 3, 20)
BY_NAME = {spec.name: spec for spec in SPECS}
PAST = [
    Case("1", "平安小区工地夜里施工", "平安小区旁边的工地夜里施工，噪音大得睡不着", "2026-01-05", "", "城乡建设",
         "市住房和城乡建设局", "已责令夜间停工"),
    Case("2", "23路公交车班次少", "23路公交车班次太少，等一个小时都没有来", "2026-01-06", "", "交通运输",
         "市交通运输局"),
    Case("3", "幸福路路灯坏了", "幸福路的路灯坏了三天没有人修", "2026-02-01", "", "城乡建设", "市城市管理局")]
NOISE = "我叫王建国，电话13812345678，我们小区旁边工地夜里施工，噪音很大，睡不着"


def desk(past: list[Case] | None = None) -> Desk:
    return Desk(recipe().build, lambda: Cases.build(PAST if past is None else past))


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toolbox]:
    folder = tmp_path_factory.mktemp("desk")
    with Ledger.open(folder / "ledger.sqlite", PACK / "status.yaml") as ledger:
        sync_pack(ledger, PACK)
        yield Toolbox(ledger, PairSearch(ledger), desk=desk())


def called(box: Toolbox, tool: str, question: str, head: str = "") -> tuple[Session, str]:
    session = box.session(TODAY, TODAY, "zh", [question])
    return session, session.call(BY_NAME[tool], {"text": head or next(iter(messages(question)))})


def test_a_message_is_pointed_at_by_its_beginning() -> None:
    asked = f"这条该转给哪个部门：{NOISE}"
    assert list(messages(asked).values()) == [NOISE, asked]
    assert messages(f"“{NOISE}”归谁管")[NOISE[:HEAD]] == NOISE
    assert list(messages("那帮我拟个答复", [asked]).values())[-2:] == [NOISE, asked]


@given(st.text(max_size=80), st.lists(st.text(max_size=40), max_size=2))
def test_every_pointer_can_stand_in_a_call_and_leads_back(question: str,
                                                          earlier: list[str]) -> None:
    for head, whole in messages(question, earlier).items():
        assert 0 < len(head) <= HEAD and '"' not in head and "\n" not in head
        assert any(whole in said for said in (question, *earlier))


def test_triage_says_where_a_message_belongs_and_masks_it(box: Toolbox) -> None:
    session, told = called(box, "triage_petition", f"这条该转给哪个部门：{NOISE}")
    assert told.startswith("[E1] triage_petition department=市住房和城乡建设局")
    (run,) = session.evidence
    assert isinstance(run, ToolRunEvidence)
    assert "《信访工作条例》第二十二条" in run.summary and "收到日期之后 15 日" in run.summary
    assert "王建国" not in run.model_dump_json() and "13812345678" not in run.model_dump_json()


def test_a_report_is_not_proposed_to_whom_it_accuses_and_gets_no_draft(box: Toolbox) -> None:
    report = "住建局的科长收了红包，工地夜里施工没人管"
    session, _ = called(box, "triage_petition", f"这件转给谁：{report}")
    run = session.evidence[0]
    assert "住房和城乡建设" not in run.values["department"].text
    with pytest.raises(ToolProblem, match="检举控告件不写草稿"):
        called(box, "draft_reply", f"拟个答复：{report}")


def test_similar_cases_are_listed_nearest_first_with_what_became_of_them(box: Toolbox) -> None:
    session, told = called(box, "similar_petitions", f"以前有过吗？{NOISE}")
    assert "nearest=1" in told and "compared=3 件" in told
    run = session.evidence[0]
    assert isinstance(run, ToolRunEvidence) and "已责令夜间停工" in run.summary
    _, nothing = called(box, "similar_petitions", "以前有过吗？宠物医院乱开药方")
    assert nothing.startswith("[not_found]")


def test_who_may_not_read_petitions_is_not_offered_those_of_others(box: Toolbox) -> None:
    asked = f"有没有类似的信访件：{NOISE}"
    offered = {spec.name for spec in box.offer(asked)}
    assert set(NAMES) <= offered
    assert {spec.name for spec in box.offer(asked, closed=[CASES])} == offered - {CASES}


def test_without_past_cases_it_says_how_to_get_some(box: Toolbox) -> None:
    empty = Toolbox(box.ledger, box.search, desk=desk([]))
    with pytest.raises(ToolProblem, match="petitions/cases"):
        called(empty, "similar_petitions", f"以前有过吗？{NOISE}")


def test_a_draft_is_a_letter_and_what_it_quotes_is_evidence(box: Toolbox) -> None:
    session, told = called(box, "draft_reply", f"拟个答复：{NOISE}")
    run = session.evidence[-1]
    assert isinstance(run, ToolRunEvidence) and run.summary.startswith(MARK)
    assert told.startswith(f"[{run.id}] draft_reply") and told.count("\n") == 0
    assert "王建国" not in run.summary


def test_tools_of_the_clerk_need_a_desk(box: Toolbox) -> None:
    bare = Toolbox(box.ledger, box.search)
    assert bare.bind(BY_NAME["triage_petition"], f"归谁管：{NOISE}") is None
    assert box.bind(BY_NAME["triage_petition"], f"归谁管：{NOISE}") is not None
    with pytest.raises(ToolProblem):
        called(bare, "triage_petition", f"归谁管：{NOISE}")


def test_too_little_is_no_message(box: Toolbox) -> None:
    with pytest.raises(ToolProblem, match="太短"):
        called(box, "triage_petition", "归谁管", "归谁管")


def test_past_cases_are_read_from_outputs_of_the_batch_without_reports(tmp_path: Path) -> None:
    pipeline = recipe().build()
    outcomes = pipeline.run([Row(1, {"编号": "7", "内容": NOISE}),
                             Row(2, {"编号": "8", "内容": "局长收受红包，贪污公款"}),
                             Row(3, {"编号": "9", "内容": ""})], Times())
    folder = tmp_path / "petitions" / "cases"
    folder.mkdir(parents=True)
    lines = [json.dumps(linked(record(one), Link()), ensure_ascii=False) for one in outcomes]
    (folder / "day.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    ((path, size, _),) = past_files(tmp_path)
    assert size == path.stat().st_size
    assert [case.id for case in cases_of(path)] == ["7"]
    (folder / "day.jsonl").write_text('{"id": "1"}\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"day\.jsonl 第 1 行"):
        list(cases_of(path))


def test_nearest_leaves_out_what_is_skipped_and_needs_no_cases() -> None:
    cases = Cases.build(PAST)
    assert [near.case.id for near in cases.nearest(PAST[1].text, 1)] == ["2"]
    assert "2" not in [near.case.id for near in cases.nearest(PAST[1].text, 3, skip={"2"})]
    assert cases.nearest(PAST[1].text, 1)[0].score == pytest.approx(1, abs=1e-5)
    assert Cases.build([]).nearest("路灯") == []
