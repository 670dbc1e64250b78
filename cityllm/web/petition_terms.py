"""Words that the batch writes in Chinese into a record, on an English page.

Names of categories, bodies and laws stay in Chinese: they are names.
"""

from __future__ import annotations

import re

from cityllm.messages import Language
from cityllm.petitions import output

NAMES = {**output.KINDS, **output.ROUTES, **output.WAYS, **output.RISK_NAMES}
_WORDS = {
    "可能危及生命安全": "life may be in danger",
    "可能自伤、轻生": "somebody may harm themselves",
    "涉及未成年人安全": "the safety of minors",
    "群体性或扬言聚集": "a group, or a threat to gather",
    "可能应当走诉讼": "perhaps a matter for a court",
    "可能应当走仲裁": "perhaps a matter for arbitration",
    "可能应当走行政复议等行政程序": "perhaps a matter for an administrative procedure",
    "属于纪检监察机关受理的检举控告": "a report of wrongdoing for discipline inspection",
    "检举控告：不转给被检举的单位或个人，由人决定去向":
        "a report of wrongdoing: not passed to whom it accuses, a person decides",
    "责任清单里没有找到承办单位": "the duty list names no department",
    "助手判断这不是城市政府办理的事务": "not city business, the assistant finds",
    "已收录的法规里没有查到依据": "the regulations held say nothing of it",
    "来件提到的条文查不到": "the article that it names cannot be found",
    "当时的法规文本没有收录": "the wording of that time is not held",
    "模型写的内容没有通过核对": "what the model wrote did not pass verification",
    "查询工具运行失败，再运行一次会重试": "a tool failed; another try may help",
    "语言模型不可用，再运行一次会重试": "the language model is not available; try again later",
    "助手没有作答": "the assistant did not answer",
    "回答没有引用条文": "the answer cites no article",
    "查到的条文与来件不够贴切": "the articles found are not near enough to the matter",
    "检举控告件不写草稿": "no draft is written for a report of wrongdoing",
    "原期限未知": "the period that is extended is not known",
    "延期批准在原期限届满之后": "the extension was approved after the period had ended",
    "分类器没有校准文件 line.json，全部由人审核": "the classifier is not calibrated: a person looks at all",
    "没有画出自动线，全部由人审核": "no automatic line was drawn: a person looks at all",
    "没有标题也没有内容": "neither a title nor a text",
    "收到日期": "date of receipt", "转送、交办日期": "date of forwarding", "受理日期": "date of acceptance",
    "延期批准日期": "date of the extension", "信访人收到答复的日期": "date the reply was received",
    "收到复查请求的日期": "date the review was asked for",
    "信访人收到复查意见的日期": "date the review's opinion was received",
    "收到复核请求的日期": "date the re-examination was asked for",
}
_SHAPES = (
    (re.compile(r"点名提到（(.*)），先由人看是否检举控告，暂不定承办单位"),
     r"names somebody in an office (\1): a person reads it first, no department yet"),
    (re.compile(r"反映了单位或人员的作风（(.*)），可能正是拟转单位"),
     r"speaks of an office's conduct (\1), perhaps the very department proposed"),
    (re.compile(r"把握 ([\d.]+) 低于自动线 ([\d.]+)"), r"confidence \1 is below the line \2"),
    (re.compile(r"本地标注只有 (\d+) 行（至少要 (\d+) 行），全部由人审核"),
     r"\1 labelled local rows, \2 are needed: a person looks at all"),
    (re.compile(r"自动线已关闭：(.*)"), r"the automatic line is closed: \1"),
    (re.compile(r"这一行读不了：(.*)"), r"this row cannot be used: \1"),
)


def name(word: str, language: Language) -> str:
    """The name of a kind, route, procedure or risk."""
    return NAMES.get(word, word) if language == "zh" else output.ENGLISH.get(word, word)


def sentence(words: str, language: Language) -> str:
    """What the batch, or a draft, says of a petition. Both languages may stand in it, parted by a
    line or by a stroke."""
    for mark in ("\n", " / "):
        zh, found, en = words.partition(mark)
        if found:
            return zh if language == "zh" else en
    if language == "zh":
        return words
    return "; ".join(map(_english, words.split("；")))


def _english(words: str) -> str:
    if words in _WORDS:
        return _WORDS[words]
    if words.endswith("未知") and words[:-2] in _WORDS:
        return f"{_WORDS[words[:-2]]} unknown"
    for pattern, english in _SHAPES:
        if pattern.fullmatch(words):
            return pattern.sub(english, words)
    return words
