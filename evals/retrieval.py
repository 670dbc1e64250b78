"""Are the articles that answer a question among the first 10, among the first 100?

The corpus is imported from DIR (without DLC/, the regional law, unless --all); with --pack the
digests and everyday questions of a city pack stand beside it, as in the running program. FILE is
JSONL of {query, articles}, an article being 名第…条. Recall is the share of a question's articles that
were found, averaged over questions. Plain BM25 of the same run, over the same terms, stands beside
it.

Questions that the shipped models were trained on are left out (`trained_on` says how many): of
statute_qa/train.jsonl fold 0 remains, and what nearly equals it. --trained measures the others too,
apart. A reference that names no article held counts as unresolved; one no longer in force counts
as not found.

    python -m evals retrieval --laws DIR --qa FILE --json OUT [--all] [--home DIR]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from cityllm.config import ROOT, Settings
from cityllm.corpus.citations import clause_of
from cityllm.corpus.digests import sync_pack
from cityllm.corpus.held_out import FOLDS, fingerprint, fold, trained_on
from cityllm.corpus.importer import add_files
from cityllm.corpus.ledger import Ledger
from cityllm.corpus.search import Search, open_search
from cityllm.corpus.terms import terms
from cityllm.errors import CityLLMError, NotHeld
from evals.machine import machine

MAX_UNRESOLVED = 0.02


@dataclass
class Asked:
    """A question with the row ids that answer it; `missing` references are not in force."""

    text: str
    rows: set[int] = field(default_factory=set)
    missing: int = 0


def read_questions(path: Path, ledger: Ledger, day: date) -> tuple[list[Asked], list[str], int]:
    """Questions with at least one reference that resolves, the references that do not, and how
    many references there are."""
    asked, unresolved, total = [], [], 0
    for text in path.read_text(encoding="utf-8").splitlines():
        if not text.strip():
            continue
        row = json.loads(text)
        one = Asked(row["query"])
        for reference in row["articles"]:
            total += 1
            try:
                one.rows.add(clause_of(ledger, reference, day).rowid)
            except NotHeld:
                one.missing += 1
            except CityLLMError:
                unresolved.append(reference)
        if one.rows or one.missing:
            asked.append(one)
    return asked, unresolved, total


def measure(questions: Sequence[Asked], find: Callable[[str], Sequence[int]]) -> dict[str, float]:
    """recall@10, recall@100 and mrr@10 of `find`, which gives row ids, best first."""
    ten, hundred, first = [], [], []
    for one in questions:
        found = list(find(one.text))[:100]
        size = len(one.rows) + one.missing
        ten.append(len(one.rows & set(found[:10])) / size)
        hundred.append(len(one.rows & set(found)) / size)
        first.append(next((1 / at for at, row in enumerate(found[:10], 1) if row in one.rows), 0.0))
    if not questions:
        return {"recall@10": 0.0, "recall@100": 0.0, "mrr@10": 0.0}
    return {"recall@10": round(statistics.fmean(ten), 4),
            "recall@100": round(statistics.fmean(hundred), 4),
            "mrr@10": round(statistics.fmean(first), 4)}


def evaluate(search: Search, questions: Sequence[Asked], day: date, region: str | None
             ) -> dict[str, Any]:
    """The figures of the whole search, of plain BM25, of vectors alone, and the time a query."""
    views = search.index.views
    rows = views.shelf.rows
    mask = search.ledger.in_force(day, region)[rows]

    def best(scores: np.ndarray[Any, Any]) -> list[int]:
        order = np.argsort(-np.where(mask, scores, -9), kind="stable")[:100]
        return [int(one) for one in rows[order]]

    result: dict[str, Any] = measure(questions, lambda text: rows[
        search.rank(text, day, region=region)[0][:100]].tolist())
    result["bm25"] = measure(questions, lambda text: best(views.lexical.scores(terms(text))[0]))
    if views.matrix is not None and search.embedder is not None:
        matrix, embedder = views.matrix, search.embedder
        result["dense"] = measure(
            questions, lambda text: best(matrix @ embedder.encode_query(text)))
    spent = []
    for one in questions[:200]:
        started = time.perf_counter()
        search.search(one.text, day, 8)
        spent.append(1000 * (time.perf_counter() - started))
    if spent:
        result["p50_ms"] = round(float(np.percentile(spent, 50)), 1)
        result["p95_ms"] = round(float(np.percentile(spent, 95)), 1)
    return result


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    found = argparse.ArgumentParser(prog="python -m evals retrieval", description=__doc__,
                                    formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--laws", type=Path, required=True, help="folder of laws")
    found.add_argument("--qa", type=Path, required=True, help="JSONL of {query, articles}")
    found.add_argument("--json", type=Path, required=True, help="where the figures go")
    found.add_argument("--all", action="store_true", help="regional law (DLC/) too")
    found.add_argument("--home", type=Path, help="keep ledger and index here, for the next run")
    found.add_argument("--pack", type=Path, help="a city pack, such as rag_corpus")
    found.add_argument("--status", type=Path, default=ROOT / "rag_corpus" / "status.yaml",
                       help="status table of the pack")
    found.add_argument("--as-of", type=date.fromisoformat, default=date.today(),
                       help="the day asked about, today by default")
    found.add_argument("--fold", type=int, choices=range(FOLDS), help="only this fold")
    found.add_argument("--embedder", default="", help="a hub model or folder instead of ours")
    found.add_argument("--weights", type=Path, default=Settings().weights)
    found.add_argument("--trained", action="store_true",
                       help="measure questions trained on too, apart")
    return found


def main(argv: list[str] | None = None) -> int:
    """Measure, write OUT, print it; 1 where too many references do not resolve."""
    options = parser().parse_args(argv)
    with tempfile.TemporaryDirectory() as spare:
        result = run(options, options.home or Path(spare))
    options.json.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n",
                            encoding="utf-8")
    shown = {name: value for name, value in result.items() if name != "unresolved_references"}
    print(json.dumps(shown, ensure_ascii=False, indent=1))
    if result["unresolved"] > MAX_UNRESOLVED * result["references"]:
        print(f"unresolved references: {result['unresolved']} of {result['references']}, allowed "
              f"{MAX_UNRESOLVED:.0%}: {result['unresolved_references'][:5]}", file=sys.stderr)
        return 1
    if not result["n"]:
        print("no question was left to measure: see trained_on and --fold", file=sys.stderr)
        return 1
    return 0


def run(options: argparse.Namespace, home: Path) -> dict[str, Any]:
    """Import, index, measure; everything that OUT holds."""
    settings = Settings(home=home, embedder=options.embedder, weights=options.weights)
    paths = [one for one in sorted(options.laws.iterdir()) if options.all or one.name != "DLC"]
    started = time.monotonic()
    with Ledger.open(settings.ledger, options.status) as ledger:
        report = add_files(ledger, paths)
        if options.pack:
            sync_pack(ledger, options.pack)
        search = open_search(ledger, settings)
        build = time.monotonic() - started
        asked, unresolved, total = read_questions(options.qa, ledger, options.as_of)
        if options.fold is not None:
            asked = [one for one in asked if fold(one.text) == options.fold]
        seen = frozenset() if options.embedder else trained_on(options.weights / "embedder")
        fresh = [one for one in asked if fingerprint(one.text) not in seen]
        old = [one for one in asked if fingerprint(one.text) in seen]
        region = None if options.all else "全国"
        result = evaluate(search, fresh, options.as_of, region)
        if options.trained:
            result["questions_trained_on"] = evaluate(search, old, options.as_of, region)
        return {**result, "n": len(fresh), "trained_on": len(old), "references": total,
                "unresolved": len(unresolved), "unresolved_references": unresolved[:50],
                "not_in_force": sum(one.missing for one in fresh),
                "articles": len(search.index.views.shelf),
                "asks": len(search.index.views.asks), "files_failed": len(report.failures),
                "build_s": round(build, 1), "as_of": str(options.as_of),
                "embedder": search.embedder.name if search.embedder else "",
                "reranker": search.reranker is not None, "machine": machine()}


if __name__ == "__main__":
    sys.exit(main())
