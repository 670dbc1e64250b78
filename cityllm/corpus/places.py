"""Which region a question is about, from the names of cities and provinces in it."""

from __future__ import annotations

import re

from cityllm.corpus.levels import _CITIES, _MUNICIPALITIES

_NAMES = {city: f"{city}市" for cities in _CITIES.values() for city in cities.split()}
_NAMES |= {province[:-1]: province for province in _CITIES}
_NAMES |= {one[:-1]: one for one in _MUNICIPALITIES}
_ENGLISH = {"hangzhou": "杭州市", "zhejiang": "浙江省", "beijing": "北京市", "shanghai": "上海市",
            "chongqing": "重庆市", "guangdong": "广东省", "shandong": "山东省", "henan": "河南省",
            "ningbo": "宁波市", "wenzhou": "温州市", "guangzhou": "广州市", "shenzhen": "深圳市"}
_ANY = re.compile(f"(?:{'|'.join((*_NAMES, *_ENGLISH))})(?![东西南北中]?(?:路|街|大道|公园|装))")


def region_named(text: str) -> str | None:
    """The region that `text` names; a city before the province it lies in; None for none or for
    several that do not lie in one another."""
    found = {_NAMES.get(name) or _ENGLISH[name] for name in _ANY.findall(text.lower())}
    cities = {one for one in found if one.endswith("市") and one not in _MUNICIPALITIES}
    provinces = found - cities
    if len(cities) == 1:
        (city,) = cities
        return city if all(city[:-1] in _CITIES.get(one, "").split() for one in provinces) else None
    return provinces.pop() if not cities and len(provinces) == 1 else None
