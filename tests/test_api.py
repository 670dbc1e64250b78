"""The API over ASGI: what is matched, what is refused and how, pages, sizes, the description."""

from __future__ import annotations

import asyncio
import json
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes import QueueModel
from jsonschema import Draft202012Validator

from cityllm.agent.wording import Narrator
from cityllm.config import ROOT
from cityllm.errors import ModelUnavailable
from cityllm.policies.enterprises import from_data
from cityllm.policies.ruleset import RuleSet
from cityllm.policies.service import PolicyService
from cityllm.policies.view import View
from cityllm.safety.database import Database
from cityllm.web.api import MOST_BYTES, PREFIX, make_api
from cityllm.web.guard import USER
from tests.test_policy_service import SAMPLE

SERVICE = PolicyService(RuleSet.load(ROOT / "rag_corpus"))
DATABASE = Database(Path(tempfile.mkdtemp(prefix="cityllm-api-")))
FIRM = {"id": "firm-1", "name": "示例公司", "fields": {
    "region": "北京市海淀区", "industry": "6513", "employees": 28, "high_tech": True,
    "revenue": {"2025": "2000万", "2024": "1600万"}}}
DAY = "2026-06-01"
SMALL = "xiaoxing-weili-suodeshui"


def api_of(service: PolicyService, database: Database = DATABASE,
           narrator: Narrator | None = None) -> Any:
    """The API as the local user calls it."""
    api = make_api(service, database, lambda name: "admin", narrator)

    async def local(scope: Any, receive: Any, send: Any) -> None:
        await api(scope | {USER: "local"}, receive, send)

    local.openapi = api.openapi  # type: ignore[attr-defined]
    return local


API = api_of(SERVICE)


def call(method: str, path: str, *, app: Any = API, **how: Any) -> httpx.Response:
    """One request, without a socket."""
    async def one() -> httpx.Response:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.request(method, path, **how)

    return asyncio.run(one())


def schema_of(name: str) -> Draft202012Validator:
    """A reply's schema, from the description that the API gives of itself."""
    made = API.openapi()
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}",
                                 "components": made["components"]})


def test_a_match_is_what_the_service_says_and_what_the_description_promises() -> None:
    for lang, details in (("zh", True), ("en", False)):
        reply = call("POST", f"/policies/match?lang={lang}", json={
            "enterprise": FIRM, "as_of": DAY, "details": details})
        assert reply.status_code == 200, reply.text
        enterprise = from_data(FIRM, SERVICE.rules.dictionary)
        expected = View(SERVICE, lang).report(SERVICE.match(enterprise, date.fromisoformat(DAY)),
                                              details=details)
        assert reply.json() == json.loads(json.dumps(expected))
        schema_of("Report").validate(reply.json())


def test_the_nearest_miss_belongs_to_the_details() -> None:
    firm = {"fields": {**FIRM["fields"], "high_tech": False}}
    full, brief = (call("POST", "/policies/match", json={
        "enterprise": firm, "as_of": DAY, "details": details}).json()["matches"]
        for details in (True, False))
    assert any(one["nearest"] for one in full) and all("nearest" in one for one in full)
    assert not any("nearest" in one for one in brief)
    same = [{name: value for name, value in one.items() if name not in ("nearest", "clauses")}
            for one in full]
    assert same == [{name: value for name, value in one.items() if name != "clauses"}
                    for one in brief]
    assert [[clause["verdict"] for clause in one["clauses"]] for one in full] == [
        [clause["verdict"] for clause in one["clauses"]] for one in brief]


def test_one_enterprise_leaves_nothing_behind_in_the_reply_of_another() -> None:
    body = {"enterprise": FIRM, "as_of": DAY}
    before = call("POST", "/policies/match", json=body).json()
    call("POST", "/policies/match", json={"enterprise": {"fields": {"employees": 5}}, "as_of": DAY})
    assert call("POST", "/policies/match", json=body).json() == before


def test_an_empty_enterprise_is_eligible_for_nothing() -> None:
    found = call("POST", "/policies/match", json={"enterprise": {}}).json()["matches"]
    assert len(found) == len(SERVICE.rules.policies)
    assert {one["verdict"] for one in found} <= {"unknown", "not_eligible"}


def test_numbers_stay_exact_on_their_way_in() -> None:
    def gap(amount: str) -> Any:
        body = f'{{"enterprise": {{"fields": {{"revenue": {{"2025": {amount}}}}}}}}}'
        return call("POST", "/policies/match", content=body,
                    headers={"content-type": "application/json"})

    assert gap("20000000.01").status_code == 200
    for wrong in ("20000000.001", "1e999999999", "NaN", "Infinity", "-1", "9" * 30, '"1e5"'):
        assert gap(wrong).status_code == 422, wrong


