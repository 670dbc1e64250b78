"""Publishing a draft: a second person approves, the rule goes into the pack, a log records it.

The log is a chain of hashes like that of decisions on petitions (`cityllm.safety.chain`). An entry
holds who published, who approved, the hashes of the text, of the draft and of the rule before, and
the rule itself as published, so that every version can be had again. What is still unsure in the
draft, a fixture that fails, and one person in both parts are refused.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cityllm.errors import DraftError
from cityllm.policies.drafting.file import DraftFile, dump
from cityllm.policies.fields import Dictionary
from cityllm.policies.fixtures import run_fixtures
from cityllm.policies.ruleset import RuleSet
from cityllm.safety.access import normalise
from cityllm.safety.chain import Chain, Checked, Entry, writing

_TABLE = "CREATE TABLE IF NOT EXISTS subjects (n INTEGER PRIMARY KEY, policy TEXT NOT NULL UNIQUE)"


@dataclass(frozen=True, slots=True)
class Persons:
    """Who publishes and who approved; `checked` says that the second gave a password."""

    by: str
    approved_by: str
    checked: bool = False


class Publications:
    """The log at `path`, made when missing. `clock` gives seconds since 1970."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._clock = clock
        self._chain = Chain("publications")
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=10.0)) as db, db:
            db.execute(_TABLE)
            self._chain.make(db)

    def publish(self, draft: DraftFile, pack: Path, dictionary: Dictionary,
                persons: Persons) -> Entry:
        """Record the rule, then put it into the pack. DraftError for why not.

        Killed in between, the log has an entry whose file `verify` misses; a rule in the pack that
        no entry stands for cannot come about.
        """
        _two(persons)
        ready(draft, dictionary)
        target = pack / "policies" / f"{draft.policy.id}.yaml"
        _stands(draft, target.parent)
        text = dump(draft.rule)
        before = hashlib.sha256(target.read_bytes()).hexdigest() if target.is_file() else ""
        part = target.with_suffix(".part")
        part.write_text(text, encoding="utf-8")
        at = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="seconds")
        with writing(self.path) as db:
            db.execute("INSERT OR IGNORE INTO subjects (policy) VALUES (?)", (draft.policy.id,))
            subject = db.execute("SELECT n FROM subjects WHERE policy = ?",
                                 (draft.policy.id,)).fetchone()[0]
            entry = self._chain.add(
                db, at, persons.by, "publisher", subject, "published", {
                    "policy": draft.policy.id, "approved_by": persons.approved_by,
                    "approval_checked": persons.checked, "text": draft.marks.text.sha256,
                    "draft": hashlib.sha256(draft.file.read_bytes()).hexdigest(),
                    "before": before, "settled": [one.id for one in draft.marks.open],
                    "rule": text})
        os.replace(part, target)
        return entry

    def entries(self) -> list[Entry]:
        """All that was published, oldest first."""
        with closing(sqlite3.connect(self.path, timeout=10.0)) as db:
            return list(self._chain.entries(db))

    def verify(self, pack: Path) -> tuple[Checked, list[str]]:
        """Check the chain, and which policies of the pack are not as they were last published."""
        with closing(sqlite3.connect(self.path, timeout=10.0)) as db:
            checked = self._chain.verify(db)
            last = {one.body["policy"]: one.body["rule"] for one in self._chain.entries(db)}
        otherwise = [id_ for id_, rule in last.items()
                     if not (file := pack / "policies" / f"{id_}.yaml").is_file()
                     or file.read_text(encoding="utf-8") != rule]
        return checked, otherwise


def ready(draft: DraftFile, dictionary: Dictionary) -> None:
    """Raise DraftError unless all is settled and every fixture comes out as it says."""
    if draft.unsure:
        zh = "\n".join(f"  {one.id}：{one.zh}" for one in draft.unsure)
        en = "\n".join(f"  {one.id}: {one.en}" for one in draft.unsure)
        raise DraftError(
            f"{draft.file} 还有 {len(draft.unsure)} 处没有定：\n{zh}\n改好 policy，再把各处的 state 写成 settled。",
            f"{draft.file} has {len(draft.unsure)} points that are open:\n{en}\nMend the policy, "
            "then set the state of each to settled.")
    rules = RuleSet({draft.policy.id: draft.policy}, dictionary)
    wrong = [one for one in run_fixtures(rules) if one.faults]
    if wrong:
        shown = "\n".join(f"  {one.fixture.name}：{'；'.join(one.faults)}" for one in wrong[:10])
        raise DraftError(
            f"{len(wrong)} 个样例不符：\n{shown}\n边界样例用 cityllm policy draft {draft.file} 重新生成，其余请改正。",
            f"{len(wrong)} fixtures are wrong:\n{shown}\ncityllm policy draft {draft.file} makes "
            "those at the edges anew; mend the others.")


def _stands(draft: DraftFile, folder: Path) -> None:
    """Raise DraftError where the rule excludes a policy that the pack does not have."""
    for other in draft.policy.stacking.excludes:
        if other == draft.policy.id or not (folder / f"{other}.yaml").is_file():
            raise DraftError(f"stacking.excludes：没有政策 {other}。cityllm policy list 列出全部。",
                             f"stacking.excludes: there is no policy {other}. cityllm policy list "
                             "shows them all.")


def _two(persons: Persons) -> None:
    first, second = normalise(persons.by), normalise(persons.approved_by)
    if not first or not second:
        raise DraftError("发布人和批准人都要写：--by 和 --approved-by。",
                         "Both are needed: --by and --approved-by.")
    if first.casefold() == second.casefold():
        raise DraftError(f"{first} 不能批准自己发布的政策，要第二个人批准。",
                         f"{first} cannot approve a policy of their own: a second person must.")
