"""Check that every figure of the policies stands in the place of the source that it cites.

For each clause, parameter and benefit: the figures of our digest and of the rule (thresholds,
rates, caps, dates) must occur in the cited article, or in the cited item of the cited record, and
those of the rule and of the English text in the Chinese; no run of characters longer than
`MAX_SHARED_RUN` may be shared with the source. Number, issuer and first and last day must be those
of the source. It does not judge whether a condition was left out.

    python -m evals policy_sources --laws DIR --policies DIR [--pack rag_corpus] [--only NAME]
"""

from __future__ import annotations

import json
import re
import sys
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from cityllm.policies.fields import Words
from cityllm.policies.located import read_yaml
from cityllm.policies.policy import Place, Policy
from cityllm.policies.ruleset import RuleSet
from evals.command import checker, verdict
from evals.digests import MAX_SHARED_RUN, NOT_FIGURES, articles_of, longest_shared_run
from evals.stated import NOT_STATED, english_values, rule_figures, values

RECORDS = "beijing.jsonl"


class Sources:
    """The laws and the policy records that the pack was written from."""

    def __init__(self, laws: Path, policies: Path) -> None:
        self._files = {path.name: path for path in laws.rglob("*.md")}
        self._records = {row["title"]: row for row in map(
            json.loads, (policies / RECORDS).read_text(encoding="utf-8").splitlines())}

    def records(self, policy: Policy) -> list[dict[str, str]]:
        """The records that a policy names; empty for one from a law."""
        titles = [name.partition("：")[2] for name in policy.source.checked_against
                  if name.startswith(RECORDS)]
        return [self._records[title] for title in titles]

    def article(self, policy: Policy, place: Place) -> str | None:
        """Text of the article of a place, None where no named file has it."""
        title = place.title or policy.source.title
        for name in policy.source.checked_against:
            if name.startswith(f"{title}(") and name in self._files:
                return articles_of(self._files[name]).get(place.article)
        return None

    def text(self, policy: Policy, place: Place) -> str | None:
        """What stands at a place, None where it is not found."""
        if place.article:
            return self.article(policy, place)
        found = [part for row in self.records(policy) if (part := item(row, place.at)) is not None]
        return "\n".join(found) if found else None

    def days(self, policy: Policy) -> str:
        """The texts in which first and last days stand."""
        rows = [row.get(name, "") for row in self.records(policy)
                for name in ("时间/频度", "发布日期", "发文字号")]
        for name in policy.source.checked_against:
            if name in self._files:
                rows.append(name)
                rows += [text for text in articles_of(self._files[name]).values() if "施行" in text]
        return "\n".join(rows)


def item(row: dict[str, str], at: str) -> str | None:
    """A field of a record (`服务对象`), or numbered items in it (`条件要求 1,2`, `服务内容 方向7`)."""
    name, _, items = at.partition(" ")
    text = row.get(name, "")
    if name == "服务对象" and not text:
        text = row.get("工具分类", "").partition(name)[2]
    text = re.split("服务流程|办理流程", text)[0]
    if not items:
        return text or None
    cut = (re.compile(r"方向\s*(\d+)") if "方向" in items
           else re.compile(r"(?<![\d.（(])(\d{1,2})\s*(?:．|\.(?!\d))"))
    starts: dict[int, int] = {}
    for match in cut.finditer(text):
        if int(match[1]) == len(starts) + 1:
            starts[len(starts) + 1] = match.start()
    found = []
    for one in items.replace("方向", "").split(","):
        if int(one) not in starts:
            return None
        found.append(text[starts[int(one)]:starts.get(int(one) + 1, len(text))])
    return "\n".join(found)


def problems(policy: Policy, raw: dict[str, Any], sources: Sources) -> list[str]:
    """What of a policy is not in its sources; empty where all is."""
    missing = [name for name in policy.source.checked_against
               if not name.startswith(RECORDS) and name not in sources._files]
    if not policy.source.checked_against or missing:
        return [f"checked_against names no file that is there: {missing or 'nothing'}"]
    found = _heading(policy, sources)
    for clause, row in zip(policy.clauses, raw["clauses"], strict=True):
        found += _part(f"clause {clause.id}", clause, row["when"], policy, clause.place, sources)
    for name, parameter in policy.parameters.items():
        for dated, row in zip(parameter.values, raw["parameters"][name]["values"], strict=True):
            found += _part(f"parameter {name}", None, {"value": row["value"]}, policy, dated.place,
                           sources)
    for name, table in (raw.get("tables") or {}).items():
        cells = [{"value": cell} for row in table["rows"] for cell in row["cells"].values()]
        texts = {sources.text(policy, clause.place) or "" for clause in policy.clauses}
        found += _figures(f"table {name}", None, cells, "\n".join(texts))
    if policy.benefit.place:
        rates = " ".join(str(dated.value) for one in policy.parameters.values()
                         for dated in one.values)
        found += _part("benefit", policy.benefit, raw["benefit"].get("amount") or {}, policy,
                       policy.benefit.place, sources, rates)
    for row in sources.records(policy)[:1]:
        for words in [*policy.steps, *policy.materials]:
            found += _figures(f"step {words.zh}", words, {}, " ".join(row.values()))
    return found


