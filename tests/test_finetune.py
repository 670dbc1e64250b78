"""The smoke recipe end to end, on data made here: every step runs and hands on to the next."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from fakes import PairSearch
from langchain_core.messages import HumanMessage

from cityllm.agent.specs import SPECS
from cityllm.model.embedded import EmbeddedModel
from finetune import dialogues
from finetune.anneal import train_anneal
from finetune.base import new_model, schedule, train_base
from finetune.cases import cases as questions
from finetune.export import export
from finetune.lora import encode, train_lora
from finetune.recipe import RECIPES, Recipe, load_recipe
from finetune.tokenizer import train_from_data

QUESTION = "没办规划许可证就盖了楼，会怎么罚？"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like the shared data, with a law and a few dialogues of our own."""
    root = tmp_path_factory.mktemp("shared")
    (root / "laws").mkdir()
    (root / "dialogues").mkdir()
    law = "# 某市规划条例\n\n" + "\n\n".join(
        f"第{n}条 建设单位应当在开工前向规划主管部门申请许可，并按照许可的内容建设。" for n in "一二三四五六七八九")
    (root / "laws" / "某市规划条例(2020-01-01).md").write_text(law * 20, encoding="utf-8")
    rows = [{"instruction": f"说明第{i}项工作", "input": "", "output": "先受理，再审查，后答复。"}
            for i in range(60)]
    (root / "dialogues" / "instructions_zh.jsonl").write_text(
        "\n".join(json.dumps(r, ensure_ascii=False) for r in rows), encoding="utf-8")
    for name in ("zixun_gpt4", "legal_counsel_with_article_v2",
                 "legal_counsel_multi_turn_with_article_v2", "glaive_toolcall_zh_demo",
                 "glaive_toolcall_en_demo"):
        (root / "dialogues" / f"{name}.json").write_text("[]", encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """The smoke recipe, its folder in a temporary place."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        made = load_recipe("smoke")
    return made.model_copy(update={"home": folder})


def _dialogue() -> dict[str, object]:
    call = {"function": {"name": "search_regulations",
                         "arguments": json.dumps({"query": QUESTION}, ensure_ascii=False)}}
    return {"tools": [SPECS[0].openai], "messages": [
        {"role": "system", "content": "先查再答。"}, {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "[E1] 城乡规划法 第六十四条 处罚"},
        {"role": "assistant", "content": "按[E1]：\n{E1.text}"}]}


def test_every_recipe_is_read_and_unknown_keys_are_refused(tmp_path: Path) -> None:
    for path in RECIPES.glob("*.yaml"):
        assert load_recipe(path.stem).name == path.stem
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text((RECIPES / "smoke.yaml").read_text(encoding="utf-8") + "\nspeed: 9\n",
                     encoding="utf-8")
    with pytest.raises(ValueError, match="speed"):
        load_recipe(str(wrong))


def test_from_text_to_a_model_that_the_program_can_run(data: Path, recipe: Recipe,
                                                       tmp_path: Path) -> None:
    tokenizer = train_from_data(data, recipe)
    text = tokenizer.apply_chat_template(_dialogue()["messages"], tools=_dialogue()["tools"],
                                         tokenize=False)
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    train_base(recipe, data)
    (recipe.folder / "dialogues.jsonl").write_text(
        (json.dumps(_dialogue(), ensure_ascii=False) + "\n") * 16, encoding="utf-8")
    train_anneal(recipe, data)
    train_lora(recipe, recipe.folder / "dialogues.jsonl")
    export(recipe, tmp_path)
    for run in ("base", "anneal", "lora"):
        assert (tmp_path / f"loss-{run}.png").stat().st_size > 1000
    model = EmbeddedModel(weights=tmp_path)
    answer = model.bind_tools([SPECS[0].openai], tool_choice="required").invoke(
        [HumanMessage(QUESTION)])
    for call in answer.tool_calls:
        assert call["name"] == "search_regulations"
        assert call["args"]["query"] in QUESTION
    assert answer.tool_calls or answer.content


def test_only_what_the_assistant_says_is_learned(data: Path, recipe: Recipe) -> None:
    tokenizer = train_from_data(data, recipe)
    row = encode(tokenizer, _dialogue(), 2000)
    assert row is not None
    learned = tokenizer.decode([label for label in row[1] if label != -100])
    assert "search_regulations" in learned and "{E1.text}" in learned
    assert "处罚" not in learned and "先查再答" not in learned
    assert encode(tokenizer, _dialogue(), 10) is None


def test_a_stopped_run_goes_on_where_it_was(data: Path, recipe: Recipe, tmp_path: Path) -> None:
    straight = recipe.model_copy(update={"home": tmp_path / "straight"})
    broken = recipe.model_copy(update={"home": tmp_path / "broken"})
    for one in (straight, broken):
        train_from_data(data, one)
    train_base(straight, data)
    half = broken.base.model_copy(update={"tokens": broken.base.tokens // 2})
    train_base(broken.model_copy(update={"base": half}), data)
    train_base(broken, data)
    models = [torch.load(r.folder / "base-run" / "checkpoint.pt", weights_only=True)["model"]
              for r in (straight, broken)]
    assert all(torch.allclose(models[0][k], models[1][k], atol=1e-5) for k in models[0])


def test_the_learning_rate_warms_up_and_falls() -> None:
    rates = [schedule(step, 100, 0.1, 0.5) for step in range(100)]
    assert rates[0] < rates[5] < rates[20] == 1.0
    assert all(a >= b for a, b in pairwise(rates[50:])) and rates[-1] < 0.1


def test_the_architecture_is_qwen3_of_the_recipe_size() -> None:
    part = load_recipe("cpu").model
    model = new_model(part, 12288, 1)
    assert model.config.model_type == "qwen3"
    assert 6e6 < sum(p.numel() for p in model.parameters()) < 12e6


def test_arguments_of_training_questions_can_be_pointed_at(tmp_path: Path) -> None:
    from cityllm.agent.toolbox import Toolbox
    from cityllm.corpus.digests import sync_pack
    from cityllm.corpus.ledger import Ledger
    from cityllm.petitions.desk import Desk
    from cityllm.petitions.similar import Cases
    from cityllm.policies.adviser import PolicyAdviser
    from cityllm.policies.ruleset import RuleSet
    from cityllm.policies.service import PolicyService
    from tests.petition_day import recipe

    pack = Path(__file__).resolve().parent.parent / "rag_corpus"
    cases = questions(seed=3, variants=1)
    assert {c.tool for c in cases} == {s.name for s in SPECS} | {"none"}
    with Ledger.open(tmp_path / "ledger.sqlite", pack / "status.yaml") as ledger:
        sync_pack(ledger, pack)
        box = Toolbox(ledger, PairSearch(ledger),
                      desk=Desk(recipe().build, lambda: Cases.build([])),
                      adviser=PolicyAdviser(PolicyService(RuleSet.load(pack))))
        tried = [c for c in cases if c.tool not in ("none", "search_regulations")]
        assert sum(dialogues.point(c, box) for c in tried) / len(tried) > 0.97
    sample = next(c for c in tried if "申请行政复议" in c.question and c.tool == "legal_deadline")
    assert sample.arguments["period"] == "行政复议申请"
