"""`[E1]`, `{E1.text}` and `{E2.name}` in a model's words: found, checked, and taken out of them.

Every reference becomes one private sign in the sentence, so that what it will be replaced by is not
mistaken for words of the model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cityllm.evidence import ClauseEvidence, Evidence, ToolRunEvidence

SIGN = "\ue000"
SIGNS = re.compile("[\ue000-\ue0ff]")
_REFERENCE = re.compile(r"\[\s*E(\d+)\s*\]|\{\s*E(\d+)\s*\.\s*(\w+)\s*\}")
_GROUP = re.compile(r"[\[［【]\s*E\d+(?:\s*[,，、;；和]\s*E\d+)+\s*[\]］】]")
_ENDS = re.compile(r"(?<=[。！？!?；;])|(?<=[a-z)\]}%][.])(?=\s)|\n+")


@dataclass(frozen=True)
class Reference:
    """One reference. `name` is "" for a citation, `text` for a quote, else a figure's name."""

    id: str
    name: str
    raw: str


@dataclass(frozen=True)
class Sentence:
    """A sentence with signs for its references; `raw` as the model wrote it."""

    raw: str
    words: str
    references: tuple[Reference, ...]
    ends_line: bool

    @property
    def plain(self) -> str:
        """The words alone."""
        return SIGNS.sub(" ", self.words)


def sentences(text: str) -> list[Sentence]:
    """The text in sentences; `[E1, E2]` counts as `[E1][E2]`."""
    text = text.replace("［", "[").replace("］", "]").replace("｛", "{").replace("｝", "}")
    text = _GROUP.sub(lambda m: "".join(f"[{e}]" for e in re.findall(r"E\d+", m[0])), text)
    found, at = [], 0
    for match in [*_ENDS.finditer(text), None]:
        end = match.end() if match else len(text)
        raw = text[at:end]
        at = end
        if raw.strip():
            found.append(_sentence(raw))
        elif found and "\n" in raw:
            last = found[-1]
            found[-1] = Sentence(last.raw, last.words, last.references, True)
    return _join_stray(found)


def _sentence(raw: str) -> Sentence:
    references: list[Reference] = []

    def sign(match: re.Match[str]) -> str:
        references.append(Reference(f"E{match[1] or match[2]}", match[3] or "", match[0]))
        return chr(ord(SIGN) + len(references) - 1) if len(references) <= 256 else ""

    words = _REFERENCE.sub(sign, raw)
    return Sentence(raw.strip(), words.strip(), tuple(references), "\n" in raw)


def _join_stray(found: list[Sentence]) -> list[Sentence]:
    """A reference that stands alone after a full stop belongs to the sentence before it."""
    joined: list[Sentence] = []
    for one in found:
        alone = one.references and not re.search(r"\w", one.plain)
        cites = all(not r.name for r in one.references)
        if alone and cites and joined and not joined[-1].ends_line:
            last = joined.pop()
            one = _sentence(last.raw + one.raw + ("\n" if one.ends_line else ""))
        joined.append(one)
    return joined


def known(reference: Reference, evidence: Mapping[str, Evidence]) -> bool:
    """Whether it names evidence that exists, and a figure that this evidence has."""
    piece = evidence.get(reference.id)
    if piece is None:
        return False
    if reference.name in ("", "text"):
        return not reference.name or isinstance(piece, ClauseEvidence)
    return reference.name in piece.values


def source_text(piece: Evidence) -> str:
    """All that one piece of evidence says, a line each."""
    lines = [f"{value.label_zh} {value.label_en} {value.shown()}"
             for value in piece.values.values()]
    if isinstance(piece, ClauseEvidence):
        dates = [f"{day}" for day in (piece.version, piece.effective) if day]
        lines += [f"{piece.title}{piece.article_label}", piece.heading, piece.text, *dates,
                  piece.issuer, piece.status]
    elif isinstance(piece, ToolRunEvidence):
        lines += [piece.summary, *(f"{k} {v}" for k, v in piece.inputs.items())]
    else:
        rows = getattr(piece, "rows", None) or [[step] for step in getattr(piece, "steps", [])]
        lines += [" ".join(str(cell) for cell in row) for row in rows]
        lines += [str(source) for source in getattr(piece, "sources", [])]
    return "\n".join(line for line in lines if line)
