"""Other ways to run the same conditions: zen-engine, OpenFisca-core, a plain Python loop.

A script for an interpreter of its own, so that neither package is a dependency of this program:

    PYTHON evals/policy_peers.py zen|zen-batch|openfisca|plain IN OUT

IN holds policies as trees of tests and enterprises as rows of whole numbers and texts (null where a
datum is missing); OUT gets every clause's value (0 not met, 1 unknown, 2 met) and the seconds that
the evaluation took, the preparation of rules and data left out.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from typing import Any

Row = dict[str, Any]
TEXTS: dict[str, dict[Any, int]] = {}
"""Distinct texts and sets of each column that is no number, numbered from 1."""
Found = list[list[list[int]]]
"""By policy, by enterprise, the values of the clauses."""


def plain(node: Any) -> Callable[[Row], int]:
    """A tree of tests as Python closures."""
    kind = node[0]
    if kind == "between":
        _, terms, lo, hi, positive = node

        def between(row: Row) -> int:
            total = 0
            for column, factor in terms:
                if row[column] is None:
                    return 1
                total += factor * row[column]
            if positive and row[positive] <= 0:
                return 1
            return 2 if (lo is None or total >= lo) and (hi is None or total <= hi) else 0
        return between
    if kind == "member":
        _, column, met, unknown = node
        worth = {**dict.fromkeys(met, 2), **dict.fromkeys(unknown, 1), None: 1}
        return lambda row: worth.get(row[column], 0)
    if kind == "set":
        _, column, way, wanted = node
        listed = set(wanted)

        def in_set(row: Row) -> int:
            if row[column] is None:
                return 1
            held = listed & set(row[column])
            return 2 if (held == listed if way == "includes_all" else bool(held)) else 0
        return in_set
    if kind == "count":
        _, least, parts = node
        made = [plain(part) for part in parts]

        def count(row: Row) -> int:
            each = [part(row) for part in made]
            met = each.count(2)
            return 2 if met >= least else 1 if met + each.count(1) >= least else 0
        return count
    if kind == "not":
        inner = plain(node[1])
        return lambda row: 2 - inner(row)
    if kind == "switch":
        rows = [(plain(test) if test else None, plain(part)) for test, part in node[1]]

        def switch(row: Row) -> int:
            for test, part in rows:
                fits = 2 if test is None else test(row)
                if fits:
                    return part(row) if fits == 2 else 1
            return 1
        return switch
    return lambda row: 1


def zen_text(node: Any) -> str:
    """A tree of tests in the ZEN expression language."""
    kind = node[0]
    if kind == "between":
        _, terms, lo, hi, positive = node
        gone = " or ".join(f"{column} == null" for column, _ in terms)
        total = " + ".join(f"({factor}) * {column}" if factor != 1 else column
                           for column, factor in terms)
        bounds = [f"({total}) >= {lo}" if lo is not None else "",
                  f"({total}) <= {hi}" if hi is not None else ""]
        inside = " and ".join(one for one in bounds if one)
        found = f"({inside} ? 2 : 0)"
        if positive:
            found = f"({positive} <= 0 ? 1 : {found})"
        return f"({gone} ? 1 : {found})"
    if kind == "member":
        _, column, met, unknown = node
        found = f"({column} in {json.dumps(met, ensure_ascii=False)} ? 2 : 0)"
        if unknown:
            listed = json.dumps(unknown, ensure_ascii=False)
            found = f"({column} in {listed} ? 1 : {found})"
        return f"({column} == null ? 1 : {found})"
    if kind == "set":
        _, column, way, wanted = node
        listed = json.dumps(wanted)
        test = f"all({listed}, # in {column})" if way == "includes_all" \
            else f"some({column}, # in {listed})"
        return f"({column} == null ? 1 : ({test} ? 2 : 0))"
    if kind == "count":
        _, least, parts = node
        each = [zen_text(part) for part in parts]
        if least in (1, len(each)):
            return f"{'min' if least == len(each) else 'max'}([{', '.join(each)}])"
        met = " + ".join(f"({one} == 2 ? 1 : 0)" for one in each)
        possible = " + ".join(f"({one} > 0 ? 1 : 0)" for one in each)
        return f"({met} >= {least} ? 2 : ({possible} >= {least} ? 1 : 0))"
    if kind == "not":
        return f"(2 - {zen_text(node[1])})"
    if kind == "switch":
        found = "1"
        for test, part in reversed(node[1]):
            inner = zen_text(part)
            found = inner if test is None else (
                f"({zen_text(test)} == 2 ? {inner} : ({zen_text(test)} == 1 ? 1 : {found}))")
        return found
    return "1"


def graph(clauses: list[Any]) -> dict[str, Any]:
    """A decision of one expression node, a key for each clause."""
    expressions = [{"id": str(at), "key": f"k{at}", "value": zen_text(node)}
                   for at, node in enumerate(clauses)]
    return {"nodes": [{"id": "in", "type": "inputNode", "name": "in"},
                      {"id": "rules", "type": "expressionNode", "name": "rules",
                       "content": {"expressions": expressions}},
                      {"id": "out", "type": "outputNode", "name": "out"}],
            "edges": [{"id": "1", "sourceId": "in", "targetId": "rules", "type": "edge"},
                      {"id": "2", "sourceId": "rules", "targetId": "out", "type": "edge"}]}


def run_plain(policies: list[Any], rows: list[Row]) -> tuple[Found, float]:
    """One closure a clause, one enterprise after the other."""
    made = [[plain(node) for node in policy["clauses"]] for policy in policies]
    began = time.perf_counter()
    found = [[[clause(row) for clause in clauses] for row in rows] for clauses in made]
    return found, time.perf_counter() - began


def run_zen(policies: list[Any], rows: list[Row], *, batch: bool) -> tuple[Found, float]:
    """One decision a policy, asked once for each enterprise, or with all of them in one batch."""
    zen = import_module("zen")
    engine = zen.ZenEngine({"loader": {"type": "static", "content": {
        str(at): graph(policy["clauses"]) for at, policy in enumerate(policies)}}})
    sizes = [len(policy["clauses"]) for policy in policies]
    needed = [[{column: row[column] for column in policy["columns"]} for row in rows]
              for policy in policies]
    for at in range(len(policies)):
        engine.evaluate(str(at), needed[at][0])
    found: Found = []
    began = time.perf_counter()
    for at, size in enumerate(sizes):
        key = str(at)
        if batch:
            done = [one["data"]["result"] for one in engine.evaluate_batch(
                [{"key": key, "context": row} for row in needed[at]])]
        else:
            done = [engine.evaluate(key, row)["result"] for row in needed[at]]
        found.append([[int(one[f"k{place}"]) for place in range(size)] for one in done])
    return found, time.perf_counter() - began


def run_openfisca(policies: list[Any], rows: list[Row]) -> tuple[Found, float]:
    """One variable a clause, computed for all enterprises at once.

    OpenFisca stores 32-bit floats and integers and has no missing value: each column has a second
    variable that says whether it is known. Texts and sets are tested before they are handed over.
    """
    np = import_module("numpy")
    core = {name: import_module(f"openfisca_core.{name}") for name in (
        "entities", "periods", "taxbenefitsystems", "variables", "simulations")}
    entity = core["entities"].build_entity(key="firm", plural="firms", label="", is_person=True)
    system = core["taxbenefitsystems"].TaxBenefitSystem([entity])
    period = core["periods"].period("2026-01")
    columns = sorted({column for policy in policies for column in policy["columns"]})

    def variable(name: str, formula: Any = None) -> None:
        body = {"value_type": float, "entity": entity,
                "definition_period": core["periods"].DateUnit.MONTH, "label": name}
        if formula is not None:
            body["formula"] = formula
        system.add_variable(type(name, (core["variables"].Variable,), body))

    flags = {column: TEXTS.get(column, {}) for column in columns}
    for column in columns:
        variable(column)
        variable(f"{column}_known")
    for at, policy in enumerate(policies):
        for place, node in enumerate(policy["clauses"]):
            def formula(firm: Any, when: Any, parameters: Any, node: Any = node) -> Any:
                return fisca_value(node, firm, when, np, flags)
            variable(f"p{at}_k{place}", formula)
    simulation = core["simulations"].SimulationBuilder().build_default_simulation(
        system, count=len(rows))
    for column in columns:
        cells = [row[column] for row in rows]
        values = [flags[column].get(key(cell), 0) if flags[column] else cell or 0
                  for cell in cells]
        simulation.set_input(column, period, np.array(values, float))
        simulation.set_input(f"{column}_known", period,
                             np.array([cell is not None for cell in cells], float))
    began = time.perf_counter()
    found = [np.stack([simulation.calculate(f"p{at}_k{place}", period)
                       for place in range(len(policy["clauses"]))], axis=1)
             for at, policy in enumerate(policies)]
    took = time.perf_counter() - began
    return [one.astype(int).tolist() for one in found], took


def key(cell: Any) -> Any:
    """A cell as a key of a dictionary."""
    return tuple(cell) if isinstance(cell, list) else cell


def fisca_value(node: Any, firm: Any, when: Any, np: Any, flags: dict[str, Any]) -> Any:
    """A tree of tests as OpenFisca arrays."""
    kind = node[0]

    def recur(part: Any) -> Any:
        return fisca_value(part, firm, when, np, flags)

    if kind == "between":
        _, terms, lo, hi, positive = node
        total = sum(factor * firm(column, when) for column, factor in terms)
        met = np.ones(len(total), bool) if lo is None else total >= lo
        if hi is not None:
            met = met & (total <= hi)
        known = np.all([firm(f"{column}_known", when) > 0 for column, _ in terms], axis=0)
        if positive:
            known = known & (firm(positive, when) > 0)
        return np.where(known, 2 * met, 1)
    if kind in ("member", "set"):
        column = node[1]
        test = plain(node)
        worth = np.ones(len(flags[column]) + 1)
        for cell, number in flags[column].items():
            worth[number] = test({column: list(cell) if isinstance(cell, tuple) else cell})
        return worth[firm(column, when).astype(int)]
    if kind == "count":
        each = [recur(part) for part in node[2]]
        met = sum((one == 2).astype(int) for one in each)
        possible = sum((one > 0).astype(int) for one in each)
        return np.where(met >= node[1], 2, np.where(possible >= node[1], 1, 0))
    if kind == "not":
        return 2 - recur(node[1])
    if kind == "switch":
        found: Any = 1
        for test, part in reversed(node[1]):
            inner = recur(part)
            fits = recur(test) if test else None
            found = inner if fits is None else np.where(
                fits == 2, inner, np.where(fits == 1, 1, found))
        return found
    return firm(next(iter(flags)), when) * 0 + 1


def run(name: str, source: str, target: str) -> None:
    """Read IN, run one way, write OUT."""
    with open(source, encoding="utf-8") as file:
        given = json.load(file)
    rows, policies = given["rows"], given["policies"]
    for column in given["texts"]:
        cells = dict.fromkeys(key(row[column]) for row in rows if row[column] is not None)
        TEXTS[column] = {cell: number for number, cell in enumerate(cells, 1)}
    found, took = {
        "plain": lambda: run_plain(policies, rows),
        "zen": lambda: run_zen(policies, rows, batch=False),
        "zen-batch": lambda: run_zen(policies, rows, batch=True),
        "openfisca": lambda: run_openfisca(policies, rows)}[name]()
    package = {"zen": "zen-engine", "zen-batch": "zen-engine", "openfisca": "openfisca-core"}
    with open(target, "w", encoding="utf-8") as file:
        json.dump({"seconds": took, "clauses": found, "python": sys.version.split()[0],
                   "version": version(package[name]) if name in package else ""}, file)


if __name__ == "__main__":
    run(*sys.argv[1:4])
