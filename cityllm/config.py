"""Settings: one frozen value, read at the edge from `CITYLLM_*`, handed inwards."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from cityllm.errors import ConfigError

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "CITYLLM_"
SETUP_ONLY = {"torch"}
"""Names that only scripts/setup.py reads."""


class Settings(BaseModel):
    """Everything that can be set. Each field is `CITYLLM_` and its name in capitals."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    home: Path = ROOT / "var"
    """Ledger, indexes, accounts, conversations. Made when missing."""
    pack: Path = ROOT / "rag_corpus"
    """The city pack: regulations, data, golden questions."""
    shared: Path | None = None
    """Folder of the development data (`laws/`, `statute_qa/`, …); for measures and tests only."""
    host: str = "127.0.0.1"
    """Address of the chat. Any but a loopback address needs accounts."""
    port: int = 7860
    """Port of the chat."""
    language: Literal["zh", "en"] = "zh"
    """Language of the pages: `zh` or `en`. An answer is in the language of its question."""

    engine: Literal["embedded", "endpoint"] = "embedded"
    """`embedded` (the bundled model in process) or `endpoint` (any OpenAI-compatible server)."""
    endpoint_url: str = "http://127.0.0.1:8000/v1"
    """Address of that server; only used by engine `endpoint`."""
    endpoint_model: str = "city"
    """Name of the model, or of the adapter, on that server."""
    endpoint_key: str = "none"
    """Key that the server asks for."""
    endpoint_timeout: float = 120.0
    """Seconds until the first word, and between two pieces of an answer, until it is given up."""
    endpoint_vllm: bool = True
    """The server takes vLLM's own request fields; off for services that refuse unknown ones."""
    endpoint_grammar: bool = False
    """Send the bundled model's grammar with each request: for small models served by vLLM."""
    serve_model: str = "Qwen/Qwen3-8B"
    """What `cityllm serve` loads: a hub name or a folder."""
    serve_adapter: str = ""
    """Folder of a LoRA adapter that `cityllm serve` lays over the model; empty for none."""
    serve_port: int = 8000
    """Port of the model server on 127.0.0.1."""
    serve_python: str = ""
    """The Python that has vLLM. Empty: `.venv-vllm` beside the program, else the program's own."""
    weights: Path = ROOT / "cityllm" / "model" / "weights"
    """The bundled model: `base/`, `adapter/`, `embedder/`, `retriever.npz`."""
    threads: int = 2
    """CPU threads of the bundled model."""

    embedder: str = ""
    """Empty: the bundled one. Otherwise a sentence-transformers model by name or folder."""
    chroma_url: str = ""
    """Empty: Chroma in process, in `home`. Otherwise `http://host:port` of a Chroma server."""

    database_url: str = ""
    """API keys, rates and registered enterprises. Empty: SQLite in `home`. Otherwise
    `postgresql://user:password@host/name`."""

    vault_key: str = ""
    """Key of the encrypted originals of petitions, 32 bytes as base64 or hex; empty: a key file."""
    vault_key_file: Path | None = None
    """File with that key. Unset: `vault.key` in `home`, made at first use; keep it elsewhere."""

    @property
    def ledger(self) -> Path:
        """The SQLite file that is the source of truth for regulations."""
        return self.home / "ledger.sqlite"

    @property
    def review(self) -> Path:
        """The SQLite file of petitions that wait for a person, and of what was decided."""
        return self.home / "review.sqlite"

    @property
    def publications(self) -> Path:
        """The SQLite file of who published which policy and who approved it."""
        return self.home / "publications.sqlite"


def load_settings(env: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment; an unknown `CITYLLM_` name is refused."""
    env = os.environ if env is None else env
    found = {k[len(PREFIX):].lower(): v for k, v in env.items() if k.startswith(PREFIX)}
    found = {name: value for name, value in found.items() if name not in SETUP_ONLY}
    unknown = sorted(set(found) - set(Settings.model_fields))
    if unknown:
        names = ", ".join(f"{PREFIX}{name.upper()}" for name in unknown)
        allowed = ", ".join(f"{PREFIX}{n.upper()}" for n in Settings.model_fields)
        raise ConfigError(f"未知的设置 {names}。可用的有：{allowed}。",
                          f"Unknown setting {names}. Allowed: {allowed}.")
    if "shared" not in found and (ROOT.parent / "shared" / "data").is_dir():
        found["shared"] = str(ROOT.parent / "shared" / "data")
    try:
        return Settings.model_validate(found)
    except ValidationError as problem:
        first = problem.errors()[0]
        name = f"{PREFIX}{str(first['loc'][0]).upper()}"
        raise ConfigError(f"设置 {name} 的值 {first['input']!r} 不可用：{first['msg']}。",
                          f"Setting {name} has value {first['input']!r}: {first['msg']}.") from None
