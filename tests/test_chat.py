"""The pages' pure functions: what is shown, and that nothing shown is markup of somebody else."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from fakes_web import LAW, FakeLedger, answer_of, cited, run_evidence
from hypothesis import example, given
from hypothesis import strategies as st

from cityllm.agent.events import Delta, StepDone, StepStarted
from cityllm.corpus.levels import LEVELS
from cityllm.corpus.records import Instrument
from cityllm.evidence import Answer, DataRowEvidence, RuleTraceEvidence, Step
from cityllm.safety.access import LOCAL, ROLES, Account
from cityllm.web import frame, signin, terms
from cityllm.web.citation_panel import panel, wording
from cityllm.web.conversations import Conversation, Turn
from cityllm.web.evidence_view import evidence_list, maps
from cityllm.web.markdown import render
from cityllm.web.pages import CHAT, PAGES, may_open, navigation
from cityllm.web.running import Live
from cityllm.web.texts import EXAMPLES, TEXTS, text
from cityllm.web.turns import SLOW, live_view, transcript, turn_view

LEDGER = FakeLedger()
ID = f"{LAW}@2019-04-23#64"
HOSTILE = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\"><svg onload=alert(1)>",
    "[a](javascript:alert(1))", "![a](x\" onerror=\"alert(1))", "<javascript:alert(1)>",
    "[x]: javascript:alert(1)\n\n[x]", "${alert(1)}", "{{value}}", "`\"><b>`", "</textarea><b>",
    "[《城乡规划法》第六十四条](#E1\" onclick=\"alert(1))", "&lt;script&gt;", "```html\n<b>\n```",
]
TAGS = set("""a article aside blockquote br button code dd details div dl dt em figcaption figure
    form h1 h2 h3 h4 h5 h6 header hr img label li mark nav ol p path pre section span strong summary
    svg table tbody td textarea th thead tr ul
    datalist fieldset h5 i input kbd legend option rect s select small text title""".split())


class Seen(HTMLParser):
    """The tags, attributes, addresses and words of a piece of HTML."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.addresses: list[str] = []
        self.words = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses += [value or "" for name, value in attrs
                           if name in ("href", "src", "action")]

    def handle_data(self, data: str) -> None:
        self.words += data


def harmless(source: str) -> Seen:
    """Fails on a tag, attribute or address that no page of ours has."""
    seen = Seen(source)
    assert set(seen.tags) <= TAGS
    assert not [name for name in seen.attributes if name.startswith("on") or name == "style"]
    for address in seen.addresses:
        assert re.match(r"https?://|/(pictures|export|sign-out|sign-in|petitions|policies)\b|"
                        r"/\?lang=|#[\w-]+$|data:image/png;base64,", address), address
    return seen


def turn(answer: Answer | None, **more: object) -> Turn:
    values: dict[str, object] = {"id": 12, "question": answer.question if answer else "问题",
                                 "as_of": None, "state": "done", "answer": answer}
    return Turn(**{**values, **more})  # type: ignore[arg-type]


# --- texts


def test_every_text_has_both_languages_with_the_same_values() -> None:
    for name, (zh, en) in TEXTS.items():
        named = [{f for _, f, _, _ in Formatter().parse(words) if f} for words in (zh, en)]
        assert zh and en and named[0] == named[1], name
        # What a user is to type is Chinese in both languages: names of places, above all.
        assert name.startswith("eg_") or not re.search(r"[一-鿿]", en), name


def test_every_text_is_used() -> None:
    folder = Path(__file__).parent.parent / "cityllm" / "web"
    source = "".join(p.read_text("utf-8") for p in folder.glob("*.py")
                     if not p.name.endswith("texts.py"))
    built = re.compile(r"(in|value)_|(before|after)_held|export_(md|docx)|"
                       r"(view|state|route|do|done|return)_|(none_yet|all_done|choose)_how|"
                       r"(eg_(money|region|industry)|by_(money|deadline|missing)|export_xlsx|"
                       r"part_(unconfirmed|near|no|over)|sign_(not_met|unknown)|section_[A-T]|"
                       r"col_(verdict|clause|source)|window_(always|open|later|closed)|"
                       r"valid_(open|unknown)|table_(registry|sample)|"
                       r"spread_(region|industry|size)|because_(data|day|rules|new|gone))$")
    assert [name for name in TEXTS if not re.search(f"[\"']{name}[\"']", source)
            and not built.match(name)] == []


