"""One policy for one enterprise as evidence: the trace of its rules, and what may be named of it.

The steps are the sentences of `explain`; the values are what a model may put into its own sentences
by reference: it neither judges nor copies a figure.
"""

from __future__ import annotations

from collections.abc import Iterable

from cityllm.evidence import RuleTraceEvidence, Value
from cityllm.messages import Language
from cityllm.policies.explain import Words
from cityllm.policies.service import Match, PolicyService

RULE = "match_policies"
MOST = 4
"""Names that one value lists."""


def match_trace(service: PolicyService, match: Match, language: Language) -> RuleTraceEvidence:
    """The match as evidence `E1`. A value that has nothing to name is left out."""
    words, policy = Words(service, language), match.result.bound.policy
    unmet = [one.clause.say(language) for one in match.result.clauses if one.met is False]
    missing = [service.describer.label(one, language) for one in match.result.missing]
    papers = [one.say(language) for one in match.papers]
    told = {
        "policy": ("政策", "policy", policy.title.say(language)),
        "verdict": ("结论", "verdict", words.verdict(match)),
        "unmet": ("没有达到的条件", "conditions not met", _listed(unmet, language)),
        "missing": ("还缺的信息", "data missing", _listed(missing, language)),
        "change": ("最小改动", "smallest change", words.changes(match)),
        "amount": ("金额", "amount", words.money(match)),
        "papers": ("要带的材料", "papers to bring", _listed(papers, language)),
        "window": ("申报期", "window", words.window(match))}
    values = {name: Value(text=text, label_zh=zh, label_en=en)
              for name, (zh, en, text) in told.items() if text}
    return RuleTraceEvidence(id="E1", rule=RULE, steps=list(words.full(match)), values=values)


def _listed(names: Iterable[str], language: Language) -> str:
    held = list(dict.fromkeys(names))
    more = (f"等 {len(held)} 项", f" and others, {len(held)} in all")[language == "en"]
    return ("、", ", ")[language == "en"].join(held[:MOST]) + (more if len(held) > MOST else "")
