"""Train the bundled embedder: one vector a term, mean over the terms, contrastive loss.

Three steps. The vectors begin as a truncated SVD of the term-article matrix (what terms occur
together). Then they learn from the corpus itself (sentence -> rest of its article, heading ->
article, article -> the next), from general instructions and from legal counsel. At last they learn
from statute questions and from the pack's everyday questions (asks), with hard negatives from BM25;
of the former fold 0 is left out, and what nearly equals it. An ask is drawn to its article and to
the article's other asks. Loss: multiple negatives ranking, other articles of the batch being the
negatives. The ledger should hold the laws and the pack. The result is a sentence-transformers
folder (StaticEmbedding, float16).

    python -m finetune.embedder --ledger var/ledger.sqlite --data ../shared/data --out DIR
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from cityllm.corpus.ledger import Ledger
from cityllm.corpus.lexical import Lexical
from cityllm.corpus.terms import sentences, terms
from finetune import retrieval_data as source

Ids = np.ndarray[Any, np.dtype[np.int32]]
LEADING = 96
Pair = tuple[Ids, Ids, Ids | None, int]
"""Question, what is right, what is wrong, and a number that pairs of one article share (or -1)."""


@dataclass(frozen=True)
class Recipe:
    """Sizes of one training. `scale` is the inverse temperature; lengths are in terms."""

    terms: int = 32_000
    dim: int = 256
    general_steps: int = 2500
    question_steps: int = 800
    batch: int = 512
    query_length: int = 160
    article_length: int = 280
    lr: float = 2e-3
    question_lr: float = 1.2e-3
    scale: float = 20.0
    drop: float = 0.1
    seed: int = 7


SMOKE = Recipe(terms=2000, dim=32, general_steps=20, question_steps=10, batch=64)


class Material:
    """Everything as term ids: articles by sentence, counsel, instructions, statute questions, asks.

    `vocabulary` is that of vectors trained before, which the words of the asks are added to;
    without it the most frequent terms are taken."""

    def __init__(self, ledger: Ledger, data: Path, day: date, recipe: Recipe,
                 vocabulary: Sequence[str] = ()) -> None:
        self.articles = source.articles(ledger, day)
        statute = source.statute_questions(ledger, data, day)
        self.held_out = [one for one in statute if source.fold(one.text) == source.HELD_OUT]
        hidden = [one.text for one in self.held_out]
        self.statute = source.without_near(
            [one for one in statute if source.fold(one.text) != source.HELD_OUT], hidden)
        self.asks = source.without_near(source.ask_questions(ledger), hidden)
        self.counsel = source.without_near(source.counsel_questions(ledger, data, day), hidden)
        self.place = {one.rowid: at for at, one in enumerate(self.articles)}
        general = source.instructions(data)
        counts: Counter[str] = Counter()
        for one in self.articles:
            counts.update(set(terms(f"{one.head}\n{' '.join(one.sentences)}")))
        for one in (*self.statute, *self.asks, *self.counsel):
            counts.update(dict.fromkeys(terms(f"{one.text}\n{one.answer}"), 3))
        for pair in general:
            counts.update(dict.fromkeys(terms("\n".join(pair)), 3))
        lay = Counter(term for one in self.asks for term in set(terms(one.text)))
        common = [term for term, _ in (lay if vocabulary else counts).most_common(recipe.terms)
                  if not vocabulary or lay[term] > 1]
        self.vocabulary = list(dict.fromkeys([*vocabulary, *common]))[:recipe.terms]
        self._index = {term: at for at, term in enumerate(self.vocabulary)}
        self.heads = [self.ids(one.head) for one in self.articles]
        self.bodies = [[self.ids(part) for part in one.sentences] for one in self.articles]
        self.general = [pair for pair in ((self.ids(a), self.ids(b)) for a, b in general)
                        if len(pair[0]) > 5 and len(pair[1]) > 8]

    def ids(self, text: str) -> Ids:
        """Term ids of `text`; terms outside the vocabulary are left out."""
        return np.array([self._index[t] for t in terms(text) if t in self._index], dtype=np.int32)

    def whole(self, at: int) -> Ids:
        """Heading and body of article `at`."""
        return np.concatenate([self.heads[at], *self.bodies[at]])

    def neighbour(self, at: int, step: int) -> int | None:
        """Article `step` further on in the same text."""
        other = at + step
        same = other < len(self.articles) and self.articles[other].instrument == self.articles[
            at].instrument
        return other if same else None


def beginning(material: Material, recipe: Recipe) -> np.ndarray[Any, Any]:
    """(terms, dim) vectors from a truncated SVD of the tf-idf matrix of all texts."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.utils.extmath import randomized_svd

    texts = [material.whole(at) for at in range(len(material.articles))]
    texts += [np.concatenate(pair) for pair in material.general]
    texts += [material.ids(f"{one.text}\n{one.answer}")
              for one in (*material.statute, *material.asks, *material.counsel)]
    size = len(material.vocabulary)
    weigh = TfidfVectorizer(analyzer=lambda ids: map(str, ids.tolist()), sublinear_tf=True,
                            vocabulary={str(at): at for at in range(size)}, dtype=np.float32)
    matrix = weigh.fit_transform(texts)
    idf = weigh.idf_.astype(np.float32)
    _, _, right = randomized_svd(matrix, min(recipe.dim, size - 1), n_iter=3,
                                 random_state=recipe.seed)
    vectors = np.zeros((size, recipe.dim), dtype=np.float32)
    vectors[:, :right.shape[0]] = right.T * idf[:, None]
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1).mean(), dtype=np.float32)


