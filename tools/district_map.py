"""Two maps side by side, before and after: each link coloured by its mean speed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tools.district import District, Outcome

_CJK = ("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC",
        "Source Han Sans CN", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "SimHei",
        "Microsoft YaHei", "PingFang SC", "Heiti SC", "Droid Sans Fallback")
_FILES = re.compile(r"NotoSans(CJK|SC)|SourceHanSans|wqy|simhei|msyh|PingFang|DroidSansFallback",
                    re.IGNORECASE)
_BANDS = ((0.0, "#b2182b"), (0.4, "#ef8a62"), (0.6, "#f2c14e"), (0.8, "#4d9221"))
_WORDS = {
    "zh": ("之前", "之后", "{:.1f} km/h，延误 {:.0f} 秒/车，拥堵指数 {:.2f}", "封闭",
           ("严重拥堵：低于自由流的 40%", "拥堵：40%–60%", "缓行：60%–80%", "畅通：80% 以上"), "河",
           "示例街区（非真实城市）"),
    "en": ("Before", "After", "{:.1f} km/h, delay {:.0f} s/veh, index {:.2f}", "closed",
           ("jammed: below 40% of free flow", "congested: 40–60%", "slow: 60–80%",
            "free: above 80%"),
           "river", "Sample district (no real city)"),
}


def chinese_font() -> str | None:
    """A Chinese font that matplotlib can use here, or None; also one its font list lacks yet."""
    from matplotlib import font_manager

    manager = font_manager.fontManager
    if not any(font.name in _CJK for font in manager.ttflist):
        for path in font_manager.findSystemFonts():
            if _FILES.search(Path(path).name):
                manager.addfont(path)
    held = {font.name for font in manager.ttflist}
    return next((name for name in _CJK if name in held), None)


def draw(district: District, before: Outcome, after: Outcome, closed: str, path: Path) -> str:
    """Write the PNG to `path`; returns the language of its labels (`en` without a Chinese font)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    font = chinese_font()
    language = "zh" if font else "en"
    style: dict[str, Any] = {"fontfamily": font} if font else {}
    name_before, name_after, numbers, shut, bands, river, title = _WORDS[language]
    figure = Figure(figsize=(11, 6.4), dpi=110)
    FigureCanvasAgg(figure)
    for axes, outcome, name, closed_here in zip(
            figure.subplots(1, 2), (before, after), (name_before, name_after), ("none", closed),
            strict=True):
        _panel(axes, district, outcome, closed_here, river, language, style)
        line = numbers.format(outcome.speed_kmh, outcome.delay_s, outcome.index)
        axes.set_title(f"{name}\n{line}", fontsize=11, linespacing=1.5, **style)
    marks = [Line2D([], [], color=color, lw=4, label=label)
             for (_, color), label in zip(_BANDS, bands, strict=True)]
    if closed != "none":
        marks.append(Line2D([], [], color="black", lw=2, ls=":", label=shut))
    figure.legend(handles=marks, loc="lower center", ncols=len(marks), frameon=False,
                  prop={"family": font, "size": 9} if font else {"size": 9})
    figure.suptitle(title, fontsize=12, **style)
    figure.subplots_adjust(left=0.02, right=0.98, bottom=0.1, top=0.83, wspace=0.04)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    return language


def _panel(axes: Any, district: District, outcome: Outcome, closed: str, river: str,
           language: str, style: dict[str, Any]) -> None:
    axes.axhspan(1340, 1660, color="#d6e8f5", zorder=0)
    axes.text(250, 1500, river, color="#5b8db8", fontsize=9, va="center", **style)
    seen: set[str] = set()
    for link in district.links:
        (x0, y0), (x1, y1) = district.nodes[link.start], district.nodes[link.end]
        length = max(abs(x1 - x0), abs(y1 - y0))
        dx, dy = (y1 - y0) / length * 22, -(x1 - x0) / length * 22   # keep to the right
        xs, ys = (x0 + dx, x1 + dx), (y0 + dy, y1 + dy)
        if link.road == closed:
            axes.plot(xs, ys, color="black", lw=1.6, ls=":", zorder=3)
        else:
            ratio = outcome.link_speed[link.name] / link.speed
            color = [c for floor, c in _BANDS if ratio >= floor][-1]
            axes.plot(xs, ys, color=color, lw=1.2 + 1.5 * link.lanes, solid_capstyle="round")
        if link.road not in seen and link.road != "side_streets":
            seen.add(link.road)
            label = str(district.roads[link.road][language])
            axes.annotate(label, ((x0 + x1) / 2, (y0 + y1) / 2), fontsize=7.5, ha="center",
                          va="center", zorder=4, **style,
                          rotation=90 if link.road in ("ring_west", "ring_east") else 0,
                          bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none",
                                "alpha": 0.85})
    axes.set_aspect("equal")
    axes.set_axis_off()
