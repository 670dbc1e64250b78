"""Originals kept apart, encrypted: AES-256-GCM in SQLite, the key outside of it.

Each original is sealed under a nonce of its own and bound to its id, so that one cannot be passed
off as another. A wrong key is told at once. `person_key` hashes who wrote with a key drawn from
the same secret: the same person gives the same hash, and the hash alone leads to nobody. Not here:
rotation of keys, and protection of the key file by other means than the file's rights.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType

from cityllm.errors import AccessError, ConfigError

_TABLE = """
CREATE TABLE IF NOT EXISTS originals (
    id TEXT PRIMARY KEY, nonce BLOB NOT NULL, sealed BLOB NOT NULL)
"""
_PROBE = "\x00probe"


def read_key(given: str, file: Path) -> bytes:
    """The 32 bytes of a key: `given` (base64 or hex) or else the contents of `file`, which is made
    with a random key, readable by its owner alone, when it is missing."""
    if given:
        return _decode(given, "CITYLLM_VAULT_KEY")
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        made = base64.b64encode(os.urandom(32)) + b"\n"
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(made)
    return _decode(file.read_text(encoding="ascii", errors="replace"), str(file))


def _decode(text: str, where: str) -> bytes:
    text = text.strip()
    try:
        key = bytes.fromhex(text) if len(text) == 64 else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != 32:
        raise ConfigError(f"{where} 里的密钥不可用：需要 32 字节，写成 base64（44 个字符）或十六进制（64 个字符）。",
                          f"The key in {where} is not usable: it must be 32 bytes, as base64 "
                          "(44 signs) or hex (64 signs).")
    return key


def person_key(key: bytes, who: str) -> str:
    """A keyed hash of who wrote, 20 hex signs; empty for nobody."""
    who = "".join(who.split()).casefold()
    if not who:
        return ""
    own = hmac.new(key, b"person", hashlib.sha256).digest()
    return hmac.new(own, who.encode(), hashlib.sha256).hexdigest()[:20]


class Vault:
    """Originals by id, each a mapping of texts. One writer at a time; a context manager."""

    def __init__(self, path: Path, key: bytes) -> None:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._path, self._broken = path, InvalidTag
        self._cipher = AESGCM(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        self._base = sqlite3.connect(path)
        self._base.execute("PRAGMA synchronous=FULL")
        self._base.execute(_TABLE)
        if self.get(_PROBE) is None:
            self.put([(_PROBE, {})])

    def put(self, originals: Iterable[tuple[str, Mapping[str, str]]]) -> None:
        """Seal and keep these, all or none; the same id again replaces what was there."""
        rows = []
        for id_, original in originals:
            nonce = os.urandom(12)
            plain = json.dumps(dict(original), ensure_ascii=False).encode()
            rows.append((id_, nonce, self._cipher.encrypt(nonce, plain, id_.encode())))
        with self._base:
            self._base.executemany("INSERT OR REPLACE INTO originals VALUES (?, ?, ?)", rows)

    def get(self, id_: str) -> dict[str, str] | None:
        """The original, or None where no such id is kept. AccessError for a wrong key."""
        row = self._base.execute("SELECT nonce, sealed FROM originals WHERE id = ?",
                                 (id_,)).fetchone()
        if row is None:
            return None
        try:
            plain = self._cipher.decrypt(row[0], row[1], id_.encode())
        except self._broken:
            raise AccessError(
                f"打不开 {self._path}：密钥不对，或者文件被改动过。请用当时的密钥"
                "（CITYLLM_VAULT_KEY 或 CITYLLM_VAULT_KEY_FILE）。",
                f"{self._path} cannot be opened: the key is wrong, or the file was changed. Use "
                "the key it was made with (CITYLLM_VAULT_KEY or CITYLLM_VAULT_KEY_FILE).") from None
        found: dict[str, str] = json.loads(plain)
        return found

    def __len__(self) -> int:
        count: int = self._base.execute("SELECT count(*) FROM originals").fetchone()[0]
        return count - 1

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()

    def __enter__(self) -> Vault:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()
