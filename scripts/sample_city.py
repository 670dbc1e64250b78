"""Write the sample table of enterprises of the default pack: `python scripts/sample_city.py`.

The enterprises are made up (`evals/policy_world.py`, seed 4): nothing in the table is a real one.
It holds what at least two policies of the pack read, and all that those of `WHOLE` read; sizes
follow the head count, and a few plain facts (a legal person, no restricted industry) are as common
as one would expect. Some cells are missing on purpose.
"""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np

from cityllm.policies.fields import FOREVER, NEVER, Field, Value
from cityllm.policies.ruleset import RuleSet
from evals.policy_world import DAY, City

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "rag_corpus" / "enterprises" / "sample.csv"
SIZE, SEED = 400, 4
WHOLE = ("xiaoxing-weili-suodeshui", "eit-rd-extra-deduction", "gaoxin-jishu-suodeshui",
         "bj-domestic-patents", "bj-trade-fair-booths", "sme-procurement-share")
TRUE = {"legal_person": 0.93, "restricted_industry": 0.03, "credit_record_3y": 0.05,
        "other_city_funds": 0.1, "rd_accounted_separately": 0.7, "core_ip": 0.6, "public_bid": 0.2}
"""Share of enterprises of which a plain fact holds."""
SIZES = ((10, "micro"), (100, "small"), (300, "medium"))


def main() -> None:
    """Draw the enterprises and write them."""
    rules = RuleSet.load(ROOT / "rag_corpus")
    bound = rules.on(DAY)
    counts = Counter(column for one in bound.values() for column in one.columns)
    wanted = {column for column, n in counts.items() if n > 1}
    wanted |= {column for name in WHOLE
               for column in (*bound[name].columns, *bound[name].money_columns)}
    columns = sorted(column for column in wanted if not column.startswith("judge:"))
    table = City(SIZE, rules.dictionary, SEED).table(columns)
    dice = np.random.default_rng(SEED)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    with OUT.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["编号", "名称", *columns])
        for row in range(SIZE):
            held = dict(table.enterprise(row).values)
            for name, share in TRUE.items():
                if name in held:
                    held[name] = int(dice.random() < share)
            if "sme_size" in held and isinstance(people := held.get("employees"), int):
                held["sme_size"] = next((size for top, size in SIZES if people < top), "large")
            if "entity" in held:
                held["entity"] = "company" if dice.random() < 0.85 else held["entity"]
            writer.writerow([f"S{row + 1:04d}", f"虚构企业{row + 1:04d}", *(
                shown(held.get(column), rules.dictionary.field_of(column)) for column in columns)])
    print(f"{SIZE} x {len(columns)} -> {OUT.relative_to(ROOT)}")


def shown(value: Value | None, field: Field) -> str:
    """A cell as a person would write it."""
    if value is None:
        return ""
    if isinstance(value, frozenset):
        return ",".join(sorted(value))
    if field.type == "certificate" and value in (FOREVER, NEVER):
        return "是" if value == FOREVER else "否"
    if field.type == "boolean":
        return "是" if value else "否"
    return str(field.decode(value))


if __name__ == "__main__":
    main()
