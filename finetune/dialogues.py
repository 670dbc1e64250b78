"""Tool-call dialogues of our own: hand-written questions, real tools, answers that only point.

Each question of training (`cases`) becomes a dialogue in the format that the assistant uses at run
time: the tools that the retriever would offer, the call, what the tool showed, and an answer made
of references. Retrieval results are real, so the model learns to choose among what search finds.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from cityllm import prompts
from cityllm.agent.facts import fact_date, language_of
from cityllm.agent.needs import parts
from cityllm.agent.retriever import NONE, ToolRetriever
from cityllm.agent.toolbox import Session, Toolbox
from cityllm.errors import ToolProblem
from cityllm.evidence import ToolRunEvidence
from finetune.cases import Case, cases
from finetune.pointing import Call, pointed
from finetune.recipe import Recipe
from finetune.retriever import train

# How the bundled model answers: references and little else. `#` stands for the evidence's number.
ANSWERS = {
    "zh": {"clause": "依据[E#]：\n{E#.text}", "also": "另见[E#]：\n{E#.text}",
           "calculate": "结果是{E#.result}。",
           "legal_deadline": "从{E#.start}起算{E#.length}，最后一天是{E#.deadline}（{E#.weekday}）。",
           "query_city_data": "已发布的数据：{E#.v1}。",
           "triage_petition": "这件建议由{E#.department}办理，类别是{E#.category}，去向：{E#.route}。",
           "similar_petitions": "找到{E#.count}，最相似的是{E#.nearest}。",
           "draft_reply": "答复草稿见[E#]，引用{E#.articles}，发出前请核对。",
           "match_policies": "能认定符合的{E#.eligible}，还缺信息的{E#.unknown}，先看{E#.first}：",
           "traffic_scenario": "平均车速由{E#.mean_speed_before}变为{E#.mean_speed_after}；"
                               "车均延误由{E#.delay_before}变为{E#.delay_after}；"
                               "拥堵指数由{E#.congestion_index_before}变为{E#.congestion_index_after}。"},
    "en": {"clause": "The rule is [E#]:\n{E#.text}", "also": "See also [E#]:\n{E#.text}",
           "calculate": "The result is {E#.result}.",
           "legal_deadline": "Counting {E#.length} from {E#.start}, the last day is {E#.deadline}.",
           "query_city_data": "Published figure: {E#.v1}.",
           "triage_petition": "It belongs to {E#.department}; category {E#.category}; "
                              "{E#.route}.",
           "similar_petitions": "Similar cases: {E#.count}; the nearest is {E#.nearest}.",
           "draft_reply": "The draft is [E#]; check it before it goes.",
           "match_policies": "Eligible for {E#.eligible}; data are missing for {E#.unknown}. "
                             "First: {E#.first}.",
           "traffic_scenario": "Mean speed goes from {E#.mean_speed_before} to "
                               "{E#.mean_speed_after}; "
                               "delay from {E#.delay_before} to {E#.delay_after}; congestion index "
                               "from {E#.congestion_index_before} to {E#.congestion_index_after}."},
}


def answer_text(question: str, kind: str, numbers: list[int]) -> str:
    """The assistant's words for evidence `numbers` of one kind: references and little else."""
    templates = ANSWERS[language_of(question)]
    first, rest = numbers[0], numbers[1:]
    text = templates[kind].replace("#", str(first))
    for number in rest:
        text += "\n" + templates["also"].replace("#", str(number))
    return text


def point(case: Case, toolbox: Toolbox) -> bool:
    """Write the case's calls as the engine would offer them; False where it cannot."""
    if case.tool == NONE:
        return True
    first = pointed((case.tool, case.arguments), case.question, toolbox)
    second = pointed(case.second, case.question, toolbox) if case.second else None
    if first is None or (case.second and second is None):
        return False
    case.arguments, case.second = first[1], second
    return True


