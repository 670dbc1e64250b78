"""Which tools to offer: a linear model over character 1-3-grams, hashed, numpy only.

The weights are a plain `.npz` (no pickle): `coef` float16 [classes, DIMS], `intercept` float32
[classes], `labels` unicode [classes]; the last class name may be `none` (no tool fits). It narrows
what the language model is offered; which tool is called stays the language model's choice.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from pathlib import Path
from zlib import crc32

import numpy as np
import numpy.typing as npt

from cityllm.errors import ModelUnavailable

DIMS = 1 << 15
NONE = "none"
HOPELESS = 0.5
"""From this probability of `none` on no tool is offered."""
BEYOND_DOUBT = 0.1
"""Up to this probability of `none` a tool must be called before anything is said."""
FAR = 0.3
"""A tool less likely than this share of the likeliest one's probability is not offered."""


def features(text: str) -> dict[int, float]:
    """Hashed 1-3-grams of the text: bucket -> weight, of Euclidean length 1 (empty text: {})."""
    plain = "^" + "".join(unicodedata.normalize("NFKC", text).lower().split()) + "$"
    grams = {plain[i:i + n] for n in (1, 2, 3) for i in range(len(plain) - n + 1)}
    found: dict[int, float] = {}
    for gram in grams - {"^", "$"}:
        bucket = crc32(gram.encode()) % DIMS
        found[bucket] = found.get(bucket, 0.0) + 1.0
    length = sum(v * v for v in found.values()) ** 0.5
    return {k: v / length for k, v in found.items()} if length else {}


class ToolRetriever:
    """Orders tool names by probability for a question."""

    def __init__(self, coef: npt.NDArray[np.float32], intercept: npt.NDArray[np.float32],
                 labels: Sequence[str]) -> None:
        self.coef = coef
        self.intercept = intercept
        self.labels = tuple(labels)

    @classmethod
    def load(cls, path: Path) -> ToolRetriever | None:
        """From `path`; None where there is no such file; ModelUnavailable where it is broken."""
        if not path.exists():
            return None
        try:
            with np.load(path, allow_pickle=False) as arrays:
                coef = arrays["coef"].astype(np.float32)
                intercept = arrays["intercept"].astype(np.float32)
                labels = [str(name) for name in arrays["labels"]]
        except (KeyError, ValueError, OSError) as problem:
            raise ModelUnavailable(
                f"工具检索器 {path.name} 读不出来（{problem}）；请运行 python -m finetune retriever 重做。",
                f"The tool retriever {path.name} cannot be read ({problem}); make it again with "
                "python -m finetune retriever.") from problem
        if coef.shape != (len(labels), DIMS) or intercept.shape != (len(labels),):
            raise ModelUnavailable(
                f"工具检索器 {path.name} 的形状是 {coef.shape}，应为 ({len(labels)}, {DIMS})；请重做。",
                f"The tool retriever {path.name} has shape {coef.shape}, expected "
                f"({len(labels)}, {DIMS}); make it again.")
        return cls(coef, intercept, labels)

    def probabilities(self, question: str) -> dict[str, float]:
        """Class name -> probability; they add up to 1."""
        weights = features(question)
        logits = self.intercept.copy()
        if weights:
            buckets = np.fromiter(weights, dtype=np.int64)
            logits = logits + self.coef[:, buckets] @ np.fromiter(weights.values(), np.float32)
        chances = np.exp(logits - logits.max())
        chances /= chances.sum()
        return dict(zip(self.labels, (float(c) for c in chances), strict=True))

    def offer(self, question: str, limit: int = 3,
              possible: Collection[str] | None = None) -> list[str]:
        """The likeliest of the `possible` tools (None: of all), likeliest first, at most `limit`.

        `none` is never among them. A tool far less likely than the likeliest of all is left out,
        unless it is the likeliest possible; where `none` is all but certain there are none at all.
        """
        chances = self.probabilities(question)
        if chances.get(NONE, 0.0) >= HOPELESS:
            return []
        named = sorted((name for name in self.labels if name != NONE),
                       key=lambda name: -chances[name])
        tools = [name for name in named if possible is None or name in possible]
        near = [name for name in tools[:limit] if chances[name] >= FAR * chances[named[0]]]
        return near or tools[:1]

    def city_business(self, question: str) -> bool:
        """Whether some tool fits beyond reasonable doubt."""
        return self.probabilities(question).get(NONE, 0.0) <= BEYOND_DOUBT
