"""Nothing that evidence does not bear out reaches the reader."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutators import AS_OF, CORRECT, EVIDENCE, TITLES, USER, Mutant, mutants

from cityllm.agent.grounding import Grounded, ground, quote, wants_list
from cityllm.agent.numerals import articles, quantities, supported
from cityllm.agent.verify import Facts
from cityllm.corpus.digests import sync_pack
from cityllm.corpus.ledger import Ledger
from cityllm.corpus.numerals import int_to_cn
from cityllm.evidence import ClauseEvidence

MUTANTS = list(mutants())
SHORT = {"规划法": "城乡规划法"}


def _facts(user: str = USER) -> Facts:
    def resolve(name: str) -> str | None:
        name = name.removeprefix("中华人民共和国")
        return name if name in TITLES else SHORT.get(name)

    return Facts(EVIDENCE, user, resolve, lambda text: [t for t in TITLES if t in text])


def _ground(text: str, question: str = USER) -> Grounded:
    return ground(text, _facts(question), question, "zh")


def _own_words(result: Grounded) -> str:
    """What is left of the model's own sentences: not quotes, not the summaries of runs."""
    lines = [line for line in result.text.split("\n") if not line.startswith(">")]
    return re.sub(r"\[[^\]]*\]\(#E\d+\)", "", "\n".join(lines))


@pytest.mark.parametrize("text", CORRECT)
def test_a_correct_answer_stands(text: str) -> None:
    result = _ground(text)
    assert result.removed == []
    assert result.verdict == ""
    assert "[E" not in result.text
    assert "{E" not in result.text


def test_there_are_at_least_two_hundred_mutants_of_every_kind() -> None:
    kinds = Counter(mutant.fault for mutant in MUTANTS)
    assert len({mutant.text for mutant in MUTANTS}) >= 200
    assert set(kinds) == {"digits", "numerals", "unit", "bound", "negation", "article", "law",
                          "number", "authority", "direction", "link", "quote"}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.fault}:{m.text[:36]}")
def test_no_mutant_passes(mutant: Mutant) -> None:
    result = _ground(mutant.text)
    assert result.removed, f"passed: {mutant.text}\n{result.text}"
    words = _own_words(result)
    assert mutant.text.split("[E")[0].split("{E")[0].rstrip("。. ") not in words


def test_a_wrong_sentence_goes_and_the_right_one_stays() -> None:
    result = _ground("处5%以上10%以下的罚款[E1]。处20%的罚款[E1]。")
    assert "5%以上10%以下" in result.text
    assert "20%" not in result.text
    assert [c.id for c in result.citations] == ["E1"]
    assert "20%" in result.removed[0]


def test_where_all_retelling_is_wrong_the_article_itself_is_shown() -> None:
    result = _ground("处20%的罚款[E1]。")
    assert result.citations[0].article == "64"
    assert "百分之五以上百分之十以下" in result.text
    assert "20%" not in result.text


def test_nothing_cited_is_unsupported() -> None:
    assert _ground("这种情况会被处罚，请咨询有关部门。").verdict == "unsupported"
    assert _ground("").verdict == "unsupported"
    assert _ground("按[E12]办理。").verdict == "unsupported"


@pytest.mark.parametrize("mark", ["off_topic", "not_found", "no_such_article", "not_held"])
def test_a_verdict_mark_alone_is_a_verdict(mark: str) -> None:
    assert _ground(f"[{mark}]").verdict == mark


def test_a_mark_beside_a_cited_answer_is_dropped() -> None:
    result = _ground("处5%以上10%以下的罚款[E1]。[not_found]")
    assert result.verdict == ""
    assert "not_found" not in result.text


def test_a_quote_is_verbatim_with_title_label_version_and_form() -> None:
    result = _ground("规定如下：{E1.text}")
    clause = EVIDENCE[0]
    assert isinstance(clause, ClauseEvidence)
    assert clause.text in result.text
    assert "> **城乡规划法第六十四条（2019-04-23 版，摘要，非原文）**" in result.text
    assert "全文" in quote(clause.model_copy(update={"verbatim": True}), "zh")
    assert "full text" in quote(clause.model_copy(update={"verbatim": True}), "en")


def test_a_figure_is_shown_once_with_its_own_unit() -> None:
    assert "降低到24.6 km/h。" in _ground("平均车速降低到{E5.mean_speed_after}公里/小时。").text
    assert "降低到24.6 km/h。" in _ground("平均车速降低到{E5.mean_speed_after}。").text


def test_a_title_beside_its_own_citation_is_not_said_twice() -> None:
    text = _ground("根据《城乡规划法》第六十四条[E1]，限期改正。").text
    assert text.startswith("根据[《城乡规划法》第六十四条](#E1)，限期改正。")


def test_at_most_three_articles_unless_a_list_was_asked_for() -> None:
    text = "见[E1]、[E2]、[E3]、[E4]。"
    assert [c.id for c in _ground(text).citations] == ["E1", "E2", "E3"]
    assert len(_ground(text, "列出有关的全部条文").citations) == 4
    assert wants_list("哪些条文管这个")
    assert not wants_list("这个怎么罚")


