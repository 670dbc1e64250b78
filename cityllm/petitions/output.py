"""Records of a batch -> XLSX, CSV, JSONL or a table; a file appears whole or not at all."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import IO, Any

from cityllm.errors import ConfigError
from cityllm.petitions.clock import state
from cityllm.petitions.duplicates import Link
from cityllm.petitions.pipeline import Outcome
from cityllm.petitions.record import Due, Ground

COLUMNS = {
    "id": "编号", "title": "标题", "text": "内容", "received": "收到日期", "channel": "渠道",
    "district": "区县", "place": "地点", "category": "类别", "code": "类别代码", "confidence": "把握",
    "alternatives": "其他可能", "department": "承办单位", "kind": "性质", "risks": "风险",
    "jurisdiction": "途径", "reasons": "判断依据的词", "grounds": "各项依据",
    "duplicate_of": "同一事项的前件", "again": "同一人的前件",
    "summary": "摘要", "next_due": "最近期限", "clock": "法定期限", "route": "去向", "why_review": "转人工原因",
    "draft": "答复草稿", "why_no_draft": "没有草稿的原因", "problem": "读不了的原因",
    "extra": "其他列", "person": "来信人代码",
    "decision": "审核结论", "decided_category": "审定类别", "decided_code": "审定类别代码",
    "decided_department": "审定承办单位", "decided_kind": "审定性质", "decided_jurisdiction": "审定途径",
    "decided_risks": "审定风险", "decided_by": "审核人", "decided_at": "审核时间",
    "decision_reason": "审核理由", "reply": "审定答复"}
"""Field of a record -> heading in a table. From `decision` on: what a person decided on the review
page, empty where nobody has."""
KINDS = {"complaint": "投诉", "request": "求助、咨询", "suggestion": "建议", "report": "检举控告",
         "thanks": "感谢"}
ROUTES = {"auto": "自动转送", "review": "人工审核", "urgent": "紧急"}
WAYS = {"petition": "信访", "court": "诉讼", "arbitration": "仲裁", "reconsideration": "行政复议等",
        "discipline": "纪检监察"}
RISK_NAMES = {"life": "生命安全", "group": "群体性", "self_harm": "自伤轻生", "minors": "未成年人"}
OF_NAMES = {"category": "类别", "department": "承办单位", "kind": "性质", "jurisdiction": "途径",
            "risk": "风险"}
BY_NAMES = {"classifier": "没有突出的词", "words": "按词语规则", "place": "按地点", "category": "由类别而定",
            "self_harm": "有自伤迹象，一并计入", "office": "没有指向公职人员或机关，不按检举控告", "model": "语言模型选定"}
OUTCOME_NAMES = {"accepted": "接受", "changed": "更改", "returned": "退回"}
ENGLISH = {
    "complaint": "complaint", "request": "request", "suggestion": "suggestion",
    "report": "report of wrongdoing", "thanks": "thanks", "auto": "routed automatically",
    "review": "to a person", "urgent": "urgent", "petition": "petition", "court": "court",
    "arbitration": "arbitration", "reconsideration": "administrative procedure",
    "discipline": "discipline inspection", "life": "danger to life", "group": "group",
    "self_harm": "self-harm", "minors": "minors", "accepted": "accepted", "changed": "changed",
    "returned": "sent back"}
"""The same words in English."""
CELL = 32_767
"""Characters that a cell of Excel holds."""
ENDINGS = (".xlsx", ".csv", ".jsonl")


def record(outcome: Outcome) -> dict[str, Any]:
    """An outcome as JSON, before it is known what it duplicates."""
    petition, labels, done = outcome.done.petition, outcome.done.labels, outcome.done
    return {
        "id": petition.id, "title": petition.title, "text": petition.text,
        "received": str(petition.received or ""), "channel": petition.channel,
        "district": petition.district, "place": petition.place, "category": list(labels.category),
        "code": labels.category_code, "confidence": round(labels.confidence, 4),
        "alternatives": [[code, round(share, 4)] for code, share in labels.alternatives],
        "department": labels.department, "kind": labels.kind, "risks": list(labels.risks),
        "jurisdiction": labels.jurisdiction, "reasons": list(labels.reasons),
        "grounds": [_ground(one) for one in labels.grounds],
        "summary": done.summary, "next_due": _next(done.clock),
        "clock": [_due(one) for one in done.clock], "route": done.route,
        "why_review": done.why_review, "draft": done.draft, "why_no_draft": "",
        "problem": outcome.problem,
        "extra": dict(petition.extra), "person": petition.person}


def linked(told: dict[str, Any], link: Link) -> dict[str, Any]:
    """The record with what it duplicates, in the order of COLUMNS."""
    told |= {"duplicate_of": link.same, "again": link.again}
    return {name: told.get(name, "") for name in COLUMNS}


def _ground(one: Ground) -> dict[str, Any]:
    return {"of": one.of, "label": one.label, "by": one.by, "against": one.against,
            "score": one.score, "bias": one.bias, "rest": one.rest,
            "words": [[word, share] for word, share in one.words]}


def _next(clock: Sequence[Due]) -> str:
    return next((str(one.due) for one in clock if one.due and not one.done), "")


def _due(one: Due) -> dict[str, Any]:
    return {"id": one.id, "name": one.name, "name_en": one.name_en, "law": one.law,
            "article": one.article, "binds": one.binds, "event": one.event, "within": one.length,
            "unit": one.unit, "start": str(one.start or ""), "due": str(one.due or ""),
            "done": str(one.done or ""), "why": one.why}


def due_of(told: Mapping[str, Any]) -> Due:
    """A period of a record as it was."""
    def day(name: str) -> date | None:
        return date.fromisoformat(told[name]) if told[name] else None

    return Due(told["id"], told["name"], told["name_en"], told["law"], told["article"],
               told["binds"], told["event"], told["within"], told["unit"], day("start"),
               day("due"), day("done"), told["why"])


def flat(told: Mapping[str, Any]) -> dict[str, str]:
    """A record as texts of a table, in Chinese."""
    clock = "；".join(
        f"{one['name']}（{one['law']}第{one['article']}条，{one['binds']}）：{one['due'] or one['why']}"
        for one in told["clock"])
    named = {"kind": KINDS.get(told["kind"], ""), "route": ROUTES[told["route"]],
             "jurisdiction": WAYS[told["jurisdiction"]], "clock": clock,
             "category": " / ".join(told["category"]), "reasons": "、".join(told["reasons"]),
             "grounds": "；".join(map(_grounds_in_words, told.get("grounds") or ())),
             "risks": "、".join(RISK_NAMES[risk] for risk in told["risks"]),
             "confidence": f"{told['confidence']:.3f}",
             "alternatives": "；".join(f"{code} {share:.2f}"
                                      for code, share in told["alternatives"]),
             "decision": OUTCOME_NAMES.get(told["decision"], ""),
             "decided_category": " / ".join(told["decided_category"]),
             "decided_kind": KINDS.get(told["decided_kind"], ""),
             "decided_jurisdiction": WAYS.get(told["decided_jurisdiction"], ""),
             "decided_risks": "、".join(RISK_NAMES[risk] for risk in told["decided_risks"]),
             "extra": json.dumps(told["extra"], ensure_ascii=False) if told["extra"] else ""}
    return {name: str(named.get(name, told[name])) for name in COLUMNS}


def _grounds_in_words(one: Mapping[str, Any]) -> str:
    """`类别 030201：拖欠工资 +1.93`; nothing is added up for what a rule decided."""
    label = {**KINDS, **WAYS, **RISK_NAMES}.get(one["label"], one["label"])
    words = "、".join(f"{word} {share:+.2f}" if one["by"] == "classifier" else word
                     for word, share in one["words"])
    return f"{OF_NAMES[one['of']]} {label}：{words or BY_NAMES[one['by']]}"


def check_name(name: str) -> None:
    """ConfigError for an output that cannot be written, before any work is done."""
    if "://" in name:
        if not name.partition("#")[2]:
            raise ConfigError("没有写表名；写法如 sqlite:///day.db#表名。",
                              "No table is named; write it like sqlite:///day.db#TABLE.")
    elif Path(name).suffix.lower() not in ENDINGS:
        raise ConfigError(f"不会写 {name}：输出可用 {'、'.join(ENDINGS)} 或数据库地址。",
                          f"{name} cannot be written: use {', '.join(ENDINGS)} or a database "
                          "address.")


def write(name: str, records: Iterable[Mapping[str, Any]],
          columns: Mapping[str, str] | None = None,
          plain: Callable[[Mapping[str, Any]], dict[str, str]] | None = None) -> None:
    """All records to the output of that name, which is replaced at once when all is written.

    `columns` (field -> heading) and `plain` (a record as texts of a table) are those of petitions
    unless others are given."""
    columns, plain = columns or COLUMNS, plain or flat
    check_name(name)
    if "://" in name:
        from cityllm.petitions import database

        url, _, table = name.partition("#")
        database.write(url, table, list(columns), map(plain, records))
        return
    path = Path(name)
    match path.suffix.lower():
        case ".jsonl":
            with replacing(path) as file:
                for told in records:
                    file.write(json.dumps(told, ensure_ascii=False) + "\n")
        case ".csv":
            with replacing(path, "utf-8-sig") as file:
                lines = csv.writer(file)
                lines.writerow(columns.values())
                lines.writerows([_safe(cell) for cell in plain(told).values()] for told in records)
        case _:
            _xlsx(path, list(columns.values()), map(plain, records))


def _safe(cell: str) -> str:
    """A text that a spreadsheet will not run as a formula."""
    return "'" + cell if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def _xlsx(path: Path, head: list[str], rows: Iterable[Mapping[str, str]]) -> None:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook(write_only=True)
    sheet = book.create_sheet("信访件")
    sheet.freeze_panes = "B2"
    sheet.append(head)
    for row in rows:
        cells = []
        for text in row.values():
            text = re.sub(ILLEGAL_CHARACTERS_RE, "", text)
            if len(text) > CELL:
                text = text[:CELL - 20] + "…〔超出单元格，原件在保险库〕"
            if text[:1] == "=":
                cell = WriteOnlyCell(sheet, text)
                cell.data_type = "s"
                cells.append(cell)
            else:
                cells.append(text)
        sheet.append(cells)
    part = path.with_name(path.name + ".part")
    book.save(part)
    with part.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(part, path)


@contextmanager
def replacing(path: Path, encoding: str = "utf-8") -> Iterator[IO[str]]:
    """A file beside `path` that takes its place, on the disk, when the block ends well."""
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding=encoding, newline="") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def standing(told: Mapping[str, Any], today: date) -> list[tuple[str, Due]]:
    """How each period of a record stands on a day."""
    return [(state(one, today), one) for one in map(due_of, told["clock"])]
