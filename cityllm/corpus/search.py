"""A question in, clauses in force out.

Three ways meet. An article that is named (规划法64条) is looked up. Otherwise BM25 and vectors
propose candidates, the reranker orders them, and the best few are compared word by word. The as-of
date, region and kinds are a hard filter, taken from the ledger: what was not in force cannot come
up. It does not decide whether an answer is good enough; `score` says how likely the clause answers.
After an import the index is brought up to date by the next `open_search`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cityllm.config import Settings
from cityllm.corpus.alignment import DEPTH, Weights, load_weights, open_aligner
from cityllm.corpus.citations import numbers_in, titles_in
from cityllm.corpus.embedding import Embedder, load_embedder
from cityllm.corpus.features import NAMES, Candidates, gather, query_vector
from cityllm.corpus.index import Index, Progress, forget_index, open_index
from cityllm.corpus.ledger import Clause, Ledger
from cityllm.corpus.lexical import Floats
from cityllm.corpus.names import title_key
from cityllm.corpus.passages import best_passage
from cityllm.corpus.places import region_named
from cityllm.corpus.reranker import Reranker, load_reranker
from cityllm.corpus.terms import terms
from cityllm.corpus.wording import statute_words
from cityllm.errors import CorpusError

NAMED = 4.0
"""Added to the score of clauses of an instrument that the question names."""
LOCAL = -0.5
"""Added to regional law where the question names no region and there is no reranker, which has
learnt as much: national law is meant more often."""
_FILLER = re.compile(r"^(?:请问|你好|您好|想问一下|咨询一下|我想问|麻烦问下)[，,。！!：: ]*")


@dataclass(frozen=True)
class Hit:
    """A clause for a question. `score` in 0..1; `passage` the words that speak to it, at most 120
    characters; `why` is exact | named | search."""

    clause: Clause
    score: float
    passage: str
    why: str


class Search:
    """Made by `open_search`. Safe to use from several threads. With `leave_out` a question that is
    one of the pack's everyday questions does not find itself: for training and measuring. Without
    `weights` the first step alone orders the candidates."""

    def __init__(self, ledger: Ledger, index: Index, embedder: Embedder | None,
                 reranker: Reranker | None, leave_out: bool = False,
                 weights: Weights | None = None) -> None:
        self.ledger = ledger
        self.index = index
        self.embedder = embedder
        self.reranker = reranker
        self.leave_out = leave_out
        self.weights = weights
        self.aligner = open_aligner(ledger, index.views, embedder, leave_out)
        self._lock = threading.Lock()
        self._masks: dict[tuple[object, ...], NDArray[np.bool_]] = {}

    def leaving_out(self) -> Search:
        """The same, but no everyday question finds itself."""
        return Search(self.ledger, self.index, self.embedder, self.reranker, True, self.weights)

    def search(self, query: str, as_of: date, limit: int = 8, *, title: str | None = None,
               region: str | None = None, kinds: Sequence[str] | None = None) -> list[Hit]:
        """At most `limit` hits, best first, one a clause.

        `title` (any name that the ledger resolves) keeps to one instrument; `region` to its law
        and that above it; `kinds` to these kinds. Without `region` one that the question names is
        used. Raises CorpusError where `title` is not held.
        """
        query = _FILLER.sub("", query.strip())
        if title is not None:
            resolved = self.ledger.resolve(title)
            if resolved is None:
                raise CorpusError(f"没有收录《{title}》。", f"{title} is not held.")
            titles = [resolved]
        else:
            titles = titles_in(query, self.ledger)
        hits = self._exact(query, titles[:1], as_of, kinds)
        places, scores = self.rank(query, as_of, titles, title is not None, region, kinds)
        chance = self._chance(scores)
        taken = {hit.clause.rowid for hit in hits}
        order = [at for at in range(len(places))
                 if int(self.index.views.shelf.rows[places[at]]) not in taken]
        order = order[:max(0, limit - len(hits))]
        rows = [int(self.index.views.shelf.rows[places[at]]) for at in order]
        by_row = {one.rowid: one for one in self.ledger.clauses(rows)}
        weights = self._weights(query)
        for at, row in zip(order, rows, strict=True):
            clause = by_row.get(row)
            if clause is not None:
                passage = best_passage(clause.text, weights)
                why = "named" if clause.title in titles else "search"
                hits.append(Hit(clause, float(chance[at]), passage, why))
        return hits[:limit]

    def rank(self, query: str, as_of: date, titles: Sequence[str] = (), only: bool = False,
             region: str | None = None, kinds: Sequence[str] | None = None
             ) -> tuple[NDArray[np.int64], Floats]:
        """Places on the shelf and their scores, best first: all candidates of the question.

        `titles` are lifted, or with `only` nothing else is let through.
        """
        found = self.candidates(query, as_of, titles, only, region, kinds)
        if not len(found.places):
            return found.places, found.fused
        if self.reranker is not None:
            scores = self.reranker.scores(found.features)
        else:
            scores = found.fused + LOCAL * found.features[:, NAMES.index("local")]
        if titles and not only:
            scores = scores + NAMED * self._of_titles(tuple(titles))[found.places]
        order = np.argsort(-scores, kind="stable")
        return self._aligned(query, found.places[order], scores[order])

    def _aligned(self, query: str, places: NDArray[np.int64], scores: Floats
                 ) -> tuple[NDArray[np.int64], Floats]:
        """The same with the first `DEPTH` ordered anew, word by word."""
        if self.weights is None or self.aligner is None:
            return places, scores
        first = self.weights.first * scores
        likeness = self.likeness(query, places[:DEPTH])
        best = first[:DEPTH] + likeness @ self.weights.each
        order = np.argsort(-best, kind="stable")
        rest = np.minimum(first[DEPTH:], best.min(initial=np.inf))
        return (np.concatenate([places[:DEPTH][order], places[DEPTH:]]),
                np.concatenate([best[order], rest]).astype(np.float32))

    def likeness(self, query: str, places: NDArray[np.int64]) -> Floats:
        """(C, len(alignment.NAMES)) of the question with the articles at `places`."""
        assert self.aligner is not None
        rows = self.index.views.shelf.rows[places].tolist()
        held = {one.rowid: one for one in self.ledger.clauses(rows)}
        return self.aligner.likeness(query, places.tolist(), [held.get(row) for row in rows])

    def candidates(self, query: str, as_of: date, titles: Sequence[str] = (), only: bool = False,
                   region: str | None = None, kinds: Sequence[str] | None = None) -> Candidates:
        """What comes into question, unordered, and what speaks for each: see `rank`."""
        named = region or region_named(query)
        mask = self._mask(as_of, named, kinds)
        if only:
            mask = mask & self._of_titles(tuple(titles))
        added = statute_words(query)
        vector = query_vector(self.embedder, query, added) if self.embedder else None
        return gather(self.index.views, query, vector, mask, added, bool(named), self.leave_out)

    def _weights(self, query: str) -> dict[str, float]:
        words = terms(f"{query}\n{statute_words(query)}")
        return self.index.views.lexical.weights(words)

    def _chance(self, scores: Floats) -> Floats:
        if self.weights is not None and self.aligner is not None:
            return self.weights.probability(scores)
        if self.reranker is not None:
            return self.reranker.probability(scores)
        return np.asarray(np.clip(scores / 5, 0, 1), dtype=np.float32)

    def _exact(self, query: str, titles: Sequence[str], as_of: date,
               kinds: Sequence[str] | None) -> list[Hit]:
        """Articles that the question names by title and number, where they are in force."""
        hits = []
        for title in titles:
            for number in numbers_in(query):
                try:
                    clause = self.ledger.article(title, number, as_of)
                except CorpusError:
                    continue
                if kinds is None or clause.kind in kinds:
                    passage = best_passage(clause.text, self._weights(query))
                    hits.append(Hit(clause, 1.0, passage, "exact"))
        return hits

    def _mask(self, as_of: date, region: str | None, kinds: Sequence[str] | None
              ) -> NDArray[np.bool_]:
        """Over the places: in force and wanted."""
        rows = self.index.views.shelf.rows
        allowed = self.ledger.in_force(as_of, region, kinds)
        inside = rows < len(allowed)
        mask = np.zeros(len(rows), dtype=np.bool_)
        mask[inside] = allowed[rows[inside]]
        return mask

    def _of_titles(self, titles: tuple[str, ...]) -> NDArray[np.bool_]:
        """Over the places: belonging to one of `titles`."""
        with self._lock:
            found = self._masks.get(titles)
        if found is None:
            shelf = self.index.views.shelf
            keys = {title_key(title) for title in titles}
            first = [int(shelf.rows[at]) for at in shelf.work_start]
            held = {one.rowid for one in self.ledger.clauses(first) if title_key(one.title) in keys}
            works = np.array([row in held for row in first], dtype=np.bool_)
            found = works[shelf.work] if len(works) else np.zeros(0, dtype=np.bool_)
            with self._lock:
                if len(self._masks) > 256:
                    self._masks.clear()
                self._masks[titles] = found
        return found


def open_search(ledger: Ledger, settings: Settings, progress: Progress | None = None) -> Search:
    """The search over `ledger`, its index in `settings.home` built or healed where need be."""
    embedder = load_embedder(settings.embedder, settings.weights)
    index = open_index(ledger, index_folder(settings), embedder, settings.chroma_url, progress)
    bundled = embedder is not None and not settings.embedder
    folder = settings.weights / "embedder"
    return Search(ledger, index, embedder, load_reranker(folder / "reranker.npz") if bundled
                  else None, weights=load_weights(folder / "alignment.npz") if bundled else None)


def rebuild_search(ledger: Ledger, settings: Settings, progress: Progress | None = None) -> Search:
    """Delete the index and build all of it from the ledger."""
    forget_index(index_folder(settings))
    return open_search(ledger, settings, progress)


def index_folder(settings: Settings) -> Path:
    """Where the index lies."""
    return settings.home / "index"
