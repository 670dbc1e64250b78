"""Train the petition classifier that ships: our own petitions only (`petition_data`).

    python -m finetune.triage [--out DIR]

Temperatures and the limits of the risks come from three folds that hold out whole base petitions.
Writes `weights.npz`, `line.json` (no local rows: nothing is routed automatically).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from cityllm.config import load_settings
from cityllm.corpus.embedding import load_bundled
from cityllm.petitions import fit
from cityllm.petitions.calibrate import draw, temperature
from cityllm.petitions.features import DIMS
from cityllm.petitions.linear import Features, Terms, Weights
from cityllm.petitions.taxonomy import Taxonomy
from finetune.petition_data import FOLDER, JURISDICTIONS, KINDS, RISKS, Example, examples

DIMENSIONS = 128
COPIES = 4
FOLDS = 3
FALSE_ALARMS = {
    "risk": {"life": 0.11, "group": 0.003, "self_harm": 0.012, "minors": 0.03},
    "kind": {"request": 0.04, "suggestion": 0.01, "report": 0.02, "thanks": 0.003},
    "jurisdiction": {"court": 0.01, "arbitration": 0.005, "reconsideration": 0.008,
                     "discipline": 0.008}}
"""Share of our own rows without the label that its limit may let through."""
LOWER = {"life": ("rule_life", 0.3), "discipline": ("doubt_discipline", 0.044)}
"""A second, lower limit: for danger to life where a rule speaks for it, and for a message that may
be a report of wrongdoing, which a person reads first. Near misses are many among our rows: real
messages let fewer through, and the shares of danger were taken so that at most 3 % of them are
flagged."""


def body(row: Example) -> str:
    """Title and text as the classifier reads them."""
    return f"{row.title}\n{row.text}" if row.title else row.text


def heads(found: Features, rows: Sequence[Example], tree: Taxonomy) -> dict[str, fit.Head]:
    """All heads, fitted on `rows`."""
    codes = {str(level): tree.codes(level) for level in (1, 2, 3)}
    made = fit.levels(found, [row.base.code for row in rows], codes)
    made["kind"] = fit.head(found, [row.base.kind for row in rows], fit.KEEP["kind"], known=KINDS)
    made["jurisdiction"] = fit.head(found, [row.base.jurisdiction for row in rows],
                                    fit.KEEP["jurisdiction"], known=JURISDICTIONS)
    made["risk"] = fit.risks(found, [row.base.risks for row in rows], RISKS)
    return made


def train(pack: Path, embedder: Path, folder: Path = FOLDER) -> Weights:
    """The whole classifier."""
    rows, tree = list(examples(folder, COPIES)), Taxonomy.load(pack)
    texts = [body(row) for row in rows]
    bundled = load_bundled(embedder)
    whole = Terms.of(list(bundled.table), bundled.weights[list(bundled.table.values())])
    terms, idf = fit.compact(whole, texts, DIMENSIONS), fit.rarity(texts)
    empty = Weights(idf, terms, csr_matrix((DIMS, 0), dtype=np.float32),
                    np.zeros((DIMENSIONS, 0), np.float32), np.zeros(0, np.float32), {})
    found = empty.features(texts)
    group = np.array([row.base.group for row in rows])
    held_out = np.zeros((len(rows), 0), np.float32)
    for part in range(FOLDS):
        away = group % FOLDS == part
        made = heads(found[~away], [row for row, out in zip(rows, away, strict=True) if not out],
                     tree)
        weights = fit.assemble(idf, terms, made)
        if not held_out.shape[1]:
            held_out = np.zeros((len(rows), len(weights.bias)), np.float32)
        held_out[away] = weights.scores(found[away])
    final = fit.assemble(idf, terms, heads(found, rows, tree))
    return replace(final, facts={
        "name": "own", "rows": str(len(rows)), "embedder": bundled.name,
        **_heats(final, held_out, rows, tree), **_limits(final, held_out, rows)})


def _heats(weights: Weights, scores: np.ndarray, rows: Sequence[Example], tree: Taxonomy,
           ) -> dict[str, str]:
    """A temperature a level; below level 1 among the sisters of the right branch."""
    facts = {}
    for level in (1, 2, 3):
        names = weights.heads[str(level)]
        own = scores[:, weights.columns(str(level))]
        groups: dict[str, list[int]] = {}
        for at, row in enumerate(rows):
            groups.setdefault(row.base.code[:2 * level - 2], []).append(at)
        width = max(sum(name.startswith(head) for name in names) for head in groups)
        parts, right = [], []
        for above, members in groups.items():
            columns = [at for at, name in enumerate(names) if name.startswith(above)]
            block = np.full((len(members), width), -50.0, np.float32)
            block[:, :len(columns)] = own[np.ix_(members, columns)]
            parts.append(block)
            right += [columns.index(names.index(rows[at].base.code[:2 * level]))
                      for at in members]
        facts[f"heat{level}"] = f"{temperature(np.vstack(parts), np.array(right)):.4f}"
    return facts


def _limits(weights: Weights, scores: np.ndarray, rows: Sequence[Example]) -> dict[str, str]:
    """The score from which on a risk, or a kind other than the usual one, is believed."""
    said = {"risk": [row.base.risks for row in rows], "kind": [(row.base.kind,) for row in rows],
            "jurisdiction": [(row.base.jurisdiction,) for row in rows]}
    facts = {}
    for head, shares in FALSE_ALARMS.items():
        own = scores[:, weights.columns(head)]
        for name, share in shares.items():
            column = own[:, weights.heads[head].index(name)]
            without = column[[name not in labels for labels in said[head]]]
            facts[f"{head}_{name}"] = f"{np.quantile(without, 1 - share):.4f}"
            if name in LOWER:
                told, more = LOWER[name]
                facts[told] = f"{np.quantile(without, 1 - more):.4f}"
    return facts


def main(argv: list[str] | None = None) -> int:
    """Train with the default pack and the bundled embedder."""
    parser = argparse.ArgumentParser(prog="python -m finetune.triage", description=__doc__)
    parser.add_argument("--out", type=Path, help="default: triage/ of the bundled weights")
    options = parser.parse_args(argv)
    settings = load_settings()
    weights = train(settings.pack, settings.weights / "embedder")
    size = write(weights, options.out or settings.weights / "triage")
    print(f"{size / 2**20:.2f} MiB", dict(weights.facts))
    return 0


def write(weights: Weights, out: Path) -> int:
    """Both files; the size of the weights in bytes."""
    weights.save(out / "weights.npz")
    (out / "line.json").write_text(
        json.dumps(asdict(draw([], [], 0, 3)), ensure_ascii=False, indent=1) + "\n",
        encoding="utf-8")
    return (out / "weights.npz").stat().st_size


if __name__ == "__main__":
    sys.exit(main())
