"""Paragraphs and tables of a DOCX in their order, automatic numbers written out.

Word often numbers articles itself (第%1条), so that the number is not in the text: it is worked out
from the numbering part for the formats that Chinese documents use. Headers, footers, comments and
footnotes are left out.
"""

from __future__ import annotations

import io
import zipfile
from typing import Any

from cityllm.corpus.numerals import int_to_cn

_CHINESE = {"chineseCounting", "chineseCountingThousand", "ideographDigital", "taiwaneseCounting",
            "japaneseCounting", "chineseLegalSimplified"}


MAX_UNPACKED = 500_000_000
"""Bytes; more is no law but a trap."""


def docx_lines(data: bytes) -> list[str]:
    """Lines of text, a table row as | cell | cell |. Raises what zipfile and python-docx raise."""
    import docx
    from docx.table import Table

    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        if sum(part.file_size for part in packed.infolist()) > MAX_UNPACKED:
            raise ValueError("too large when unpacked")
    document = docx.Document(io.BytesIO(data))
    numbers = _Numbers(document)
    lines: list[str] = []
    for block in document.iter_inner_content():
        if isinstance(block, Table):
            for row in block.rows:
                cells = [" ".join(cell.text.split()) for cell in row.cells]
                lines.append(f"| {' | '.join(cells)} |")
            continue
        text = block.text.strip()
        if text:
            style = block.style.name if block.style is not None else ""
            title = style == "Title" and not lines
            lines += (("# " if title else "") + numbers.label(block) + text).split("\n")
    return [line.strip() for line in lines if line.strip()]


class _Numbers:
    """Counters of the document's automatic numbering, by list and level."""

    def __init__(self, document: Any) -> None:
        from docx.oxml.ns import qn

        self._qn = qn
        self._levels: dict[tuple[str, str], tuple[str, str, int]] = {}
        self._counts: dict[tuple[str, int], int] = {}
        try:
            root = document.part.numbering_part.element
        except (KeyError, NotImplementedError, AttributeError):
            return
        abstract = {}
        for item in root.findall(qn("w:abstractNum")):
            abstract[item.get(qn("w:abstractNumId"))] = {
                level.get(qn("w:ilvl")): (self._value(level, "w:numFmt"),
                                          self._value(level, "w:lvlText"),
                                          int(self._value(level, "w:start") or 1))
                for level in item.findall(qn("w:lvl"))}
        for item in root.findall(qn("w:num")):
            for level, form in abstract.get(self._value(item, "w:abstractNumId"), {}).items():
                self._levels[(item.get(qn("w:numId")), level)] = form

    def _value(self, element: Any, name: str) -> str:
        child = element.find(self._qn(name))
        return str(child.get(self._qn("w:val")) or "") if child is not None else ""

    def label(self, paragraph: Any) -> str:
        """The number that Word would print before this paragraph, a space after it, or ""."""
        properties = paragraph._p.pPr
        if properties is None or properties.numPr is None or properties.numPr.numId is None:
            return ""
        numbering = properties.numPr
        list_id = str(numbering.numId.val)
        level = numbering.ilvl.val if numbering.ilvl is not None else 0
        form = self._levels.get((list_id, str(level)))
        if form is None or form[0] in {"bullet", "none"} or "%" not in form[1]:
            return ""
        key = (list_id, level)
        self._counts[key] = self._counts.get(key, form[2] - 1) + 1
        for deeper in range(level + 1, 9):
            self._counts.pop((list_id, deeper), None)
        label = form[1]
        for place in range(level + 1):
            here = self._levels.get((list_id, str(place)), form)
            count = self._counts.get((list_id, place), here[2])
            shown = int_to_cn(count) if here[0] in _CHINESE else str(count)
            label = label.replace(f"%{place + 1}", shown)
        return label + " "
