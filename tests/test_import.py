"""Imports: resumable, killed, changed, failing; the commands; all of the shared laws."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from cityllm import cli_corpus
from cityllm.corpus import importer
from cityllm.corpus.checks import MAX_GAP_SHARE, check_ledger
from cityllm.corpus.importer import add_files, remove
from cityllm.corpus.ledger import Ledger
from cityllm.errors import CorpusError
from tests.laws import law, write

ROOT = Path(__file__).resolve().parent.parent
DAY = date(2024, 1, 1)


def folder_of(path: Path, count: int, articles: int = 4) -> Path:
    """A folder of `count` laws with different words."""
    for number in range(count):
        write(path, f"某市事务{number:03}条例(2010-03-01).md",
              law(f"某市事务{number:03}条例", articles, words=f"事务{number}的"))
    return path


def ids(ledger: Ledger) -> list[str]:
    """All clause ids held, sorted."""
    return sorted(one.clause_id for i in ledger.instruments() for one in ledger.articles(i.id))


def test_second_import_reads_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    laws = folder_of(tmp_path / "laws", 5)
    with Ledger.open(tmp_path / "l.sqlite") as ledger:
        first = add_files(ledger, [laws])
        assert (first.added, first.clauses, first.with_articles) == (5, 20, 5)
        before = ledger.snapshot()
        monkeypatch.setattr(importer.readers, "read", lambda path: pytest.fail(f"read {path}"))
        again = add_files(ledger, [laws])
        assert (again.added, again.unchanged) == (0, 5)
        touched = next(laws.iterdir())
        os.utime(touched, (1, 1))
        assert add_files(ledger, [laws]).unchanged == 5
        assert ledger.snapshot() == before


def test_changed_file_replaces_its_clauses(tmp_path: Path) -> None:
    laws = folder_of(tmp_path / "laws", 3)
    with Ledger.open(tmp_path / "l.sqlite") as ledger:
        add_files(ledger, [laws])
        old = ledger.article("某市事务001条例", "1", DAY)
        write(laws, "某市事务001条例(2010-03-01).md", law("某市事务001条例", 7, words="改过的"))
        assert add_files(ledger, [laws]).added == 1
        new = ledger.article("某市事务001条例", "1", DAY)
        assert new.text.startswith("改过的")
        assert new.rowid > old.rowid
        assert ledger.clauses([old.rowid]) == []
        assert ledger.versions("某市事务001条例")[0].n_articles == 7


def test_failures_are_kept_and_the_import_goes_on(tmp_path: Path) -> None:
    laws = folder_of(tmp_path / "laws", 2)
    write(laws, "坏.pdf", "not a pdf")
    write(laws, "旧.doc", "old")
    write(laws, "空.md", "")
    write(laws, "只有标题.md", "# 某法\n\n2001年1月1日 通过\n\n<!-- INFO END -->\n")
    write(laws, "数据.csv", "a,b")
    with Ledger.open(tmp_path / "l.sqlite") as ledger:
        report = add_files(ledger, [laws])
    assert report.added == 2
    assert sorted(Path(one.path).name for one in report.failures) == [
        "只有标题.md", "坏.pdf", "旧.doc", "空.md"]


def test_same_text_twice_is_held_once(tmp_path: Path) -> None:
    laws = folder_of(tmp_path / "laws", 1)
    write(laws, "副本/甲.md", next(laws.glob("*.md")).read_text("utf-8"))
    with Ledger.open(tmp_path / "l.sqlite") as ledger:
        report = add_files(ledger, [laws])
        assert (report.added, report.unchanged, len(ledger.instruments())) == (1, 1, 1)
        assert "内容相同" in report.notes[0]
        assert add_files(ledger, [laws]).notes == []


def test_two_texts_of_one_version_leave_one(tmp_path: Path) -> None:
    write(tmp_path, "laws/a/某法(2010-03-01).md", law("某法", words="甲"))
    write(tmp_path, "laws/b/某法(2010-03-01).md", law("某法", words="乙"))
    with Ledger.open(tmp_path / "l.sqlite") as ledger:
        report = add_files(ledger, [tmp_path / "laws"])
        assert "取代" in report.notes[0]
        assert ledger.article("某法", "1", DAY).text.startswith("乙")
        assert len(ids(ledger)) == 5
        assert add_files(ledger, [tmp_path / "laws"]).unchanged == 2


def test_version_without_a_date_in_the_name_comes_from_the_preamble(tmp_path: Path) -> None:
    path = write(tmp_path, "某法.md", law("某法", preamble="2010年3月1日 通过\n\n2018年2月3日 修正"))
    with Ledger.open(tmp_path / "l.sqlite") as ledger:
        add_files(ledger, [path])
        assert ledger.article("某法", "1", DAY).version == date(2018, 2, 3)


def test_remove_one_version(tmp_path: Path) -> None:
    for day in ("2010-03-01", "2015-03-01"):
        write(tmp_path, f"laws/某法({day}).md", law("某法", words=day))
    with Ledger.open(tmp_path / "l.sqlite") as ledger:
        add_files(ledger, [tmp_path / "laws"])
        assert remove(ledger, "某法", date(2015, 3, 1)) == 1
        assert ledger.article("某法", "1", DAY).version == date(2010, 3, 1)
        with pytest.raises(CorpusError, match="没有收录"):
            remove(ledger, "某法", date(2015, 3, 1))
        assert add_files(ledger, [tmp_path / "laws"]).added == 1


IMPORT = """
import sys
from pathlib import Path
from cityllm.corpus import importer
from cityllm.corpus.ledger import Ledger
importer.BATCH_CHARS = 3000
def show(done, total, name):
    print(done, flush=True)
