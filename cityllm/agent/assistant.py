"""Question and history -> events, the last of them an Answer.

The loop is LangChain's `create_agent`: the model chooses tools and arguments, evidence collects
in the session, the model writes with references, `grounding` resolves and verifies. The assistant
adds what no model decides: the fact date, which tools are offered, refusals in whole sentences,
and plain search results where no model answers. Every way ends in a `Final`; no engine error gets
out.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from cityllm.agent import premises
from cityllm.agent.events import Delta, Event, Final, StepDone, StepStarted
from cityllm.agent.facts import fact_date, language_of
from cityllm.agent.grounding import ground, name, quote
from cityllm.agent.needs import in_context
from cityllm.agent.toolbox import Session, Toolbox, ToolFailed
from cityllm.agent.verify import Facts
from cityllm.errors import CityLLMError, ModelError
from cityllm.evidence import Answer, ClauseEvidence, Evidence, RuleTraceEvidence
from cityllm.messages import Language, say
from cityllm.prompts import POSSIBLE, SYSTEM_PROMPT

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessage

log = logging.getLogger(__name__)
Turn = tuple[str, str]
TURNS = 3
REMEMBERED = 240
NEAR, MORE = 0.8, 2
"""How near the score of an article cited others must be to be named beside it, and how many are."""
_PIECES = re.compile(r"(?<=[。！？；\n])|(?<=\. )")


@dataclass
class Draft:
    """What the run has brought so far."""

    session: Session
    language: Language
    question: str
    user: str
    said: str = ""
    began: float = 0.0


class Assistant:
    """One assistant serves many questions; it keeps nothing between them.

    `model` None means that there is none: search results are given, and the answer says so.
    `calls` bounds how often the model is asked for one question. `clock` gives today.
    """

    def __init__(self, toolbox: Toolbox, model: BaseChatModel | None, *, engine: str = "",
                 clock: Callable[[], date] = date.today, calls: int = 6) -> None:
        self.toolbox = toolbox
        self.model = model
        self.engine = engine
        self.clock = clock
        self.calls = calls

    def ask(self, question: str, history: Sequence[Turn] = (), as_of: date | None = None,
            language: Language | None = None) -> Answer:
        """The answer alone."""
        answer: Answer | None = None
        for event in self.stream(question, history, as_of, language):
            if isinstance(event, Final):
                answer = event.answer
        assert answer is not None
        return answer

    def stream(self, question: str, history: Sequence[Turn] = (), as_of: date | None = None,
               language: Language | None = None, closed: Collection[str] = ()) -> Iterator[Event]:
        """Steps as they happen, then the verified text in pieces, then the answer.

        `closed` are names of tools that whoever asks may not use. With `as_of` all is answered as
        on that day; without it the law is that of the date in the question, policies are today's.
        """
        today = as_of or self.clock()
        day = as_of or fact_date(question, today) or today
        tongue = language or language_of(question)
        said = [*(asked for asked, _ in history[-TURNS:]), question]
        session = self.toolbox.session(day, today, tongue, said)
        draft = Draft(session, tongue, question, "\n".join(said), began=time.perf_counter())
        try:
            yield from self._run(draft, history, closed)
            answer = self._answer(draft)
        except ToolFailed as problem:
            answer = self._refused(draft, "tool_failed",
                                   problem.zh if tongue == "zh" else problem.en)
        except ModelError as problem:
            log.warning("engine: %s", problem)
            answer = self._without_model(draft, problem)
        for piece in _PIECES.split(answer.text):
            if piece:
                yield Delta(piece)
        yield Final(answer)

    def _run(self, draft: Draft, history: Sequence[Turn],
             closed: Collection[str]) -> Iterator[Event]:
        if self.model is None:
            raise ModelError(say("no_model", "zh"), say("no_model", "en"))
        from langchain.agents import create_agent
        from langchain.agents.middleware import ModelCallLimitMiddleware
        from langchain_core.messages import AIMessage, ToolMessage

        from cityllm.agent.middleware import LookFirst, engine_errors

        earlier = [asked for asked, _ in history[-TURNS:]]
        specs = self.toolbox.offer(draft.question, earlier, closed)
        owed = self.toolbox.owed(draft.question, specs)
        look = bool(specs) and self.toolbox.must_look(in_context(draft.question, earlier))
        look_first = LookFirst(look, owed)
        agent = create_agent(
            self.model, self.toolbox.tools(draft.session, specs), system_prompt=SYSTEM_PROMPT,
            middleware=[ModelCallLimitMiddleware(run_limit=self.calls, exit_behavior="end"),
                        look_first, engine_errors()])
        shown = 0
        asked: Any = {"messages": _messages(draft.question, history)}
        limits: Any = {"max_concurrency": 1, "recursion_limit": 10 * self.calls}
        for update in agent.stream(asked, limits, stream_mode="updates"):
            for state in update.values():
                for message in (state or {}).get("messages", ()):
                    if isinstance(message, AIMessage):
                        draft.said = str(message.text)
                        for call in message.tool_calls:
                            yield StepStarted(call["name"], dict(call["args"]))
                    elif isinstance(message, ToolMessage):
                        for step in draft.session.steps[shown:]:
                            yield StepDone(step)
                        shown = len(draft.session.steps)

    def _answer(self, draft: Draft) -> Answer:
        session, ledger = draft.session, self.toolbox.ledger
        facts = Facts(session.evidence, draft.user, ledger.resolve, ledger.mentioned)
        grounded = ground(draft.said, facts, draft.question, draft.language)
        wrong = premises.check(draft.question, ledger, session.as_of)
        if wrong.refused and not (grounded.citations and wrong.some_hold):
            return self._refused(draft, wrong.refused, wrong.sentence(draft.language),
                                 grounded.removed)
        if grounded.verdict:
            told = grounded.verdict not in ("no_such_article", "not_held") or session.problems
            return self._refused(draft, grounded.verdict if told else "not_found", "",
                                 grounded.removed)
        if wrong.problems:
            session.evidence.append(RuleTraceEvidence(
                id=session.next_id(), rule="premise", steps=[wrong.sentence(draft.language)]))
        parts = [wrong.sentence(draft.language), _doubt(grounded.citations, draft.language),
                 grounded.text, _also(session.evidence, grounded.citations, draft.language),
                 self._footer(draft)]
        return self._finish(draft, "\n\n".join(part for part in parts if part),
                            citations=grounded.citations, removed=grounded.removed)

    def _footer(self, draft: Draft) -> str:
        if not any(isinstance(piece, ClauseEvidence) for piece in draft.session.evidence):
            return ""
        words = [say("as_of", draft.language, date=draft.session.as_of)]
        known = self.toolbox.ledger.status_known
        if known:
            words.append(say("status_known", draft.language, date=known))
        return f"*{'；'.join(words) if draft.language == 'zh' else '; '.join(words)}*"

    def _refused(self, draft: Draft, verdict: str, sentence: str = "",
                 removed: Sequence[str] = ()) -> Answer:
        """A refusal in whole sentences, with what could help."""
        language, session = draft.language, draft.session
        if verdict in ("no_such_article", "not_held") and not sentence:
            told = session.problems
            sentence = (told[-1].zh if language == "zh" else told[-1].en) if told else ""
        if verdict == "tool_failed" or (verdict == "not_found" and sentence):
            text = sentence
        elif verdict in ("no_such_article", "not_held"):
            default = say(f"{verdict}_default", language, as_of=session.as_of)
            text = say(verdict, language, detail=sentence or default)
        elif verdict == "not_found" and session.problems and not session.evidence:
            problem = session.problems[-1]
            text = problem.zh if language == "zh" else problem.en
        else:
            text = say(verdict, language)
        near = [c for c in session.evidence if isinstance(c, ClauseEvidence)][:3]
        if verdict == "unsupported" and near:
            names = [f"- [《{c.title}》{c.article_label}](#{c.id})" for c in near]
            text += "\n\n" + "\n".join([say("nearest", language), *names])
        return self._finish(draft, text, refused=verdict, removed=removed)

    def _without_model(self, draft: Draft, problem: CityLLMError) -> Answer:
        """Plain search results, with the reason; nothing here was written by a model."""
        language, session = draft.language, draft.session
        try:
            hits = self.toolbox.search.search(draft.question, session.as_of, 3)
            clauses = [session.clause(hit.clause, hit.passage, hit.score) for hit in hits]
        except CityLLMError as trouble:
            log.warning("search without a model: %s", trouble)
            clauses = []
        if self.model is None:
            first = say("no_model" if clauses else "no_model_nothing", language)
        else:
            first = problem.zh if language == "zh" else problem.en
            first += "\n\n" + say("plain_results", language) if clauses else ""
        parts = [first, *(quote(c, language) for c in clauses)]
        return self._finish(draft, "\n\n".join([*parts, self._footer(draft)]).strip(),
                            citations=clauses, refused="no_model")

    def _finish(self, draft: Draft, text: str, *, citations: Sequence[ClauseEvidence] = (),
                removed: Sequence[str] = (), refused: str = "") -> Answer:
        session = draft.session
        return Answer(
            question=draft.question, text=text, language=draft.language,
            citations=list(citations), evidence=list(session.evidence), steps=list(session.steps),
            verified=not refused, removed=list(removed), refused=refused, as_of=session.as_of,
            status_known=self.toolbox.ledger.status_known, engine=self.engine,
            seconds=round(time.perf_counter() - draft.began, 3))


def _also(evidence: Sequence[Evidence], cited: Sequence[ClauseEvidence],
          language: Language) -> str:
    """Links to articles that search found almost as likely as those cited; "" where none are."""
    known = {clause.clause_id for clause in cited}
    least = NEAR * max((clause.score for clause in cited), default=0.0)
    near = [piece for piece in evidence if isinstance(piece, ClauseEvidence)
            and piece.clause_id not in known and least and piece.score >= least]
    near.sort(key=lambda piece: -piece.score)
    links = [f"[{name(one, language)}](#{one.id})" for one in near[:MORE]]
    comma = "、" if language == "zh" else ", "
    return say("also_found", language) + comma.join(links) if links else ""


def _doubt(cited: Sequence[ClauseEvidence], language: Language) -> str:
    """A sentence before articles of which none is likely to answer; "" where one is."""
    if not cited or any(not 0 < clause.score < POSSIBLE for clause in cited):
        return ""
    return say("may_not_answer", language)


def _messages(question: str, history: Sequence[Turn]) -> list[BaseMessage]:
    """The last turns, answers cut short, then the question."""
    from langchain_core.messages import AIMessage, HumanMessage

    found: list[BaseMessage] = []
    for asked, answered in history[-TURNS:]:
        plain: Any = re.sub(r"\]\(#E\d+\)|[>*\[]", "", answered)
        found += [HumanMessage(asked), AIMessage(" ".join(plain.split())[:REMEMBERED])]
    return [*found, HumanMessage(question)]
