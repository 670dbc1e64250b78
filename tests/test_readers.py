"""Files of every kind, whole and broken: made here, read through `readers.read`."""

from __future__ import annotations

import zlib
from pathlib import Path

import docx
import pytest
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from pypdf import PdfReader, PdfWriter

from cityllm.corpus.clauses import parse
from cityllm.corpus.readers import SUFFIXES, read
from cityllm.errors import UnreadableFile
from tests.laws import law, write

TEXT = law("某市停车管理条例", 6, words="城市道路范围内的停车管理应当方便市民，")
CMAP = (b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapType 2 def "
        b"1 begincodespacerange <0000> <FFFF> endcodespacerange "
        b"1 beginbfrange <0000> <FFFF> <0000> endbfrange endcmap end end")


def pdf(pages: list[list[str] | None]) -> bytes:
    """A PDF: a page of text lines, or (None) of one picture, or ([]) an empty one."""
    objects: list[bytes] = [
        b"<< /Type /Catalog /Pages 2 0 R >>", b"",
        b"<< /Type /Font /Subtype /Type0 /BaseFont /Song /Encoding /Identity-H "
        b"/DescendantFonts [4 0 R] /ToUnicode 5 0 R >>",
        b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Song /CIDSystemInfo "
        b"<< /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /DW 1000 >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(CMAP), CMAP),
    ]
    kids = []
    for lines in pages:
        if lines is None:
            picture = zlib.compress(b"\x80" * 64)
            objects.append(b"<< /Type /XObject /Subtype /Image /Width 8 /Height 8 /ColorSpace "
                           b"/DeviceGray /BitsPerComponent 8 /Filter /FlateDecode /Length %d >>\n"
                           b"stream\n%s\nendstream" % (len(picture), picture))
            resources = b"<< /XObject << /I %d 0 R >> >>" % len(objects)
            content = b"q 500 0 0 700 40 40 cm /I Do Q"
        else:
            resources = b"<< /Font << /F 3 0 R >> >>"
            drawn = [b"<%s> Tj 0 -20 Td" % line.encode("utf-16-be").hex().encode()
                     for line in lines]
            content = b"BT /F 12 Tf 50 780 Td " + b" ".join(drawn) + b" ET"
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
        objects.append(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources %s "
                       b"/Contents %d 0 R >>" % (resources, len(objects)))
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(kids), len(kids))
    out, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + (b"xref\n0 %d\n0000000000 65535 f \n%strailer << /Size %d /Root 1 0 R >>\n"
                  b"startxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table, len(objects) + 1,
                                                 len(out)))


def numbers(path: Path) -> list[str]:
    """Article numbers that come out of a file."""
    return [one.number for one in parse(read(path)).articles]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_text_in_every_usual_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "某条例.txt"
    path.write_bytes(TEXT.encode(encoding))
    assert read(path).strip("\ufeff") == TEXT
    assert numbers(path) == ["1", "2", "3", "4", "5", "6"]


def test_traditional_text_in_big5(tmp_path: Path) -> None:
    text = "第一條 為了規範停車管理，依法制定本條例。\n第二條 應當在十五日內辦理，不得收取費用。\n" * 5
    path = tmp_path / "某條例.txt"
    path.write_bytes(text.encode("big5"))
    assert read(path) == text


def test_markdown_of_the_shared_form(tmp_path: Path) -> None:
    assert numbers(write(tmp_path, "某条例(2010-03-01).md", TEXT)) == ["1", "2", "3", "4", "5", "6"]


@pytest.mark.parametrize("encoding", ["utf-8", "gb2312"])
def test_html_with_table_and_menu(tmp_path: Path, encoding: str) -> None:
    page = (f'<html><head><meta charset="{encoding}"><title>某条例</title><style>p{{}}</style></head>'
            "<body><nav>首页 登录</nav><h1>某市停车管理条例</h1><p>第一条 &nbsp;为了规范停车。</p>"
            "<p>第二条 收费标准：<br>（一）白天；<br>（二）夜间。</p><table><tr><td>时段</td><td>元</td>"
            "</tr><tr><td>白天</td><td>5</td></tr></table><p>第三条 自2010年5月1日起施行。</p>"
            "<script>var x='第九条';</script></body></html>")
    path = tmp_path / "a.html"
    path.write_bytes(page.encode(encoding))
    parsed = parse(read(path))
    assert parsed.title == "某市停车管理条例"
    assert [one.number for one in parsed.articles] == ["1", "2", "3"]
    assert "| 白天 | 5 |" in parsed.articles[1].text
    assert "登录" not in read(path)
    assert "第九条" not in read(path)


