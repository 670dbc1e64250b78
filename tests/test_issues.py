"""Messages into issues: what is joined and what not, heat, the page, the command, the measure."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cityllm.cli as cli
from cityllm import cli_triage
from cityllm.config import ROOT
from cityllm.petitions import grouping, issues_page
from cityllm.petitions.grouping import Message, group
from cityllm.petitions.intake import open_source
from cityllm.petitions.issues import COLUMNS, Issue, flat, issues, row_of, triaged
from evals.issues import interval, key_of, scores
from tests.petition_day import recipe
from tests.small_classifier import SmallClassifier

PLANT = ["云栖小区旁边建了混凝土搅拌站，粉尘很大", "云栖小区附近搅拌站噪音扰民，夜里睡不着", "投诉云栖小区门口的搅拌站灰尘和噪音",
         "搅拌站离云栖小区不到百米，请搬走", "云栖小区业主反映搅拌站污染环境"]
PARKING = ["望江苑买房必须捆绑买车位", "望江苑开发商强制捆绑车位销售", "投诉望江苑捆绑销售车位，不买车位不给签合同"]
OTHERS = ["公交车三十路等了一个小时", "请问退休金什么时候调整", "小学划片不合理，孩子没有学上", "河里有死鱼，水发黑发臭",
          "感谢社区医生上门看病", "建议在公园装直饮水机"]


def wrote(texts: list[str], first: date = date(2026, 1, 1), step: int = 3, votes: str = "",
          start: int = 0) -> list[dict[str, str]]:
    return [{"编号": f"{start + n}", "标题": text, "内容": f"{text}。望尽快处理。", "姓名": f"张{start + n}三",
             "收到日期": str(first + timedelta(days=step * n)), "点赞数": votes}
            for n, text in enumerate(texts)]


def found(tmp_path: Path, rows: list[dict[str, str]]) -> list[Issue]:
    path = tmp_path / "in.jsonl"
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines), encoding="utf-8")
    return issues(triaged(open_source(str(path)), recipe().build()))


def test_matters_are_told_apart_and_the_hottest_comes_first(tmp_path: Path) -> None:
    rows = wrote(PLANT) + wrote(PARKING, start=10) + wrote(OTHERS, start=20)
    first, second = found(tmp_path, rows)
    assert (first.messages, first.people, second.messages) == (5, 5, 3)
    assert set(first.ids) == {"0", "1", "2", "3", "4"} and "搅拌站" in first.title
    assert first.places == ("云栖小区",) and second.places == ("望江苑",)
    assert (first.first, first.last) == (date(2026, 1, 1), date(2026, 1, 13))
    assert first.heat == pytest.approx(sum(first.parts.values()), abs=1e-3)


def test_the_same_trouble_at_two_places_is_two_issues() -> None:
    first = ["幸福小区旁边的工地夜里施工，吵得睡不着", "幸福小区工地凌晨两点还在打桩", "投诉幸福小区边上工地通宵施工"]
    second = ["阳光花园对面楼盘半夜浇混凝土，噪音太大", "阳光花园业主反映夜间施工扰民", "阳光花园对面工地晚上开工到天亮"]
    labels = group([Message(text, text, text) for text in first + second + OTHERS])
    assert len(set(labels[:3])) == len(set(labels[3:6])) == 1
    assert labels[0] != labels[3]


def test_habits_of_one_writer_are_no_issue() -> None:
    things = {"大熊猫基地": "竹林扩种和兽医站一直没有着落", "自来水价格": "阶梯水价第三档涨得太多，洗衣做饭都算计",
              "养老床位": "公办敬老院排队三年轮不上", "公交电子站牌": "屏幕半年不亮，只能干等",
              "职业学校招生": "汽修班今年停办，孩子去外地念书", "图书馆开放": "周一闭馆，晚上六点就赶人"}
    one = [Message(f"请加快{thing}步伐", f"{why}，在大力倡导以人民为中心的大背景下希望加快步伐有何具体行动？", "甲")
           for thing, why in things.items()]
    many = [Message(m.title, m.text, str(n)) for n, m in enumerate(one)]
    assert len(set(group(one))) > len(set(group(many)))


def test_one_person_writing_often_counts_once(tmp_path: Path) -> None:
    rows = [{**row, "姓名": "李四光"} for row in wrote([PLANT[0], PLANT[0] + "了", "再次反映" + PLANT[0]])]
    made = found(tmp_path, rows + wrote(OTHERS, start=20))[0]
    assert (made.messages, made.people) == (3, 1)


def test_votes_and_growth_heat_an_issue(tmp_path: Path) -> None:
    cold = found(tmp_path, wrote(PLANT) + wrote(OTHERS, start=20))[0]
    liked = found(tmp_path, wrote(PLANT, votes="40") + wrote(OTHERS, start=20))[0]
    assert liked.votes == 200 and liked.heat > cold.heat
    late = found(tmp_path, wrote(PLANT, date(2026, 6, 1)) + wrote(OTHERS, start=20))[0]
    assert late.recent == 5 and late.parts["growth"] == 2.0 > cold.parts["growth"]


def test_reports_of_wrongdoing_are_in_no_issue(tmp_path: Path) -> None:
    report = ["局长收受搅拌站红包，贪污公款，实名举报"] * 3
    assert found(tmp_path, wrote(report) + wrote(OTHERS, start=20)) == []


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(alphabet="搅拌站噪音车位小区路灯坏了。 \n1A", max_size=30), max_size=12))
def test_every_message_is_in_one_group_and_copies_are_together(texts: list[str]) -> None:
    labels = group([Message("", text, str(n)) for n, text in enumerate([*texts, *texts])])
    assert len(labels) == 2 * len(texts)
    for n, text in enumerate(texts):
        if len("".join(text.split("。"))) >= 6 and "\n" not in text and " " not in text:
            assert labels[n] == labels[n + len(texts)]


def test_large_inputs_find_pairs_by_rare_features_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    held = [Message(text, text, str(n)) for n, text in enumerate(PLANT + PARKING + OTHERS * 20)]
    whole = group(held)
    monkeypatch.setattr(grouping, "FEW", 10)
    monkeypatch.setattr(grouping, "RARE", 0.2)
    few = group(held)
    assert np.array_equal(whole[:8] == whole[0], few[:8] == few[0])


def test_the_page_is_the_same_for_the_same_issues_and_escapes(tmp_path: Path) -> None:
    rows = wrote([f"<script>{text}" for text in PLANT]) + wrote(OTHERS, start=20)
    made = found(tmp_path, rows)
    page = issues_page.render(made, 11, "in.jsonl")
    assert page == issues_page.render(made, 11, "in.jsonl")
    assert "<script>" not in page and "云栖小区" in page
    told = row_of(1, made[0])
    assert list(told) == list(COLUMNS) == list(flat(told))


def test_the_command_writes_issues_and_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                            capsys: pytest.CaptureFixture[str]) -> None:
    weights = tmp_path / "weights" / "triage"
    weights.mkdir(parents=True)
    (weights / "weights.npz").write_bytes(b"")
    (weights / "line.json").write_text('{"threshold": null, "n_local": 0}', encoding="utf-8")
    monkeypatch.setenv("CITYLLM_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("CITYLLM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CITYLLM_PACK", str(ROOT / "rag_corpus"))
    monkeypatch.setattr(cli_triage, "load_classifier", lambda folder, pack: SmallClassifier())
    source = tmp_path / "in.jsonl"
    lines = [json.dumps(row, ensure_ascii=False) for row in wrote(PLANT) + wrote(OTHERS, start=20)]
    source.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(SystemExit, match="0"):
        cli.main(["triage", "issues", str(source), str(tmp_path / "out.jsonl")])
    told = capsys.readouterr().out
    assert "11 件来信，1 个事项" in told and "云栖小区" in told
    (line,) = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["people"] == 5
    assert "云栖小区" in (tmp_path / "out.html").read_text(encoding="utf-8")
    with pytest.raises(SystemExit, match="1"):
        cli.main(["triage", "issues", str(source), str(source)])
    assert "盖掉输入" in capsys.readouterr().err


def test_the_measure_weighs_each_pair_by_its_stratum() -> None:
    pairs = [{"same": 1, "stratum": "A", "of": 10}, {"same": 0, "stratum": "B", "of": 100},
             {"same": 1, "stratum": "B", "of": 100}]
    precision, recall, _ = scores(pairs, [True, True, False])
    assert precision == pytest.approx(10 / 60) and recall == pytest.approx(10 / 60)
    assert scores(pairs, [True, False, True])[:2] == (1.0, 1.0)
    low, high = interval(pairs, [True, False, True], 0)
    assert (low, high) == (1.0, 1.0)
    assert key_of("标题", "内容") == key_of("标题", "内容") != key_of("标题内", "容")


def test_labelled_pairs_hold_no_words() -> None:
    path = ROOT / "evals" / "petitions" / "issue_pairs.jsonl"
    pairs = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(pairs) >= 300
    assert all(set(pair) == {"a", "b", "same", "stratum", "of"} for pair in pairs)
    assert all(len(pair["a"]) == len(pair["b"]) == 12 for pair in pairs)
