"""The page marks the words that decided, and lists what each of them adds."""

from __future__ import annotations

from pathlib import Path

import pytest

from cityllm.web import grounds_view
from cityllm.web.petition_view import title_of
from tests.test_petitions_page import DAY, Office, office_in


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return office_in(tmp_path, DAY)


def test_marks_are_where_the_words_are() -> None:
    words = {"路灯": (True, ""), "坏": (False, 'a"b')}
    assert grounds_view.marked("路灯<坏>了，〔电话〕", words) == (
        '<mark>路灯</mark>&lt;<mark class="against" title="a&quot;b">坏</mark>&gt;了，<i>〔电话〕</i>')


def test_the_page_tells_what_decided_each_label(office: Office) -> None:
    n = office.number("3")
    held = office.services.review.get(n)
    assert held
    main = office.act("li", "open", n)["parts"]["main"]
    assert main.count("<li><b>") == len(held.told["grounds"]) >= 4
    for one in held.told["grounds"]:
        for word, share in one["words"]:
            assert word in main
            assert one["by"] != "classifier" or f"{share:+.2f}".replace("-", "−") in main
    assert "由类别而定" in main or "按词语规则" in main
    english = office.act("li", "show", n, lang="en")["parts"]["main"]
    part = english[english.index('<ul class="grounds">'):english.index("</ul>")]
    assert "ahead of" in part and "其余文字" not in part


def test_a_record_of_an_older_run_shows_its_words(office: Office) -> None:
    held = office.services.review.get(office.number("1"))
    assert held
    held.told.pop("grounds")
    held.told["reasons"] = ["路灯"]
    assert "<mark>路灯</mark>" in grounds_view.listed(held.told, "zh")
    assert grounds_view.marks(held.told, "zh") == {"路灯": (True, "")}


def test_a_title_of_signs_alone_is_none(office: Office) -> None:
    held = office.services.review.get(office.number("1"))
    assert held
    held.told.update(title="）", summary="）")
    assert title_of(held, "zh").startswith("幸福路的路灯坏了")
    held.told.update(text="！")
    assert title_of(held, "zh") == "编号 1"
