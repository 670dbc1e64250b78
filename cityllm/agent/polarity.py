"""Whether a sentence says the opposite of what it rests on: negation, 应当 against 可以, direction.

Chinese sentences are laid beside the Chinese source: words that both share must stand under the
same polarity (不, 不得, 未 … / 应当 / 可以), and a negation must be one that the source (or the user)
makes about the same words. English sentences about a Chinese source are compared by what kind of
rule they state; a plain English negation cannot be checked that way and does not pass. It
compares words close to one another; it does not follow an argument over several sentences.
"""

from __future__ import annotations

import re

_CN_NEG = ("不应当|不应该|不可以|不需要|不属于|不适用|不得|不能|不可|不准|不许|不应|不必|不须|不用|不需|不予|不再|不会"
           "|不是|不受|不按|毋须|无需|无须|无权|无法|没有|免于|免予|免除|严禁|禁止|拒不|拒绝|未经|未能|尚未|从未|并非|绝非"
           "|不|没|未|无|非|免|勿|禁")
_CN_MUST = "应当|应该|必须|责令|须|应"
_CN_MAY = "可以|有权|允许|准许|能够|可"
_TOKEN = re.compile(f"(?P<neg>{_CN_NEG})|(?P<must>{_CN_MUST})|(?P<may>{_CN_MAY})")
_LEXICAL = re.compile(
    "不动产|不仅|不但|不论|不管|不同|不断|不可抗力|不过|无障碍|无线|无人机|无论|未来|未成年|非机动车|非法|非营利|非物质"
    "|非居民|非公有|非税|免费|是否|能否|可否|否则|会不会|能不能|要不要|可不可以|是不是|有没有|不低于|不少于|不小于|不超过"
    "|不得超过|不高于|不大于|不多于|不得少于|不得低于|不足|不满|未满|相应|适应|供应|反应|响应|对应|应急|应用|应届|应诉|应税"
    "|许可|认可|可能|可持续|可行性|可研|急需|无偿|非凡|效应|不良|不便|应纳|没收|许可证")
_CONTENT = re.compile(r"[\u4e00-\u9fffA-Za-z0-9]")
_ENDS = re.compile(f"[，。；：！？,.;:!?\\s的]|{_CN_MUST}|{_CN_MAY}")
_STOP = re.compile(r"[，。；：！？,.;:!?\s]")
_SINGLE = re.compile("[不未没无非免勿]")
SHARED = 3


_ALIAS = {ord(c): chr(0xE100 + i) for i, c in enumerate("不未无非免没应可须能需")}

_BACK = {alias: char for char, alias in ((k, ord(v)) for k, v in _ALIAS.items())}


def _masked(text: str) -> str:
    """The text at the same length, with look-alikes in signs that no token matches."""
    return _LEXICAL.sub(lambda match: match[0].translate(_ALIAS), text)


def _before(text: str, at: int) -> str:
    """Polarity that governs the words at `at`: the nearest token that ends at most 2 before."""
    start = max(0, at - 6)
    found = ""
    for match in _TOKEN.finditer(text, start, at):
        between = text[match.end():at]
        if len(between) <= 2 and not _STOP.search(between):
            found = str(match.lastgroup)
    return found


def _under(words: str, source: str) -> set[str]:
    """Every polarity under which `words` stand in the source."""
    found, at = set(), source.find(words)
    while at >= 0:
        found.add(_before(source, at))
        at = source.find(words, at + 1)
    return found


def _clash(here: str, there: set[str]) -> bool:
    if not there:
        return False
    if here == "neg":
        return "neg" not in there
    if there == {"neg"}:
        return True
    rules = there - {"neg", ""}
    return bool(here and rules and "" not in there and here not in rules)


def chinese(sentence: str, source: str, question: str) -> str:
    """The words whose polarity the source does not bear out; "" where all is well."""
    if spliced := _spliced(sentence, source):
        return spliced
    sentence, source, question = _masked(sentence), _masked(source), _masked(question)
    found = (_exchanged(sentence, source) or _shared_words(sentence, source)
             or _governed_words(sentence, source, question))
    return found.translate(_BACK)


def _spliced(sentence: str, source: str) -> str:
    """A place where the sentence is the source but for a negation put in or left out."""
    for with_it, without in ((sentence, source), (source, sentence)):
        for match in _SINGLE.finditer(with_it):
            left = with_it[max(0, match.start() - 2):match.start()].lstrip()
            right = with_it[match.end():match.end() + 2].rstrip()
            if left + match[0] + right in without:
                continue
            for context in (left[-1:] + right, left + right[:1]):
                if len(context) == 3 and context in without and context not in with_it:
                    return left + match[0] + right
    return ""


def _exchanged(sentence: str, source: str) -> str:
    """A place where the sentence is the source but for 不得, 应当 or 可以 in each other's stead."""
    there: dict[tuple[str, str], set[str]] = {}
    for match in _TOKEN.finditer(source):
        for context in _around(source, match):
            there.setdefault(context, set()).add(str(match.lastgroup))
    for match in _TOKEN.finditer(sentence):
        for context in _around(sentence, match):
            if context in there and match.lastgroup not in there[context]:
                return context[0] + match[0] + context[1]
    return ""


def _around(text: str, match: re.Match[str]) -> list[tuple[str, str]]:
    left = text[max(0, match.start() - 2):match.start()].lstrip()
    right = text[match.end():match.end() + 2].rstrip()
    pairs = [(left[-1:], right), (left, right[:1])]
    return [pair for pair in pairs if len(pair[0]) + len(pair[1]) == 3]


