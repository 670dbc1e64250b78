"""The batch: every row once, killed and resumed to the same bytes, only what is new done again."""

from __future__ import annotations

import csv
import json
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from cityllm.config import ROOT
from cityllm.errors import ConfigError
from cityllm.petitions.batch import Result
from cityllm.petitions.calibrate import Line
from cityllm.petitions.drift import KEPT, Reference
from cityllm.petitions.journal import Journal
from cityllm.safety.vault import Vault
from tests import petition_day
from tests.petition_day import KEY, day, recipe, rows, write
from tests.small_classifier import make_sure


def read(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_row_comes_out_once_and_in_order(tmp_path: Path) -> None:
    made = rows(120)
    write(tmp_path / "in.jsonl", made)
    result = day(tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    done = read(tmp_path / "out.jsonl")
    assert [one["id"] for one in done[:-1] if one["id"] in {row["编号"] for row in made}] == [
        row["编号"] for row in made if row["内容"]]
    assert len(done) == result.rows == result.fresh == 121
    bad = [one for one in done if one["problem"]]
    assert result.bad == len(bad) == sum(not row["内容"] for row in made) + 1
    assert "JSON" in str(done[-1]["problem"])
    whole = "".join(path.read_bytes().decode("utf-8", "ignore") for path in tmp_path.iterdir()
                    if path.name != "in.jsonl")
    for row in made:
        for secret in (row["姓名"], *re.findall(r"13\d{9}|\d+栋\d+室", row["内容"])):
            assert secret not in whole, secret
    assert {one["received"] for one in done if one["id"] == "11"} <= {"", made[11]["收到日期"]}
    unknown = next(one for one in done if one["id"] == "0")
    assert unknown["next_due"] == ""
    assert "未知" in json.dumps(unknown["clock"], ensure_ascii=False)


def test_originals_are_in_the_vault(tmp_path: Path) -> None:
    made = rows(5)
    write(tmp_path / "in.jsonl", made)
    day(tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    base = sqlite3.connect(tmp_path / "out.jsonl.journal")
    keys = [key for (key,) in base.execute("SELECT key FROM line ORDER BY seq")]
    base.close()
    with Vault(tmp_path / "vault.sqlite", KEY) as vault:
        assert [vault.get(key) for key in keys[:-1]] == made
        assert vault.get(keys[-1]) == {"原文": "{broken"}


def test_a_second_run_does_only_what_is_new_or_changed(tmp_path: Path) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    made = rows(60)
    write(source, made)
    day(source, out)
    first = out.read_bytes()
    assert day(source, out).fresh == 0
    assert out.read_bytes() == first
    made[7]["内容"] += "补充一句。"
    write(source, [{"编号": "新", "内容": "路灯坏了"}, *made[:40]])
    again = day(source, out)
    assert (again.fresh, again.forgotten, again.rows) == (2, 21, 42)
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    write(fresh / "in.jsonl", [{"编号": "新", "内容": "路灯坏了"}, *made[:40]])
    day(fresh / "in.jsonl", fresh / "out.jsonl")
    assert out.read_bytes() == (fresh / "out.jsonl").read_bytes()
    assert day(source, out, wanted=recipe(fingerprint="2")).fresh == 42


def test_equal_rows_all_come_out(tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", [{"编号": "1", "内容": "路灯坏了三天，没有人来修，请处理。"}] * 5)
    assert day(tmp_path / "in.jsonl", tmp_path / "out.jsonl").rows == 6
    assert [one["id"] for one in read(tmp_path / "out.jsonl")][:5] == ["1"] * 5


@pytest.mark.slow
def test_two_workers_give_the_same_bytes(tmp_path: Path) -> None:
    for name, workers in (("one", 1), ("two", 2)):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "in.jsonl", rows(100))
        day(tmp_path / name / "in.jsonl", tmp_path / name / "out.jsonl", workers)
    for file in ("out.jsonl", "out.html"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def committed(journal: Path) -> int:
    try:
        base = sqlite3.connect(f"file:{journal}?mode=ro", uri=True, timeout=1)
        try:
            return int(base.execute("SELECT count(*) FROM rows").fetchone()[0])
        finally:
            base.close()
    except sqlite3.OperationalError:
        return 0


@pytest.mark.slow
def test_killed_at_random_points_it_resumes_to_the_identical_result(tmp_path: Path) -> None:
    draw = random.Random(20260320)
    made = rows(2400)
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "in.jsonl", made)
    day(tmp_path / "whole" / "in.jsonl", tmp_path / "whole" / "out.jsonl")
    source, out = tmp_path / "killed" / "in.jsonl", tmp_path / "killed" / "out.jsonl"
    journal = out.with_name("out.jsonl.journal")
    command = [sys.executable, petition_day.__file__, str(source), str(out), "1"]
    kills, held = 0, []
    while kills < 12:
        process = subprocess.Popen(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)})
        start, limit = committed(journal), draw.randint(1, 160)
        if kills >= 10:
            limit = 10**6  # the last two at a random time, which may be while the output is written
        until = time.monotonic() + (draw.uniform(1.0, 3.0) if kills >= 10 else 60)
        while process.poll() is None and time.monotonic() < until \
                and committed(journal) < start + limit:
            time.sleep(0.002)
        time.sleep(draw.uniform(0, 0.03))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        ended = process.wait()
        assert ended in (-signal.SIGKILL, 0)
        kills += 1
        held.append(committed(journal))
        if not held[-1] or ended == 0:
            continue
        assert held == sorted(held)  # nothing committed is ever lost
    assert 0 < held[0] < held[9] < 2401
    assert subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, check=False
                          ).returncode == 0
    assert out.read_bytes() == (tmp_path / "whole" / "out.jsonl").read_bytes()
    assert out.with_suffix(".html").read_bytes() == \
        (tmp_path / "whole" / "out.html").read_bytes()
    assert len(read(out)) == 2401
    with Vault(source.parent / "vault.sqlite", KEY) as vault:
        assert len(vault) == 2401


