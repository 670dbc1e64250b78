"""A trace of rules retold in a model's sentences, through the grounding of the chat.

The verdict is the rules' own sentence, always and first. A sentence of the model stands after it
only where it names the trace by reference, says nothing of who is entitled, names nothing twice,
and passes `grounding`. What is left out is told with its reason. A sentence that puts a true name
into the wrong role passes: no check follows the sense.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cityllm import prompts
from cityllm.agent.grounding import retell
from cityllm.agent.references import sentences
from cityllm.agent.verify import Facts
from cityllm.evidence import RuleTraceEvidence
from cityllm.messages import Language, say

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

_ENTITLED = re.compile(
    r"符合|满足|够条件|合格|有资格|无资格|达标|[能可得][以够]?(?:享受|申请|申报|领取|拿到|获得)|享受不|通过认定"
    r"|eligib|qualif|entitle|meets?\b"
    r"|\b(?:can|may|could|will)\b[^.]{0,30}\b(?:get|receive|apply|claim)",
    re.IGNORECASE)


@dataclass(frozen=True)
class Wording:
    """`text` is shown; `by` says whose sentences follow the verdict (`model` or `rules`), `note`
    tells a reader; `removed` are the model's that were left out, each with its reason."""

    text: str
    by: str
    note: str
    removed: tuple[str, ...] = ()


class Narrator:
    """Asks `model`; without one, every wording is the rules' own. Several threads may ask."""

    def __init__(self, model: BaseChatModel | None) -> None:
        self._model = model

    def tell(self, trace: RuleTraceEvidence, verdict: str, plain: Sequence[str],
             language: Language) -> Wording:
        """`verdict`, then the model's sentences on `trace`; where none stands, the rules' `plain`
        ones. Raises ModelUnavailable and ModelTimeout."""
        from langchain_core.messages import HumanMessage, SystemMessage

        gap = " " if language == "en" else ""
        by_rules = gap.join([verdict, *plain])
        if self._model is None:
            return Wording(by_rules, "rules", say("no_narrator", language))
        reply = self._model.invoke([SystemMessage(prompts.EXPLAIN_SYSTEM),
                                    HumanMessage(prompts.explain_question(trace, language))])
        removed: list[str] = []
        raw = "".join(one.raw + "\n" * one.ends_line for one in sentences(str(reply.text))
                      if _may_stand(one.plain, one.references, removed, one.raw))
        told = retell(raw, Facts([trace], ""), language, removed)
        if not told:
            return Wording(by_rules, "rules", say("narrator_removed", language), tuple(removed))
        return Wording(f"{verdict}{gap}{told}", "model", say("told_by_model", language),
                       tuple(removed))


def _may_stand(plain: str, references: Sequence[object], removed: list[str], raw: str) -> bool:
    reason = "只有规则能说能不能享受" if _ENTITLED.search(plain) else (
        "没有引用" if not references else "同一引用写了两次" if len(set(references)) < len(references)
        else "")
    if reason:
        removed.append(f"{raw}（{reason}）")
    return not reason
