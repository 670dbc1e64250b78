"""What the embedder and the reranker learn from: the ledger and the folders marked *train*.

Statute questions are split into five folds by a hash of the question. Fold 0 is never trained on:
`evals retrieval` reports on it. A training question that nearly equals a held-out one goes too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from cityllm.corpus.citations import clause_of
from cityllm.corpus.digests import read_digest
from cityllm.corpus.held_out import HELD_OUT, fingerprint, fold
from cityllm.corpus.ledger import Ledger
from cityllm.corpus.terms import sentences, terms
from cityllm.errors import CityLLMError
from finetune.sources import counsel

__all__ = ["HELD_OUT", "Article", "Question", "articles", "ask_questions", "counsel_questions",
           "fingerprint", "fold", "instructions", "pack_asks", "row_of", "statute_questions",
           "strangers", "without_near"]


@dataclass(frozen=True)
class Question:
    """A question, the row ids of the articles that answer it, an answer in prose or ""."""

    text: str
    rows: tuple[int, ...]
    answer: str = ""


@dataclass(frozen=True)
class Article:
    """One article as the index reads it: title with headings, sentences below."""

    rowid: int
    instrument: str
    head: str
    sentences: tuple[str, ...]
    national: bool


def row_of(ledger: Ledger, reference: str, day: date) -> int | None:
    """Row id of `名第…条` on `day`; None where it is not held or not in force."""
    try:
        return clause_of(ledger, reference, day).rowid
    except CityLLMError:
        return None


def statute_questions(ledger: Ledger, data: Path, day: date) -> list[Question]:
    """All rows of statute_qa/train.jsonl with at least one article in force on `day`."""
    found = []
    for line in (data / "statute_qa" / "train.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        rows = [row_of(ledger, one, day) for one in row["articles"]]
        held = tuple(dict.fromkeys(one for one in rows if one is not None))
        if held:
            found.append(Question(row["query"], held, row.get("answer") or ""))
    return found


def strangers() -> list[dict[str, Any]]:
    """`{q, law, article: [numbers], as_of?, mixed?}` of each line, written by someone who saw
    neither the pack nor any measure; `law` is missing where no law answers."""
    path = Path(__file__).with_name("strangers.jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def pack_asks(pack: Path) -> list[tuple[str, str, str]]:
    """(question, title, article) of every ask in the files of `pack`."""
    return [(question, digest.title, one.n)
            for digest in map(read_digest, sorted((pack / "regulations").glob("*.yaml")))
            for one in digest.articles for question in one.asks]


def ask_questions(ledger: Ledger) -> list[Question]:
    """The asks of the ledger; the rows are digest and verbatim clause, the answer is the digest."""
    found = []
    for rows, asked in ledger.asks():
        clauses = ledger.clauses(rows)
        words = next((f"{one.heading}。{one.text}" for one in clauses if not one.verbatim), "")
        found += [Question(one, rows, words) for one in asked]
    return found


def counsel_questions(ledger: Ledger, data: Path, day: date) -> list[Question]:
    """Legal counsel: question, articles named beside it, answer."""
    found = []
    for query, laws, answer in counsel(data):
        rows = [row_of(ledger, one, day) for one in laws]
        found.append(Question(query, tuple(one for one in rows if one is not None), answer))
    return found


def instructions(data: Path) -> list[tuple[str, str]]:
    """(instruction with input, output) of the general instructions."""
    path = data / "dialogues" / "instructions_zh.jsonl"
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return [(f"{row['instruction']}\n{row['input']}", row["output"]) for row in rows]


def articles(ledger: Ledger, day: date) -> list[Article]:
    """Every article in force on `day` or with asks, in the order of the texts."""
    mask = ledger.in_force(day).copy()
    mask[[row for rows, _ in ledger.asks() for row in rows]] = True
    national = {one.title for one in ledger.instruments() if one.region == "全国"}
    found = []
    for rowid, text in ledger.rows():
        if mask[rowid]:
            head, _, body = text.partition("\n")
            title = head.split(" ")[0]
            found.append(Article(rowid, title, head, tuple(sentences(body)), title in national))
    return found


def without_near(questions: Iterable[Question], held_out: Sequence[str]) -> list[Question]:
    """`questions` less those that share 60 % of the terms of a held-out one."""
    others = [set(terms(one)) for one in held_out]

    def near(text: str) -> bool:
        own = set(terms(text))
        return any(len(own & other) > 0.6 * min(len(own), len(other)) and len(own & other) >= 6
                   for other in others)

    return [one for one in questions if not near(one.text)]
