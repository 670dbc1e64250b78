"""The petitions page: roles, claims, decisions, and that nothing shown is markup of others."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes_web import LAW, FakeServices, fake_services, serving
from test_chat import HOSTILE, harmless

from cityllm.config import ROOT
from cityllm.petitions import drafts, routing
from cityllm.petitions.classify import Classifier
from cityllm.petitions.clock import EVENT_NAMES
from cityllm.petitions.verdict import Choices, Final, Verdict
from cityllm.petitions.wrongdoing import OWN, WITHHELD
from cityllm.safety.access import LOCAL, Account, Role
from cityllm.web import petition_terms, petition_view, queue_view
from cityllm.web.drafting import Drafting
from cityllm.web.pages import PAGES
from cityllm.web.review import ReviewPage
from tests.petition_day import rows
from tests.test_review import queued

PACK = ROOT / "rag_corpus"
WHO: dict[str, Role] = {"li": "clerk", "wang": "clerk", "zhao": "supervisor", "qian": "auditor",
                        "sun": "planner", "fang": "enterprise"}
DAY = [{"编号": "1", "标题": "路灯坏了", "内容": "幸福路的路灯坏了三天，王建国电话13800138000。", "收到日期": "2026-03-05",
        "姓名": "王建国"},
       {"编号": "2", "标题": "没有规划许可证就盖楼", "内容": "隔壁没有规划许可证就盖了两层，怎么罚？", "收到日期": "2026-03-09"},
       {"编号": "3", "标题": "要坍塌了", "内容": "楼上阳台要坍塌了，快来人。", "收到日期": "2026-03-18"},
       {"编号": "4", "标题": "举报", "内容": "村主任收了红包，把征地款打进小舅子的账户。", "收到日期": "2026-03-12"}]


@dataclass
class Office:
    """A page over a store with a day's petitions, without a server."""

    services: FakeServices
    page: ReviewPage

    def act(self, user: str, do: str, n: int = 0, **more: Any) -> dict[str, Any]:
        return self.page.act(user, {"do": do, "n": n, "lang": "zh", "view": "waiting", **more})

    def mark(self, n: int) -> str:
        held = self.services.review.get(n)
        assert held
        return held.mark

    def number(self, id_: str) -> int:
        return next(one.n for one in self.services.review.waiting(999) if one.id == id_)


@cache
def shipped() -> Classifier:
    """The classifier that ships."""
    return Classifier.load(ROOT / "cityllm" / "model" / "weights" / "triage", PACK)


def office_in(folder: Path, made: list[dict[str, str]]) -> Office:
    from threading import Semaphore

    services = fake_services(folder)
    queued(folder, made, services.review, make=shipped)
    choices = Choices.load(PACK)
    accounts = {name: Account(name, role) for name, role in WHO.items()} | {"local": LOCAL}
    return Office(services, ReviewPage(
        services.ledger, services.review, lambda: choices, services.vault,  # type: ignore[arg-type]
        Drafting(services.assistant, services.review, Semaphore(1)),
        lambda user: accounts.get(user, Account(user, "planner")), "zh", True))


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return office_in(tmp_path, DAY)


def settle(office: Office, n: int) -> dict[str, Any]:
    """Wait until the draft of `n` is there."""
    import time

    for _ in range(200):
        told = office.act("li", "drafted", n)
        if not told["busy"]:
            return told
        time.sleep(0.02)
    raise AssertionError("the draft does not end")


# --- from the queue to an accepted reply


def test_a_clerk_goes_from_the_queue_to_an_accepted_reply(office: Office) -> None:
    told = office.act("li", "next")
    first = told["n"]
    assert first == office.number("3"), "danger to life first"
    main = told["parts"]["main"]
    assert "可能危及生命安全" in main and "登记并转送、交办" in main
    second = office.act("li", "next", first)["n"]
    assert second == office.number("1")
    told = office.act("li", "open", office.number("2"), left=second)
    n = told["n"]
    assert office.services.review.get(second).holder == ""  # type: ignore[union-attr]
    assert office.act("li", "draft", n)["busy"] in (True, False)
    shown = settle(office, n)["reply"]
    assert f'data-clause="{LAW}@2019-04-23#64"' in shown and "草稿，未经审核" not in shown
    assert "第六十四条" in office.act("li", "cite", n, clause=f"{LAW}@2019-04-23#64")["parts"]["panel"]
    reply = "您好，已转城管局查处。"
    told = office.act("li", "accept", n, mark=office.mark(n), reply=reply)
    assert told["n"] != n and "已接受" in told["parts"]["composer"], told
    held = office.services.review.get(n)
    assert held and (held.state, held.told["reply"], held.told["decided_by"]) == (
        "accepted", reply, "li")
    assert "13800138000" not in json.dumps(told) and "王建国" not in json.dumps(told)


