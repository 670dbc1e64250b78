"""Fit what the word-by-word likenesses of search weigh: `weights/embedder/alignment.npz`.

The questions are those of `strangers.jsonl`, written by someone who saw neither the pack's asks nor
any measure: asks are unlike each other on purpose, so that asks left out would teach that likeness
to an ask says little. Each is asked of the pack alone and of the pack with full laws. Loss: the
articles that answer against the other candidates (softmax), a small penalty on the weights. The
probability is calibrated on the first article of each question, with questions that no law answers
beside them. Questions are split in five: what is printed is measured on those left out.

    python -m finetune.alignment --data ../shared/data [--laws-ledger FILE] --out FILE
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from cityllm.config import load_settings
from cityllm.corpus.alignment import DEPTH, NAMES, Weights
from cityllm.corpus.digests import sync_pack
from cityllm.corpus.embedding import load_embedder
from cityllm.corpus.index import open_index
from cityllm.corpus.ledger import Ledger
from cityllm.corpus.reranker import load_reranker
from cityllm.corpus.search import Search, index_folder
from cityllm.errors import CityLLMError
from finetune import retrieval_data as source

HERE = Path(__file__).parent
PENALTY, STEPS, FOLDS = 1e-3, 400, 5
ANSWERED = 0.8
"""Share of questions put to a city that some article answers: our guess, for the calibration."""
UNITS = np.array([1.0, *[10.0] * 5, 1.0, 1.0, 1.0, 1.0], dtype=np.float32)
"""Likenesses differ by hundredths where scores differ by ones."""
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Example:
    """Candidates of a question: `columns` (C, 1 + len(NAMES)), the first score before likenesses,
    and which answer, `right` (C,). None right: no law answers."""

    columns: Array
    right: Array
    number: int


def examples(search: Search, questions: Sequence[dict[str, Any]], day: date) -> list[Example]:
    """Candidates of the questions whose article is held and comes into question, and of those that
    no law answers."""
    found = []
    for number, one in enumerate(questions):
        as_of = date.fromisoformat(one["as_of"]) if one.get("as_of") else day
        rows: set[int] = set()
        for article in one.get("article", ()):
            try:
                title = search.ledger.resolve(one["law"]) or one["law"]
                rows.add(search.ledger.article(title, str(article), as_of).rowid)
            except CityLLMError:
                continue
        places, scores = search.rank(one["q"], as_of)
        places, scores = places[:DEPTH], scores[:DEPTH]
        right = np.isin(search.index.views.shelf.rows[places], list(rows))
        if len(places) and (right.any() or not one.get("law")):
            columns = np.column_stack([scores, search.likeness(one["q"], places)])
            found.append(Example(columns.astype(np.float32), right, number))
    return found


def fit(data: Sequence[Example]) -> Array:
    """(1 + len(NAMES),) weights of the columns."""
    import torch

    weights = torch.zeros(1 + len(NAMES), requires_grad=True)
    with torch.no_grad():
        weights[0] = 1.0
    optimizer = torch.optim.LBFGS([weights], max_iter=STEPS, line_search_fn="strong_wolfe")
    answered = [(torch.from_numpy(one.columns * UNITS), torch.from_numpy(one.right))
                for one in data if one.right.any()]

    def loss() -> Any:
        optimizer.zero_grad()
        total = PENALTY * len(answered) * (weights ** 2).sum()
        for columns, right in answered:
            scores = columns @ weights
            total = total + torch.logsumexp(scores, 0) - torch.logsumexp(scores[right], 0)
        total.backward()
        return total

    optimizer.step(loss)
    return np.asarray(weights.detach().numpy() * UNITS, dtype=np.float32)


def calibrate(weights: Array, data: Sequence[Example]) -> tuple[float, float]:
    """Slope and offset of the probability that the first article answers, where `ANSWERED` of the
    questions are such that the law answers."""
    from sklearn.linear_model import LogisticRegression

    best = [(sums := one.columns @ weights, int(np.argmax(sums)), one) for one in data]
    scores = np.array([[sums[at]] for sums, at, _ in best])
    right = np.array([one.right[at] for _, at, one in best])
    held = np.array([one.right.any() for one in data])
    share = np.where(held, ANSWERED / held.mean(), (1 - ANSWERED) / (1 - held.mean()))
    line = LogisticRegression().fit(scores, right, sample_weight=share)
    return float(line.coef_[0, 0]), float(line.intercept_[0])


def report(data: Sequence[Example], say: Callable[[str], None]) -> None:
    """Say how often the right article is first and in the first five, before and after, each
    question weighed by what the others taught; and how well the first score tells both kinds."""
    from sklearn.metrics import roc_auc_score

    counts = np.zeros((2, 2))
    best: dict[bool, list[float]] = {True: [], False: []}
    for fold in range(FOLDS):
        weights = fit([one for one in data if one.number % FOLDS != fold])
        for one in (one for one in data if one.number % FOLDS == fold):
            sums = one.columns @ weights
            best[bool(one.right.any())].append(float(sums.max()))
            if one.right.any():
                for at, scores in enumerate((one.columns[:, 0], sums)):
                    ranked = one.right[np.argsort(-scores, kind="stable")]
                    counts[at] += ranked[0], ranked[:5].any()
    first, five = counts.T / len(best[True])
    say(f"{len(best[True])} questions with their article among {DEPTH}: first {first[0]:.3f} -> "
        f"{first[1]:.3f}, in five {five[0]:.3f} -> {five[1]:.3f}")
    labels = [1] * len(best[True]) + [0] * len(best[False])
    if best[False]:
        auc = roc_auc_score(labels, best[True] + best[False])
        say(f"AUC against {len(best[False])} questions that no law answers: {auc:.4f}")


def main(argv: list[str] | None = None) -> int:
    """Gather candidates, fit, calibrate, save."""
    parser = argparse.ArgumentParser(prog="python -m finetune.alignment", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, default=Path("rag_corpus"))
    parser.add_argument("--home", type=Path, required=True, help="folder for ledger and index")
    parser.add_argument("--laws-home", type=Path,
                        help="a home into which the laws were imported: they are learnt from, too")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(argv)
    questions = source.strangers() + [{"q": row["q"]} for name in ("off_topic", "not_found")
                               for row in yaml.safe_load((HERE / "phrases" / f"{name}.yaml")
                                                         .read_text(encoding="utf-8"))]
    data: list[Example] = []
    for home in (options.home, options.laws_home):
        if home is None:
            continue
        home.mkdir(parents=True, exist_ok=True)
        settings = load_settings().model_copy(update={"home": home})
        with Ledger.open(settings.ledger, options.pack / "status.yaml") as ledger:
            sync_pack(ledger, options.pack)
            embedder = load_embedder("", settings.weights)
            index = open_index(ledger, index_folder(settings), embedder)
            ranks = load_reranker(settings.weights / "embedder" / "reranker.npz")
            mine = examples(Search(ledger, index, embedder, ranks), questions, date.today())
        report(mine, lambda line, home=home: print(f"{home.name}: {line}", flush=True))
        data += mine
    report(data, print)
    weights = fit(data)
    slope, offset = calibrate(weights, data)
    for name, value in zip(("first", *NAMES), weights, strict=True):
        print(f"{name:<10}{value:8.3f}")
    print(f"slope {slope:.3f}, offset {offset:.3f}")
    Weights(float(weights[0]), weights[1:], slope, offset).save(options.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
