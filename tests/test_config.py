"""Settings: read once at the edge, frozen, and wrong ones are named with what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from cityllm.config import PREFIX, ROOT, Settings, load_settings
from cityllm.errors import ConfigError


def test_without_anything_set_the_program_stays_on_this_machine() -> None:
    settings = load_settings({})
    assert (settings.host, settings.port, settings.engine) == ("127.0.0.1", 7860, "embedded")
    assert settings.pack == ROOT / "rag_corpus"
    assert settings.ledger.parent == settings.home


@pytest.mark.parametrize(("name", "text", "value"), [
    ("PORT", "8080", 8080), ("HOME", "elsewhere", Path("elsewhere")),
    ("ENDPOINT_TIMEOUT", "2.5", 2.5), ("ENGINE", "endpoint", "endpoint"),
])
def test_a_name_sets_its_field(name: str, text: str, value: object) -> None:
    settings = load_settings({PREFIX + name: text, "PATH": "is not ours"})
    assert getattr(settings, name.lower()) == value


def test_an_unknown_name_is_refused_and_the_allowed_ones_listed() -> None:
    with pytest.raises(ConfigError) as problem:
        load_settings({"CITYLLM_PROT": "8080"})
    assert "CITYLLM_PROT" in problem.value.en
    for field in Settings.model_fields:
        assert PREFIX + field.upper() in problem.value.zh


@pytest.mark.parametrize(("name", "text"), [("PORT", "many"), ("ENGINE", "magic"),
                                            ("LANGUAGE", "fr")])
def test_a_value_that_is_not_allowed_is_named(name: str, text: str) -> None:
    with pytest.raises(ConfigError) as problem:
        load_settings({PREFIX + name: text})
    for message in (problem.value.zh, problem.value.en):
        assert PREFIX + name in message
        assert repr(text) in message


def test_what_only_the_installation_reads_is_passed_over() -> None:
    assert load_settings({"CITYLLM_TORCH": "gpu"}) == load_settings({})


def test_settings_cannot_be_changed_or_extended() -> None:
    settings = load_settings({})
    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Settings(prot=1)  # type: ignore[call-arg]


def test_every_setting_stands_in_the_documentation() -> None:
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    page += (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    missing = [f for f in Settings.model_fields if PREFIX + f.upper() not in page]
    assert not missing