def _part(what: str, digest: Words | None, rule: Any, policy: Policy, place: Place,
          sources: Sources, beside: str = "") -> list[str]:
    """Problems of one part; `beside` holds figures that have places of their own."""
    text = sources.text(policy, place)
    if text is None:
        return [f"{what}: there is no {place.title or policy.source.title} "
                f"{place.article or place.at}"]
    run = longest_shared_run(digest.zh if digest else "", text)
    copied = [f"{what}: copied {len(run)} characters: {run}"] if len(run) > MAX_SHARED_RUN else []
    return copied + _figures(what, digest, rule, f"{text} {beside}")


def _figures(what: str, digest: Words | None, rule: Any, text: str) -> list[str]:
    held, told = values(text), values(digest.zh if digest else "")
    said = values(NOT_FIGURES.sub("", digest.zh if digest else "")) - held - NOT_STATED
    rows = list(rule_figures(rule))
    ruled = [one for one, may in rows if not set(may) & (held | NOT_STATED)]
    silent = [one for one, may in rows if digest and not set(may) & (told | NOT_STATED)]
    english = english_values(digest.en if digest else "") - told - NOT_STATED - {
        figure for _, may in rows for figure in may}
    lacking = [("the source", [*map(str, sorted(said)), *ruled]), ("the digest", silent),
               ("the Chinese", [*map(str, sorted(english))])]
    return [f"{what}: not in {where}: {', '.join(each)}" for where, each in lacking if each]


def _heading(policy: Policy, sources: Sources) -> list[str]:
    """Number, issuer and days against the record, or the days against the law."""
    found = []
    rows = sources.records(policy)
    if rows:
        row = rows[0]
        if policy.source.title not in row["依据文件"]:
            found.append(f"source: {policy.source.title} is not {row['依据文件']}")
        if policy.issuer not in row["发文机构"]:
            found.append(f"issuer: {policy.issuer} is not {row['发文机构']}")
        plain = re.sub(r"\D", "", policy.number)
        if plain not in re.sub(r"\D", "", row["发文字号"] + row.get("发布日期", "")):
            found.append(f"number: {policy.number} is not {row['发文字号']}")
    days = values(sources.days(policy))
    first, last = policy.valid.from_, policy.valid.to
    if isinstance(first, date) and not _parts(first) <= days:
        found.append(f"valid from: {first} is not in the source")
    if isinstance(last, date):
        after = last + timedelta(days=1)
        years = Fraction(after.year - first.year) if isinstance(first, date) else None
        if not (_parts(last) <= days or _parts(after) <= days or years in days):
            found.append(f"valid to: {last} is not in the source")
    return found


def _parts(day: date) -> set[Fraction]:
    return {Fraction(day.year), Fraction(day.month), Fraction(day.day)}


def check(pack: Path, sources: Sources, only: str = "") -> dict[str, Any]:
    """Check every policy of a pack; counts and the list of problems."""
    rules = RuleSet.load(pack)
    rows: list[str] = []
    done = clauses = 0
    for policy in rules:
        if only not in policy.id:
            continue
        raw = read_yaml(rules.files[policy.id]).data
        rows += [f"{policy.id} {one}" for one in problems(policy, raw, sources)]
        done, clauses = done + 1, clauses + len(policy.clauses)
    return {"policies": done, "clauses": clauses, "problems": rows}


def main(argv: list[str] | None = None) -> int:
    """Print each problem and the counts; 1 when there is a problem."""
    options = checker("policy_sources", __doc__, "laws", "policies",
                      only="policies whose id").parse_args(argv)
    sources = Sources(options.laws, options.policies)
    return verdict(check(options.pack, sources, options.only), options.json)


if __name__ == "__main__":
    sys.exit(main())
