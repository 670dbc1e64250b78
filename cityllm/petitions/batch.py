"""A day's petitions from end to end: every row of the input once in the output, whatever happens.

Rows go through the pipeline in chunks, here, in worker processes or over a Ray cluster; originals
are sealed in the vault, then the chunk is committed to the journal. When all rows are done, they
are compared with what an open line was calibrated on: where they have drifted, none of them goes by
itself, and the line is shut last of all. Reply drafts are made where they are asked for, each
committed; duplicates are looked for over all rows, and output and report are written anew and put
in place at once. A killed run goes on from the journal; a second run does only what is new or
changed.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from cityllm.petitions import cluster, output, report
from cityllm.petitions.calibrate import closed
from cityllm.petitions.drafts import AGAIN, REPORT, Drafter, barred
from cityllm.petitions.drift import drifted, shut
from cityllm.petitions.duplicates import link, signature
from cityllm.petitions.intake import Row, Source
from cityllm.petitions.journal import Journal
from cityllm.petitions.offers import Offers, offering
from cityllm.petitions.pipeline import ASKED, Outcome, Pipeline, Recipe, Times
from cityllm.petitions.review import Review
from cityllm.petitions.verdict import withheld
from cityllm.safety.vault import Vault

CHUNK = 256
Progress = Callable[[int, int | None, str], None]
"""Told (rows done, rows in all or None, what) as the run goes on."""
FAILURES = 3
"""Times in a row that the assistant fails for want of its model before it is asked no more."""


@dataclass
class Result:
    """What a run did. `rows` of the input, `fresh` done by this run, `bad` that could not be used,
    `forgotten` of an earlier input; `asked` of the drafter, `drafts` that came of it, `undrafted`
    why the others did not; `calls` of the language model; `closed` why the line was shut."""

    rows: int = 0
    fresh: int = 0
    bad: int = 0
    forgotten: int = 0
    asked: int = 0
    drafts: int = 0
    undrafted: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    closed: str = ""
    seconds: float = 0.0
    times: Times = field(default_factory=Times)
    routes: Counter[str] = field(default_factory=Counter)


def journal_of(out: str, home: Path) -> Path:
    """Where the journal of an output is: beside a file, in `home` for a database."""
    if "://" in out:
        import hashlib

        return home / f"triage-{hashlib.sha256(out.encode()).hexdigest()[:16]}.journal"
    return Path(out + ".journal")


def name_of(out: str) -> str:
    """The output as the review store names it: the same from wherever it is written."""
    return out if "://" in out else str(Path(out).resolve())


def run(source: Source, out: str, recipe: Recipe, vault: Vault, journal: Path, today: date, *,
        page: Path | None = None, workers: int = 1, ray: str = "", chunk: int = CHUNK,
        drafter: Drafter | None = None, review: Review | None = None,
        progress: Progress = lambda done, total, what: None) -> Result:
    """Triage `source` into `out` and the report `page`. `today` is for the report alone: no
    period of a petition counts from it. The rows enter `review`, and decisions come out of it."""
    output.check_name(out)
    result = Result()
    start = time.perf_counter()
    mark = f"{recipe.fingerprint}:{signature('幸福路的路灯坏了').tobytes().hex()}"
    with Journal(journal, mark) as held:
        chunks = _fresh(source, held, chunk, result)
        total = source.total
        through = (cluster.outcomes(chunks, recipe, ray) if ray
                   else _outcomes(chunks, recipe, workers))
        for line, keys, outcomes, times in through:
            for name, (rows, seconds) in times.stages.items():
                result.times.add(name, rows, seconds)
            with result.times.stage("seal and commit", len(outcomes)):
                vault.put((key, one.original) for key, one in zip(keys, outcomes, strict=True))
                held.keep(line, [(key, output.record(one), one.sketch)
                                 for key, one in zip(keys, outcomes, strict=True)])
            result.fresh += len(outcomes)
            progress(line[-1][0], total, "rows")
        result.rows = len(held)
        result.calls = result.times.stages.get(ASKED, (0, 0.0))[0]
        if recipe.folder and recipe.line.threshold is not None:
            progress(0, result.rows, "drift")
            with result.times.stage("drift", result.rows):
                result.closed = drifted(recipe.folder, _known(held, review, name_of(out)))
        if drafter:
            _draft(held, drafter, result, progress)
        with result.times.stage("duplicates", result.rows):
            links = link(held.sketches())
        day = report.Day(today)
        with result.times.stage("write", result.rows):
            progress(0, result.rows, "write")
            with offering(review, name_of(out), recipe.fingerprint, today) if review else (
                    nullcontext()) as offers:
                output.write(out, _counted(held, links, day, result, drafter, offers))
        if page:
            with output.replacing(page) as file:
                file.write(report.render(day))
        result.forgotten = held.forget()
    if recipe.folder and result.closed:
        shut(recipe.folder / "line.json", result.closed)
    result.routes = day.routes
    result.seconds = time.perf_counter() - start
    return result


def _counted(held: Journal, links: Sequence[Any], day: report.Day, result: Result,
             drafter: Drafter | None, offers: Offers | None) -> Iterator[Mapping[str, Any]]:
    """The records as they are written, counted for the report on the way."""
    for (key, told), one in zip(_records(held, result.closed), links, strict=True):
        if drafter and drafter.wants(told):
            _, told["draft"], told["why_no_draft"] = held.draft(key)
        done = output.linked(told, one)
        if offers:
            done = withheld(done | offers.offer(key, done))
        day.add(done)
        result.bad += bool(done["problem"])
        yield done


def _known(held: Journal, review: Review | None, name: str) -> Iterator[Mapping[str, Any]]:
    """The records of this input, and those of others on the review page."""
    yield from (told for _, told in held.records())
    if review:
        yield from (told for told in review.records() if told["batch"] != name)


def _records(held: Journal, shut: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The records; where the line was shut after them, none goes by itself."""
    for key, told in held.records():
        if shut and told["route"] == "auto":
            told |= {"route": "review", "why_review": closed(shut)}
        yield key, told


