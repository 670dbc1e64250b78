"""What the catalogue says to somebody who describes an enterprise in a chat, as a rule trace.

What was said is read into fields by `read`; the rules decide, and the program writes every line.
Without a reader, or where nothing of an enterprise is said, no policy is met: the trace then lists
those that the question is about, the nearest one clause by clause, and what to tell next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from cityllm.evidence import RuleTraceEvidence, Value
from cityllm.messages import Language
from cityllm.policies.explain import Words
from cityllm.policies.fields import Enterprise
from cityllm.policies.fields import Value as FieldValue
from cityllm.policies.figures import show_yuan
from cityllm.policies.service import Match, PolicyService, Report
from cityllm.policies.topics import Topics

SHOWN = 5
"""Policies of each kind that are told."""
Heard = tuple[Enterprise, Sequence[str]]
"""An enterprise, and a line for each field with the words it came from."""


class PolicyAdviser:
    """Advice from one service. Several threads may ask at once."""

    def __init__(self, service: PolicyService,
                 read: Callable[[str, date, Language], Heard] | None = None) -> None:
        self._service = service
        self._read = read
        self._topics = Topics(service.rules)

    def advise(self, said: Sequence[str], as_of: date,
               language: Language = "zh") -> RuleTraceEvidence:
        """What follows from what was said, the newest last, on a day. The trace has no id yet.

        A field that was told anew has its newest value.
        """
        service = self._service
        enterprise, heard = self._hear(said, as_of, language)
        report = service.match(enterprise, as_of, order="money")
        about = self._topics.about(said[-1])
        words = Words(service, language)
        shown = _chosen(report, about)
        lines = [*heard, *(line for number, one in enumerate(shown) for line in (
            words.full(one) if about and not number else [words.line(one)]))]
        lines += _next(service, report, about, language)
        return RuleTraceEvidence(id="", rule="match_policies", steps=lines,
                                 values=_values(service, report, shown, language))

    def _hear(self, said: Sequence[str], as_of: date,
              language: Language) -> tuple[Enterprise, list[str]]:
        values: dict[str, FieldValue] = {}
        lines: list[str] = []
        if self._read is not None:
            for one in said:
                enterprise, told = self._read(one, as_of, language)
                values.update(enterprise.values)
                lines += told
        return Enterprise("", values), lines


def _chosen(report: Report, about: Sequence[str]) -> list[Match]:
    """What the question is about first; then what is met, fits most so far, or is nearest."""
    held = {one.id: one for one in report.matches}
    kinds = [[held[id_] for id_ in about],
             [one for one in report.matches if one.result.verdict == "eligible"]]
    if not about:
        open_ = [one for one in report.matches if one.result.verdict == "unknown"]
        kinds.append(sorted(open_, key=lambda one: one.remote))
        kinds.append([one for one in report.matches if one.near is not None
                      and one.result.verdict == "not_eligible"])
    found: dict[str, Match] = {}
    for kind in kinds:
        found |= {one.id: one for one in [one for one in kind if one.id not in found][:SHOWN]}
    return list(found.values())


def _next(service: PolicyService, report: Report, about: Sequence[str],
          language: Language) -> list[str]:
    first = next((one for one in report.questions
                  if not about or set(about) & set(one.policies)), None)
    if first is None:
        return []
    label, count = service.describer.label(first.column, language), len(first.policies)
    return [f"先补一项：{label}（关系 {count} 项政策）" if language == "zh" else
            f"Tell next: {label} ({count} policies wait for it)"]


def _values(service: PolicyService, report: Report, shown: Sequence[Match],
            language: Language) -> dict[str, Value]:
    counts = {verdict: sum(one.result.verdict == verdict for one in report.matches)
              for verdict in ("eligible", "unknown", "not_eligible")}
    unit = "项" if language == "zh" else "policies"
    values = {
        "eligible": Value(text=str(counts["eligible"]), unit=unit, label_zh="符合",
                          label_en="eligible"),
        "unknown": Value(text=str(counts["unknown"]), unit=unit, label_zh="还缺信息",
                         label_en="data missing"),
        "not_eligible": Value(text=str(counts["not_eligible"]), unit=unit, label_zh="不符合",
                              label_en="not eligible"),
        "total": Value(text=show_yuan(report.best.total, language), label_zh="最好的组合合计",
                       label_en="best combination")}
    if shown:
        title = shown[0].result.bound.policy.title
        values["first"] = Value(text=title.say(language), label_zh="列在最前的政策",
                                label_en="the first listed")
    if report.questions:
        values["ask"] = Value(text=service.describer.label(report.questions[0].column, language),
                              label_zh="先补的一项", label_en="tell next")
    return values
