"""Keys, rates, repeats and the registry of enterprises, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import Response
from typer.testing import CliRunner

from cityllm.cli import app
from cityllm.errors import (
    AccessError,
    ConfigError,
    EnterpriseError,
    EnterpriseNotFound,
    KeyNeeded,
    RepeatConflict,
    TooManyRequests,
)
from cityllm.policies.registry import Registry
from cityllm.policies.ruleset import RuleSet
from cityllm.policies.service import PolicyService
from cityllm.safety.api_keys import SCOPES, ApiKeys
from cityllm.safety.database import Database
from cityllm.web.api import make_api
from cityllm.web.guard import USER
from cityllm.web.repeats import ABANDONED, KEPT, Repeats
from tests.api_server import postgres, worker
from tests.test_api import call
from tests.test_policy_service import RULES, SAMPLE

SERVICE = PolicyService(RuleSet({SAMPLE.id: SAMPLE}, RULES.dictionary))
FIRM = {"name": "示例公司", "fields": {"region": "北京市海淀区", "revenue": {"2025": "2000万"}}}


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres",
                                                               marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "sqlite":
        yield ""
        return
    with postgres() as address:
        yield address


@pytest.fixture
def database(url: str, tmp_path: Path) -> Iterator[Database]:
    held = Database(tmp_path, url)
    for table in ("api_keys", "rates", "repeats", "enterprises"):
        held.run(f"DELETE FROM {table}")
    yield held
    held.close()


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def served(database: Database, user: str | None = None) -> Any:
    api = make_api(SERVICE, database, lambda name: name)  # type: ignore[arg-type, return-value]

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await api({**scope, **({USER: user} if user else {})}, receive, send)

    return answer


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def test_a_key_is_kept_as_a_hash_and_found_until_it_is_removed(database: Database) -> None:
    keys = ApiKeys(database)
    key = keys.add("portal", ["match", "policies"], 60)
    assert keys.find(key).name == "portal" and keys.find(key).scopes == ("policies", "match")
    assert key not in str(database.all("SELECT * FROM api_keys"))
    for wrong in (("portal", ["match"], 1), ("a b", ["match"], 1), ("c", ["all"], 1),
                  ("d", [], 1), ("e", ["match"], 0)):
        with pytest.raises(AccessError):
            keys.add(*wrong)
    keys.remove("portal")
    with pytest.raises(KeyNeeded):
        keys.find(key)
    with pytest.raises(AccessError, match="portal"):
        keys.remove("portal")


def test_a_rate_allows_a_burst_and_then_one_at_a_time(database: Database) -> None:
    clock = Clock()
    keys = ApiKeys(database, clock)
    key = keys.find(keys.add("slow", ["match"], 6))
    for _ in range(6):
        keys.spend(key)
    with pytest.raises(TooManyRequests) as caught:
        keys.spend(key)
    assert caught.value.wait == pytest.approx(10)
    clock.now += 10
    keys.spend(key)
    with pytest.raises(TooManyRequests):
        keys.spend(key)
    clock.now += 3600
    for _ in range(6):
        keys.spend(key)


def test_every_route_but_health_asks_who_calls(database: Database) -> None:
    application = served(database)
    described = call("GET", "/openapi.json", app=application).json()
    assert len(described["paths"]) > 8
    for path, operations in described["paths"].items():
        for method in operations:
            where = path.format(policy=SAMPLE.id, id="x")
            reply = call(method.upper(), f"{where}?since=2026-01-01",
                         app=application, json={"enterprise": {}, "enterprises": [{}], "text": ""})
            expected = 200 if path == "/health" else 401
            assert reply.status_code == expected, (method, path, reply.text)
    for header in ({"authorization": "Bearer ck_wrong"}, {"authorization": "Basic eA=="}):
        assert call("GET", "/policies", app=application, headers=header).status_code == 401


def test_a_key_may_do_what_its_scopes_say_and_a_person_what_their_role_says(
        database: Database) -> None:
    keys = ApiKeys(database)
    only = {scope: bearer(keys.add(scope, [scope])) for scope in SCOPES}
    calls = {"policies": ("GET", "/policies", None), "match": (
        "POST", "/policies/match", {"enterprise": FIRM}), "enterprises.read": (
        "GET", "/enterprises", None), "enterprises.write": ("POST", "/enterprises", FIRM),
        "metrics": ("GET", "/metrics", None)}
    application = served(database)
    for scope, header in only.items():
        for needed, (method, path, body) in calls.items():
            reply = call(method, path, app=application, headers=header, json=body)
            assert (reply.status_code < 300) == (scope == needed), (scope, needed, reply.text)
            assert scope == needed or reply.json()["code"] == "access.scope"
    for role, allowed in (("enterprise", {"policies", "match"}), ("admin", set(SCOPES))):
        for needed, (method, path, body) in calls.items():
            reply = call(method, path, app=served(database, role), json=body)
            assert (reply.status_code < 300) == (needed in allowed), (role, needed)


def test_the_registry_keeps_what_was_sent_exactly(database: Database) -> None:
    clock = Clock()
    registry = Registry(database, RULES.dictionary, clock)
    first = registry.put("a", FIRM)
    assert (first.version, first.data["fields"]) == (1, FIRM["fields"])
    clock.now += 60
    again = registry.put("a", {"fields": {"employees": 3}})
    assert (again.version, again.data["fields"]) == (2, {"employees": 3})
    assert (again.changed - first.changed).total_seconds() == 60
    with pytest.raises(EnterpriseError, match="employes"):
        registry.put("b", {"fields": {"employes": 3}})
    with pytest.raises(EnterpriseNotFound, match="b"):
        registry.get("b")
    for number in range(25):
        registry.put(f"n{number:02d}", FIRM)
    assert [one.id for one in registry] == ["a", *(f"n{number:02d}" for number in range(25))]
    assert [one.id for one in registry.page("n03", 2)] == ["n04", "n05"]
    assert len(registry.table()) == registry.count() == 26
    registry.remove("a")
    with pytest.raises(EnterpriseNotFound):
        registry.remove("a")


def test_the_registry_over_http(database: Database) -> None:
    application = served(database, "admin")
    made = call("POST", "/enterprises", app=application, json=FIRM)
    assert made.status_code == 201 and made.json()["version"] == 1
    id_ = made.json()["id"]
    exact = b'{"fields": {"revenue": {"2025": 20000000.01}}}'
    put = call("PUT", f"/enterprises/{id_}", app=application, content=exact,
               headers={"content-type": "application/json"})
    assert put.json()["fields"] == {"revenue": {"2025": "20000000.01"}}
    assert call("GET", f"/enterprises/{id_}", app=application).json() == put.json()
    matched = call("POST", f"/enterprises/{id_}/match?as_of=2026-03-15", app=application).json()
    assert matched["enterprise"] == id_ and matched["matches"][0]["policy"] == SAMPLE.id
    wrong = call("PUT", f"/enterprises/{id_}", app=application, json={"fields": {"revenu": 1}})
    assert wrong.status_code == 422 and wrong.json()["errors"][0]["nearest"][0] == "revenue"
    for number in range(5):
        call("PUT", f"/enterprises/p{number}", app=application, json=FIRM)
    seen, cursor = [], ""
    while cursor is not None:
        page = call("GET", f"/enterprises?limit=2&cursor={cursor}", app=application).json()
        seen += [one["id"] for one in page["items"]]
        call("DELETE", f"/enterprises/{page['items'][0]['id']}", app=application)
        cursor = page["next"]
    assert seen == sorted({id_, *(f"p{number}" for number in range(5))})
    gone = call("GET", f"/enterprises/{seen[0]}", app=application)
    assert (gone.status_code, gone.json()["code"]) == (404, "policy.enterprise_unknown")


def test_a_day_changes_policies_and_who_gains(database: Database) -> None:
    application = served(database, "admin")
    held = SAMPLE.fixtures[0]
    fields = json.loads(json.dumps(held.fields, default=str))
    judged = {f"{SAMPLE.id}.{clause}": value for clause, value in held.judgements.items()}
    call("PUT", "/enterprises/a", app=application, json={"fields": fields, "judgements": judged})
    call("PUT", "/enterprises/b", app=application, json={"fields": {"region": "浙江省/杭州市"}})
    told = call("GET", f"/policies/changes?since=2023-06-01&as_of={held.as_of}",
                app=application).json()
    assert told["policies"] == [{"policy": SAMPLE.id, "title": SAMPLE.title.zh,
                                 "before": "not_yet", "after": "in_force"}]
    [gained] = [one for one in told["enterprises"] if one["gained"]]
    assert (gained["enterprise"], gained["after"], gained["amount_after"]) == (
        "a", "eligible", "200000.00")
    nothing = call("GET", f"/policies/changes?since={held.as_of}&as_of={held.as_of}",
                   app=application).json()
    assert nothing["policies"] == nothing["enterprises"] == []
    assert call("GET", "/policies/changes", app=application).status_code == 422


def test_a_writing_call_sent_again_does_nothing_again(database: Database) -> None:
    application = served(database, "admin")
    key = {"idempotency-key": "one"}
    first, second = (call("POST", "/enterprises", app=application, json=FIRM, headers=key)
                     for _ in range(2))
    assert first.json() == second.json() and second.status_code == 201
    assert second.headers["idempotent-replayed"] == "true"
    other = call("POST", "/enterprises", app=application, json={"name": "b"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "request.repeat")
    wrong = {"fields": {"revenu": 1}}
    for _ in range(2):  # a call that failed is not kept
        assert call("POST", "/enterprises", app=application, json=wrong,
                    headers={"idempotency-key": "two"}).status_code == 422
    assert call("POST", "/enterprises", app=application, json=FIRM,
                headers={"idempotency-key": "two"}).status_code == 201
    assert call("GET", "/enterprises", app=application).json()["total"] == 2


def test_of_two_calls_at_once_one_runs(database: Database) -> None:
    clock, ran, go = Clock(), [], threading.Event()
    repeats = Repeats(database, clock)

    def slow() -> Response:
        ran.append(1)
        assert go.wait(30)
        return Response("{}", 201)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(repeats.once, "me", "k", b"call", slow)
        while not ran:
            pass
        with pytest.raises(RepeatConflict):
            repeats.once("me", "k", b"call", slow)
        repeats.once("you", "k", b"call", lambda: Response("{}"))  # another's keys are another's
        go.set()
        assert running.result(30).status_code == 201
    assert repeats.once("me", "k", b"call", slow).headers["idempotent-replayed"] == "true"
    database.run("UPDATE repeats SET status = 0")  # as if the process had died in the middle
    with pytest.raises(RepeatConflict):
        repeats.once("me", "k", b"call", slow)
    clock.now += ABANDONED + 1
    assert repeats.once("me", "k", b"call", slow).status_code == 201 and len(ran) == 2
    clock.now += KEPT + 1
    repeats.once("me", "k", b"another call", slow)
    assert len(ran) == 3


@pytest.mark.slow
def test_a_rate_holds_over_two_workers(database: Database, url: str, tmp_path: Path) -> None:
    key = bearer(ApiKeys(database).add("two", ["policies"], 20))
    with worker(tmp_path, url) as one, worker(tmp_path, url) as other:
        began = time.monotonic()
        with ThreadPoolExecutor(8) as pool, httpx.Client(headers=key, timeout=60) as client:
            replies = list(pool.map(
                lambda n: client.get(f"{(one, other)[n % 2]}/policies"), range(80)))
        seconds = time.monotonic() - began
    codes = [reply.status_code for reply in replies]
    assert set(codes) == {200, 429}
    assert 20 <= codes.count(200) <= 20 + seconds / 3 + 1
    refused = next(reply for reply in replies if reply.status_code == 429)
    assert 1 <= int(refused.headers["retry-after"]) <= 4
    assert {codes[n::2].count(200) > 0 for n in (0, 1)} == {True}


def test_keys_from_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYLLM_HOME", str(tmp_path))
    run = CliRunner().invoke
    made = run(app, ["api-key", "add", "portal", "--scope", "match", "--scope", "policies"])
    key = made.output.splitlines()[0]
    assert ApiKeys(Database(tmp_path)).find(key).per_minute == 600
    assert "portal\tpolicies match\t600/min" in run(app, ["api-key", "list"]).output
    assert (tmp_path / "api.sqlite").stat().st_mode & 0o777 == 0o600
    assert "portal" in run(app, ["api-key", "remove", "portal"]).output
    assert run(app, ["api-key", "list"]).output == ""


@pytest.mark.parametrize("address", ["mysql://x/y", "nonsense", "postgresql://u@127.0.0.1:1/x"])
def test_a_database_that_cannot_be_opened_is_named(address: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="CITYLLM_DATABASE_URL"):
        ApiKeys(Database(tmp_path, address)).list()
