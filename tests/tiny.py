"""A model of a second's making: real format, real tokenizer, random weights. It knows nothing."""

from __future__ import annotations

from pathlib import Path

from finetune.base import new_model
from finetune.recipe import load_recipe
from finetune.tokenizer import train_tokenizer

TEXT = (
    "城市规划部门应当自受理申请之日起二十日内作出决定。未取得建设工程规划许可证的，责令停止建设，"
    "处建设工程造价百分之五以上百分之十以下的罚款。\nThe city answers every petition within 15 days. "
    "主路封闭以后平均车速是多少？容积率2.5的15亩地能盖多少平方米？"
)


def tiny_weights(folder: Path, context: int = 2048) -> Path:
    """Write `base/` (tokenizer and random Qwen3) under `folder`; returns `folder`."""
    recipe = load_recipe("smoke")
    tokenizer = train_tokenizer([TEXT] * 4, recipe.tokenizer, folder / "base")
    part = recipe.model.model_copy(update={"context": context})
    new_model(part, len(tokenizer), seed=3).save_pretrained(folder / "base")
    return folder
