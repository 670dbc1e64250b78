"""Scored replies: what counts, what is missing, whether in time, the command and its page."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cityllm.cli as cli
from cityllm.cli_overview import clock
from cityllm.config import ROOT, Settings
from cityllm.petitions.replies import Answered, Score, alike, in_time, score
from evals.replies import auc, overlap

CLOCK = clock(Settings(pack=ROOT / "rag_corpus"))
DAY = date(2026, 1, 5)
LAMPS = Answered(
    "1", "幸福路路灯不亮", "幸福路北段的路灯坏了一个月，晚上看不见路，请问什么时候能修好？",
    "您好！来信收悉。经现场核查，幸福路北段有6盏路灯因电缆被挖断而不亮，情况属实。根据《城市照明管理规定》，"
    "我局已安排施工队更换电缆，预计1月20日前全部恢复亮灯。如有疑问可拨打电话0571-12345678。", DAY, date(2026, 1, 12))
WAGES = Answered(
    "2", "工地拖欠工资", "我们在滨江工地干了三个月，包工头拖欠工资不给，要求劳动部门查处。",
    "您好！经劳动监察大队调查，滨江工地分包企业确实拖欠23名工人工资。已责令总包单位先行垫付，并立案处理。", DAY,
    date(2026, 2, 1))
PASSED = "您的留言已收悉。关于您反映的问题，已转有关部门调查处理。"


def scored(*held: Answered) -> list[Score]:
    return score(held, CLOCK)


def words(one: Score) -> str:
    assert all(zh and en for zh, en in one.missing)
    return "；".join(zh for zh, _ in one.missing)


def test_a_full_reply_lacks_nothing_and_one_that_passes_on_lacks_all() -> None:
    full, _, passed = scored(LAMPS, WAGES, replace(LAMPS, reply=PASSED))
    assert full.missing == () and full.ground == 1.0
    assert (passed.completeness, passed.ground) == (0.0, 0.0)
    assert "只说已收到或已转办" in words(passed) and full.total > passed.total + 0.4


def test_a_reply_to_another_message_is_beside_the_matter() -> None:
    own, beside = scored(LAMPS, replace(LAMPS, reply=WAGES.reply))
    assert own.relevance > beside.relevance
    near = alike([LAMPS, WAGES])
    swapped = alike([LAMPS, WAGES], [WAGES.reply, LAMPS.reply])
    assert (near > swapped).all()


def test_what_is_missing_is_told_piece_by_piece() -> None:
    (_, bare) = scored(LAMPS, replace(LAMPS, reply="幸福路北段路灯的事我们知道了，晚上看不见路确实不方便，"
                                                   "路灯坏了一个月也太久了，大家辛苦了，再等等吧，路灯总会亮的。"))
    assert "没有说明依据" in words(bare) and "没有告知向谁询问" in words(bare)
    assert "没有引用法规或文件" in words(scored(LAMPS, WAGES)[1])


@pytest.mark.parametrize(("after", "accepted", "told"), [
    (59, None, "in time"), (60, None, "in time"), (61, None, "unknown"), (75, None, "unknown"),
    (76, None, "late"), (61, 0, "late"), (65, 5, "in time"), (66, 5, "late")])
def test_time_is_told_only_where_it_is_certain(after: int, accepted: int | None, told: str) -> None:
    one = replace(LAMPS, replied=DAY + timedelta(days=after),
                  accepted=None if accepted is None else DAY + timedelta(days=accepted))
    assert in_time(one, CLOCK) == (told, after)


def test_without_dates_time_is_unknown_and_it_says_so() -> None:
    (one,) = scored(replace(LAMPS, received=None))
    assert one.timely == "unknown" and one.days is None and "缺收到日期" in words(one)
    assert in_time(replace(LAMPS, replied=DAY - timedelta(days=1)), CLOCK) == ("unknown", None)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=120))
def test_scores_lie_between_zero_and_one(title: str, text: str, reply: str) -> None:
    for one in scored(Answered("1", title, text, reply), LAMPS):
        assert all(0 <= value <= 1 for value in (one.relevance, one.completeness, one.ground,
                                                 one.total))


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main([str(one) for one in arguments])
    return int(ended.value.code or 0)


def test_the_command_scores_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                    monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYLLM_PACK", str(ROOT / "rag_corpus"))
    rows = [{"编号": one.id, "标题": one.title, "内容": one.text + "我叫王建国，电话13812345678",
             "答复": one.reply, "收到日期": str(one.received), "答复日期": str(one.replied)}
            for one in (LAMPS, WAGES, replace(LAMPS, id="3", reply=""))]
    (tmp_path / "in.jsonl").write_text(
        "\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    assert run("triage", "replies", tmp_path / "in.jsonl", tmp_path / "out.jsonl") == 0
    told = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert [one["id"] for one in told] == ["1", "2"] and told[0]["timely"] == "in time"
    assert "2 份答复，没有答复 1" in capsys.readouterr().out
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert "幸福路路灯不亮" in page and "13812345678" not in page
    (tmp_path / "bare.jsonl").write_text('{"内容": "路灯坏了"}', encoding="utf-8")
    assert run("triage", "replies", tmp_path / "bare.jsonl") == 1
    assert "没有可评的答复" in capsys.readouterr().err


def test_the_measure() -> None:
    assert auc(np.array([2.0, 3.0]), np.array([1.0, 0.0])) == {"auc": 1.0, "own_higher": 1.0}
    assert auc(np.array([1.0]), np.array([1.0])) == {"auc": 0.5, "own_higher": 0.5}
    assert overlap([LAMPS], [LAMPS.title + LAMPS.text])[0] > 0.9 > overlap([LAMPS], ["无关"])[0]
    marks = (ROOT / "evals" / "petitions" / "reply_scores.jsonl").read_text("utf-8").splitlines()
    assert len(marks) >= 60 and all(len(json.loads(one)["message"]) == 12 for one in marks)
