"""Composition root: Settings -> services -> one ASGI application.

Only this file and `cityllm/cli*.py` build objects; everything else is handed what it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cityllm.config import Settings
from cityllm.errors import ModelError

if TYPE_CHECKING:
    from fastapi import FastAPI
    from langchain_core.language_models import BaseChatModel

    from cityllm.agent.assistant import Assistant
    from cityllm.agent.policy_tool import Adviser
    from cityllm.agent.toolbox import Toolbox
    from cityllm.agent.wording import Narrator
    from cityllm.corpus.ledger import Ledger
    from cityllm.corpus.search import Search
    from cityllm.petitions.desk import Desk
    from cityllm.petitions.review import Review
    from cityllm.petitions.similar import Cases
    from cityllm.policies.service import PolicyService
    from cityllm.safety.access import Accounts
    from cityllm.safety.vault import Vault

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Services:
    """What the program consists of. `close` ends it."""

    settings: Settings
    ledger: Ledger
    search: Search
    toolbox: Toolbox
    assistant: Assistant
    accounts: Accounts
    review: Review
    policies: PolicyService | None
    narrator: Narrator

    def vault(self) -> Vault:
        """The originals of petitions, for the thread that asks."""
        from cityllm.cli_triage import open_vault

        return open_vault(self.settings)

    def close(self) -> None:
        """Close the ledger's files."""
        self.ledger.close()


def chat_model(settings: Settings) -> BaseChatModel | None:
    """The engine that the settings name; None where the bundled weights are missing."""
    if settings.engine == "endpoint":
        from cityllm.model.endpoint import chat_model as endpoint

        return endpoint(settings)
    from cityllm.model.embedded import EmbeddedModel

    if not (settings.weights / "base" / "config.json").exists():
        return None
    return EmbeddedModel(weights=settings.weights, threads=settings.threads)


def build(settings: Settings, progress: Progress | None = None,
          files: Sequence[Path] = ()) -> Services:
    """Ledger, search, toolbox and assistant.

    The pack is read in where it has changed, and so are `files` (files and folders to import).
    """
    from cityllm.agent.assistant import Assistant
    from cityllm.agent.retriever import ToolRetriever
    from cityllm.agent.toolbox import Toolbox
    from cityllm.corpus.digests import sync_pack
    from cityllm.corpus.importer import add_files
    from cityllm.corpus.ledger import Ledger
    from cityllm.corpus.search import open_search
    from cityllm.petitions.review import Review
    from cityllm.safety.access import Accounts

    ledger = Ledger.open(settings.ledger, settings.pack / "status.yaml")
    sync_pack(ledger, settings.pack)
    if files:
        add_files(ledger, files)
    search = open_search(ledger, settings, progress)
    try:
        retriever = ToolRetriever.load(settings.weights / "retriever.npz")
    except ModelError:
        retriever = None
    policies = policy_service(settings)
    toolbox = Toolbox(ledger, search, retriever, maps=settings.home / "maps",
                      desk=petition_desk(settings), adviser=policy_adviser(policies))
    assistant = Assistant(toolbox, chat_model(settings), engine=settings.engine)
    accounts = Accounts(settings.home / "accounts.sqlite")
    return Services(settings, ledger, search, toolbox, assistant, accounts,
                    Review(settings.review), policies, narrator(settings))


def petition_desk(settings: Settings, cases: Cases | None = None) -> Desk | None:
    """The clerk's tools of the chat; None where the weights or the pack have none of what they
    need. The classifier is read at the first message; past cases, unless `cases` are given, are
    those of the pack and of the review page, read anew when either changes."""
    from functools import lru_cache

    from cityllm.cli_triage import chat_pipeline
    from cityllm.petitions.desk import Desk
    from cityllm.petitions.similar import Cases as Held
    from cityllm.petitions.similar import case_of, cases_of, past_files

    build = chat_pipeline(settings)
    if build is None:
        return None

    @lru_cache(maxsize=1)
    def read(files: tuple[tuple[Path, int, int], ...], version: tuple[int, int]) -> Cases:
        from cityllm.petitions.review import Review

        held = Review(settings.review).records() if any(version) else ()
        own = [case for told in held if (case := case_of(told))]
        return Held.build([*own, *(case for path, _, _ in files for case in cases_of(path))])

    def past() -> Cases:
        from cityllm.petitions.review import Review

        used = settings.review.is_file()
        return read(past_files(settings.pack),
                    Review(settings.review).version() if used else (0, 0))

    return Desk(build, lambda: cases or past())


def policy_service(settings: Settings) -> PolicyService | None:
    """The policies of the pack; None where it has none. Raises PolicyFileError for a wrong file."""
    from cityllm.policies.ruleset import RuleSet
    from cityllm.policies.service import PolicyService

    if not (settings.pack / "policies").is_dir():
        return None
    return PolicyService(RuleSet.load(settings.pack))


def policy_adviser(policies: PolicyService | None) -> Adviser | None:
    """The chat's tool of policies; None where there are none."""
    from cityllm.policies.adviser import PolicyAdviser
    from cityllm.policies.reading import heard

    if policies is None:
        return None
    dictionary = policies.rules.dictionary
    return PolicyAdviser(policies, lambda text, day, language: heard(text, day, dictionary,
                                                                      language))


def narrator(settings: Settings) -> Narrator:
    """Tells a match in words: with the model of an endpoint. The bundled one cannot write such
    sentences (docs/log.md, 2026-11-27), so without an endpoint the words are the rules'."""
    from cityllm.agent.wording import Narrator

    return Narrator(chat_model(settings) if settings.engine == "endpoint" else None)


def make_app(services: Services) -> FastAPI:
    """Chat, pages, API and `/healthz`, ready to be served at the host of the settings.

    Raises AccessError where that host needs accounts and there are none.
    """
    from cityllm.agent import export
    from cityllm.policies.registry import Registry
    from cityllm.safety.access import LOCAL, Role, is_loopback
    from cityllm.safety.database import Database
    from cityllm.web.api import make_api
    from cityllm.web.site import Exporter, make_site

    settings = services.settings

    def role_of(name: str) -> Role:
        found = LOCAL if is_loopback(settings.host) else services.accounts.find(name)
        return found.role if found else "planner"

    exporters: dict[str, Exporter] = {"md": export.markdown, "docx": export.docx}
    if services.policies is None:
        return make_site(services, exporters)
    database = Database(settings.home, settings.database_url)
    api = make_api(services.policies, database, role_of, services.narrator)
    return make_site(services, exporters, api,
                     Registry(database, services.policies.rules.dictionary))


if __name__ == "__main__":
    from cityllm.cli import main

    main(["web"])
