"""The language model for rows of which the fast classifier is not sure, and for no others.

The classifier's best categories are numbered, and the model calls one tool with a number: it
points, the program writes. Another label than the classifier's has to be named twice, in either
order of the options; and a model that does not solve easy questions (`trial`) is not asked.
Whatever else it says leaves the classifier's label. A report of wrongdoing and what may be one are
never asked about. Confidence stays the classifier's own, so that a row below the automatic line is
still read by a person.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING, Any

from cityllm import prompts
from cityllm.errors import CityLLMError
from cityllm.petitions.classify import Classifier
from cityllm.petitions.record import Ground, Labels
from cityllm.petitions.trial import MARK, QUESTIONS, Question
from cityllm.petitions.wrongdoing import is_secret, shield

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

UNSURE = 0.5
"""Confidence of the classifier below which the model is asked."""
READ = 400
"""Characters of a message that the model reads."""
FAILURES = 3
"""Times in a row that the model fails before it is asked no more."""
Ask = Callable[[str, Sequence[str]], int | None]


def asker(model: BaseChatModel) -> Ask:
    """Asks a chat model which of some options fits a message; None where it names none."""
    from langchain_core.messages import HumanMessage, SystemMessage

    def ask(text: str, options: Sequence[str]) -> int | None:
        numbers = [str(at + 1) for at in range(len(options))]
        bound = model.bind_tools([prompts.category_tool(numbers)], tool_choice="choose_category")
        said: Any = bound.invoke([SystemMessage(prompts.CATEGORY_SYSTEM),
                                  HumanMessage(prompts.category_question(text, options))])
        for call in getattr(said, "tool_calls", ()):
            if (number := str(call["args"].get("number", ""))) in numbers:
                return int(number) - 1
        return None

    return ask


@dataclass
class Cascade:
    """A labeller: the classifier for all, `ask` for the unsure, `at_once` of them together.

    The model is asked `trial` first; where it solves less than `MARK` of that, it is asked no
    more. `twice`: another label than the classifier's is believed only where the model names it
    again with the options in the other order; one that likes a place in the list changes nothing.

    `calls`, `solved` (None before the trial), `changed`, `failed` (calls without an answer) and
    `seconds` count what was asked so far. A model that fails leaves the classifier's labels, and
    after `FAILURES` failures in a row is asked no more.
    """

    fast: Classifier
    ask: Ask
    unsure: float = UNSURE
    at_once: int = 1
    trial: Sequence[Question] = QUESTIONS
    twice: bool = True
    calls: int = 0
    solved: int | None = None
    changed: int = 0
    failed: int = 0
    seconds: float = 0.0
    _running: int = field(default=0, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def labels(self, texts: Sequence[str], districts: Sequence[str] | None = None) -> list[Labels]:
        """One `Labels` a text; `districts` name the place where it is known."""
        found = self.fast.labels(texts, districts)
        doubtful = [at for at, one in enumerate(found) if self._may_ask(texts[at], one)]
        began = time.perf_counter()
        with ThreadPoolExecutor(self.at_once) as pool:
            if doubtful and self.solved is None:
                self.solved = sum(pool.map(self._solves, range(len(self.trial))))
            if (self.solved or 0) < MARK * len(self.trial):
                doubtful = []
            picks = list(pool.map(lambda at: self._pick(texts[at], found[at]), doubtful))
        self.seconds += time.perf_counter() - began
        for at, code in zip(doubtful, picks, strict=True):
            if code and code != found[at].category_code:
                where = districts[at] if districts else ""
                found[at] = replace(
                    found[at], category_code=code, category=self.fast.tree.path(code),
                    department=self.fast.duties.department(code, where, texts[at]))
                self.changed += 1
        return found

    def grounds(self, texts: Sequence[str], labels: Sequence[Labels],
                districts: Sequence[str]) -> list[tuple[Ground, ...]]:
        """Why each label was given: the classifier's reasons, or that the model named it."""
        return self.fast.grounds(texts, labels, districts)

    def _may_ask(self, text: str, labels: Labels) -> bool:
        return bool(text.strip() and labels.confidence < self.unsure and not labels.suspected
                    and not is_secret(shield(text, labels)))

    def _solves(self, number: int) -> bool:
        question, place = self.trial[number], number % 3
        options = question.options(place)
        return (self._named(question.text, options[::-1]) == 2 - place
                and self._named(question.text, options) == place)

    def _pick(self, text: str, labels: Labels) -> str:
        """The code that is to stand; "" where the model names none, or not the same one twice."""
        codes = [code for code, _ in labels.alternatives]
        options = [" / ".join(self.fast.tree.path(code)) for code in codes]
        if not self.twice:
            at = self._named(text, options)
            return "" if at is None else codes[at]
        back = self._named(text, options[::-1])
        at = None if back is None else len(codes) - 1 - back
        return codes[at] if at and self._named(text, options) == at else ""

    def _named(self, text: str, options: Sequence[str]) -> int | None:
        """The place in this order that the model points at."""
        with self._lock:
            if self._running >= FAILURES:
                return None
            self.calls += 1
        try:
            at = self.ask(text[:READ], options)
        except CityLLMError:
            with self._lock:
                self._running += 1
                self.failed += 1
            return None
        self._running = 0
        return at