def test_examples_are_of_every_field_and_hold_the_two_known_questions() -> None:
    assert len(EXAMPLES) == 8
    assert {"规划", "信访", "企业", "交通", "数据"} <= {one.field[0] for one in EXAMPLES}
    asked = [one.question[0] for one in EXAMPLES]
    assert "没办规划许可证就盖了楼，会怎么罚？" in asked
    assert "如果把主路封了，平均车速会怎样？" in asked


# --- escaping


@given(st.text(max_size=200) | st.sampled_from(HOSTILE))
@example("\n".join(HOSTILE))
def test_markdown_makes_no_markup_of_others(source: str) -> None:
    seen = harmless(render(source, [cited(LEDGER)], 3))
    assert "img" not in seen.tags and "a" not in seen.tags


@pytest.mark.parametrize("bad", HOSTILE)
def test_every_field_of_a_turn_is_escaped(bad: str) -> None:
    clause = cited(LEDGER).model_copy(update=dict.fromkeys(
        ("clause_id", "title", "article_label", "heading", "text", "issuer", "level", "region",
         "status", "source_url"), bad))
    run = run_evidence(bad).model_copy(update={"inputs": {bad: bad}, "summary": bad, "tool": bad})
    rows = DataRowEvidence(id="E3", table=bad, query=bad, columns=[bad], rows=[[bad]],
                           sources=[bad])
    rule = RuleTraceEvidence(id="E4", rule=bad, steps=[bad])
    answer = Answer(question=bad, text=bad, citations=[clause], evidence=[clause, run, rows, rule],
                    steps=[Step(tool=bad, inputs={bad: bad}, problem=bad, evidence=[bad])],
                    as_of=date(2026, 1, 1), engine=bad, removed=[bad])
    # An image that is no inline picture is served by its number, so its name is never shown.
    shown = turn_view(turn(answer, question=bad, verdict="good", comment=bad), "zh")
    seen = harmless(shown)
    assert not any("javascript" in address for address in seen.addresses)
    harmless(turn_view(turn(None, question=bad, state="failed", problem_zh=bad), "zh"))
    harmless(live_view(Live(bad, running=(StepStarted(bad, {bad: bad}),), draft=bad), "zh"))
    harmless(frame.history([Conversation(bad, bad, datetime.now(UTC))], "", "zh"))
    harmless(frame.header("zh", Account(bad, "admin"), True, None))
    harmless(frame.notice(bad))
    harmless(panel(LEDGER, "gone@2019#1", clause, 1, "zh"))  # type: ignore[arg-type]
    page = Seen(signin.page("zh", bad, bad))
    assert page.tags.count("input") == 2 and "script" not in page.tags and "img" not in page.tags


def test_the_words_of_a_question_are_kept_as_typed() -> None:
    asked = "面积 < 500 & 高度 > 20 的 \"住宅\"？\n第二行"
    seen = harmless(turn_view(turn(None, question=asked, state="failed"), "zh"))
    assert asked.replace("\n", "") in seen.words
    assert seen.tags.count("br") == 1


# --- an answer


def test_a_reference_to_a_clause_is_a_button_that_names_it() -> None:
    shown = render("按[《城乡规划法》第六十四条](#E1)处理。", [cited(LEDGER)], 3)
    assert f'data-do="cite" data-turn="3" data-clause="{ID}"' in shown
    assert "《城乡规划法》第六十四条" in Seen(shown).words
    assert text("verbatim", "zh") in shown


def test_a_reference_to_nothing_and_an_address_stay_words() -> None:
    shown = render("[甲](#E9) [乙](https://example.org) [丙](#E1)", [], 3)
    assert Seen(shown).tags == ["p"]
    assert Seen(shown).words.strip() == "甲 乙 丙"


def test_a_run_shows_its_map_figures_inputs_and_seed() -> None:
    answer = answer_of("如果把主路封了，平均车速会怎样？", LEDGER, "/tmp/somewhere/map.png")
    shown = turn_view(turn(answer), "zh")
    seen = harmless(shown)
    assert "/pictures/12/E2/0" in seen.addresses
    assert "/tmp/somewhere" not in shown
    for words in ("31.2 km/h", "24.8 km/h", "封闭的道路", "主路", "随机种子", "模拟交通方案", "1.25 秒"):
        assert words in seen.words
    assert 'data-target="evidence-12-E2"' in shown and 'id="evidence-12-E2"' in shown
    english = turn_view(turn(answer), "en")
    assert "Mean speed before" in english and "main road" in english


