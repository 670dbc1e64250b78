"""The registry of enterprises, where a city wants one: kept as given, checked when it is read in.

Optional: a match takes an enterprise that is sent along just as well. Each change counts the
version up; nothing is kept of a version that was replaced.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from cityllm.errors import EnterpriseNotFound
from cityllm.policies.enterprises import from_data, parse_json
from cityllm.policies.fields import Dictionary, Enterprise
from cityllm.policies.table import EnterpriseTable, from_enterprises
from cityllm.safety.database import Database


@dataclass(frozen=True)
class Registered:
    """An enterprise of the registry. `data` is what was sent: id, name, fields, judgements."""

    id: str
    data: Mapping[str, Any]
    version: int
    changed: datetime

    def read(self, dictionary: Dictionary) -> Enterprise:
        """As the rules read it. EnterpriseError where the dictionary has changed under it."""
        return from_data(self.data, dictionary)

    def plain(self) -> dict[str, Any]:
        """As the API shows it."""
        return {**self.data, "version": self.version, "changed": self.changed.isoformat()}


class Registry:
    """Enterprises in the shared database. `clock` gives seconds since 1970."""

    def __init__(self, database: Database, dictionary: Dictionary,
                 clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._dictionary = dictionary
        self._clock = clock

    def put(self, id_: str, data: Mapping[str, Any]) -> Registered:
        """Add or replace. EnterpriseError for a field that is unknown or wrong."""
        whole = {"id": id_, "name": str(data.get("name") or ""),
                 "fields": data.get("fields") or {}, "judgements": data.get("judgements") or {}}
        from_data(whole, self._dictionary)
        row = self._database.one(
            "INSERT INTO enterprises (id, name, data, version, changed) "
            "VALUES (:id, :name, :data, 1, :now) ON CONFLICT (id) DO UPDATE SET "
            "name = :name, data = :data, version = enterprises.version + 1, changed = :now "
            "RETURNING id, data, version, changed", id=id_, name=whole["name"],
            data=json.dumps(whole, ensure_ascii=False, default=_exact), now=self._clock())
        assert row is not None
        return _registered(row)

    def get(self, id_: str) -> Registered:
        """One of them. Raises EnterpriseNotFound."""
        rows = self._database.all("SELECT id, data, version, changed FROM enterprises "
                                  "WHERE id = :id", id=id_)
        if not rows:
            raise self._unknown(id_)
        return _registered(rows[0])

    def remove(self, id_: str) -> None:
        """Take one away. Raises EnterpriseNotFound."""
        if not self._database.run("DELETE FROM enterprises WHERE id = :id", id=id_):
            raise self._unknown(id_)

    def page(self, after: str, limit: int) -> list[Registered]:
        """Up to `limit` of them by id, those after `after`."""
        return [_registered(row) for row in self._database.all(
            "SELECT id, data, version, changed FROM enterprises WHERE id > :after "
            "ORDER BY id LIMIT :limit", after=after, limit=limit)]

    def count(self) -> int:
        """How many there are."""
        return int(self._database.all("SELECT count(*) AS n FROM enterprises")[0]["n"])

    def __iter__(self) -> Iterator[Registered]:
        """All of them by id, read a thousand at a time."""
        after = ""
        while batch := self.page(after, 1000):
            yield from batch
            after = batch[-1].id

    def table(self) -> EnterpriseTable:
        """All of them as one table."""
        return from_enterprises((one.read(self._dictionary) for one in self), self._dictionary)

    def _unknown(self, id_: str) -> EnterpriseNotFound:
        return EnterpriseNotFound(f"登记库里没有企业 {id_}。用 PUT /api/v1/enterprises/{id_} 登记。",
                                  f"The registry has no enterprise {id_}. Register it with PUT "
                                  f"/api/v1/enterprises/{id_}.")


def _registered(row: Mapping[str, Any]) -> Registered:
    return Registered(row["id"], parse_json(row["data"]), row["version"],
                      datetime.fromtimestamp(row["changed"], UTC))


def _exact(value: object) -> str:
    """A Decimal as the text that reads the same."""
    assert isinstance(value, Decimal)
    return f"{value:f}"
