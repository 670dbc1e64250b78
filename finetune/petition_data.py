"""Our own petitions for training: base sentences of `petitions/*.yaml` in many voices.

    examples(folder, copies, seed)  ->  rows with all labels, the same for the same seed

Each base gives `copies` rows: slots filled, wrapped in a frame, now and then joined with a second
base of the same leaf, with slips of the keyboard. `group` is the base, so that a fold can hold out
everything made from it. No sentence is taken from measured data.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "petitions"
KINDS = ("complaint", "request", "suggestion", "report", "thanks")
JURISDICTIONS = ("petition", "court", "arbitration", "reconsideration", "discipline")
RISKS = ("life", "group", "self_harm", "minors")
_SLOT = re.compile(r"\{(\w+)\}")
_TAG = re.compile(r"\s+@(\w+)")


@dataclass(frozen=True)
class Base:
    """One hand-written petition with its labels; `text` still has slots."""

    group: int
    code: str
    text: str
    kind: str
    jurisdiction: str
    risks: tuple[str, ...]


@dataclass(frozen=True)
class Example:
    """One training row."""

    title: str
    text: str
    base: Base


def bases(folder: Path = FOLDER) -> list[Base]:
    """All base petitions. Raises ValueError that names file and leaf for an unknown tag."""
    found: list[Base] = []
    for path in sorted(folder.glob("[0-9]*.yaml")):
        held: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        common = held.pop("default", "")
        for code, texts in held.items():
            for text in texts:
                found.append(_base(len(found), code, text, common, f"{path.name} {code}"))
    return found


def _base(group: int, code: str, text: str, common: str, where: str) -> Base:
    said = [*_TAG.findall(" " + common), *_TAG.findall(text)]
    unknown = set(said) - set(KINDS) - set(JURISDICTIONS) - set(RISKS)
    if unknown:
        raise ValueError(f"{where}: unknown tags {sorted(unknown)}; allowed: "
                         f"{', '.join(KINDS + JURISDICTIONS + RISKS)}")
    kinds = [tag for tag in said if tag in KINDS]
    places = [tag for tag in said if tag in JURISDICTIONS]
    return Base(group, code, _TAG.sub("", text), kinds[-1] if kinds else "complaint",
                places[-1] if places else "petition",
                tuple(tag for tag in RISKS if tag in said))


def examples(folder: Path = FOLDER, copies: int = 4, seed: int = 0) -> Iterator[Example]:
    """`copies` rows of each base: the first plain, the others in a voice."""
    dice = random.Random(seed)
    slots = yaml.safe_load((folder / "slots.yaml").read_text(encoding="utf-8"))
    frames = yaml.safe_load((folder / "frames.yaml").read_text(encoding="utf-8"))
    held = bases(folder)
    alike: dict[tuple[str, str, str, tuple[str, ...]], list[Base]] = {}
    for base in held:
        alike.setdefault((base.code, base.kind, base.jurisdiction, base.risks), []).append(base)
    for base in held:
        for copy in range(copies):
            other = dice.choice(alike[base.code, base.kind, base.jurisdiction, base.risks])
            voice = "{core}" if copy == 0 else dice.choice(frames["voices"])
            if other is base:
                voice = voice.replace("{core2}", "{demand}")
            own = frames["kinds"].get(
                "plea" if base.kind == "request" and "life" in base.risks else base.kind)
            if own and (base.kind == "thanks" or (copy and dice.random() < 0.75)):
                voice = f"{dice.choice(own['open'])}{{core}}。{dice.choice(own['close'])}"
            text = _fill(voice, base, other, frames, slots, dice)
            if copy > 1 and dice.random() < 0.35:
                text = _slip(text, frames["slips"], dice)
            yield Example(_title(base, slots, dice) if dice.random() < 0.6 else "", text, base)


def _fill(voice: str, base: Base, other: Base, frames: dict[str, Any], slots: dict[str, list[str]],
          dice: random.Random) -> str:
    def one(found: re.Match[str]) -> str:
        name = found[1]
        if name == "core":
            return base.text
        if name == "core2":
            return other.text
        return str(dice.choice(frames.get(name) or slots[name]))

    text = voice
    for _ in range(4):
        text = _SLOT.sub(one, text)
    return re.sub(r"([。！？])[，。]", r"\1", text)


def _title(base: Base, slots: dict[str, list[str]], dice: random.Random) -> str:
    """What people write above it: the first clause, with or without a word for what it is."""
    clause = _fill(dice.choice(re.split("[，,]", base.text)[:2]), base, base, {}, slots, dice)
    form = dice.choice(["{}", "{}", "关于{}的问题", "反映{}", "{}，求解决", "{地}{}", "咨询{}"])
    return form.replace("{地}", dice.choice(slots["地"])).replace("{}", clause)


def _slip(text: str, slips: list[list[str]], dice: random.Random) -> str:
    for right, wrong in dice.sample(slips, 6):
        text = text.replace(right, wrong, 1)
    return text.replace("，", dice.choice(["，", " ", ""])) if dice.random() < 0.3 else text
