"""Which kind of classifier? Linear grams, fastText-like, term vectors, and what ships, on one test.

Each learns level 1 from our own petitions alone, and (with --train) from labelled rows of words;
each is tested on the same messages, its classes narrowed to theirs. Intervals are bootstrapped.

    python -m evals triage_models --labelled FILE [--train FILE] --json OUT
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cityllm.config import Settings
from cityllm.petitions import fit
from cityllm.petitions.linear import Features, Floats, Weights
from cityllm.petitions.segment import Segmenter
from cityllm.petitions.taxonomy import Taxonomy
from cityllm.petitions.training import adapted, lifted, read_rows, without
from evals.command import parser, write
from evals.machine import machine
from evals.triage import interval
from finetune.petition_data import examples
from finetune.triage import body

EPOCHS, WIDTH, RATE = 12, 64, 0.02
Model = Callable[[Features, Sequence[str], Features], tuple[list[str], Floats]]


def grams_only(ours: Features, codes: Sequence[str], tests: Features) -> tuple[list[str], Floats]:
    """A linear SVM over hashed grams."""
    return both(_drop(ours, dense=True), codes, _drop(tests, dense=True))


def vectors_only(ours: Features, codes: Sequence[str], tests: Features) -> tuple[list[str], Floats]:
    """Logistic regression over the mean of the bundled embedder's term vectors."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=40, max_iter=300, class_weight="balanced")
    model.fit(ours.e, list(codes))
    return [str(name) for name in model.classes_], np.asarray(
        model.decision_function(tests.e), dtype=np.float32)


def both(ours: Features, codes: Sequence[str], tests: Features) -> tuple[list[str], Floats]:
    """A linear SVM over grams and vectors: the form that ships."""
    head = fit.head(ours, codes, fit.KEEP["1"])
    scores = (tests.x @ head.table).toarray() + tests.e @ head.dense + head.bias
    return list(head.labels), np.asarray(scores, dtype=np.float32)


def fasttext_like(ours: Features, codes: Sequence[str], tests: Features,
                  ) -> tuple[list[str], Floats]:
    """Grams -> mean of learnt vectors -> softmax, trained together, as fastText does."""
    import torch

    torch.manual_seed(0)
    names = sorted(set(codes))
    right = torch.tensor([names.index(code) for code in codes])
    bag = torch.nn.EmbeddingBag(ours.x.shape[1], WIDTH, mode="sum")
    torch.nn.init.uniform_(bag.weight, -1 / WIDTH, 1 / WIDTH)
    out = torch.nn.Linear(WIDTH, len(names))
    rate = torch.optim.Adam([*bag.parameters(), *out.parameters()], lr=RATE)
    counts = torch.bincount(right).float()
    loss = torch.nn.CrossEntropyLoss(weight=counts.sum() / counts / len(names))

    def run(found: Features, rows: np.ndarray) -> torch.Tensor:
        part = found.x[rows]
        return out(bag(torch.from_numpy(part.indices.astype(np.int64)),
                       torch.from_numpy(part.indptr[:-1].astype(np.int64)),
                       per_sample_weights=torch.from_numpy(part.data.astype(np.float32))))

    dice = np.random.default_rng(0)
    for _ in range(EPOCHS):
        for rows in np.array_split(dice.permutation(len(codes)), max(1, len(codes) // 512)):
            rate.zero_grad()
            loss(run(ours, rows), right[rows]).backward()
            rate.step()
    with torch.no_grad():
        return names, run(tests, np.arange(tests.x.shape[0])).numpy()


MODELS: dict[str, Model] = {
    "linear, grams": grams_only, "fastText-like, grams": fasttext_like,
    "term vectors of the bundled embedder": vectors_only, "linear, grams and vectors": both}


def _drop(found: Features, *, dense: bool) -> Features:
    return Features(found.x, np.zeros_like(found.e)) if dense else found


def compare(labelled: Path, trained_on: Path | None, settings: Settings) -> list[dict[str, Any]]:
    """A row for each model and each training set."""
    tree = Taxonomy.load(settings.pack)
    rows, _ = read_rows(labelled)
    right = [str(tree.find(row.label))[:2] for row in rows]
    shipped = Weights.load(settings.weights / "triage" / "weights.npz")
    ours = list(examples())
    sets = [("our own", shipped.features([body(row) for row in ours]),
             [row.base.code[:2] for row in ours], shipped.features([row.text for row in rows]))]
    if trained_on:
        theirs, words = read_rows(trained_on)
        reader = adapted(shipped, [row.text for row in theirs], words=words)
        cutter = Segmenter.learn(row.text for row in theirs)
        tests = ["\n".join(cutter.cut(part) for part in row.text.split("\n", 1)) if words
                 else row.text for row in rows]
        kept = without(theirs, tests, reader)
        features = reader.features([row.text for row in kept]), reader.features(tests)
        codes = [str(tree.find(row.label))[:2] for row in kept]
        sets.append((trained_on.name, features[0], codes, features[1]))
        on_top = [lifted(reader, one, 1) for one in features]
        sets.append((f"{trained_on.name} on top of our own", on_top[0], codes, on_top[1]))
    table = []
    for name, found, codes, tests_found in sets:
        for model, run in MODELS.items():
            if "on top" in name and run is not both:
                continue
            began = time.perf_counter()
            labels, scores = run(found, codes, tests_found)
            columns = [at for at, label in enumerate(labels) if label in right]
            said = [labels[columns[at]] for at in scores[:, columns].argmax(axis=1)]
            table.append({"trained_on": name, "rows": len(codes), "model": model,
                          **figures(right, said), "seconds": time.perf_counter() - began})
            print(table[-1])
    return table


def figures(right: Sequence[str], said: Sequence[str]) -> dict[str, Any]:
    """Macro-F1 with its interval, and accuracy."""
    from sklearn.metrics import f1_score

    return {"macro_f1": float(f1_score(list(right), list(said), average="macro")),
            "macro_f1_95": list(interval(right, said)),
            "accuracy": float(np.mean([a == b for a, b in zip(right, said, strict=True)]))}


def main(argv: list[str]) -> int:
    """Print the table and write it to OUT."""
    options = parser("triage_models", __doc__, "labelled", maybe=("train",)).parse_args(argv)
    table = compare(options.labelled, options.train, Settings())
    write(options.json, {"table": table, "machine": machine()})
    return 0
