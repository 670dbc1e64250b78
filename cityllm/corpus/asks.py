"""Everyday questions of the articles: a second way from a question to the article that answers.

The pack holds `asks`, questions that an article answers. A new question is compared with all M of
them by BM25 and by vectors, and what that says is gathered for the G articles that have asks. The
places of an article are its digest and, where the full text of that version is held, its verbatim
clause: both are reached, the as-of mask lets one through.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cityllm.corpus.embedding import Vectors
from cityllm.corpus.ledger import Ledger
from cityllm.corpus.lexical import Floats, Lexical
from cityllm.corpus.shelf import Shelf

NAMES = ("ask_likeness", "ask_share", "ask_cover", "ask_bm25", "ask_cosine", "ask_second",
         "ask_mean", "ask_gap", "ask_rank", "ask_votes", "ask_work_votes", "ask_held")
"""No feature may tell how many asks an article has: those left out in training would show."""
NEAREST = 100
"""Articles of so many asks nearest to a question become candidates."""
_FAR = np.log1p(2000)
_VOTERS = 30


@dataclass(frozen=True)
class Asks:
    """`group` (M,) article of each ask, ascending; `starts` (G,) its first ask; `weight` (M,) idf
    of its terms together. `place`, `of` (P,): places on the shelf and the article that each is;
    `article` (N,) the same for every place, -1 for none. `matrix` (M, dim) None without embedder.
    """

    lexical: Lexical
    group: NDArray[np.int64]
    starts: NDArray[np.int64]
    weight: Floats
    place: NDArray[np.int64]
    of: NDArray[np.int64]
    article: NDArray[np.int64]
    matrix: Vectors | None = None

    def __len__(self) -> int:
        return len(self.group)


@dataclass(frozen=True)
class Asked:
    """What the asks say of a question: `features` (G, len(NAMES)) and the sum of both likenesses
    `fused` (G,) of each article, `places` proposed, and votes (W,) for whole instruments."""

    features: Floats
    fused: Floats
    places: NDArray[np.int64]
    work_votes: Floats


def questions(ledger: Ledger) -> list[str]:
    """All asks, in the order of their articles."""
    return [one for _, asked in ledger.asks() for one in asked]


def open_asks(ledger: Ledger, shelf: Shelf, lexical: Lexical) -> Asks:
    """The asks of the ledger; `lexical` is built over `questions`. Raises ValueError where it is
    of other questions."""
    place = {row: at for at, row in enumerate(shelf.rows.tolist())}
    asked = ledger.asks()
    group = np.repeat(np.arange(len(asked)), [len(found) for _, found in asked]).astype(np.int64)
    if lexical.size != len(group):
        raise ValueError("the asks of the index are not those of the ledger")
    pairs = [(place[row], at) for at, (rows, _) in enumerate(asked) for row in rows if row in place]
    places = np.array([one for one, _ in pairs], dtype=np.int64)
    of = np.array([at for _, at in pairs], dtype=np.int64)
    article = np.full(len(shelf), -1, dtype=np.int64)
    article[places] = of
    return Asks(lexical, group, np.flatnonzero(np.diff(group, prepend=-1)).astype(np.int64),
                lexical.totals(), places, of, article)


def with_vectors(asks: Asks, texts: Sequence[str], name: str,
                 encode: Callable[[Sequence[str]], Vectors], kept: Path | None = None) -> Asks:
    """`asks` with the vectors of `texts` by the embedder `name`. Those in the file `kept` are not
    made again; a file that is damaged or of another embedder counts as empty."""
    known: dict[str, Vectors] = {}
    if kept is not None:
        try:
            with kept.open("rb") as file, np.load(file, allow_pickle=False) as found:
                if str(found["embedder"]) == name:
                    known = dict(zip(found["marks"].tolist(), found["matrix"], strict=True))
        except Exception:  # a cache: whatever is wrong with it, the texts are here
            known = {}
    marks = [hashlib.sha256(one.encode()).hexdigest()[:24] for one in texts]
    new = {mark: text for mark, text in zip(marks, texts, strict=True) if mark not in known}
    if new:
        known |= dict(zip(new, encode(list(new.values())), strict=True))
    matrix = np.stack([known[mark] for mark in marks]) if marks else np.zeros((0, 1), np.float32)
    if kept is not None and (new or len(known) > len(set(marks))):
        np.savez(kept, allow_pickle=False, embedder=np.array(name), marks=np.array(marks),
                 matrix=matrix)
    return replace(asks, matrix=np.asarray(matrix, dtype=np.float32))


def ask(asks: Asks, shelf: Shelf, query: Sequence[str], added: Floats | None,
        vector: Vectors | None, mask: NDArray[np.bool_], leave_out: bool) -> Asked:
    """Compare the terms `query` and its `vector` with all asks of articles in `mask`.

    `added` (M,) are scores of words that the user did not say. With `leave_out` asks that equal
    the question, or nearly, are passed over: for training on questions that are asks themselves.
    """
    size, works = len(asks.starts), len(shelf.work_start)
    held = np.zeros(size, dtype=np.bool_)
    held[asks.of[mask[asks.place]]] = True
    bm25, share = asks.lexical.scores(query)
    known = asks.lexical.weights(query)
    whole = max(sum(known.values()) + asks.lexical.top * (len(set(query)) - len(known)), 1e-6)
    shared = share * sum(known.values())
    alive = held[asks.group]
    if leave_out:
        alive &= ~((shared > 0.8 * asks.weight) & (shared > 0.5 * whole))
    if not alive.any():
        return Asked(_blank(size), np.zeros(size, np.float32), np.zeros(0, np.int64),
                     np.zeros(works, np.float32))
    if added is not None:
        bm25 = bm25 + added
    bm25, shared = bm25 * alive, shared * alive
    cosine: Floats = np.zeros(len(asks), np.float32)
    if asks.matrix is not None and vector is not None:
        cosine = np.where(alive, asks.matrix @ vector, np.float32(0))
    top_words = max(float(_highest(bm25, 5).mean()), 1e-6)
    top_sense = max(float(_highest(cosine, 5).mean()), 0.05)
    fused: Floats = (bm25 / top_words + np.maximum(cosine, 0) / top_sense).astype(np.float32)
    order = np.flatnonzero(fused >= _highest(fused, NEAREST).min())
    order = order[np.argsort(-fused[order], kind="stable")][:NEAREST]
    order = order[alive[order]]
    votes = (1 / np.log2(2 + np.arange(min(_VOTERS, len(order))))).astype(np.float32)
    voters = asks.group[order[:len(votes)]]
    work_votes = np.zeros(works, np.float32)
    mine = mask[asks.place]
    work = np.zeros(size, np.int64)
    work[asks.of[mine]] = shelf.work[asks.place[mine]]
    np.add.at(work_votes, work[voters], votes)
    whole_group = np.maximum.reduceat(fused, asks.starts)
    rank = np.empty(size, np.float32)
    rank[np.argsort(-whole_group, kind="stable")] = np.log1p(np.arange(size))
    count = np.add.reduceat(alive.astype(np.float32), asks.starts)
    likeness = shared / np.maximum(whole + asks.weight - shared, 1e-6)
    best, second = _best_two(cosine, asks)
    columns = [np.maximum.reduceat(likeness, asks.starts),
               np.maximum.reduceat(shared, asks.starts) / whole,
               asks.lexical.cover(query, asks.group, size, alive) / whole,
               np.maximum.reduceat(bm25, asks.starts) / top_words, best, second,
               np.add.reduceat(cosine, asks.starts) / np.maximum(count, 1), best - top_sense, rank,
               np.bincount(voters, votes, size), work_votes[work], held]
    features = np.stack(columns, axis=1).astype(np.float32)
    chosen = np.zeros(size, dtype=np.bool_)
    chosen[asks.group[order]] = True
    places = asks.place[chosen[asks.of] & mine]
    return Asked(features, whole_group.astype(np.float32), places, work_votes)


def spread(asked: Asked, asks: Asks, shelf: Shelf, places: NDArray[np.int64]
           ) -> tuple[Floats, Floats]:
    """Features (C, len(NAMES)) and fused (C,) at `places`; an article without asks has none but
    the votes for its instrument."""
    features = _blank(len(places))
    features[:, NAMES.index("ask_work_votes")] = asked.work_votes[shelf.work[places]]
    fused = np.zeros(len(places), dtype=np.float32)
    article = asks.article[places]
    has = article >= 0
    features[has] = asked.features[article[has]]
    fused[has] = asked.fused[article[has]]
    return features, fused


def _blank(size: int) -> Floats:
    """(size, len(NAMES)) features where no ask speaks."""
    found = np.zeros((size, len(NAMES)), dtype=np.float32)
    found[:, NAMES.index("ask_rank")] = _FAR
    return found


def _best_two(values: Floats, asks: Asks) -> tuple[Floats, Floats]:
    """(G,) the highest value of each article and the highest below it, 0 where there is none."""
    best = np.maximum.reduceat(values, asks.starts)
    below = np.where(values < best[asks.group], values, np.float32(0))
    return best, np.maximum.reduceat(below, asks.starts)


def _highest(values: Floats, count: int) -> Floats:
    """The `count` highest values in any order; all where there are fewer."""
    return np.partition(values, len(values) - count)[-count:] if len(values) > count else values
