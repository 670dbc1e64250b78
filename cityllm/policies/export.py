"""A report as a file: Markdown to read and to hand on, CSV for a table.

The Markdown has every policy that is met, waits for a datum or can be come by, clause by clause;
the others are named. Its lines are those of `explain`: no model wrote any of them.
"""

from __future__ import annotations

import csv
import io

from cityllm.policies.explain import Words
from cityllm.policies.figures import from_quanta
from cityllm.policies.service import Match, PolicyService, Report

_HEADS = {
    "zh": ("政策", "名称", "判定", "有效期", "金额（元）", "至多（元）", "缺的数据", "最小改动", "截止", "要带的材料"),
    "en": ("policy", "title", "verdict", "validity", "amount (yuan)", "at most (yuan)",
           "missing data", "smallest change", "closes", "papers to bring")}


def markdown(service: PolicyService, report: Report, language: str = "zh") -> str:
    """The report as Markdown."""
    words, english = Words(service, language), language == "en"
    dictionary, enterprise = service.rules.dictionary, report.enterprise
    lines = ["# " + (f"Policies for {enterprise.name or 'an enterprise'}, {report.as_of}" if english
                     else f"{enterprise.name or '企业'}能享受的政策（{report.as_of}）"), "",
             "## " + ("What was told" if english else "企业情况"), ""]
    colon, told = (": ", "nothing") if english else ("：", "没有填写")
    given = [f"- {service.describer.label(column, language)}{colon}"
             f"{dictionary.field_of(column).show(value, language)}"
             for column, value in enterprise.values.items() if not column.startswith("judge:")]
    lines += [*(given or [f"- {told}"]), "", "## " + ("Result" if english else "结果"), ""]
    lines += [f"- {line}" for line in words.summary(report)]
    for match in report.matches:
        if not hopeless(match):
            title = match.result.bound.policy.title.say(language)
            lines += ["", f"## {title}", ""]
            lines += [f"    - {line.strip()}" if line.startswith(" ") else f"- {line}"
                      for line in words.full(match)]
    return "\n".join(lines) + "\n"


def table(service: PolicyService, report: Report, language: str = "zh") -> str:
    """The report as CSV, one policy a line, with a mark for Excel."""
    words, out = Words(service, language), io.StringIO()
    comma = ", " if language == "en" else "、"
    writer = csv.writer(out)
    writer.writerow(_HEADS["en" if language == "en" else "zh"])
    for match in report.matches:
        result = match.result
        writer.writerow([safe(one) for one in (
            match.id, result.bound.policy.title.say(language), words.verdict(match),
            result.validity, _yuan(result.amount), _yuan(result.potential),
            comma.join(service.describer.label(one, language) for one in result.missing),
            words.near(match), match.window.closes or "",
            comma.join(one.say(language) for one in match.papers))])
    return "\ufeff" + out.getvalue()


def safe(cell: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = str(cell)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def hopeless(match: Match) -> bool:
    """Whether it is not met and the enterprise can do nothing about that."""
    return match.result.verdict == "not_eligible" and match.near is None


def _yuan(fen: int | None) -> str:
    return "" if fen is None else str(from_quanta(fen, 2))
