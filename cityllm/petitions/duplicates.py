"""Which petitions are the same matter, and which come from the same person again.

A text becomes a MinHash signature over its character trigrams; pairs that share a band are compared
by the share of equal signs, which estimates their Jaccard similarity. Same matter: nearly the same
words; or similar words, the same place, close in time; or similar words of the same person. Two
texts that name different places only are not one matter: a form letter from two estates. The
signature tells nothing of the text, so that it may be kept where the text may not. Not here: the
same matter in quite other words, which needs the grouping of hot issues.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIGNS, ROWS = 126, 3
READ = 1500
"""Characters of a text that are compared."""
SAME, ALIKE, OWN = 0.5, 0.3, 0.25
"""Similarity of one matter by words alone; with the same place; by the same person."""
DAYS, NEAR_DAYS = 180, 60
MARK = re.compile(r"〔[^〕]{1,5}〕")
_SKIP = re.compile(r"[^0-9A-Za-z\u3400-\u9fff]+")
_PLACE = re.compile(r"((?:(?![的了在是和与一这那个上下到从及我们您条该本某])[\u3400-\u9fffA-Za-z0-9]){2})"
                    r"(小区|花园|家园|公寓|大厦|广场|社区|街道|大道|市场|学校|小学|中学|"
                    r"幼儿园|医院|公园|路(?![灯面障由过])|[街巷镇村乡桥苑城府庭湾园])(?![\u3400-\u9fff]?[长委])")
_SEED = np.random.default_rng(20220225)
_TIMES = _SEED.integers(1, 2**63, SIGNS, dtype=np.uint64) | np.uint64(1)
_PLUS = _SEED.integers(0, 2**63, SIGNS, dtype=np.uint64)
_GRAM = tuple(np.uint64(n) for n in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9))


@dataclass(frozen=True)
class Sketch:
    """What is compared of one petition, without its words: `signs` (SIGNS,) uint32, `order` days
    since year 1 (0: unknown), hashed `person`, `places` as keys of a few signs."""

    id: str
    signs: NDArray[np.uint32]
    order: int = 0
    person: str = ""
    places: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Link:
    """`same`: id of an earlier petition on the same matter; `again`: of the same person."""

    same: str = ""
    again: str = ""


def plain(text: str) -> str:
    """What is compared: letters, digits and characters, without marks of masking."""
    return _SKIP.sub("", MARK.sub("", text))[:READ].lower()


def signature(text: str) -> NDArray[np.uint32]:
    """MinHash over the trigrams of `plain(text)`; all ones where there is nothing to compare."""
    codes = np.frombuffer(plain(text).encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    if len(codes) < 3:
        return np.full(SIGNS, 2**32 - 1, np.uint32)
    grams = codes[:-2] * _GRAM[0] + codes[1:-1] * _GRAM[1] + codes[2:] * _GRAM[2]
    grams = np.unique(grams ^ (grams >> np.uint64(29)))
    hashed = (grams[:, None] * _TIMES + _PLUS) >> np.uint64(32)
    lowest: NDArray[np.uint32] = hashed.min(axis=0).astype(np.uint32)
    return lowest


def places_in(text: str, given: str = "") -> frozenset[str]:
    """Keys of the estates, roads, villages and schools named: two signs and the kind."""
    return frozenset("".join(found.groups()) for found in _PLACE.finditer(text + "\n" + given))


def link(sketches: Sequence[Sketch]) -> list[Link]:
    """For each petition the earlier ones it belongs to; earlier by date, then by place in line."""
    line = sorted(range(len(sketches)), key=lambda n: (sketches[n].order or 10**9, n))
    rank = {n: place for place, n in enumerate(line)}
    same: dict[int, int] = {}
    for first, second, alike in _pairs(sketches):
        earlier, later = sorted((first, second), key=rank.__getitem__)
        if _one_matter(sketches[earlier], sketches[later], alike):
            held = same.get(later)
            if held is None or rank[earlier] < rank[held]:
                same[later] = earlier
    links = []
    before: dict[str, int] = {}
    again: dict[int, int] = {}
    for n in line:
        who = sketches[n].person
        if who:
            if who in before:
                again[n] = before[who]
            before[who] = n
    for n in range(len(sketches)):
        links.append(Link(sketches[same[n]].id if n in same else "",
                          sketches[again[n]].id if n in again else ""))
    return links


def _one_matter(first: Sketch, second: Sketch, alike: float) -> bool:
    apart = abs(first.order - second.order) if first.order and second.order else 0
    if apart > DAYS:
        return False
    shared = first.places & second.places
    if first.places and second.places and not shared:
        return False
    if first.person and first.person == second.person and alike >= OWN:
        return True
    return alike >= SAME or (bool(shared) and alike >= ALIKE and apart <= NEAR_DAYS)


def _pairs(sketches: Sequence[Sketch]) -> list[tuple[int, int, float]]:
    """Pairs that share a band, with their estimated similarity: each with its neighbour in the
    band and with the first of it, so that a heap of copies costs no more than their number."""
    if len(sketches) < 2:
        return []
    signs = np.stack([one.signs for one in sketches])
    told = signs[:, 0] != 2**32 - 1
    where = np.flatnonzero(told | (signs != 2**32 - 1).any(axis=1))
    seen: list[NDArray[np.int64]] = []
    count = np.int64(len(sketches))
    for start in range(0, SIGNS, ROWS):
        band = signs[where, start:start + ROWS].astype(np.uint64)
        key = band[:, 0] * _GRAM[0] ^ band[:, 1] * _GRAM[1] ^ band[:, 2] * _GRAM[2]
        order = np.argsort(key, kind="stable")
        key, rows = key[order], where[order]
        equal = key[1:] == key[:-1]
        first = np.maximum.accumulate(np.where(np.concatenate(([True], ~equal)),
                                               np.arange(len(key)), 0))
        left = np.concatenate((rows[:-1][equal], rows[first[1:]][equal]))
        right = np.concatenate((rows[1:][equal], rows[1:][equal]))
        seen.append(np.unique(np.minimum(left, right) * count + np.maximum(left, right)))
    both = np.unique(np.concatenate(seen)) if seen else np.empty(0, np.int64)
    found: list[tuple[int, int, float]] = []
    for start in range(0, len(both), 50_000):
        left, right = np.divmod(both[start:start + 50_000], count)
        keep = left != right
        left, right = left[keep], right[keep]
        alike = (signs[left] == signs[right]).mean(axis=1)
        good = alike >= min(OWN, ALIKE)
        found += zip(left[good].tolist(), right[good].tolist(), alike[good].tolist(), strict=True)
    return found
