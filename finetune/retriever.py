"""Train the tool retriever: multinomial logistic regression over hashed character 1-3-grams.

    train(questions, labels, path)  ->  the share of the training questions that it gets right

A rare class counts more, by how rare it is to the power of 3/4, and those of `MORE` by more than
that: their training questions are less like real ones than the others'. Labels are tool names, or
`none` where no tool fits. The file is a plain `.npz` of float16 arrays that
`cityllm.agent.retriever` reads without scikit-learn. It does not measure held-out questions:
`python -m evals answers --compare` does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cityllm.agent.retriever import DIMS, features

MORE = {"match_policies": 3.0}


def train(questions: Sequence[str], labels: Sequence[str], path: Path, *, strength: float = 1.0,
          seed: int = 0) -> float:
    """Fit and write `path`. `strength` is scikit-learn's C. Needs at least two classes."""
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression

    if len(set(labels)) < 2 or len(questions) != len(labels):
        raise ValueError(f"{len(questions)} questions, {len(labels)} labels of "
                         f"{len(set(labels))} classes: need as many labels, at least two classes")
    rows, columns, weights = [], [], []
    for row, question in enumerate(questions):
        for column, weight in features(question).items():
            rows.append(row)
            columns.append(column)
            weights.append(weight)
    matrix = csr_matrix((weights, (rows, columns)), shape=(len(questions), DIMS))
    sizes = Counter(labels)
    weights_of = {name: MORE.get(name, 1.0) * (max(sizes.values()) / size) ** 0.75
                  for name, size in sizes.items()}
    model = LogisticRegression(C=strength, max_iter=2000, random_state=seed,
                               class_weight=weights_of)
    model.fit(matrix, list(labels))
    coef, intercept = model.coef_, model.intercept_
    if len(model.classes_) == 2:
        coef, intercept = np.vstack([-coef, coef]) / 2, np.hstack([-intercept, intercept]) / 2
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, coef=coef.astype(np.float16), intercept=intercept.astype(np.float32),
                        labels=np.array([str(name) for name in model.classes_]))
    return float((model.predict(matrix) == np.array(labels)).mean())