def test_docx_with_table(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("某市停车管理条例")
    document.add_paragraph("第一条　为了规范停车。")
    table = document.add_table(rows=2, cols=2)
    for cell, words in zip((c for row in table.rows for c in row.cells), "时段 元 白天 5".split(),
                           strict=True):
        cell.text = words
    document.add_paragraph("第二条　自公布之日起施行。")
    document.save(str(tmp_path / "a.docx"))
    parsed = parse(read(tmp_path / "a.docx"))
    assert [one.number for one in parsed.articles] == ["1", "2"]
    assert "| 白天 | 5 |" in parsed.articles[0].text


def test_docx_with_automatic_article_numbers(tmp_path: Path) -> None:
    document = docx.Document()
    root = document.part.numbering_part.element
    abstract = OxmlElement("w:abstractNum")
    abstract.set(qn("w:abstractNumId"), "77")
    level = OxmlElement("w:lvl")
    level.set(qn("w:ilvl"), "0")
    for name, value in (("w:start", "1"), ("w:numFmt", "chineseCounting"), ("w:lvlText", "第%1条")):
        child = OxmlElement(name)
        child.set(qn("w:val"), value)
        level.append(child)
    abstract.append(level)
    root.insert(0, abstract)
    number = OxmlElement("w:num")
    number.set(qn("w:numId"), "78")
    link = OxmlElement("w:abstractNumId")
    link.set(qn("w:val"), "77")
    number.append(link)
    root.append(number)
    document.add_paragraph("某市停车管理条例")
    for count in range(12):
        paragraph = document.add_paragraph(f"应当遵守规定{count}。")
        properties = paragraph._p.get_or_add_pPr().get_or_add_numPr()
        properties.get_or_add_numId().val = 78
        properties.get_or_add_ilvl().val = 0
    document.save(str(tmp_path / "a.docx"))
    parsed = parse(read(tmp_path / "a.docx"))
    assert parsed.articles[11].label == "第十二条"
    assert parsed.articles[11].text == "应当遵守规定11。"


def test_pdf_with_text_over_two_pages(tmp_path: Path) -> None:
    long = "单位应当在收到申请之日起十五日内作出答复，情况复杂的经负责人批准"
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf([
        ["某市停车管理条例", "第一条 为了规范停车管理，方便市民出行，制定本条例。", f"第二条 {long}", "- 1 -"],
        ["可以延长十日。", "（一）不收费；", "（二）不拖延。", "第三条 自2010年5月1日起施行。", "- 2 -"]]))
    parsed = parse(read(path))
    assert [one.number for one in parsed.articles] == ["1", "2", "3"]
    assert parsed.articles[1].text == f"{long}可以延长十日。\n（一）不收费；\n（二）不拖延。"


def test_empty_page_of_a_pdf_is_no_scan(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf([["第一条 甲。"], []]))
    assert numbers(path) == ["1"]


def refused(path: Path, *words: str) -> str:
    """The message of a refusal: it names the file and holds `words`, in two languages."""
    with pytest.raises(UnreadableFile) as caught:
        read(path)
    problem = caught.value
    for word in (path.name, *words):
        assert word in problem.zh
    assert path.name in problem.en
    return problem.en


def test_scanned_page_is_named(tmp_path: Path) -> None:
    path = tmp_path / "扫描.pdf"
    path.write_bytes(pdf([["第一条 甲。"], None]))
    assert "page 2" in refused(path, "第 2 页", "OCR")


def test_encrypted_pdf(tmp_path: Path) -> None:
    plain = tmp_path / "plain.pdf"
    plain.write_bytes(pdf([["第一条 甲。"]]))
    writer = PdfWriter(clone_from=PdfReader(str(plain)))
    writer.encrypt("geheim", algorithm="RC4-128")
    path = tmp_path / "加密.pdf"
    with path.open("wb") as file:
        writer.write(file)
    assert "password" in refused(path, "密码")


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_broken_pdf(tmp_path: Path, share: float) -> None:
    whole = pdf([["第一条 甲。"] * 30])
    path = tmp_path / "坏.pdf"
    path.write_bytes(whole[: int(len(whole) * share)].replace(b"obj", b"xxx"))
    assert "broken PDF" in refused(path, "损坏")


def test_encrypted_docx_and_old_doc(tmp_path: Path) -> None:
    path = tmp_path / "加密.docx"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    assert "password" in refused(path, "密码", ".docx")
    old = tmp_path / "旧.doc"
    old.write_bytes(path.read_bytes())
    refused(old, ".doc", "另存为 .docx", *sorted(SUFFIXES))


@pytest.mark.parametrize("cut", [20, 3000])
def test_broken_docx(tmp_path: Path, cut: int) -> None:
    document = docx.Document()
    document.add_paragraph("第一条 甲。")
    path = tmp_path / "坏.docx"
    document.save(str(path))
    path.write_bytes(path.read_bytes()[:cut])
    assert "broken DOCX" in refused(path, "损坏")


def test_wrong_encodings(tmp_path: Path) -> None:
    latin = tmp_path / "西文.txt"
    latin.write_text(TEXT.encode("gbk").decode("latin-1"), "utf-8")
    refused(latin, "乱码")
    replaced = tmp_path / "替换.txt"
    replaced.write_bytes(TEXT.encode("gbk").decode("utf-8", errors="replace").encode("utf-8"))
    assert "line 1" in refused(replaced, "第 1 行", "乱码")
    noise = tmp_path / "噪声.txt"
    noise.write_bytes(bytes((i * 7919) % 251 for i in range(5000)))
    assert "UTF-8" in refused(noise, "编码")
    binary = tmp_path / "二进制.txt"
    binary.write_bytes(pdf([["第一条 甲。"]]))
    refused(binary, "扩展名")


def test_empty_and_unknown_files(tmp_path: Path) -> None:
    refused(write(tmp_path, "空.md", " \n"), "空")
    refused(write(tmp_path, "图.png", "x"), ".png", ".pdf")
    blank = tmp_path / "白页.pdf"
    blank.write_bytes(pdf([[], []]))
    refused(blank, "没有读到任何文字")
