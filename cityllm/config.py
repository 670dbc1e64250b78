"""Settings: one frozen value, read at the edge from `CITYLLM_*`, handed inwards."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from cityllm.errors import ConfigError

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "CITYLLM_"


class Settings(BaseModel):
    """Everything that can be set. Each field is `CITYLLM_` and its name in capitals."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path = ROOT / "var"
    """Ledger, indexes, accounts, conversations. Made when missing."""
    pack: Path = ROOT / "rag_corpus"
    """The city pack: regulations, data, golden questions."""
    shared: Path | None = None
    """Folder of the development data (`laws/`, `statute_qa/`, …); only measures and tests use it."""
    host: str = "127.0.0.1"
    port: int = 7860
    language: str = "zh"

    engine: str = "embedded"
    """`embedded` (the bundled model in process) or `endpoint` (any OpenAI-compatible server)."""
    endpoint_url: str = "http://127.0.0.1:8000/v1"
    endpoint_model: str = "city"
    endpoint_key: str = "none"
    endpoint_timeout: float = 120.0
    """Seconds."""
    serve_model: str = "Qwen/Qwen3-8B"
    """What `cityllm serve` loads: a hub name or a folder."""
    serve_adapter: str = ""
    serve_port: int = 8000
    weights: Path = ROOT / "cityllm" / "model" / "weights"
    threads: int = 2

    embedder: str = ""
    """Empty: the bundled one. Otherwise a sentence-transformers model by name or folder."""
    chroma_url: str = ""
    """Empty: Chroma in process, in `home`. Otherwise `http://host:port` of a Chroma server."""

    @property
    def ledger(self) -> Path:
        """The SQLite file that is the source of truth for regulations."""
        return self.home / "ledger.sqlite"


def load_settings(env: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment; an unknown `CITYLLM_` name is refused."""
    env = os.environ if env is None else env
    found = {k[len(PREFIX):].lower(): v for k, v in env.items() if k.startswith(PREFIX)}
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
