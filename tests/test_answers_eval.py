"""The measure of answers: what it counts, and that it counts what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from fakes import PairSearch, QueueModel, calls

from cityllm.agent.assistant import Assistant
from cityllm.agent.toolbox import Toolbox
from cityllm.corpus.digests import sync_pack
from cityllm.corpus.ledger import Ledger
from cityllm.errors import ConfigError
from cityllm.evidence import Answer, ClauseEvidence, Step
from cityllm.prompts import SYSTEM_PROMPT
from evals.answers import ENGINES, read_questions, run, side_by_side
from evals.baselines import arguments, keyword_router
from evals.judge import SHARES, expected_tool, figures, judge, table, unverified_numbers, wilson

TODAY = date(2026, 11, 22)
ROOT = Path(__file__).resolve().parent.parent
PACK = ROOT / "rag_corpus"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toolbox]:
    path = tmp_path_factory.mktemp("answers") / "ledger.sqlite"
    with Ledger.open(path, PACK / "status.yaml") as ledger:
        sync_pack(ledger, PACK)
        yield Toolbox(ledger, PairSearch(ledger))


def _clause(number: int, article: str, text: str = "处5万元以下的罚款。") -> ClauseEvidence:
    return ClauseEvidence(id=f"E{number}", clause_id=f"城乡规划法@2019-04-23#{article}",
                          title="城乡规划法", article=article, article_label=f"第{article}条",
                          text=text, as_of=TODAY)


def _answer(text: str, **more: object) -> Answer:
    return Answer.model_validate({"question": "问", "text": text, "as_of": TODAY, **more})


def _judge(row: dict[str, object], answer: Answer) -> dict[str, object]:
    return judge({"id": "1", "q": "问", **row}, answer, lambda name: {"规划法": "城乡规划法"}.get(name))


def test_the_first_citation_counts() -> None:
    row = {"kind": "regulation", "law": "规划法", "article": [64, "66"]}
    right, wrong = _clause(1, "64"), _clause(2, "40")
    held = {"evidence": [right, wrong]}
    assert _judge(row, _answer("", citations=[right, wrong], **held))["citation"] is True
    assert _judge(row, _answer("", citations=[wrong, right], **held))["citation"] is False
    assert _judge(row, _answer("", citations=[], **held))["citation"] is False
    assert _judge(row, _answer("", citations=[wrong], **held))["ceiling"] is True
    assert _judge(row, _answer("", evidence=[wrong]))["ceiling"] is False


def test_all_values_must_match() -> None:
    row = {"kind": "data", "value": ["31[.]9", "38"]}
    assert _judge(row, _answer("由31.9到38.0 km/h"))["value"] is True
    assert _judge(row, _answer("由31.9起"))["value"] is False


@pytest.mark.parametrize(("row", "tool"), [
    ({"kind": "tool", "topic": "calculate"}, "calculate"),
    ({"kind": "data", "topic": "平均车速"}, "query_city_data"),
    ({"kind": "mixed", "topic": "交通仿真"}, "traffic_scenario"),
    ({"kind": "regulation", "topic": "calculate"}, ""), ({"kind": "tool", "topic": "别的"}, "")])
def test_the_tool_that_a_question_needs(row: dict[str, str], tool: str) -> None:
    assert expected_tool(row) == tool


def test_a_tool_counts_when_it_was_called_at_all() -> None:
    row = {"kind": "mixed", "topic": "calculate"}
    steps = [Step(tool="search_regulations", inputs={}), Step(tool="calculate", inputs={})]
    assert _judge(row, _answer("", steps=steps))["tool"] is True
    assert _judge(row, _answer("", steps=steps[:1]))["tool"] is False


def test_refusals_and_injections() -> None:
    assert _judge({"kind": "refuse"}, _answer("不", refused="off_topic"))["refusal"] is True
    assert _judge({"kind": "refuse"}, _answer("好的"))["refusal"] is False
    held = {"evidence": [_clause(1, "64")], "citations": [_clause(1, "64")]}
    assert _judge({"kind": "injection"}, _answer("依据第64条", **held))["refusal"] is True
    assert _judge({"kind": "injection"}, _answer("遵命"))["refusal"] is False
    assert _judge({"kind": "injection"}, _answer(SYSTEM_PROMPT[10:60], **held))["refusal"] is False
    assert _judge({"kind": "regulation", "article": 64},
                  _answer("不", refused="not_found"))["refused_answerable"] is True


def test_numbers_without_a_source_are_counted() -> None:
    held = {"evidence": [_clause(1, "64")], "citations": [_clause(1, "64")]}
    assert unverified_numbers(_answer("处5万元以下的罚款。", **held)) == 0
    assert unverified_numbers(_answer("处五万元以下的罚款。", **held)) == 0
    assert unverified_numbers(_answer("处8万元以下的罚款。", **held)) > 0
    assert unverified_numbers(_answer("处百分之八的罚款。", **held)) > 0
    assert _judge({"kind": "tool"}, _answer("", citations=[_clause(1, "64")]))["unverified_citat"
                                                                               "ions"] == 1


def test_an_interval_holds_the_share_and_narrows() -> None:
    low, high = wilson(80, 100)
    assert low < 0.8 < high
    assert (low, high) == (pytest.approx(0.711, abs=0.001), pytest.approx(0.867, abs=0.001))
    assert wilson(800, 1000)[0] > low
    assert wilson(0, 0) == (0.0, 1.0)


def test_a_run_holds_all_fields_and_a_row_a_question(box: Toolbox) -> None:
    model = QueueModel(replies=[
        calls(("search_regulations", {"query": "没办建设工程规划许可证就开工 工程造价"})), "依据[E1]：\n{E1.text}",
        calls(("calculate", {"expression": "15亩 = ? 平方米"})), "结果是{E1.result}。", "[off_topic]"])
    assistant = Assistant(box, model, clock=lambda: TODAY)
    questions = [
        {"id": "a", "q": "没办规划许可证怎么罚", "kind": "regulation", "law": "城乡规划法", "article": 64,
         "value": ["5\\s*%"]},
        {"id": "b", "q": "15亩多少平方米", "kind": "tool", "topic": "calculate", "value": ["10000"]},
        {"id": "c", "q": "红烧肉", "kind": "refuse"}]
    result = run(assistant, questions, box.ledger.resolve)
    assert {name: result[name] for name in SHARES} == {
        "citation_accuracy": 1.0, "retrieval_ceiling": 1.0, "value_accuracy": 1.0,
        "tool_accuracy": 1.0, "refusal_accuracy": 1.0, "refused_answerable": 0.0}
    assert result["unverified_citations"] == result["unverified_numbers"] == 0
    assert result["mean_citations"] == 0.5
    assert [row["id"] for row in result["rows"]] == ["a", "b", "c"]
    assert result["rows"][0]["citations"] == ["城乡规划法@2019-04-23#64"]
    assert json.loads(json.dumps(result))["n"] == 3
    assert "regulation" in table(result)
    assert "citation_accuracy" in side_by_side({"shipped": result, "router": result})


def test_the_keyword_router_goes_the_same_way(box: Toolbox) -> None:
    assistant = Assistant(box, keyword_router(), clock=lambda: TODAY)
    answer = assistant.ask("没有建设工程规划许可证就开工怎么罚")
    assert answer.citations
    assert assistant.ask("讲个笑话").refused == "off_topic"
    assert arguments("traffic_scenario", "封了北桥、车流减少20%会怎样") == {
        "close": "north_bridge", "demand_percent": -20.0, "plate_restriction": "none"}


def test_our_questions_are_well_formed() -> None:
    rows = [row for name in ("own", "blind")
            for row in read_questions(ROOT / "evals" / "questions" / f"{name}.jsonl")]
    assert len(rows) >= 250
    assert len({row["id"] for row in rows}) == len(rows)
    named = [r for r in rows if r["kind"] == "regulation" and (
        str(r.get("law")) in r["q"] or ("第" in r["q"] and "条" in r["q"]))]
    assert len(named) <= sum(r["kind"] == "regulation" for r in rows) / 2
    assert sum(expected_tool(r) == "traffic_scenario" for r in rows) >= 25
    assert "shipped" in ENGINES


def test_a_wrong_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    rows = [{"q": "好", "kind": "refuse"}, {"q": "好", "kind": "gossip"}]
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"第 2 行.*gossip"):
        read_questions(path)


def test_no_questions_no_figures() -> None:
    assert figures([])["citation_accuracy"] is None
