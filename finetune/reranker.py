"""Train the light reranker on what search itself proposes for the training questions.

The examples: statute questions over all laws, with the pack's everyday questions (asks) and without
them; those everyday questions over the pack alone, over all laws, and over the pack with half of
the asks and with none, since a text that is imported has none. Each question is scored by an
embedder that has not seen it (`finetune.embedder --halves`), and an ask does not find itself, so
that the network meets likenesses such as it will meet in use. Questions that no law answers
(`phrases/off_topic.yaml`, `not_found.yaml`, general instructions) stand beside them. Loss: the
articles that answer against all other candidates and against a candidate of score 0 that means
"nothing answers" (softmax). Every fifth question is left out; the score is calibrated on them. Fold
0 of the statute questions is in none of this.

    python -m finetune.reranker --ledger var/ledger.sqlite --data ../shared/data \\
        --halves DIR/half0 DIR/half1 --index DIR --out cityllm/model/weights/embedder/reranker.npz

The ledger should hold the laws and the pack.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from cityllm.corpus.digests import sync_pack
from cityllm.corpus.features import NAMES
from cityllm.corpus.ledger import Ledger
from cityllm.corpus.reranker import Reranker
from cityllm.corpus.search import Search
from finetune import retrieval_data as source
from finetune.unseen import halves, with_few_asks

Array = np.ndarray[Any, Any]
HIDDEN, NETWORKS, EPOCHS, CLIP, RATE, BATCH = 32, 3, 10, 4.0, 3e-3, 32
LIKELY, CHANCE = 110, 50
"""Candidates kept of a question: the likeliest, and some by chance."""
STATUTE = 4
"""Statute questions are fewer than asks: each is learnt from so many times an epoch."""
ALL_ASKS, SOME_ASKS, INSTRUCTIONS = 2500, 2000, 400
PHRASES = Path(__file__).parent / "phrases"


@dataclass(frozen=True)
class Example:
    """Candidates of one question: features (C, F), which of them answer (C,); the set it is of."""

    features: Array
    right: Array
    kind: str


def examples(search: Callable[[str], Search], questions: Sequence[source.Question], day: date,
             kind: str, region: str | None = None, seed: int = 7) -> list[Example]:
    """Candidates of `questions`; those whose answer is not among the candidates are left out."""
    dice = np.random.default_rng(seed)
    found = []
    for one in questions:
        mine = search(one.text)
        held = mine.candidates(one.text, day, region=region)
        right = np.isin(mine.index.views.shelf.rows[held.places], one.rows)
        if not len(right) or (one.rows and not right.any()):
            continue
        order = np.argsort(-held.fused)
        rest = order[LIKELY:]
        kept = np.union1d(order[:LIKELY], dice.permutation(rest)[:CHANCE])
        kept = np.union1d(kept, np.flatnonzero(right))
        found.append(Example(held.features[kept], right[kept], kind))
    return found


def unanswerable(data: Path, seed: int = 7) -> list[source.Question]:
    """Questions that no law answers, without rows."""
    texts = [row["q"] for name in ("off_topic", "not_found")
             for row in yaml.safe_load((PHRASES / f"{name}.yaml").read_text(encoding="utf-8"))]
    general = [text.strip() for text, _ in source.instructions(data) if len(text) < 60
               and not any(word in text for word in ("法", "规定", "条例", "权", "合同"))]
    texts += random.Random(seed).sample(general, min(INSTRUCTIONS, len(general)))
    return [source.Question(text, ()) for text in texts]


def fit(data: Sequence[Example], seed: int, shift: Array, scale: Array,
        penalty: float = 1e-3) -> tuple[Array, Array, Array, Array]:
    """Weights (F, H), (H,), (H,), () of one network."""
    import torch

    torch.manual_seed(seed)
    dice = np.random.default_rng(seed)
    net = torch.nn.Sequential(torch.nn.Linear(len(NAMES), HIDDEN), torch.nn.ReLU(),
                              torch.nn.Dropout(0.1), torch.nn.Linear(HIDDEN, 1))
    optimizer = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=penalty)
    steps, step = EPOCHS * (len(data) // BATCH), 0
    for _ in range(EPOCHS):
        order = dice.permutation(len(data))
        for start in range(0, len(order) - BATCH + 1, BATCH):
            for group in optimizer.param_groups:
                group["lr"] = RATE * max(0.02, 1 - step / steps)
            batch = [data[at] for at in order[start:start + BATCH]]
            x = np.concatenate([one.features for one in batch])
            scores = net(torch.from_numpy(np.clip((x - shift) / scale, -CLIP, CLIP)))[:, 0]
            losses = []
            for one, own in zip(batch, scores.split([len(one.right) for one in batch]),
                                strict=True):
                chance = torch.log_softmax(torch.cat([own, own.new_zeros(1)]), dim=0)
                right = torch.from_numpy(one.right)
                losses.append(-chance[:-1][right].mean() if one.right.any() else -chance[-1])
            optimizer.zero_grad()
            torch.stack(losses).mean().backward()
            optimizer.step()
            step += 1
    first, last = net[0], net[3]
    return (first.weight.detach().numpy().T.copy(), first.bias.detach().numpy().copy(),
            last.weight.detach().numpy()[0].copy(), last.bias.detach().numpy()[0].copy())


def train(data: Sequence[Example], say: Callable[[str], None]) -> Reranker:
    """The reranker learnt from four fifths of `data`, calibrated and measured on the rest."""
    part = [one for at, one in enumerate(data) if at % 5]
    kept = [one for at, one in enumerate(data) if at % 5 == 0]
    stacked = np.concatenate([one.features for one in part])
    shift = stacked.mean(axis=0)
    scale = np.maximum(stacked.std(axis=0), 1e-3)
    weighed = [one for one in part for _ in range(STATUTE if "statute" in one.kind else 1)]
    nets = [fit(weighed, seed, shift, scale) for seed in range(NETWORKS)]
    slope, offset = calibrate(_join(nets, shift, scale), kept)
    model = _join(nets, shift, scale, slope, offset)
    say(f"calibration: slope {slope:.3f}, offset {offset:.3f} on {len(kept)} questions")
    report(model, kept, say)
    return model


def calibrate(model: Reranker, kept: Sequence[Example]) -> tuple[float, float]:
    """Slope and offset of the probability that one of the first five clauses answers."""
    from sklearn.linear_model import LogisticRegression

    scores, right = [], []
    for one in kept:
        found = model.scores(one.features)
        top = np.argsort(-found)[:5]
        scores.append(found[top])
        right.append(one.right[top])
    line = LogisticRegression().fit(np.concatenate(scores)[:, None], np.concatenate(right))
    return float(line.coef_[0, 0]), float(line.intercept_[0])


def report(model: Reranker, kept: Sequence[Example], say: Callable[[str], None]) -> None:
    """Say how often what answers comes first and in the first five, by kind; and how well the
    first score tells questions that a law answers from those that none does (AUC)."""
    from sklearn.metrics import roc_auc_score

    best: dict[str, list[float]] = {}
    for kind in dict.fromkeys(one.kind for one in kept):
        mine = [one for one in kept if one.kind == kind]
        ranked = [(scores := model.scores(one.features), one.right[np.argsort(-scores)])
                  for one in mine]
        best[kind] = [float(scores.max()) for scores, _ in ranked]
        say(f"{kind}: {len(mine)} questions, first {np.mean([r[0] for _, r in ranked]):.3f}, in "
            f"five {np.mean([r[:5].any() for _, r in ranked]):.3f}, chance "
            f"{model.probability(np.array(best[kind])).mean():.3f}")
    for kind in best:
        if not kind.startswith("none") and (none := best.get(f"none, {kind.split(', ')[-1]}")):
            both = best[kind] + none
            auc = roc_auc_score([1] * len(best[kind]) + [0] * len(none), both)
            say(f"{kind}: AUC against questions that no law answers {auc:.4f}")


def _join(nets: Sequence[tuple[Array, Array, Array, Array]], shift: Array, scale: Array,
          slope: float = 1.0, offset: float = 0.0) -> Reranker:
    w1, b1, w2, b2 = (np.stack(values).astype(np.float32) for values in zip(*nets, strict=True))
    return Reranker(shift.astype(np.float32), scale.astype(np.float32), CLIP, w1, b1, w2, b2,
                    slope, offset)


def gathered(options: argparse.Namespace) -> list[Example]:
    """All examples, in a fixed order."""
    data: list[Example] = []
    nothing = unanswerable(options.data)
    with Ledger.open(options.index / "pack.sqlite", options.pack / "status.yaml") as pack:
        sync_pack(pack, options.pack)
        day = max(one.starts for one in pack.instruments() if one.starts)
        unseen = halves(pack, options.index / "pack", options.halves)
        asks = source.ask_questions(pack)
        data += examples(unseen.of, asks, day, "asks, pack")
        data += examples(unseen.of, nothing, day, "none, pack")
        few = random.Random(7).sample(asks, min(SOME_ASKS, len(asks)))
        data += examples(with_few_asks(unseen, 2).of, few, day, "asks of every second, pack")
        data += examples(with_few_asks(unseen).of, few, day, "no asks, pack")
        print(f"pack: {len(data)} questions with candidates", flush=True)
    with Ledger.open(options.ledger, options.pack / "status.yaml") as ledger:
        questions = source.statute_questions(ledger, options.data, options.day)
        hidden = [one.text for one in questions if source.fold(one.text) == source.HELD_OUT]
        questions = source.without_near(
            [one for one in questions if source.fold(one.text) != source.HELD_OUT], hidden)
        asks = random.Random(7).sample(source.ask_questions(ledger), ALL_ASKS)
        unseen = halves(ledger, options.index / "all", options.halves)
        data += examples(unseen.of, asks, day, "asks, all")
        data += examples(unseen.of, nothing, day, "none, all")
        data += examples(unseen.of, questions, options.day, "statute, all", "全国")
        bare = with_few_asks(unseen)
        data += examples(bare.of, questions, options.day, "statute, laws", "全国")
        data += examples(bare.of, nothing, day, "none, laws")
        print(f"all: {len(data)} questions with candidates", flush=True)
    return data


def main(argv: list[str] | None = None) -> int:
    """Gather candidates, train, calibrate, save."""
    parser = argparse.ArgumentParser(prog="python -m finetune.reranker", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--pack", type=Path, default=Path("rag_corpus"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--index", type=Path, required=True, help="folder for the indexes")
    parser.add_argument("--halves", type=Path, nargs=2, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--day", type=date.fromisoformat, default=date(2025, 4, 30),
                        help="the day that the statute questions are asked on")
    options = parser.parse_args(argv)
    model = train(gathered(options), print)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    model.save(options.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
