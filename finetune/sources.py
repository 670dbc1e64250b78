"""Text that the base is trained on: the folders of the shared data marked *train*, nothing else."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Message = dict[str, Any]
_HEADING = re.compile(r"^#+\s*|^<!--.*-->\s*$", re.MULTILINE)


def law_texts(data: Path, seed: int) -> list[str]:
    """Laws as plain text, one string of about a thousand characters each, in random order.

    National instruments and those of Zhejiang come first, since a run on a CPU sees only a part.
    """
    near: list[str] = []
    far: list[str] = []
    for path in sorted((data / "laws").rglob("*.md")):
        text = _HEADING.sub("", path.read_text(encoding="utf-8", errors="replace"))
        home = "DLC" not in path.parts or "浙江地方法规" in path.parts
        title = re.sub(r"\(.*", "", path.stem)
        paragraphs = [line.strip() for line in text.splitlines() if line.strip()]
        piece = f"《{title}》\n"
        for line in paragraphs:
            piece += line + "\n"
            if len(piece) > 1000:
                (near if home else far).append(piece)
                piece = f"《{title}》\n"
        (near if home else far).append(piece)
    shuffle = random.Random(seed)
    shuffle.shuffle(near)
    shuffle.shuffle(far)
    return near + far


def _from_json(path: Path) -> list[Any]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines()]
    return json.loads(text)


def counsel(data: Path) -> Iterator[tuple[str, list[str], str]]:
    """(question, articles as `《名》第…条：text`, answer) of the legal counsel dialogues."""
    for name in ("zixun_gpt4", "legal_counsel_with_article_v2",
                 "legal_counsel_multi_turn_with_article_v2"):
        for row in _from_json(data / "dialogues" / f"{name}.json"):
            if row.get("query") and row.get("laws"):
                yield row["query"], list(row["laws"]), str(row.get("response", ""))


def conversations(data: Path, seed: int) -> list[list[Message]]:
    """General chat in the model's own format: instructions, legal counsel, tool-call dialogues."""
    chats: list[list[Message]] = []
    for row in _from_json(data / "dialogues" / "instructions_zh.jsonl"):
        question = row["instruction"] + ("\n" + row["input"] if row["input"] else "")
        if len(question) + len(row["output"]) < 700:
            chats.append([{"role": "user", "content": question},
                          {"role": "assistant", "content": row["output"]}])
    for question, laws, answer in counsel(data):
        context = "\n".join(f"[E{i}] {law[:160]}" for i, law in enumerate(laws, 1))
        chats.append([{"role": "user", "content": question},
                      {"role": "tool", "content": context},
                      {"role": "assistant", "content": answer[:400]}])
    for name in ("glaive_toolcall_zh_demo", "glaive_toolcall_en_demo"):
        for row in _from_json(data / "dialogues" / f"{name}.json"):
            chats.append(_hermes(row))
    random.Random(seed).shuffle(chats)
    return chats


def _hermes(row: dict[str, Any]) -> list[Message]:
    messages: list[Message] = []
    for turn in row["conversations"]:
        value = turn["value"]
        if turn["from"] == "human":
            messages.append({"role": "user", "content": value})
        elif turn["from"] == "gpt":
            messages.append({"role": "assistant", "content": value})
        elif turn["from"] == "observation":
            messages.append({"role": "tool", "content": value})
        else:
            call = json.loads(value)
            messages.append({"role": "assistant", "content": "", "tool_calls": [
                {"function": {"name": call["name"],
                              "arguments": json.dumps(call["arguments"], ensure_ascii=False)}}]})
    return messages