def test_a_batch_is_one_line_an_enterprise_and_an_end() -> None:
    reply = call("POST", "/policies/match/batch", json={
        "enterprises": [FIRM, {"fields": {"revenu": 1}}, {"id": "b"}], "as_of": DAY})
    lines = [json.loads(line) for line in reply.text.splitlines()]
    assert reply.headers["content-type"].startswith("application/x-ndjson")
    assert [one.get("line") for one in lines] == [1, 2, 3, None]
    assert lines[1]["problem"]["errors"][0]["nearest"][0] == "revenue"
    assert lines[3] == {"done": True, "enterprises": 3, "problems": 1}
    single = call("POST", "/policies/match", json={"enterprise": FIRM, "as_of": DAY,
                                                   "details": False}).json()
    assert lines[0]["report"] == single


@pytest.mark.parametrize(("body", "field", "allowed", "nearest"), [
    ({"enterprise": {"fields": {"revenu@2025": 1}}}, "revenu", "revenue", "revenue"),
    ({"enterprise": {"feilds": {}}}, "enterprise.feilds", "fields", "fields"),
    ({"enterprise": {}, "oder": "money"}, "oder", "order", "order"),
    ({"enterprise": {}, "order": "size"}, "order", "deadline", None),
    ({"enterprise": {}, "as_of": "yesterday"}, "as_of", "2026-06-01", None),
    ({"enterprise": {"fields": {"employees": "many"}}}, "employees", "whole number", None),
    ({"enterprise": {"fields": {"high_tech": 3}}}, "high_tech", "true", None),
    ({}, "enterprise", "", None), ([], "body", "a JSON object", None),
])
def test_what_is_wrong_is_named_with_what_is_allowed(
        body: Any, field: str, allowed: str, nearest: str | None) -> None:
    reply = call("POST", "/policies/match", json=body)
    told = reply.json()
    assert reply.status_code == told["status"] == 422
    assert reply.headers["content-type"] == "application/problem+json"
    schema_of("Problem").validate(told)
    [fault] = told["errors"]
    assert fault["field"] == field and allowed in fault["allowed"]
    assert nearest is None or fault["nearest"][0] == nearest
    assert any("\u4e00" <= sign <= "\u9fff" for sign in fault["zh"])
    assert fault["field"] in fault["zh"] and fault["field"] in fault["en"]


@pytest.mark.parametrize(("method", "path", "status", "code"), [
    ("GET", "/policies/none", 404, "policy.unknown"), ("GET", "/nothing", 404, "request.path"),
    ("DELETE", "/policies", 405, "request.method"), ("GET", "/policies?cursor=%25", 422,
                                                     "request.invalid"),
    ("GET", "/policies?limit=0", 422, "request.invalid"),
])
def test_every_error_is_a_problem_with_a_stable_code(
        method: str, path: str, status: int, code: str) -> None:
    reply = call(method, path)
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert reply.headers["content-type"] == "application/problem+json"
    english = call(method, path, headers={"accept-language": "en-GB"}).json()
    assert english["detail"] == english["en"] == reply.json()["en"] != reply.json()["detail"]


def test_allow_names_every_method_of_an_address() -> None:
    for path, methods in (("/enterprises/x", "DELETE, GET, PUT"), ("/policies/match", "POST"),
                          ("/enterprises", "GET, POST")):
        assert call("PATCH", path).headers["allow"] == methods


