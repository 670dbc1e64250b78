"""A recipe: every size, rate and path of one training run, read from YAML, unknown keys refused."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

RECIPES = Path(__file__).parent / "recipes"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TokenizerPart(_Part):
    """Byte-level BPE. `characters` is how much text it is trained on."""

    vocab_size: int
    characters: int


class ModelPart(_Part):
    """Qwen3 architecture; `head_dim` is 64 and embeddings are tied."""

    hidden_size: int
    layers: int
    context: int = 2048


class TrainPart(_Part):
    """One optimisation: `tokens` in all, `batch` sequences of `length` tokens a step.

    `warmup` and `cooldown` are shares of the steps; `dialogue_share` of the tokens is our own
    tool-call dialogues, the rest law text and general chat.
    """

    tokens: int
    batch: int
    length: int
    lr: float
    muon_lr: float = 0.02
    warmup: float = 0.02
    cooldown: float = 0.0
    dialogue_share: float = 0.0
    checkpoint_minutes: float = 3.0


class LoraPart(_Part):
    """peft LoRA on every linear layer; lengths in tokens, `epochs` over the dialogues.

    `kinds`: how many dialogues of a kind are used (see `lora.kind_of`), repeated where there are
    fewer; of a kind that is not named, all.
    """

    rank: int
    alpha: int
    lr: float
    epochs: float
    batch: int
    length: int
    dialogues: int
    kinds: dict[str, int] = {}
    checkpoint_minutes: float = 3.0


class Recipe(_Part):
    """A whole run. `device` is cpu or cuda; `seed` fixes data order and initial weights."""

    name: str
    device: str
    threads: int
    seed: int
    home: Path = Path("runs")
    tokenizer: TokenizerPart
    model: ModelPart
    base: TrainPart
    anneal: TrainPart
    lora: LoraPart

    @property
    def folder(self) -> Path:
        """Where this run keeps its files, checkpoints included."""
        return self.home / self.name


def load_recipe(name: str) -> Recipe:
    """Read `recipes/NAME.yaml` (or a path to a YAML file)."""
    path = Path(name) if name.endswith(".yaml") else RECIPES / f"{name}.yaml"
    return Recipe.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
