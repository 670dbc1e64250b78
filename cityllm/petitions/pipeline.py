"""One chunk of rows through the stages that look at a row alone: mask, classify, date, route.

What comes out holds nothing personal, and of a report of wrongdoing not even its words: it may be
written down anywhere. The originals come back beside it, for the vault.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cityllm.petitions.calibrate import Line
from cityllm.petitions.cascade import Cascade
from cityllm.petitions.clock import Clock
from cityllm.petitions.duplicates import Sketch, places_in, signature
from cityllm.petitions.intake import Read, Row, to_read
from cityllm.petitions.record import Labels, Petition, Triaged
from cityllm.petitions.routing import Labeller, choose
from cityllm.petitions.summary import summarise
from cityllm.petitions.workdays import WorkDays
from cityllm.petitions.wrongdoing import conduct_in, is_secret, officials_in, shield, withhold
from cityllm.safety.pii import mask_all
from cityllm.safety.vault import person_key

ASKED = "ask the model"
"""The stage whose rows are calls of the language model."""
CHANGED, FAILED = "labels changed by the model", "model calls failed"
TRIED, SOLVED = "questions of the trial", "questions of the trial solved"
"""Counts that are kept among the stages, without seconds."""
NONE = Labels((), "", 0.0, [], "", "complaint")


@dataclass(frozen=True)
class Outcome:
    """A row done: the record, what is compared for duplicates, the original, and for a row that
    could not be used the reason."""

    done: Triaged
    sketch: Sketch
    original: dict[str, str]
    problem: str = ""


@dataclass
class Times:
    """Seconds and rows of each stage."""

    stages: dict[str, tuple[int, float]] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str, rows: int) -> Iterator[None]:
        """Count what is done inside."""
        start = time.perf_counter()
        yield
        self.add(name, rows, time.perf_counter() - start)

    def add(self, name: str, rows: int, seconds: float) -> None:
        """Add to a stage."""
        before = self.stages.get(name, (0, 0.0))
        self.stages[name] = (before[0] + rows, before[1] + seconds)

    def rates(self) -> list[tuple[str, int, float]]:
        """Stage, rows, rows per second; mere counts are left out."""
        return [(name, rows, rows / seconds)
                for name, (rows, seconds) in self.stages.items() if seconds > 0]

    def count(self, name: str) -> int:
        """Rows of a stage; 0 where it was not there."""
        return self.stages.get(name, (0, 0.0))[0]


@dataclass(frozen=True)
class Recipe:
    """All that a worker process needs to build a pipeline of its own; can be pickled."""

    classifier: Callable[[], Labeller]
    line: Line
    clock: Path
    holidays: Path
    key: bytes
    given: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str = ""
    """Changes when the classifier, its line or the pack does: then every row is done anew."""
    folder: Path | None = None
    """Where the classifier lies whose line a drift of the rows shuts; None: no drift is checked."""

    def build(self) -> Pipeline:
        """The pipeline, with the classifier loaded."""
        clock = Clock.load(self.clock, WorkDays.load(self.holidays))
        return Pipeline(self.classifier(), self.line, clock, self.key, self.given)


@dataclass(frozen=True)
class Pipeline:
    """The stages of one row over a chunk of them."""

    classifier: Labeller
    line: Line
    clock: Clock
    key: bytes
    given: Mapping[str, str] = field(default_factory=dict)

    def run(self, rows: Sequence[Row], times: Times) -> list[Outcome]:
        """One outcome for each row, in order."""
        reads = [to_read(row, self.given) for row in rows]
        with times.stage("mask", len(rows)):
            masked = [self._masked(row, read) for row, read in zip(rows, reads, strict=True)]
        with times.stage("classify", len(rows)):
            good = [n for n, read in enumerate(reads) if isinstance(read, Read)]
            labels = [NONE] * len(rows)
            told = self._labels([masked[n] for n in good], times)
            for n, found in zip(good, told, strict=True):
                labels[n] = found
        with times.stage("sketch", len(rows)):
            sketches = [self._sketch(petition) for petition in masked]
        with times.stage("clock, summary, route", len(rows)):
            done = [self._finish(*each)
                    for each in zip(rows, reads, masked, labels, sketches, strict=True)]
        with times.stage("reasons", len(rows)):
            return self._with_grounds(done)

    def _with_grounds(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """With why each label was given, as the labels now stand; none for a withheld report."""
        asked = [n for n, one in enumerate(outcomes)
                 if not one.problem and not is_secret(one.done.labels)]
        petitions = [outcomes[n].done.petition for n in asked]
        told = self.classifier.grounds([one.body for one in petitions],
                                       [outcomes[n].done.labels for n in asked],
                                       [one.district for one in petitions])
        found = list(outcomes)
        for n, grounds in zip(asked, told, strict=True):
            done = outcomes[n].done
            labels = replace(done.labels, grounds=grounds)
            found[n] = replace(outcomes[n], done=replace(done, labels=labels))
        return found

    def _labels(self, petitions: Sequence[Petition], times: Times) -> list[Labels]:
        texts, where = [one.body for one in petitions], [one.district for one in petitions]
        if not isinstance(self.classifier, Cascade):
            return self.classifier.labels(texts, where)
        before = replace(self.classifier)
        found = self.classifier.labels(texts, where)
        seconds = self.classifier.seconds - before.seconds
        times.add(ASKED, self.classifier.calls - before.calls, seconds)
        times.add("classify", 0, -seconds)
        times.add(CHANGED, self.classifier.changed - before.changed, 0.0)
        times.add(FAILED, self.classifier.failed - before.failed, 0.0)
        if before.solved is None and self.classifier.solved is not None:
            times.add(TRIED, len(self.classifier.trial), 0.0)
            times.add(SOLVED, self.classifier.solved, 0.0)
        return found

    def _masked(self, row: Row, read: Read | str) -> Petition:
        if isinstance(read, str):
            told = "\n".join(f"{name}：{value}" for name, value in row.values.items())
            return Petition(f"h{row.digest[:12]}", "", mask_all([told])[0].text)
        petition = read.petition
        columns = list(petition.extra)
        texts = [petition.title, petition.text, petition.place, petition.district,
                 petition.channel, *petition.extra.values()]
        title, text, place, district, channel, *rest = (
            one.text for one in mask_all(texts, read.names))
        return replace(petition, title=title, text=text, place=place, district=district,
                       channel=channel, person=person_key(self.key, read.who),
                       extra=dict(zip(columns, rest, strict=True)))

    def _sketch(self, petition: Petition) -> Sketch:
        order = petition.received.toordinal() if petition.received else 0
        return Sketch(petition.id, signature(petition.body), order, petition.person,
                      places_in(petition.body, petition.place))

    def _finish(self, row: Row, read: Read | str, petition: Petition, labels: Labels,
                sketch: Sketch) -> Outcome:
        proposed, labels = labels.department, shield(petition.body, labels)
        if isinstance(read, str):
            done = Triaged(petition, labels, route="review", why_review=f"这一行读不了：{read}")
            return _outcome(done, sketch, row, read)
        events: dict[str, Any] = {"received": petition.received, **read.events}
        named = officials_in(petition.body)
        if proposed and not labels.department and not named and not labels.suspected:
            named = (proposed,)
        route, why = choose(labels, self.line, conduct_in(petition.body), named)
        done = Triaged(petition, labels, clock=self.clock.due(events, labels),
                       summary=summarise(petition.title, petition.text), route=route,
                       why_review=why)
        return _outcome(done, sketch, row)


def _outcome(done: Triaged, sketch: Sketch, row: Row, problem: str = "") -> Outcome:
    """With the words of a report left out, the places of its sketch too."""
    if is_secret(done.labels):
        sketch = replace(sketch, places=frozenset())
    return Outcome(withhold(done), sketch, dict(row.values), problem)
