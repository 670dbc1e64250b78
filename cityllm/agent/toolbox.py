"""Functions of `tools/` and the regulations -> tools of one answer.

Only this module and `choices` import `tools/`.

A `Session` belongs to one question: it binds the as-of date and the language, gives every finding
an id (E1, E2, … in the order found; the same article keeps its id) and records each call as a
Step. A mistake that the model can mend comes back to it as a `[problem]` line; every other
exception becomes `ToolFailed` and ends the run.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cityllm import prompts
from cityllm.agent import choices, petition_tools, policy_tool
from cityllm.agent.needs import LAW, demanded, in_context, two_needs
from cityllm.agent.petition_tools import Desk
from cityllm.agent.policy_tool import Adviser
from cityllm.agent.retriever import ToolRetriever
from cityllm.agent.specs import SPECS, ToolSpec
from cityllm.corpus.numerals import CN, article_key
from cityllm.errors import ArticleNotFound, CityLLMError, InstrumentNotFound, NotHeld, ToolProblem
from cityllm.evidence import (
    ClauseEvidence,
    DataRowEvidence,
    Evidence,
    Step,
    ToolRunEvidence,
    Value,
)
from cityllm.messages import Language, say

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool, ToolException

    from cityllm.corpus.ledger import Clause, Ledger
    from cityllm.corpus.search import Search
    from tools.schema import ToolResult

log = logging.getLogger(__name__)
HITS = 5
FLOOR = 0.2
"""Where the likeliest article answers with less than this probability, nothing was found."""
_VERDICTS: dict[type[CityLLMError], str] = {
    ArticleNotFound: "no_such_article", InstrumentNotFound: "not_found", NotHeld: "not_held"}
_NUMBER = re.compile(rf"第?\s*(?:[{CN}]+|\d+(?:\.\d+)*)\s*条(?:之[{CN}\d]+)?|\d+(?:[.-]\d+)*")


class ToolFailed(CityLLMError):
    """A tool broke in a way that no other call can mend."""

    code = "tool.failed"

    def __init__(self, tool: str) -> None:
        super().__init__(say("tool_failed", "zh", tool=say(tool, "zh")),
                         say("tool_failed", "en", tool=say(tool, "en")))
        self.tool = tool


@dataclass
class Session:
    """Evidence and steps of one answer, in order. `problems` are those the model was told; `said`
    are the questions of the user, the newest last."""

    ledger: Ledger
    search: Search
    as_of: date
    today: date
    language: Language = "zh"
    maps: Path | None = None
    desk: Desk | None = None
    adviser: Adviser | None = None
    said: Sequence[str] = ()
    evidence: list[Evidence] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    problems: list[CityLLMError] = field(default_factory=list)

    def call(self, spec: ToolSpec, arguments: dict[str, Any]) -> str:
        """Run one call; what the model is shown of it. Raises ToolProblem, ToolFailed."""
        began = time.perf_counter()
        step = Step(tool=spec.name, inputs=arguments)
        try:
            for name in spec.required:
                if arguments.get(name) in (None, ""):
                    raise self._missing(spec, name)
            found = RUN[spec.name](self, arguments)
        except Exception as problem:
            mendable = _mendable(spec.name, problem)
            step.problem = mendable.zh if self.language == "zh" else mendable.en
            if mendable is not problem:
                log.info("tool %s: %s", spec.name, problem)
            if isinstance(mendable, ToolFailed):
                log.error("tool %s failed", spec.name, exc_info=problem)
                raise ToolFailed(spec.name) from problem
            self.problems.append(mendable)
            raise ToolProblem(mendable.zh, mendable.en) from mendable
        finally:
            step.seconds = round(time.perf_counter() - began, 3)
            self.steps.append(step)
        step.evidence = [piece.id for piece in found]
        if not found:
            return prompts.tool_problem(say("nothing_found", self.language), "not_found")
        return "\n".join(prompts.evidence_line(piece) for piece in found)

    def told(self, problem: ToolProblem) -> str:
        """The line that the model reads about a call that it can mend."""
        text = problem.zh if self.language == "zh" else problem.en
        cause = problem.__cause__
        verdict = next((v for kind, v in _VERDICTS.items() if isinstance(cause, kind)), "")
        return prompts.tool_problem(text, verdict)

    def _missing(self, spec: ToolSpec, name: str) -> ToolProblem:
        allowed = ", ".join(spec.required)
        return ToolProblem(say("missing_argument", "zh", name=name, allowed=allowed),
                           say("missing_argument", "en", name=name, allowed=allowed))

    def clause(self, clause: Clause, passage: str = "", score: float = 0.0) -> ClauseEvidence:
        """The article as evidence; one that was found before keeps its id."""
        for piece in self.evidence:
            if isinstance(piece, ClauseEvidence) and piece.clause_id == clause.clause_id:
                return piece
        piece = ClauseEvidence(
            id=self.next_id(), clause_id=clause.clause_id, title=clause.title,
            article=clause.article, article_label=clause.label, heading=clause.heading,
            text=clause.text, passage=passage, verbatim=clause.verbatim, issuer=clause.issuer,
            level=clause.level, region=clause.region, version=clause.version,
            effective=clause.effective, source_url=clause.source_url, as_of=self.as_of,
            status=clause.status, score=score)
        self.evidence.append(piece)
        return piece

    def next_id(self) -> str:
        """E1, E2, …"""
        return f"E{len(self.evidence) + 1}"

    @property
    def clerks(self) -> Desk:
        """The desk of petitions. Raises ToolProblem where there is none."""
        if self.desk is None:
            raise ToolProblem(say("no_desk", "zh"), say("no_desk", "en"))
        return self.desk


def _mendable(tool: str, problem: Exception) -> CityLLMError:
    """What the model is told, or ToolFailed where nothing can be mended."""
    from tools import ToolInputError

    if isinstance(problem, ToolInputError):
        return ToolProblem(problem.zh, problem.en)
    if isinstance(problem, ToolProblem | ArticleNotFound | InstrumentNotFound | NotHeld):
        return problem
    return ToolFailed(tool)


def _search_regulations(session: Session, arguments: dict[str, Any]) -> list[Evidence]:
    title = _title(session, str(arguments.get("title") or ""))
    hits = session.search.search(str(arguments["query"]), session.as_of, HITS, title=title)
    if not hits or (hits[0].why == "search" and hits[0].score < FLOOR):
        return []
    return [session.clause(hit.clause, hit.passage, hit.score) for hit in hits]


def _title(session: Session, words: str) -> str | None:
    """The title meant by `words`, None for no words. Raises InstrumentNotFound."""
    if not words.strip():
        return None
    named = session.ledger.resolve(words) or next(iter(session.ledger.mentioned(words)), None)
    if named is None:
        raise InstrumentNotFound(
            f"没有收录《{words.strip('《》')}》；可以不填法规名，按内容检索。",
            f"'{words.strip('《》')}' is not held; search by content without a title.")
    return named


def _read_article(session: Session, arguments: dict[str, Any]) -> list[Evidence]:
    title = _title(session, str(arguments["title"]))
    words = str(arguments["article"])
    number = _NUMBER.search(words)
    if number is None or title is None:
        raise ToolProblem(say("no_article_number", "zh", value=words),
                          say("no_article_number", "en", value=words))
    clause = session.ledger.article(title, article_key(number[0]), session.as_of)
    return [session.clause(clause)]


def _values(result: ToolResult) -> dict[str, Value]:
    return {name: Value(text=figure.text, unit=figure.unit, label_zh=figure.label_zh,
                        label_en=figure.label_en) for name, figure in result.values.items()}


def _ran(session: Session, tool: str, result: ToolResult, note: str = "") -> list[Evidence]:
    run = ToolRunEvidence(
        id=session.next_id(), values=_values(result), tool=tool, inputs=dict(result.inputs),
        summary=result.summary(session.language) + note, seed=result.seed,
        images=[str(path) for path in result.images])
    session.evidence.append(run)
    return [run]


def _calculate(session: Session, arguments: dict[str, Any]) -> list[Evidence]:
    from tools.calculate import calculate

    return _ran(session, "calculate", calculate(str(arguments["expression"])))


def _legal_deadline(session: Session, arguments: dict[str, Any]) -> list[Evidence]:
    from tools.calendar_cn import full_date, yearless_spans
    from tools.deadline_acts import counts_back
    from tools.legal_deadline import legal_deadline

    if session.said and counts_back(session.said[-1]):
        raise ToolProblem(say("counts_back", "zh"), say("counts_back", "en"))
    said = str(arguments["start"]).strip()
    start = full_date(said, "\n".join(session.said), session.today)
    assumed = start != said and yearless_spans(said)
    note = say("year_assumed", session.language, said=said, day=start) if assumed else ""
    return _ran(session, "legal_deadline", legal_deadline(start, str(arguments["period"])), note)


def _query_city_data(session: Session, arguments: dict[str, Any]) -> list[Evidence]:
    from tools.city_data import query_city_data

    result = query_city_data(str(arguments["query"]))
    data = DataRowEvidence(
        id=session.next_id(), values=_values(result), table=result.table,
        query=str(result.inputs.get("sql") or result.inputs["query"]),
        columns=list(result.columns), rows=[list(row) for row in result.rows],
        sources=list(result.sources))
    session.evidence.append(data)
    return [data]


def _percent(value: Any) -> float:
    try:
        return float(str(value).strip().rstrip("%％"))
    except ValueError:
        raise ToolProblem(f"demand_percent 是“{value}”，应为数字，例如 20 或 -10。",
                          f"demand_percent is '{value}'; give a number such as 20 or -10."
                          ) from None


def _traffic_scenario(session: Session, arguments: dict[str, Any]) -> list[Evidence]:
    from tools.traffic_scenario import traffic_scenario
    from tools.traffic_words import lanes, unmodelled

    said, close = session.said[-1] if session.said else "", str(arguments.get("close") or "none")
    if word := unmodelled(said):
        raise ToolProblem(say("not_simulated", "zh", what=word),
                          say("not_simulated", "en", what=word))
    part = lanes(said) if close != "none" else ""
    return _ran(session, "traffic_scenario", traffic_scenario(
        close=close, demand_percent=_percent(arguments.get("demand_percent") or 0),
        plate_restriction=str(arguments.get("plate_restriction") or "none"), folder=session.maps),
        note=say("whole_road", session.language, what=part) if part else "")


RUN: dict[str, Callable[[Session, dict[str, Any]], list[Evidence]]] = {
    "search_regulations": _search_regulations,
    "read_article": _read_article,
    "calculate": _calculate,
    "legal_deadline": _legal_deadline,
    "query_city_data": _query_city_data,
    "traffic_scenario": _traffic_scenario,
    "triage_petition": petition_tools.triage_petition,
    "similar_petitions": petition_tools.similar_petitions,
    "draft_reply": petition_tools.draft_reply,
    policy_tool.NAME: policy_tool.match_policies,
}


class Toolbox:
    """Which tools there are, and which of them are offered for a question.

    `maps` is the folder into which a simulation draws; None: it draws nothing. Without a `desk` the
    tools of the petition clerk are not offered, without an `adviser` not the one of policies.
    """

    def __init__(self, ledger: Ledger, search: Search, retriever: ToolRetriever | None = None,
                 specs: Sequence[ToolSpec] = SPECS, offered: int = 3,
                 maps: Path | None = None, desk: Desk | None = None,
                 adviser: Adviser | None = None) -> None:
        self.ledger = ledger
        self.search = search
        self.retriever = retriever
        self.specs = tuple(specs)
        self.offered = offered
        self.maps = maps
        self.desk = desk
        self.adviser = adviser

    def offer(self, question: str, earlier: Sequence[str] = (),
              closed: Collection[str] = ()) -> list[ToolSpec]:
        """The likeliest tools first, their arguments limited to what the question allows.

        All tools that could be called where there is no retriever. `earlier` are the questions
        before this one, which may be pointed at as well; `closed` are tools that this user may not
        use.
        """
        bound = (self.bind(spec, question, earlier) for spec in self.specs
                 if spec.name not in closed)
        by_name = {spec.name: spec for spec in bound if spec is not None}
        if self.retriever is None:
            return list(by_name.values())
        needs = two_needs(question, self.retriever, by_name)
        if LAW in needs:
            law = self.bind(self._spec(LAW), needs[LAW], earlier)
            by_name[LAW] = law or by_name[LAW]
        demand = demanded(question, self.retriever, by_name)
        first = [*needs] or ([demand] if demand else [])
        names = [*first, *self.retriever.offer(
            in_context(question, earlier), self.offered, by_name)]
        return [by_name[name] for name in dict.fromkeys(names)][:self.offered]

    def owed(self, question: str, offered: Sequence[ToolSpec]) -> list[str]:
        """Names of the tools that must be called before an answer: see `needs`."""
        if self.retriever is None:
            return []
        possible = [spec.name for spec in offered]
        demand = demanded(question, self.retriever, possible)
        return list(two_needs(question, self.retriever, possible)) or ([demand] if demand else [])

    def _spec(self, name: str) -> ToolSpec:
        return next(spec for spec in self.specs if spec.name == name)

    def bind(self, spec: ToolSpec, question: str, earlier: Sequence[str] = ()) -> ToolSpec | None:
        """The tool for this question; None where the question names nothing to call it with."""
        if spec.name in petition_tools.NAMES and self.desk is None:
            return None
        if spec.name == policy_tool.NAME and self.adviser is None:
            return None
        return choices.bind(spec, choices.read(spec.name, question, earlier, self.ledger))

    def must_look(self, question: str) -> bool:
        """Whether the question is city business beyond doubt, so that a tool must be called."""
        return self.retriever is not None and self.retriever.city_business(question)

    def session(self, as_of: date, today: date, language: Language = "zh",
                said: Sequence[str] = ()) -> Session:
        """A fresh session for one question; `said`: the ones before it, and it."""
        return Session(self.ledger, self.search, as_of, today, language, self.maps, self.desk,
                       self.adviser, said)

    def tools(self, session: Session, specs: Sequence[ToolSpec]) -> list[BaseTool]:
        """LangChain tools bound to the session."""
        return [_structured(session, spec) for spec in specs]


def _structured(session: Session, spec: ToolSpec) -> BaseTool:
    from langchain_core.tools import StructuredTool
    from langchain_core.tools import ToolException as Told

    def run(**arguments: Any) -> str:
        try:
            return session.call(spec, arguments)
        except ToolProblem as problem:
            raise Told(session.told(problem)) from problem

    def tell(problem: ToolException) -> str:
        return str(problem)

    return StructuredTool(name=spec.name, description=spec.description, args_schema=spec.schema,
                          func=run, handle_tool_error=tell)
