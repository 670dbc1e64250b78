"""The site's door and files over HTTP: who gets in, from where, and what is handed out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest
from fakes_web import EXPORTERS, PIXEL, FakeServices, answer_of, fake_services, serving

from cityllm.errors import AccessError
from cityllm.safety.access import Accounts
from cityllm.web.conversations import Conversations
from cityllm.web.guard import COOKIE
from cityllm.web.pages import PAGES, SHARED
from cityllm.web.sessions import HOURS, Sessions

Opened = tuple[httpx.Client, FakeServices]
HTML = {"accept": "text/html"}
WEB = Path(__file__).parent.parent / "cityllm" / "web"


def answered(services: FakeServices, user: str, question: str = "主路") -> int:
    """A finished turn of `user`."""
    store = Conversations.open(services.settings.home / "conversations.sqlite")
    _, turn = store.begin(user, "", question, None)
    store.finish(turn, answer_of(question, services.ledger, services.assistant.image))
    store.close()
    return turn


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    services = fake_services(tmp_path_factory.mktemp("local"))
    with serving(services.settings.home) as address, httpx.Client(base_url=address,
                                                                  timeout=60) as opened:
        yield opened, services


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    services = fake_services(tmp_path_factory.mktemp("public"), host="0.0.0.0")
    services.accounts.add("li", "a long password", "planner")
    services.accounts.add("wang", "another password", "clerk")
    with serving(services.settings.home, "0.0.0.0") as address, httpx.Client(
            base_url=address, timeout=60, headers={"host": "city.example"}) as opened:
        yield opened, services


def sign_in(opened: httpx.Client, name: str, password: str) -> httpx.Response:
    opened.cookies.clear()
    return opened.post("/sign-in", data={"name": name, "password": password})


def test_the_chat_and_its_health_answer(local: Opened) -> None:
    opened, _ = local
    assert opened.get("/healthz").json() == {"status": "ok"}
    reply = opened.get("/")
    assert reply.status_code == 200 and "城市规划与政务助手" in reply.text
    policy = reply.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
    assert reply.headers["x-content-type-options"] == "nosniff"


def test_without_accounts_only_names_of_this_machine_open_it(
        local: Opened) -> None:
    opened, _ = local
    for host, status in (("localhost:7860", 200), ("[::1]:7860", 200), ("127.0.0.1", 200),
                         ("evil.example", 403), ("127.0.0.1.evil.example", 403), ("", 403)):
        assert opened.get("/", headers={"host": host}).status_code == status, host


def test_a_page_of_another_site_changes_nothing(local: Opened) -> None:
    opened, _ = local
    for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 404)):
        reply = opened.post("/pages/theme.css/none", headers={"sec-fetch-site": site})
        assert reply.status_code == status, site
    assert opened.get("/", headers={"sec-fetch-site": "cross-site"}).status_code == 200


def test_styles_and_scripts_of_the_pages_are_served_and_nothing_else(local: Opened) -> None:
    opened, _ = local
    for page in PAGES:
        for name in (*SHARED, *page.files):
            assert opened.get(f"/pages/{name}").text == (WEB / name).read_text("utf-8")
    for name in ("site.py", "..%2Fconfig.py", "%2Fetc%2Fpasswd", "none.css"):
        assert opened.get(f"/pages/{name}").status_code == 404, name


def test_nothing_can_be_uploaded_or_fetched_through_it(local: Opened) -> None:
    opened, _ = local
    for path in ("/gradio_api/upload", "/upload"):
        assert opened.post(path, files={"files": ("a.txt", b"x")}).status_code == 404
    assert opened.get("/gradio_api/proxy=https://example.org/").status_code == 404
    secret = Path(__file__).resolve()
    assert opened.get(f"/gradio_api/file={secret}").status_code in (403, 404)


def test_a_picture_is_served_from_its_turn_only(local: Opened) -> None:
    opened, services = local
    turn = answered(services, "local")
    assert opened.get(f"/pictures/{turn}/E2/0").content == PIXEL
    for wrong in (f"{turn}/E2/1", f"{turn}/E2/-1", f"{turn}/E1/0", f"{turn + 99}/E2/0"):
        assert opened.get(f"/pictures/{wrong}").status_code == 404, wrong
    foreign = answered(services, "somebody")
    assert opened.get(f"/pictures/{foreign}/E2/0").status_code == 404


def test_a_file_that_is_no_picture_is_not_served(local: Opened) -> None:
    opened, services = local
    for name, content in (("secret.txt", PIXEL), ("not.png", b"secret")):
        path = services.settings.home / name
        path.write_bytes(content)
        services.assistant.image, before = str(path), services.assistant.image
        turn = answered(services, "local")
        services.assistant.image = before
        assert opened.get(f"/pictures/{turn}/E2/0").status_code == 404, name


def test_exports_are_files(local: Opened) -> None:
    opened, services = local
    turn = answered(services, "local")
    reply = opened.get(f"/export/{turn}.md")
    assert reply.text.startswith("# 主路") and f"answer-{turn}.md" in reply.headers[
        "content-disposition"]
    assert opened.get(f"/export/{turn}.docx").content.startswith(b"PK")
    assert opened.get(f"/export/{turn}.exe").status_code == 404
    assert opened.get(f"/export/{answered(services, 'somebody')}.md").status_code == 404


def test_a_failed_export_is_a_sentence(local: Opened) -> None:
    opened, services = local
    turn = answered(services, "local", "主路坏了")
    reply = opened.get(f"/export/{turn}.md?lang=en")
    assert reply.status_code == 500 and "secret" not in reply.text
    assert reply.text.startswith("The export failed")


def test_a_public_address_without_accounts_does_not_start(tmp_path: Path) -> None:
    from cityllm.web.site import make_site

    with pytest.raises(AccessError, match="cityllm user add"):
        make_site(fake_services(tmp_path, host="0.0.0.0"), EXPORTERS)


def test_nothing_but_the_sign_in_page_answers_without_a_session(
        public: Opened) -> None:
    opened, services = public
    opened.cookies.clear()
    reply = opened.get("/", headers=HTML)
    assert reply.status_code == 303 and reply.headers["location"] == "/sign-in"
    turn = answered(services, "li")
    for path in ("/config", "/gradio_api/info", f"/pictures/{turn}/E2/0", f"/export/{turn}.md",
                 "/theme.css", "/gradio_api/queue/data?session_hash=x"):
        assert opened.get(path).status_code == 401, path
    assert opened.post("/gradio_api/queue/join", json={}).status_code == 401
    assert opened.get("/healthz").status_code == 200
    assert opened.get("/sign-in").status_code == 200
    opened.cookies.set(COOKIE, "guessed")
    assert opened.get("/config").status_code == 401


def test_signing_in_and_out(public: Opened) -> None:
    opened, services = public
    reply = sign_in(opened, "li", "a long password")
    assert reply.status_code == 303 and reply.headers["location"].startswith("/?")
    cookie = reply.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie
    assert opened.get("/config").status_code == 200
    assert opened.get("/config").json()["username"] == "li"
    mine, other = answered(services, "li"), answered(services, "wang")
    assert opened.get(f"/export/{mine}.md").status_code == 200
    assert opened.get(f"/export/{other}.md").status_code == 404
    token = opened.cookies[COOKIE]
    assert opened.post("/sign-out").status_code == 303
    opened.cookies.set(COOKIE, token)
    assert opened.get("/config").status_code == 401, "the old token is dead"


def test_whoever_signs_in_comes_to_the_page_that_was_asked_for(public: Opened) -> None:
    opened, _ = public
    opened.cookies.clear()
    asked = opened.get("/policies/office?policy=a&table=sample", headers=HTML)
    assert asked.status_code == 303
    form = opened.get(asked.headers["location"]).text
    action = re.search(r'action="([^"]+)"', form)
    assert action
    wrong = opened.post(unescape(action[1]), data={"name": "li", "password": "wrong password"})
    assert action[1] in wrong.text, "a wrong password does not lose the page"
    reply = opened.post(unescape(action[1]), data={"name": "li", "password": "a long password"})
    assert reply.headers["location"] == "/policies/office?policy=a&table=sample&lang=zh"


def test_signing_in_leads_to_pages_of_this_site_only_that_the_role_may_open(
        public: Opened) -> None:
    opened, _ = public
    for asked in ("", "https://evil.example/policies", "//evil.example/policies", "/\\evil.example",
                  "\\\\evil.example/policies", "javascript:alert(1)", "/sign-out", "http://[",
                  "///evil.example/policies", "/policies/../sign-out", "/policies\r\nX: y"):
        for name, password, home in (("li", "a long password", "/?lang=zh"),
                                     ("wang", "another password", "/petitions?lang=zh")):
            opened.cookies.clear()
            reply = opened.post("/sign-in", params={"next": asked},
                                data={"name": name, "password": password})
            assert reply.headers["location"] == home, asked
    opened.cookies.clear()
    reply = opened.post("/sign-in", params={"next": "/petitions", "lang": "en"},
                        data={"name": "li", "password": "a long password"})
    assert reply.headers["location"] == "/?lang=en", "a planner may not open petitions"


def test_a_wrong_password_says_so_and_repeats_only_the_name(
        public: Opened) -> None:
    opened, _ = public
    reply = sign_in(opened, "<b>li", "wrong password")
    assert reply.status_code == 403 and "role=\"alert\"" in reply.text
    assert "wrong password" not in reply.text and "<b>" not in reply.text
    assert "set-cookie" not in reply.headers
    assert opened.post("/sign-in", content=b"x" * 9000).status_code == 413


def test_sessions_end_with_time_and_with_the_account(tmp_path: Path) -> None:
    now = [1000.0]
    accounts = Accounts(tmp_path / "accounts.sqlite", clock=lambda: now[0])
    accounts.add("li", "a long password", "planner")
    path = tmp_path / "sessions.sqlite"
    sessions = Sessions(path, accounts, clock=lambda: now[0])
    token, _ = sessions.begin("li", "a long password")
    assert Sessions(path, accounts, clock=lambda: now[0]).user(token) == "li", "survives a restart"
    assert token.encode() not in path.read_bytes()
    now[0] += HOURS * 3600 + 1
    assert sessions.user(token) is None
    token, _ = sessions.begin("li", "a long password")
    accounts.remove("li")
    assert sessions.user(token) is None
