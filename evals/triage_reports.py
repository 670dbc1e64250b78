"""Are reports of wrongdoing told from complaints? On our own held-out messages and on real ones.

`evals/petitions/reports.jsonl` holds reports without any of the usual words, and harmless messages
with many of them; both were written apart from the rules. For each the whole way is gone
(classifier, then shield): withheld as a report, without a department, or sent on. --unlabelled
FILE (JSONL of {title, text}) adds how many of real messages are.

    python -m evals triage_reports [--unlabelled FILE] --json OUT
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cityllm.config import Settings
from cityllm.petitions.calibrate import upper_bound
from cityllm.petitions.classify import Classifier
from cityllm.petitions.wrongdoing import is_secret, shield
from evals.command import body, parser, read_rows, show
from evals.machine import machine

REPORTS = Path(__file__).parent / "petitions" / "reports.jsonl"


def ways(clerk: Classifier, texts: Sequence[str]) -> list[str]:
    """`withheld`, `unsent` (no department: a person reads it first) or `sent`, one for a text."""
    found = [shield(text, labels) for text, labels in zip(texts, clerk.labels(texts), strict=True)]
    return ["withheld" if is_secret(one) else "sent" if one.department else "unsent"
            for one in found]


def measure(unlabelled: Path | None, settings: Settings) -> dict[str, Any]:
    """Shares of each way, for reports, harmless messages, and real ones."""
    clerk = Classifier.load(settings.weights / "triage", settings.pack)
    rows = read_rows(REPORTS)
    sets = {"reports": [row["text"] for row in rows if row["report"]],
            "harmless": [row["text"] for row in rows if not row["report"]]}
    if unlabelled:
        sets["real"] = [body(row) for row in read_rows(unlabelled)]
    found: dict[str, Any] = {}
    for name, texts in sets.items():
        counts = Counter(ways(clerk, texts))
        found[name] = {"n": len(texts), **{
            way: counts[way] / len(texts) for way in ("withheld", "unsent", "sent")},
            "withheld_upper_95": upper_bound(counts["withheld"], len(texts))}
    return {**found, "machine": machine()}


def main(argv: list[str]) -> int:
    """Print the figures and write them to OUT."""
    options = parser("triage_reports", __doc__, maybe=("unlabelled",)).parse_args(argv)
    return show(measure(options.unlabelled, Settings()), options.json, 10)
