"""What the API takes: bodies and parameters, with examples in Chinese and English."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from cityllm.policies.fields import YEARS
from cityllm.policies.figures import NotAllowed

MOST_IN_A_BATCH = 10_000
PAGE, MOST_ON_A_PAGE = 50, 200

Language = Annotated[Literal["zh", "en"], Query(
    description="文字用哪种语言 Language of the words that come back")]
def _day(value: Any) -> Any:
    """A date is text, year, month and day: pydantic would take seconds since 1970, too."""
    if isinstance(value, date):
        return value
    try:
        day = date.fromisoformat(value) if re.fullmatch(r"\d{4}-\d\d-\d\d", value) else None
    except (TypeError, ValueError):
        day = None
    if day is None or day.year not in YEARS:
        raise NotAllowed(f"{str(value)[:40]!r} 不是日期，请写成 2026-06-01 这样",
                         f"{str(value)[:40]!r} is no date: write it like 2026-06-01")
    return day


Day = Annotated[date, BeforeValidator(_day)]
AsOf = Annotated[Day | None, Query(description="适用日期；默认今天 Fact date; today by default")]
Limit = Annotated[int, Query(ge=1, le=MOST_ON_A_PAGE, description="一页几项 Items on a page")]
Cursor = Annotated[str, Query(
    max_length=400, description="上一页的 next；空为第一页 `next` of the page before; empty for the first")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class EnterpriseIn(_Strict):
    """An enterprise. A field that is left out, or null, is unknown: never zero, never false."""

    id: Annotated[str, Field(max_length=64, pattern=r"^[\w.@-]*$")] = ""
    """统一社会信用代码或任意编号 Unified social credit code, or any id"""
    name: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f]*$")] = ""
    """名称 Name"""
    fields: dict[str, Any] = {}
    """字段见 GET /fields；分年度的写 {"revenue": {"2025": "2000万"}} Fields of GET /fields; one that is
    given by year is {"revenue": {"2025": "2000万"}}"""
    judgements: dict[str, StrictBool | None] = {}
    """由人作出的判断，键为 政策.子句 What a person has judged, by policy.clause"""


class MatchIn(_Strict):
    """One enterprise, and how it is matched."""

    enterprise: EnterpriseIn
    as_of: Day | None = None
    """适用日期；默认今天 Fact date; today by default"""
    order: Literal["money", "deadline", "missing"] = "money"
    """排序：金额、截止日期、缺的项数 Ranked by money, by deadline, by what is missing"""
    only: Annotated[list[str], Field(max_length=500)] | None = None
    """只看这些政策 These policies alone"""
    details: StrictBool = True
    """每条子句的数值、门槛、差距、出处，和最小改动；false 快几倍 Value, threshold, gap and place of each
    clause, and the nearest miss; false is several times faster"""


class BatchIn(_Strict):
    """Many enterprises; each is matched by itself, and a wrong one does not stop the others."""

    enterprises: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST_IN_A_BATCH)]
    """企业，写法同单个匹配 Enterprises, each as in a single match"""
    as_of: Day | None = None
    """适用日期；默认今天 Fact date; today by default"""
    order: Literal["money", "deadline", "missing"] = "money"
    """排序 Ranked by"""
    only: Annotated[list[str], Field(max_length=500)] | None = None
    """只看这些政策 These policies alone"""
    details: StrictBool = False
    """每条子句的数值、门槛、差距、出处，和最小改动 Value, threshold, gap and place of each clause, and the
    nearest miss"""


class TextIn(_Strict):
    """A firm in its own words, in Chinese."""

    text: Annotated[str, Field(max_length=5000)]
    """怎么说都行 In any words"""
    as_of: Day | None = None
    """“去年”从哪天算；默认今天 The day that 去年 is counted from; today by default"""


class EnterpriseOn(_Strict):
    """One enterprise on a day."""

    enterprise: EnterpriseIn
    as_of: Day | None = None
    """适用日期；默认今天 Fact date; today by default"""


class ExplainIn(EnterpriseOn):
    """One enterprise on a day, and whether a few sentences are wanted."""

    words: StrictBool = False
    """另给一段话；接了大模型时由它写，要等它 A few sentences too; by the model where there is an
    endpoint, which takes its time"""


_FIRM = {"id": "91110108MA00000000", "name": "示例软件公司", "fields": {
    "region": "北京市/海淀区", "industry": "6513", "employees": 28, "established": "2021-03-15",
    "revenue": {"2025": "2000万", "2024": "1600万"}, "high_tech": True}}
_PLANT = {"id": "91110114MA00000001", "name": "Example plant", "fields": {
    "region": "北京市/昌平区", "industry": "C3911", "employees": 240,
    "revenue": {"2025": 180000000}, "rd_spend": {"2025": 9000000, "2024": 7000000}}}


def both(zh: dict[str, Any], en: dict[str, Any]) -> dict[str, Any]:
    """Examples of a body for OpenAPI, one in each language."""
    return {"zh": {"summary": "中文示例", "value": zh}, "en": {"summary": "English", "value": en}}


MATCH_EXAMPLES = both({"enterprise": _FIRM, "as_of": "2026-06-01", "order": "money"},
                      {"enterprise": _PLANT, "as_of": "2026-06-01", "order": "deadline",
                       "details": False})
BATCH_EXAMPLES = both({"enterprises": [_FIRM, _PLANT], "as_of": "2026-06-01"},
                      {"enterprises": [_PLANT], "as_of": "2026-06-01", "details": True})
READ_EXAMPLES = both(
    {"text": "我们是海淀区的高新技术企业，去年营收2000万元，员工28人", "as_of": "2026-06-01"},
    {"text": "公司位于杭州市余杭区，成立于2021年3月15日，不是高新技术企业", "as_of": "2026-06-01"})
REGISTER_EXAMPLES = both(_FIRM, _PLANT)
EXPLAIN_EXAMPLES = both({"enterprise": _FIRM, "as_of": "2026-06-01"},
                        {"enterprise": _PLANT, "as_of": "2026-06-01", "words": True})
ENTERPRISE_EXAMPLES = both({"enterprise": _FIRM, "as_of": "2026-06-01"},
                           {"enterprise": _PLANT, "as_of": "2026-06-01"})
