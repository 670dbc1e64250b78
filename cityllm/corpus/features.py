"""A question against the whole corpus: BM25 and vectors, candidates, and what speaks for each.

The same features are what `finetune.reranker` learns from and what `Search` ranks by. None names an
instrument or a topic: they compare words, vectors, the texts around a clause, its level and size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityllm.corpus import asks as everyday
from cityllm.corpus.asks import Asks, ask, spread
from cityllm.corpus.embedding import Embedder, Vectors
from cityllm.corpus.lexical import Floats, Lexical
from cityllm.corpus.shelf import FACTS, Shelf
from cityllm.corpus.terms import terms

ADDED = 0.5
DEPTH = 400
"""Candidates are the best `DEPTH` of each ranking."""
_FAR = 2000
NAMES = ("bm25", "bm25_per_weight", "bm25_rank", "cosine", "cosine_gap", "cosine_rank",
         "feedback", "head", "share", "work_bm25", "work_cosine", "work_votes", "part_votes",
         "work_centre", "near_bm25", "near_cosine", "query_length", "local", *FACTS,
         *everyday.NAMES)


@dataclass(frozen=True)
class Views:
    """Everything that a search reads. `matrix` (N, dim) is None without an embedder; `centres`
    (W, dim) are the mean vectors of the instruments. `rough` (N, leading) holds the dimensions
    that matter most, where the embedder says which: they choose what is compared in full."""

    shelf: Shelf
    lexical: Lexical
    heads: Lexical
    asks: Asks
    matrix: Vectors | None
    centres: Vectors | None
    rough: Vectors | None = None


@dataclass(frozen=True)
class Candidates:
    """`places` (C,) on the shelf, `features` (C, len(NAMES)), `fused` (C,) the plain sum of the
    rankings, for use where there is no reranker."""

    places: NDArray[np.int64]
    features: Floats
    fused: Floats


def work_centres(shelf: Shelf, matrix: Vectors) -> Vectors:
    """(W, dim) unit mean vectors of the instruments."""
    if not len(shelf):
        return matrix
    found = np.add.reduceat(matrix, shelf.work_start, axis=0)
    return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9),
                      dtype=np.float32)


def query_vector(embedder: Embedder, query: str, added: str) -> Vectors:
    """(dim,) unit vector of the question, moved by the words added to it."""
    vector = embedder.encode_query(query)
    if added:
        vector = vector + ADDED * embedder.encode_query(added)
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), dtype=np.float32)


def gather(views: Views, query: str, vector: Vectors | None, mask: NDArray[np.bool_],
           added: str = "", region_named: bool = False, leave_out: bool = False) -> Candidates:
    """Candidates among the places where `mask` is true; none of them where nothing matches.

    `added` are words put to the query that the user did not say; they count `ADDED` times as much.
    With `leave_out` everyday questions equal to this one are passed over.
    """
    shelf = views.shelf
    words = terms(query)
    bm25, share = views.lexical.scores(words)
    if added:
        bm25 += ADDED * views.lexical.scores(terms(added))[0]
    bm25 *= mask
    cosine = _cosines(views, vector, mask)
    asks = views.asks
    more = ADDED * asks.lexical.scores(terms(added))[0] if added else None
    asked = ask(asks, shelf, words, more, vector, mask, leave_out)
    if not mask.any() or (bm25.max() <= 0 and cosine.max() <= 0 and not len(asked.places)):
        return Candidates(np.zeros(0, np.int64), np.zeros((0, len(NAMES)), np.float32),
                          np.zeros(0, np.float32))
    by_words, by_sense = _best(bm25, _FAR), _best(cosine, _FAR)
    top_words = max(float(bm25[by_words[:10]].mean()), 1e-6)
    top_sense = max(float(cosine[by_sense[:10]].mean()), 0.05)
    fused: Floats = (bm25 / top_words + np.maximum(cosine, 0) / top_sense).astype(np.float32)
    places = np.concatenate([by_words[:DEPTH], by_sense[:DEPTH]])
    places = np.union1d(places[mask[places] & (fused[places] > 0)], asked.places).astype(np.int64)
    of_asks, ask_fused = spread(asked, asks, shelf, places)
    near = np.union1d(by_words, by_sense)
    best = near[_best(fused[near], 100)]
    best = best[mask[best]]
    votes = (1 / np.log2(2 + np.arange(len(best)))).astype(np.float32)
    work_votes = np.bincount(shelf.work[best], votes, len(shelf.work_start))
    part_votes = np.bincount(shelf.part[best], votes, len(shelf.part_start))
    head, _ = views.heads.scores(words)
    weight = max(sum(views.lexical.weights(words).values()), 1e-6)
    work, part = shelf.work[places], shelf.part[places]
    feedback, centre = _by_feedback(views, vector, best[:8], places, work)
    columns = [
        bm25[places] / top_words, bm25[places] / weight, _ranks(by_words, len(shelf))[places],
        cosine[places], cosine[places] - top_sense, _ranks(by_sense, len(shelf))[places],
        feedback, head[part] / weight, share[places],
        np.maximum.reduceat(bm25, shelf.work_start)[work] / top_words,
        np.maximum.reduceat(cosine, shelf.work_start)[work] - top_sense,
        work_votes[work], part_votes[part], centre,
        _near(bm25, places, shelf) / top_words, _near(cosine, places, shelf) - top_sense,
        np.full(len(places), np.log1p(len(query))),
        shelf.local[places] & (not region_named)]
    features = np.concatenate([np.stack(columns, axis=1), shelf.facts[places], of_asks], axis=1)
    plain = fused[places] + ask_fused
    return Candidates(places, features.astype(np.float32), plain.astype(np.float32))


def _cosines(views: Views, vector: Vectors | None, mask: NDArray[np.bool_]) -> Floats:
    """(N,) cosines, exact for the likeliest `_FAR` places, -1 outside the mask."""
    if views.matrix is None or vector is None:
        return np.full(len(views.shelf), -1, dtype=np.float32)
    if views.rough is None:
        return np.where(mask, views.matrix @ vector, np.float32(-1))
    found = np.where(mask, views.rough @ vector[:views.rough.shape[1]], np.float32(-1))
    likely = _best(found, _FAR)
    likely = likely[mask[likely]]
    found[likely] = views.matrix[likely] @ vector
    return found


def _best(scores: Floats, count: int) -> NDArray[np.int64]:
    """Places of the `count` highest scores, best first; ties in reading order."""
    if len(scores) > count:
        found = np.sort(np.argpartition(scores, len(scores) - count)[-count:])
    else:
        found = np.arange(len(scores))
    return found[np.argsort(-scores[found], kind="stable")]


def _ranks(order: NDArray[np.int64], size: int) -> Floats:
    ranks = np.full(size, np.log1p(_FAR), dtype=np.float32)
    ranks[order] = np.log1p(np.arange(len(order)))
    return ranks


def _near(scores: Floats, places: NDArray[np.int64], shelf: Shelf) -> Floats:
    """Best score among the two clauses before and after, within the same text; never below 0."""
    found = np.zeros(len(places), dtype=np.float32)
    for step in (-2, -1, 1, 2):
        other = np.clip(places + step, 0, len(shelf) - 1)
        same = (shelf.work[other] == shelf.work[places]) & (other != places)
        found = np.maximum(found, np.where(same, scores[other], 0))
    return found


def _by_feedback(views: Views, vector: Vectors | None, best: NDArray[np.int64],
                 places: NDArray[np.int64], work: NDArray[np.int32]) -> tuple[Floats, Floats]:
    """Cosine with the question moved towards the clauses found first, and with the instrument."""
    if views.matrix is None or views.centres is None or vector is None:
        return np.zeros(len(places), np.float32), np.zeros(len(places), np.float32)
    mean = views.matrix[best].mean(axis=0)
    moved = vector + 0.5 * mean / max(float(np.linalg.norm(mean)), 1e-9)
    return views.matrix[places] @ moved, (views.centres @ vector)[work]
