"""Accounts: who gets in, who does not, and when the program refuses to start."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityllm.errors import AccessError
from cityllm.safety.access import (
    LOCK_SECONDS,
    MAX_FAILURES,
    ROLES,
    Accounts,
    is_loopback,
    normalise,
    require_accounts,
)

PASSWORD = "长一点的密码 123"


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(tmp_path: Path, clock: Clock) -> Accounts:
    return Accounts(tmp_path / "home" / "accounts.sqlite", clock)


def test_an_account_signs_in_with_its_role(accounts: Accounts) -> None:
    accounts.add("王工", PASSWORD, "planner")
    found = accounts.sign_in("王工", PASSWORD)
    assert (found.name, found.role) == ("王工", "planner")
    assert accounts.find("王工") == found and accounts.find("nobody") is None


def test_nothing_is_written_until_an_account_is_made(accounts: Accounts) -> None:
    assert accounts.list() == []
    assert not accounts.path.exists()


@pytest.mark.parametrize(("name", "password"), [("王工", "wrong"), ("nobody", PASSWORD), ("", "")])
def test_a_wrong_name_reads_like_a_wrong_password(accounts: Accounts, name: str,
                                                  password: str) -> None:
    accounts.add("王工", PASSWORD, "planner")
    with pytest.raises(AccessError) as problem:
        accounts.sign_in(name, password)
    assert problem.value.zh == "用户名或密码不对。"


def test_wrong_passwords_lock_a_name_for_a_minute(accounts: Accounts, clock: Clock) -> None:
    accounts.add("li", PASSWORD, "clerk")
    for _ in range(MAX_FAILURES):
        with pytest.raises(AccessError, match="Wrong name"):
            accounts.sign_in("li", "wrong password")
    with pytest.raises(AccessError, match="try again in a minute"):
        accounts.sign_in("li", PASSWORD)
    clock.now += LOCK_SECONDS
    assert accounts.sign_in("li", PASSWORD).role == "clerk"


def test_a_right_password_forgets_the_wrong_ones(accounts: Accounts) -> None:
    accounts.add("li", PASSWORD, "clerk")
    for _ in range(2):
        for _ in range(MAX_FAILURES - 1):
            with pytest.raises(AccessError):
                accounts.sign_in("li", "wrong password")
        assert accounts.sign_in("li", PASSWORD).name == "li"


def test_the_file_holds_no_password_and_is_its_owners_alone(accounts: Accounts) -> None:
    accounts.add("li", PASSWORD, "admin")
    assert stat.S_IMODE(accounts.path.stat().st_mode) == 0o600
    with sqlite3.connect(accounts.path) as database:
        stored = database.execute("SELECT hash FROM accounts").fetchone()[0]
    database.close()
    assert stored.startswith("$argon2id$")
    assert PASSWORD.encode() not in accounts.path.read_bytes()


@pytest.mark.parametrize(("name", "password", "role", "message"), [
    ("a b", PASSWORD, "planner", "'a b' is not allowed"),
    ("", PASSWORD, "planner", "is not allowed"),
    ("li", "short", "planner", "at least 8"),
    ("li", PASSWORD, "king", "Allowed: planner, clerk, supervisor, auditor, enterprise, admin"),
])
def test_what_cannot_be_made_is_named(accounts: Accounts, name: str, password: str, role: str,
                                      message: str) -> None:
    with pytest.raises(AccessError, match=message):
        accounts.add(name, password, role)
    assert accounts.list() == []


def test_a_name_is_taken_once_and_can_be_removed(accounts: Accounts) -> None:
    accounts.add("li", PASSWORD, "planner")
    with pytest.raises(AccessError, match="cityllm user remove li"):
        accounts.add("ｌｉ", PASSWORD, "admin")
    accounts.remove("li")
    assert accounts.list() == []
    with pytest.raises(AccessError, match="no user li"):
        accounts.remove("li")


@given(st.text(max_size=80))
def test_a_stored_name_is_its_own_normal_form(name: str) -> None:
    try:
        found = normalise(name)
    except AccessError:
        return
    assert normalise(found) == found
    assert found == found.strip()


@pytest.mark.parametrize(("host", "expected"), [
    ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("[::1]", True), ("localhost", True),
    ("0.0.0.0", False), ("::", False), ("192.0.2.7", False), ("city.example", False), ("", False),
])
def test_only_loopback_addresses_are_local(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_other_addresses_need_an_account_before_the_start(accounts: Accounts) -> None:
    assert require_accounts("127.0.0.1", accounts) is False
    with pytest.raises(AccessError, match="cityllm user add") as problem:
        require_accounts("0.0.0.0", accounts)
    assert "CITYLLM_HOST" in problem.value.zh
    accounts.add("li", PASSWORD, ROLES[0])
    assert require_accounts("0.0.0.0", accounts) is True