def test_a_body_that_is_no_json_or_too_large_is_refused() -> None:
    kind = {"content-type": "application/json"}
    for content in (b"{", b"\xff\xfe", b'{"enterprise": {"name": "\\ud800"}}', b"[" * 100_000,
                    b'{"enterprise": ' + b"1" * 5000 + b"}"):
        reply = call("POST", "/policies/match", content=content, headers=kind)
        assert (reply.status_code, reply.json()["code"]) == (400, "request.json")
    large = b'{"enterprise": {"name": "' + b"x" * MOST_BYTES + b'"}}'
    assert call("POST", "/policies/match", content=large, headers=kind).status_code == 413

    async def drip() -> Any:
        for _ in range(3):
            yield large[:MOST_BYTES // 2]

    assert call("POST", "/policies/match", content=drip(), headers=kind).status_code == 413


def test_pages_of_the_catalogue_hold_every_policy_once() -> None:
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = call("GET", f"/policies?limit=7&cursor={cursor}&as_of={DAY}").json()
        schema_of("PolicyPage").validate(page)
        seen += [one["id"] for one in page["items"]]
        cursor = page["next"]
    assert seen == sorted(SERVICE.rules.policies)


def test_filters_of_the_catalogue() -> None:
    def ids(query: str) -> set[str]:
        page = call("GET", f"/policies?limit=200&as_of={DAY}&{query}").json()
        assert page["total"] == len(page["items"])
        return {one["id"] for one in page["items"]}

    every = {policy.id: policy for policy in SERVICE.rules}
    assert ids("") == set(every)
    for kind in ("tax", "loan"):
        assert ids(f"kind={kind}") == {
            id_ for id_, one in every.items() if one.benefit.kind == kind} != set()
    assert ids("region=北京市/海淀区") == {
        id_ for id_, one in every.items()
        if one.region in ("全国", "北京市") or one.region.startswith("北京市/海淀区")}
    assert SMALL in ids("q=所得税 小型") and ids("q=没有这个词") == set()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_each_policy_is_shown_whole(lang: str) -> None:
    schema = schema_of("Policy")
    for id_ in SERVICE.rules.policies:
        reply = call("GET", f"/policies/{id_}?as_of={DAY}&lang={lang}")
        assert reply.status_code == 200
        schema.validate(reply.json())


def test_a_threshold_is_that_of_the_day() -> None:
    rules = RuleSet({SAMPLE.id: SAMPLE}, SERVICE.rules.dictionary)
    api = api_of(PolicyService(rules))
    values = SAMPLE.parameters["max_revenue"].values
    assert len(values) == 2
    for value in values:
        page = call("GET", f"/policies/{SAMPLE.id}?as_of={value.from_}", app=api).json()
        schema_of("Policy").validate(page)
        assert [one["value"] for one in page["parameters"]] == [str(value.value)]


def test_explanation_questions_fields_and_health() -> None:
    body = {"enterprise": FIRM, "as_of": DAY}
    told = call("POST", f"/policies/{SMALL}/explain?lang=en", json=body).json()
    schema_of("Explanation").validate(told)
    assert told["match"]["policy"] == SMALL and len(told["lines"]) > 3
    asked = call("POST", "/policies/questions", json=body).json()
    schema_of("Questions").validate(asked)
    money = [float(one["money"]) for one in asked["questions"]]
    assert money == sorted(money, reverse=True) and len(money) > 10
    fields = call("GET", "/fields").json()
    schema_of("Fields").validate(fields)
    assert {one["key"] for one in fields["items"]} == set(SERVICE.rules.dictionary.fields)
    assert call("GET", "/health").json()["policies"] == len(SERVICE.rules.policies)


def test_an_explanation_in_words_is_optional_and_says_whose_words_they_are() -> None:
    body = {"enterprise": FIRM, "as_of": DAY}
    path = f"/policies/{SMALL}/explain"
    assert call("POST", path, json=body).json()["words"] is None
    plain = call("POST", path, json=body | {"words": True}).json()
    schema_of("Explanation").validate(plain)
    assert plain["words"]["by"] == "rules" and "CITYLLM_ENGINE" in plain["words"]["note"]
    model = QueueModel(replies=["还缺{E1.missing}。您可以享受。", ModelUnavailable("连不上", "no server")])
    api = api_of(SERVICE, narrator=Narrator(model))
    told = call("POST", path, app=api, json=body | {"words": True}).json()["words"]
    assert told["by"] == "model" and len(told["removed"]) == 1
    assert "享受" not in told["text"] and "还缺" in told["text"]
    dead = call("POST", path, app=api, json=body | {"words": True})
    assert dead.status_code == 503 and dead.json()["zh"] == "连不上"


def test_words_are_read_and_what_was_read_can_be_matched() -> None:
    text = "我们是海淀区的高新技术企业，去年营收2000万元，员工28人。"
    read = call("POST", "/enterprises/read", json={"text": text, "as_of": DAY}).json()
    schema_of("ReadText").validate(read)
    assert read["confirmed"] is False
    assert {one["column"]: one["words"] for one in read["readings"]} == {
        "region": "海淀区", "high_tech": "高新技术企业", "revenue@2025": "营收2000万元",
        "employees": "员工28人"}
    assert all(text[one["start"]:one["end"]] == one["words"] for one in read["readings"])
    said = call("POST", "/policies/match", json={"enterprise": {"fields": read["fields"]},
                                                 "as_of": DAY})
    given = call("POST", "/policies/match", json={"enterprise": {"fields": {
        "region": "北京市/海淀区", "high_tech": True, "revenue": {"2025": "2000万"},
        "employees": 28}}, "as_of": DAY})
    assert said.json() == given.json()


def test_replies_are_compressed_for_who_takes_it() -> None:
    body = {"enterprise": FIRM, "as_of": DAY}
    packed = call("POST", "/policies/match", json=body)
    plain = call("POST", "/policies/match", json=body, headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers and packed.json() == plain.json()


def test_the_description_names_every_route_and_its_examples_work() -> None:
    made = call("GET", "/openapi.json").json()
    assert made["servers"] == [{"url": PREFIX}]
    names = [one["operationId"] for operations in made["paths"].values()
             for one in operations.values()]
    assert len(names) == len(set(names))
    for path, operations in made["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"] and operation["description"], path
            assert any("\u4e00" <= sign <= "\u9fff" for sign in operation["summary"]), path
            body = operation.get("requestBody")
            if body is None:
                continue
            examples = body["content"]["application/json"]["examples"]
            assert set(examples) == {"zh", "en"}, path
            for example in examples.values():
                reply = call(method.upper(), path.format(policy=SMALL, id="e1"),
                             json=example["value"])
                assert reply.status_code in (200, 201), (path, reply.text)
