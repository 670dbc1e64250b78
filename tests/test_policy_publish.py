"""A draft is published by two persons, or not at all; what changed is told clause by clause."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cityllm.cli import main
from cityllm.config import ROOT
from cityllm.errors import AccessError, DraftError, PolicyFileError
from cityllm.policies.drafting.diff import Change, differences
from cityllm.policies.drafting.file import dump, read_draft, rule_of, with_fixtures, write_draft
from cityllm.policies.drafting.phrases import Phrases
from cityllm.policies.drafting.proposal import propose
from cityllm.policies.drafting.publish import Persons, Publications
from cityllm.policies.fields import Dictionary
from cityllm.policies.located import read_yaml
from cityllm.policies.ruleset import RuleSet
from cityllm.safety.access import Accounts
from tests.test_policy_draft import DAY, TEXT

DICTIONARY = Dictionary.load(ROOT / "rag_corpus")
TWO = Persons("wang", "li")


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    folder = tmp_path / "pack"
    (folder / "policies").mkdir(parents=True)
    for name in ("fields", "drafting"):
        shutil.copytree(ROOT / "rag_corpus/policies" / name, folder / "policies" / name)
    for name in ("fields.yaml", "xiaoxing-weili-suodeshui.yaml"):
        shutil.copy(ROOT / "rag_corpus/policies" / name, folder / "policies" / name)
    return folder


@pytest.fixture
def draft(tmp_path: Path, pack: Path) -> Path:
    made = propose(TEXT, Phrases.load(pack, DICTIONARY), "shili-buzhu")
    file = tmp_path / "shili-buzhu.draft.yaml"
    file.write_text(write_draft(made, TEXT, "a.txt", DICTIONARY, DAY), encoding="utf-8")
    return file


def settle(file: Path) -> Path:
    file.write_text(file.read_text(encoding="utf-8").replace("state: unsure", "state: settled"),
                    encoding="utf-8")
    return file


def changed(file: Path, change: Any, *, fixtures: bool = True) -> Path:
    data = read_yaml(file).data
    change(data["policy"])
    if fixtures:
        data["policy"] = with_fixtures(data["policy"], DICTIONARY, DAY)
    file.write_text(dump(data), encoding="utf-8")
    return file


@pytest.fixture
def log(tmp_path: Path) -> Publications:
    return Publications(tmp_path / "publications.sqlite", clock=lambda: 1_790_000_000.0)


def test_a_settled_draft_becomes_a_policy_of_the_pack(draft: Path, pack: Path,
                                                       log: Publications) -> None:
    entry = log.publish(read_draft(settle(draft), DICTIONARY), pack, DICTIONARY, TWO)
    rules = RuleSet.load(pack)
    assert rules.get("shili-buzhu").title.zh == "示例市研发成长补助办法"
    assert (entry.who, entry.body["approved_by"], entry.body["before"]) == ("wang", "li", "")
    assert entry.body["rule"] == rules.files["shili-buzhu"].read_text(encoding="utf-8")
    checked, otherwise = log.verify(pack)
    assert (checked.entries, checked.broken, otherwise) == (1, 0, [])


def test_what_is_unsure_is_refused_and_named(draft: Path, pack: Path, log: Publications) -> None:
    with pytest.raises(DraftError, match=r"title\.en"):
        log.publish(read_draft(draft, DICTIONARY), pack, DICTIONARY, TWO)
    assert not (pack / "policies" / "shili-buzhu.yaml").exists()
    assert log.entries() == []


@pytest.mark.parametrize("second", ["wang", "WANG", " wang ", "ｗａｎｇ"])
def test_one_person_cannot_be_both(draft: Path, pack: Path, log: Publications,
                                   second: str) -> None:
    with pytest.raises(DraftError, match="第二个人"):
        log.publish(read_draft(settle(draft), DICTIONARY), pack, DICTIONARY,
                    Persons("wang", second))


def test_nobody_is_no_second_person(draft: Path, pack: Path, log: Publications) -> None:
    with pytest.raises(AccessError):
        log.publish(read_draft(settle(draft), DICTIONARY), pack, DICTIONARY, Persons("wang", ""))


def test_a_rule_that_no_longer_fits_its_fixtures_is_refused(draft: Path, pack: Path,
                                                            log: Publications) -> None:
    def lower(rule: dict[str, Any]) -> None:
        next(one for one in rule["clauses"] if one["id"] == "revenue")["when"]["at_least"] = "1000万"

    changed(settle(draft), lower, fixtures=False)
    with pytest.raises(DraftError, match="revenue"):
        log.publish(read_draft(draft, DICTIONARY), pack, DICTIONARY, TWO)
    changed(draft, lambda rule: None)
    log.publish(read_draft(draft, DICTIONARY), pack, DICTIONARY, TWO)


def test_a_rule_that_cannot_stand_in_the_pack_leaves_it_as_it_was(draft: Path, pack: Path,
                                                                  log: Publications) -> None:
    log.publish(read_draft(settle(draft), DICTIONARY), pack, DICTIONARY, TWO)
    before = (pack / "policies" / "shili-buzhu.yaml").read_bytes()
    changed(draft, lambda rule: rule.update(stacking={"excludes": ["no-such-policy"]}))
    with pytest.raises(DraftError, match="no-such-policy"):
        log.publish(read_draft(draft, DICTIONARY), pack, DICTIONARY, TWO)
    assert (pack / "policies" / "shili-buzhu.yaml").read_bytes() == before
    assert len(log.entries()) == 1


def test_killed_before_the_file_is_written_the_log_tells_that_it_is_missing(
        draft: Path, pack: Path, log: Publications, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cityllm.policies.drafting.publish.os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        log.publish(read_draft(settle(draft), DICTIONARY), pack, DICTIONARY, TWO)
    assert log.verify(pack)[1] == ["shili-buzhu"]
    monkeypatch.undo()
    log.publish(read_draft(draft, DICTIONARY), pack, DICTIONARY, TWO)
    assert log.verify(pack)[1] == []


def test_a_changed_log_and_a_changed_pack_are_found(draft: Path, pack: Path,
                                                    log: Publications) -> None:
    log.publish(read_draft(settle(draft), DICTIONARY), pack, DICTIONARY, TWO)
    file = pack / "policies" / "shili-buzhu.yaml"
    file.write_text(file.read_text(encoding="utf-8") + "# by hand\n", encoding="utf-8")
    assert log.verify(pack)[1] == ["shili-buzhu"]
    with sqlite3.connect(log.path) as db:
        with pytest.raises(sqlite3.IntegrityError, match="only grows"):
            db.execute("UPDATE publications SET who = 'zhao'")
        db.execute("DROP TRIGGER publications_update")
        db.execute("UPDATE publications SET who = 'zhao'")
    assert log.verify(pack)[0].broken == 1


def test_the_wrong_key_of_a_draft_is_named_with_its_line(draft: Path) -> None:
    text = draft.read_text(encoding="utf-8")
    draft.write_text(text.replace("  region: 浙江", "  regoin: 浙江", 1), encoding="utf-8")
    line = text[:text.index("  region: 浙江")].count("\n") + 1
    with pytest.raises(PolicyFileError, match=f"第 {line} 行，regoin.*region"):
        read_draft(draft, DICTIONARY)


# --- what changed


def told(draft: Path, change: Any) -> list[Change]:
    old = rule_of(draft, DICTIONARY)
    return differences(old, rule_of(changed(draft, change), DICTIONARY), DICTIONARY, DAY)


def clause(rule: dict[str, Any], id_: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in rule["clauses"] if one["id"] == id_)
    return found


def test_a_lower_threshold_says_who_comes_in(draft: Path) -> None:
    [one] = told(draft, lambda rule: clause(rule, "revenue")["when"].update(at_least="1000万"))
    assert (one.part, one.way) == ("revenue", "looser")
    assert "20,000,000 元" in one.zh
    assert "10,000,000 元" in one.zh
    assert "新符合" in one.zh
    assert "now meet" in one.en


@pytest.mark.parametrize(("id_", "bounds", "way"), [
    ("revenue", {"at_least": "3000万"}, "stricter"), ("rd_spend", {"at_least": "3%"}, "looser"),
    ("rd_spend", {"at_least": "6%"}, "stricter"), ("established", {"at_least": 2}, "looser"),
    ("social_insured", {"at_least": 20, "at_most": 300}, "stricter")])
def test_each_threshold_knows_which_way_it_moved(draft: Path, id_: str, bounds: dict[str, Any],
                                                 way: str) -> None:
    [one] = told(draft, lambda rule: clause(rule, id_)["when"].update(bounds))
    assert (one.part, one.way) == (id_, way)


def test_a_bound_that_no_longer_includes_its_figure_is_stricter(draft: Path) -> None:
    def strict(rule: dict[str, Any]) -> None:
        clause(rule, "revenue")["when"] = {"field": "revenue@-1", "more_than": "2000万"}

    [one] = told(draft, strict)
    assert one.way == "stricter"


def test_clauses_benefit_and_days_that_changed_are_told(draft: Path) -> None:
    def change(rule: dict[str, Any]) -> None:
        rule["clauses"] = [one for one in rule["clauses"] if one["id"] != "social_insured"]
        rule["clauses"].append({"id": "capital", "zh": "注册资本", "en": "Capital",
                                "place": {"at": "x"},
                                "when": {"field": "registered_capital", "at_least": "100万"}})
        rule["benefit"]["amount"]["cap"] = "60万"
        rule["valid"]["to"] = date(2028, 12, 31)

    found = {one.part: one.way for one in told(draft, change)}
    assert found == {"social_insured": "looser", "capital": "stricter", "benefit": "other",
                     "valid": "other"}


def test_an_amount_that_changed_is_told_from_the_rule(draft: Path) -> None:
    [one] = told(draft, lambda rule: rule["benefit"]["amount"].update(cap="80万"))
    assert (one.part, "cap: 50万" in one.zh, "cap: 80万" in one.en) == ("benefit", True, True)


def test_equal_versions_have_no_difference(draft: Path) -> None:
    assert told(draft, lambda rule: None) == []


# --- the commands


def run(*words: object) -> None:
    main(["policy", *map(str, words)])


def test_the_commands_from_text_to_published(tmp_path: Path, pack: Path,
                                             monkeypatch: pytest.MonkeyPatch,
                                             capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CITYLLM_HOME", str(tmp_path / "home"))
    text, out = tmp_path / "原文.txt", tmp_path / "shili-buzhu.yaml"
    text.write_text(TEXT, encoding="utf-8")
    with pytest.raises(SystemExit):
        run("draft", text, "--out", out, "--pack", pack, "--as-of", DAY)
    assert "条件 9 处" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        run("publish", out, "--by", "wang", "--approved-by", "li", "--pack", pack)
    assert ended.value.code == 1
    assert "title.en" in capsys.readouterr().err
    settle(out)
    with pytest.raises(SystemExit) as ended:
        run("publish", out, "--by", "wang", "--approved-by", "li", "--pack", pack)
    assert ended.value.code == 0
    assert "没有核对" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        run("published", "--pack", pack)
    assert ended.value.code == 0
    assert "wang → li" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        run("diff", pack / "policies" / "shili-buzhu.yaml", out, "--pack", pack)
    assert "No difference" in capsys.readouterr().out


def test_where_there_are_accounts_the_second_person_signs_in(
        tmp_path: Path, pack: Path, draft: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("CITYLLM_HOME", str(home))
    home.mkdir()
    accounts = Accounts(home / "accounts.sqlite")
    accounts.add("wang", "a long password", "planner")
    accounts.add("li", "another password", "supervisor")
    settle(draft)

    def publish(by: str, second: str, password: str) -> tuple[object, str]:
        monkeypatch.setattr("cityllm.terminal.ask_password", lambda **_: password)
        with pytest.raises(SystemExit) as ended:
            run("publish", draft, "--by", by, "--approved-by", second, "--pack", pack)
        return ended.value.code, capsys.readouterr().err

    assert publish("zhao", "li", "another password")[0] == 1
    assert publish("wang", "li", "wrong password")[0] == 1
    assert "supervisor" in publish("li", "wang", "a long password")[1]
    assert publish("wang", "li", "another password")[0] == 0
    [entry] = Publications(home / "publications.sqlite").entries()
    assert entry.body["approval_checked"] is True
