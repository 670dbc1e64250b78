"""The ledger's Chinese words for level, status and region, on an English page.

A title, an issuer or a note stays in Chinese: it is a name, and no official translation is held.
"""

from __future__ import annotations

import re

from cityllm.messages import Language

LEVELS = {
    "宪法": "Constitution", "法律": "law", "行政法规": "administrative regulation",
    "地方性法规": "local regulation", "设区的市地方性法规": "local regulation of a city",
    "部门规章": "departmental rule", "地方政府规章": "local government rule",
    "设区的市政府规章": "city government rule", "自治条例和单行条例": "autonomous regulation",
    "司法解释": "judicial interpretation", "党政联合法规": "joint Party and State regulation",
    "标准": "standard", "规范性文件": "normative document", "参考资料": "reference material",
}
_DAY = r"(\d{4}-\d\d-\d\d)"
_STATUS = (
    (re.compile(rf"已废止（{_DAY} 起，由(《[^》]*》)取代）"), r"repealed from \1, replaced by \2"),
    (re.compile(rf"已废止（{_DAY} 起）"), r"repealed from \1"),
    (re.compile(rf"旧版本（{_DAY} 起不再适用）"), r"older version, no longer applied from \1"),
    (re.compile(rf"现行（{_DAY} 起）"), r"in force since \1"),
    (re.compile(r"现行（施行日期不详）"), "in force, since when is not known"),
    (re.compile("；"), "; "),
)


def level(word: str, language: Language) -> str:
    """The level of an instrument."""
    return LEVELS.get(word, word) if language == "en" else word


def region(word: str, language: Language) -> str:
    """Where it applies; only the whole country has an English name."""
    return "all of China" if language == "en" and word == "全国" else word


def status(words: str, language: Language) -> str:
    """Whether and since when it applies."""
    if language == "en":
        for pattern, english in _STATUS:
            words = pattern.sub(english, words)
    return words
