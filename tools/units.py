"""Units that planners write, each an exact fraction of a base unit.

A dimension is a mapping from base quantity to power: area is {"length": 2}. Money of different
currencies, months and days, and things counted by different words are quantities of their own:
nothing here converts between them, because no fixed rate exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

Dims = tuple[tuple[str, int], ...]
NONE: Dims = ()


@dataclass(frozen=True)
class Unit:
    """`symbol` is how it is shown; `factor` is its size in base units (m, s, yuan, kg, kWh)."""

    symbol: str
    factor: Fraction
    dims: Dims


def _dims(**powers: int) -> Dims:
    return tuple(sorted((name, power) for name, power in powers.items() if power))


# symbol, size in base units, dimension, other spellings (longest match wins)
_TABLE: list[tuple[str, str | int, Dims, str]] = [
    ("毫米", "1/1000", _dims(length=1), "mm"),
    ("厘米", "1/100", _dims(length=1), "cm 公分"),
    ("米", 1, _dims(length=1), "m"),
    ("公里", 1000, _dims(length=1), "km 千米"),
    ("㎡", 1, _dims(length=2), "m² m2 m^2 平方米 平米 平方 sqm"),
    ("亩", "2000/3", _dims(length=2), "mu 畝"),
    ("公顷", 10000, _dims(length=2), "ha hm² hm2 hectare hectares"),
    ("平方公里", 1000000, _dims(length=2), "km² km2 km^2 平方千米"),
    ("毫升", "1/1000000", _dims(length=3), "mL ml"),
    ("升", "1/1000", _dims(length=3), "L l"),
    ("m³", 1, _dims(length=3), "m3 m^3 立方米 立方 方"),
    ("秒", 1, _dims(time=1), "s"),
    ("分钟", 60, _dims(time=1), "min 分"),
    ("小时", 3600, _dims(time=1), "h 钟头 hour hours"),
    ("天", 86400, _dims(time=1), "d 日 day days"),
    ("周", 604800, _dims(time=1), "星期 week weeks"),
    ("个月", 1, _dims(month=1), "月 month months"),
    ("年", 12, _dims(month=1), "year years"),
    ("元", 1, _dims(yuan=1), "块钱 块 人民币 RMB CNY yuan ￥ ¥"),
    ("角", "1/10", _dims(yuan=1), ""),
    ("美元", 1, _dims(dollar=1), "USD $ dollar dollars"),
    ("欧元", 1, _dims(euro=1), "EUR €"),
    ("克", "1/1000", _dims(mass=1), "g"),
    ("斤", "1/2", _dims(mass=1), "市斤"),
    ("kg", 1, _dims(mass=1), "公斤 千克"),
    ("吨", 1000, _dims(mass=1), "t ton tons"),
    ("千瓦时", 1, _dims(energy=1), "kWh 度电 度"),
    ("兆瓦时", 1000, _dims(energy=1), "MWh"),
    ("瓦", "1/3600000", _dims(energy=1, time=-1), "W"),
    ("千瓦", "1/3600", _dims(energy=1, time=-1), "kW"),
    ("兆瓦", "1000/3600", _dims(energy=1, time=-1), "MW"),
]
_COUNTED = {"人": "people persons person 人口", "户": "households", "辆": "vehicles pcu", "套": "",
            "栋": "buildings 幢", "层": "storeys", "家": "", "件": "", "次": "", "个": "",
            "车位": "泊位 spaces", "株": "trees", "床": "张床 beds", "座": "", "班": ""}

# Spellings that are read but not shown: shown is the form that a reader expects.
_SHOWN = {"m2": "㎡", "m^2": "㎡", "平米": "㎡", "平方": "㎡", "sqm": "㎡", "m3": "m³", "m^3": "m³",
          "方": "立方米", "立方": "立方米", "km2": "km²", "km^2": "km²", "hm2": "hm²",
          "块": "元", "块钱": "元", "￥": "元", "¥": "元", "人民币": "元", "RMB": "元",
          "分": "分钟", "$": "美元", "€": "欧元", "畝": "亩", "人口": "人", "张床": "床", "幢": "栋"}

QUANTITY_NAMES = {
    "length": ("长度", "length"), "time": ("时间", "time"), "month": ("年月", "months"),
    "yuan": ("金额（元）", "yuan"), "dollar": ("金额（美元）", "dollars"),
    "euro": ("金额（欧元）", "euros"), "mass": ("质量", "mass"), "energy": ("能量", "energy"),
}


def _build() -> dict[str, Unit]:
    units: dict[str, Unit] = {}
    rows = list(_TABLE)
    rows += [(name, 1, _dims(**{name: 1}), other) for name, other in _COUNTED.items()]
    for symbol, factor, dims, spellings in rows:
        for spelling in (symbol, *spellings.split()):
            units[spelling] = Unit(_SHOWN.get(spelling, spelling), Fraction(factor), dims)
    return units


UNITS: dict[str, Unit] = _build()
_BASE_SYMBOL = {"length": "米", "time": "秒", "month": "个月", "yuan": "元", "dollar": "美元",
                "euro": "欧元", "mass": "kg", "energy": "千瓦时"}


def times(a: Dims, b: Dims, power: int = 1) -> Dims:
    """Dimension of a quantity `a` multiplied by `b` raised to `power`."""
    total = dict(a)
    for name, count in b:
        total[name] = total.get(name, 0) + power * count
    return tuple(sorted((name, count) for name, count in total.items() if count))


def scaled(unit: Unit, word: str) -> Unit:
    """万 or 亿 of a unit: 万元, 亿元, 万亩. Only for units with a dimension."""
    return Unit(word + unit.symbol, unit.factor * {"万": 10**4, "亿": 10**8}[word], unit.dims)


def dims_name(dims: Dims, language: str = "zh") -> str:
    """A dimension in words for messages: 面积, 长度, 金额（元）/面积."""
    column = 0 if language == "zh" else 1
    whole = {_dims(length=2): ("面积", "area"), _dims(length=3): ("体积", "volume"),
             _dims(length=1, time=-1): ("速度", "speed"),
             _dims(energy=1, time=-1): ("功率", "power"), NONE: ("纯数", "a plain number")}
    if dims in whole:
        return whole[dims][column]

    def part(name: str, power: int) -> str:
        if name == "length" and power in (2, 3):
            return whole[_dims(length=power)][column]
        word = QUANTITY_NAMES.get(name, (f"数量（{name}）", f"count ({name})"))[column]
        return word if power == 1 else f"{word}^{power}"

    top = "·".join(part(n, p) for n, p in dims if p > 0) or "1"
    bottom = "·".join(part(n, -p) for n, p in dims if p < 0)
    return f"{top}/{bottom}" if bottom else top


def natural_unit(dims: Dims, seen: list[Unit]) -> Unit:
    """The unit in which a result is shown.

    A unit of exactly this dimension that the expression uses comes first; otherwise the units used
    for its parts are put together (万元/亩), with base units where none was used. 60 公里/小时 ×
    30 分钟 is shown in 公里 because 公里 was used.
    """
    for unit in seen:
        if unit.dims == dims:
            return unit
    top: list[str] = []
    bottom: list[str] = []
    factor = Fraction(1)
    for name, power in dims:
        unit, count = _part(name, abs(power), seen)
        factor *= unit.factor ** (count if power > 0 else -count)
        text = unit.symbol if count == 1 else f"{unit.symbol}^{count}"
        (top if power > 0 else bottom).append(text)
    symbol = "·".join(top) if top else "1"
    return Unit(symbol + "".join(f"/{b}" for b in bottom), factor, dims)


def _part(name: str, power: int, seen: list[Unit]) -> tuple[Unit, int]:
    """A unit for one base quantity to a power, and how often it is to be taken."""
    wanted = _dims(**{name: power})
    for unit in seen:
        if unit.dims == wanted:
            return unit, 1
    if name == "length" and power in (2, 3):
        long = any(u.dims == _dims(length=1) and u.factor == 1000 for u in seen) and power == 2
        return (UNITS["平方公里"] if long else UNITS["㎡" if power == 2 else "m³"]), 1
    for unit in seen:
        if unit.dims == _dims(**{name: 1}):
            return unit, power
    return UNITS[_BASE_SYMBOL.get(name, name)], power
