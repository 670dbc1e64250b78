"""Reply drafts with cited clauses: what the assistant found, in an office's letter.

The matter of a masked petition is asked of an assistant that is handed in. Only a verified answer
with citations becomes a draft; of the answer it uses the cited articles alone, quoted. Every other
sentence is the template's, its figures the row's own periods: nothing is promised. A person has to
read it before it goes. None is written for a report of wrongdoing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from cityllm.corpus.numerals import article_label
from cityllm.evidence import Answer, ClauseEvidence
from cityllm.petitions.clock import EVENT_NAMES
from cityllm.petitions.output import due_of
from cityllm.petitions.record import Due

Wanted = Literal["none", "urgent", "review", "all"]
ROUTES_OF: dict[str, tuple[str, ...]] = {
    "none": (), "urgent": ("urgent",), "review": ("urgent", "review"),
    "all": ("urgent", "review", "auto")}
"""For which rows drafts are asked for; `review` is all that waits for a person."""
CITED = 2
"""Articles quoted at most."""
FLOOR = 0.75
"""Score of a search from which on an article is quoted to a petitioner: higher than in the chat,
whose reader sees at once that an article is beside the matter. One named by its number has none."""
QUOTE = 300
"""Signs of an article from which on only the lines that answer are quoted."""
MARK = "【草稿，未经审核，不得直接发出】"
REPORT = "检举控告件不写草稿"
AGAIN = "，再运行一次会重试"
_WHY = {
    "off_topic": "助手判断这不是城市政府办理的事务", "not_found": "已收录的法规里没有查到依据",
    "no_such_article": "来件提到的条文查不到", "not_held": "当时的法规文本没有收录",
    "unsupported": "模型写的内容没有通过核对", "tool_failed": "查询工具运行失败" + AGAIN,
    "no_model": "语言模型不可用" + AGAIN}


@dataclass(frozen=True)
class Drafter:
    """Who is asked, for which rows. `mark` tells the assistant, its model and corpus: with another
    one, drafts are made anew. `calls` tells how often the model has been called so far."""

    ask: Callable[[str], Answer]
    wanted: Wanted = "all"
    mark: str = ""
    calls: Callable[[], int] = lambda: 0

    def wants(self, told: Mapping[str, Any]) -> bool:
        """Whether a record is one of those asked for; a row that cannot be used never is."""
        return not told["problem"] and str(told["route"]) in ROUTES_OF[self.wanted]

    def mark_of(self, told: Mapping[str, Any]) -> str:
        """Changes when anything does that a draft of this record is made from."""
        made_from = (self.mark, told["summary"], told["kind"], told["department"], told["clock"])
        return hashlib.sha256(repr(made_from).encode()).hexdigest()[:32]

    def draft(self, told: Mapping[str, Any]) -> tuple[str, str]:
        """The draft, or none and why."""
        if barred(told):
            return "", REPORT
        answer = self.ask(told["summary"])
        why = reason_against(answer)
        return ("", why) if why else (letter(told, answer), "")


def barred(told: Mapping[str, Any]) -> bool:
    """Whether no draft may be written, nor the assistant asked: a report of wrongdoing."""
    return bool(told["kind"] == "report" or told["jurisdiction"] == "discipline")


def reason_against(answer: Answer) -> str:
    """Why an answer is not fit for a draft; empty where it is."""
    if answer.refused:
        return _WHY.get(answer.refused, "助手没有作答")
    if not answer.verified:
        return _WHY["unsupported"]
    if not answer.citations:
        return "回答没有引用条文"
    return "" if fit(answer) else "查到的条文与来件不够贴切"


def fit(answer: Answer) -> list[ClauseEvidence]:
    """The cited articles that are near enough to the matter, or were named by their number."""
    return [one for one in answer.citations if not one.passage or one.score >= FLOOR]


def letter(told: Mapping[str, Any], answer: Answer) -> str:
    """The reply: greeting, matter, quotes with their source, legal periods, whom to ask."""
    matter = told["summary"].replace("“", "‘").replace("”", "’")
    until = f"，法规时效信息截至 {answer.status_known}" if answer.status_known else ""
    lines = [MARK, "来信人：", f"您好！来件收悉。来件反映的事项是：“{matter}”"]
    cited = fit(answer)[:CITED]
    lines.append(f"检索到的有关规定如下（按 {answer.as_of} 有效的文本{until}）：" if cited
                 else "〔没有检索到足够贴切的规定，依据和办理情况请承办人补充。〕")
    for clause in cited:
        lines += _quoted(clause)
    periods = [_period(due) for due in map(due_of, told["clock"]) if not due.done]
    if periods:
        lines += ["与来件有关的期限：", *(f"· {one}" for one in periods)]
    asked = "办理情况可以向收到来件的信访工作机构询问"
    if told["department"]:
        asked += f"；拟承办单位为{told['department']}，以书面告知为准"
    return "\n".join([*lines, f"{asked}。"])


def _quoted(clause: ClauseEvidence) -> list[str]:
    version = f"{clause.version} 版" if clause.version else "版本日期不详"
    form = "全文" if clause.verbatim else "摘要，非原文，发出前请核对原文"
    lines, cut = _excerpt(clause)
    if cut:
        form += "；节选"
    return [f"《{clause.title}》{clause.article_label}（{version}，{form}）：",
            "“" + "\n".join(lines) + "”"]


def _excerpt(clause: ClauseEvidence) -> tuple[list[str], bool]:
    """The article's lines; of a long one those from the place that answers, and whether so."""
    lines = [line.strip() for line in clause.text.split("\n") if line.strip()]
    if len(clause.text) <= QUOTE or not lines:
        return lines, False
    start = clause.passage.strip("…")[:12]
    first = next((n for n, line in enumerate(lines) if start and start in line), 0)
    last, size = first + 1, len(lines[first])
    while last < len(lines) and size + len(lines[last]) <= QUOTE:
        size += len(lines[last])
        last += 1
    return lines[first:last], last - first < len(lines)


def _period(due: Due) -> str:
    unit = "日" if due.unit == "day" else "个工作日"
    where = f"《{due.law}》{article_label(due.article)}" if due.article else f"《{due.law}》"
    event = EVENT_NAMES.get(due.event, due.event)
    last = f"至 {_day(due.due)}" if due.due else f"截止日未知（{due.why}）"
    return f"{due.name}（{where}，{due.binds}）：{event}之后 {due.length} {unit}，{last}"


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
