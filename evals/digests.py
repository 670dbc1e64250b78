"""Check the default pack's digests against the official text they restate.

For every digest: each figure, period, percentage and authority in it must occur in the article it
cites (Chinese numerals and digits count as the same figure), the article must exist in the version
named, and no run of characters longer than `MAX_SHARED_RUN` may be shared with the source, since
the pack states facts in our own words. It does not judge whether a digest is complete.

    python -m evals digests --laws DIR [--pack rag_corpus] [--only NAME] [--json OUT]
"""
from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import yaml

from cityllm.corpus.numerals import cn_to_int
from evals.command import checker, verdict

MAX_SHARED_RUN = 24
_CN_NUMBER = re.compile("[零〇一二两三四五六七八九十百千万亿]+")
NOT_FIGURES = re.compile(
    "统一|一定|一般|一致|第一时间|一并|一律|同一|一方|之一|一切|一旦|一次性|一体|逐一|任一|另一|唯一|万一|"
    "十分|千方百计|两者|一些|一样|一起|三同时|双随机、?一公开|一家|一户一宅|一种|一事|百姓|四至")
"""Words with a numeral in them that state no figure."""
_AUTHORITY = re.compile(
    "(?:国务院|省|自治区|直辖市|设区的市|市|县|区|乡|镇|街道)?[\u4e00-\u9fff]{0,6}"
    "(?:人民政府|主管部门|行政部门|人民法院|人民检察院|委员会|办事处|公安机关|救援机构|监察机关)"
)


def figures(text: str) -> set[int | str]:
    """Figures in `text`, each as one number: 五十万元, 50万元 and 500000元 are alike."""
    text = text.replace(",", "").replace("，", "，")
    found: set[int | str] = set()
    for match in re.finditer(r"(\d+(?:\.\d+)?)\s*(亿|万)?", text):
        number = float(match[1]) * {"亿": 1e8, "万": 1e4}.get(match[2] or "", 1)
        found.add(int(number) if number == int(number) else str(number))
    for match in _CN_NUMBER.finditer(text):
        value = cn_to_int(match[0])
        if value is not None and match[0] not in {"万", "亿", "千", "百"}:
            found.add(value)
    return found


def figures_stated(digest: str) -> set[int | str]:
    """Figures a digest states; 一 and 二 in words such as 一定, 统一 are not figures."""
    return figures(NOT_FIGURES.sub("", digest))


def longest_shared_run(one: str, other: str) -> str:
    """Longest run of characters that both texts hold, punctuation and spaces aside."""
    strip = str.maketrans("", "", " \n\u3000，。；：、（）《》“”")
    one, other = one.translate(strip), other.translate(strip)
    best = ""
    for start in range(len(one)):
        while one[start : start + len(best) + 1] in other and start + len(best) < len(one):
            best = one[start : start + len(best) + 1]
    return best


_HEAD = re.compile(r"^\s*第([零〇一二三四五六七八九十百千]+)条(之[一二三四五六七八九十]+)?[\s\u3000]*")


def articles_of(path: Path) -> dict[str, str]:
    """`{"64": text, "64-1": text}` of one Markdown law; headings are left out."""
    articles: dict[str, list[str]] = {}
    current: str | None = None
    for line in path.read_text(encoding="utf-8").splitlines():
        match = _HEAD.match(line)
        if match:
            current = str(cn_to_int(match[1]))
            if match[2]:
                current += f"-{cn_to_int(match[2][1:])}"
            articles.setdefault(current, []).append(line[match.end() :])
        elif line.startswith("#"):
            continue
        elif current and line.strip():
            articles[current].append(line.strip())
    return {n: "\n".join(lines) for n, lines in articles.items()}


def problems(article: str, digest: str, source: dict[str, str]) -> list[str]:
    """What is wrong with one digest; empty where nothing is."""
    if article not in source:
        return [f"article {article} is not in the source"]
    text, found = source[article], []
    extra = figures_stated(digest) - figures(text)
    if extra:
        found.append(f"figures not in the article: {sorted(map(str, extra))}")
    for match in _AUTHORITY.finditer(digest):
        tail = next(t for t in ("人民政府", "主管部门", "行政部门", "人民法院", "人民检察院",
                                "委员会", "办事处", "公安机关", "救援机构", "监察机关")
                    if match[0].endswith(t))
        if tail not in text and tail[-2:] not in text:
            found.append(f"authority not in the article: {match[0]}")
    run = longest_shared_run(digest, text)
    if len(run) > MAX_SHARED_RUN:
        found.append(f"copied {len(run)} characters: {run}")
    return found


def check(pack: Path, laws: Path, only: str = "") -> dict[str, Any]:
    """Check every digest of `pack`; returns counts and the list of problems."""
    rows: list[str] = []
    instruments = total = 0
    for path in sorted((pack / "regulations").glob("*.yaml")):
        if only not in path.stem:
            continue
        entry = yaml.safe_load(path.read_text(encoding="utf-8"))
        instruments += 1
        parts = sorted(laws.rglob(entry["checked_against"]))
        if not parts:
            rows.append(f"{path.name}: source {entry['checked_against']} not found")
            continue
        source: dict[str, str] = {}
        for part in parts if "*" in entry["checked_against"] else parts[:1]:
            source |= articles_of(part)
        for item in entry["articles"]:
            total += 1
            for problem in problems(str(item["n"]), item["digest"], source):
                rows.append(f"{path.name} art {item['n']}: {problem}")
    return {"instruments": instruments, "articles": total, "problems": rows}


def main(argv: list[str] | None = None) -> int:
    """Print each problem and the counts; 1 when there is a problem."""
    options = checker("digests", __doc__, "laws", only="files whose name").parse_args(argv)
    return verdict(check(options.pack, options.laws, options.only), options.json)


if __name__ == "__main__":
    sys.exit(main())
