"""The language model for rows of which the fast classifier is not sure, and for no others.

The classifier's best categories are numbered, and the model calls one tool with a number: it
points, the program writes. Whatever else it says leaves the classifier's label. A report of
wrongdoing and what may be one are never asked about. Confidence stays the classifier's own, so that
a row below the automatic line is still read by a person.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from cityllm import prompts
from cityllm.errors import CityLLMError
from cityllm.petitions.classify import Classifier
from cityllm.petitions.record import Labels
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
        bound = model.bind_tools([prompts.category_tool(numbers)], tool_choice="any")
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

    `calls` and `seconds` count what was asked so far. A model that fails leaves the classifier's
    labels, and after `FAILURES` failures in a row is asked no more.
    """

    fast: Classifier
    ask: Ask
    unsure: float = UNSURE
    at_once: int = 1
    calls: int = 0
    seconds: float = 0.0
    _failed: int = field(default=0, repr=False)

    def labels(self, texts: Sequence[str], districts: Sequence[str] | None = None) -> list[Labels]:
        """One `Labels` a text; `districts` name the place where it is known."""
        found = self.fast.labels(texts, districts)
        doubtful = [at for at, one in enumerate(found) if self._may_ask(texts[at], one)]
        began = time.perf_counter()
        with ThreadPoolExecutor(self.at_once) as pool:
            picks = list(pool.map(lambda at: self._pick(texts[at], found[at]), doubtful))
        self.seconds += time.perf_counter() - began
        for at, code in zip(doubtful, picks, strict=True):
            if code:
                where = districts[at] if districts else ""
                found[at] = replace(
                    found[at], category_code=code, category=self.fast.tree.path(code),
                    department=self.fast.duties.department(code, where, texts[at]))
        return found

    def _may_ask(self, text: str, labels: Labels) -> bool:
        return bool(text.strip() and labels.confidence < self.unsure and not labels.suspected
                    and not is_secret(shield(text, labels)))

    def _pick(self, text: str, labels: Labels) -> str:
        if self._failed >= FAILURES:
            return ""
        codes = [code for code, _ in labels.alternatives]
        options = [" / ".join(self.fast.tree.path(code)) for code in codes]
        self.calls += 1
        try:
            at = self.ask(text[:READ], options)
        except CityLLMError:
            self._failed += 1
            return ""
        self._failed = 0
        return "" if at is None else codes[at]
