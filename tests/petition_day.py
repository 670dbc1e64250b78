"""A day's petitions made up for tests, and a batch over them as a program that can be killed."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

from cityllm.config import ROOT
from cityllm.petitions.batch import Result, journal_of, run
from cityllm.petitions.calibrate import Line
from cityllm.petitions.drafts import Drafter
from cityllm.petitions.intake import open_source
from cityllm.petitions.pipeline import Recipe
from cityllm.petitions.routing import Labeller
from cityllm.safety.vault import Vault
from tests.small_classifier import make_small

KEY = bytes(range(32))
TODAY = date(2026, 3, 20)
_PLACES = ("幸福路", "平安小区", "人民广场", "东风小学", "光明村", "湖滨花园")
_MATTERS = ("的路灯坏了三天没有人修", "旁边的工地夜里施工，噪音很大", "门口的井盖破了，很危险", "公交车等了一个小时都没有来",
            "的物业乱收停车费", "附近的工厂排放臭气", "的学校划片不合理", "有人占道经营，油烟扰民")
_ASKS = ("请尽快处理。", "希望有关部门答复。", "请问什么时候能解决？", "建议加强管理。")
_NAMES = ("王建国", "李秀英", "张志强", "刘丽华", "陈海涛")


def rows(count: int, seed: int = 1) -> list[dict[str, str]]:
    """Petitions with personal data, copies, missing dates, and some that cannot be used."""
    draw = random.Random(seed)
    made: list[dict[str, str]] = []
    for n in range(count):
        if made and draw.random() < 0.15:
            made.append(draw.choice(made) | {"编号": str(n)})
            continue
        name, place = draw.choice(_NAMES), draw.choice(_PLACES)
        phone = f"13{draw.randrange(10**9):09d}"
        made.append({
            "编号": str(n), "标题": f"{place}{draw.choice(_MATTERS)}",
            "内容": f"我叫{name}，电话{phone}，住{place}{draw.randint(1, 30)}栋{draw.randint(101, 999)}室。"
                    f"{place}{draw.choice(_MATTERS)}，第{n}次反映。{draw.choice(_ASKS)}",
            "收到日期": "" if n % 11 == 0 else f"2026-03-{n % 19 + 1:02d}", "姓名": name})
        if n % 37 == 5:
            made[-1] |= {"标题": "", "内容": ""}
    return made


def write(path: Path, made: list[dict[str, str]]) -> None:
    lines = [json.dumps(row, ensure_ascii=False) for row in made]
    path.write_text("\n".join([*lines, "{broken"]) + "\n", encoding="utf-8")


def recipe(make: Callable[[], Labeller] = make_small, line: Line | None = None,
           fingerprint: str = "1") -> Recipe:
    return Recipe(make, line or Line(0.6, 1000), ROOT / "rag_corpus" / "petitions" / "clock.yaml",
                  ROOT / "tools" / "data" / "holidays_cn.csv", KEY, {}, fingerprint)


def day(source: Path, out: Path, workers: int = 1, chunk: int = 16,
        wanted: Recipe | None = None, drafter: Drafter | None = None) -> Result:
    with Vault(source.parent / "vault.sqlite", KEY) as vault:
        return run(open_source(str(source)), str(out), wanted or recipe(), vault,
                   journal_of(str(out), source.parent), TODAY, page=out.with_suffix(".html"),
                   workers=workers, chunk=chunk, drafter=drafter)


if __name__ == "__main__":
    day(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
