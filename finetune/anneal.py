"""The last stretch of pre-training: falling rate, and our own dialogues among the text.

A base that has never seen the tool-call format learns little from LoRA; here it meets the format.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast

from finetune.base import Tokens, new_model, pack, run_steps
from finetune.recipe import Recipe


def mix(tokenizer: PreTrainedTokenizerFast, text: Tokens, recipe: Recipe) -> Tokens:
    """Rows of text not yet seen and rows of dialogues, shuffled; ids of shape (n,)."""
    path = recipe.folder / "anneal.npy"
    if path.exists():
        kept: Tokens = np.load(path, mmap_mode="r")
        return kept
    part = recipe.anneal
    end = tokenizer.convert_tokens_to_ids("<|endoftext|>")
    ids: list[int] = []
    lines = (recipe.folder / "dialogues.jsonl").read_text(encoding="utf-8").splitlines()
    np.random.default_rng(recipe.seed).shuffle(lines)
    for line in lines:
        if len(ids) > part.tokens * part.dialogue_share:
            break
        row = json.loads(line)
        whole = tokenizer.apply_chat_template(row["messages"], tools=row["tools"] or None,
                                              tokenize=False)
        ids += [*tokenizer(whole, add_special_tokens=False)["input_ids"], end]
    chat = np.asarray(ids[: len(ids) // part.length * part.length], dtype=np.uint16)
    rest = text[-max(part.length, part.tokens - len(chat)) // part.length * part.length :]
    rows = np.concatenate([chat, rest]).reshape(-1, part.length)
    rows = rows[np.random.default_rng(recipe.seed).permutation(len(rows))]
    np.save(path, rows.reshape(-1))
    return np.asarray(rows.reshape(-1))


def train_anneal(recipe: Recipe, data: Path) -> Path:
    """Go on from the base run's checkpoint; saves `base` in transformers' own format."""
    torch.set_num_threads(recipe.threads)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(recipe.folder / "tokenizer")
    model = new_model(recipe.model, len(tokenizer), recipe.seed).to(recipe.device)
    state = torch.load(recipe.folder / "base-run" / "checkpoint.pt", weights_only=True)
    model.load_state_dict(state["model"])
    tokens = mix(tokenizer, pack(tokenizer, data, recipe), recipe)
    run_steps(model, tokens, recipe.anneal, recipe, recipe.folder / "anneal-run")
    out = recipe.folder / "base"
    model.to(torch.bfloat16).save_pretrained(out)
    tokenizer.save_pretrained(out)
    return out
