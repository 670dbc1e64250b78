"""Train the light reranker on what search itself proposes for the training questions.

Each question is scored by an embedder that has not seen it (`finetune.embedder --halves`), so that
the network meets cosines such as it will meet in use. Loss: the articles that answer against all
other candidates of the question (softmax). Then its score is calibrated on questions left out of
the training. Fold 0 of the statute questions is in none of this.

    python -m finetune.reranker --ledger var/ledger.sqlite --data ../shared/data \\
        --halves DIR/half0 DIR/half1 --out cityllm/model/weights/embedder/reranker.npz
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from cityllm.corpus.embedding import load_bundled
from cityllm.corpus.features import NAMES, Views, gather, query_vector, work_centres
from cityllm.corpus.index import open_index
from cityllm.corpus.ledger import Ledger
from cityllm.corpus.reranker import Reranker
from cityllm.corpus.wording import statute_words
from finetune import retrieval_data as source

Array = np.ndarray[Any, Any]
HIDDEN, NETWORKS, EPOCHS, CLIP, RATE = 16, 5, 14, 4.0, 3e-3


@dataclass(frozen=True)
class Example:
    """Candidates of one question: features (C, F), their plain score (C,), which answer it (C,)."""

    features: Array
    fused: Array
    right: Array


def examples(views: Views, ledger: Ledger, questions: Sequence[source.Question], day: date,
             folder: Path) -> list[Example]:
    """Candidates of `questions` with the vectors of the embedder in `folder`, national law only."""
    embedder = load_bundled(folder)
    place = {row: at for at, row in enumerate(views.shelf.rows.tolist())}
    mask = ledger.in_force(day, "全国")[views.shelf.rows]
    texts = [""] * len(views.shelf)
    for row, text in ledger.rows():
        if mask[place[row]]:
            texts[place[row]] = text
    matrix = embedder.encode(texts)
    seen = Views(views.shelf, views.lexical, views.heads, matrix,
                 work_centres(views.shelf, matrix))
    found = []
    for one in questions:
        added = statute_words(one.text)
        held = gather(seen, one.text, query_vector(embedder, one.text, added), mask, added)
        right = np.isin(views.shelf.rows[held.places], one.rows)
        if right.any():
            found.append(Example(held.features, held.fused, right))
    return found


def fit(train: Sequence[Example], seed: int, shift: Array, scale: Array,
        penalty: float = 1e-3) -> tuple[Array, Array, Array, Array]:
    """Weights (F, H), (H,), (H,), () of one network."""
    import torch

    torch.manual_seed(seed)
    dice = np.random.default_rng(seed)
    net = torch.nn.Sequential(torch.nn.Linear(len(NAMES), HIDDEN), torch.nn.ReLU(),
                              torch.nn.Dropout(0.1), torch.nn.Linear(HIDDEN, 1))
    optimizer = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=penalty)
    data = [(torch.from_numpy(np.clip((one.features - shift) / scale, -CLIP, CLIP)),
             torch.from_numpy(one.right)) for one in train]
    steps, step = EPOCHS * len(data) // 8, 0
    for _ in range(EPOCHS):
        order = dice.permutation(len(data))
        for start in range(0, len(order) - 7, 8):
            for group in optimizer.param_groups:
                group["lr"] = RATE * max(0.02, 1 - step / steps)
            losses = []
            for at in order[start:start + 8]:
                x, right = data[at]
                losses.append(-torch.log_softmax(net(x)[:, 0], dim=0)[right].mean())
            optimizer.zero_grad()
            torch.stack(losses).mean().backward()
            optimizer.step()
            step += 1
    first, last = net[0], net[3]
    return (first.weight.detach().numpy().T.copy(), first.bias.detach().numpy().copy(),
            last.weight.detach().numpy()[0].copy(), last.bias.detach().numpy()[0].copy())


def train(data: Sequence[Example], say: Callable[[str], None]) -> Reranker:
    """The reranker learnt from `data`; every fifth question is kept for its calibration first."""
    stacked = np.concatenate([one.features for one in data])
    shift = stacked.mean(axis=0)
    scale = np.maximum(stacked.std(axis=0), 1e-3)
    part = [one for at, one in enumerate(data) if at % 5]
    kept = [one for at, one in enumerate(data) if at % 5 == 0]
    slope, offset = calibrate(_join([fit(part, seed, shift, scale) for seed in range(NETWORKS)],
                                    shift, scale), kept)
    nets = [fit(data, seed, shift, scale) for seed in range(NETWORKS)]
    say(f"calibration: slope {slope:.3f}, offset {offset:.3f} on {len(kept)} questions")
    return _join(nets, shift, scale, slope, offset)


def calibrate(model: Reranker, kept: Sequence[Example]) -> tuple[float, float]:
    """Slope and offset of the probability that one of the first ten clauses answers."""
    from sklearn.linear_model import LogisticRegression

    scores, right = [], []
    for one in kept:
        found = model.scores(one.features) + one.fused
        top = np.argsort(-found)[:10]
        scores.append(found[top])
        right.append(one.right[top])
    line = LogisticRegression().fit(np.concatenate(scores)[:, None], np.concatenate(right))
    return float(line.coef_[0, 0]), float(line.intercept_[0])


def _join(nets: Sequence[tuple[Array, Array, Array, Array]], shift: Array, scale: Array,
          slope: float = 1.0, offset: float = 0.0) -> Reranker:
    w1, b1, w2, b2 = (np.stack(values).astype(np.float32) for values in zip(*nets, strict=True))
    return Reranker(shift.astype(np.float32), scale.astype(np.float32), CLIP, w1, b1, w2, b2,
                    slope, offset)


def main(argv: list[str] | None = None) -> int:
    """Gather candidates, train, calibrate, save."""
    parser = argparse.ArgumentParser(prog="python -m finetune.reranker", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--status", type=Path, default=Path("rag_corpus/status.yaml"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--index", type=Path, required=True, help="folder for the index")
    parser.add_argument("--halves", type=Path, nargs=2, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--day", type=date.fromisoformat, default=date(2025, 4, 30))
    options = parser.parse_args(argv)
    with Ledger.open(options.ledger, options.status) as ledger:
        views = open_index(ledger, options.index, None).views
        questions = source.statute_questions(ledger, options.data, options.day)
        hidden = [one.text for one in questions if source.fold(one.text) == source.HELD_OUT]
        questions = source.without_near(
            [one for one in questions if source.fold(one.text) != source.HELD_OUT], hidden)
        data: list[Example] = []
        for half, folder in enumerate(options.halves):
            unseen = [one for one in questions if source.fold(one.text) % 2 != half]
            data += examples(views, ledger, unseen, options.day, folder)
            print(f"{folder}: {len(data)} questions with candidates", flush=True)
    model = train(data, print)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    model.save(options.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
