"""The vault of originals: sealed, bound to an id, opened by one key."""

from __future__ import annotations

import base64
import os
import sqlite3
import stat
from pathlib import Path

import pytest

from cityllm.errors import AccessError, ConfigError
from cityllm.safety.vault import Vault, person_key, read_key

KEY = bytes(range(32))


def test_what_is_put_comes_back_and_is_not_readable_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "vault.sqlite"
    with Vault(path, KEY) as vault:
        vault.put([("1", {"text": "王建国 13812345678"}), ("2", {"text": "二"})])
        vault.put([("1", {"text": "王建国 13812345678"})])
        assert len(vault) == 2
    raw = path.read_bytes()
    assert b"13812345678" not in raw
    assert "王建国".encode() not in raw
    with Vault(path, KEY) as vault:
        assert vault.get("1") == {"text": "王建国 13812345678"}
        assert vault.get("none") is None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_wrong_key_is_told_at_once(tmp_path: Path) -> None:
    Vault(tmp_path / "v", KEY).close()
    with pytest.raises(AccessError, match="CITYLLM_VAULT_KEY"):
        Vault(tmp_path / "v", bytes(32))


def test_an_original_cannot_be_passed_off_as_another(tmp_path: Path) -> None:
    with Vault(tmp_path / "v", KEY) as vault:
        vault.put([("1", {"text": "一"}), ("2", {"text": "二"})])
    with sqlite3.connect(tmp_path / "v") as base:
        nonce, sealed = base.execute("SELECT nonce, sealed FROM originals WHERE id='1'").fetchone()
        base.execute("UPDATE originals SET nonce=?, sealed=? WHERE id='2'", (nonce, sealed))
    base.close()
    with Vault(tmp_path / "v", KEY) as vault, pytest.raises(AccessError):
        vault.get("2")


def test_the_key_is_read_or_made(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "vault.key"
    made = read_key("", file)
    assert read_key("", file) == made
    assert len(made) == 32
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert read_key(base64.b64encode(KEY).decode(), file) == KEY == read_key(KEY.hex(), file)
    with pytest.raises(ConfigError, match="32"):
        read_key("short", file)


def test_a_person_is_the_same_hash_under_one_key_only() -> None:
    assert person_key(KEY, "王建国") == person_key(KEY, " 王建国 ") != person_key(bytes(32), "王建国")
    assert person_key(KEY, "") == ""
    assert "王" not in person_key(KEY, "王建国")
