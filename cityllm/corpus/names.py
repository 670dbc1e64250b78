"""Names of instruments: one key for the many ways of writing a title, and titles in free text.

《中华人民共和国城乡规划法》, 中华人民共和国城乡规划法 and 城乡规划法 have one key. A short name that only one
title ends with (所得税法实施条例 → 企业所得税法实施条例) is found too; a name that two could mean is not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

_BRACKETS = str.maketrans("()〈〉<>", "（）《》《》")
_ROUND = str.maketrans("()", "（）")
_NATION = re.compile("(?<!在)中华人民共和国")
_AFTER_LAW = re.compile("法(?:定|人|院|律|规|官|庭|制|治|学|医|务|警|槌|案|条(?!例|第|文))|条例(?:外)|办法(?:院)")
_MIN_SUFFIX = 4


def plain_title(title: str) -> str:
    """Title as the ledger shows it: no 《》 around it, no 中华人民共和国, no spaces, full-width （）."""
    title = title.strip().strip("#* ")
    title = re.sub(r"院\s+最高", "院、最高", title)
    title = re.sub(r"\s+", "", title).translate(_ROUND)
    if title.startswith("《") and title.endswith("》") and title.count("《") == 1:
        title = title[1:-1]
    return _NATION.sub("", title)


def title_key(title: str) -> str:
    """What two ways of writing one title have in common; quotation marks within it do not count."""
    return re.sub("[《》“”\"、，,]", "", plain_title(title).translate(_BRACKETS))


class Names:
    """Look-up of titles by name. Built from titles (current ones first) and an alias table.

    `others` are keys of instruments known but not held (合同法): no longer title is taken for them.
    """

    def __init__(self, titles: Iterable[str], aliases: Mapping[str, str],
                 others: Iterable[str] = ()) -> None:
        self._others = frozenset(others)
        self._by_key: dict[str, str] = {}
        self._titles = list(dict.fromkeys(titles))
        for title in self._titles:
            self._by_key.setdefault(title_key(title), title)
        for alias, title in aliases.items():
            if title_key(title) in self._by_key:
                self._by_key.setdefault(title_key(alias), self._by_key[title_key(title)])
        self._heads: dict[str, list[tuple[str, str]]] = {}
        for key, title in self._by_key.items():
            if len(key) >= 2:
                self._heads.setdefault(key[:2], []).append((key, title))
        for names in self._heads.values():
            names.sort(key=lambda pair: -len(pair[0]))

    def resolve(self, name: str) -> str | None:
        """Title for a full name, an alias, or an ending that only one title has."""
        key = title_key(name)
        if not key:
            return None
        if key in self._by_key:
            return self._by_key[key]
        if len(key) < _MIN_SUFFIX or key in self._others:
            return None
        ends = {title for known, title in self._by_key.items() if known.endswith(key)}
        if len(ends) > 1:
            ends = {title for title in ends if not re.search("实施|关于|[省市]", title)}
        return ends.pop() if len(ends) == 1 else None

    def mentioned(self, text: str) -> list[str]:
        """Titles named in `text`, longest name first; a name inside a longer one does not count."""
        found: dict[str, int] = {}
        for quoted in re.findall(r"《((?:[^《》]|《[^《》]*》)+)》", text):
            title = self.resolve(quoted)
            if title:
                found[title] = max(found.get(title, 0), len(quoted))
        flat = title_key(text)
        at = 0
        while at < len(flat) - 1:
            step = 1
            for key, title in self._heads.get(flat[at:at + 2], ()):
                if flat.startswith(key, at) and not self._runs_on(flat, at + len(key)):
                    found[title] = max(found.get(title, 0), len(key))
                    step = len(key)
                    break
            at += step
        return sorted(found, key=lambda title: -found[title])

    def near(self, name: str, limit: int = 3) -> list[str]:
        """Titles that look like `name`, for an error message."""
        key = title_key(name)
        holding = [title for known, title in self._by_key.items() if key and key in known]
        if holding:
            return list(dict.fromkeys(sorted(holding, key=len)))[:limit]
        keys = get_close_matches(key, list(self._by_key), n=limit, cutoff=0.6)
        return list(dict.fromkeys(self._by_key[match] for match in keys))

    @staticmethod
    def _runs_on(flat: str, end: int) -> bool:
        """Whether the name goes on into another word: 公司法 in 公司法定代表人."""
        return bool(_AFTER_LAW.match(flat, end - 1)) or bool(_AFTER_LAW.match(flat, end - 2))
