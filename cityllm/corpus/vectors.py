"""Vectors of the clauses in Chroma: a store that mends itself, since the ledger can refill it.

Chroma keeps what was encoded once (a hub model needs hours for a large corpus) and can be shared by
several machines (`chroma_url`). The nearest articles are found exactly, over the matrix read from
it: that is faster than filtering by date in Chroma and loses nothing. A copy of the matrix beside
the folder saves reading it row by row at each start; it is used only while it fits. A store that
fails to open, to read or to write (it can wedge when killed at the wrong moment, chroma issue 7678)
is thrown away and filled again in a fresh folder. A Chroma server is never thrown away, only
refilled.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from cityllm.corpus.embedding import Vectors
from cityllm.errors import CorpusError

Progress = Callable[[int, int, str], None]
Texts = Callable[[Sequence[int]], Iterator[tuple[int, str]]]
_BATCH = 2000
_PLAIN = {"space": "ip", "ef_construction": 40, "max_neighbors": 8, "ef_search": 100,
          "batch_size": 2000, "sync_threshold": 20_000}
"""A light graph: it answers other programs that read the store; our own search is exact."""


class VectorStore:
    """Vectors by clause row id of one embedder. `folder` is used where `url` is empty."""

    def __init__(self, folder: Path, url: str, embedder: str, dim: int) -> None:
        self.folder = folder
        self.url = url
        self.embedder = embedder
        self.dim = dim
        self.healed = ""
        """Why the store was thrown away and filled again, "" where it was sound."""

    def sync(self, rows: NDArray[np.int64], texts: Texts,
             encode: Callable[[Sequence[str]], Vectors], progress: Progress | None) -> Vectors:
        """(len(rows), dim): vectors of `rows`, encoding only what the store lacks.

        What it holds beyond `rows` is deleted. Raises CorpusError where even a fresh store fails.
        """
        try:
            return self._sync(rows, texts, encode, progress)
        except (KeyboardInterrupt, SystemExit, CorpusError):
            raise
        except BaseException as problem:  # Chroma's Rust core panics past Exception
            if self.url or isinstance(problem, GeneratorExit):
                raise self._failed(problem) from None
            self.healed = f"{type(problem).__name__}: {str(problem)[:200]}"
        self.forget()
        try:
            return self._sync(rows, texts, encode, progress)
        except (KeyboardInterrupt, SystemExit, CorpusError):
            raise
        except BaseException as problem:
            raise self._failed(problem) from None

    def forget(self) -> None:
        """Throw the folder away; the next `sync` fills a new one."""
        release()
        shutil.rmtree(self.folder, ignore_errors=True)
        self._copy.unlink(missing_ok=True)

    def _sync(self, rows: NDArray[np.int64], texts: Texts,
              encode: Callable[[Sequence[str]], Vectors], progress: Progress | None) -> Vectors:
        collection = self._collection()
        held = {int(one) for one in collection.get(include=[])["ids"]}
        wanted = set(rows.tolist())
        stale, missing = sorted(held - wanted), sorted(wanted - held)
        for start in range(0, len(stale), _BATCH):
            collection.delete(ids=[str(one) for one in stale[start:start + _BATCH]])
        for start in range(0, len(missing), _BATCH):
            part = list(texts(missing[start:start + _BATCH]))
            collection.upsert(ids=[str(row) for row, _ in part],
                              embeddings=encode([text for _, text in part]))
            if progress:
                progress(min(start + _BATCH, len(missing)), len(missing), "向量 vectors")
        if not len(rows):
            return np.zeros((0, self.dim), dtype=np.float32)
        matrix = None if stale or missing else self._copied(rows)
        if matrix is None:
            matrix = self._matrix(collection, rows)
            np.savez(self._copy, allow_pickle=False, rows=rows, matrix=matrix,
                     embedder=np.array(self.embedder))
        collection.query(query_embeddings=matrix[:1], n_results=1, include=[])
        return matrix

    @property
    def _copy(self) -> Path:
        return self.folder.with_name("matrix.npz")

    def _copied(self, rows: NDArray[np.int64]) -> Vectors | None:
        """The copy of the matrix, None where it is missing, damaged or of other rows."""
        try:
            with self._copy.open("rb") as file, np.load(file, allow_pickle=False) as found:
                if str(found["embedder"]) == self.embedder and np.array_equal(found["rows"], rows):
                    return np.asarray(found["matrix"], dtype=np.float32)
        except Exception:  # a cache of a cache: whatever is wrong, Chroma has the vectors
            return None
        return None

    def _matrix(self, collection: Any, rows: NDArray[np.int64]) -> Vectors:
        """All vectors from Chroma. Raises ValueError where one is missing."""
        place = {row: at for at, row in enumerate(rows.tolist())}
        matrix = np.full((len(rows), self.dim), np.nan, dtype=np.float32)
        step = 20_000
        for start in range(0, len(rows), step):
            ids = [str(row) for row in rows[start:start + step].tolist()]
            found = collection.get(ids=ids, include=["embeddings"])
            places = [place[int(one)] for one in found["ids"]]
            matrix[places] = np.asarray(found["embeddings"], dtype=np.float32)
        if np.isnan(matrix).any():
            raise ValueError("vectors are missing after they were written")
        return matrix

    def _collection(self) -> Any:
        import chromadb
        from chromadb.config import Settings

        quiet = Settings(anonymized_telemetry=False)
        if self.url:
            parts = urlsplit(self.url)
            client = chromadb.HttpClient(host=parts.hostname or "127.0.0.1",
                                         port=parts.port or 8000, ssl=parts.scheme == "https",
                                         settings=quiet)
        else:
            client = chromadb.PersistentClient(str(self._place()), settings=quiet)
        meta = {"embedder": self.embedder, "dim": self.dim}
        names = [one.name for one in client.list_collections()]
        if "clauses" in names:
            known = client.get_collection("clauses", embedding_function=None)
            if known.metadata == meta:
                return known
            client.delete_collection("clauses")
        configuration: Any = {"hnsw": _PLAIN}
        return client.create_collection("clauses", metadata=meta, embedding_function=None,
                                        configuration=configuration)

    def _place(self) -> Path:
        """The one folder in use. A healed store gets a new name: Chroma remembers open paths."""
        self.folder.mkdir(parents=True, exist_ok=True)
        found = sorted(one for one in self.folder.iterdir() if one.is_dir())
        return found[0] if found else self.folder / uuid.uuid4().hex[:8]

    def _failed(self, problem: BaseException) -> CorpusError:
        where = self.url or str(self.folder)
        return CorpusError(
            f"向量库 {where} 用不了：{problem}。请检查磁盘空间与权限（或 Chroma 服务是否在运行），"
            "然后运行 cityllm corpus rebuild。",
            f"The vector store {where} does not work: {problem}. Check disk space and permissions "
            "(or whether the Chroma server runs), then `cityllm corpus rebuild`.")


def release() -> None:
    """Let go of clients kept per path, so that a new one does not meet the broken system."""
    from chromadb.api.shared_system_client import SharedSystemClient

    SharedSystemClient.clear_system_cache()