def form(**more: Any) -> dict[str, Any]:
    return {"category": "010201 城乡建设 / 城市建设和市政管理 / 园林绿化环卫", "department": "市城市管理局",
            "kind": "complaint", "jurisdiction": "petition", "risks": ["life"], **more}


def test_a_change_and_a_return_are_recorded_with_what_was_proposed(office: Office) -> None:
    n = office.number("1")
    office.act("li", "open", n)
    assert "不在列表里" in office.act("li", "change", n, mark=office.mark(n),
                                  form=form(department="x"))["said"]
    office.act("li", "change", n, mark=office.mark(n), form=form())
    entry = office.services.review.history(n)[-1]
    assert entry.action == "changed" and entry.body["final"]["department"] == "市城市管理局"
    assert entry.body["proposed"]["code"] != "010201"
    other = office.number("2")
    office.act("li", "open", other)
    assert "理由" in office.act("li", "return", other, mark=office.mark(other), form={})["said"]
    office.act("li", "return", other, mark=office.mark(other), form={"reason": "与前件相同"})
    assert office.services.review.history(other)[-1].body["reason"] == "与前件相同"


def test_what_another_clerk_has_is_shown_but_not_to_be_decided(office: Office) -> None:
    n = office.number("3")
    office.act("li", "open", n)
    told = office.act("wang", "open", n)
    assert "li" in told["parts"]["composer"] and 'data-do="accept"' not in told["parts"]["composer"]
    assert office.act("wang", "next")["n"] != n
    assert "li" in office.act("wang", "accept", n, mark=office.mark(n))["said"]
    assert office.act("li", "keep", n) == {"held": True}
    assert office.act("wang", "keep", n) == {"held": False}
    assert "处理中" in office.act("wang", "show")["parts"]["side"]


def test_the_last_petition_is_kept_and_an_empty_queue_says_what_to_do(office: Office) -> None:
    while (n := office.act("li", "next")["n"]) and len(office.services.review.waiting(9)) > 1:
        office.act("li", "return", n, mark=office.mark(n), form={"reason": "x"})
    told = office.act("li", "next", n)
    assert told["n"] == n and "没有别的待审件" in told["parts"]["composer"]
    told = office.act("li", "return", n, mark=office.mark(n), form={"reason": "x"})
    assert told["n"] == 0 and "cityllm triage decisions export" in told["parts"]["main"]


def test_a_store_without_petitions_shows_the_command(tmp_path: Path) -> None:
    empty = office_in(tmp_path, [])
    with sqlite3.connect(empty.services.review.path) as base:
        base.execute("DELETE FROM petitions")
    base.close()
    for language, words in (("zh", "还没有送来"), ("en", "No petition")):
        page = empty.page.page("li", {"lang": language})
        assert words in page and "cityllm triage day.xlsx done.xlsx --queue" in page


# --- drafts that fail


@pytest.mark.parametrize(("matter", "words"), [("超时", "30 秒没有回答"), ("故障", "程序出了错")])
def test_a_failed_engine_is_a_sentence_on_the_page(tmp_path: Path, matter: str,
                                                   words: str) -> None:
    office = office_in(tmp_path, [{"编号": "1", "标题": f"{matter}的路灯", "内容": "路灯不亮三天了"}])
    n = office.number("1")
    office.act("li", "open", n)
    office.act("li", "draft", n)
    shown = settle(office, n)["reply"]
    assert words in shown and "secret" not in shown
    english = office.page.act("li", {"do": "show", "n": n, "lang": "en"})["parts"]["main"]
    assert "No draft was written" in english and not re.search("没有写成", english)


def test_a_draft_outlives_the_page_and_a_report_gets_none(office: Office) -> None:
    n = office.number("4")
    office.act("li", "open", n)
    office.act("li", "draft", n)
    assert "检举控告件不写草稿" in settle(office, n)["reply"]
    assert office.services.assistant.calls == []


# --- roles


