"""The measure of the bundled model's speed: it runs, and its file is what the report reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny import tiny_weights

from evals import speed


@pytest.mark.slow
def test_the_measure_writes_figures_with_their_cause(
        tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights, out = tiny_weights(tmp_path / "weights", context=2048), tmp_path / "out" / "speed.json"
    assert speed.main(["model", "--weights", str(weights), "--runs", "1", "--tokens", "20",
                       "--threads", "1", "--json", str(out)]) == 0
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["tokens"] == 20 and found["tokens_per_s"] > 0 and found["start_s"] > 0
    assert found["first_token_kept_s"] < found["first_token_s"] and found["memory_mib"] > 50
    assert {f["value"] for f in found["figures"]} <= {v for k, v in found.items() if k != "figures"
                                                      and k != "machine"}
    assert f"{found['tokens_per_s']:,}" in capsys.readouterr().out and "torch" in found["machine"]
