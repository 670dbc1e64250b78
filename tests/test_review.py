"""The review store: what enters, who has which, what is decided, and what cannot be altered."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cityllm.config import ROOT
from cityllm.errors import AccessError, ReviewError
from cityllm.petitions.batch import run
from cityllm.petitions.calibrate import Line
from cityllm.petitions.held import Held, rank_of
from cityllm.petitions.intake import open_source
from cityllm.petitions.offers import CHUNK, offering
from cityllm.petitions.review import LEASE, Review
from cityllm.petitions.routing import Labeller
from cityllm.petitions.verdict import Final, Verdict
from cityllm.petitions.wrongdoing import OWN, WITHHELD
from cityllm.safety.access import Account
from cityllm.safety.vault import Vault
from tests.petition_day import KEY, TODAY, recipe, rows, write
from tests.small_classifier import make_small

LI, WANG = Account("li", "clerk"), Account("wang", "clerk")
CHIEF, AUDITOR = Account("zhao", "supervisor"), Account("qian", "auditor")
FINAL = Final("010204", ("城乡建设", "城市建设和市政管理", "城市公共设施"), "市城市管理局", "complaint", "petition")
CLOSED = Line(None, 0, why="没有本地已标注的数据。 / No labelled local rows.")


def queued(folder: Path, made: list[dict[str, str]], review: Review, name: str = "out.jsonl",
           make: Callable[[], Labeller] = make_small) -> list[dict[str, Any]]:
    """The output of a run that enters the store; nothing is routed without a person."""
    write(folder / "in.jsonl", made)
    out = folder / name
    with Vault(folder / "vault.sqlite", KEY) as vault:
        run(open_source(str(folder / "in.jsonl")), str(out), recipe(make, CLOSED), vault,
            folder / f"{name}.journal", TODAY, review=review)
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def now() -> list[float]:
    return [1_774_000_000.0]


@pytest.fixture
def review(tmp_path: Path, now: list[float]) -> Review:
    return Review(tmp_path / "review.sqlite", clock=lambda: now[0])


def test_the_store_is_made_at_its_first_use(tmp_path: Path) -> None:
    store = Review(tmp_path / "home" / "review.sqlite")
    assert not store.path.exists()
    assert store.waiting(10) == [] and store.path.is_file()


def decide(review: Review, who: Account, n: int, verdict: Verdict | None = None) -> None:
    held = review.take(who, n)
    review.decide(who, n, held.mark, verdict or Verdict("accepted", FINAL, "答复如下。"))


def unlinked(held: Held) -> dict[str, Any]:
    """The record but for what it is a copy of, which may be gone."""
    return held.told | {"duplicate_of": "", "again": ""}


# --- what enters


def test_what_waits_for_a_person_is_queued_by_urgency(tmp_path: Path, review: Review) -> None:
    made = [
        {"编号": "late", "内容": "幸福路的路灯坏了三天没有人修", "收到日期": "2026-03-02"},
        {"编号": "early", "内容": "人民广场的井盖破了没有人管", "收到日期": "2026-02-02"},
        {"编号": "unknown", "内容": "东风小学门口的垃圾没有清运"},
        {"编号": "danger", "内容": "我家楼上要坍塌了快来人", "收到日期": "2026-03-10"},
        {"编号": "crowd", "内容": "几百人明天集体上访讨薪", "收到日期": "2026-03-11"}]
    queued(tmp_path, made, review)
    waiting = review.waiting(100)
    assert [one.id for one in waiting[:5]] == ["danger", "crowd", "early", "late", "unknown"]
    assert waiting[-1].told["problem"], "a row that cannot be read waits for a person, last"
    keys = [(rank_of(one.told), one.due, one.told["received"] or str(TODAY)) for one in waiting]
    assert keys == sorted(keys)


def test_a_second_run_updates_what_changed_and_leaves_decisions_alone(
        tmp_path: Path, review: Review) -> None:
    made = rows(30)
    first = queued(tmp_path, made, review)
    before = {one.n: one for one in review.waiting(1000)}
    done, changed, gone = [one for one in before.values() if not one.told["problem"]][:3]
    decide(review, LI, done.n)
    numbers = {one["编号"]: at for at, one in enumerate(made)}
    for one in (done, changed):
        made[numbers[one.id]]["内容"] += "补充：还是没有人来。"
    del made[numbers[gone.id]]
    second = queued(tmp_path, made, review)
    assert len(second) == len(first) - 1
    held = review.get(done.n)
    assert held and held.state == "accepted" and "还是没有人来" in held.told["text"]
    told = next(one for one in second if one["id"] == done.id)
    assert (told["decision"], told["decided_department"], told["decided_by"], told["reply"]) == (
        "accepted", FINAL.department, "li", "答复如下。")
    again = review.get(changed.n)
    assert again and again.state == "waiting" and again.mark != changed.mark
    left = review.get(gone.n)
    assert left and left.state == "gone"
    apart = {done.n, changed.n, gone.n}
    now = {one.n: unlinked(one) for one in review.waiting(1000) if one.n not in apart}
    assert now == {n: unlinked(one) for n, one in before.items() if n not in apart}


def test_the_same_row_in_another_file_is_the_same_petition(tmp_path: Path, review: Review) -> None:
    made = rows(12)
    queued(tmp_path, made, review)
    first = review.waiting(1000)
    decide(review, LI, first[0].n)
    told = queued(tmp_path, [*made, {"编号": "new", "内容": "路灯坏了三天"}], review, "other.jsonl")
    assert len(review.waiting(1000)) == len(first)
    assert sum(one["decision"] == "accepted" for one in told) == 1
    # Another file may number its rows alike: those are other petitions.
    queued(tmp_path, [{"编号": first[1].id, "内容": "公交车等了一个小时"}], review, "third.jsonl")
    assert review.get(first[1].n) == first[1]


def test_a_run_without_the_store_has_empty_decisions(tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", rows(3))
    with Vault(tmp_path / "vault.sqlite", KEY) as vault:
        run(open_source(str(tmp_path / "in.jsonl")), str(tmp_path / "out.csv"), recipe(), vault,
            tmp_path / "journal", TODAY)
    assert "审核结论" in (tmp_path / "out.csv").read_text(encoding="utf-8-sig").splitlines()[0]


def test_nothing_personal_enters(tmp_path: Path, review: Review) -> None:
    made = rows(40)
    queued(tmp_path, made, review)
    held = review.path.read_bytes().decode("utf-8", "ignore")
    for row in made:
        assert row["姓名"] not in held


# --- who has which


def test_a_petition_is_held_by_one_and_given_back_by_time(tmp_path: Path, review: Review,
                                                           now: list[float]) -> None:
    queued(tmp_path, rows(6), review)
    first, second = (one.n for one in review.waiting(2))
    assert (one := review.take_next(LI)) and one.n == first
    assert (one := review.take_next(WANG)) and one.n == second
    with pytest.raises(ReviewError, match="li"):
        review.take(WANG, first)
    now[0] += LEASE - 1
    assert review.keep(LI, first)
    now[0] += 2
    assert not review.keep(WANG, second), "a lease that ended is not renewed"
    assert review.take(LI, second).n == second
    with pytest.raises(ReviewError):
        review.decide(WANG, second, "", Verdict("accepted", FINAL))
    review.release(LI, second)
    assert review.take(WANG, second).n == second


def test_next_goes_on_and_begins_again(tmp_path: Path, review: Review) -> None:
    queued(tmp_path, rows(8), review)
    line = [one.n for one in review.waiting(100)]
    seen, at = [], 0
    for _ in line:
        found = review.take_next(LI, at)
        assert found
        at = found.n
        seen.append(at)
    assert seen == line
    assert (one := review.take_next(LI, at)) and one.n == line[0]


def test_a_run_that_breaks_off_is_completed_by_the_next(tmp_path: Path, review: Review) -> None:
    told = queued(tmp_path, rows(3), review)[0]
    records = [(f"k{n}", told | {"id": f"x{n}"}) for n in range(2 * CHUNK + 50)]
    with pytest.raises(KeyboardInterrupt), offering(review, "b", "1", TODAY) as offers:
        for key, one in records[:CHUNK + 50]:
            offers.offer(key, one)
        raise KeyboardInterrupt
    assert review.counts()["waiting"] == 4 + CHUNK + 50
    for part in (records, records[:-1]):
        with offering(review, "b", "1", TODAY) as offers:
            for key, one in part:
                offers.offer(key, one)
        assert review.counts()["waiting"] == 4 + len(part)
    assert review.counts()["gone"] == 1


def test_two_threads_never_take_the_same(tmp_path: Path, review: Review) -> None:
    queued(tmp_path, rows(60), review)
    line = {one.n for one in review.waiting(1000)}

    def work(name: str) -> list[int]:
        me, mine = Account(name, "clerk"), []
        while held := review.take_next(me):
            mine.append(held.n)
            review.decide(me, held.n, held.mark, Verdict("returned", reason="重复"))
        return mine

    with ThreadPoolExecutor(4) as pool:
        taken = Counter(n for part in pool.map(work, "abcd") for n in part)
    assert set(taken) == line and set(taken.values()) == {1}
    checked = review.verify()
    assert (checked.entries, checked.broken) == (len(line), 0)


WORKER = """
import sys, time
from pathlib import Path
from cityllm.petitions.review import Review
from cityllm.petitions.verdict import Verdict
from cityllm.safety.access import Account
review, me = Review(Path(sys.argv[1])), Account(sys.argv[2], "clerk")
while held := review.take_next(me):
    print(held.n, flush=True)
    if me.name == "killed":
        time.sleep(600)
    review.decide(me, held.n, held.mark, Verdict("returned", reason="x"))
