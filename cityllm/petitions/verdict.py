"""What a clerk decides of a petition, and what may be decided: names from the pack's own lists.

A category is a leaf of the taxonomy, a department one of the duty list, in the form it has for the
petition's district. A report that accuses an office goes to a body of discipline inspection; one
whose words are withheld is left as it is proposed, unless a supervisor decides, who may read the
original.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast, get_args

from cityllm.errors import ReviewError
from cityllm.petitions.record import Jurisdiction, Kind, Risk
from cityllm.petitions.taxonomy import Duties, Taxonomy
from cityllm.petitions.wrongdoing import HIGHER, OWN, WITHHELD
from cityllm.safety.access import Role

Outcome = Literal["accepted", "changed", "returned"]
READ_REPORTS: tuple[Role, ...] = ("supervisor", "admin")
"""Who may open an original, and so say that a report of wrongdoing is none."""
REASON = 500
"""Characters of a reason."""
REPLY = 8000


@dataclass(frozen=True)
class Final:
    """The labels that stand after a decision."""

    code: str
    category: tuple[str, ...]
    department: str
    kind: Kind
    jurisdiction: Jurisdiction
    risks: tuple[Risk, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """A decision. `final` is None for one that is sent back; `reply` is the text that goes out."""

    outcome: Outcome
    final: Final | None = None
    reply: str = ""
    reason: str = ""

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {"outcome": self.outcome, "final": asdict(self.final) if self.final else None,
                "reply": self.reply, "reason": self.reason}


@dataclass(frozen=True)
class Choices:
    """The pick lists of a pack."""

    tree: Taxonomy
    duties: Duties

    @classmethod
    def load(cls, pack: Path) -> Choices:
        """From the pack's taxonomy and duty list. ConfigError where one cannot be read."""
        return cls(Taxonomy.load(pack), Duties.load(pack))

    @cached_property
    def categories(self) -> dict[str, str]:
        """Code of each leaf -> its names from the top."""
        parents = {code[:-2] for code in self.tree.names}
        return {code: " / ".join(self.tree.path(code)) for code in sorted(self.tree.names)
                if code not in parents}

    def departments(self, told: Mapping[str, Any]) -> tuple[str, ...]:
        """The departments that a record may go to, the proposed one first."""
        if told["text"] == WITHHELD:
            return tuple(dict.fromkeys(one for one in (told["department"], OWN, HIGHER) if one))
        return tuple(dict.fromkeys(one for one in (
            told["department"], *self.duties.names(told["district"]), OWN, HIGHER) if one))

    def all_departments(self, told: Mapping[str, Any]) -> tuple[str, ...]:
        """The same for who may read originals."""
        return tuple(dict.fromkeys((*self.departments(told),
                                    *self.duties.names(told["district"]))))

    def proposed(self, told: Mapping[str, Any]) -> Final:
        """What the program proposes. ReviewError where that is not enough to be accepted."""
        if told["problem"] or told["code"] not in self.categories:
            raise ReviewError("这一件没有可以接受的分类建议。请按 C 自己选，或按 R 退回。",
                              "There is no category to accept. Press C to choose one, or R to "
                              "send it back.")
        if not told["department"]:
            raise ReviewError("这一件没有建议承办单位，不能直接接受。请按 C 选一个。",
                              "No department is proposed, so it cannot be accepted as it is. Press "
                              "C to choose one.")
        return Final(told["code"], tuple(told["category"]), told["department"], told["kind"],
                     told["jurisdiction"], tuple(told["risks"]))

    def chosen(self, told: Mapping[str, Any], form: Mapping[str, Any], role: Role) -> Final:
        """What a form says; ReviewError names what is not on a list."""
        said = str(form.get("category", "")).strip()
        code = said.split(" ")[0]
        if code not in self.categories:
            code = next((one for one, name in self.categories.items() if name == said), "")
        if not code:
            raise _unknown("类别", "category", said)
        kind = _one_of(form.get("kind"), get_args(Kind), "性质", "kind")
        way = _one_of(form.get("jurisdiction"), get_args(Jurisdiction), "途径", "procedure")
        risks = tuple(_one_of(one, get_args(Risk), "风险", "risk")
                      for one in cast(Sequence[object], form.get("risks") or ()))
        department = str(form.get("department", "")).strip()
        secret = kind == "report"
        if told["text"] == WITHHELD and not secret and role not in READ_REPORTS:
            raise ReviewError("内容不显示的检举控告件，性质只有主管能改：要先看原件。请交给主管，或按建议接受。",
                              "Only a supervisor may change the kind of a report whose words are "
                              "withheld, since the original has to be read first.")
        allowed = self.all_departments(told) if role in READ_REPORTS else self.departments(told)
        if secret:
            allowed = tuple(dict.fromkeys(one for one in (
                told["department"] if told["text"] == WITHHELD else "", OWN, HIGHER) if one))
        if department not in allowed:
            if secret:
                raise ReviewError(f"检举控告只能送{'、'.join(allowed)}，不送被检举的单位。",
                                  f"A report of wrongdoing goes only to: {', '.join(allowed)}.")
            raise _unknown("承办单位", "department", department)
        return Final(code, self.tree.path(code), department, cast(Kind, kind),
                     cast(Jurisdiction, way), cast("tuple[Risk, ...]", risks))


def reason_of(words: str, *, needed: bool) -> str:
    """A reason, cut to what is kept; ReviewError where one is needed and none is given."""
    plain = " ".join(words.split())[:REASON]
    if needed and not plain:
        raise ReviewError("请写明理由。", "Please give a reason.")
    return plain


def withheld(told: Mapping[str, Any]) -> dict[str, Any]:
    """A record without its words where a person decided that it is a report which accuses an
    office; any other as it is (the batch leaves the words out itself)."""
    if told.get("decided_kind") != "report":
        return dict(told)
    return {**told, "title": WITHHELD, "text": WITHHELD, "place": "", "extra": {}, "reasons": [],
            "grounds": [], "summary": WITHHELD, "draft": "", "reply": ""}


def taught(records: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Rows to train on, of the records that a person accepted or changed: `{title, text, label}`
    and the other labels, with what was proposed. Withheld words teach nothing and are left out."""
    for told in records:
        if told["decision"] in ("accepted", "changed") and told["text"] != WITHHELD:
            yield {"id": told["id"], "title": told["title"], "text": told["text"],
                   "label": told["decided_code"], "department": told["decided_department"],
                   "kind": told["decided_kind"], "jurisdiction": told["decided_jurisdiction"],
                   "risks": told["decided_risks"], "proposed": told["code"],
                   "confidence": told["confidence"]}


def same(first: Final, second: Final) -> bool:
    """Whether two decisions say the same, whatever the order of risks."""
    plain = [replace(one, risks=cast("tuple[Risk, ...]", tuple(sorted(one.risks))))
             for one in (first, second)]
    return plain[0] == plain[1]


def _one_of(value: object, allowed: Sequence[str], zh: str, en: str) -> str:
    if value not in allowed:
        raise _unknown(zh, en, str(value))
    return str(value)


def _unknown(zh: str, en: str, value: str) -> ReviewError:
    if not value:
        return ReviewError(f"请选择{zh}。", f"Please choose a {en}.")
    return ReviewError(f"{zh}“{value[:60]}”不在列表里。请从列表里选。",
                       f'The {en} "{value[:60]}" is not on the list. Choose one of the list.')