class World:
    """The real tools, opened once. Simulations are run once; later ones vary its figures."""

    def __init__(self, toolbox: Toolbox, seed: int) -> None:
        self.toolbox = toolbox
        self.specs = {spec.name: spec for spec in self.toolbox.specs}
        self.random = random.Random(seed)
        self.today = date.today()
        self._run: ToolRunEvidence | None = None

    def run(self, calls: list[Call], question: str) -> tuple[Session, list[str]]:
        """A fresh session with these calls made, and what the model would be shown of each."""
        language = language_of(question)
        as_of = fact_date(question, self.today) or self.today
        session = self.toolbox.session(as_of, self.today, language, [question])
        return session, [self._observe(session, name, arguments) for name, arguments in calls]

    def _observe(self, session: Session, name: str, arguments: dict[str, Any]) -> str:
        if name == "traffic_scenario" and self._run is not None:
            run = self._run.model_copy(update={"id": session.next_id(), "values": {
                key: value.model_copy(update={"text": self._varied(value.text)})
                for key, value in self._run.values.items()}})
            session.evidence.append(run)
            return prompts.evidence_line(run)
        try:
            shown = session.call(self.specs[name], arguments)
        except ToolProblem as problem:
            return session.told(problem)
        if name == "traffic_scenario":
            self._run = next(e for e in session.evidence if isinstance(e, ToolRunEvidence))
        return shown

    def _varied(self, text: str) -> str:
        try:
            return f"{float(text) * self.random.uniform(0.6, 1.5):.1f}"
        except ValueError:
            return text


def dialogue(case: Case, world: World, offered: list[dict[str, Any]]) -> dict[str, Any] | None:
    """`{messages, tools}` for one case; None where search does not find what the answer needs."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": prompts.SYSTEM_PROMPT},
        {"role": "user", "content": case.question}]
    if case.tool == NONE:
        messages.append({"role": "assistant", "content": f"[{case.verdict}]"})
        return {"messages": messages, "tools": offered, "tool": NONE}
    calls = [(case.tool, case.arguments)] + ([case.second] if case.second else [])
    session, texts = world.run(calls, case.question)
    for (name, arguments), text in zip(calls, texts, strict=True):
        called = {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False)}
        messages += [{"role": "assistant", "content": "", "tool_calls": [{"function": called}]},
                     {"role": "tool", "content": text}]
    answer = _final(case, session)
    if answer is None:
        return None
    messages.append({"role": "assistant", "content": answer})
    return {"messages": messages, "tools": offered, "tool": case.tool}


def _final(case: Case, session: Session) -> str | None:
    if case.verdict:
        return f"[{case.verdict}]"
    found = {int(e.id[1:]): e for e in session.evidence}
    clauses = {n: e for n, e in found.items() if e.kind == "clause"}
    others = [n for n in found if n not in clauses]
    parts: list[str] = []
    if case.tool == "search_regulations":
        right = [n for n, e in clauses.items() if (e.title, e.article) in case.gold]
        if case.gold and not right:
            return None
        if not case.gold and clauses:
            right = [min(clauses)]
        if right:
            parts.append(answer_text(case.question, "clause", right[:2]))
    elif case.tool == "read_article":
        if not clauses:
            return None
        parts.append(answer_text(case.question, "clause", sorted(clauses)[:1]))
    for number in others:
        item = found[number]
        kind = getattr(item, "tool", None) or {
            "data": "query_city_data", "rule": "match_policies"}[item.kind]
        parts.append(answer_text(case.question, kind, [number]))
    return "\n".join(parts) or None


def offered_for(rows: list[Case], toolbox: Toolbox, folder: Path, seed: int, top: int = 3
                ) -> list[list[str]]:
    """Names that a retriever trained without the question would offer, likeliest first.

    Variants of one template are held out together. The right tools are put last where they would
    be missing, so that the model can still learn them.
    """
    from sklearn.model_selection import GroupKFold

    questions, labels, groups = labelled(rows)
    single = [c.tool for c in rows]
    offered: list[list[str]] = [[] for _ in rows]
    right = 0
    folds = GroupKFold(2, shuffle=True, random_state=seed)
    for _, held in folds.split(rows, single, [c.group for c in rows]):
        out = {rows[i].group for i in held}
        rest = [i for i, group in enumerate(groups) if group not in out]
        path = folder / "fold.npz"
        train([questions[i] for i in rest], [labels[i] for i in rest], path)
        retriever = ToolRetriever.load(path)
        assert retriever is not None
        for i in held:
            case = rows[i]
            chances = retriever.probabilities(case.question)
            right += max(chances, key=lambda name: chances[name]) == case.tool
            fit = [s.name for s in toolbox.specs if toolbox.bind(s, case.question) is not None]
            names = retriever.offer(case.question, top, fit)
            wanted = [case.tool, *([case.second[0]] if case.second else [])]
            missing = [name for name in wanted if name not in (*names, NONE)]
            offered[i] = [*names[: top - len(missing)], *missing]
    print(f"retriever: right class first for {right / len(rows):.3f} of held-out questions")
    return offered


def labelled(rows: list[Case]) -> tuple[list[str], list[str], list[str]]:
    """(questions, tools, groups) for the retriever; a question with two calls stands twice."""
    pairs = [(c, name) for c in rows
             for name in (c.tool, *([c.second[0]] if c.second else []))]
    return ([c.question for c, _ in pairs], [name for _, name in pairs],
            [c.group for c, _ in pairs])


def parts_labelled(rows: list[Case]) -> Iterator[tuple[str, str]]:
    """(part, tool) of questions that have several parts: `needs.two_needs` reads them one by one.
    A part goes with the question's tool; of one with two needs, with the call that points at it."""
    for case in rows:
        pieces = parts(case.question)
        if case.second is None:
            yield from ((piece, case.tool) for piece in pieces if len(pieces) > 1)
        else:
            law = str(case.arguments.get("query", ""))
            yield from ((piece, case.tool if piece in law else case.second[0])
                        for piece in pieces)


