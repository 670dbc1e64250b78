"""What every tool returns: inputs, figures with units, and one paragraph in Chinese and English."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Figure(NamedTuple):
    """One figure. `text` is exactly what is shown, `unit` stands after it (empty for a date)."""

    text: str
    unit: str
    label_zh: str
    label_en: str


@dataclass(frozen=True)
class ToolResult:
    """Result of one run. `values` are the figures that an answer may name."""

    inputs: dict[str, Any]
    values: dict[str, Figure]
    summary_zh: str
    summary_en: str
    seed: int | None = field(default=None, kw_only=True)
    images: tuple[str, ...] = field(default=(), kw_only=True)

    def summary(self, language: str = "zh") -> str:
        """The result in whole sentences; `language` is `zh` or `en`."""
        return self.summary_en if language == "en" else self.summary_zh
