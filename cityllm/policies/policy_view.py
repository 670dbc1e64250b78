"""A policy as plain data in one language: a line of a list, or the whole of it on a day.

The counterpart of `view`, which shows what a policy means for one enterprise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from cityllm.policies.policy import Parameter, Policy
from cityllm.policies.service import PolicyService
from cityllm.policies.view import View
from cityllm.policies.windows import opening


@dataclass(frozen=True)
class Wanted:
    """Which policies are listed. Empty is any; `words` must all stand in what a reader sees."""

    region: str = ""
    issuer: str = ""
    kind: str = ""
    validity: str = ""
    words: tuple[str, ...] = ()

    def takes(self, policy: Policy, day: date) -> bool:
        """Whether a policy is one of them. A region takes what holds within it and above it."""
        place = policy.region
        inside = not self.region or place == "全国" or f"{self.region}/".startswith(
            f"{place}/") or place.startswith(f"{self.region}/")
        text = " ".join((policy.id, policy.title.zh, policy.title.en, policy.number, policy.issuer,
                         policy.benefit.zh, policy.benefit.en)).lower()
        return (inside and self.issuer in policy.issuer
                and self.kind in ("", policy.benefit.kind)
                and self.validity in ("", policy.valid.on(day))
                and all(word.lower() in text for word in self.words))


def listed(service: PolicyService, wanted: Wanted, day: date) -> Iterator[Policy]:
    """The policies wanted, by id."""
    for id_ in sorted(service.rules.policies):
        policy = service.rules.policies[id_]
        if wanted.takes(policy, day):
            yield policy


class PolicyView:
    """Plain data of policies, in `zh` or `en`."""

    def __init__(self, service: PolicyService, language: str = "zh") -> None:
        self.service = service
        self.language = language

    def short(self, policy: Policy, day: date) -> dict[str, Any]:
        """What a list shows of it."""
        window = opening(policy, day)
        return {
            "id": policy.id, "title": policy.title.say(self.language), "number": policy.number,
            "issuer": policy.issuer, "region": policy.region,
            "validity": policy.valid.on(day),
            "valid": {"from": str(policy.valid.from_), "to": str(policy.valid.to)},
            "window": {"state": window.state, "opens": _iso(window.opens),
                       "closes": _iso(window.closes)},
            "benefit": policy.benefit.say(self.language), "kind": policy.benefit.kind,
            "times": policy.benefit.times, "up_to": policy.benefit.up_to}

    def full(self, policy: Policy, day: date) -> dict[str, Any]:
        """All of it as it stands on a day: clauses, thresholds in force, papers, steps, data."""
        view, say = View(self.service, self.language), self.language
        bound = self.service.rules.on(day)[policy.id]
        stacking, holders = policy.stacking, self.service.rules.dictionary.holders
        return {
            **self.short(policy, day), "as_of": day.isoformat(),
            "note": policy.note.say(say) if policy.note else None,
            "source": {"title": policy.source.title, "name": policy.source.name,
                       "url": policy.source.url},
            "hash": self.service.rules.hashes.get(policy.id, ""),
            "clauses": [{"id": one.clause.id, "text": one.clause.say(say),
                         "place": view.place(one.clause.place, policy),
                         "columns": list(one.columns)} for one in bound.clauses],
            "parameters": [self._parameter(name, one, policy, day)
                           for name, one in policy.parameters.items()],
            "fields": [view.datum(column) for column in bound.columns],
            "stacking": {"excludes": stacking.excludes, "one_of": stacking.one_of,
                         "note": stacking.note.say(say) if stacking.note else None},
            "materials": [{"text": one.say(say), "holder": one.holder,
                           "holder_name": holders[one.holder].say(say),
                           "bring": one.holder == "enterprise"} for one in policy.materials],
            "steps": [one.say(say) for one in policy.steps]}

    def _parameter(self, name: str, one: Parameter, policy: Policy, day: date) -> dict[str, Any]:
        """A threshold in force on the day, and its whole history."""
        held, place = one.on(day), View(self.service, self.language).place
        return {"name": name, "text": one.say(self.language), "unit": one.unit,
                "value": None if held is None else str(held.value),
                "history": [{"from": dated.from_.isoformat(), "to": _iso(dated.to),
                             "value": str(dated.value), "place": place(dated.place, policy)}
                            for dated in one.values]}


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
