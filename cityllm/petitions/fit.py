"""Fitting the linear scores: one head after another, with scikit-learn's linear SVM.

`levels` fits the tree: level 1 over all rows, levels 2 and 3 within each class of level 1.
`flags` fits a head over all rows. Weights that matter little are dropped, `keep` for a column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix, hstack

from cityllm.petitions.features import DIMS, distinct, grams
from cityllm.petitions.linear import Features, Floats, Terms, Weights

STRENGTH = 0.3
"""scikit-learn's C."""
TRUST = {"life": 0.0}
KEEP = {"1": 30000, "2": 1000, "3": 350, "kind": 16000, "jurisdiction": 12000, "risk": 60000}


@dataclass(frozen=True)
class Head:
    """Weights of one head: `table` (DIMS, K) sparse, `dense` (d, K), `bias` (K,)."""

    labels: tuple[str, ...]
    table: csc_matrix
    dense: Floats
    bias: Floats


def rarity(texts: Sequence[str], *, words: bool = False) -> Floats:
    """(DIMS,) how much a gram counts; an unseen one as much as the rarest."""
    rows = distinct(grams(texts, words=words))
    seen = np.bincount(rows.bucket, minlength=DIMS)
    return np.asarray(np.log((1 + len(texts)) / (1 + seen)) + 1, dtype=np.float32)


def head(found: Features, labels: Sequence[str], keep: int, strength: float = STRENGTH,
         known: Sequence[str] | None = None, trust: float = 1.0) -> Head:
    """One-against-rest over `labels`, classes balanced. `known`: the labels in the order wanted;
    one without rows gets a bias that it can never win by. `trust` below 1 makes the term vectors
    count less beside the grams."""
    from sklearn.svm import LinearSVC

    names = tuple(known if known is not None else sorted(set(labels)))
    width = found.e.shape[1]
    table = np.zeros((0, len(names)), np.float32)
    dense = np.zeros((width, len(names)), np.float32)
    bias = np.full(len(names), -2.0, np.float32)
    here = sorted(set(labels))
    if len(here) < 2:
        bias[[names.index(one) for one in here]] = 1.0
        return Head(names, csc_matrix((DIMS, len(names)), dtype=np.float32), dense, bias)
    used = np.unique(found.x.indices)
    joined = csr_matrix(hstack([found.x[:, used], csr_matrix(found.e * np.float32(trust))]))
    model = LinearSVC(C=strength, class_weight="balanced", random_state=0).fit(joined, list(labels))
    coef = np.asarray(model.coef_, dtype=np.float32)
    cut = np.asarray(model.intercept_, dtype=np.float32)
    if len(here) == 2:
        coef, cut = np.vstack([-coef, coef]), np.hstack([-cut, cut])
    table = np.zeros((len(used), len(names)), np.float32)
    for row, name in enumerate(here):
        at = names.index(name)
        weights = coef[row, :len(used)]
        if len(weights) > keep:
            least = np.partition(np.abs(weights), len(weights) - keep)[len(weights) - keep]
            weights = np.where(np.abs(weights) >= least, weights, 0)
        table[:, at], bias[at] = weights, cut[row]
        dense[:, at] = coef[row, len(used):] * np.float32(trust)
    return Head(names, _spread(table, used), dense, bias)


def _spread(table: Floats, used: NDArray[np.int32]) -> csc_matrix:
    small = csc_matrix(table)
    return csc_matrix((small.data, used[small.indices], small.indptr),
                      shape=(DIMS, table.shape[1]))


def join(heads: Sequence[Head]) -> Head:
    """Columns one after another."""
    return Head(tuple(name for one in heads for name in one.labels),
                csc_matrix(hstack([one.table for one in heads])),
                np.hstack([one.dense for one in heads]), np.hstack([one.bias for one in heads]))


def levels(found: Features, codes: Sequence[str], tree: dict[str, tuple[str, ...]],
           ) -> dict[str, Head]:
    """Heads `1`, `2`, `3` for those levels that `codes` reach. `tree`: level -> all its codes."""
    tops = [code[:2] for code in codes]
    made = {"1": head(found, tops, KEEP["1"], known=tree["1"])}
    for level in ("2", "3"):
        size = 2 * int(level)
        if min(len(code) for code in codes) < size:
            break
        parts = []
        for top in tree["1"]:
            rows = np.array([at for at, code in enumerate(tops) if code == top], dtype=np.int64)
            known = tuple(code for code in tree[level] if code.startswith(top))
            parts.append(head(found[rows], [codes[at][:size] for at in rows], KEEP[level],
                              known=known) if len(rows) else _nothing(known, found.e.shape[1]))
        made[level] = join(parts)
    return made


def _nothing(known: tuple[str, ...], width: int) -> Head:
    return Head(known, csc_matrix((DIMS, len(known)), dtype=np.float32),
                np.zeros((width, len(known)), np.float32), np.zeros(len(known), np.float32))


def risks(found: Features, said: Sequence[tuple[str, ...]], names: tuple[str, ...]) -> Head:
    """One yes-or-no column a risk. Danger to life is told by words more than by what a text is
    about: there the term vectors do not count."""
    parts = []
    for name in names:
        both = head(found, ["yes" if name in one else "no" for one in said], KEEP["risk"],
                    known=("no", "yes"), trust=TRUST.get(name, 1.0))
        parts.append(Head((name,), both.table[:, 1:], both.dense[:, 1:], both.bias[1:]))
    return join(parts)


def assemble(idf: Floats, terms: Terms, heads: dict[str, Head], *, words: bool = False,
             facts: dict[str, str] | None = None) -> Weights:
    """One `Weights` of several heads, in their order."""
    whole = join(list(heads.values()))
    return Weights(idf, terms, csr_matrix(whole.table), whole.dense, whole.bias,
                   {name: one.labels for name, one in heads.items()}, words, facts or {})


def compact(terms: Terms, texts: Sequence[str], dims: int) -> Terms:
    """The same terms in `dims` dimensions: those along which `texts` differ most."""
    means = terms.means(grams(texts))
    _, _, turn = np.linalg.svd(means - means.mean(axis=0), full_matrices=False)
    return Terms(terms.codes, np.asarray(terms.vectors @ turn[:dims].T, dtype=np.float32))
