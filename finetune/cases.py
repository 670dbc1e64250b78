"""The questions of training: templates of `phrases/` filled by seed, and the asks of the pack.

Each is a `Case`: a question, the tool it needs with its arguments, and the articles or the verdict
that are right. Numbers, dates and petitions in templates are drawn by seed. Questions of `evals/`
are never read here.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from cityllm.agent.facts import language_of
from cityllm.agent.petition_tools import messages
from cityllm.agent.retriever import NONE
from cityllm.config import ROOT
from finetune.petition_data import examples as petitions
from finetune.pointing import Call, base_value
from finetune.retrieval_data import pack_asks, strangers

PHRASES = Path(__file__).parent / "phrases"
_SLOT = re.compile(r"\{(\w+):(\w+)\}")


_FALL = re.compile(r"\((?P<new>[^()]+) - (?P<old>[^()]+)\) / (?P<of>[^()]+) = \? %")
_FALLS = re.compile(r"降|减(?!率?变)|少[了用]|跌|掉|节约|压|\bfall|drop|decreas|reduc|less")

# Every eighth regulation question is asked once more with the date of its facts.
_DAYS = {"from": "2012-01-01", "to": "2026-10-01", "formats": [
    "{y}年", "{y}年{m}月", "{y}年{m}月{d}日", "{y}-{mm}-{dd}"]}
_DATED = {"zh": ["{d:day}的时候，#", "按{d:day}当时的规定，#", "{d:day}发生的事：#", "#（事情出在{d:day}）",
                 "{d:day}那会儿#", "当年{d:day}，#"],
          "en": ["As of {d:day}: #", "# (this happened in {d:day})"]}


@dataclass
class Case:
    """One question and what to do with it. `tool` is `none` for a verdict without a look-up."""

    question: str
    tool: str
    arguments: dict[str, Any] = field(default_factory=dict)
    gold: list[tuple[str, str]] = field(default_factory=list)
    verdict: str = ""
    second: Call | None = None
    group: str = ""


def _load(name: str) -> Any:
    path = PHRASES / f"{name}.yaml"
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else []


def _rows(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, dict):
        return next(v for k, v in content.items() if k != "slots")
    return list(content)


class Slots:
    """Draws numbers and dates for the placeholders `{name:type}` of a template."""

    def __init__(self, types: dict[str, Any], seed: int) -> None:
        self.types, self.random = types, random.Random(seed)

    def draw(self, kind: str) -> str:
        """One value of a slot's type, written as a person would."""
        spec = self.types[kind]
        if "formats" in spec:
            first, last = (date.fromisoformat(spec[k]).toordinal() for k in ("from", "to"))
            day = date.fromordinal(self.random.randint(first, last))
            return str(self.random.choice(spec["formats"])).format(
                y=day.year, m=day.month, d=day.day, mm=f"{day.month:02}", dd=f"{day.day:02}")
        if "values" in spec:
            text = str(self.random.choice(spec["values"]))
        else:
            steps = round((spec["max"] - spec["min"]) / spec["step"])
            value = spec["min"] + self.random.randint(0, steps) * spec["step"]
            text = f"{value:.4f}".rstrip("0").rstrip(".") if value % 1 else str(int(value))
        return text + str(self.random.choice(spec.get("units") or [""]))

    def fill(self, row: dict[str, Any]) -> dict[str, Any]:
        """The template with its placeholders replaced, the same name by the same value."""
        drawn: dict[str, str] = {}

        def one(match: re.Match[str]) -> str:
            return drawn.setdefault(match[1], self.draw(match[2]))

        filled = {k: _SLOT.sub(one, v) if isinstance(v, str) else v for k, v in row.items()}
        return drawn | {k: re.sub(r"\{(\w+)\}", lambda m: drawn.get(m[1], m[0]), v)
                if isinstance(v, str) else v for k, v in filled.items()}