def test_two_runs_never_write_one_output(tmp_path: Path) -> None:
    with Journal(tmp_path / "out.jsonl.journal", "1"):
        write(tmp_path / "in.jsonl", rows(3))
        with pytest.raises(ConfigError, match=r"out\.jsonl"):
            day(tmp_path / "in.jsonl", tmp_path / "out.jsonl")


def test_nothing_goes_by_itself_without_local_rows(tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", rows(80))
    few = tmp_path / "line.json"
    few.write_text('{"threshold": 0.5, "n_local": 499}', encoding="utf-8")
    enough = tmp_path / "enough.json"
    enough.write_text('{"threshold": 0.5, "n_local": 500}', encoding="utf-8")
    drifted = tmp_path / "drifted.json"
    drifted.write_text('{"threshold": 0.5, "n_local": 900, "closed": "漂移"}', encoding="utf-8")
    for path, goes in ((few, False), (enough, True), (drifted, False), (tmp_path / "none", False)):
        line = Line.load(path)
        out = tmp_path / f"{path.stem}.jsonl"
        result = day(tmp_path / "in.jsonl", out, wanted=recipe(make_sure, line))
        assert bool(result.routes["auto"]) is goes
        assert all(one["why_review"] for one in read(out) if one["route"] != "auto")
    assert "499" in Line.load(few).why


def test_rows_unlike_the_calibration_shut_the_line(tmp_path: Path) -> None:
    write(tmp_path / "before.jsonl", rows(400, seed=3))
    day(tmp_path / "before.jsonl", tmp_path / "known.jsonl", wanted=recipe(make_sure))
    Reference.of(read(tmp_path / "known.jsonl")).save(tmp_path / KEPT)
    held = tmp_path / "line.json"
    held.write_text('{"threshold": 0.5, "n_local": 900}', encoding="utf-8")

    def batch(name: str) -> Result:
        wanted = replace(recipe(make_sure, Line.load(held)), folder=tmp_path)
        return day(tmp_path / name, tmp_path / "out.jsonl", wanted=wanted)

    write(tmp_path / "alike.jsonl", rows(400, seed=4))
    alike = batch("alike.jsonl")
    assert alike.closed == "" and alike.routes["auto"] and Line.load(held).threshold == 0.5

    made = [row | {"标题": "孩子上学", "内容": "孩子上学划片不合理，请问小学入学需要什么材料。"}
            for row in rows(200, seed=5)]
    write(tmp_path / "other.jsonl", made)
    before = held.read_bytes()
    other = batch("other.jsonl")
    assert "类别构成" in other.closed and not other.routes["auto"]
    done, bytes_ = read(tmp_path / "out.jsonl"), (tmp_path / "out.jsonl").read_bytes()
    assert sum(other.closed in str(one["why_review"]) for one in done) > 100
    shut = Line.load(held)
    assert shut.threshold is None and other.closed in shut.why
    held.write_bytes(before)  # as a run leaves it that was killed before the line was shut
    again = batch("other.jsonl")
    assert (again.fresh, again.closed) == (0, other.closed)
    assert (tmp_path / "out.jsonl").read_bytes() == bytes_
    assert Line.load(held) == shut
    assert not batch("alike.jsonl").routes["auto"]


@pytest.mark.parametrize("ending", ["csv", "xlsx", "jsonl", "db"])
def test_every_kind_of_output_holds_every_row(tmp_path: Path, ending: str) -> None:
    source = tmp_path / "in.jsonl"
    write(source, [{"编号": "1", "内容": "=1+1 路灯坏了\x0b"}, *rows(20)])
    out = tmp_path / f"out.{ending}"
    name = f"sqlite:///{out}#done" if ending == "db" else str(out)
    from cityllm.petitions.batch import journal_of, run
    from cityllm.petitions.intake import open_source

    with Vault(tmp_path / "v", KEY) as vault:
        for _ in range(2):
            run(open_source(str(source)), name, recipe(), vault, journal_of(name, tmp_path),
                petition_day.TODAY)
    if ending == "csv":
        with out.open(encoding="utf-8-sig", newline="") as file:
            found = list(csv.DictReader(file))
        assert found[0]["内容"].startswith("'=1+1")
    elif ending == "xlsx":
        from openpyxl import load_workbook

        cells = list(load_workbook(out).worksheets[0].iter_rows(values_only=True))
        found = [dict(zip(cells[0], line, strict=True)) for line in cells[1:]]
        assert found[0]["内容"] == "=1+1 路灯坏了"
    else:
        found = list(open_source(name).rows())
    assert len(found) == 22
    assert not list(tmp_path.glob("*.part"))


def test_an_output_that_cannot_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", rows(2))
    with pytest.raises(ConfigError, match=r"\.xlsx"):
        day(tmp_path / "in.jsonl", tmp_path / "out.doc")
    assert not (tmp_path / "out.doc.journal").exists()
