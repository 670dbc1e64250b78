"""What an office does: tables from files, one policy's enterprises, changes, samples, a sweep."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from cityllm.cli import app
from cityllm.errors import EnterpriseError, PolicyError
from cityllm.policies.changes import State, changes, same
from cityllm.policies.evaluate import evaluate
from cityllm.policies.fields import Enterprise
from cityllm.policies.find import find
from cityllm.policies.ruleset import bind
from cityllm.policies.sample import BANDS, Drawn, Grant, draw, estimate
from cityllm.policies.sweep import read_pairs, read_plan, sweep
from cityllm.policies.table import EnterpriseTable, from_enterprises
from cityllm.policies.table_file import read_table
from cityllm.policies.vectors import TableEvaluator
from evals.policy_world import DAY, City, columns_of
from tests.test_policy_service import RULES

DICTIONARY = RULES.dictionary
BOUND = {policy.id: bind(policy, DICTIONARY, DAY) for policy in RULES}
ID = "xiaoxing-weili-suodeshui"
TABLE = City(600, DICTIONARY, seed=5).table(columns_of(list(BOUND.values())))

HEAD = "编号,企业名称,注册地,industry,2025年应纳税所得额,employees,entity,zone,高新技术企业证书,备注"
LINES = ["1,甲公司,北京市海淀区,6513,250000,28,公司,zhongguancun、incubator,是,x",
         "2,乙公司,杭州市,C3911,30万,一百,company,,2027-01-31,",
         "3,丙公司,海淀区,,250000.001,-1,firm,nowhere,也许,"]


def csv(folder: Path, *lines: str) -> Path:
    file = folder / "firms.csv"
    file.write_text("\n".join([HEAD, *lines]), encoding="utf-8")
    return file


def test_a_table_is_read_as_one_enterprise_after_another(tmp_path: Path) -> None:
    found = read_table(csv(tmp_path, *LINES), DICTIONARY)
    assert found.ignored == ("备注",)
    first, second, third = (found.table.enterprise(row) for row in range(3))
    assert first == DICTIONARY.read(
        {"region": "北京市海淀区", "industry": "6513", "taxable_income": {2025: 250000},
         "employees": 28, "entity": "company", "zone": ["zhongguancun", "incubator"],
         "high_tech": True}, "1", "甲公司")
    assert second.values == {"region": "浙江省/杭州市", "industry": "C3911", "entity": "company",
                             "taxable_income@2025": 30_000_000,
                             "high_tech": date(2027, 1, 31).toordinal()}
    assert third == Enterprise("3", {}, "丙公司")
    assert {(one.row, one.column) for one in found.wrong} == {
        (2, "employees"), (3, "region"), (3, "taxable_income@2025"), (3, "employees"),
        (3, "entity"), (3, "zone"), (3, "high_tech")}


@pytest.mark.parametrize("kind", [".tsv", ".jsonl", ".parquet", ".xlsx"])
def test_every_kind_of_file_gives_the_same_table(kind: str, tmp_path: Path) -> None:
    source = csv(tmp_path, *LINES[:2])
    frame = pl.read_csv(source, infer_schema_length=0)
    file = tmp_path / f"firms{kind}"
    match kind:
        case ".tsv":
            frame.write_csv(file, separator="\t")
        case ".jsonl":
            frame.write_ndjson(file)
        case ".parquet":
            frame.with_columns(pl.col("编号").cast(pl.Int64)).write_parquet(file)
        case _:
            book = openpyxl.Workbook()
            for row in [frame.columns, *frame.rows()]:
                book.active.append(row)
            book.save(file)
    one, other = (read_table(path, DICTIONARY).table for path in (source, file))
    assert [one.enterprise(row) for row in range(2)] == [other.enterprise(row) for row in range(2)]


@pytest.mark.parametrize(("name", "text"), [("a.csv", ""), ("a.txt", "x"), ("a.jsonl", "{"),
                                            ("missing.csv", None)])
def test_a_file_that_is_no_table_is_said(name: str, text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(EnterpriseError, match=name):
        read_table(tmp_path / name, DICTIONARY)


@given(st.lists(st.decimals(0, 10**10, places=2) | st.sampled_from(["2万", "1.005", "x", "-3"]),
                min_size=1, max_size=8))
@settings(max_examples=40, deadline=None)
def test_money_of_a_column_is_read_as_each_alone(cells: list[Any]) -> None:
    from cityllm.policies.figures import NotAllowed
    from cityllm.policies.table import MISSING
    from cityllm.policies.table_file import _numbers

    field = DICTIONARY.fields["total_assets"]
    wrong: list[Any] = []
    found = _numbers(pl.Series([str(one) for one in cells]), field, "total_assets", wrong)
    for cell, value in zip(cells, found, strict=True):
        try:
            assert field.encode(str(cell)) == value
        except NotAllowed:
            assert value == MISSING
            assert str(cell) in {one.value for one in wrong}


def test_one_policy_finds_its_enterprises_as_each_is_matched() -> None:
    found = find(BOUND[ID], TABLE)
    results = [evaluate(BOUND[ID], TABLE.enterprise(row)) for row in range(len(TABLE))]
    for verdict in ("eligible", "unknown", "not_eligible"):
        assert found.count(verdict) == sum(one.verdict == verdict for one in results)
    assert found.count("eligible") > 0
    assert found.total == sum(one.amount or 0 for one in results)
    lines = list(found.lines())
    assert [line["amount"] for line in lines] == sorted(
        (line["amount"] for line in lines), key=lambda one: -float(str(one)))
    for name, count in found.alone.items():
        assert count == sum([one.clause.id for one in result.clauses if one.met is False] == [name]
                            for result in results)


def with_change(row: int, **values: Any) -> EnterpriseTable:
    firms = [TABLE.enterprise(at) for at in range(len(TABLE))]
    changed = dict(firms[row].values)
    for column, value in values.items():
        changed[column.replace("_at_", "@")] = value
    firms[row] = Enterprise(firms[row].id, {k: v for k, v in changed.items() if v is not None})
    return from_enterprises(firms, DICTIONARY)


def test_a_change_of_one_datum_matches_only_what_reads_it() -> None:
    row = find(BOUND[ID], TABLE).rows()[0]
    found = changes(State(BOUND, TABLE), State(BOUND, with_change(row, employees=10**6)))
    readers = [one for one in BOUND.values() if "employees" in one.columns]
    assert found.matched == len(readers) < len(BOUND)
    assert found.pairs == len(BOUND) * len(TABLE)
    [lost] = [one for one in found.changed if one.lost]
    assert (lost.enterprise, lost.policy, lost.because) == (TABLE.ids[row], ID, "data")
    assert lost.clauses == {"employees": (2, 0)}
    assert lost.data == {"employees": (TABLE.enterprise(row).values["employees"], 10**6)}
    assert changes(State(BOUND, TABLE), State(BOUND, TABLE)).matched == 0


def test_a_change_of_rules_or_day_says_who_gained_and_lost() -> None:
    policy = RULES.get(ID)
    stricter = policy.model_copy(update={"clauses": [
        one.model_copy(update={"when": one.when.model_copy(update={"at_most": 5})})
        if one.id == "employees" else one for one in policy.clauses]})
    after = {**BOUND, ID: bind(stricter, DICTIONARY, DAY)}
    found = changes(State(BOUND, TABLE), State(after, TABLE))
    assert found.matched == len(TABLE)
    lost = {one.enterprise for one in found.changed if one.lost}
    before, now = find(BOUND[ID], TABLE), find(after[ID], TABLE)
    assert lost == {TABLE.ids[row] for row in set(before.rows()) - set(now.rows())}
    assert lost
    assert all(one.because == "rules" and "employees" in one.clauses for one in found.changed)
    worded = policy.model_copy(update={"note": None, "title": policy.title.model_copy(
        update={"zh": "别的名字"})})
    assert same(BOUND[ID], bind(worded, DICTIONARY, DAY))
    later = {ID: bind(policy, DICTIONARY, date(2027, 6, 1))}
    assert {one.because for one in changes(State({ID: BOUND[ID]}, TABLE),
                                           State(later, TABLE)).changed} == {"day"}


def test_who_comes_and_who_goes_is_told() -> None:
    fewer = TABLE.take(np.arange(1, len(TABLE)))
    [gone] = {one.because for one in changes(State(BOUND, TABLE), State(BOUND, fewer)).changed}
    [new] = {one.because for one in changes(State(BOUND, fewer), State(BOUND, TABLE)).changed}
    assert (gone, new) == ("gone", "new")
    removed = changes(State(BOUND, TABLE), State({}, TABLE))
    assert {one.after for one in removed.changed} == {None}


def test_a_sweep_can_be_stopped_and_resumed_and_reads_back_what_was_matched(tmp_path: Path) -> None:
    bound = list(BOUND.values())

    def stop(done: int, whole: int) -> None:
        if done >= 200:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(bound, TABLE, tmp_path / "out", block=100, progress=stop)
    done = sweep(bound, TABLE, tmp_path / "out", block=100)
    assert (done.pairs, done.kept) == (600 * len(bound), 200 * len(bound))
    pairs = read_pairs(tmp_path / "out").collect()
    assert pairs.height == done.pairs
    assert pairs.select("enterprise", "policy").is_unique().all()
    [whole] = TableEvaluator(bound, TABLE).blocks(600)
    ordered = pairs.sort("policy", "enterprise")
    assert (ordered["verdict"].to_numpy() == whole.verdicts.ravel()).all()
    assert (ordered["clauses"].to_numpy() == whole.clauses.ravel()).all()
    assert (ordered["amount"].fill_null(-1).to_numpy() == whole.amounts.ravel()).all()
    assert list(read_plan(tmp_path / "out")["policies"]) == list(BOUND)
    with pytest.raises(PolicyError, match="另一批企业"):
        sweep(bound[1:], TABLE, tmp_path / "out", block=100)
    with pytest.raises(PolicyError, match="没有匹配结果"):
        read_plan(tmp_path)


GRANTS = [Grant(f"E{at}", f"policy-{at % 3}", 10**(4 + at % 5)) for at in range(600)]


@given(st.integers(30, 700), st.integers(0, 5))
@settings(max_examples=30)
def test_every_stratum_is_in_the_sample_by_its_share(size: int, seed: int) -> None:
    drawn = draw(GRANTS, size, seed)
    assert len(drawn.grants) == len(set(drawn.grants)) == min(size, len(GRANTS))
    assert drawn == draw(list(reversed(GRANTS)), size, seed)
    for stratum, whole in drawn.strata.items():
        inside = sum(one.stratum == stratum for one in drawn.grants)
        assert min(2, whole) <= inside <= whole
        assert abs(inside - size * whole / len(GRANTS)) <= 3 or size > len(GRANTS)
    assert len({one.stratum for one in GRANTS}) == len(drawn.strata) <= 3 * len(BANDS)


def test_too_small_a_sample_and_unfinished_checks_are_said() -> None:
    with pytest.raises(PolicyError, match="至少要抽"):
        draw(GRANTS, 3, 1)
    with pytest.raises(PolicyError, match="还有 50 件"):
        estimate(draw(GRANTS, 50, 1), {})


def test_the_interval_of_one_stratum_is_clopper_and_pearson() -> None:
    grants = [Grant(f"E{at}", "p", 1) for at in range(50)]
    found = estimate(Drawn(tuple(grants), {"p/1": 5000}),
                     {(one.enterprise, "p"): at < 2 for at, one in enumerate(grants)})
    assert (found.share, found.expected) == (0.04, 200)
    assert (round(found.low, 4), round(found.high, 4)) == (0.0049, 0.1371)  # exact tables, 2 of 50
    none = estimate(Drawn(tuple(grants), {"p/1": 5000}),
                    {(one.enterprise, "p"): False for one in grants})
    assert none.low == 0
    assert none.high == pytest.approx(1 - 0.025**(1 / 50))


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    dice = np.random.default_rng(3)
    hits = 0
    rates = {"policy-0": 0.02, "policy-1": 0.1, "policy-2": 0.25}
    runs = 200
    for seed in range(runs):
        wrong = {(one.enterprise, one.policy): bool(dice.random() < rates[one.policy])
                 for one in GRANTS}
        truth = sum(wrong.values()) / len(GRANTS)
        found = estimate(draw(GRANTS, 90, seed), wrong)
        hits += found.low <= truth <= found.high
    assert hits / runs >= 0.93


def run(*words: str) -> str:
    done = CliRunner().invoke(app, ["policy", *words])
    assert done.exit_code == 0, done.output
    return done.output


def test_the_commands_of_an_office(tmp_path: Path) -> None:
    before = tmp_path / "before.jsonl"
    firms = [{"id": str(at), "name": f"企业{at}", "entity": "company", "restricted_industry": "否",
              "industry": "6513", "employees": at, "total_assets": "600万",
              "taxable_income@2025": 100000} for at in range(70, 90)]
    before.write_text("\n".join(json.dumps(one, ensure_ascii=False) for one in firms), "utf-8")
    told = run("find", ID, str(before), "--as-of", "2026-06-01", "--out", str(tmp_path / "l.csv"))
    assert "符合 eligible 11" in told
    assert "55,000 元" in told
    assert "只差这一条 this clause alone: 9" in told
    assert (tmp_path / "l.csv").read_text("utf-8-sig").count("\n") == 12
    firms[0]["employees"] = 100
    after = tmp_path / "after.jsonl"
    after.write_text("\n".join(json.dumps(one, ensure_ascii=False) for one in firms), "utf-8")
    told = run("changes", str(before), str(after), "--as-of", "2026-06-01")
    assert "lost 1" in told
    assert "employees ✓→✗" in told
    drawn = tmp_path / "sample.csv"
    assert "抽了 5 件" in run("sample", str(before), str(drawn), "--size", "5", "--as-of",
                            "2026-06-01", "--policy", ID)
    rows = pl.read_csv(drawn, infer_schema_length=0)
    rows.with_columns(wrong=pl.lit("0")).write_csv(drawn)
    assert "核查 5 件，错 0 件" in run("checked", str(drawn))
