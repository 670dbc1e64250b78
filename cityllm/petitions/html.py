"""Parts of a report page: cards of counts, bar charts, tables; one file that needs nothing else.

Chinese with English beside it. Every text is escaped here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.6 system-ui,"Noto Sans CJK SC","Microsoft YaHei",sans-serif;max-width:75rem;
margin:1.5rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem;border-bottom:1px solid #8886}
small,.en{color:#777;font-weight:normal;font-size:.85em}
.cards{display:flex;flex-wrap:wrap;gap:.75rem}
.card{border:1px solid #8886;border-radius:.5rem;padding:.5rem 1rem;min-width:7rem}
.card b{display:block;font-size:1.6rem}.hot b{color:#c0392b}
.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(22rem,1fr));gap:1.5rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{border:1px solid #8884;padding:.25rem .5rem;text-align:left;vertical-align:top}
td{overflow-wrap:anywhere}td:first-child,td:nth-child(n+6){white-space:nowrap}
svg text{font-size:13px;fill:currentColor}rect{fill:#2e75b6}
"""


def page(title: str, parts: Iterable[str]) -> str:
    """The whole page; `parts` are HTML."""
    return ("<!doctype html><html lang=zh><meta charset=utf-8>"
            "<meta name=viewport content=\"width=device-width,initial-scale=1\">"
            f"<title>{escape(title)}</title><style>{STYLE}</style>"
            + "\n".join(parts) + "</html>\n")


def cards(cards: Iterable[tuple[str, str, int, bool]]) -> str:
    """Counts with their Chinese and English names; a hot one is red where it is not zero."""
    return "<div class=cards>" + "".join(
        f"<div class=\"card{' hot' if hot and count else ''}\"><b>{count:,}</b>{zh}<br>"
        f"<small>{en}</small></div>" for zh, en, count, hot in cards) + "</div>"


def chart(zh: str, en: str, counts: Sequence[tuple[str, int]]) -> str:
    """Horizontal bars as SVG, each with its number."""
    if not counts:
        return ""
    most = max(count for _, count in counts)
    bars = []
    for place, (name, count) in enumerate(counts):
        y, width = place * 24, max(2, round(200 * count / most))
        short = _short(name)
        bars.append(f"<text x=225 y={y + 16} text-anchor=end>{escape(short)}</text>"
                    f"<rect x=232 y={y + 4} width={width} height=15 rx=2><title>{escape(name)}: "
                    f"{count}</title></rect><text x={width + 238} y={y + 16}>{count:,}</text>")
    return (f"<section><h2>{zh} <span class=en>{en}</span></h2>"
            f"<svg role=img aria-label=\"{zh} {en}\""
            f" viewBox=\"0 0 500 {24 * len(counts)}\" width=\"100%\" style=\"max-width:36rem\">"
            + "".join(bars) + "</svg></section>")


def _short(name: str) -> str:
    """As much of a name as fits before its bar, Latin letters taking half the room."""
    room = 17.0
    for place, sign in enumerate(name):
        room -= 0.55 if sign.isascii() else 1.0
        if room < 0:
            return name[:place] + "…"
    return name


def table(zh: str, en: str, head: Sequence[str], rows: Sequence[Sequence[str]], total: int) -> str:
    """A table of `rows`, of which there are `total`; nothing where there are none."""
    if not rows:
        return ""
    more = total - len(rows)
    rest = f"<p><small>另有 {more:,} 项，见输出表。 {more:,} more in the output.</small></p>"
    return (f"<h2>{zh} <span class=en>{en}</span></h2><div class=scroll><table><tr>"
            + "".join(f"<th>{escape(cell)}" for cell in head)
            + "".join("<tr>" + "".join(f"<td>{escape(cell)}" for cell in row) for row in rows)
            + "</table></div>" + (rest if more > 0 else ""))
