"""What a text says of a traffic scenario: roads, changes of demand, plate rules, by their names.

`readings` gives for each argument of `traffic_scenario` the values that the text leaves open: what
it plainly changes is not left as it is. Where the text names nothing that could change, everything
stays open. It does not decide; whoever reads the question picks one. `unmodelled` and `lanes`
name what the text would change and the simulation has no part for, such as fares.
"""

from __future__ import annotations

import re

from tools.numerals import read_numeral

_ROADS = {
    "main_road": r"主路|主干[道路线]|干道|主街|中心(?:大街|大道|路)|大马路|main (?:road|street|artery)|arterial",
    "north_bridge": r"北(?:面|边|侧|头)?(?:的|那座|那个)?(?:大)?桥|north(?:ern)? bridge|过河的桥",
    "ring_east": r"东(?:边|面|侧)?(?:的)?(?:外)?环|east(?:ern)? ring|ring (?:road|east)",
}
_PLATES = {
    "odd_even": r"单双号|单号|双号|odd[- ]?(?:and[- ]|/)?even",
    "one_day_a_week": r"尾号|(?:每|一)周(?:限|停|少|不)[^，。]{0,4}[一1]?[天日]|每周[一1][天日]"
                      r"|one day (?:a|per) week|a day (?:off )?(?:a|per|each) week",
    "lift": r"取消[^，。]{0,8}(?:限[行号]|单双号|尾号)|放开|解除|不再?限[行号]|没有?限行|[别不]搞"
            r"|停掉|废[掉除止]|撤[销掉了][^，。]{0,4}限|松绑|lift|scrap|abolish"
            r"|without (?:the )?(?:plate|licen[cs]e)|no (?:plate|licen[cs]e)",
}
_PLATE = re.compile(r"限行|限号|车牌|牌照|plate|driving (?:ban|restriction)", re.IGNORECASE)
_SHARE = re.compile(r"(?P<n>\d+(?:\.\d+)?)\s*(?:%|％|percent|per cent|个点|个百分点)", re.IGNORECASE)
_TENTHS = re.compile(r"(?P<n>[一二两三四五六七八九])成(?P<part>[半一二三四五六七八九])?")
_LESS = re.compile(r"少|减|降|跌|退|下去|缩|削|压|回落|less|fewer|drop|reduc|cut|fall|fell|down|lower",
                   re.IGNORECASE)
_MORE = re.compile(r"多|增|涨|加|升|上去|翻|暴|猛|more|increas|grow|rise|rose|up\b|surge|jump|extra|higher",
                   re.IGNORECASE)
_CLOSED = re.compile(r"封|关|断|检修|维修|大修|施工|开挖|占|塌|停用|clos|shut|block|repair", re.IGNORECASE)
_OPEN = re.compile(r"正常通行|不封|不关|照常|保持通|解封|重新?开放|\bopen", re.IGNORECASE)
_DEMAND = re.compile(r"车|流量|需求|出行|客流|demand|traffic|vehicles|trips|cars", re.IGNORECASE)
_LANE = re.compile(r"(?:一半|[一二两三四单半几1-4]|部分)(?:个|条)?(?:机动)?车道|半幅|单侧|一侧|"
                   r"\b(?:a|one|two|single|some)(?: \w+)? lanes?\b", re.IGNORECASE)
_ELSE = re.compile(
    r"票价|车票|月票|停车费|停车收费|停车位|过路费|过桥费|拥堵费|油价|红绿灯|信号灯|信号配时|绿波|公交专用道|"
    r"潮汐车道|公交班次|发车间隔|公交线路?|地铁|轻轨|共享单车|限速|拓宽|加宽|新(?:建|修|开|增)[^，。]{0,6}[路桥]|"
    r"单行线?|错峰|\bfares?\b|\btolls?\b|parking (?:fee|charge|price|space)s?|congestion charge"
    r"|fuel prices?|traffic (?:light|signal)s?|bus (?:lane|service|route|frequenc)\w*|metro|subway"
    r"|speed limits?|\bwiden\w*|new (?:road|bridge)|one-way", re.IGNORECASE)
_CLAUSE = r"[^，。；？！,;?!\n]"
LEAST, MOST = -80, 100
"""What the simulation takes, in per cent."""
Readings = dict[str, list[str] | list[float]]


def changes(text: str) -> list[float]:
    """Percentages by which the text lets demand change, signed by its words, both where unclear."""
    sizes = [float(m["n"]) for m in _SHARE.finditer(text)]
    digits = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"两": 2, "半": 5}
    sizes += [10.0 * digits[m["n"]] + digits[m["part"] or "零"] for m in _TENTHS.finditer(text)]
    for start in (m.start() for m in re.finditer("百分之", text)):
        numeral = read_numeral(text, start)
        sizes += [float(numeral.value * 100)] if numeral else []
    if re.search(r"翻[一了]?[番倍]|翻倍|一倍|两倍|doubl|twice", text, re.IGNORECASE):
        sizes.append(100.0)
    if re.search(r"一半|减半|砍半|对半|\bhal(?:f|v)", text, re.IGNORECASE):
        sizes.append(50.0)
    if re.search(r"四分之一|a quarter|one quarter", text, re.IGNORECASE):
        sizes.append(25.0)
    words = re.sub("多少|how (?:much|many)|most", " ", text, flags=re.IGNORECASE)
    less, more = bool(_LESS.search(words)), bool(_MORE.search(words))
    signs = (-1,) if less and not more else (1,) if more and not less else (1, -1)
    found = dict.fromkeys(sign * size for size in sizes for sign in signs
                          if size and LEAST <= sign * size <= MOST)
    return [int(one) if one.is_integer() else one for one in found]


def unmodelled(text: str) -> str:
    """The words for a change that the simulation has no part for; empty where `text` names none, or
    beside it one that can be simulated."""
    other = _ELSE.search(text)
    closed = _CLOSED.search(text) and any(
        re.search(words, text, re.IGNORECASE) for words in _ROADS.values())
    ruled = _PLATE.search(text) or any(
        re.search(words, text, re.IGNORECASE) for words in _PLATES.values())
    return "" if other is None or closed or ruled or changes(_of_demand(text)) else other[0]


def lanes(text: str) -> str:
    """The words for a part of a road's lanes, of which the simulation knows only all or none."""
    found = _LANE.search(text)
    return found[0] if found else ""


def _of_demand(text: str) -> str:
    """`text` without what it says of things that are not simulated: 票价降一半."""
    return re.sub(rf"(?:{_ELSE.pattern})(?:(?!{_DEMAND.pattern}){_CLAUSE})*", " ", text,
                  flags=re.IGNORECASE)


def readings(text: str) -> Readings:
    """Argument of `traffic_scenario` -> values that `text` leaves open."""
    roads = [road for road, words in _ROADS.items() if re.search(words, text, re.IGNORECASE)]
    plates = [rule for rule, words in _PLATES.items() if re.search(words, text, re.IGNORECASE)]
    ruled = bool(plates)
    if not plates and _PLATE.search(text):
        plates = list(_PLATES)
    demand = changes(_of_demand(text))
    if not (roads or plates or demand):
        return {}
    closed = roads and _CLOSED.search(text) and not _OPEN.search(text)
    grown = demand and _DEMAND.search(text)
    return {"close": roads if closed else ["none", *roads],
            "demand_percent": demand if grown else [0, *demand],
            "plate_restriction": plates if ruled else ["none", *plates]}
