"""The measure of speed: it checks what it measures, and the other ways give the same results."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from cityllm.policies.ruleset import RuleSet, bind
from evals.policy_speed import city_policies, size_figures
from evals.policy_world import DAY, City, policies, sizes
from evals.speed import main
from tests.test_policy_service import RULES

SHIPPED = RuleSet.load(Path(__file__).parent.parent / "rag_corpus")


def test_generated_policies_are_no_smaller_than_those_of_the_pack() -> None:
    city = City(500, SHIPPED.dictionary)
    bound = city_policies(SHIPPED, city, len(SHIPPED.policies) + 60)
    figures = size_figures(bound, len(SHIPPED.policies))
    for what, pack in figures["pack"].items():
        for name in ("mean", "p95"):
            assert figures["generated"][what][name] >= pack[name]
    again = [bind(one, RULES.dictionary, DAY) for one in policies(3, SHIPPED, city)]
    assert (sizes(again) == sizes([bind(one, RULES.dictionary, DAY)
                                   for one in policies(3, SHIPPED, city)])).all()


def test_the_measure_reads_back_and_compares(tmp_path: Path,
                                             capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "speed.json"
    assert main(["policy", "--json", str(out), "--enterprises", "400", "--policies", "12",
                 "--peers", sys.executable, "--peer-enterprises", "20",
                 "--picture", str(tmp_path / "cost.png")]) == 0
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["read_back"] == found["pairs"] == 4800
    assert found["compared_with_scalar"] == 20 * 12
    assert found["peers"]["plain"]["equal"] == 100
    assert len(found["curve"]) == 7
    assert (tmp_path / "cost.png").stat().st_size > 1000
    assert "pairs_per_s" in capsys.readouterr().out
