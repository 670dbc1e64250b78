"""How well does `cityllm policy draft` read a policy? Against conditions that a person wrote down.

FILE is JSONL of {id, text, conditions: [{field, op, value, unit}], amounts: [{kind, value, unit}]}.
Where `text` is missing it is looked up by id in the shared data: `beijing.jsonl：TITLE`,
`guangzhou/documents.json：ID`. `field` is a key or a name of the dictionary, or any words for a
datum that it lacks; `op` at_least, at_most, more_than, less_than, is, in, under, includes or
holds (also >=, ≥, 不低于 …); `value` a figure as 2000万, 5 or 2020-01-01. `half`, where given, splits
the figures.

found: gold conditions of which a draft has one with the same field, or the same figure where one
side has no field; right: of those with a figure, found with the same op, value and unit;
right_field: found with that very field; invented: thresholds and amounts of the draft that do not
stand in the words they cite, read by another reader; beyond: conditions that are not in the gold.

    python -m evals policy_draft --policies FILE --json OUT [--shared DIR] [--show]
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import Any

from cityllm.config import load_settings
from cityllm.errors import ConfigError
from cityllm.policies.drafting.amounts import Granted
from cityllm.policies.drafting.findings import Finding
from cityllm.policies.drafting.phrases import Phrases
from cityllm.policies.drafting.proposal import Proposal, propose
from cityllm.policies.fields import Dictionary
from cityllm.policies.figures import NotAllowed, read_figure
from evals.machine import machine
from evals.policy_sources import values

OPS = {">=": "at_least", "≥": "at_least", "ge": "at_least", "gte": "at_least", "不低于": "at_least",
       "以上": "at_least", "<=": "at_most", "≤": "at_most", "le": "at_most", "lte": "at_most",
       "不超过": "at_most", "以下": "at_most", ">": "more_than", "gt": "more_than", "超过": "more_than",
       "<": "less_than", "lt": "less_than", "低于": "less_than", "==": "is", "=": "is", "eq": "is"}
BOUNDS = ("at_least", "at_most", "more_than", "less_than")
UNITS = {"名": "人", "位": "人", "名次": "人", "岁": "周岁", "个月": "月", "％": "%", "户": "户",
         "年以上": "年", "㎡": "平方米", "平米": "平方米", "yuan": "元"}
SCALES = {"万元": (10**4, "元"), "亿元": (10**8, "元"), "万美元": (10**4, "美元"),
          "亿美元": (10**8, "美元"), "千元": (1000, "元"), "百万元": (10**6, "元"), "万": (10**4, "")}

def figure(value: Any, unit: str) -> tuple[Fraction | str, str]:
    """A figure of the gold in base units: 2000 万元 and 2000万 元 are alike, 5 % is 0.05."""
    factor: int | Fraction = 1
    unit = unit.strip()
    if unit in SCALES:
        factor, unit = SCALES[unit]
    unit = UNITS.get(unit, unit)
    try:
        number = Fraction(read_figure(value if not isinstance(value, float) else str(value)))
    except NotAllowed:
        return str(value), unit
    if unit in ("%", "‰") and not str(value).rstrip().endswith(("%", "％")):
        number /= 100 if unit == "%" else 1000
    return number * factor, "%" if unit == "‰" else unit


def texts_of(shared: Path | None) -> dict[str, str]:
    """The texts of the shared data by id; none where it is absent."""
    found: dict[str, str] = {}
    if shared is None or not (shared / "policies").is_dir():
        return found
    skip = {"title", "联络方式", "工具分类"}
    for line in (shared / "policies" / "beijing.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        found[f"beijing.jsonl：{row['title']}"] = "\n".join(
            [row["title"], *(f"{name}：{value}" for name, value in row.items()
                             if name not in skip)])
    file = shared / "policies" / "guangzhou" / "documents.json"
    for row in json.loads(file.read_text(encoding="utf-8")) if file.is_file() else ():
        found[f"guangzhou/documents.json：{row['id']}"] = row["original_text"]
    return found


class Judge:
    """Compares a proposal with the gold of one policy."""

    def __init__(self, dictionary: Dictionary) -> None:
        self.dictionary = dictionary

    def conditions(self, wanted: list[dict[str, Any]], made: list[Finding]) -> dict[str, Any]:
        """Counts, and what was missed and what is beyond the gold."""
        free = list(made)
        counts: dict[str, int] = defaultdict(int)
        missed: list[str] = []
        for one in sorted(wanted, key=lambda one: OPS.get(one["op"], one["op"]) not in BOUNDS):
            op = OPS.get(one["op"], one["op"])
            counts["gold"] += 1
            counts["gold_thresholds"] += op in BOUNDS
            best = max(free, key=lambda made: self._score(one, op, made), default=None)
            score = self._score(one, op, best) if best is not None else 0
            if best is None or score < 2:
                missed.append(f"{one['field']} {op} {one['value']} {one.get('unit', '')}")
                continue
            free.remove(best)
            counts["found"] += 1
            counts["right"] += op in BOUNDS and self._same_figure(one, op, best)
            key = self.dictionary.find(one["field"])
            counts["gold_found_in_dictionary"] += key is not None
            counts["right_field"] += key is not None and key in best.fields
        counts["beyond"] = len(free)
        return {"counts": dict(counts), "missed": missed,
                "beyond": [f"{one.words} | {one.op} {one.value}" for one in free]}

    def _score(self, one: dict[str, Any], op: str, made: Finding) -> int:
        """Field 2, figure 2 (both 4); a figure alone counts where a side has no field."""
        key = self.dictionary.find(one["field"])
        field = key is not None and key in made.fields
        same = self._same_figure(one, op, made)
        if op not in BOUNDS:
            return 4 if field else 0
        if made.op not in BOUNDS:
            return 0
        if same:
            return 4 if field else 3
        return 2 if field else 0

    @staticmethod
    def _same_figure(one: dict[str, Any], op: str, made: Finding) -> bool:
        if not isinstance(made.value, Decimal) or made.op != op:
            return False
        value, unit = figure(one["value"], str(one.get("unit") or ""))
        return value == Fraction(made.value) and unit in (made.unit, "")


def amounts(wanted: list[dict[str, Any]], made: tuple[Granted, ...]) -> dict[str, int]:
    """Gold amounts found with kind and value; `kind` fixed and cap are told apart."""
    free = [(one.kind, Fraction(one.value)) for one in made]
    found = right = 0
    for one in wanted:
        value, _ = figure(one["value"], str(one.get("unit") or "元"))
        same = [each for each in free if each[1] == value]
        exact = [each for each in same if each[0] == one.get("kind", each[0])]
        if same:
            found += 1
            right += bool(exact)
            free.remove((exact or same)[0])
    return {"gold_amounts": len(wanted), "amounts_found": found, "amounts_right": right,
            "amounts_beyond": len(free)}


def invented(text: str, proposal: Proposal) -> list[str]:
    """Figures of the draft that do not stand in the words it cites, or words not in the text."""
    return list(_invented(text, proposal))


def _invented(text: str, proposal: Proposal) -> Iterator[str]:
    cited: list[tuple[int, int, str, Any]] = [
        *((one.start, one.end, one.words, one.value) for one in proposal.findings),
        *((one.start, one.end, one.words, one.value) for one in proposal.amounts)]
    for start, end, words, value in cited:
        if text[start:end] != words:
            yield f"{words!r} is not at {start}"
        if isinstance(value, Decimal):
            spaced = re.sub(r"（含）|\(含\)", "", words)
            if Fraction(value) not in values(words) | values(spaced) | _scaled(words):
                yield f"{value} is not in {words!r}"


def _scaled(words: str) -> set[Fraction]:
    """Lower ends of ranges that take their scale from the upper: 500至1000万元."""
    held = values(words)
    return {one * scale for one in held for scale in (10**4, 10**8, Fraction(1, 100))
            if re.search(r"[至到\-—~～－]", words)}


def measure(file: Path, pack: Path, shared: Path | None) -> dict[str, Any]:
    """All figures of a file of gold. ConfigError where a text is not there."""
    dictionary = Dictionary.load(pack)
    phrases, judge, held = Phrases.load(pack, dictionary), Judge(dictionary), texts_of(shared)
    halves: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    rows = []
    began = time.perf_counter()
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        row = _row(line, file, number)
        text = row.get("text") or held.get(row["id"])
        if text is None:
            raise ConfigError(
                f"{file} 第 {number} 行：没有 text，在 CITYLLM_SHARED 里也没有 {row['id']}。",
                f"{file} line {number}: it has no text, and CITYLLM_SHARED has no {row['id']}.")
        made = propose(text, phrases, "draft")
        drafted = [one for one in made.findings if one.op != "judge"]
        found = judge.conditions(row.get("conditions") or [], drafted)
        wrong = invented(text, made)
        counts = {**found["counts"], **amounts(row.get("amounts") or [], made.amounts),
                  "policies": 1, "invented": len(wrong), "drafted": len(drafted),
                  "unsure": sum(not one.sure for one in drafted)}
        for half in ("all", *([row["half"]] if row.get("half") else [])):
            for name, count in counts.items():
                halves[half][name] += count
        rows.append({"id": row["id"], "half": row.get("half", ""), **counts,
                     "missed": found["missed"], "more": found["beyond"], "wrong": wrong})
    took = time.perf_counter() - began
    return {"file": file.name, "halves": {name: _shares(counts) for name, counts in halves.items()},
            "seconds_per_policy": took / max(1, len(rows)), "policies": rows, "machine": machine()}


def _row(line: str, file: Path, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
        for one in row.get("conditions") or []:
            one["field"], one["op"], one["value"]
        row["id"]
    except (ValueError, KeyError, TypeError, InvalidOperation) as problem:
        how = "python -m evals policy_draft --help"
        raise ConfigError(f"{file} 第 {number} 行不可用：{problem}。格式见 {how}。",
                          f"{file} line {number} is not usable: {problem}. See {how}.") from None
    found: dict[str, Any] = row
    return found


def _shares(counts: dict[str, int]) -> dict[str, Any]:
    def share(part: str, whole: str) -> float | None:
        return round(counts[part] / counts[whole], 4) if counts[whole] else None

    return {**counts, "recall": share("found", "gold"),
            "thresholds_right": share("right", "gold_thresholds"),
            "fields_right": share("right_field", "gold_found_in_dictionary"),
            "amounts_recall": share("amounts_found", "gold_amounts"),
            "amounts_right_share": share("amounts_right", "gold_amounts")}


def main(argv: list[str]) -> int:
    """Print the figures by half and write them to OUT; 1 where something was invented."""
    parser = argparse.ArgumentParser(prog="python -m evals policy_draft", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policies", type=Path, required=True, metavar="FILE")
    parser.add_argument("--json", type=Path, required=True, metavar="OUT")
    parser.add_argument("--shared", type=Path, metavar="DIR")
    parser.add_argument("--pack", type=Path, metavar="DIR")
    parser.add_argument("--show", default="", metavar="HALF",
                        help="print what was missed and what is beyond, of one half")
    options = parser.parse_args(argv)
    settings = load_settings()
    result = measure(options.policies, options.pack or settings.pack,
                     options.shared or settings.shared)
    for row in result["policies"]:
        if options.show and options.show in (row["half"], "all"):
            print(row["id"], *(f"  - {one}" for one in row["missed"]),
                  *(f"  + {one}" for one in row["more"]), sep="\n")
        for one in row["wrong"]:
            print(f"{row['id']}: invented: {one}")
    names = ("policies", "gold", "recall", "thresholds_right", "fields_right", "amounts_recall",
             "amounts_right_share", "invented", "beyond", "drafted", "unsure")
    for half, found in sorted(result["halves"].items()):
        print(half, *(f"{name} {found.get(name)}" for name in names), sep="  ")
    for row in result["policies"]:  # words of the texts are not for a file that is kept
        del row["more"], row["wrong"]
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n",
                            encoding="utf-8")
    return 1 if result["halves"].get("all", {}).get("invented") else 0