with Ledger.open(Path(sys.argv[1])) as ledger:
    importer.add_files(ledger, [Path(sys.argv[2])], show)
"""


@pytest.mark.parametrize("after", [1, 40, 117])
def test_killed_import_loses_nothing_committed(tmp_path: Path, after: int) -> None:
    laws, path = folder_of(tmp_path / "laws", 150, 12), tmp_path / "l.sqlite"
    process = subprocess.Popen([sys.executable, "-c", IMPORT, str(path), str(laws)], cwd=ROOT,
                               stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= after:
            break
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    with Ledger.open(path) as ledger:
        assert check_ledger(ledger)[1] == []
        held = {one.title: one for one in ledger.instruments()}
        assert len(held) < 150
        assert all(one.n_articles == 12 and one.starts for one in held.values())
        if after > 20:
            assert len(held) >= after - 20
        report = add_files(ledger, [laws])
        assert (report.unchanged, report.added) == (len(held), 150 - len(held))
        assert len(ids(ledger)) == 150 * 12
        assert ledger.article("某市事务149条例", "12", DAY).text


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home and a pack of its own for the commands."""
    monkeypatch.setenv("CITYLLM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CITYLLM_PACK", str(tmp_path / "pack"))
    write(tmp_path, "pack/status.yaml", "status_known: 2025-04-30\n")
    return tmp_path


def run(*words: str, code: int = 0) -> str:
    """What a `cityllm corpus` command prints, both streams."""
    result = CliRunner().invoke(cli_corpus.app, list(words))
    assert result.exit_code == code, result.output
    return result.output


def test_commands_one_after_the_other(home: Path) -> None:
    laws = folder_of(home / "laws", 3)
    write(laws, "坏.pdf", "not a pdf")
    output = run("add", str(laws))
    assert "12 条" in output
    assert "坏.pdf" in output[output.index("未能导入"):]
    assert "事务2的" in run("show", "某市事务002条例", "3", "--as-of", "2020-01-01")
    assert "2025-04-30" in run("show", "某市事务002条例", "3")
    assert "共 4 条" in run("show", "某市事务002条例", "9", code=1)
    assert "2020-1-x" in run("show", "某市事务002条例", "3", "--as-of", "2020-1-x", code=1)
    assert "某市事务002条例@2010-03-01" in run("show", "某市事务002条例")
    assert len(json.loads(run("list", "--json"))) == 3
    assert "某市事务001条例" in run("list", "事务001")
    assert "完好" in run("check")
    run("remove", "某市事务001条例")
    assert len(json.loads(run("list", "--json"))) == 2
    assert "nothing" in run("add", str(home / "nothing"), code=1)


def test_given_facts_win(home: Path) -> None:
    path = write(home, "x.txt", "某通知\n第一条 应当办理。\n第二条 本通知自2020年1月1日起施行。")
    run("add", str(path), "--title", "杭州市某办法", "--version", "2020-01-01", "--kind", "地方政府规章",
        "--region", "杭州市", "--url", "https://example.org")
    (one,) = json.loads(run("list", "--json"))
    assert (one["title"], one["version"], one["level"], one["region"]) == (
        "杭州市某办法", "2020-01-01", "设区的市政府规章", "杭州市")
    assert "规章书" in run("add", str(path), "--kind", "规章书", code=1)


