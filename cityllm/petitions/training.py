"""A city's own classifier from its own labelled rows, on top of the one that ships.

`train` reads JSONL of `{title, text, label}` or `{tokens, label}` (words between blanks). Labels
are codes or names of the pack's tree. Rows of words have lost the line break after the title: their
first words are read as one. The shipped scores are features beside the city's own grams,
so a few hundred rows already help; kind, jurisdiction and risks stay as shipped. Five folds held
out give the temperature, the confusion, the curve of risk against coverage, and the automatic line.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from cityllm.errors import UnreadableFile
from cityllm.petitions import fit
from cityllm.petitions.calibrate import (
    calibration_error,
    coverage,
    coverage_at,
    draw,
    softmax,
    temperature,
)
from cityllm.petitions.drift import KEPT, Reference
from cityllm.petitions.linear import Features, Floats, Weights
from cityllm.petitions.segment import Segmenter
from cityllm.petitions.taxonomy import Taxonomy

FOLDS = 5
ALIKE = 0.8
"""Cosine of grams from which on two messages count as the same."""
LIFT = 0.1
"""How much the shipped scores count beside the city's own grams. Chosen on held-out folds and on
our own gold, which is spread over the tree as a city's rows are not."""
LEAD = 14
"""Words read as the title of a row of words. Of 8, 10, 12, 14, 16 and 20, from 10 to 16 do equally
well on held-out folds."""
LEARNING = (0.1, 0.25, 0.5)
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Row:
    """`text`: title in the first line, or words between blanks."""

    text: str
    label: str


@dataclass(frozen=True)
class Trained:
    """The new weights, what cuts raw text for them (None: raw text itself), the report, and what
    later input is compared with (None where the rows were words)."""

    weights: Weights
    segmenter: Segmenter | None
    report: dict[str, Any]
    reference: Reference | None


def read_rows(path: Path) -> tuple[list[Row], bool]:
    """Rows and whether they are words. Raises UnreadableFile with the line that is wrong."""
    rows, words = [], False
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise UnreadableFile(f"{path} 读不了：{problem}。",
                             f"{path} cannot be read: {problem}.") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            held = json.loads(line)
            words = words or "tokens" in held
            text = (_titled(str(held["tokens"])) if "tokens" in held
                    else f"{held.get('title', '')}\n{held['text']}")
            rows.append(Row(text, str(held["label"])))
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            raise UnreadableFile(
                f"{path} 第 {number} 行不对：{problem}。每行应为 {{title, text, label}} 或 {{tokens, label}}。",
                f"Line {number} of {path} is wrong: {problem}. A line is {{title, text, label}} or "
                "{tokens, label}.") from None
    return rows, words


def _titled(words: str) -> str:
    held = words.split()
    return "\n".join((" ".join(held[:LEAD]), " ".join(held[LEAD:]))) if held[LEAD:] else words


def without(rows: Sequence[Row], tests: Sequence[str], weights: Weights) -> list[Row]:
    """`rows` without those that are, or nearly are, one of `tests` (same form as the rows)."""
    if not tests:
        return list(rows)
    ours, theirs = weights.features([r.text for r in rows]).x, weights.features(tests).x
    ours, theirs = _unit(ours), _unit(theirs)
    kept = []
    for start in range(0, len(rows), 512):
        near = (ours[start:start + 512] @ theirs.T).max(axis=1).toarray().ravel()
        kept += [row for row, one in zip(rows[start:start + 512], near, strict=True) if one < ALIKE]
    return kept


def _unit(rows: csr_matrix) -> csr_matrix:
    length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    at = np.arange(len(length))
    return csr_matrix(csr_matrix((1 / np.maximum(length, 1e-9), (at, at))) @ rows)


def adapted(base: Weights, texts: Sequence[str], *, words: bool) -> Weights:
    """`base` reading these texts: grams that its own rows never held count as the city's do."""
    fresh = fit.rarity(texts, words=words)
    unseen = base.idf >= base.idf.max() - 1e-2
    return replace(base, idf=np.where(unseen, fresh, base.idf).astype(np.float32), words=words)


