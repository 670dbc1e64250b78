"""The office's charts as SVG: how many are still in after each clause, and who they are.

Every chart has its figures written beside the bars, so that nothing is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from cityllm.messages import Language
from cityllm.policies.census import Step
from cityllm.web.texts import text

WIDTH, ROW, LABEL = 960, 46, 330
"""Units of the drawing: its width, the height of a row, the width of the words before the bars."""
MOST = 10
"""Groups of a distribution that are drawn; the rest stands together."""


def funnel(total: int, steps: Sequence[Step], language: Language) -> str:
    """Bars for all enterprises and those still in after each clause: met, unknown, turned out."""
    rows = [(text("funnel_start", language), total, 0, 0, "")]
    for one in steps:
        alone = f"{text('funnel_alone', language)} {one.alone}" if one.alone else ""
        rows.append((one.clause.say(language), one.left - one.unknown, one.unknown, one.out, alone))
    scale = (WIDTH - LABEL - 150) / max(total, 1)
    drawn = []
    for at, (words, met, unknown, out, alone) in enumerate(rows):
        top, x = at * ROW + 8, float(LABEL)
        drawn.append(f'<text x="0" y="{top + 19}">{escape(_short(words))}'
                     f"<title>{escape(words)}</title></text>")
        for count, kind in ((met, "met"), (unknown, "unknown"), (out, "out")):
            drawn.append(f'<rect class="bar-{kind}" x="{x:.1f}" y="{top}" '
                         f'width="{count * scale:.1f}" height="26"/>')
            x += count * scale
        figures = f"{met + unknown}" + (f"  −{out}" if out else "")
        drawn.append(f'<text x="{x + 8:.1f}" y="{top + 12}">{figures}</text>')
        if alone:
            drawn.append(f'<text class="soft" x="{x + 8:.1f}" y="{top + 28}">'
                         f"{escape(alone)}</text>")
    name = escape(text("funnel_head", language))
    return (f'<div class="scroll"><svg class="chart funnel" role="img" '
            f'viewBox="0 0 {WIDTH} {len(rows) * ROW}" aria-label="{name}">'
            f'{"".join(drawn)}</svg></div>'
            + legend((("met", "sign_met"), ("unknown", "funnel_open"), ("out", "funnel_out")),
                     language))


def spread(name: str, groups: Mapping[str, tuple[int, int, int]], language: Language) -> str:
    """Bars by group: all conditions met, data missing, not met."""
    head = escape(text(f"spread_{name}", language))
    listed = list(groups.items())
    if rest := listed[MOST:]:
        sums = tuple(sum(one[at] for _, one in rest) for at in range(3))
        listed = [*listed[:MOST], (text("spread_other", language), (sums[0], sums[1], sums[2]))]
    most = max((sum(one) for _, one in listed), default=1)
    width, label = 460, 150
    scale = (width - label - 110) / max(most, 1)
    drawn = []
    for at, (words, counts) in enumerate(listed):
        top, x = at * 28 + 4, float(label)
        drawn.append(f'<text x="0" y="{top + 14}">{escape(_short(words, 10))}'
                     f"<title>{escape(words)}</title></text>")
        for count, kind in zip(counts, ("met", "unknown", "not"), strict=True):
            drawn.append(f'<rect class="bar-{kind}" x="{x:.1f}" y="{top}" '
                         f'width="{count * scale:.1f}" height="18"/>')
            x += count * scale
        drawn.append(f'<text x="{x + 6:.1f}" y="{top + 14}">{counts[0]} / {sum(counts)}</text>')
    return (f'<figure><figcaption>{head}</figcaption><svg class="chart" viewBox="0 0 {width} '
            f'{len(listed) * 28 + 6}" role="img" aria-label="{head}">{"".join(drawn)}</svg>'
            "</figure>")


def legend(entries: Sequence[tuple[str, str]], language: Language) -> str:
    """What the colours mean."""
    drawn = "".join(f'<span><svg width="12" height="12" aria-hidden="true">'
                    f'<rect class="bar-{kind}" width="12" height="12"/></svg> '
                    f"{escape(text(name, language))}</span>"
                    for kind, name in entries)
    return f'<p class="legend">{drawn}</p>'


def _short(words: str, most: int = 22) -> str:
    """Words that fit before the bars; a Latin letter is half as wide."""
    width, kept = 0.0, ""
    for sign in words:
        width += 0.55 if ord(sign) < 0x2000 else 1
        if width > most:
            return kept + "…"
        kept += sign
    return kept
