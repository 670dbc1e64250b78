"""One sentence that says what a petition is about and what it asks for, out of its own words."""

from __future__ import annotations

import re

LONGEST = 90
_SENTENCE = re.compile(r"[^。！!？?；;\n]{4,}[？?]?")
_ASK = re.compile("请问|恳请|请求|请|希望|望|要求|建议|盼|能否|可否|是否|什么时候|何时|怎么|如何|应当|应该")
_GREETING = re.compile(r"^(?:尊敬的|敬爱的)?[^，,。：:]{0,12}(?:您好|你好|好)[！!，,：:。]?|^[\s\u3000]+")


def summarise(title: str, text: str) -> str:
    """Title, or else the first sentence, and after 诉求： the sentence that asks; at most 90 signs."""
    sentences = [_GREETING.sub("", one.strip()) for one in _SENTENCE.findall(text)]
    sentences = [one for one in sentences if len(one) >= 5]
    head = " ".join(title.split()) or (sentences[0] if sentences else " ".join(text.split()))
    asks = [one for one in sentences if _ASK.search(one) and one not in head and head not in one]
    head = _cut(head, 50)
    if not asks:
        return head
    best = max(reversed(asks), key=lambda one: len(_ASK.findall(one)))
    return f"{head}；诉求：{_cut(best, LONGEST - len(head) - 4)}"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[:length - 1] + "…"