def general_pair(material: Material, chance: random.Random) -> Pair:
    """A pair from the corpus itself, from counsel (25 %) or from instructions (10 %)."""
    draw = chance.random()
    if draw < 0.25 and material.counsel:
        one = chance.choice(material.counsel)
        if one.rows and (not one.answer or chance.random() < 0.4):
            return material.ids(one.text), material.whole(
                material.place[chance.choice(one.rows)]), None, -1
        return material.ids(one.text), material.ids(one.answer[:500]), None, -1
    if draw < 0.35 and material.general:
        return (*chance.choice(material.general), None, -1)
    at = chance.randrange(len(material.articles))
    head, body = material.heads[at], material.bodies[at]
    draw = chance.random()
    other = material.neighbour(at, chance.choice((1, 1, 2)))
    if draw < 0.2 and other is not None:
        return np.concatenate([*body, head[:0]]), np.concatenate(
            [*material.bodies[other], head[:0]]), None, -1
    if draw < 0.4 or len(body) < 2:
        return head, np.concatenate([*body, head[:0]]), None, -1
    pick = chance.randrange(len(body))
    sentence, rest = body[pick], body[:pick] + body[pick + 1:]
    if chance.random() < 0.5 and len(sentence) > 24:
        start = chance.randrange(len(sentence) - 16)
        sentence = sentence[start:start + chance.randint(12, 40)]
    whole = np.concatenate([head if chance.random() < 0.6 else head[:0], *rest])
    return sentence, whole, None, -1


@dataclass(frozen=True)
class Drawn:
    """A question ready to be drawn: ids of it, places of what answers and of what does not, long
    sentences of the answer, the answer, and other questions with the same answer."""

    query: Ids
    right: list[int]
    wrong: list[int]
    parts: list[Ids]
    answer: Ids
    mates: list[Ids]


def prepared(material: Material, questions: Sequence[source.Question], pool: Sequence[int],
             best: slice) -> list[Drawn]:
    """`questions` with hard negatives: of the articles `pool` those that BM25 ranks in `best`."""
    words = [terms(f"{material.articles[at].head}\n{' '.join(material.articles[at].sentences)}")
             for at in pool]
    lexical = Lexical.build(words)
    del words
    mates: dict[tuple[int, ...], list[tuple[str, Ids]]] = {}
    for one in questions:
        mates.setdefault(one.rows, []).append((one.text, material.ids(one.text)))
    found = []
    for one in questions:
        scores, _ = lexical.scores(terms(one.text))
        order = np.argsort(-scores, kind="stable")[best]
        right = sorted({material.place[row] for row in one.rows})
        wrong = [at for at in (pool[int(at)] for at in order) if at not in right]
        parts = [ids for ids in map(material.ids, sentences(one.answer)) if len(ids) > 16]
        others = [ids for text, ids in mates[one.rows] if text != one.text and len(ids)]
        found.append(Drawn(material.ids(one.text), right, wrong, parts,
                           material.ids(one.answer[:400]), others))
    return found