def test_thoughts_and_markup_of_a_model_are_not_shown() -> None:
    result = _ground("<think>也许是50%[E1]</think>限期改正[E1]。<img src=x>[E1]")
    assert "50%" not in result.text
    assert "<img" not in result.text
    assert "限期改正" in result.text


def test_a_figure_of_another_article_is_not_lent_to_this_one() -> None:
    assert _ground("罚款3%[E1]。").removed
    assert _ground("有效期不少于2年[E4]。").removed


def test_the_users_own_figure_may_be_repeated() -> None:
    assert _ground("您的3000平方米厂房应限期改正[E1]。").removed == []


@given(st.integers(1, 9999), st.integers(1, 9999))
@settings(max_examples=200, deadline=None)
def test_a_numeral_and_its_digits_are_one_number(here: int, there: int) -> None:
    known = quantities(f"应当在{int_to_cn(there)}日内办结")
    item = quantities(f"{here}日内")[0]
    assert supported(item, known) == (here == there)


@given(st.integers(0, 100), st.sampled_from(["百分之{}", "{}%", "{} percent", "{} per cent", "{} ％"]))
@settings(max_examples=100, deadline=None)
def test_percentages_are_read_however_written(number: int, form: str) -> None:
    written = int_to_cn(number) if form.startswith("百") else str(number)
    found = quantities(form.format(written))
    assert [(q.value, q.unit) for q in found] == [(number, "%")]


@given(st.dates(min_value=AS_OF.replace(1950), max_value=AS_OF))
@settings(max_examples=100, deadline=None)
def test_a_date_is_one_date_in_every_form(day: date) -> None:
    known = quantities(f"自{day:%Y-%m-%d}起")
    for form in (f"{day:%Y}年{day.month}月{day.day}日", f"{day:%B} {day.day}, {day:%Y}",
                 f"{day.month}月{day.day}日", f"{day:%Y}年"):
        assert supported(quantities(form)[0], known)


@pytest.mark.parametrize(("text", "key"), [
    ("第六十四条", "64"), ("第64条", "64"), ("第六十四条之一", "64-1"), ("Article 64", "64"),
    ("article sixty-four", "64"), ("第一千二百六十条", "1260"), ("Art. 12", "12")])
def test_article_numbers_are_read_however_written(text: str, key: str) -> None:
    assert [a.key for a in articles(text)] == [key]


@pytest.mark.parametrize(("text", "value", "unit"), [
    ("三亿二千万元", 320000000, "元"), ("1,234.5万元", 12345000, "元"), ("half a million yuan", None, None),
    ("十五个工作日", 15, "工作日"), ("fifteen working days", 15, "工作日"), ("2公顷", 20000, "㎡"),
    ("1.5 km", 1500, "米"), ("两倍", 2, "倍"), ("twice", 2, "倍"), ("三成", 30, "%"), ("千分之五", 0.5, "%"),
    ("one hundred and fifty thousand yuan", 150000, "元"), ("￥500", 500, "元"), ("$500", 500, "美元")])
def test_numbers_are_read_with_their_unit(text: str, value: float | None, unit: str | None) -> None:
    found = quantities(text)
    if value is None:
        assert found
    else:
        assert [(float(q.value), q.unit) for q in found] == [(value, unit)]


@given(st.text(alphabet="的一二三十百第条款0159%元日[]E{}.（）不应当可以《》法\n abc", max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_is_taken_without_an_error(text: str) -> None:
    result = _ground(text)
    assert result.verdict or result.text


def test_over_the_whole_pack_true_sentences_stand_and_changed_figures_fall(tmp_path: Path) -> None:
    pack = Path(__file__).resolve().parent.parent / "rag_corpus"
    true, stood, changed, passed = 0, 0, 0, []
    with Ledger.open(tmp_path / "ledger.sqlite", pack / "status.yaml") as ledger:
        sync_pack(ledger, pack)
        rows = [clause for one in ledger.instruments() for clause in ledger.articles(one.id)]
        for row in Random(5).sample(rows, 240):
            clause = ClauseEvidence(
                id="E1", clause_id=row.clause_id, title=row.title, article=row.article,
                article_label=row.label, heading=row.heading, text=row.text, as_of=AS_OF)
            facts = Facts([clause], "怎么办", ledger.resolve, ledger.mentioned)
            for sentence in re.findall(r"[^。；\n]{8,}(?=[。；])", row.text):
                true += 1
                stood += not ground(f"{sentence}[E1]。", facts, "", "zh").removed
                for figure in re.finditer(r"\d+", sentence):
                    other = str(int(figure[0]) + 37)
                    wrong = sentence[:figure.start()] + other + sentence[figure.end():]
                    changed += 1
                    if not ground(f"{wrong}[E1]。", facts, "", "zh").removed:
                        passed.append(wrong)
    assert changed >= 100
    assert passed == []
    assert stood / true >= 0.97


def test_an_english_sentence_keeps_the_blank_before_an_article() -> None:
    told = ground("The rule is [E1]:\n{E1.text}", _facts(), "What is the fine?", "en")
    assert told.text.startswith("The rule is [《")
    assert _ground("依据[E1]：\n{E1.text}").text.startswith("依据[《")
