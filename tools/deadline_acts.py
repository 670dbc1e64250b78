"""What a person asks the last day of: suing, appealing, asking for a review, a hearing.

收到复议决定, 最迟什么时候起诉 names two periods of the catalogue, and the one of its 起诉 is meant.
`asked` reads such an act where it stands in one clause with the question for the day, and gives
the words by which the catalogue's periods name it. It does not tell which law applies.
"""

from __future__ import annotations

import re
from itertools import pairwise

_ASKING = r"(?:申请|请求|要求|提起|提出|提|办)(?:信访|行政|劳动)?"
_ACTS = {
    "起诉": r"起诉|打官司|告(?:到|上)法院|[去到上]法院告|提起(?:行政)?诉讼|\bsue\b|lawsuit|go to court",
    "上诉": r"上诉|\bappeal\b",
    "复核申请": _ASKING + r"复核",
    "复查申请": _ASKING + r"复查",
    "复议申请": _ASKING + r"复议|apply for (?:administrative )?reconsideration",
    "仲裁申请": _ASKING + r"仲裁|apply for arbitration",
    "听证申请": _ASKING + r"听证|(?:ask for|request) a hearing",
}
_WHEN = re.compile(r"最[迟晚后]|什么时候|何时|哪一?[天日]|几[号天]|多久|多少[天日]|截止|到期|期限|之前要|来得及"
                   r"|deadline|last day|latest|by when|until|how long|how many days", re.IGNORECASE)
_WISH = re.compile(r"想|要|打算|准备|[还也]?能|可以|不服|want|would like|intend", re.IGNORECASE)
_REPLY = re.compile(r"答复|回复|办结|决定|受理|意见|结果|给我|decid|repl|answer", re.IGNORECASE)
_BACK = re.compile(r"[往向朝]前(?:推|数|倒|算)|倒[推数算]|count(?:ing|ed)? back|backwards?\b"
                   r"|\d+ (?:working |calendar )?days (?:before|prior to|earlier)", re.IGNORECASE)
_CLAUSE = re.compile(r"[，。；？！,;?!\n]|\.(?=\s|$)")


def counts_back(text: str) -> bool:
    """Whether `text` wants a day before the one that it names (往前推20日)."""
    return _BACK.search(text) is not None


def named(text: str) -> list[str]:
    """The acts that `text` names, whatever it asks."""
    return [act for act, words in _ACTS.items() if re.search(words, text, re.IGNORECASE)]


def asked(text: str) -> list[str]:
    """The acts whose last day `text` asks for (起诉, 复核申请, …), in one clause with the question or
    as a wish just before it; empty where it asks for none."""
    clauses = _CLAUSE.split(text)
    asking = [clause for clause in clauses if _WHEN.search(clause)]
    asking += [before for before, clause in pairwise(clauses)
               if _WHEN.search(clause) and _WISH.search(before) and not _REPLY.search(clause)]
    return [act for act, words in _ACTS.items()
            if any(re.search(words, clause, re.IGNORECASE) for clause in asking)]
