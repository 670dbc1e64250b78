"""The light reranker: a small network over the features of a candidate, kept as plain arrays.

Trained by `finetune.reranker`. It was trained beside the bundled embedder and is used with it only:
cosines of another embedder mean something else.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cityllm.corpus.features import NAMES
from cityllm.corpus.lexical import Floats
from cityllm.errors import ModelUnavailable


@dataclass(frozen=True)
class Reranker:
    """E networks averaged: features -> H -> 1. `shift`, `scale` (F,) standardise; `clip` bounds
    them; `slope`, `offset` turn a score into a probability that the clause answers."""

    shift: Floats
    scale: Floats
    clip: float
    w1: Floats
    b1: Floats
    w2: Floats
    b2: Floats
    slope: float
    offset: float

    def scores(self, features: Floats) -> Floats:
        """(C,) scores, higher is better, for features (C, F)."""
        x = np.clip((features - self.shift) / self.scale, -self.clip, self.clip)
        hidden = np.maximum(np.einsum("cf,efh->ech", x, self.w1, optimize=True)
                            + self.b1[:, None], 0)
        return np.asarray((np.einsum("ech,eh->ec", hidden, self.w2, optimize=True)
                           + self.b2[:, None]).mean(axis=0), dtype=np.float32)

    def probability(self, scores: Floats) -> Floats:
        """Scores as a number in 0..1, calibrated on questions that were not trained on."""
        return np.asarray(1 / (1 + np.exp(-(self.slope * scores + self.offset))), dtype=np.float32)

    def save(self, path: Path) -> None:
        """Write as npz, the names of the features with it."""
        np.savez(path, allow_pickle=False, names=np.array(NAMES), **{
            name: np.asarray(value, dtype=np.float32) for name, value in self.__dict__.items()})


def load_reranker(path: Path) -> Reranker | None:
    """The reranker at `path`, None where there is none. Raises ModelUnavailable where it was
    trained on other features or is damaged."""
    if not path.exists():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            if found["names"].tolist() != list(NAMES):
                raise ValueError("it was trained on other features")
            arrays = {name: found[name] for name in Reranker.__dataclass_fields__}
    except Exception as problem:
        raise ModelUnavailable(
            f"重排模型 {path} 读不了：{problem}。请从仓库恢复，或用 finetune.reranker 重新训练。",
            f"The reranker {path} cannot be read: {problem}. Restore it from the repository, or "
            "train it again with finetune.reranker.") from None
    plain = {name: float(arrays[name]) for name in ("clip", "slope", "offset")}
    return Reranker(**{**arrays, **plain})
