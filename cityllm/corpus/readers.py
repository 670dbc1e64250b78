"""Files -> plain text for the parser: Markdown, TXT, HTML, DOCX, PDF with text.

Every problem is an UnreadableFile that names the file, the page or line where it can, and what to
do. Nothing is recognised from pictures (no OCR): a scanned page is refused, because a law with a
page missing would read as complete.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from cityllm.errors import UnreadableFile

SUFFIXES = frozenset({".md", ".markdown", ".txt", ".html", ".htm", ".docx", ".pdf"})
"""What can be read."""
FOREIGN = frozenset({".doc", ".wps", ".rtf", ".ofd", ".odt", ".jpg", ".jpeg", ".png", ".tif",
                     ".tiff", ".caj", ".ceb"})
"""Documents that cannot be read: reported, with what to do, when a folder holds them."""
MAX_BYTES = 200_000_000
_OLE = b"\xd0\xcf\x11\xe0"
_COMMON = frozenset("的和应当人有在以规定条第一不或者法关机政行为国部门务单位理管，。、；：")
_STARTS = re.compile(
    r"(?:第[零〇一二三四五六七八九十百千\d]+(?:条|章|节|编|分编|部分)|[（(][一二三四五六七八九十\d]+[）)]|"
    r"[一二三四五六七八九十]+、|\d{1,2}[.．、]|\d+(?:\.\d+)+|附件|附录|附表|目\s*录|#)")


def read(path: Path) -> str:
    """Text of a file, one line a paragraph. Raises UnreadableFile."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        allowed = " ".join(sorted(SUFFIXES))
        hint = ("请在 Word 或 WPS 中另存为 .docx" if suffix in {".doc", ".wps", ".rtf", ".odt"}
                else "请先转换成带文字的 PDF 或 .docx")
        raise UnreadableFile(f"{path.name}：不支持 {suffix or '无扩展名'} 格式，可用 {allowed}。{hint}。",
                             f"{path.name}: {suffix or 'no suffix'} is not supported, allowed are "
                             f"{allowed}. Save it as .docx or as a PDF with text.")
    data = path.read_bytes()
    if not data.strip():
        raise UnreadableFile(f"{path.name}：文件是空的。请检查是否下载完整。",
                             f"{path.name} is empty. Check whether it was downloaded completely.")
    if len(data) > MAX_BYTES:
        raise UnreadableFile(f"{path.name}：文件有 {len(data) // 10**6} MB，超过 200 MB。请拆分。",
                             f"{path.name} has {len(data) // 10**6} MB, more than 200. Split it.")
    if suffix == ".pdf":
        text = _pdf(path, data)
    elif suffix == ".docx":
        text = _docx(path, data)
    elif suffix in {".html", ".htm"}:
        text = _html(path, data)
    else:
        text = decode(path, data)
    if not text.strip():
        raise UnreadableFile(f"{path.name}：没有读到任何文字。请确认文件里有可复制的文字。",
                             f"{path.name}: no text was found. Check that it holds text to copy.")
    return text


def decode(path: Path, data: bytes) -> str:
    """Bytes as text: UTF-8, UTF-16 with a mark, GB18030 (GBK), Big5; refused where none fits."""
    if data[:4] == _OLE or data[:4] == b"%PDF" or data[:2] == b"PK":
        raise UnreadableFile(f"{path.name}：扩展名是文本，内容却是二进制文档。请改成正确的扩展名。",
                             f"{path.name}: named as text, but it is a binary document. Give it "
                             "its right suffix.")
    encodings = ["utf-8-sig", "gb18030", "big5"]
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "utf-8-sig" or _plausible(text):
            return _checked(path, text)
    raise UnreadableFile(
        f"{path.name}：认不出文字编码（试过 UTF-8、UTF-16、GB18030、Big5）。请用编辑器另存为 UTF-8。",
        f"{path.name}: its encoding is not known (tried UTF-8, UTF-16, GB18030, Big5). Save it "
        "as UTF-8.")


def _plausible(text: str) -> bool:
    """Whether a decoded text reads like Chinese law: its commonest signs make up a tenth of it."""
    sample = text[:20_000]
    wide = [char for char in sample if ord(char) > 127]
    if not wide:
        return True
    return "\x00" not in sample and sum(char in _COMMON for char in wide) >= 0.08 * len(wide)


def _checked(path: Path, text: str) -> str:
    """`text`, unless it holds signs of an earlier wrong conversion; then the line is named."""
    for number, line in enumerate(text.splitlines(), start=1):
        if "\ufffd" in line or "锟斤拷" in line or "\x00" in line or "烫烫烫" in line:
            raise UnreadableFile(
                f"{path.name} 第 {number} 行：有乱码（编码转换出过错）。请从原始来源重新取得文件。",
                f"{path.name}, line {number}: damaged characters from a wrong conversion. Get the "
                "file again from its source.")
    wide = [char for char in text[:20_000] if ord(char) > 127]
    latin = sum(0xA0 <= ord(char) < 0x250 for char in wide)
    if len(wide) > 40 and latin > 0.5 * len(wide):
        raise UnreadableFile(
            f"{path.name}：文字是乱码（中文被当成西文编码保存）。请用原文件另存为 UTF-8。",
            f"{path.name}: Chinese was saved in a Western encoding. Save the original as UTF-8.")
    return text


