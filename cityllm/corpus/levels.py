"""Kinds of instruments, their partial order (立法法 arts 98 to 106), and regions.

`compare` answers higher | lower | equal | unresolved | apart. Unresolved is 地方性法规 against
部门规章: it is shown as a conflict, not decided. Apart are kinds of their own (司法解释, 党政联合法规,
标准, 规范性文件) and rules of places neither of which holds the other.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Literal

NATION = "全国"
KINDS = ("宪法", "法律", "行政法规", "地方性法规", "部门规章", "地方政府规章", "司法解释",
         "党政联合法规", "标准", "规范性文件", "参考资料")
LEVELS = (*KINDS, "设区的市地方性法规", "设区的市政府规章", "自治条例和单行条例")
Order = Literal["higher", "lower", "equal", "unresolved", "apart"]

_NATIONAL_RANK = {"宪法": 0, "法律": 1, "行政法规": 2}
_MUNICIPALITIES = ("北京市", "上海市", "天津市", "重庆市")
_CITIES = {
    "浙江省": "杭州 宁波 温州 嘉兴 湖州 绍兴 金华 衢州 舟山 台州 丽水",
    "广东省": "广州 深圳 珠海 汕头 佛山 韶关 湛江 肇庆 江门 茂名 惠州 梅州 汕尾 河源 阳江 清远 东莞 中山 "
              "潮州 揭阳 云浮",
    "山东省": "济南 青岛 淄博 枣庄 东营 烟台 潍坊 济宁 泰安 威海 日照 临沂 德州 聊城 滨州 菏泽 莱芜",
    "河南省": "郑州 开封 洛阳 平顶山 安阳 鹤壁 新乡 焦作 濮阳 许昌 漯河 三门峡 南阳 商丘 信阳 周口 驻马店 "
              "济源",
    "江苏省": "南京 无锡 徐州 常州 苏州 南通 连云港 淮安 盐城 扬州 镇江 泰州 宿迁",
    "四川省": "成都 自贡 攀枝花 泸州 德阳 绵阳 广元 遂宁 内江 乐山 南充 眉山 宜宾 广安 达州 雅安 巴中 资阳",
    "湖北省": "武汉 黄石 十堰 宜昌 襄阳 鄂州 荆门 孝感 荆州 黄冈 咸宁 随州",
    "福建省": "福州 厦门 莆田 三明 泉州 漳州 南平 龙岩 宁德",
    "陕西省": "西安 铜川 宝鸡 咸阳 渭南 延安 汉中 榆林 安康 商洛",
}
_PARENT = {f"{city}市": province for province, cities in _CITIES.items() for city in cities.split()}
_PROVINCES = re.compile(
    "(河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|"
    "甘肃|青海|台湾)省?|(内蒙古|广西|西藏|宁夏|新疆)")
_NATIONAL_FOLDER = re.compile("行政法规|司法解释|部门规章|宪法|民法|刑法|行政法|经济法|社会法|诉讼")
_AUTONOMOUS = re.compile(r"^([\u4e00-\u9fff]{2,12}?自治[县州])")


def parent_of(region: str) -> str:
    """Province of a city, 全国 of a province or 直辖市, "" of 全国 and of what is not known."""
    if region == NATION or not region:
        return ""
    if region in _PARENT:
        return _PARENT[region]
    return NATION if region in _MUNICIPALITIES or region[-1] in "省区" else ""


def region_chain(region: str) -> tuple[str, ...]:
    """The regions whose law holds in `region`: 杭州市 → 杭州市, 浙江省, 全国."""
    chain = [region]
    while parent := parent_of(chain[-1]):
        chain.append(parent)
    return tuple(chain) if chain[-1] == NATION else (*chain, NATION)


def region_in(text: str) -> str:
    """Region that a title or an issuer's name begins with, "" where it names none."""
    for name in _MUNICIPALITIES:
        if text.startswith((name, name[:-1])):
            return name
    own = _AUTONOMOUS.match(text)
    if own:
        return own[1]
    for city in _PARENT:
        if text.startswith((city, city[:-1])):
            return city
    found = _PROVINCES.match(text)
    if found:
        return f"{found[1]}省" if found[1] else f"{found[2]}自治区"
    return ""


