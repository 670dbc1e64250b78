"""An answer with all that it stands on, as Markdown or DOCX, for a file or a colleague.

Both hold question, answer, each piece of evidence in full with version, level, status and source,
the steps, and what was removed. Pictures of a run go into the DOCX where their files still exist.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from cityllm.evidence import Answer, ClauseEvidence, DataRowEvidence, Evidence, ToolRunEvidence
from cityllm.messages import Language, say


class Block(NamedTuple):
    """One piece of the document; `kind` says how it is set."""

    kind: Literal["title", "heading", "text", "quote", "item", "image"]
    text: str


def markdown(answer: Answer) -> str:
    """The document as Markdown."""
    forms = {"title": "# {}", "heading": "## {}", "text": "{}", "item": "- {}", "image": "`{}`"}
    text, last = "", ""
    for block in _blocks(answer):
        if block.kind == "quote":
            words = "\n".join(f"> {line}".rstrip() for line in block.text.split("\n"))
        else:
            words = forms[block.kind].format(block.text)
        text += ("\n" if block.kind == last == "item" else "\n\n" if text else "") + words
        last = block.kind
    return text + "\n"


def docx(answer: Answer) -> bytes:
    """The document as a Word file."""
    from docx import Document
    from docx.oxml.ns import qn
    from docx.shared import Cm, Pt

    document = Document()
    style = document.styles["Normal"]
    style.font.name, style.font.size = "Noto Sans CJK SC", Pt(10.5)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), "Noto Sans CJK SC")
    for block in _blocks(answer):
        if block.kind == "title":
            document.add_heading(_bare(block.text), 0)
        elif block.kind == "heading":
            document.add_heading(_bare(block.text), 1)
        elif block.kind == "image":
            if Path(block.text).is_file():
                document.add_picture(block.text, width=Cm(15))
        else:
            style_name = {"quote": "Intense Quote", "item": "List Bullet"}.get(block.kind)
            for line in block.text.split("\n"):
                if line.strip(" >"):
                    document.add_paragraph(_bare(line), style=style_name)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def _bare(text: str) -> str:
    """Words without Markdown, and without signs that a Word file cannot hold."""
    text = re.sub(r"\[([^\]]*)\]\(#E\d+\)", r"\1", text)
    text = re.sub(r"^>\s?|\*\*|(?<!\w)\*(?=\S)|(?<=\S)\*(?!\w)", "", text)
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "", text)


def _blocks(answer: Answer) -> Iterator[Block]:
    language = answer.language
    yield Block("title", say("export_title", language))
    yield Block("heading", say("export_question", language))
    yield Block("text", answer.question)
    yield Block("heading", say("export_answer", language))
    yield Block("text", answer.text)
    shown = [*answer.citations, *(e for e in answer.evidence if not isinstance(e, ClauseEvidence))]
    if shown:
        yield Block("heading", say("export_evidence", language))
    for piece in shown:
        yield from _evidence(piece, language)
    if answer.steps:
        yield Block("heading", say("export_steps", language))
    for step in answer.steps:
        inputs = "，".join(f"{name}={value}" for name, value in step.inputs.items())
        problem = f"：{step.problem}" if step.problem else ""
        yield Block("item", f"{say(step.tool, language)}（{inputs}）{step.seconds:.2f} s{problem}")
    if answer.removed:
        yield Block("heading", say("export_removed", language))
        for one in answer.removed:
            yield Block("item", one)
    yield Block("text", _colophon(answer))


def _colophon(answer: Answer) -> str:
    parts = [say("as_of", answer.language, date=answer.as_of)]
    if answer.status_known:
        parts.append(say("status_known", answer.language, date=answer.status_known))
    if answer.engine:
        parts.append(answer.engine)
    return " · ".join(parts)


def _evidence(piece: Evidence, language: Language) -> Iterator[Block]:
    if isinstance(piece, ClauseEvidence):
        form = say("verbatim" if piece.verbatim else "digest", language)
        version = (say("version", language, date=piece.version) if piece.version
                   else say("version_unknown", language))
        head = say("quote_head", language, title=piece.title, label=piece.article_label,
                   version=version, form=form)
        yield Block("text", f"**{piece.id} {head}** {piece.level} {piece.issuer}".rstrip())
        yield Block("quote", piece.text)
        if piece.status:
            yield Block("item", f"{say('export_status', language)}: {piece.status}")
        if piece.source_url:
            yield Block("item", f"{say('export_source', language)}: {piece.source_url}")
    elif isinstance(piece, ToolRunEvidence):
        seed = f"（seed {piece.seed}）" if piece.seed is not None else ""
        yield Block("text", f"**{piece.id} {say(piece.tool, language)}**{seed}")
        yield Block("quote", piece.summary)
        for image in piece.images:
            yield Block("image", image)
    elif isinstance(piece, DataRowEvidence):
        yield Block("text", f"**{piece.id} {say('query_city_data', language)}** {piece.query}")
        for value in piece.values.values():
            label = value.label_zh if language == "zh" else value.label_en
            yield Block("item", f"{label}: {value.shown()}")
        for source in dict.fromkeys(piece.sources):
            yield Block("item", f"{say('export_source', language)}: {source}")
    else:
        yield Block("text", f"**{piece.id} {piece.rule}**")
        for step in piece.steps:
            yield Block("item", step)
