"""Issues: the time that the command takes, and pairwise precision and recall of the grouping.

    python -m evals issues --messages FILE --pairs FILE --json OUT

FILE of --messages is JSONL of {title, text, …}; --pairs is JSONL of {a, b, same, stratum, of}: two
messages by the first twelve digits of the SHA-256 of "title\\ntext", whether a reader found one
issue in them, and the stratum of similarity that they were drawn from, with its number of pairs.
Each pair counts as many as it stands for, so that recall is over all pairs of the file as far as
the strata reach. The bar is chosen by F1 on the pairs of even lines and measured on the others;
intervals are of 1,000 bootstrap samples within the strata.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cityllm.cli_overview import pipeline
from cityllm.config import Settings
from cityllm.petitions.grouping import BAR, Message, group
from cityllm.petitions.intake import open_source
from cityllm.petitions.issues import Issue, issues, triaged
from evals.command import parser, read_rows, show
from evals.machine import machine

READERS = {"a concrete-mixing plant beside an estate": "3f489ad1b6a8",
           "parking spaces bundled with flats": "595d5f47c8e3",
           "a talent housing subsidy": "63784935e891"}
"""Issues that any reader finds in the messages of the measure, by one message of each."""
BARS = (0.08, 0.09, 0.10, 0.11, 0.12, 0.13)
Pair = dict[str, Any]


def key_of(title: str, text: str) -> str:
    """What a message is called in a file of pairs, which holds no word of it."""
    return hashlib.sha256(f"{title}\n{text}".encode()).hexdigest()[:12]


def scores(pairs: Sequence[Pair], joined: Sequence[bool]) -> tuple[float, float, float]:
    """Precision, recall and F1, each pair weighted by what its stratum has for each drawn."""
    drawn: dict[str, int] = defaultdict(int)
    for pair in pairs:
        drawn[pair["stratum"]] += 1
    right = found = there = 0.0
    for pair, one in zip(pairs, joined, strict=True):
        weight = pair["of"] / drawn[pair["stratum"]]
        right += weight * (one and pair["same"])
        found += weight * one
        there += weight * pair["same"]
    precision, recall = right / found if found else 0.0, right / there if there else 0.0
    return precision, recall, 2 * precision * recall / (precision + recall or 1.0)


def interval(pairs: Sequence[Pair], joined: Sequence[bool], which: int) -> list[float]:
    """The middle 95 % of a score over samples of the pairs, drawn within each stratum."""
    strata: dict[str, list[int]] = defaultdict(list)
    for at, pair in enumerate(pairs):
        strata[pair["stratum"]].append(at)
    chance, values = random.Random(1), []
    for _ in range(1000):
        some = [at for held in strata.values() for at in chance.choices(held, k=len(held))]
        values.append(scores([pairs[at] for at in some], [joined[at] for at in some])[which])
    values.sort()
    return [round(values[25], 3), round(values[974], 3)]


def measure(messages: Path, pairs_file: Path, settings: Settings) -> dict[str, Any]:
    """All figures."""
    rows = read_rows(messages)
    pairs = read_rows(pairs_file)
    place = {key_of(row["title"], row["text"]): at for at, row in enumerate(rows)}
    held = [Message(row["title"], row["text"], str(row.get("user", ""))) for row in rows]
    joined = {}
    for bar in BARS:
        label = group(held, bar)
        joined[bar] = [bool(label[place[one["a"]]] == label[place[one["b"]]]) for one in pairs]
    halves = [[at for at in range(len(pairs)) if at % 2 == half] for half in (0, 1)]

    def of(half: int, bar: float) -> tuple[list[Pair], list[bool]]:
        return [pairs[at] for at in halves[half]], [joined[bar][at] for at in halves[half]]

    best = max(BARS, key=lambda bar: scores(*of(0, bar))[2])
    measured = scores(*of(1, BAR))
    began = time.perf_counter()
    source = open_source(str(messages))
    done = triaged(source, pipeline(settings))
    read = time.perf_counter() - began
    made = issues(done)
    whole = time.perf_counter() - began
    return {
        "pairs": len(pairs), "same": sum(one["same"] for one in pairs),
        "chosen_bar": best, "shipped_bar": BAR,
        "chosen_on": {str(bar): [round(x, 3) for x in scores(*of(0, bar))] for bar in BARS},
        "precision": round(measured[0], 3), "precision_95": interval(*of(1, BAR), 0),
        "recall": round(measured[1], 3), "recall_95": interval(*of(1, BAR), 1),
        "messages": len(rows), "used": len(done), "issues": len(made),
        "seconds": round(whole, 1), "of_it_reading_masking_classifying": round(read, 1),
        "rank": {name: _rank(made, rows, key) for name, key in READERS.items()},
        "first_ten": [{"people": one.people, "messages": one.messages, "votes": one.votes,
                       "heat": one.heat} for one in made[:10]],
        "machine": machine()}


def _rank(made: Sequence[Issue], rows: Sequence[dict[str, Any]], key: str) -> int | None:
    """The rank of the issue that holds a message; None where none does."""
    named = {str(row.get("id")) for row in rows if key_of(row["title"], row["text"]) == key}
    return next((rank for rank, one in enumerate(made, 1) if named & set(one.ids)), None)


def main(argv: list[str]) -> int:
    """Print the figures and write them to OUT."""
    given = parser("issues", __doc__, "messages")
    given.add_argument("--pairs", type=Path, metavar="FILE",
                       default=Path(__file__).parent / "petitions" / "issue_pairs.jsonl")
    options = given.parse_args(argv)
    return show(measure(options.messages, options.pairs, Settings()), options.json, 34)
