"""Small made-up laws for the tests: the words are ours, the forms are those of real texts."""

from __future__ import annotations

from pathlib import Path

from cityllm.corpus.numerals import article_label


def law(title: str, articles: int = 5, *, preamble: str = "2010年3月1日 某市人民代表大会常务委员会通过",
        closing: str = "本条例自2010年5月1日起施行。", words: str = "") -> str:
    """Markdown of a law in the form of the shared data, `articles` articles, the last `closing`."""
    lines = [f"# {title}", preamble, "<!-- INFO END -->", "## 第一章 总则"]
    lines += [f"{article_label(str(n))} {words}办理事项 {n} 的单位应当在十五日内答复。"
              for n in range(1, articles)]
    return "\n\n".join([*lines, "## 第二章 附则", f"{article_label(str(articles))} {closing}"])


def write(folder: Path, name: str, text: str) -> Path:
    """A file with that text; folders are made."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path