"""


@pytest.mark.slow
def test_two_processes_never_take_the_same_and_a_killed_one_loses_nothing(tmp_path: Path) -> None:
    review = Review(tmp_path / "review.sqlite")
    queued(tmp_path, rows(150), review)
    line = {one.n for one in review.waiting(1000)}

    def start(name: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", WORKER, str(review.path), name]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)

    with start("killed") as killed:
        assert killed.stdout
        held = int(killed.stdout.readline())
        killed.kill()
    workers = [start("li"), start("wang")]
    taken = [int(n) for worker in workers for n in worker.communicate(timeout=120)[0].split()]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert Counter(taken) == Counter(line - {held}), "each once; the one of the killed is kept"
    later = Review(review.path, clock=lambda: time.time() + LEASE)
    left = later.take_next(LI)
    assert left and left.n == held
    later.decide(LI, held, left.mark, Verdict("returned", reason="x"))
    assert Counter(entry.subject for entry in later.log(1000)) == Counter(line)
    assert later.verify().broken == 0


# --- what is decided


def test_a_decision_is_refused_for_what_was_changed_meanwhile(tmp_path: Path,
                                                              review: Review) -> None:
    made = [{"编号": "1", "内容": "路灯坏了三天没有人修"}]
    queued(tmp_path, made, review)
    held = next(one for one in review.waiting(9) if one.id == "1")
    review.take(LI, held.n)
    made[0]["内容"] += "已经有人摔倒。"
    queued(tmp_path, made, review)
    with pytest.raises(ReviewError, match="新的一次运行"):
        review.decide(LI, held.n, held.mark, Verdict("accepted", FINAL))
    fresh = review.get(held.n)
    assert fresh
    review.decide(LI, held.n, fresh.mark, Verdict("accepted", FINAL))
    with pytest.raises(ReviewError, match="处理过"):
        review.take(WANG, held.n)


def test_a_supervisor_undoes_by_a_further_entry_and_assigns(tmp_path: Path,
                                                            review: Review) -> None:
    queued(tmp_path, rows(4), review)
    n = review.waiting(1)[0].n
    decide(review, LI, n)
    review.undo(CHIEF, n, "单位错了")
    review.assign(CHIEF, n, "wang", "请他看")
    with pytest.raises(ReviewError, match="wang"):
        review.take(LI, n)
    assert (other := review.take_next(LI)) and other.n != n
    decide(review, WANG, n, Verdict("changed", FINAL))
    assert [entry.action for entry in review.history(n)] == [
        "accepted", "undone", "assigned", "changed"]
    held = review.get(n)
    assert held and held.told["decided_by"] == "wang"
    assert review.history(n)[0].body["proposed"]["department"] == held.told["department"]


def test_roles_do_what_they_may_and_nothing_else(tmp_path: Path, review: Review) -> None:
    queued(tmp_path, rows(4), review)
    n = review.waiting(1)[0].n
    for who in (AUDITOR, Account("p", "planner"), Account("e", "enterprise")):
        for attempt in (lambda w: review.take(w, n), review.take_next,
                        lambda w: review.decide(w, n, "", Verdict("accepted", FINAL)),
                        lambda w: review.undo(w, n, "x"), lambda w: review.assign(w, n, "", "x"),
                        lambda w: review.opened(w, n, "x")):
            with pytest.raises(AccessError, match=who.role):
                attempt(who)
    for attempt in (lambda w: review.undo(w, n, "x"), lambda w: review.assign(w, n, "", "x"),
                    lambda w: review.opened(w, n, "x")):
        with pytest.raises(AccessError, match="supervisor"):
            attempt(LI)
    assert review.log(9) == []
    assert review.opened(CHIEF, n, "核对地址")
    assert review.log(9)[0].body["reason"] == "核对地址"


def test_what_a_clerk_makes_a_report_is_withheld_everywhere(tmp_path: Path, review: Review) -> None:
    made = [{"编号": "1", "标题": "路灯工程", "内容": "路灯坏了三天没有人修，据说钱进了别人腰包"}]
    queued(tmp_path, made, review)
    held = next(one for one in review.waiting(9) if one.id == "1")
    final = Final(FINAL.code, FINAL.category, OWN, "report", "discipline")
    decide(review, LI, held.n, Verdict("changed", final))
    told = next(one for one in queued(tmp_path, made, review) if one["id"] == "1")
    for shown in (told, (review.get(held.n) or held).told,
                  next(one for one in review.records() if one["id"] == "1")):
        assert (shown["title"], shown["text"], shown["summary"]) == (WITHHELD,) * 3
    assert "腰包" not in (tmp_path / "out.jsonl").read_text(encoding="utf-8")
    assert review.decided(9, "路灯坏了") == []


# --- the chain


def test_the_log_cannot_be_changed_and_shows_where_it_was(tmp_path: Path, review: Review) -> None:
    queued(tmp_path, rows(10), review)
    for one in review.waiting(5):
        decide(review, LI, one.n)
    head = review.verify().head
    base = sqlite3.connect(review.path)
    for attempt in ("UPDATE decisions SET who = 'x' WHERE seq = 2", "DELETE FROM decisions"):
        with pytest.raises(sqlite3.IntegrityError, match="only grows"):
            base.execute(attempt)
    base.execute("DROP TRIGGER decisions_update")
    base.execute("DROP TRIGGER decisions_delete")
    base.execute("UPDATE decisions SET who = 'x' WHERE seq = 3")
    base.commit()
    assert review.verify().broken == 3
    base.execute("UPDATE decisions SET who = 'li' WHERE seq = 3")
    base.commit()
    assert (review.verify().broken, review.verify().head) == (0, head)
    base.execute("DELETE FROM decisions WHERE seq = 5")
    base.commit()
    assert review.verify().broken == 5, "a petition stands decided by an entry that is not there"
    base.close()
