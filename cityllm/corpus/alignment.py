"""Word by word: how well each word of a question finds its like in an article and in its asks.

The second step of ranking, over the few best candidates of the first. Each position of a text is a
vector: that of its character and of the two pairs of characters around it, from the bundled
embedder. A question's position looks for the nearest one in the other text (late interaction, as in
ColBERT); the mean over its positions, rare ones weighing more, is the likeness. Mean vectors of
whole texts lose what this keeps: 截标最短留几天 finds 到交标书最短留几天 and 最短二十日. It reads no
order beyond pairs, so it does not see who does what to whom.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cityllm.corpus.asks import Asks, questions
from cityllm.corpus.embedding import BundledEmbedder
from cityllm.corpus.features import Views
from cityllm.corpus.ledger import Clause, Ledger
from cityllm.corpus.lexical import Floats
from cityllm.errors import ModelUnavailable

NAMES = ("text", "ask", "asked", "likest", "second", "has_asks", "penalty", "period", "sum")
ASKS = 6
"""The first so many of `NAMES` are likenesses, the others say whether what is asked for is there: 1
it is, -1 it is not, 0 nothing of the kind is asked for."""
DEPTH = 24
"""So many candidates of the first step are looked at."""
QUERY, ASK, TEXT = 96, 64, 300
"""Positions read of a question, an ask, an article."""
OWN, AROUND = 0.3, 0.35
"""What the rarity of a character and of each pair around it weighs."""
_RUNS = re.compile(r"[\u3400-\u9fff]+|[a-z]+|\d+(?:\.\d+)?")
_SAME = 0.999
_FIGURE = r"[\d零一二三四五六七八九十百千两半]"
_WANTED = (
    (re.compile(r"罚|处理|后果|什么责任|追究|\b(?:fine[ds]?|penalt|punish|sanction)"),
     re.compile(r"罚款|处罚|吊销|拘留|警告|没收|处分|刑事责任")),
    (re.compile(r"多久|多长时间|[几多][少]?(?:个)?(?:天|日|年|月|小时|分钟|工作日)|期限|时限|什么时候|何时|来得及"
                r"|how (?:long|soon|many (?:working )?(?:days|months|years|hours))|deadline"),
     re.compile(_FIGURE + r"+(?:个)?(?:工作)?(?:日|天|年|月|小时|分钟)|期限|及时|立即")),
    (re.compile(r"多少钱|多少元|几个点|几成|几倍|多少倍|比例|百分|封顶|保底|费率|税率|how much|per ?cent|rate\b"),
     re.compile(r"元|%|％|倍|百分之|分之|成本|免费|不收|免")),
)
"""What is asked for, and what an article that tells it holds: penalties, periods, sums."""
Ids = NDArray[np.int32]


@dataclass(frozen=True)
class Weights:
    """What the first score and each of `NAMES` count; `slope`, `offset` turn the sum into a
    probability that the article answers. Fitted by `finetune.alignment`."""

    first: float
    each: Floats
    slope: float
    offset: float

    def save(self, path: Path) -> None:
        """Write as npz, the names of the likenesses with it."""
        np.savez(path, allow_pickle=False, names=np.array(NAMES), each=self.each,
                 first=self.first, slope=self.slope, offset=self.offset)

    def probability(self, scores: Floats) -> Floats:
        """Sums as numbers in 0..1."""
        return np.asarray(1 / (1 + np.exp(-(self.slope * scores + self.offset))), dtype=np.float32)


def load_weights(path: Path) -> Weights | None:
    """The weights at `path`, None where there are none. Raises ModelUnavailable where the file is
    damaged or of other likenesses."""
    if not path.exists():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            if found["names"].tolist() != list(NAMES):
                raise ValueError("it weighs other likenesses")
            return Weights(float(found["first"]), found["each"].astype(np.float32),
                           float(found["slope"]), float(found["offset"]))
    except Exception as problem:
        raise ModelUnavailable(
            f"重排权重 {path} 读不了：{problem}。请从仓库恢复，或用 finetune.alignment 重新拟合。",
            f"The ranking weights {path} cannot be read: {problem}. Restore them from the "
            "repository, or fit them again with finetune.alignment.") from None


@dataclass(frozen=True)
class Positions:
    """A text as `ids` (n, 3), rows of the embedder's table, and how rare each position is (n,)."""

    ids: Ids
    rarity: Floats