def _html(path: Path, data: bytes) -> str:
    from bs4 import BeautifulSoup, Tag

    declared = re.search(rb"charset\s*=\s*[\"']?\s*([\w-]+)", data[:4096], re.IGNORECASE)
    text = ""
    if declared:
        try:
            name = declared[1].decode("ascii").lower()
            text = data.decode("gb18030" if name in {"gb2312", "gbk"} else name)
        except (LookupError, UnicodeDecodeError):
            text = ""
    soup = BeautifulSoup(_checked(path, text) if text else decode(path, data), "html.parser")
    for tag in soup(["script", "style", "nav", "header", "footer", "noscript", "form"]):
        tag.decompose()
    for row in soup.find_all("tr"):
        cells = [" ".join(cell.get_text(" ").split()) for cell in row.find_all(["td", "th"])]
        if len(cells) > 1:
            row.replace_with(f"\n| {' | '.join(cells)} |\n")
    for br in soup.find_all("br"):
        br.replace_with("\n")
    for tag in soup.find_all(["p", "div", "li", "h1", "h2", "h3", "h4", "h5", "h6", "tr", "title"]):
        tag.insert_before("\n")
        tag.insert_after("\n")
    main = soup.find("article") or soup.find("main") or soup.body or soup
    title = soup.find("h1") or soup.title
    lines = [" ".join(line.split()) for line in main.get_text().split("\n")]
    head = title.get_text(" ", strip=True) if isinstance(title, Tag) else ""
    return _with_title(head, [line for line in lines if line])


def _docx(path: Path, data: bytes) -> str:
    if data[:4] == _OLE:
        raise UnreadableFile(
            f"{path.name}：文件有密码保护，或其实是旧的 .doc 格式。请去掉密码，另存为 .docx。",
            f"{path.name}: protected by a password, or really an old .doc. Remove the password "
            "and save it as .docx.")
    from docx.opc.exceptions import OpcError

    from cityllm.corpus.docx_text import docx_lines

    try:
        lines = docx_lines(data)
    except (OpcError, zipfile.BadZipFile, ValueError, SyntaxError, LookupError) as problem:
        raise UnreadableFile(
            f"{path.name}：DOCX 已损坏（{type(problem).__name__}）。请用 Word 或 WPS 打开并修复后另存。",
            f"{path.name}: broken DOCX ({type(problem).__name__}). Open it in Word, repair and "
            "save it again.") from None
    return _with_title("", lines)


def _pdf(path: Path, data: bytes) -> str:
    import io
    import logging

    from pypdf import PdfReader
    from pypdf.errors import DependencyError, PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise UnreadableFile(
                f"{path.name}：PDF 有密码。请去掉密码后再导入。",
                f"{path.name}: the PDF has a password. Remove it and import again.")
        pages = list(reader.pages)
    except DependencyError:
        raise UnreadableFile(
            f"{path.name}：PDF 用 AES 加密。请用阅读器打开，另存为不加密的 PDF。",
            f"{path.name}: the PDF is encrypted with AES. Save it without encryption.") from None
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, OSError,
            RecursionError, NotImplementedError) as problem:
        raise _broken_pdf(path, problem) from None
    texts: list[list[str]] = []
    for number, page in enumerate(pages, start=1):
        try:
            lines = [line.strip() for line in page.extract_text().splitlines() if line.strip()]
            pictures = not lines and bool(page.images)
        except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError,
                RecursionError, NotImplementedError) as problem:
            raise _broken_pdf(path, problem, number) from None
        if pictures:
            raise UnreadableFile(
                f"{path.name} 第 {number} 页：是扫描图片，没有文字。请先做文字识别（OCR），另存为带文字的 PDF。",
                f"{path.name}, page {number}: a scanned picture without text. Run OCR and save it "
                "as a PDF with text.")
        bad = sum(char == "\ufffd" or 0xE000 <= ord(char) < 0xF900 for char in "".join(lines))
        if bad > 5 and bad > 0.05 * len("".join(lines)):
            raise UnreadableFile(
                f"{path.name} 第 {number} 页：字体没有文字编码，读出来是乱码。请做文字识别（OCR）或换一份文件。",
                f"{path.name}, page {number}: its font has no text encoding. Run OCR or get "
                "another copy.")
        texts.append(lines)
    return _with_title("", list(_joined(texts)))


def _broken_pdf(path: Path, problem: Exception, page: int = 0) -> UnreadableFile:
    zh = f" 第 {page} 页" if page else ""
    en = f", page {page}" if page else ""
    return UnreadableFile(
        f"{path.name}{zh}：PDF 已损坏（{type(problem).__name__}）。请重新下载，或用阅读器打开后另存。",
        f"{path.name}{en}: broken PDF ({type(problem).__name__}). Download it again, or open "
        "and save it in a viewer.")


def _joined(pages: list[list[str]]) -> Iterator[str]:
    """Printed lines joined to paragraphs; page numbers dropped."""
    held = ""
    widest = max((len(line) for lines in pages for line in lines), default=0)
    for lines in pages:
        for line in lines:
            if re.fullmatch(r"[-—－–\s]*\d{1,4}[-—－–\s]*|第\s*\d+\s*页.{0,12}", line):
                continue
            short = len(held) < 0.6 * widest and "\n" not in held
            if held and (_STARTS.match(line) or held[-1] in "。；：！？" or (
                    short and not _STARTS.match(held))):
                yield held
                held = line
            else:
                held += line
    if held:
        yield held


def _with_title(title: str, lines: list[str]) -> str:
    """Lines as text; the title in front as a Markdown heading where it is known."""
    if title and lines and not lines[0].startswith("#"):
        lines = [f"# {title}", *lines[lines[0] == title:]]
    return "\n".join(lines)
