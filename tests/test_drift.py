"""Drift by week: seen where it is made, seldom where it is not; the line shut with the reason."""

from __future__ import annotations

import json
import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cityllm.cli as cli
from cityllm.config import ROOT
from cityllm.errors import ModelUnavailable
from cityllm.petitions.calibrate import Line
from cityllm.petitions.drift import CHANCE, FEW, Reference, check, closing, shut, stability

TOPICS = {"城乡建设": "小区电梯坏了物业不修外墙漏水开发商延期交房", "交通运输": "公交车班次少等车时间长路口堵车红绿灯",
          "教育文体": "孩子上学划片不合理学校补课收费幼儿园入学", "劳动保障": "公司拖欠工资三个月不签合同不交社保"}
NEW = "新冠疫苗预约口罩隔离核酸检测健康码行程卡封控解封方舱"


def rows(count: int, seed: int, *, topics: tuple[float, ...] = (4, 3, 2, 1), sure: float = 0.6,
         new: float = 0.0, day: date = date(2026, 3, 2)) -> list[dict[str, Any]]:
    dice, found = random.Random(seed), []
    for number in range(count):
        top = dice.choices(list(TOPICS), topics)[0]
        words = NEW if dice.random() < new else TOPICS[top]
        text = "".join(dice.sample(words, len(words) // 2)) + words[dice.randrange(6):]
        found.append({"problem": "", "kind": "complaint", "category": [top], "title": "",
                      "text": text, "confidence": min(0.999, max(0.0, dice.gauss(sure, 0.15))),
                      "received": str(day + timedelta(days=number % 5)), "route": "review",
                      "code": "01", "department": "", "district": ""})
    return found


def test_no_drift_is_seldom_seen_where_there_is_none() -> None:
    alarms = sum(bool(week.why) for seed in range(60)
                 for week in check(rows(400, 1000 + seed), rows(120, 5000 + seed), seed))
    assert alarms / 60 <= 2 * CHANCE + 0.02


@pytest.mark.parametrize(("change", "word"), [
    ({"topics": (1, 2, 3, 4)}, "类别构成变了"), ({"sure": 0.35}, "把握的分布变了"),
    ({"new": 0.5}, "没见过的用词变了")])
def test_each_kind_of_drift_is_seen_and_named(change: dict[str, Any], word: str) -> None:
    base = rows(400, 1)
    before = rows(120, 2, day=date(2026, 3, 2))
    after = rows(120, 3, day=date(2026, 3, 9), **change)
    first, second = check(base, before + after)
    assert (first.week, second.week) == ("2026-W10", "2026-W11")
    assert first.why == "" and word in second.why


def test_what_training_keeps_says_the_same_and_holds_no_words(tmp_path: Path) -> None:
    base, day = rows(400, 1), rows(120, 3, topics=(1, 1, 1, 1), new=0.3)
    Reference.of(base).save(tmp_path / "drift.npz")
    assert check(Reference.load(tmp_path / "drift.npz"), day) == check(base, day)
    held = np.load(tmp_path / "drift.npz")
    assert sorted(held["labels"]) == sorted(TOPICS)
    assert {name: held[name].dtype.kind for name in held.files if name != "labels"} == {
        "known": "u", "categories": "f", "confidence": "f", "unknown": "f"}
    (tmp_path / "drift.npz").write_bytes(b"nothing")
    with pytest.raises(ModelUnavailable, match=r"drift\.npz"):
        Reference.load(tmp_path / "drift.npz")


def test_few_petitions_undated_ones_and_reports() -> None:
    base = rows(400, 1)
    (few,) = check(base, rows(FEW - 1, 2, new=1.0))
    assert few.why == "" and few.petitions == FEW - 1 and few.chance == {}
    undated = [{**row, "received": ""} for row in rows(80, 3)]
    assert [week.week for week in check(base, undated)] == ["日期不详"]
    assert check(base, [{**row, "kind": "report"} for row in rows(80, 4)]) == []
    assert check([], rows(80, 5)) == []


@given(st.lists(st.integers(0, 6), min_size=1, max_size=60))
def test_the_index_is_zero_for_the_same_and_never_less(values: list[int]) -> None:
    one = np.array(values, dtype=float)
    assert stability(one, one) == pytest.approx(0.0)
    assert stability(one, one[::-1][: max(1, len(one) // 2)]) >= 0


def test_the_line_is_shut_with_the_reason_and_stays_shut(tmp_path: Path) -> None:
    path = tmp_path / "line.json"
    path.write_text('{"threshold": 0.9, "n_local": 800}', encoding="utf-8")
    assert Line.load(path).threshold == 0.9
    assert closing(check(rows(400, 1), rows(120, 2))) == ""
    why = closing(check(rows(400, 1), rows(120, 3, new=0.6)))
    shut(path, why)
    told = Line.load(path)
    assert "2026-W10" in why and told.threshold is None and "没见过的用词" in told.why
    assert json.loads(path.read_text(encoding="utf-8"))["threshold"] == 0.9


def test_the_command_shuts_the_line_of_the_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                               capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "pack" / "petitions" / "classifier"
    own.mkdir(parents=True)
    (own / "weights.npz").write_bytes(b"")
    (own / "line.json").write_text('{"threshold": 0.9, "n_local": 800}', encoding="utf-8")
    monkeypatch.setenv("CITYLLM_PACK", str(ROOT / "rag_corpus"))
    for name, made in (("base", rows(400, 1)), ("day", rows(120, 3, new=0.6))):
        (tmp_path / f"{name}.jsonl").write_text(
            "\n".join(json.dumps(row, ensure_ascii=False) for row in made), encoding="utf-8")

    def run(*words: object) -> str:
        with pytest.raises(SystemExit, match="0"):
            cli.main(["triage", "drift", *map(str, words)])
        return capsys.readouterr().out

    told = run(tmp_path / "base.jsonl", tmp_path / "day.jsonl")
    assert "没见过的用词变了" in told and Line.load(own / "line.json").threshold == 0.9
    told = run(tmp_path / "base.jsonl", tmp_path / "day.jsonl", "--close", "--pack",
               tmp_path / "pack")
    assert "已关闭自动线" in told and Line.load(own / "line.json").threshold is None
    told = run(tmp_path / "base.jsonl", tmp_path / "base.jsonl", "--close", "--pack",
               tmp_path / "pack")
    assert "没有漂移" in told
