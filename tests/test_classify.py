"""The petition classifier: features, calibration, rules of risk, what ships, and a city's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityllm.config import ROOT, Settings
from cityllm.errors import ConfigError, ModelUnavailable, UnreadableFile
from cityllm.petitions import calibrate, features
from cityllm.petitions.classify import Classifier
from cityllm.petitions.linear import Weights
from cityllm.petitions.risks import Rules
from cityllm.petitions.segment import Segmenter
from cityllm.petitions.taxonomy import Taxonomy
from cityllm.petitions.training import Row, read_rows, train, write

PACK = ROOT / "rag_corpus"
TRIAGE = ROOT / "cityllm" / "model" / "weights" / "triage"
GOLD = ROOT / "evals" / "petitions" / "gold.jsonl"
ZH = st.text(alphabet="噪音扰民拖欠工资停水a1，。 \n", max_size=40)


@pytest.fixture(scope="module")
def clerk() -> Classifier:
    return Classifier.load(TRIAGE, PACK)


@settings(deadline=None)
@given(st.lists(ZH, min_size=1, max_size=6))
def test_grams_of_a_text_do_not_depend_on_its_neighbours(texts: list[str]) -> None:
    together = features.distinct(features.grams(texts))
    for at, text in enumerate(texts):
        alone = features.distinct(features.grams([text]))
        mine = together.bucket[together.starts[at]:together.starts[at + 1]]
        assert mine.tolist() == alone.bucket.tolist()


@settings(deadline=None)
@given(ZH)
def test_grams_are_those_of_a_plain_loop(text: str) -> None:
    found = features.grams([text])
    plain = found.plain[0]
    slow = sorted((a, n) for n in features.GRAMS for a in range(len(plain) - n + 1)
                  if " " not in plain[a:a + n])
    fast = sorted(zip(found.start.tolist(), found.length.tolist(), strict=True))
    assert fast == slow


def test_words_count_as_words() -> None:
    whole = features.distinct(features.grams(["拖欠 工资"], words=True))
    parts = features.distinct(features.grams(["拖欠", "工资"]))
    assert set(parts.bucket) < set(whole.bucket)
    assert len(whole.bucket) == len(parts.bucket) + 3, "two words and their pair"


@settings(deadline=None)
@given(st.integers(0, 30), st.integers(1, 300))
def test_the_upper_bound_is_where_seeing_so_few_errors_is_unlikely(wrong: int, total: int) -> None:
    from scipy.stats import binom

    bound = calibrate.upper_bound(wrong, total)
    if wrong < total:
        assert binom.cdf(wrong, total, bound) == pytest.approx(0.05, abs=1e-6)
    else:
        assert bound == 1.0


def test_the_line_needs_rows_and_few_errors() -> None:
    sure = np.linspace(0.999, 0.2, 1000).tolist()
    right = [True] * 400 + [at % 2 == 0 for at in range(600)]
    drawn = calibrate.draw(sure, right, 1000, 1)
    assert drawn.threshold is not None
    assert drawn.upper_error <= 0.02
    taken = [good for one, good in zip(sure, right, strict=True) if one >= drawn.threshold]
    assert len(taken) == round(drawn.coverage * 1000) >= 400
    assert calibrate.draw(sure, right, 499, 1).threshold is None
    assert calibrate.draw(sure, [False] * 1000, 1000, 1).threshold is None
    assert calibrate.draw([0.9] * 1000, right, 1000, 1).threshold is None, "ties stand together"


def test_calibration_error_of_honest_and_of_boastful_confidence() -> None:
    assert calibrate.calibration_error([0.75] * 4, [True, True, True, False]) == pytest.approx(0)
    assert calibrate.calibration_error([0.95] * 4, [False] * 4) == pytest.approx(0.95)


def test_the_temperature_makes_scores_honest() -> None:
    dice = np.random.default_rng(0)
    scores = dice.normal(size=(4000, 3)).astype(np.float32)
    chances = calibrate.softmax(scores * np.float32(2)).astype(float)
    right = np.array([dice.choice(3, p=row / row.sum()) for row in chances])
    assert calibrate.temperature(scores, right) == pytest.approx(2.0, rel=0.1)


def test_rules_of_risk(clerk: Classifier) -> None:
    rules = Rules.load(PACK)
    assert "life" in rules.found("楼道里煤气味很大，怀疑漏气，怕爆炸")
    assert "self_harm" in rules.found("我不想活了")
    assert "life" not in rules.found("商场跳楼价大甩卖是虚假广告")
    assert rules.found("路灯坏了请来修") == {}


@pytest.mark.parametrize("text", [
    "life: [{any: []}]", "life: [{all: [[甲]], any: [乙]}]", "fire: [{any: [火]}]", "]["])
def test_a_wrong_rule_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "petitions").mkdir()
    (tmp_path / "petitions" / "risks.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"risks\.yaml"):
        Rules.load(tmp_path)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(alphabet="煤气漏井盖没电梯坠孩子掉进刀砍锁关不让出门他打我，。", max_size=60), max_size=4))
def test_the_fast_scan_of_rules_finds_what_trying_every_rule_finds(texts: list[str]) -> None:
    rules = Rules.load(Settings().pack)
    for text in texts:
        tried = {name for name, own in rules.by_risk.items() if any(one.hit(text) for one in own)}
        assert set(rules.found(text)) == tried


def test_the_compiled_product_is_that_of_scipy(clerk: Classifier) -> None:
    from cityllm.petitions.kernel import product

    found = clerk.weights.features(["路灯坏了\n三天没人修", "", "拖欠工资", "楼道里的煤气味很重" * 40])
    assert (product(found.x, clerk.weights.table) == (found.x @ clerk.weights.table)).all()


def test_what_ships_labels_everything(clerk: Classifier) -> None:
    texts = ["工地不签合同\n我们二十几个农民工在工地干了半年，包工头不签劳动合同，工钱没有着落",
             "请问怎么申请行政复议，我对罚款决定不服", "", "!!!", "楼道煤气泄漏，快来人，要出人命"]
    pay, review, nothing, marks, gas = clerk.labels(texts, ["南湖区"] * 5)
    assert pay.category[0] == "劳动和社会保障"
    assert pay.department.startswith("南湖区")
    assert review.jurisdiction == "reconsideration"
    assert "life" in gas.risks
    for one in (pay, review, nothing, marks, gas):
        assert 0 < one.confidence <= 1
        assert one.alternatives[0][0] == one.category_code
        assert [p for _, p in one.alternatives] == sorted(
            (p for _, p in one.alternatives), reverse=True)


def test_probabilities_add_up_on_every_level(clerk: Classifier) -> None:
    held = clerk.chances(["小区物业乱收费", "医院误诊"])
    for level in (1, 2, 3):
        assert held.levels[level].sum(axis=1) == pytest.approx([1, 1], abs=1e-3)


def test_order_and_company_do_not_matter(clerk: Classifier) -> None:
    texts = [f"{row['title']}\n{row['text']}" for row in map(
        json.loads, GOLD.read_text(encoding="utf-8").splitlines()[:40])]
    together = clerk.labels(texts)
    assert [one.category_code for one in clerk.labels(texts[::-1])][::-1] == [
        one.category_code for one in together]
    assert clerk.labels(texts[3:4])[0].confidence == pytest.approx(together[3].confidence, abs=1e-4)


def test_labels_do_not_hang_on_the_order_of_hashes() -> None:
    rows = GOLD.read_text(encoding="utf-8").splitlines()[:60]
    program = ("import json, sys; from pathlib import Path; "
               "from cityllm.petitions.classify import Classifier; "
               f"clerk = Classifier.load(Path({str(TRIAGE)!r}), Path({str(PACK)!r})); "
               "texts = json.loads(sys.stdin.read()); held = clerk.labels(texts); "
               "print(held, clerk.grounds(texts, held, [''] * len(texts)))")
    texts = json.dumps([f"{row['title']}\n{row['text']}" for row in map(json.loads, rows)])
    first, second = (subprocess.run(
        [sys.executable, "-c", program], input=texts, capture_output=True, text=True, check=True,
        cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed}).stdout for seed in ("1", "2"))
    assert "Labels(" in first
    assert first == second


def test_nothing_is_routed_automatically_without_local_rows(clerk: Classifier) -> None:
    assert clerk.line.threshold is None
    assert clerk.line.n_local == 0


def test_our_gold_is_in_the_tree_and_mostly_found(clerk: Classifier) -> None:
    rows = [json.loads(line) for line in GOLD.read_text(encoding="utf-8").splitlines()]
    assert len(rows) >= 300
    assert {row["code"] for row in rows} <= set(clerk.tree.codes(3))
    found = clerk.labels([f"{row['title']}\n{row['text']}" for row in rows])
    hit = [one.category_code[:2] == row["code"][:2] for one, row in zip(found, rows, strict=True)]
    assert np.mean(hit) > 0.6
    life = [one for one, row in zip(found, rows, strict=True) if "life" in row["risks"]]
    assert np.mean(["life" in one.risks for one in life]) >= 0.97
    for name, least in (("self_harm", 0.7), ("minors", 0.5)):
        assert np.mean([name in one.risks for one, row in zip(found, rows, strict=True)
                        if name in row["risks"]]) >= least


def test_weights_survive_the_disk_and_damage_is_told(tmp_path: Path, clerk: Classifier) -> None:
    clerk.weights.save(tmp_path / "w.npz")
    again = Weights.load(tmp_path / "w.npz")
    texts = ["公交车不停站", "化工厂偷排废水"]
    assert again.scores_of(texts) == pytest.approx(clerk.weights.scores_of(texts), abs=0.02)
    assert clerk.weights.scores(clerk.weights.features(texts)) == pytest.approx(
        clerk.weights.scores_of(texts), abs=1e-3)
    (tmp_path / "w.npz").write_bytes(b"damaged")
    with pytest.raises(ModelUnavailable):
        Weights.load(tmp_path / "w.npz")


def test_words_are_cut_as_the_rows_are() -> None:
    cutter = Segmenter.learn(["拖欠 工资 老板", "老板 拖欠 工资", "停水 通知", "停水 通知"])
    assert cutter.cut("老板又拖欠 工资了") == "老板 拖欠 工资"
    assert cutter.cut("") == ""


def city(tmp_path: Path) -> Path:
    said = {"劳动和社会保障": ["老板欠薪", "工伤不赔", "社保没交", "加班没有钱"],
            "环境保护": ["工厂冒烟", "河水发臭", "夜里噪音", "灰尘太大"]}
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(
        {"title": text, "text": f"{text}，第{at}次反映，请处理", "label": label},
        ensure_ascii=False) + "\n" for label, texts in said.items() for at in range(10)
        for text in texts), encoding="utf-8")
    return path


def test_a_city_trains_its_own(tmp_path: Path, clerk: Classifier) -> None:
    rows, words = read_rows(city(tmp_path))
    done = train(rows, clerk.weights, clerk.tree, words=words,
                 tests=["老板欠薪\n老板欠薪，第3次反映，请处理"])
    assert done.report["dropped_as_test"] >= 1
    assert done.report["line"]["threshold"] is None, "fewer than 500 rows"
    assert done.report["accuracy"] > 0.9
    own = tmp_path / "pack" / "petitions"
    own.mkdir(parents=True)
    for name in ("taxonomy.yaml", "duties.yaml", "risks.yaml"):
        (own / name).write_text((PACK / "petitions" / name).read_text("utf-8"), encoding="utf-8")
    written = {path.name for path in write(done, rows, own / "classifier")}
    assert written == {"weights.npz", "line.json", "report.json", "coverage.png", "drift.npz",
                       "lora.jsonl"}
    found = Classifier.load(TRIAGE, tmp_path / "pack").labels(["河水又发臭了，没人管"])[0]
    assert found.category[0] == "环境保护"
    assert len(found.category_code) == 6, "the levels below stay as shipped"


def test_rows_of_words_get_their_first_words_as_a_title(tmp_path: Path) -> None:
    path = tmp_path / "words.jsonl"
    held = " ".join(f"词{at}" for at in range(20))
    path.write_text("".join(json.dumps({"tokens": words, "label": "环境保护"}) + "\n"
                            for words in (held, "河水 发臭")), encoding="utf-8")
    rows, words = read_rows(path)
    assert words
    title, rest = rows[0].text.split("\n")
    assert f"{title} {rest}" == held and rest.startswith("词14 ")
    assert rows[1].text == "河水 发臭", "a short one is all title, which counts as none"


@pytest.mark.parametrize("line", ["{}", "[1]", '{"title": "a", "text": "b"}', "not json"])
def test_a_wrong_row_is_told_by_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a", "label": "环境保护"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(UnreadableFile, match="Line 2"):
        read_rows(path)


def test_rows_without_two_known_classes_are_refused(clerk: Classifier) -> None:
    with pytest.raises(UnreadableFile, match="two"):
        train([Row("甲", "环境保护"), Row("乙", "不存在的类")], clerk.weights, clerk.tree)


def test_a_plea_in_danger_is_not_wrapped_as_a_question() -> None:
    from finetune.petition_data import examples

    pleas = [row.text for row in examples() if row.base.kind == "request"
             and "life" in row.base.risks]
    assert any("救急" in text for text in pleas)
    assert not any("请教个政策问题" in text or "需要准备哪些材料" in text for text in pleas)


def test_our_own_petitions_reach_every_leaf() -> None:
    from finetune.petition_data import bases, examples

    held, tree = bases(), Taxonomy.load(PACK)
    assert {base.code for base in held} == set(tree.codes(3))
    rows = list(examples(seed=1))
    assert len(rows) >= 4000
    assert rows == list(examples(seed=1))
    assert not [row for row in rows if "{" in row.text + row.title]


@pytest.mark.slow
def test_the_marks_on_the_measured_messages(shared: Path) -> None:
    from evals.triage import measure

    folder = shared / "petitions"
    own = measure(folder / "labelled_messages.jsonl", None, Settings())
    assert own["macro_f1"] >= 0.75
    assert own["n"] == 494