def train(rows: Sequence[Row], base: Weights, tree: Taxonomy, *, words: bool = False,
          tests: Sequence[str] = (), progress: Progress = lambda _: None) -> Trained:
    """Fit, calibrate, report. `tests`: raw messages that must not be learnt from."""
    segmenter = Segmenter.learn(row.text for row in rows) if words else None
    reader = adapted(base, [row.text for row in rows], words=words)
    seen = [segmenter.cut(text) for text in tests] if segmenter else list(tests)
    kept = without(rows, seen, reader)
    codes = {label: tree.find(label) for label in {row.label for row in kept}}
    known = [row for row in kept if codes[row.label]]
    unknown = sorted(label for label, code in codes.items() if code is None)
    said = [str(codes[row.label]) for row in known]
    if len(set(said)) < 2:
        raise UnreadableFile(
            f"只有 {len(set(said))} 个类目能识别，至少要两个；不认识的标签：{'、'.join(unknown[:10])}。标签应为类目名称或编码。",
            f"Only {len(set(said))} known classes, two are needed; unknown labels: "
            f"{', '.join(unknown[:10])}. A label is a name or a code of the tree.")
    progress(f"{len(known)} rows, {len(rows) - len(kept)} dropped as test rows")
    depth = min(len(code) for code in said) // 2
    found = reader.features([row.text for row in known])
    raised = lifted(reader, found, depth)
    order = np.random.default_rng(0).permutation(len(known)) % FOLDS
    held_out = _held_out(raised, said, tree, order)
    names = tree.codes(1)
    right = np.array([names.index(code[:2]) for code in said])
    heat = temperature(held_out, right)
    chances = softmax(held_out * heat)
    sure, good = chances.max(axis=1), chances.argmax(axis=1) == right
    drawn = draw(sure.tolist(), good.tolist(), len(known), 1)
    reference = None if words else Reference.of(
        _recorded(row.text, tree.path(names[top])[0], float(one))
        for row, top, one in zip(known, chances.argmax(axis=1), sure, strict=True))
    progress("held-out folds are measured; the final fit")
    made = {level: _compiled(one, reader, depth) for level, one
            in fit.levels(raised, said, _codes(tree)).items()}
    facts = {**base.facts, "name": "city", "rows": str(len(known)), "heat1": f"{heat:.4f}"}
    weights = _replaced(reader, made, facts)
    report = {
        "rows": len(rows), "dropped_as_test": len(rows) - len(kept), "unknown_labels": unknown,
        "used": len(known), "levels": depth, "line": asdict(drawn),
        **measures([names[at] for at in right], [names[at] for at in chances.argmax(axis=1)],
                   sure, tree),
        "learning_curve": _learning(raised, said, tree, order),
        "coverage_curve": coverage(sure.tolist(), good.tolist())[::max(1, len(known) // 200)]}
    return Trained(weights, segmenter, report, reference)


def _recorded(body: str, top: str, sure: float) -> dict[str, Any]:
    """A row as the batch would have written it, for the drift check."""
    title, _, text = body.partition("\n")
    return {"kind": "complaint", "title": title, "text": text, "category": [top],
            "confidence": sure}


def measures(right: Sequence[str], said: Sequence[str], sure: Floats | Sequence[float],
             tree: Taxonomy) -> dict[str, Any]:
    """Accuracy, F1, calibration and confusion of codes."""
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    codes = sorted(set(right) | set(said))
    precision, recall, f1, count = precision_recall_fscore_support(
        list(right), list(said), labels=codes, zero_division=0)
    present = sorted(set(right))
    good = [a == b for a, b in zip(right, said, strict=True)]
    return {
        "n": len(right), "accuracy": float(np.mean(good)),
        "macro_f1": float(np.mean([f1[codes.index(code)] for code in present])),
        "per_class": {"/".join(tree.path(code)): {
            "precision": float(precision[at]), "recall": float(recall[at]), "f1": float(f1[at]),
            "n": int(count[at])} for at, code in enumerate(codes)},
        "confusion": {"labels": ["/".join(tree.path(code)) for code in codes],
                      "rows": confusion_matrix(list(right), list(said), labels=codes).tolist()},
        "coverage_at_2pct_risk": coverage_at(list(sure), good),
        "ece": calibration_error(list(sure), good)}


def write(trained: Trained, rows: Sequence[Row], out: Path) -> list[Path]:
    """Weights, line, words, report, picture of the curve, and the rows as LoRA data, in `out`."""
    out.mkdir(parents=True, exist_ok=True)
    trained.weights.save(out / "weights.npz")
    if trained.reference:
        trained.reference.save(out / KEPT)
    else:
        (out / KEPT).unlink(missing_ok=True)
    texts = {"line.json": trained.report["line"], "report.json": trained.report}
    if trained.segmenter:
        texts["words.json"] = dict(trained.segmenter.weights)
    for name, held in texts.items():
        (out / name).write_text(json.dumps(held, ensure_ascii=False, indent=1) + "\n",
                                encoding="utf-8")
    with (out / "lora.jsonl").open("w", encoding="utf-8") as stream:
        for row in rows:
            said = [{"role": "user", "content": f"这件信访属于哪一类？\n{row.text}"},
                    {"role": "assistant", "content": row.label}]
            stream.write(json.dumps({"messages": said}, ensure_ascii=False) + "\n")
    _picture(trained.report, out / "coverage.png")
    return sorted(out.iterdir())


def _picture(report: dict[str, Any], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot(xlabel="coverage", ylabel="error rate", title="held-out rows")
    share, error = zip(*report["coverage_curve"], strict=True)
    axes.plot(share, error)
    axes.axhline(0.02, linestyle="--", linewidth=1)
    figure.savefig(path, dpi=110)


def _codes(tree: Taxonomy) -> dict[str, tuple[str, ...]]:
    return {str(level): tree.codes(level) for level in (1, 2, 3)}


def lifted(base: Weights, found: Features, depth: int) -> Features:
    """The grams of `found`, and the shipped scores of the levels that the city's labels reach."""
    told = base.scores(found)[:, :base.columns(str(depth)).stop]
    return Features(found.x, np.asarray(LIFT * told @ _centring(base, depth), dtype=np.float32))


def _centring(base: Weights, depth: int) -> Floats:
    """What takes the mean of its level from each shipped score: the scores of a message that all
    classes find strange say as little as those of one that all find familiar."""
    whole = np.eye(base.columns(str(depth)).stop, dtype=np.float32)
    for level in range(1, depth + 1):
        own = base.columns(str(level))
        whole[own, own] -= np.float32(1 / (own.stop - own.start))
    return whole


def _held_out(found: Features, codes: Sequence[str], tree: Taxonomy, fold: NDArray[np.int64],
              ) -> Floats:
    """(R, level 1) scores of each row by a head that has not seen it."""
    tops, names = np.array([code[:2] for code in codes]), tree.codes(1)
    scores = np.zeros((len(codes), len(names)), np.float32)
    for part in range(FOLDS):
        away = fold == part
        one = fit.head(found[~away], tops[~away].tolist(), fit.KEEP["1"], known=names)
        scores[away] = _scored(one, found[away])
    return scores


def _scored(one: fit.Head, found: Features) -> Floats:
    return np.asarray((found.x @ csr_matrix(one.table)).toarray() + found.e @ one.dense + one.bias,
                      dtype=np.float32)


def _learning(found: Features, codes: Sequence[str], tree: Taxonomy, fold: NDArray[np.int64],
              ) -> list[dict[str, float]]:
    """Accuracy on the first fold by how many of the other rows are learnt from."""
    tops, rest = np.array([code[:2] for code in codes]), np.flatnonzero(fold != 0)
    names, curve = tree.codes(1), []
    for share in (*LEARNING, 1.0):
        some = rest[:max(2, int(share * len(rest)))]
        one = fit.head(found[some], tops[some].tolist(), fit.KEEP["1"], known=names)
        best = _scored(one, found[fold == 0]).argmax(axis=1)
        good = [names[at] == top for at, top in zip(best, tops[fold == 0], strict=True)]
        curve.append({"rows": len(some), "accuracy": float(np.mean(good))})
    return curve


def _compiled(one: fit.Head, base: Weights, depth: int) -> fit.Head:
    """The lift folded into the weights, so that nothing but grams and vectors is read."""
    columns = base.columns(str(depth)).stop
    lift = np.asarray(LIFT * _centring(base, depth) @ one.dense, dtype=np.float32)
    table = one.table + base.table[:, :columns] @ csr_matrix(lift)
    return fit.Head(one.labels, table.tocsc(), base.dense[:, :columns] @ lift,
                    one.bias + base.bias[:columns] @ lift)


def _replaced(base: Weights, made: dict[str, fit.Head], facts: dict[str, str]) -> Weights:
    heads = {name: made.get(name) or fit.Head(
        labels, base.table[:, base.columns(name)].tocsc(), base.dense[:, base.columns(name)],
        base.bias[base.columns(name)]) for name, labels in base.heads.items()}
    return fit.assemble(base.idf, base.terms, heads, words=base.words, facts=facts)
