"""What happens to traffic in a sample district when a road closes, demand changes or plates are
restricted: the same morning simulated before and after, with the same seed.

Before is the district with all roads open, today's demand and no plate rule; only where a rule is
lifted, before has one day a week off the road. The figures show directions and sizes on an example;
they forecast no real city.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools import ToolInputError
from tools.district import District, Outcome, find_road, load_district, simulate
from tools.district_map import draw
from tools.schema import Figure, ToolResult

DEMAND = (-80.0, 100.0)
SEED = 42
_OPEN = {"", "none", "no", "无", "不封", "没有"}
RULES = {
    "none": ("无限行", "no plate rule", {"无", "不变", "no", ""}),
    "lift": ("取消限行", "plate rule lifted", {"取消", "取消限行", "不限行", "放开", "解除限行", "取消尾号限行"}),
    "odd_even": ("单双号限行", "odd-even plates", {"单双号", "单双号限行", "odd-even"}),
    "one_day_a_week": ("每周限行一天", "one day a week off the road",
                       {"限行", "尾号限行", "每周限行一天", "每周一天", "一周一天", "五日制"}),
}


@dataclass(frozen=True)
class Scenario(ToolResult):
    """Both runs in full beside the figures; `map_language` is empty where no map was drawn."""

    before: Outcome | None = None
    after: Outcome | None = None
    map_language: str = ""


def traffic_scenario(close: str = "none", demand_percent: float = 0,
                     plate_restriction: str = "none", *, folder: Path | None = None,
                     seed: int = SEED) -> Scenario:
    """交通仿真：封路、增减车流、限行的前后对比。Traffic before and after a change.

    close: 封闭的道路，none 为不封；road to close, such as main_road, north_bridge, ring_east
    demand_percent: 车流变化百分比，-80 到 100；change of demand in percent
    plate_restriction: 限行 none|lift|odd_even|one_day_a_week；plate rule, lift removes it
    """
    district = load_district()
    road = _road(district, close)
    rule = _rule(plate_restriction)
    if not DEMAND[0] <= demand_percent <= DEMAND[1]:
        raise ToolInputError(
            f"车流变化 {demand_percent:g}% 超出范围；可用 {DEMAND[0]:g} 到 {DEMAND[1]:g}。",
            f"A demand change of {demand_percent:g}% is out of range; use {DEMAND[0]:g} to "
            f"{DEMAND[1]:g}.")
    if road == "none" and demand_percent == 0 and rule == "none":
        raise ToolInputError(
            "没有要模拟的变化；请给出封闭的道路、车流变化或限行，例如 close=main_road。",
            "Nothing changes; give a road to close, a change of demand or a plate rule, "
            "for instance close=main_road.")
    rule_before = "one_day_a_week" if rule == "lift" else "none"
    rule_after = "none" if rule == "lift" else rule
    share = district.kept_share(rule_after) * (1 + demand_percent / 100)
    before = simulate(district, district.links, district.kept_share(rule_before), seed)
    after = simulate(district, district.without(road), share, seed)
    inputs = {"close": road, "demand_percent": demand_percent, "plate_restriction": rule}
    images, language = _map(district, before, after, inputs, folder, seed)
    change_zh, change_en = _change(district, inputs)
    values = _values(before, after)
    return Scenario(inputs, values, _summary_zh(change_zh, rule_before, before, after, seed),
                    _summary_en(change_en, rule_before, before, after, seed), seed=seed,
                    images=images, before=before, after=after, map_language=language)


def _road(district: District, text: str) -> str:
    if text.strip().lower() in _OPEN:
        return "none"
    road = find_road(district, text)
    if road is None:
        names = "、".join(f"{key}（{names['zh']}）" for key, names in district.roads.items())
        raise ToolInputError(f"示例街区里没有“{text}”这条路；可以封闭：{names}。",
                             f"The sample district has no road '{text}'; it has: "
                             f"{', '.join(district.roads)}.")
    return road


def _rule(text: str) -> str:
    wanted = re.sub(r"\s", "", text.lower())
    for key, (_, _, spellings) in RULES.items():
        if wanted == key or wanted in spellings:
            return key
    allowed = "、".join(f"{key}（{words[0]}）" for key, words in RULES.items())
    raise ToolInputError(f"限行方式“{text}”不可用；可用：{allowed}。",
                         f"Plate rule '{text}' is unknown; use one of: {', '.join(RULES)}.")


def _map(district: District, before: Outcome, after: Outcome, inputs: dict[str, Any],
         folder: Path | None, seed: int) -> tuple[tuple[str, ...], str]:
    if folder is None:
        return (), ""
    name = f"traffic_{inputs['close']}_{inputs['demand_percent']:g}_" \
           f"{inputs['plate_restriction']}_{seed}.png"
    path = folder / name
    language = draw(district, before, after, inputs["close"], path)
    return (str(path),), language


def _values(before: Outcome, after: Outcome) -> dict[str, Figure]:
    def pair(key: str, unit: str, zh: str, en: str, a: str, b: str) -> dict[str, Figure]:
        return {f"{key}_before": Figure(a, unit, f"{zh}（之前）", f"{en}, before"),
                f"{key}_after": Figure(b, unit, f"{zh}（之后）", f"{en}, after")}

    def percent(old: float, new: float) -> str:
        return f"{(new - old) / old * 100:.1f}" if old else "0"

    speed = (f"{before.speed_kmh:.1f}", f"{after.speed_kmh:.1f}")
    return {
        **pair("mean_speed", "km/h", "平均车速", "mean speed", *speed),
        **pair("delay", "s/veh", "平均延误", "mean delay",
               f"{before.delay_s:.0f}", f"{after.delay_s:.0f}"),
        **pair("congestion_index", "", "拥堵指数", "congestion index",
               f"{before.index:.2f}", f"{after.index:.2f}"),
        **pair("throughput", "veh/h", "高峰小时到达车辆", "arrivals in the peak hour",
               str(before.finished_in_peak), str(after.finished_in_peak)),
        **pair("trips", "veh", "出行车辆", "vehicles", str(before.trips), str(after.trips)),
        **pair("unfinished", "veh", "未完成出行", "unfinished trips",
               str(before.unfinished), str(after.unfinished)),
        "speed_change_percent": Figure(percent(before.speed_kmh, after.speed_kmh), "%",
                                       "平均车速变化", "change of mean speed"),
        "delay_change_percent": Figure(percent(before.delay_s, after.delay_s), "%",
                                       "平均延误变化", "change of mean delay"),
    }


def _change(district: District, inputs: dict[str, Any]) -> tuple[str, str]:
    zh, en = [], []
    if inputs["close"] != "none":
        zh.append(f"封闭{district.roads[inputs['close']]['zh']}")
        en.append(f"{district.roads[inputs['close']]['en']} closed")
    if inputs["demand_percent"]:
        more = inputs["demand_percent"] > 0
        size = f"{abs(inputs['demand_percent']):g}%"
        zh.append(f"车流{'增加' if more else '减少'}{size}")
        en.append(f"demand {'up' if more else 'down'} {size}")
    if inputs["plate_restriction"] != "none":
        zh.append(RULES[inputs["plate_restriction"]][0])
        en.append(RULES[inputs["plate_restriction"]][1])
    return "、".join(zh), ", ".join(en)


def _summary_zh(change: str, rule_before: str, before: Outcome, after: Outcome, seed: int) -> str:
    left = f"；有 {after.unfinished} 辆到仿真结束仍未到达，延误是下限" if after.unfinished else ""
    base = f"之前为{RULES[rule_before][0]}" if rule_before != "none" else "之前为现状（无限行）"
    return (f"示例街区（非真实城市）早高峰，{change}，{base}：平均车速 {before.speed_kmh:.1f} → "
            f"{after.speed_kmh:.1f} km/h，平均延误 {before.delay_s:.0f} → {after.delay_s:.0f} s/veh，"
            f"拥堵指数 {before.index:.2f} → {after.index:.2f}，高峰小时到达 "
            f"{before.finished_in_peak} → {after.finished_in_peak} veh/h{left}。随机种子 {seed}。")


def _summary_en(change: str, rule_before: str, before: Outcome, after: Outcome, seed: int) -> str:
    left = f"; {after.unfinished} vehicles had not arrived at the end, so delay is a lower bound" \
        if after.unfinished else ""
    return (f"Sample district (no real city), morning peak, {change}; before: "
            f"{RULES[rule_before][1]}. Mean speed {before.speed_kmh:.1f} → {after.speed_kmh:.1f} "
            f"km/h, mean delay {before.delay_s:.0f} → {after.delay_s:.0f} s/veh, congestion index "
            f"{before.index:.2f} → {after.index:.2f}, arrivals in the peak hour "
            f"{before.finished_in_peak} → {after.finished_in_peak} veh/h{left}. Seed {seed}.")