def test_each_role_sees_and_does_what_it_may(office: Office) -> None:
    n = office.number("1")
    for name in ("sun", "fang", "nobody"):
        for do in ("show", "open", "next", "log"):
            assert "parts" not in office.act(name, do, n)
    auditor = office.act("qian", "open", n)["parts"]
    assert "路灯坏了" in re.sub("<[^>]+>", "", auditor["main"])
    assert "data-key" not in auditor["composer"]
    assert 'data-view="log"' in auditor["side"] and 'data-view="figures"' not in auditor["side"]
    for do in ("next", "accept", "change", "return", "draft", "undo", "assign", "original"):
        before = office.services.review.verify().entries
        told = office.act("qian", do, n, mark=office.mark(n), form=form(reason="x", to="li"))
        assert "said" in told and office.services.review.verify().entries == before, do
    assert office.services.review.get(n).holder == ""  # type: ignore[union-attr]
    clerk = office.act("li", "open", n)["parts"]
    assert 'data-do="accept"' in clerk["composer"] and 'data-do="original"' not in clerk["composer"]
    assert 'data-view="log"' not in clerk["side"]
    assert "view" in office.act("li", "view", view="log") and (
        office.act("li", "view", view="log")["view"] == "waiting")
    for do in ("undo", "assign", "original"):
        assert "supervisor" in office.act("li", do, n, form={"reason": "x"})["said"]


def test_a_supervisor_opens_an_original_with_a_reason_and_reassigns(office: Office) -> None:
    n = office.number("4")
    shown = office.act("zhao", "open", n)["parts"]["main"]
    assert "村主任" not in json.dumps(shown) and "信访工作条例第三十条" in shown
    assert "理由" in office.act("zhao", "original", n, form={"reason": " "})["said"]
    told = office.act("zhao", "original", n, form={"reason": "核实是否检举"})["parts"]["panel"]
    assert "村主任收了红包" in told
    assert office.services.review.log(1)[0].body["reason"] == "核实是否检举"
    assert "sun" in office.act("zhao", "assign", n, form={"to": "sun", "reason": "x"})["said"]
    office.act("zhao", "assign", n, form={"to": "wang", "reason": "熟悉该村"})
    assert "wang" in office.act("li", "open", n)["parts"]["composer"]
    assert 'data-do="accept"' in office.act("wang", "open", n)["parts"]["composer"]
    office.act("wang", "accept", n, mark=office.mark(n))
    office.act("zhao", "undo", n, form={"reason": "再看"}, view="decided")
    assert office.services.review.get(n).state == "waiting"  # type: ignore[union-attr]
    log = office.act("qian", "view", view="log")["parts"]["main"]
    for words in ("哈希链完好", "核实是否检举", "熟悉该村", "撤销", "zhao"):
        assert words in log
    figures = office.act("zhao", "view", view="figures")["parts"]["main"]
    assert "wang" in figures and "承办单位" in figures


def test_an_altered_log_is_said_to_be_altered(office: Office) -> None:
    n = office.number("1")
    office.act("li", "open", n)
    office.act("li", "return", n, mark=office.mark(n), form={"reason": "x"})
    base = sqlite3.connect(office.services.review.path)
    base.execute("DROP TRIGGER decisions_update")
    base.execute("UPDATE decisions SET who = 'wang'")
    base.commit()
    base.close()
    assert "第 1 条起对不上" in office.act("qian", "view", view="log")["parts"]["main"]


# --- similar petitions


def test_similar_petitions_are_found_and_withheld_ones_are_not(tmp_path: Path) -> None:
    import time

    made = [{"编号": str(n), "标题": "路灯坏了", "内容": f"幸福路的路灯坏了三天，{word}，请修理。"}
            for n, word in enumerate(("晚上很黑", "老人摔倒", "路口很暗"))]
    office = office_in(tmp_path, [*made, DAY[3] | {"内容": "幸福路的路灯坏了三天，局长收了红包才不修。"}])
    n = office.number("0")
    for _ in range(200):
        told = office.act("li", "similar", n)
        if not told["busy"]:
            break
        time.sleep(0.02)
    shown = told["parts"]["similar"]
    assert set(re.findall(r'data-n="(\d+)"', shown)) == {str(office.number("1")),
                                                         str(office.number("2"))}
    assert "红包" not in shown and WITHHELD not in shown


# --- what is shown