def learn_tools(rows: list[Case], path: Path) -> float:
    """Train the tool retriever on whole questions and their parts, and write it to `path`; the
    share of them that it gets right."""
    questions, labels, _ = labelled(rows)
    more = list(parts_labelled(rows))
    return train([*questions, *(part for part, _ in more)], [*labels, *(tool for _, tool in more)],
                 path)


def enough(rows: list[Case], kinds: dict[str, int]) -> list[int]:
    """Places of the cases that become dialogues: of a kind of which the recipe wants so many, half
    as many again, since some are not found; of the others all. In the order of `rows`."""
    left = {kind: wanted + wanted // 2 for kind, wanted in kinds.items()}
    found = []
    for at, case in enumerate(rows):
        kind = "not_found" if case.verdict == "not_found" else case.tool + "+" * bool(case.second)
        if left.get(kind, 1) > 0:
            found.append(at)
            left[kind] = left.get(kind, 2) - (kind in left)
    return found


def write_dialogues(recipe: Recipe, toolbox: Toolbox) -> str:
    """Write `dialogues.jsonl` and `retriever.npz` to the recipe's folder; a line of counts."""
    from rich.progress import track

    rows = [c for c in cases(recipe.seed) if point(c, toolbox)]
    random.Random(recipe.seed).shuffle(rows)
    if recipe.name == "smoke":
        rows = rows[: recipe.lora.dialogues * 10]
    offers = offered_for(rows, toolbox, recipe.folder, recipe.seed)
    learn_tools(rows, recipe.folder / "retriever.npz")
    world = World(toolbox, recipe.seed)
    counts: dict[str, int] = {}
    with (recipe.folder / "dialogues.jsonl").open("w", encoding="utf-8") as out:
        for at in track(enough(rows, recipe.lora.kinds), "dialogues"):
            row = dialogue(rows[at], world, [world.specs[name].openai for name in offers[at]])
            if row:
                counts[row["tool"]] = counts.get(row["tool"], 0) + 1
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
    return f"{sum(counts.values())} dialogues of {len(rows)} questions: {counts}"