def region_from(path: PurePath, title: str, issuer: str) -> str:
    """Region from the issuer, then the title, then a folder such as 浙江地方法规; else 全国."""
    folders = "/".join(path.parts[:-1])
    if _NATIONAL_FOLDER.search(folders) and "地方" not in folders:
        return NATION
    found = "" if issuer.startswith(("全国", "国务院", "最高")) else region_in(issuer)
    if not found and "全国人民代表大会" not in title[:8]:
        found = region_in(title)
    if not found:
        for part in path.parts[:-1]:
            if "地方" in part and (found := region_in(part)):
                break
    return found or NATION


def issuer_from(issuer: str, kind: str, title: str) -> str:
    """The issuer, or, where the text names none, the one that kind or title leaves no doubt of."""
    if issuer:
        return issuer
    if kind == "行政法规":
        return "国务院"
    both = re.match("最高人民法院(、最高人民检察院)?|最高人民检察院", title)
    return both[0] if both and kind == "司法解释" else ""


def kind_from(path: PurePath, title: str, issuer: str, region: str) -> str:
    """Kind from the folder, the issuer and the title; 规范性文件 where nothing tells."""
    folders = "/".join(path.parts[:-1])
    if issuer.startswith("中共") or title in {"信访工作条例"}:
        return "党政联合法规"
    if title.startswith("宪法"):
        return "宪法"
    if title.startswith(("最高人民法院", "最高人民检察院")) or "司法解释" in folders:
        return "司法解释"
    if "部门规章" in folders:
        return "部门规章" if "通知" not in title else "规范性文件"
    if re.match(r"(GB|JGJ|CJJ|DB)\W?", path.name) or re.search("(标准|规范|规程)$", title):
        return "标准"
    if re.search("攻略|指南|解读|问答|教程", title):
        return "参考资料"
    if issuer.endswith(("人民代表大会常务委员会", "人民代表大会")):
        return "法律" if issuer.startswith("全国") else "地方性法规"
    if region == NATION and (issuer.startswith("国务院") or "行政法规" in folders):
        return "行政法规"
    if "地方性法规" in folders:
        return "地方性法规"
    if re.search("法典|民法|刑法|行政法|经济法|社会法|诉讼", folders):
        return "法律"
    if region != NATION:
        if title.endswith("条例"):
            return "地方性法规"
        return "地方政府规章" if issuer.endswith("人民政府") else "规范性文件"
    if title.endswith("法"):
        return "法律"
    if re.search("(部|总局|委员会|总署|银行)$", issuer):
        return "部门规章"
    return "行政法规" if title.endswith("条例") else "规范性文件"


def level_of(kind: str, region: str) -> str:
    """Level shown to a reader: 地方性法规 of a 设区的市 stands below the province's."""
    city = region != NATION and parent_of(region) != NATION
    if kind == "地方性法规" and "自治" in region and region[-1] in "县州":
        return "自治条例和单行条例"
    if city and kind == "地方性法规":
        return "设区的市地方性法规"
    if city and kind == "地方政府规章":
        return "设区的市政府规章"
    return kind


def compare(kind: str, region: str, other_kind: str, other_region: str) -> Order:
    """How an instrument of (kind, region) stands to another; see the module for the five answers.

    Equal says nothing of newer or special texts of one issuer: those prevail (立法法第一百零三条).
    """
    mine, other = _NATIONAL_RANK.get(kind), _NATIONAL_RANK.get(other_kind)
    local = ("地方性法规", "地方政府规章")
    ranked = (*_NATIONAL_RANK, *local, "部门规章")
    if kind not in ranked or other_kind not in ranked:
        return "equal" if kind == other_kind and region == other_region else "apart"
    if mine is not None or other is not None:
        first, second = (9 if mine is None else mine), (9 if other is None else other)
        return "equal" if first == second else "higher" if first < second else "lower"
    if "部门规章" in (kind, other_kind):
        return "unresolved" if "地方性法规" in (kind, other_kind) else "equal"
    if kind == other_kind:
        if region == other_region:
            return "equal"
    elif region == other_region:
        return "higher" if kind == "地方性法规" else "lower"
    if region in region_chain(other_region) and (kind == "地方性法规" or kind == other_kind):
        return "higher"
    if other_region in region_chain(region) and (other_kind == "地方性法规" or kind == other_kind):
        return "lower"
    return "apart"