def cases(seed: int, variants: int = 4, pack: Path = ROOT / "rag_corpus") -> list[Case]:
    """Every question of `phrases/` and every ask of the pack; templates with slots are drawn
    `variants` times."""
    made: list[Case] = []
    dates = Slots({"day": _DAYS}, seed)
    for number, (asked, title, article) in enumerate(pack_asks(pack)):
        questions = [asked]
        if number % 8 == 0:
            pattern = dates.random.choice(_DATED[language_of(asked)])
            questions.append(dates.fill({"q": pattern.replace("#", asked)})["q"])
        for question in questions:
            made.append(Case(question, "search_regulations", {"query": question},
                             [(title, article)], group=asked))
    for row in strangers():
        if "law" in row and "mixed" not in row:
            made.append(Case(row["q"], "search_regulations", {"query": row["q"]},
                             [(row["law"], str(number)) for number in row["article"]]))
    for row in _rows(_load("named")):
        verdict = "no_such_article" if row.get("nonexistent") else ""
        made.append(Case(row["q"], "read_article",
                         {"title": row["title"], "article": row["article"]}, verdict=verdict))
    for row in _rows(_load("off_topic")):
        made.append(Case(row["q"], NONE, verdict="off_topic"))
    for row in _rows(_load("not_found")):
        made.append(Case(row["q"], "search_regulations", {"query": row["q"]}, verdict="not_found"))
    for row in _rows(_load("data")):
        made.append(Case(row["q"], "query_city_data", {"query": row["q"]}))
    chance = random.Random(seed)
    for row in _rows(_load("traffic")):
        for one in [row, *(_varied(row, chance) for _ in range(variants))]:
            made.append(Case(one["q"], "traffic_scenario", _traffic(one), group=row["q"]))
    for row in _rows(_load("mixed")):
        tool = dict(row["tool"])
        name = tool.pop("name")
        tool = tool.pop("args", tool)
        second = (name, _traffic(tool) if name == "traffic_scenario" else tool)
        gold = [tuple(row["a"].split("#", 1))] if row.get("a") else []
        made.append(Case(row["q"], "search_regulations", {"query": row["search"]}, gold,
                         second=second))
    letters = [one.text for one in petitions(copies=2, seed=seed)]
    matters = [first for one in letters if 5 <= len(first := re.split("[，,。：]", one)[0]) <= 22]
    for name, build in (("calculate", _calculation), ("deadline", _deadline),
                        ("petition", _pasted), ("policy", _pasted)):
        content = _load(name)
        types = content.get("slots", {}) if isinstance(content, dict) else {}
        slots = Slots({**types, "letter": {"values": letters},
                       "matter": {"values": matters}}, seed)
        for row in _rows(content):
            slotted = len(_SLOT.findall(row["q"]))
            copies = slotted if name in ("petition", "policy") else min(slotted, 1)
            for _ in range(max(1, variants * copies)):
                made.append(build(slots.fill(row)))
                made[-1].group = row["q"]
    for case in made:
        case.group = case.group or case.question
    return made


def _calculation(row: dict[str, Any]) -> Case:
    """A fall is told without its sign: (old - new) / old."""
    expression = row["e"]
    fall = _FALL.fullmatch(expression)
    if fall and fall["old"] == fall["of"] and _FALLS.search(row["q"]):
        rate = base_value(expression)
        if rate and rate[0].startswith("-"):
            expression = f"({fall['old']} - {fall['new']}) / {fall['old']} = ? %"
    return Case(row["q"], "calculate", {"expression": expression})


def _deadline(row: dict[str, Any]) -> Case:
    return Case(row["q"], "legal_deadline", {"start": row["start"], "period": row["period"]})


def _pasted(row: dict[str, Any]) -> Case:
    """The message is the least that holds what was filled in, by its beginning."""
    if row["tool"] == "search_regulations":
        return Case(row["q"], row["tool"], {"query": row["q"]}, [tuple(row["a"].split("#", 1))])
    wanted = row.get("t", row["q"])
    held = messages(row["q"])
    fit = [head for head, whole in held.items() if wanted.strip() in whole] or list(held)
    return Case(row["q"], row["tool"], {"text": min(fit, key=lambda head: len(held[head]))})


_ROADS = {"main_road": ("主路", "主干道", "主干路", "那条主路", "片区主路"),
          "north_bridge": ("北桥", "北边的桥", "北边那座桥", "北大桥"),
          "ring_east": ("东环", "东环路", "东环线", "东边环线", "东边的环路")}
_PARTS = "零一二三四五六七八九"


def _varied(row: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """The question with another name of the same road and another percentage."""
    question, percent = row["q"], float(row.get("demand_percent", 0))
    names = _ROADS.get(row.get("close", "none"), ())
    for name in sorted(names, key=len, reverse=True):
        if name in question:
            question = question.replace(name, chance.choice(names), 1)
            break
    size, sign = abs(percent), -1 if percent < 0 else 1
    if size.is_integer() and f"{size:.0f}%" in question:
        other = chance.choice((5, 8, 10, 12, 15, 18, 20, 25, 30, 35, 40, 45, 60))
        question, percent = question.replace(f"{size:.0f}%", f"{other}%"), sign * other
    elif size in (10, 20, 30, 40) and (tenth := re.search("[一二两三四]成(?!半)", question)):
        other = chance.randint(1, 5)
        question = question.replace(tenth[0], f"{_PARTS[other]}成")
        percent = sign * other * 10
    return {**row, "q": question, "demand_percent": percent}


def _traffic(row: dict[str, Any]) -> dict[str, Any]:
    percent = float(row.get("demand_percent", 0))
    return {"close": row.get("close", "none"),
            "demand_percent": int(percent) if percent.is_integer() else percent,
            "plate_restriction": row.get("plate_restriction", "none")}
