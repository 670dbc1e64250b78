"""What the office knows of one message, as evidence for the chat: labels, past cases, a draft.

The message goes through the pipeline of the batch, so that it is masked, classified and kept from
the accused in the same way; nothing of it is stored. A message in a chat has no date of receipt:
its periods are named with their length and no last day.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import date

from cityllm.corpus.numerals import article_label
from cityllm.errors import ToolProblem
from cityllm.evidence import Answer, ClauseEvidence, ToolRunEvidence, Value
from cityllm.messages import Language
from cityllm.petitions.clock import EVENT_NAMES
from cityllm.petitions.drafts import CITED, REPORT, barred, fit, letter
from cityllm.petitions.intake import Row
from cityllm.petitions.output import ENGLISH, KINDS, RISK_NAMES, ROUTES, WAYS, record
from cityllm.petitions.pipeline import Outcome, Pipeline, Times
from cityllm.petitions.record import Due
from cityllm.petitions.similar import Cases, Near
from cityllm.safety.pii import mask

SHOWN = 5
"""Cases and periods that are shown."""
HEAD = 40
"""Characters of a message that stand among the inputs of a run."""


class Desk:
    """`pipeline` is built at the first message. `cases` gives the office's past petitions, as they
    are at that moment. Several threads may ask at once."""

    def __init__(self, pipeline: Callable[[], Pipeline], cases: Callable[[], Cases]) -> None:
        self._build = pipeline
        self._cases = cases
        self._pipeline: Pipeline | None = None
        self._lock = threading.Lock()

    def triage(self, text: str, language: Language = "zh") -> ToolRunEvidence:
        """Category, department, kind, way, risks, periods. Like all runs of the desk, without an
        id: the session gives it."""
        done = self._through(text).done
        labels, zh = done.labels, language == "zh"
        risks = [RISK_NAMES[one] if zh else ENGLISH[one] for one in labels.risks]
        values = {
            "department": _value(labels.department or ("暂不定，由人先看" if zh else "a person decides"),
                                 "承办单位", "department"),
            "category": _value(" / ".join(labels.category) or "未定", "类别", "category"),
            "confidence": _value(f"{100 * labels.confidence:.0f}", "类别的把握", "confidence", "%"),
            "kind": _value(KINDS[labels.kind] if zh else ENGLISH[labels.kind], "性质", "kind"),
            "way": _value(WAYS[labels.jurisdiction] if zh else ENGLISH[labels.jurisdiction],
                          "途径", "procedure"),
            "risks": _value("、".join(risks) or ("未见" if zh else "none seen"), "风险", "risks"),
            "route": _value(ROUTES[done.route] if zh else ENGLISH[done.route], "去向", "route")}
        lines = [f"{value.label_zh}：{value.shown()}" if zh else
                 f"{value.label_en}: {value.shown()}" for value in values.values()]
        if labels.reasons:
            lines.append(f"{'判断依据的词：' if zh else 'words that decided: '}"
                         f"{'、'.join(labels.reasons)}")
        if done.why_review:
            lines.append(f"{'须由人审核：' if zh else 'why a person: '}{done.why_review}")
        lines += [_period(one, language) for one in done.clock[:SHOWN] if not one.done]
        return _run("triage_petition", text, values, lines)

    def similar(self, text: str, language: Language = "zh") -> ToolRunEvidence | None:
        """The nearest past cases; None where none is near. Raises ToolProblem without any case."""
        cases = self._cases()
        if not cases.cases:
            raise ToolProblem(
                "还没有以往的信访件可比。请先用 cityllm triage IN OUT.jsonl 处理以往的信访件，再把 OUT.jsonl "
                "放进城市包的 petitions/cases 文件夹。",
                "There are no past petitions to compare with. Triage them with cityllm triage IN "
                "OUT.jsonl, and put OUT.jsonl into the folder petitions/cases of the city pack.")
        near = cases.nearest(text, SHOWN)
        if not near:
            return None
        first = near[0]
        values = {
            "count": _value(str(len(near)), "相似的往件", "similar cases", "件"),
            "compared": _value(str(len(cases.cases)), "比对的往件", "cases compared", "件"),
            "nearest": _value(first.case.id, "最相似的一件", "the nearest"),
            "similarity": _value(f"{first.score:.2f}", "相似度", "similarity"),
            "department": _value(first.case.department or "未载明", "该件的承办单位",
                                 "its department")}
        return _run("similar_petitions", text, values, [_case(one, language) for one in near])

    def matter(self, text: str) -> str:
        """The masked message in one sentence, to search for rules with. Raises ToolProblem for a
        report of wrongdoing: no draft is written for it."""
        told = record(self._through(text))
        if barred(told):
            raise ToolProblem(f"{REPORT}：应当由有权处理的机关办理，内容不得透露给被检举的单位或个人。",
                              "No draft is written for a report of wrongdoing: it belongs to the "
                              "body in charge, and must not be shown to whom it accuses.")
        return str(told["summary"])

    def draft(self, text: str, found: Sequence[ClauseEvidence], as_of: date,
              status_known: date | None = None) -> ToolRunEvidence:
        """A letter in Chinese that quotes those of the `found` articles that are near enough."""
        told = record(self._through(text))
        answer = Answer(question=told["summary"], text="", citations=list(found), as_of=as_of,
                        status_known=status_known)
        values = {
            "department": _value(told["department"] or "暂不定", "拟承办单位", "department"),
            "articles": _value(str(len(fit(answer)[:CITED])), "引用的条文", "articles quoted", "条")}
        return _run("draft_reply", text, values, letter(told, answer).split("\n"))

    def _through(self, text: str) -> Outcome:
        with self._lock:
            self._pipeline = self._pipeline or self._build()
        return self._pipeline.run([Row(1, {"内容": text})], Times())[0]


def _value(text: str, zh: str, en: str, unit: str = "") -> Value:
    return Value(text=text, unit=unit, label_zh=zh, label_en=en)


def _run(tool: str, text: str, values: dict[str, Value], lines: Sequence[str]) -> ToolRunEvidence:
    head = " ".join(mask(text).text.split())
    shown = head if len(head) <= HEAD else head[:HEAD - 1] + "…"
    return ToolRunEvidence(id="", values=values, tool=tool, inputs={"text": shown},
                           summary="\n".join(lines))


def _case(near: Near, language: Language) -> str:
    case = near.case
    facts = [case.received, case.department, case.outcome]
    told = " · ".join(one for one in facts if one)
    word = "相似度" if language == "zh" else "similarity"
    return f"[{case.id}] {case.summary}（{word} {near.score:.2f}{' · ' if told else ''}{told}）"


def _period(due: Due, language: Language) -> str:
    if language == "en":
        unit = "days" if due.unit == "day" else "working days"
        return f"{due.name_en} ({due.law}, art. {due.article}): {due.length} {unit}"
    unit = "日" if due.unit == "day" else "个工作日"
    event = EVENT_NAMES.get(due.event, due.event)
    return f"{due.name}（《{due.law}》{article_label(due.article)}）：{event}之后 {due.length} {unit}"