FULL = """
import json, resource, sys
from pathlib import Path
from cityllm.corpus.importer import add_files
from cityllm.corpus.ledger import Ledger
with Ledger.open(Path(sys.argv[1]), Path("rag_corpus/status.yaml")) as ledger:
    first = add_files(ledger, [Path(sys.argv[2])])
    second = add_files(ledger, [Path(sys.argv[2])])
rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"first": first.seconds, "second": second.seconds, "added": first.added,
                  "clauses": first.clauses, "again": second.added, "rss": rss,
                  "with_articles": first.with_articles, "gaps": first.gaps,
                  "failures": [one.path for one in first.failures]}))
"""


@pytest.fixture(scope="module")
def everything(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """The ledger of all shared laws, and what its import measured."""
    path = tmp_path_factory.mktemp("full") / "ledger.sqlite"
    done = subprocess.run([sys.executable, "-c", FULL, str(path), str(shared / "laws")], cwd=ROOT,
                          capture_output=True, text=True, check=True)
    return path, json.loads(done.stdout)


def test_all_laws_import_in_time_and_memory(everything: tuple[Path, dict]) -> None:
    _, facts = everything
    assert facts["first"] <= 360
    assert facts["second"] <= 20
    assert facts["again"] == 0
    assert facts["rss"] * 1024 <= 4 << 30
    assert facts["added"] + len(facts["failures"]) >= 3415
    assert facts["clauses"] >= 147_000


def test_gaps_of_all_laws_are_few_and_explained(everything: tuple[Path, dict]) -> None:
    _, facts = everything
    assert len({name for name, _ in facts["gaps"]}) <= MAX_GAP_SHARE * facts["with_articles"]
    assert all(reason.startswith("缺第") and "：" in reason for _, reason in facts["gaps"])


def test_every_article_line_of_the_files_is_held(everything: tuple[Path, dict],
                                                  shared: Path) -> None:
    path, _ = everything
    with Ledger.open(path) as ledger:
        for title in ("城乡规划法", "行政处罚法", "刑法", "道路交通安全法", "公司法"):
            for one in ledger.versions(title):
                (source,) = (shared / "laws").rglob(one.source_name)
                body = source.read_text("utf-8").partition("<!-- INFO END -->")[2]
                labels = re.findall(r"^(第[一二三四五六七八九十百千零]+条(?:之[一二三四五六七八九十]+)?)\s",
                                    body, re.MULTILINE)
                held = [c.label for c in ledger.articles(one.id) if c.article[0] not in "ap"]
                assert held == labels, title


def test_known_traps_of_the_real_texts(everything: tuple[Path, dict]) -> None:
    path, _ = everything
    with Ledger.open(path, ROOT / "rag_corpus" / "status.yaml") as ledger:
        (code,) = ledger.versions("民法典")
        assert (code.n_articles, code.total, code.starts) == (1260, 1260, date(2021, 1, 1))
        assert ledger.article("立法法", "72", date(2020, 1, 1)).version == date(2015, 3, 15)
        assert ledger.article("立法法", "72", DAY).version == date(2023, 3, 13)
        assert ledger.article("信访条例", "35", date(2021, 1, 1)).article == "35"
        for title in ("信访条例", "合同法", "环境噪声污染防治法", "个体工商户条例"):
            with pytest.raises(CorpusError, match="废止"):
                ledger.article(title, "1", DAY)
        assert ledger.article("刑法", "第一百三十三条之一", DAY).label == "第一百三十三条之一"
        with pytest.raises(CorpusError, match="没有第一百二十条：该文本共 70 条"):
            ledger.article("规划法", "120", DAY)
        assert ledger.article("突发事件应对法", "1", date(2024, 10, 31)).version == date(2007, 8, 30)
        assert ledger.versions("杭州市物业管理条例")[0].region == "杭州市"
        assert ledger.versions("台湾同胞投资保护法")[0].region == "全国"
        started = time.perf_counter()
        for days in range(50):
            ledger.in_force(date(2020, 1, 1 + days % 28))
        assert time.perf_counter() - started < 5


def test_article_counts_of_the_pack_are_those_of_the_texts(everything: tuple[Path, dict]) -> None:
    path, _ = everything
    counts = yaml.safe_load((ROOT / "rag_corpus" / "article_counts.yaml").read_text("utf-8"))
    with Ledger.open(path) as ledger:
        held = {one.name: one for one in ledger.instruments()}
        for name, count in counts.items():
            assert held[name].total == count, name
            assert held[name].complete, name
