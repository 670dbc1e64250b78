"""Which questions a shipped model has been trained on: so that no measure is taken on them.

Statute questions are split into five folds by a hash of the question. Fold 0 is never trained on.
The words of training questions are not shipped; their fingerprints are.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

FOLDS = 5
HELD_OUT = 0


def fold(question: str) -> int:
    """Fold of a question, 0 to 4, from its text alone."""
    return int(hashlib.sha256(question.strip().encode()).hexdigest(), 16) % FOLDS


def fingerprint(question: str) -> str:
    """16 hex digits that tell a question without its words."""
    return hashlib.sha256(("q:" + question.strip()).encode()).hexdigest()[:16]


def trained_on(folder: Path) -> frozenset[str]:
    """Fingerprints of the questions that the embedder and reranker in `folder` learnt from."""
    path = folder / "cityllm.json"
    if not path.exists():
        return frozenset()
    return frozenset(json.loads(path.read_text(encoding="utf-8"))["trained_on"])
