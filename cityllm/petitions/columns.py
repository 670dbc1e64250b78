"""Which column of a table is what, by its name in Chinese or English, or as the caller says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from cityllm.errors import ConfigError

NAMES: dict[str, tuple[str, ...]] = {
    "id": ("编号", "信访编号", "信访件编号", "工单编号", "工单号", "留言编号", "诉求编号", "件号", "id",
           "no", "number", "ticket", "ticket_id"),
    "title": ("标题", "主题", "留言主题", "信访标题", "诉求标题", "工单标题", "title", "subject"),
    "text": ("内容", "正文", "留言详情", "留言内容", "诉求内容", "信访内容", "反映内容", "工单内容", "问题描述",
             "诉求", "详情", "text", "content", "body", "message", "description", "details"),
    "received": ("收到日期", "收到时间", "登记日期", "登记时间", "来信日期", "来电时间", "留言时间", "提交时间",
                 "信访日期", "信访时间", "日期", "时间", "received", "time", "date", "created",
                 "created_at", "received_at", "submitted"),
    "channel": ("渠道", "来源", "信访形式", "信访渠道", "诉求渠道", "来源渠道", "channel", "source"),
    "district": ("区县", "所属区", "所属区县", "行政区", "属地", "区域", "district", "area"),
    "place": ("地点", "地址", "事发地", "事发地点", "发生地", "发生地点", "问题地点", "place", "location",
              "address"),
    "person": ("姓名", "信访人", "留言用户", "用户", "来电人", "诉求人", "联系人", "投诉人", "person", "user",
               "name", "petitioner", "caller"),
    "phone": ("电话", "手机", "手机号", "联系电话", "联系方式", "来电号码", "phone", "mobile", "tel"),
    "identity": ("身份证", "身份证号", "身份证号码", "证件号", "证件号码", "id_number", "id_card"),
    "direct": ("收到机关", "收件单位", "受理渠道单位", "received_by"),
    "accepted": ("受理日期", "受理时间", "accepted"),
    "extended": ("延期批准日期", "延期日期", "extended"),
    "forwarded": ("转送日期", "转办日期", "交办日期", "转送收到日期", "forwarded"),
    "objected": ("异议日期", "提出异议日期", "objected"),
    "told": ("告知日期", "书面告知日期", "told"),
    "replied": ("答复日期", "答复时间", "回复时间", "回复日期", "办结日期", "replied", "replied_at",
                "reply_time"),
    "reply_received": ("收到答复日期", "答复送达日期", "reply_received"),
    "review_asked": ("复查申请日期", "收到复查请求日期", "review_asked"),
    "review_replied": ("复查答复日期", "复查意见日期", "review_replied"),
    "review_reply_received": ("收到复查答复日期", "复查意见送达日期", "review_reply_received"),
    "recheck_asked": ("复核申请日期", "收到复核请求日期", "recheck_asked"),
    "recheck_replied": ("复核意见日期", "recheck_replied"),
}
"""Field -> names it goes by. From `direct` on: dates of what happened since, for the clock."""

EVENTS = tuple(NAMES)[tuple(NAMES).index("accepted"):]


def _plain(name: str) -> str:
    return re.sub(r"[\s:：（(].*$|[\s_*﻿]", "", name.strip().casefold().replace("-", ""))


_FIELDS = {_plain(name): field for field, names in NAMES.items() for name in (field, *names)}


def read_given(words: Sequence[str]) -> dict[str, str]:
    """`text=诉求原文` and the like, as given on the command line: field -> column."""
    given: dict[str, str] = {}
    for word in words:
        field, equals, column = word.partition("=")
        if not equals or field not in NAMES or not column:
            raise ConfigError(
                f"列的写法 {word!r} 不可用：请写成 字段=列名，字段可用 {'、'.join(NAMES)}。",
                f"The column {word!r} is not usable: write field=column, where a field is one of "
                f"{', '.join(NAMES)}.")
        given[field] = column
    return given


def match(header: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """Column -> field, for the columns that are known; the first of two columns for one field.

    A column that the caller names wins. ConfigError where a named one is missing, or where no
    column holds the text of the petitions.
    """
    for column in given.values():
        if column not in header:
            raise ConfigError(f"没有名为 {column!r} 的列；现有：{'、'.join(header)}。",
                              f"There is no column {column!r}; there are: {', '.join(header)}.")
    found = fields_of(tuple(header), tuple(given.items()))
    if not {"text", "title"} & set(found.values()):
        raise ConfigError(
            f"认不出哪一列是信访内容；现有列：{'、'.join(header)}。请用 --column text=列名 指明。",
            f"No column is known to hold the text; there are: {', '.join(header)}. Name it with "
            "--column text=COLUMN.")
    return dict(found)


@lru_cache(maxsize=1024)
def fields_of(header: tuple[str, ...], given: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    """The same without complaint, for one row whose columns may be fewer."""
    found = {column: field for field, column in given if column in header}
    for column in header:
        known = _FIELDS.get(_plain(column))
        if known and column not in found and known not in found.values():
            found[column] = known
    return MappingProxyType(found)