def _shared_words(sentence: str, source: str) -> str:
    at = 0
    while at + SHARED <= len(sentence):
        size = 0
        if sentence[at:at + SHARED] in source and not _STOP.search(sentence[at:at + SHARED]):
            size = SHARED
            while (at + size < len(sentence) and not _STOP.match(sentence[at + size])
                   and sentence[at:at + size + 1] in source):
                size += 1
        if size:
            words = sentence[at:at + size]
            here = _before(sentence, at)
            if _clash(here, _under(words, source)) and not (
                    here == "neg" and any(words[:8] in one for one in _denials(source))):
                return words
            at += size
        else:
            at += 1
    return ""


def _window(text: str, at: int) -> str:
    return _STOP.split(text[at:at + 10])[0]


def _pairs(text: str) -> set[str]:
    return {text[i:i + 2] for i in range(len(text) - 1) if _CONTENT.match(text[i])
            and _CONTENT.match(text[i + 1])}


def _denials(text: str) -> list[str]:
    """What each negation governs: the words after it, up to a stop, at most 16 characters."""
    return [_ENDS.split(text[match.end():match.end() + 16])[0]
            for match in _TOKEN.finditer(text) if match.lastgroup == "neg"]


def _denied(text: str) -> set[str]:
    """Pairs of characters that stand shortly after a negation."""
    return set().union(*(_pairs(words) for words in _denials(text)))


def _governed_words(sentence: str, source: str, question: str) -> str:
    denied_there, denied_by_user = _denied(source), _denied(question)
    for match in _TOKEN.finditer(sentence):
        words = _window(sentence, match.end())
        if words and match[0] + words[:4] in source:
            continue
        if len(words) < 2:
            led = sentence[max(0, match.start() - 2):match.end()].strip()
            if match.lastgroup == "neg" and led not in source:
                return match[0] + words
            continue
        there = _under(words[:2], source)
        if match.lastgroup == "neg":
            if there and "neg" not in there and not (_pairs(words) & denied_there):
                return match[0] + words
            if not _pairs(words) & (denied_there | denied_by_user):
                return match[0] + words
        elif there and _clash(str(match.lastgroup), there):
            return match[0] + words
    return ""


_EN_BOUND = re.compile(
    r"\b(?:no|not) (?:more|less|fewer|later|longer|greater) than\b|\bnot exceed(?:ing)?\b"
    r"|\bnot only\b|\bwhether or not\b|\bnot counted\b", re.IGNORECASE)
_EN_BAN = re.compile(
    r"\b(?:must|may|shall|should|can|are|is) ?not\b(?: be)?(?: allowed| permitted)?"
    r"|\b(?:prohibit|forbid|ban)\w*\b", re.IGNORECASE)
_EN_NEG = re.compile(
    r"\b(?:not|no|never|neither|nor|none|nobody|hardly|rarely|few|seldom|cannot|nothing|exempt\w"
    r"*|illegal|unlawful|unable"
    r"|unnecessary|free of|waive\w*)\b|n't\b", re.IGNORECASE)
_EN_LACK = re.compile(r"\b(?:without|unless|lack\w*|fail(?:s|ed|ing|ure)? to)\b", re.IGNORECASE)
_EN_HAVE = re.compile(
    r"\bwith (?:\w+ ){0,4}(?:permits?|approval|permission|licen[cs]es?|consent|notice)\b",
    re.IGNORECASE)
_EN_MUST = re.compile(
    r"\b(?:must|shall|should|requir\w+|oblig\w+|(?:have|has|need|needs) to|mandatory|liable"
    r"|ordered)\b", re.IGNORECASE)
_EN_MAY = re.compile(
    r"\b(?:may|can|could|might|allowed|permitted|entitled|free to|optional|lawful)\b",
    re.IGNORECASE)
_CN_ORDER = re.compile("应当|应该|必须|责令|须|处以?|限期|没收|予以")
_CN_BAN = re.compile("不得|禁止|严禁|不准|不能|不许")
_CN_LACK = re.compile("未|无|没有|擅自|不")


def english(sentence: str, source: str) -> str:
    """The English words of negation or rule that the Chinese source does not bear out."""
    plain, source = _EN_BOUND.sub(" ", sentence), _masked(source)
    may = bool(_CN_MAY_WORD.search(source))
    ordered = bool(_CN_ORDER.search(source))
    banned = bool(_CN_BAN.search(source))
    ban = _EN_BAN.search(plain)
    if ban and (not banned or ordered or may):
        return ban[0]
    plain = _EN_BAN.sub(" ", plain)
    for pattern, borne_out in ((_EN_NEG, False), (_EN_LACK, bool(_CN_LACK.search(source))),
                               (_EN_HAVE, not re.search("未取得|未经|没有", source)),
                               (_EN_MUST, ordered), (_EN_MAY, may)):
        found = pattern.search(plain)
        if found and not borne_out:
            return found[0]
    return ""


_CN_MAY_WORD = re.compile(_CN_MAY)
_UP = re.compile(r"上升|提高|升高|增加|增长|加快|变快|变高|变大|上涨|延长|改善|好转"
                 r"|\b(?:ris(?:es?|ing|en)|rose|increas\w+|higher|faster|grows?|grew|goes up|wen"
                 r"t up)\b", re.IGNORECASE)
_DOWN = re.compile(r"下降|降低|减少|下跌|减慢|变慢|变低|变小|缩短|减小|放缓"
                   r"|\b(?:falls?|fell|drop\w*|decreas\w+|lower|slower|declin\w+|reduc\w+|goes d"
                   r"own|went down)\b",
                   re.IGNORECASE)


def directions(text: str) -> set[str]:
    """`up`, `down`: the directions of change that the text speaks of."""
    return ({"up"} if _UP.search(text) else set()) | ({"down"} if _DOWN.search(text) else set())