def question_pairs(material: Material, wanted: Callable[[source.Question], bool]
                   ) -> Callable[[random.Random], Pair]:
    """A drawer of pairs: a third general, a fifth statute questions, the rest asks, of those
    `wanted`."""
    national = [at for at, one in enumerate(material.articles) if one.national]
    of_pack = sorted({material.place[row] for one in material.asks for row in one.rows})
    statute = prepared(material, [one for one in material.statute if wanted(one)], national,
                       slice(5, 60))
    asks = prepared(material, [one for one in material.asks if wanted(one)], of_pack,
                    slice(1, 40))

    def draw(chance: random.Random) -> Pair:
        share = chance.random()
        questions = statute if share < 0.55 or not asks else asks
        if share < 0.33 or not questions:
            return general_pair(material, chance)
        one = chance.choice(questions)
        article = material.whole(chance.choice(one.right))
        negative = material.whole(chance.choice(one.wrong)) if one.wrong else None
        kind, label = chance.random(), one.right[0]
        if one.mates and kind < 0.4:
            return one.query, chance.choice(one.mates), None, label
        if kind < 0.75 or not one.parts:
            return one.query, article, negative, label
        if kind < 0.9 and questions is statute:
            return chance.choice(one.parts), article, negative, label
        return one.query, one.answer, None, label

    return draw


