"""Shares by group: who stands apart and who does not, few petitions, the command and its page."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

import cityllm.cli as cli
from cityllm.config import ROOT
from cityllm.petitions.bias import COLUMNS, flat, groups, render, rows
from cityllm.petitions.calibrate import wilson


def told(district: str, route: str = "review", decision: str = "", code: str = "0101",
         **extra: str) -> dict[str, Any]:
    return {"problem": "", "district": district, "kind": "complaint", "route": route,
            "code": "0101", "department": "市水务局", "decision": decision, "decided_code": code,
            "decided_department": "市水务局", "extra": extra}


def made(records: list[dict[str, Any]], by: str = "区县") -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in rows(groups(records)) if one["by"] == by}


def test_a_group_that_is_corrected_more_often_stands_apart() -> None:
    records = [told("甲区", decision="accepted") for _ in range(95)]
    records += [told("甲区", decision="changed", code="0202") for _ in range(5)]
    records += [told("乙区", decision="changed", code="0202") for _ in range(30)]
    records += [told("乙区", decision="accepted") for _ in range(30)]
    found = made(records)
    assert "更改率 changed 偏高" in found["乙区"]["apart"] and found["乙区"]["changed"] == 0.5
    assert (found["乙区"]["changed_low"], found["乙区"]["changed_high"]) == pytest.approx(
        wilson(30, 60), abs=1e-3)


def test_automatic_routing_is_compared_too_and_by_who_writes() -> None:
    records = [told("甲区", "auto", 人员类别="居民") for _ in range(60)]
    records += [told("甲区", "review", 人员类别="外来务工") for _ in range(60)]
    found = made(records, "人员类别")
    assert "偏低" in found["外来务工"]["apart"] and "偏高" in found["居民"]["apart"]
    assert made(records)["甲区"]["apart"] == ""


def test_few_petitions_say_nothing() -> None:
    records = [told("甲区", "auto") for _ in range(100)] + [told("乙区") for _ in range(19)]
    assert made(records)["乙区"]["apart"] == "件数太少 too few"


def test_equal_groups_seldom_stand_apart() -> None:
    chance, apart = random.Random(1), 0
    for _ in range(200):
        records = [told(f"{n % 4}区", "auto" if chance.random() < 0.3 else "review")
                   for n in range(200)]
        apart += sum("few" not in one["apart"] and bool(one["apart"])
                     for one in made(records).values())
    assert apart / 800 < 0.02


def test_unusable_rows_and_returned_ones_are_not_decided() -> None:
    records = [told("甲区", decision="returned"), {**told("甲区"), "problem": "没有内容"}]
    one = made(records)["甲区"]
    assert (one["petitions"], one["decided"], one["changed"]) == (1, 0, None)
    assert list(flat(one)) == list(COLUMNS) and flat(one)["changed"] == ""


def test_the_page_shows_intervals_and_escapes() -> None:
    page = render(rows(groups([told("<b>区", "auto") for _ in range(30)])), "x")
    assert "<b>区" not in page and "100.0%（" in page
    assert "公平检查" in render([], "x")


def test_the_command_reads_an_output_or_the_review_page(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CITYLLM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CITYLLM_PACK", str(ROOT / "rag_corpus"))

    def run(*words: object) -> int:
        with pytest.raises(SystemExit) as ended:
            cli.main(["triage", "bias", *map(str, words)])
        return int(ended.value.code or 0)

    assert run() == 1 and "审核页还没有记录" in capsys.readouterr().err
    day = tmp_path / "day.jsonl"
    day.write_text("\n".join(json.dumps(told("甲区", "auto", 楼栋="一")) for _ in range(30)),
                   encoding="utf-8")
    assert run(day, "--out", tmp_path / "bias.csv", "--by", "楼栋") == 0
    assert "甲区" in capsys.readouterr().out
    assert "楼栋" in (tmp_path / "bias.csv").read_text(encoding="utf-8-sig")
    assert "甲区" in (tmp_path / "bias.html").read_text(encoding="utf-8")
    day.write_text('{"a": 1}', encoding="utf-8")
    assert run(day) == 1 and "不是 cityllm triage 写出的" in capsys.readouterr().err
