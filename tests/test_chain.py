"""The log of hashes: whatever is altered in it is found."""

from __future__ import annotations

import sqlite3

from hypothesis import given, settings
from hypothesis import strategies as st

from cityllm.safety.chain import START, Chain


@given(st.lists(st.tuples(st.text(max_size=8), st.dictionaries(st.text(max_size=5), st.text(
    max_size=5), max_size=3)), min_size=1, max_size=8), st.data())
@settings(max_examples=60)
def test_any_alteration_of_an_entry_is_found(told: list[tuple[str, dict[str, str]]],
                                             data: st.DataObject) -> None:
    chain, base = Chain("log"), sqlite3.connect(":memory:")
    chain.make(base)
    assert chain.verify(base).head == START
    for who, body in told:
        chain.add(base, "2026-03-20T00:00:00+00:00", who, "clerk", 1, "accepted", body)
    checked = chain.verify(base)
    assert (checked.entries, checked.broken) == (len(told), 0)
    assert [entry.body for entry in chain.entries(base)] == [body for _, body in told]
    base.execute("DROP TRIGGER log_update")
    at = data.draw(st.integers(1, len(told)))
    field = data.draw(st.sampled_from(["at", "who", "role", "action", "body", "hash"]))
    base.execute(f"UPDATE log SET {field} = {field} || ? WHERE seq = ?", (" ", at))
    assert chain.verify(base).broken == at
    base.close()