def test_an_inline_picture_is_shown_only_if_it_is_a_png() -> None:
    good, bad = "data:image/png;base64,iVBORw0KGgo=", "data:text/html;base64,PGI+"
    for image, address in ((good, good), (bad, "/pictures/12/E2/0")):
        answer = answer_of("主路", LEDGER, image)
        assert Seen(maps(answer, 12, "zh")).addresses == [address, address]


def test_a_table_names_its_sources_and_links_only_web_addresses() -> None:
    answer = answer_of("数据", LEDGER, "")
    seen = harmless(evidence_list(answer, 12, "zh"))
    assert seen.addresses == ["https://example.org/outlook"]
    assert "报告" in seen.words and "南昌" in seen.words


def test_a_refusal_is_flagged_and_not_said_to_be_checked() -> None:
    answer = answer_of("城乡规划法第一百二十条怎么说？", LEDGER, "")
    words = Seen(turn_view(turn(answer), "zh")).words
    assert text("no_such_article", "zh") in words
    assert text("verified", "zh") not in words
    good = answer_of("怎么罚？", LEDGER, "")
    assert text("verified", "zh") in Seen(turn_view(turn(good), "zh")).words
    cut = good.model_copy(update={"removed": ["句子", "句子"]})
    words = Seen(turn_view(turn(cut), "zh")).words
    assert text("removed", "zh", n=2) in words and text("verified", "zh") not in words


def test_steps_say_tool_inputs_time_and_problem() -> None:
    shown = turn_view(turn(answer_of("怎么罚？", LEDGER, "")), "zh")
    words = Seen(shown).words
    for expected in ("检索法规", "查阅条文", "0.21 秒", "要查的事", "没有第一百二十条", "经过：2 步"):
        assert expected in words
    assert "<details" in shown


def test_a_turn_without_an_answer_says_why() -> None:
    failed = turn(None, state="failed", problem_zh="没有回答。", problem_en="No answer.")
    assert "没有回答。" in turn_view(failed, "zh")
    assert "No answer." in turn_view(failed, "en")
    assert text("interrupted", "zh") in turn_view(turn(None, state="failed"), "zh")
    assert text("unreadable", "en") in turn_view(turn(None, state="unreadable"), "en")


def test_the_transcript_leaves_out_what_is_still_running() -> None:
    turns = [turn(answer_of("怎么罚？", LEDGER, "")), turn(None, id=13, state="running")]
    shown = transcript(turns, "abc", "en")
    assert 'id="turn-12"' in shown and 'id="turn-13"' not in shown
    assert 'data-conversation="abc"' in shown and 'data-lang="en"' in shown


def test_feedback_offers_a_comment_once_a_thumb_is_given() -> None:
    answer = answer_of("怎么罚？", LEDGER, "")
    assert "textarea" not in Seen(turn_view(turn(answer), "zh")).tags
    rated = turn_view(turn(answer, verdict="bad"), "zh")
    assert "textarea" in Seen(rated).tags and rated.count('aria-pressed="true"') == 1
    kept = turn_view(turn(answer, verdict="bad", comment="条号不对"), "zh")
    assert "条号不对" in kept and "textarea" not in Seen(kept).tags


# --- an answer on its way


def test_a_live_answer_follows_its_events() -> None:
    live = Live("问", queued=False)
    live = live.after(StepStarted("calculate", {"expression": "2*3"}))
    assert text("step_running", "zh") in live_view(live, "zh")
    live = live.after(StepDone(Step(tool="calculate", inputs={}, seconds=0.5)))
    assert live.running == () and len(live.steps) == 1
    live = live.after(Delta("结果是")).after(Delta(" 6。"))
    assert "结果是 6。" in Seen(live_view(live, "zh")).words


def test_silence_is_explained() -> None:
    assert text("slow", "zh", seconds=SLOW) in live_view(Live("问", queued=False, waited=SLOW), "zh")
    assert text("queued", "zh", seconds=3) in live_view(Live("问", queued=True, waited=3), "zh")
    assert text("thinking", "en") in live_view(Live("问", queued=False, waited=1), "en")


# --- the article beside the answer