Line = list[tuple[int, str]]


def _fresh(source: Source, held: Journal, size: int, result: Result,
           ) -> Iterator[tuple[Line, list[str], list[Row]]]:
    """Chunks of the input: places of all rows, and keys and rows of those not yet done."""
    seen: Counter[str] = Counter()
    for block in _blocks(source.rows(), size):
        line: Line = []
        for row in block:
            digest = row.digest
            line.append((row.number, f"{digest}#{seen[digest]}"))
            seen[digest] += 1
        done = held.has([key for _, key in line])
        fresh = [(key, row) for (_, key), row in zip(line, block, strict=True) if key not in done]
        yield line, [key for key, _ in fresh], [row for _, row in fresh]


def _blocks(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    block: list[Row] = []
    for row in rows:
        block.append(row)
        if len(block) == size:
            yield block
            block = []
    if block:
        yield block


def _outcomes(chunks: Iterator[tuple[Line, list[str], list[Row]]], recipe: Recipe, workers: int,
              ) -> Iterator[tuple[Line, list[str], list[Outcome], Times]]:
    """Chunks done, in order. The classifier is loaded only when there is something to do."""
    if workers <= 1:
        pipeline: Pipeline | None = None
        for line, keys, rows in chunks:
            times, outcomes = Times(), []
            if rows:
                pipeline = pipeline or recipe.build()
                outcomes = pipeline.run(rows, times)
            yield line, keys, outcomes, times
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), _start, (recipe, os.getpid())) as pool:
        waiting: deque[tuple[Line, list[str], Future[tuple[list[Outcome], Times]]]] = deque()
        for line, keys, rows in chunks:
            waiting.append((line, keys, pool.submit(_work, rows)))
            if len(waiting) > 2 * workers:
                first, its, future = waiting.popleft()
                yield first, its, *future.result()
        for first, its, future in waiting:
            yield first, its, *future.result()


_OWN: dict[str, Pipeline] = {}
"""The pipeline of a worker process."""


def _start(recipe: Recipe, parent: int) -> None:
    """Build the pipeline of this process, and end with the parent, also when that was killed."""
    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    _OWN["pipeline"] = recipe.build()


def _work(rows: list[Row]) -> tuple[list[Outcome], Times]:
    times = Times()
    return (_OWN["pipeline"].run(rows, times) if rows else []), times


def _draft(held: Journal, drafter: Drafter, result: Result, progress: Progress) -> None:
    """Make the drafts that are asked for and not yet kept. One that failed for a passing cause is
    kept without a mark, so that the next run makes it."""
    due = {key for key, told in _records(held, result.closed) if drafter.wants(told)
           and held.draft(key)[0] != drafter.mark_of(told)}
    before, failures, failure = drafter.calls(), 0, ""
    for number, (key, told) in enumerate(
            one for one in _records(held, result.closed) if one[0] in due):
        progress(number, len(due), "drafts")
        mark, draft = drafter.mark_of(told), ""
        if barred(told):
            why = REPORT
        elif failures < FAILURES:
            with result.times.stage("draft", 1):
                draft, why = drafter.draft(told)
            result.asked += 1
            failures = failures + 1 if why.endswith(AGAIN) else 0
            failure = why
        else:
            why = failure
        held.keep_draft(key, "" if why.endswith(AGAIN) else mark, draft, why)
        result.drafts += bool(draft)
        result.undrafted.update([why] if why else [])
    result.calls += drafter.calls() - before
