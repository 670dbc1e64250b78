"""Text -> unit vectors: the bundled embedder, or any sentence-transformers model by name.

The bundled one is a sentence-transformers StaticEmbedding folder trained by `finetune.embedder`. It
holds one vector a search term, so it is read here with numpy alone: ready in 0.1 s, where loading
it through sentence-transformers takes seconds (a test holds both equal).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cityllm.corpus.terms import terms
from cityllm.errors import ModelUnavailable

Vectors = NDArray[np.float32]
_CHUNK = 512


class Embedder(Protocol):
    """`name` changes whenever the vectors would; `dim` is their length. The first `leading`
    dimensions hold most of what tells articles apart, 0 where that is not known."""

    name: str
    leading: int

    @property
    def dim(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """(len(texts), dim) float32, each row of length 1, or all zeros for an empty text."""
        ...

    def encode_query(self, text: str) -> Vectors:
        """(dim,) for a question."""
        ...


@dataclass
class BundledEmbedder:
    """Mean of the vectors of the text's terms, scaled to length 1."""

    name: str
    table: dict[str, int]
    weights: Vectors
    leading: int = 0

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.weights.shape[1])

    def encode(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.encode`; about 10,000 articles a second on one core."""
        found = np.zeros((len(texts), self.dim), dtype=np.float32)
        for start in range(0, len(texts), _CHUNK):
            ids = [[at for term in terms(text) if (at := self.table.get(term)) is not None]
                   for text in texts[start:start + _CHUNK]]
            held = [at for at, one in enumerate(ids) if one]
            if held:
                flat = np.fromiter((at for one in ids for at in one), dtype=np.int64)
                starts = np.cumsum([0, *(len(ids[at]) for at in held[:-1])])
                found[start + np.array(held)] = np.add.reduceat(self.weights[flat], starts, axis=0)
        return _unit(found)

    def encode_query(self, text: str) -> Vectors:
        """The same as for an article."""
        return np.asarray(self.encode([text])[0], dtype=np.float32)


class HubEmbedder:
    """A sentence-transformers model by hub name or folder; queries use its own query prompt."""

    def __init__(self, name: str) -> None:
        try:
            from sentence_transformers import SentenceTransformer

            self._model = SentenceTransformer(name)
        except (OSError, ValueError, ImportError) as problem:
            first = str(problem).splitlines()[0][:200]
            raise ModelUnavailable(
                f"向量模型 {name} 载入不了：{first}。请检查 CITYLLM_EMBEDDER 的名称或文件夹，"
                "留空则用随程序带的模型。",
                f"The embedder {name} cannot be loaded: {first}. Check CITYLLM_EMBEDDER (a hub "
                "name or a folder); leave it empty for the bundled one.") from None
        self.name = name
        self.leading = 0

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self._model.get_embedding_dimension() or 0)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.encode`."""
        return self._run(self._model.encode_document, list(texts))

    def encode_query(self, text: str) -> Vectors:
        """With the model's query prompt where it has one."""
        return np.asarray(self._run(self._model.encode_query, [text])[0], dtype=np.float32)

    @staticmethod
    def _run(encode: Callable[..., Any], texts: list[str]) -> Vectors:
        return _unit(np.asarray(encode(texts, batch_size=32, convert_to_numpy=True,
                                       show_progress_bar=False), dtype=np.float32))


def _unit(vectors: Vectors) -> Vectors:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-9), dtype=np.float32)


def load_bundled(folder: Path) -> BundledEmbedder:
    """The embedder in `folder`. Raises ModelUnavailable where it is missing or damaged."""
    from safetensors.numpy import load_file

    try:
        data = (folder / "model.safetensors").read_bytes()
        weights = load_file(folder / "model.safetensors")["embedding.weight"].astype(np.float32)
        words = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        table = {str(term): int(at) for term, at in words["model"]["vocab"].items()}
        if max(table.values()) + 1 != len(weights):
            raise ValueError("tokenizer and weights differ in length")
        facts = json.loads((folder / "cityllm.json").read_text(encoding="utf-8"))
    except Exception as problem:
        raise ModelUnavailable(
            f"随程序带的向量模型 {folder} 读不了：{problem}。请从仓库恢复该文件夹。",
            f"The bundled embedder {folder} cannot be read: {problem}. Restore the folder from the "
            "repository.") from None
    return BundledEmbedder(f"bundled-{hashlib.sha256(data).hexdigest()[:12]}", table, weights,
                           int(facts.get("leading", 0)))


def load_embedder(name: str, weights: Path) -> Embedder | None:
    """The hub model `name`, else the bundled one; None where neither is there (BM25 alone then)."""
    if name:
        return HubEmbedder(name)
    folder = weights / "embedder"
    return load_bundled(folder) if (folder / "model.safetensors").exists() else None