def train(vectors: np.ndarray[Any, Any], draw: Callable[[random.Random], Pair], steps: int,
          lr: float, recipe: Recipe, say: Callable[[str], None]) -> np.ndarray[Any, Any]:
    """`vectors` after `steps` batches from `draw`; linear warm-up and decay, Adam."""
    import torch
    from torch.nn import functional as nn

    chance, dice = random.Random(recipe.seed), np.random.default_rng(recipe.seed)
    bag = torch.nn.EmbeddingBag.from_pretrained(torch.tensor(vectors), freeze=False, mode="mean")
    optimizer = torch.optim.Adam(bag.parameters(), lr=lr)

    def embed(texts: list[Ids]) -> torch.Tensor:
        starts = np.cumsum([0, *(len(one) for one in texts[:-1])])
        found = bag(torch.from_numpy(np.concatenate(texts)),
                    torch.from_numpy(starts.astype(np.int32)))
        return nn.normalize(found, dim=1)

    def thinned(ids: Ids, length: int) -> Ids:
        kept = ids[dice.random(len(ids)) > recipe.drop] if len(ids) > 6 else ids
        return (kept if len(kept) else ids)[:length]

    started = time.monotonic()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = lr * min(1.0, (step + 1) / 20) * max(0.02, 1 - step / steps)
        queries, right, wrong, labels = [], [], [], []
        while len(queries) < recipe.batch:
            query, article, negative, label = draw(chance)
            if len(query) and len(article):
                queries.append(thinned(query, recipe.query_length))
                right.append(thinned(article, recipe.article_length))
                labels.append(label)
                if negative is not None and len(negative):
                    wrong.append(negative[:recipe.article_length])
        scores = embed(queries) @ embed(right + wrong).T * recipe.scale
        own = torch.tensor(labels)
        twin = (own[:, None] == own) & (own >= 0) & ~torch.eye(len(own), dtype=torch.bool)
        scores[:, :len(own)] = scores[:, :len(own)].masked_fill(twin, -torch.inf)
        loss = nn.cross_entropy(scores, torch.arange(len(queries)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 99 or step == steps - 1:
            say(f"step {step + 1}/{steps}  loss {loss.item():.3f}  "
                f"{time.monotonic() - started:.0f} s")
    return np.asarray(bag.weight.detach().numpy())


def grown(vectors: np.ndarray[Any, Any], vocabulary: Sequence[str]) -> np.ndarray[Any, Any]:
    """`vectors` of the first terms of `vocabulary` with new ones for the rest: a new pair of
    characters begins half way between the two."""
    place = {term: at for at, term in enumerate(vocabulary[:len(vectors)])}
    new = np.zeros((len(vocabulary) - len(vectors), vectors.shape[1]), dtype=np.float32)
    for at, term in enumerate(vocabulary[len(vectors):]):
        held = [vectors[place[letter]] for letter in term if letter in place]
        if held:
            new[at] = np.mean(held, axis=0)
    return np.concatenate([vectors, new])


def turned(vectors: np.ndarray[Any, Any], material: Material) -> np.ndarray[Any, Any]:
    """`vectors` rotated so that the articles' first dimensions tell most: cosines stay the same,
    and search may compare the first `LEADING` before the rest."""
    means = np.stack([vectors[ids].mean(axis=0) for at in range(0, len(material.articles), 5)
                      if len(ids := material.whole(at))])
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
    _, axes = np.linalg.eigh(means.T @ means)
    return np.asarray(vectors @ axes[:, ::-1], dtype=np.float32)


def export(vectors: np.ndarray[Any, Any], vocabulary: Sequence[str], folder: Path,
           facts: dict[str, Any]) -> None:
    """Write a sentence-transformers folder; the last row is the unknown term, all zeros."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers

    table = {term: at for at, term in enumerate(vocabulary)} | {"[UNK]": len(vocabulary)}
    tokenizer = Tokenizer(models.WordLevel(table, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    weights = np.vstack([vectors, np.zeros((1, vectors.shape[1]), dtype=np.float32)])
    model = SentenceTransformer(
        modules=[StaticEmbedding(tokenizer, embedding_weights=weights.astype(np.float32)),
                 Normalize()], device="cpu")
    folder.mkdir(parents=True, exist_ok=True)
    model.half().save(str(folder), create_model_card=False)
    (folder / "cityllm.json").write_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n",
                                         encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    """Train and export; the general stage is kept in --out and not done twice."""
    parser = argparse.ArgumentParser(prog="python -m finetune.embedder", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--status", type=Path, default=Path("rag_corpus/status.yaml"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--day", type=date.fromisoformat, default=date(2025, 4, 30),
                        help="articles in force on this day are learnt from")
    parser.add_argument("--smoke", action="store_true", help="seconds instead of minutes")
    parser.add_argument("--halves", action="store_true",
                        help="also train one embedder on each half of the questions, for the "
                             "reranker, which must not learn from scores of questions seen")
    options = parser.parse_args(argv)
    recipe = SMOKE if options.smoke else Recipe()
    options.out.mkdir(parents=True, exist_ok=True)
    stage = options.out / "general.npz"
    vectors, known = None, ()
    if stage.exists():
        with np.load(stage) as kept:
            vectors, known = kept["vectors"], kept["terms"].tolist()
    with Ledger.open(options.ledger, options.status) as ledger:
        material = Material(ledger, options.data, options.day, recipe, known)
    print(f"articles {len(material.articles)}  statute questions {len(material.statute)} (held out "
          f"{len(material.held_out)})  asks {len(material.asks)}  counsel {len(material.counsel)}",
          flush=True)

    def say(line: str) -> None:
        print(line, flush=True)

    if vectors is not None:
        vectors = grown(vectors, material.vocabulary)
    else:
        vectors = beginning(material, recipe)
        vectors = train(vectors, lambda chance: general_pair(material, chance),
                        recipe.general_steps, recipe.lr, recipe, say)
        np.savez(stage, vectors=vectors, terms=np.array(material.vocabulary))
    jobs = {"embedder": lambda one: True}
    if options.halves:
        jobs |= {"half0": lambda one: source.fold(one.text) % 2 == 0,
                 "half1": lambda one: source.fold(one.text) % 2 == 1}
    for name, wanted in jobs.items():
        questions = [one for one in (*material.statute, *material.asks) if wanted(one)]
        say(f"{name}: {len(questions)} questions")
        tuned = train(vectors, question_pairs(material, wanted), recipe.question_steps,
                      recipe.question_lr, recipe, say)
        export(turned(tuned, material), material.vocabulary, options.out / name, {
            "reads": "terms", "leading": min(LEADING, recipe.dim), "recipe": asdict(recipe),
            "held_out_fold": source.HELD_OUT,
            "trained_on": sorted(source.fingerprint(one.text) for one in questions)})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