def test_the_panel_holds_article_neighbours_dates_level_status_and_source() -> None:
    shown = panel(LEDGER, ID, cited(LEDGER), 3, "zh")  # type: ignore[arg-type]
    seen = harmless(shown)
    for expected in ("中华人民共和国城乡规划法", "第六十四条", "第六章 法律责任", "全国人民代表大会常务委员会", "法律",
                     "2019-04-23", "2008-01-01", "截至 2025-04-30 所知", "上一条 · 第六十三条",
                     "库里的后一条 · 第六十五条", text("verbatim", "zh")):
        assert expected in seen.words, expected
    assert seen.words.index("上一条") < seen.words.index("库里的后一条")
    assert seen.addresses == ["https://flk.npc.gov.cn"]
    assert "<mark>责令停止建设</mark>" in shown
    assert "<b>不可改正的</b>" in seen.words, "the law's own signs are shown, not obeyed"


def test_a_digest_is_called_one() -> None:
    shown = Seen(panel(LEDGER, f"{LAW}@2019-04-23#65", None, 3, "en"))  # type: ignore[arg-type]
    assert text("digest", "en") in shown.words and text("digest_note", "en") in shown.words


def test_an_article_no_longer_held_is_shown_as_it_was_cited() -> None:
    gone = cited(LEDGER).model_copy(update={"clause_id": "旧法@2000-01-01#1", "text": "当时的文本。"})
    seen = Seen(panel(LEDGER, gone.clause_id, gone, 3, "zh"))  # type: ignore[arg-type]
    assert "当时的文本。" in seen.words and text("clause_gone", "zh") in seen.words
    nothing = panel(LEDGER, "旧法@2000-01-01#1", None, 3, "zh")  # type: ignore[arg-type]
    assert text("clause_missing", "zh") in nothing


@given(st.text(max_size=60), st.text(max_size=10))
def test_wording_loses_no_word(source: str, passage: str) -> None:
    seen = harmless(wording(source, passage))
    joined = "".join(line for line in source.splitlines() if line.strip())
    assert "".join(seen.words.split()) == "".join(joined.split())


@pytest.mark.parametrize("over", [
    {}, {"starts": None}, {"ends": date(2024, 1, 1)},
    {"ends": date(2024, 1, 1), "repealed": date(2024, 1, 1)},
    {"ends": date(2024, 1, 1), "repealed": date(2024, 1, 1), "replaced_by": "新法"}])
def test_an_english_page_says_status_and_level_in_english(over: dict[str, Any]) -> None:
    day = date(2019, 4, 23)
    values: dict[str, Any] = {field.name: None for field in fields(Instrument)}
    values |= {"title": LAW, "kind": "法律", "region": "全国", "note": "", "replaced_by": "",
               "version": day, "starts": day}
    status = Instrument(**{**values, **over}).status
    assert terms.status(status, "zh") == status
    english = terms.status(status, "en")
    assert not re.search(r"[一-鿿]", re.sub("《[^》]*》", "", english)), english
    dates = re.findall(r"\d{4}-\d\d-\d\d", status)
    assert re.findall(r"\d{4}-\d\d-\d\d", english) == dates


def test_every_level_has_an_english_name() -> None:
    assert set(LEVELS) == set(terms.LEVELS)
    assert terms.level("法律", "en") == "law" and terms.level("法律", "zh") == "法律"


# --- the frame


def test_the_header_says_how_far_the_status_is_known_and_who_works() -> None:
    shown = frame.header("en", Account("wang", "planner"), True, date(2025, 4, 30))
    words = Seen(shown).words
    assert "Regulation status as known on 2025-04-30" in words and "User: wang" in words
    assert "/sign-out" in Seen(shown).addresses
    assert "/sign-out" not in frame.header("en", LOCAL, False, None)


def test_each_role_finds_the_pages_that_it_may_open() -> None:
    for role in ROLES:
        links = Seen(navigation(CHAT, role, "en")).addresses
        allowed = [f"{page.path}?lang=en" for page in PAGES if may_open(page, role)]
        assert links == (allowed if len(allowed) > 1 else [])
        assert not links or ' aria-current="page">Questions' in navigation(CHAT, role, "en")


def test_deleting_asks_first() -> None:
    shown = frame.history([Conversation("abc", "怎么罚", datetime.now(UTC))], "abc", "zh")
    assert 'aria-current="true"' in shown
    assert text("delete_sure", "zh") in shown