@dataclass
class Aligner:
    """Compares a question with articles and their asks. `words` are the asks in their order.

    What was read is kept, so a question costs a few milliseconds. Safe to use from several
    threads. With `leave_out` an ask that equals the question does not count.
    """

    embedder: BundledEmbedder
    asks: Asks
    words: Sequence[str]
    leave_out: bool = False
    _asks: dict[int, Positions] = field(default_factory=dict)
    _texts: dict[int, Positions] = field(default_factory=dict)

    def likeness(self, query: str, places: Sequence[int], clauses: Sequence[Clause | None]
                 ) -> Floats:
        """(C, len(NAMES)) of the articles at `places`, whose `clauses` are given; all zeros where
        the clause is None or the question has no word that the embedder knows."""
        found = np.zeros((len(places), len(NAMES)), dtype=np.float32)
        own = self.read(query, QUERY)
        held = [at for at, clause in enumerate(clauses) if clause is not None]
        if not len(own.ids) or not held:
            return found
        texts = [self._text(clause) for clause in clauses if clause is not None]
        numbers = [self._numbers(int(self.asks.article[places[at]])) for at in held]
        asks = [self._ask(number) for group in numbers for number in group]
        there, back = self._compare(own, [*texts, *asks])
        found[held, 0] = there[:len(texts)]
        there, back = there[len(texts):], back[len(texts):]
        kept = ~(np.minimum(there, back) > _SAME) if self.leave_out else there > -1
        ends = np.cumsum([0, *(len(group) for group in numbers)])
        for at, first, last in zip(held, ends[:-1], ends[1:], strict=True):
            mine = np.flatnonzero(kept[first:last]) + first
            if len(mine):
                both = np.sort(there[mine] + back[mine])[::-1]
                found[at, 1:ASKS] = (there[mine].max(), back[mine].max(), both[0], both[:2][-1], 1)
        wanted = [held if asked.search(query.lower()) else None for asked, held in _WANTED]
        for at, clause in enumerate(clauses):
            if clause is not None:
                found[at, ASKS:] = [0 if held is None else 1 if held.search(clause.text) else -1
                                    for held in wanted]
        return found

    def _compare(self, own: Positions, others: Sequence[Positions]) -> tuple[Floats, Floats]:
        """(O,) likeness of the question to each of `others`, and of each to the question; 0 where
        nothing of the other is known. All are compared in one product."""
        there, back = np.zeros(len(others), np.float32), np.zeros(len(others), np.float32)
        some = [at for at, one in enumerate(others) if len(one.ids)]
        if not some:
            return there, back
        starts = np.cumsum([0, *(len(others[at].ids) for at in some[:-1])])
        cosines = self.vectors(own.ids) @ self.vectors(
            np.concatenate([others[at].ids for at in some])).T
        rarity = np.concatenate([others[at].rarity for at in some])
        best = np.maximum.reduceat(cosines, starts, axis=1)
        there[some] = own.rarity @ best / own.rarity.sum()
        back[some] = (np.add.reduceat(cosines.max(axis=0) * rarity, starts)
                      / np.add.reduceat(rarity, starts))
        return there, back

    def _numbers(self, article: int) -> range:
        """Numbers of the asks of an article, -1 meaning none."""
        if article < 0:
            return range(0)
        first, last = np.searchsorted(self.asks.group, [article, article + 1])
        return range(int(first), int(last))

    def read(self, text: str, longest: int) -> Positions:
        """The positions of `text` that the embedder knows, at most `longest` of them."""
        table = self.embedder.table
        none = len(self.embedder.weights) - 1
        found: list[tuple[str, str, str]] = []
        for run in _RUNS.findall(unicodedata.normalize("NFKC", text).lower()):
            if run[0] < "\u3400" or len(run) == 1:
                found.append((run, "", ""))
            else:
                found += [(run[at], run[at - 1:at + 1] if at else "", run[at:at + 2])
                          for at in range(len(run))]
        found = [one for one in found if any(term in table for term in one)][:longest]
        rare = self.asks.lexical.weights([term for one in found for term in one if term in table])
        ids = np.array([[table.get(term, none) for term in one] for one in found],
                       dtype=np.int32).reshape(-1, 3)
        rarity = np.array([OWN * rare.get(a, 0.0) + AROUND * (rare.get(b, 0.0) + rare.get(c, 0.0))
                           for a, b, c in found], dtype=np.float32)
        return Positions(ids, rarity + 1e-3)

    def vectors(self, ids: Ids) -> Floats:
        """(n, dim) unit vectors of positions (n, 3)."""
        table = self.embedder.weights
        found = table[ids[:, 0]] + table[ids[:, 1]] + table[ids[:, 2]]
        length = np.sqrt(np.einsum("nd,nd->n", found, found))
        return np.asarray(found / np.maximum(length, 1e-6)[:, None], dtype=np.float32)

    def _ask(self, number: int) -> Positions:
        found = self._asks.get(number)
        if found is None:
            found = self._asks[number] = self.read(self.words[number], ASK)
        return found

    def _text(self, clause: Clause) -> Positions:
        found = self._texts.get(clause.rowid)
        if found is None:
            words = f"{clause.title}，{clause.heading}。{clause.text}"
            if len(self._texts) > 20_000:
                self._texts.clear()
            found = self._texts[clause.rowid] = self.read(words, TEXT)
        return found


def open_aligner(ledger: Ledger, views: Views, embedder: object, leave_out: bool = False
                 ) -> Aligner | None:
    """The aligner over the asks of the ledger; None for an embedder that has no table of terms."""
    if not isinstance(embedder, BundledEmbedder):
        return None
    return Aligner(embedder, views.asks, questions(ledger), leave_out)
