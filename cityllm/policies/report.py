"""A report as a Word file that a firm can take along: what it can get, why, and what to bring.

Every policy that is met, waits for a datum or can be come by is told clause by clause with its
source; the others are counted. Every figure is that of the rules, no model wrote any of it, and the
report says that a person decides. It holds what was told of the enterprise: it is the firm's own.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

from cityllm.policies.describe import WORDS
from cityllm.policies.explain import Words
from cityllm.policies.export import hopeless
from cityllm.policies.figures import show_yuan
from cityllm.policies.policy import Policy
from cityllm.policies.service import Match, PolicyService, Report

if TYPE_CHECKING:
    from docx.document import Document as Paper

FONT = "Noto Sans CJK SC"
_SAID = {
    "title": ("{firm}能享受的政策", "Policies for {firm}"),
    "firm": ("本企业", "an enterprise"),
    "day": ("规则按 {day} 这一天计算。", "Worked out by the rules of {day}."),
    "decides": ("本报告由规则逐条计算，没有用模型；是否给予，由主管部门的人决定。申请前请向主管部门核实条件和截止日期。",
                "Worked out clause by clause from rules, by no model. A person of the office in "
                "charge decides: ask there about conditions and dates before you apply."),
    "told": ("一、企业情况（由企业提供，未经核实）", "1. The enterprise, as it was told; not verified"),
    "nothing": ("没有填写", "nothing was told"),
    "overview": ("二、结果一览", "2. Result"),
    "each": ("三、逐项说明", "3. Policy by policy"),
    "left_out": ("另有 {n} 项不符合，企业自己改变不了，这里不列。",
                 "{n} more are not met and the enterprise cannot change that: not listed here."),
    "none": ("没有可列的政策。", "There is no policy to list."),
    "best": ("能同时享受的最好组合：{names}，共 {total}。",
             "The best combination: {names}, {total} together."),
    "missing": ("还缺的信息", "Still missing"),
    "holder": ("{label}（{holder}掌握）", "{label} (held by: {holder})"),
    "change": ("怎样就能符合", "What would change the result"),
    "papers": ("要带的材料", "Papers to bring"),
    "steps": ("怎么办", "Steps"),
    "window": ("申报时间", "When to apply"),
    "no_window": ("没有查到申报时间，请向主管部门了解", "no window is known: ask the office in charge"),
    "valid": ("有效期", "Validity"),
    "open": ("长期", "no end"),
    "unknown": ("未确认", "not confirmed"),
    "source": ("政策文件", "Document"),
    "note": ("说明", "Note"),
    "gives": ("给什么", "Benefit"),
    "unknown_value": ("未知", "unknown"),
    "judged": ("由主管部门判断", "for the office in charge to judge"),
    "apart": ("不能同时享受", "Not together with"),
}
_OVERVIEW = {"zh": ("政策", "结果", "金额", "申报"), "en": ("Policy", "Result", "Amount", "Apply")}
_CLAUSES = {"zh": ("", "条件", "企业的情况", "要求", "出处"),
            "en": ("", "Condition", "Value", "Required", "Source")}
_SIGNS = {"met": "✓", "not_met": "✗", "unknown": "?"}


def docx(service: PolicyService, report: Report, language: str = "zh") -> bytes:
    """The report as the bytes of a Word file, `zh` or `en`."""
    return _Writer(service, report, language).content()


class _Writer:
    """One report, written from top to bottom."""

    def __init__(self, service: PolicyService, report: Report, language: str) -> None:
        self.service = service
        self.report = report
        self.language = "en" if language == "en" else "zh"
        self.words = Words(service, self.language)
        self.paper = _paper()

    def content(self) -> bytes:
        paper, report = self.paper, self.report
        name = report.enterprise.name or self._say("firm")
        paper.add_heading(_clean(self._say("title", firm=name)), 0)
        self._text(self._say("day", day=report.as_of))
        self._text(self._say("decides"))
        self._told()
        shown = [one for one in report.matches if not hopeless(one)]
        self._overview(shown)
        if shown:
            paper.add_heading(self._say("each"), 1)
        for match in shown:
            self._policy(match)
        self._text(self._say("decides"))
        out = io.BytesIO()
        paper.save(out)
        return out.getvalue()

    def _told(self) -> None:
        self.paper.add_heading(self._say("told"), 1)
        dictionary = self.service.rules.dictionary
        rows = [(self.service.describer.label(column, self.language),
                 dictionary.field_of(column).show(value, self.language))
                for column, value in self.report.enterprise.values.items()
                if not column.startswith("judge:")]
        if self.report.enterprise.id:
            rows.insert(0, ("编号" if self.language == "zh" else "Id", self.report.enterprise.id))
        if rows:
            self._table(rows)
        else:
            self._text(self._say("nothing"))

    def _overview(self, shown: Sequence[Match]) -> None:
        self.paper.add_heading(self._say("overview"), 1)
        best = self.report.best
        if best.chosen:
            self._text(self._say("best", names=self._titles(best.chosen),
                                 total=show_yuan(best.total, self.language)))
        rows = [(self._title(one.result.bound.policy), self.words.verdict(one),
                 self.words.money(one), self.words.window(one)) for one in shown]
        if rows:
            self._table(rows, _OVERVIEW[self.language])
        else:
            self._text(self._say("none"))
        if left := len(self.report.matches) - len(shown):
            self._text(self._say("left_out", n=left))

    def _policy(self, match: Match) -> None:
        policy, language = match.result.bound.policy, self.language
        self.paper.add_heading(_clean(self._title(policy)), 2)
        head = [self.words.verdict(match), self.words.money(match)]
        self._text((", " if language == "en" else "，").join(one for one in head if one), bold=True)
        self._fact("gives", policy.benefit.say(language))
        self._fact("note", policy.note.say(language) if policy.note else "")
        self._table(list(self._clauses(match)), _CLAUSES[language])
        self._items("missing", self._missing(match))
        self._fact("change", self.words.near(match))
        self._fact("apart", self._titles(match.excluded_by))
        self._items("papers", [one.say(language) for one in match.papers])
        self._items("steps", [one.say(language) for one in policy.steps])
        self._fact("window", self.words.window(match) or self._say("no_window"))
        self._fact("valid", " – ".join(self._day(one)
                                       for one in (policy.valid.from_, policy.valid.to)))
        source = policy.source
        self._fact("source", " ".join(one for one in (
            f"《{source.title}》{policy.number}", policy.issuer, source.url) if one))

    def _clauses(self, match: Match) -> Iterable[Sequence[str]]:
        values = match.result.enterprise.values
        for found in match.result.clauses:
            checks = self.service.describer.checks(found.node, values, self.language)
            has, wanted = [], []
            for one in checks:
                lead = f"{one.what}{'：' if self.language == 'zh' else ': '}"
                has.append(lead + (one.value or self._say("unknown_value"))
                           + (f" ({one.gap})" if one.gap else ""))
                wanted.append(one.threshold or one.what)
            yield (_SIGNS[WORDS[found.met]], found.clause.say(self.language), "\n".join(has),
                   "\n".join(wanted),
                   self.words.place(found.clause.place, match.result.bound.policy))

    def _missing(self, match: Match) -> list[str]:
        dictionary, result = self.service.rules.dictionary, match.result
        columns = [*(result.missing if result.verdict == "unknown" else ()), *result.for_amount]
        lines = []
        for column in dict.fromkeys(columns):
            label = self.service.describer.label(column, self.language)
            if column.startswith("judge:"):
                lines.append(f"{label} ({self._say('judged')})")
            else:
                holder = dictionary.holders[dictionary.field_of(column).holder].say(self.language)
                lines.append(self._say("holder", label=label, holder=holder))
        return lines

    def _title(self, policy: Policy) -> str:
        return policy.title.say(self.language)

    def _titles(self, ids: Iterable[str]) -> str:
        comma = ", " if self.language == "en" else "、"
        return comma.join(self._title(self.service.rules.get(one)) for one in ids)

    def _day(self, day: date | str) -> str:
        return self._say(day) if isinstance(day, str) else day.isoformat()

    def _say(self, name: str, **values: object) -> str:
        return _SAID[name][self.language == "en"].format(**values)

    # --- paper

    def _text(self, words: str, *, bold: bool = False) -> None:
        self.paper.add_paragraph().add_run(_clean(words)).bold = bold

    def _fact(self, head: str, words: str) -> None:
        if words:
            line = self.paper.add_paragraph()
            line.add_run(self._say(head) + ("：" if self.language == "zh" else ": ")).bold = True
            line.add_run(_clean(words))

    def _items(self, head: str, lines: Sequence[str]) -> None:
        if lines:
            self.paper.add_paragraph().add_run(self._say(head)).bold = True
            for one in lines:
                self.paper.add_paragraph(_clean(one), style="List Bullet")

    def _table(self, rows: Sequence[Sequence[str]], heads: Sequence[str] = ()) -> None:
        whole = [*([heads] if heads else []), *rows]
        table = self.paper.add_table(len(whole), len(whole[0]), style="Table Grid")
        for at, row in enumerate(whole):
            for cell, words in zip(table.rows[at].cells, row, strict=True):
                cell.paragraphs[0].add_run(_clean(words)).bold = bool(heads) and at == 0


def _paper() -> Paper:
    from docx import Document
    from docx.oxml.ns import qn
    from docx.shared import Pt

    paper = Document()
    style = paper.styles["Normal"]
    style.font.name, style.font.size = FONT, Pt(10)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), FONT)
    return paper


def _clean(words: str) -> str:
    """Without the signs that a Word file cannot hold."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "", words)
