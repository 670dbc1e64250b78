"""Put base and adapter where the program looks for them, in files of at most 16 MiB."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

from finetune.recipe import Recipe

LIMIT_MIB = 16


def export(recipe: Recipe, weights: Path) -> list[Path]:
    """Copy base (bfloat16, sharded), tokenizer, adapter, loss curves to `weights`; lists files."""
    weights.mkdir(parents=True, exist_ok=True)
    base = weights / "base"
    shutil.rmtree(base, ignore_errors=True)
    model = Qwen3ForCausalLM.from_pretrained(recipe.folder / "base", dtype=torch.bfloat16)
    model.save_pretrained(base, max_shard_size=f"{LIMIT_MIB - 1}MB")
    PreTrainedTokenizerFast.from_pretrained(recipe.folder / "base").save_pretrained(base)
    if (recipe.folder / "adapter").is_dir():
        shutil.rmtree(weights / "adapter", ignore_errors=True)
        shutil.copytree(recipe.folder / "adapter", weights / "adapter",
                        ignore=shutil.ignore_patterns("README.md"))
        config = weights / "adapter" / "adapter_config.json"
        text = config.read_text(encoding="utf-8").replace(str(recipe.folder / "base"), "../base")
        config.write_text(text, encoding="utf-8")
    for name in ("base", "anneal", "lora"):
        curve = recipe.folder / f"{name}-run" / "loss.png"
        if curve.exists():
            shutil.copy(curve, weights / f"loss-{name}.png")
    if (recipe.folder / "retriever.npz").exists():
        shutil.copy(recipe.folder / "retriever.npz", weights / "retriever.npz")
    files = [p for p in weights.rglob("*") if p.is_file()]
    for path in files:
        path.chmod(0o644)
    large = [p for p in files if p.stat().st_size > LIMIT_MIB * 2**20]
    if large:
        raise SystemExit(f"over {LIMIT_MIB} MiB: {', '.join(p.name for p in large)}")
    return files
