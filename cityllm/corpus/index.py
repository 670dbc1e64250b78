"""The search index in `home/index`: built from the ledger, checked at every start, healed.

Layout: `state.json` (what it was built from), `shelf.npz`, `bm25/`, `heads/`, `asks/` and
`asks-vectors.npz` (everyday questions), `chroma/`. All of it is a cache. `state.json` is written
last, so a build that was killed does not count; a file that is missing or damaged means a new
build; vectors are kept by row id and only new ones are encoded.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cityllm.corpus.asks import Asks, open_asks, questions, with_vectors
from cityllm.corpus.embedding import Embedder, Vectors
from cityllm.corpus.features import Views, work_centres
from cityllm.corpus.ledger import Ledger
from cityllm.corpus.lexical import Lexical
from cityllm.corpus.shelf import Shelf, build_shelf
from cityllm.corpus.terms import terms
from cityllm.corpus.vectors import VectorStore

FORMAT = 4
"""Raised when the layout, the terms or the facts of the shelf change."""
Progress = Callable[[int, int, str], None]
Parts = tuple[Shelf, Lexical, Lexical, Asks]


@dataclass(frozen=True)
class Index:
    """What `open_index` hands out. `healed` says why parts were built anew, "" if they were not."""

    views: Views
    snapshot: str
    healed: str


def open_index(ledger: Ledger, folder: Path, embedder: Embedder | None, chroma_url: str = "",
               progress: Progress | None = None) -> Index:
    """The index of the ledger as it is now; builds what is missing, changed or damaged."""
    folder.mkdir(parents=True, exist_ok=True)
    snapshot = ledger.snapshot()
    state = {"format": FORMAT, "snapshot": snapshot}
    healed = ""
    parts: Parts | None = None
    if _state(folder) == state:
        try:
            parts = _read(ledger, folder)
        except Exception as problem:  # whatever is wrong with a cache, the ledger has the truth
            healed = f"{type(problem).__name__}: {problem}"
    if parts is None:
        parts = _build(ledger, folder, progress)
        _write_state(folder, state)
    shelf, lexical, heads, asks = parts
    matrix: Vectors | None = None
    centres: Vectors | None = None
    rough: Vectors | None = None
    if embedder is not None:
        store = VectorStore(folder / "chroma", chroma_url, embedder.name, embedder.dim)
        matrix = store.sync(shelf.rows, ledger.rows, embedder.encode, progress)
        centres = work_centres(shelf, matrix)
        asks = with_vectors(asks, questions(ledger), embedder.name, embedder.encode,
                            folder / "asks-vectors.npz")
        if 0 < embedder.leading < embedder.dim:
            rough = np.ascontiguousarray(matrix[:, :embedder.leading])
        healed = healed or store.healed
    return Index(Views(shelf, lexical, heads, asks, matrix, centres, rough), snapshot, healed)


def forget_index(folder: Path) -> None:
    """Delete the index; the next `open_index` builds all of it from the ledger."""
    VectorStore(folder / "chroma", "", "", 0).forget()
    shutil.rmtree(folder, ignore_errors=True)


def _state(folder: Path) -> object:
    try:
        return json.loads((folder / "state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _write_state(folder: Path, state: dict[str, object]) -> None:
    draft = folder / "state.json.new"
    draft.write_text(json.dumps(state), encoding="utf-8")
    draft.replace(folder / "state.json")


def _read(ledger: Ledger, folder: Path) -> Parts:
    shelf = Shelf.load(folder / "shelf.npz")
    lexical, heads = Lexical.load(folder / "bm25"), Lexical.load(folder / "heads")
    if lexical.size != len(shelf) or heads.size != len(shelf.part_start):
        raise ValueError("the parts of the index do not fit together")
    return shelf, lexical, heads, open_asks(ledger, shelf, Lexical.load(folder / "asks"))


def _build(ledger: Ledger, folder: Path, progress: Progress | None) -> Parts:
    (folder / "state.json").unlink(missing_ok=True)
    shelf, words = build_shelf(ledger)
    place = {row: at for at, row in enumerate(shelf.rows.tolist())}
    vocabulary: dict[str, int] = {}
    texts: list[np.ndarray[tuple[int], np.dtype[np.int32]]] = [np.zeros(0, np.int32)] * len(shelf)
    for done, (row, text) in enumerate(ledger.rows(), start=1):
        at = place.get(row)
        if at is not None:
            texts[at] = np.array([vocabulary.setdefault(term, len(vocabulary))
                                  for term in terms(text)], dtype=np.int32)
        if progress and (done % 2000 == 0 or done == len(shelf)):
            progress(done, len(shelf), "词项 terms")
    lexical = Lexical.of_ids(texts, vocabulary)
    heads = Lexical.build(terms(line) for line in words)
    asks = Lexical.build(terms(question) for question in questions(ledger))
    shelf.save(folder / "shelf.npz")
    lexical.save(folder / "bm25")
    heads.save(folder / "heads")
    asks.save(folder / "asks")
    return shelf, lexical, heads, open_asks(ledger, shelf, asks)
