"""Is the ledger whole? What `cityllm corpus check` prints."""

from __future__ import annotations

from cityllm.corpus.ledger import Ledger

MAX_GAP_SHARE = 0.01
"""Share of texts with articles that may keep a gap in the numbering."""


def check_ledger(ledger: Ledger) -> tuple[list[str], list[str]]:
    """(facts, problems), both for a reader. A problem is damage; an explained gap is a fact."""
    run = ledger.connection.execute
    problems = [f"SQLite：{row[0]}" for row in run("PRAGMA integrity_check") if row[0] != "ok"]
    instruments = ledger.instruments()
    full = [one for one in instruments if one.verbatim]
    gaps = [one for one in full if one.gaps]
    clauses = run("SELECT count(*) FROM clauses").fetchone()[0]
    facts = [
        f"{len({one.title for one in instruments})} 部法规、{len(instruments)} 个版本、{clauses} 条；"
        f"全文 {len(full)}，摘要 {len(instruments) - len(full)}。",
        f"条号不连续 {len(gaps)} 部；没有条号的 {sum(o.numbering == 'paragraph' for o in full)} 部；"
        f"版本日期不详 {sum(o.version is None for o in full)} 部。",
        f"可能被截断（没有施行等结尾条文）{sum(not o.complete for o in full)} 部。",
        f"状态截至 status as known on {ledger.status_known or '—'}；快照 snapshot {ledger.snapshot()}",
    ]
    facts += [f"· {one.title}：{gap}" for one in gaps for gap in one.gaps]
    with_articles = sum(one.numbering == "article" for one in full)
    if with_articles > 100 and len(gaps) > MAX_GAP_SHARE * with_articles:
        problems.append(f"条号不连续的占 {len(gaps)}/{with_articles}，超过 1%。请检查来源文件。")
    orphans = run("SELECT count(*) FROM clauses WHERE instrument NOT IN "
                  "(SELECT id FROM instruments)").fetchone()[0]
    empty = run("SELECT count(*) FROM instruments WHERE id NOT IN "
                "(SELECT instrument FROM clauses)").fetchone()[0]
    if orphans:
        problems.append(f"{orphans} 条不属于任何法规。请删除条文库后重新导入。")
    if empty:
        problems.append(f"{empty} 部法规没有条文。请用 cityllm corpus remove 删除后重新导入。")
    return facts, problems
