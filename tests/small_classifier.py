"""A small real classifier, fitted when made: naive Bayes over characters of two dozen sentences."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from cityllm.petitions.record import Ground, Kind, Labels, Risk

TAUGHT: tuple[tuple[str, str, str, Kind], ...] = (
    ("城乡建设", "市住房和城乡建设局", "小区电梯坏了物业不修，外墙漏水，开发商延期交房", "complaint"),
    ("城乡建设", "市住房和城乡建设局", "工地夜里施工噪音大，居民睡不着，违章建筑没人管", "complaint"),
    ("城乡建设", "市城市管理局", "路灯不亮，井盖破损，垃圾没有清运，占道经营油烟扰民", "complaint"),
    ("交通运输", "市交通运输局", "公交车班次少，等车时间长，建议增加一条线路", "suggestion"),
    ("交通运输", "市交通运输局", "路口堵车，红绿灯时间太短，出租车拒载", "complaint"),
    ("教育", "市教育局", "孩子上学划片不合理，学校补课收费，幼儿园入学名额", "complaint"),
    ("教育", "市教育局", "请问小学入学需要什么材料，转学怎么办理", "request"),
    ("劳动和社会保障", "市人力资源和社会保障局", "公司拖欠工资三个月，不签合同，不交社保", "complaint"),
    ("劳动和社会保障", "市人力资源和社会保障局", "请问养老金什么时候发放，退休手续怎么办理", "request"),
    ("卫生健康", "市卫生健康委员会", "医院收费高，医生误诊，疫苗接种预约不上", "complaint"),
    ("环境保护", "市生态环境局", "工厂排放污水，粉尘和臭气严重，搅拌站污染", "complaint"),
    ("城乡建设", "市城市管理局", "感谢环卫工人，服务很好，点赞", "thanks"))
RISKS: dict[Risk, tuple[str, ...]] = {
    "life": ("坍塌", "煤气泄漏", "爆炸"), "self_harm": ("不想活", "自杀"),
    "group": ("集体上访", "几百人"), "minors": ("孩子被打",)}


class SmallClassifier:
    """`sure`: the confidence is always 0.99, as of a classifier that errs without a doubt."""

    def __init__(self, sure: bool = False) -> None:
        self._sure = sure
        self._counts = [Counter(text) for _, _, text, _ in TAUGHT]
        self._totals = [sum(counts.values()) + 3000 for counts in self._counts]

    def labels(self, texts: Sequence[str],
               districts: Sequence[str] | None = None) -> list[Labels]:
        return [self._one(text) for text in texts]

    def grounds(self, texts: Sequence[str], labels: Sequence[Labels],
                districts: Sequence[str]) -> list[tuple[Ground, ...]]:
        """The kind, by the first two characters."""
        return [(Ground("kind", one.kind, "words", ((text.strip()[:2], 0.0),)),)
                for text, one in zip(texts, labels, strict=True)]

    def _one(self, text: str) -> Labels:
        scores = [sum(math.log((counts[sign] + 1) / total) for sign in text[:200])
                  for counts, total in zip(self._counts, self._totals, strict=True)]
        best = max(range(len(scores)), key=scores.__getitem__)
        share = 1 / sum(math.exp(max(score - scores[best], -50)) for score in scores)
        top, department, _, kind = TAUGHT[best]
        risks = tuple(risk for risk, words in RISKS.items() if any(w in text for w in words))
        return Labels((top,), f"{best:02d}", 0.99 if self._sure else share,
                      [(f"{best:02d}", share)],
                      department, kind, risks, "petition")


def make_small() -> SmallClassifier:
    return SmallClassifier()


def make_sure() -> SmallClassifier:
    return SmallClassifier(sure=True)