@pytest.mark.parametrize("bad", HOSTILE)
def test_every_field_of_a_petition_is_escaped(office: Office, bad: str) -> None:
    review = office.services.review
    n = office.number("2")
    held = review.take(Account(bad, "clerk"), n)
    final = Final(bad, (bad,), bad, "request", "petition")
    review.decide(Account(bad, "clerk"), n, held.mark, Verdict("changed", final, bad, bad))
    held = review.get(n)
    assert held
    held.told.update(dict.fromkeys(
        ("title", "text", "summary", "district", "place", "channel", "department", "problem",
         "why_review", "duplicate_of", "again", "why_no_draft"), bad),
        reasons=[bad], names={bad: bad}, grounds=[
            {"of": of, "label": bad, "against": bad, "by": by, "score": 1.0, "bias": 0.5,
             "rest": 0.1, "words": [[bad, 0.6], [bad, -0.2]]}
            for of, by in (("category", "classifier"), ("risk", "words"), ("kind", "model"))],
        extra={bad: bad}, others=[(bad, bad, 0.5)], category=[bad])
    history = review.history(n)
    zhao = Account("zhao", "supervisor")
    for shown in (
            petition_view.petition(held, True, True, date(2026, 3, 20), office.services.ledger,
                                   history, {bad: 3}, False, "zh"),  # type: ignore[arg-type]
            petition_view.original({bad: bad}, "zh"),
            petition_view.similar([(bad, {**held.told, "n": 1, "id": bad}, 0.5)], "zh"),
            queue_view.side("decided", [held], {}, n, bad, zhao, 0.0, "zh"),
            queue_view.composer(held, True, "admin", office.page._lists(), ("problem", bad), "zh"),
            queue_view.figures({"waiting": 1}, history, "zh"),
            queue_view.log(history, review.verify(), "zh")):
        harmless(shown)


def test_what_the_batch_says_in_chinese_has_english() -> None:
    said = [*routing.RISKS.values(), *(one for one in routing.ELSEWHERE.values() if one),
            *drafts._WHY.values(), drafts.REPORT, "可能危及生命安全；群体性或扬言聚集",
            *(f"{name}未知" for name in EVENT_NAMES.values()),
            "点名提到（局长），先由人看是否检举控告，暂不定承办单位", "把握 0.31 低于自动线 0.80",
            "本地标注只有 0 行（至少要 500 行），全部由人审核"]
    for words in said:
        assert petition_terms.sentence(words, "zh") == words
        english = petition_terms.sentence(words, "en")
        assert not re.search(r"[一-鿿]", english.replace("局长", "")), english
    assert petition_terms.sentence("甲 / b", "en") == "b"


# --- the door


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    home = tmp_path_factory.mktemp("office")
    services = fake_services(home, host="0.0.0.0")
    for name, role in WHO.items():
        services.accounts.add(name, f"password of {name}", role)
    queued(home, rows(10), services.review)
    with serving(home, "0.0.0.0") as address, httpx.Client(base_url=address, timeout=60) as opened:
        yield opened


def entered(opened: httpx.Client, name: str) -> httpx.Client:
    opened.cookies.clear()
    opened.post("/sign-in", data={"name": name, "password": f"password of {name}"})
    return opened


def test_who_signs_in_finds_the_page_by_their_role(public: httpx.Client) -> None:
    public.cookies.clear()
    assert public.get("/petitions").status_code == 401
    assert public.post("/petitions/do", json={"do": "show"}).status_code == 401
    for name, role in WHO.items():
        reply = entered(public, name).get("/petitions")
        may = role in PAGES[1].roles
        assert reply.status_code == (200 if may else 403), role
        assert ('href="/petitions?lang=zh"' in reply.text) == may
        assert ("编号" in reply.text) == may and ("cityllm user add" in reply.text) == (not may)
        told = public.post("/petitions/do", json={"do": "show"}).json()
        assert ("parts" in told) == may


def test_a_message_is_taken_only_as_json_of_bounded_size(public: httpx.Client) -> None:
    entered(public, "li")
    for told, status in (({"content": b"{}"}, 415), ({"json": [1]}, 400), ({"json": {}}, 200),
                         ({"content": b"{x", "headers": {"content-type": "application/json"}}, 400),
                         ({"json": {"do": "show", "reply": "x" * 70_000}}, 413)):
        reply = public.post("/petitions/do", **told)  # type: ignore[arg-type]
        assert reply.status_code == status, told
    for odd in ({"do": 3}, {"do": "open", "n": -1}, {"do": "open", "n": "x"}, {"do": "show",
                "view": [], "words": {}, "n": 10**30}, {"do": "change", "n": 1, "form": []}):
        assert set(public.post("/petitions/do", json=odd).json()) & {"said", "parts"}


def test_the_role_comes_from_the_session(public: httpx.Client) -> None:
    told = entered(public, "qian").post("/petitions/do", json={
        "do": "next", "user": "li", "role": "admin", "who": {"role": "admin"}}).json()
    assert "auditor" in told["said"] and OWN not in told["said"]
