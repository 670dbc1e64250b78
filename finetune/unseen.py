"""Search as it will be for questions that it has not seen, for questions that it has.

The pack's everyday questions (asks) are what the embedder learns from and what search compares
with. To gather training data with them each is asked of a search whose embedder was trained on the
other half, and that passes over asks equal to it. See `finetune.embedder --halves`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np

from cityllm.corpus.asks import questions, with_vectors
from cityllm.corpus.embedding import Embedder, load_bundled
from cityllm.corpus.features import Views, work_centres
from cityllm.corpus.held_out import fold
from cityllm.corpus.index import Index, open_index
from cityllm.corpus.ledger import Ledger
from cityllm.corpus.lexical import Lexical
from cityllm.corpus.reranker import Reranker, load_reranker
from cityllm.corpus.search import Hit, Search
from cityllm.corpus.terms import terms


@dataclass(frozen=True)
class Unseen:
    """Two searches, the first with the embedder that learnt from questions of even folds, the
    second of odd ones. Has the `search` and the `ledger` of `Search`; `known` are the asks."""

    searches: tuple[Search, Search]
    known: tuple[str, ...]
    words: Lexical

    @property
    def ledger(self) -> Ledger:
        """The ledger of both."""
        return self.searches[0].ledger

    def of(self, query: str) -> Search:
        """The search that has not learnt from `query`, nor from the ask that it varies."""
        found = terms(query)
        scores, share = self.words.scores(found) if found else (np.zeros(0), np.zeros(0))
        near = query
        if len(scores) and share[at := int(np.argmax(scores))] > 0.6:
            near = self.known[at]
        return self.searches[1 - fold(near) % 2]

    def search(self, query: str, as_of: date, limit: int = 8, *, title: str | None = None,
               region: str | None = None, kinds: Sequence[str] | None = None) -> list[Hit]:
        """See `Search.search`."""
        return self.of(query).search(query, as_of, limit, title=title, region=region, kinds=kinds)


def halves(ledger: Ledger, folder: Path, embedders: Sequence[Path],
           reranker: Path | None = None) -> Unseen:
    """The searches over `ledger` with the two half embedders; the index is kept in `folder`."""
    index = open_index(ledger, folder, None)
    ranks: Reranker | None = load_reranker(reranker) if reranker else None
    made = []
    for one in embedders:
        embedder = load_bundled(one)
        views = seen_by(index.views, ledger, embedder)
        made.append(Search(ledger, Index(views, index.snapshot, ""), embedder, ranks, True))
    first, second = made
    known = tuple(questions(ledger))
    return Unseen((first, second), known, Lexical.build(terms(one) for one in known))


def seen_by(views: Views, ledger: Ledger, embedder: Embedder) -> Views:
    """`views` with all vectors by `embedder`, in memory only."""
    place = {row: at for at, row in enumerate(views.shelf.rows.tolist())}
    texts = [""] * len(views.shelf)
    for row, text in ledger.rows():
        texts[place[row]] = text
    matrix = embedder.encode(texts)
    asks = with_vectors(views.asks, questions(ledger), embedder.name, embedder.encode)
    few = 0 < embedder.leading < embedder.dim
    rough = np.ascontiguousarray(matrix[:, :embedder.leading]) if few else None
    return replace(views, asks=asks, matrix=matrix, rough=rough,
                   centres=work_centres(views.shelf, matrix))


def with_few_asks(unseen: Unseen, every: int = 0) -> Unseen:
    """The same as if only each `every`-th article had asks, by default none."""
    first, second = (Search(one.ledger, replace(one.index, views=_few(one.index.views, every)),
                            one.embedder, one.reranker, True) for one in unseen.searches)
    return replace(unseen, searches=(first, second))


def _few(views: Views, every: int) -> Views:
    asks = views.asks
    kept = asks.of % every == 0 if every else np.zeros(len(asks.of), dtype=np.bool_)
    article = np.full_like(asks.article, -1)
    article[asks.place[kept]] = asks.of[kept]
    return replace(views, asks=replace(asks, place=asks.place[kept], of=asks.of[kept],
                                       article=article))
