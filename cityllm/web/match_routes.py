"""Matching over HTTP: one enterprise, many of them, one policy explained, what to ask next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Body, Response
from fastapi.responses import StreamingResponse

from cityllm.agent.wording import Narrator
from cityllm.errors import CityLLMError
from cityllm.policies.enterprises import from_data
from cityllm.policies.explain import Words
from cityllm.policies.service import PolicyService
from cityllm.policies.view import View
from cityllm.web import replies
from cityllm.web.callers import Callers
from cityllm.web.exact import exact_router
from cityllm.web.match_words import in_words
from cityllm.web.problems import Problem, problem_of
from cityllm.web.requests import (
    BATCH_EXAMPLES,
    ENTERPRISE_EXAMPLES,
    EXPLAIN_EXAMPLES,
    MATCH_EXAMPLES,
    BatchIn,
    EnterpriseOn,
    ExplainIn,
    Language,
    MatchIn,
)

NDJSON = "application/x-ndjson"
_DEAD: dict[int | str, dict[str, Any]] = {503: {
    "model": Problem, "description": "大模型连不上 The model cannot be reached"}}
_BATCH: dict[int | str, dict[str, Any]] = {200: {
    "description": "每家企业一行，最后一行是 {\"done\": …} One line an enterprise, the last is {\"done\": …}",
    "content": {NDJSON: {"schema": {"type": "string"}}}}}


def match_routes(service: PolicyService, callers: Callers, narrator: Narrator) -> APIRouter:
    """`/policies/match`, `/policies/match/batch`, `/policies/{policy}/explain`, `…/questions`."""
    router = exact_router("match")
    dictionary, may_match = service.rules.dictionary, [callers.may("match")]

    @router.post("/policies/match", response_model=replies.Report,
                 summary="一家企业能享受什么 What one enterprise can get", dependencies=may_match)
    def match(body: Annotated[MatchIn, Body(openapi_examples=MATCH_EXAMPLES)],
              lang: Language = "zh") -> Response:
        """逐项政策、逐条子句：符合、不符合、还缺哪项数据；能得多少钱，怎样的组合最好，先补哪项数据。

        Policy by policy and clause by clause: met, not met, or which datum is missing; the money,
        the best combination, and what to ask next."""
        enterprise = from_data(body.enterprise.model_dump(), dictionary)
        report = service.match(enterprise, _day(body.as_of), order=body.order, only=body.only)
        return sent(View(service, lang).report(report, details=body.details))

    @router.post("/policies/match/batch", responses=_BATCH, response_class=StreamingResponse,
                 summary="许多企业 Many enterprises", dependencies=may_match)
    def match_batch(body: Annotated[BatchIn, Body(openapi_examples=BATCH_EXAMPLES)],
                    lang: Language = "zh") -> Response:
        """每家企业一行 JSON，算好一家送一家：{"line": 1, "report": {…}}，有错的是 {"line": 2, "problem":
        {…}}；最后一行 {"done": true, "enterprises": n, "problems": m}，没有它就是没有传完。

        One line of JSON an enterprise, sent as soon as it is worked out; one that is wrong has
        `problem` in place of `report`. Without the last line the stream was cut."""
        day = _day(body.as_of)
        if body.only is not None:
            for id_ in body.only:
                service.rules.get(id_)
        return StreamingResponse(_lines(body, day, lang), media_type=NDJSON)

    def _lines(body: BatchIn, day: date, lang: str) -> Iterator[bytes]:
        view, problems = View(service, lang), 0
        for line, data in enumerate(body.enterprises, 1):
            told: dict[str, Any]
            try:
                enterprise = from_data({"fields": {}, **data}, dictionary)
                report = service.match(enterprise, day, order=body.order, only=body.only)
                told = {"line": line, "report": view.report(report, details=body.details)}
            except CityLLMError as error:
                problems += 1
                told = {"line": line, "problem": problem_of(error, lang == "en")}
            yield orjson.dumps(told) + b"\n"
        yield orjson.dumps({"done": True, "enterprises": len(body.enterprises),
                            "problems": problems}) + b"\n"

    @router.post("/policies/{policy}/explain", response_model=replies.Explanation, responses=_DEAD,
                 summary="一项政策，逐条说明 One policy, clause by clause", dependencies=may_match)
    def explain(policy: str, body: Annotated[
                    ExplainIn, Body(openapi_examples=EXPLAIN_EXAMPLES)],
                lang: Language = "zh") -> Response:
        """为什么能、为什么不能，差多少，出处在哪；`lines` 和 `match` 由规则写成，没有用模型。`words` 为 true
        时另给一段话：结论总是规则的，其余由大模型写、核对过才用，否则也由规则写，`by` 说明是谁写的。

        Why, or why not, by how much, and where that stands; `lines` and `match` are written from
        the rules, by no model. With `words` a few sentences come too: the verdict is always the
        rules', the others the model's where they passed; `by` tells whose they are."""
        enterprise = from_data(body.enterprise.model_dump(), dictionary)
        found = service.one(policy, enterprise, _day(body.as_of))
        words = asdict(in_words(narrator, service, found, lang)) if body.words else None
        return sent({"lines": list(Words(service, lang).full(found)),
                     "match": View(service, lang).match(found), "words": words})

    @router.post("/policies/questions", response_model=replies.Questions,
                 summary="先补哪项数据 The cheapest question", dependencies=may_match)
    def questions(body: Annotated[EnterpriseOn, Body(openapi_examples=ENTERPRISE_EXAMPLES)],
                  lang: Language = "zh") -> Response:
        """缺的数据，关系钱最多的在前。 The data that are missing, most money first."""
        enterprise, day = from_data(body.enterprise.model_dump(), dictionary), _day(body.as_of)
        report, view = service.match(enterprise, day), View(service, lang)
        return sent({"enterprise": enterprise.id, "as_of": day.isoformat(),
                     "questions": [view.question(one) for one in report.questions]})

    return router


def sent(data: Any, status: int = 200) -> Response:
    """Plain data as JSON."""
    return Response(orjson.dumps(data), status, media_type="application/json")


def _day(given: date | None) -> date:
    return given or date.today()
