"""LoRA with peft on our own base, over our own dialogues; loss on what the assistant says only."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

from finetune.base import language_loss, train
from finetune.recipe import Recipe

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
Row = tuple[list[int], list[int]]


def encode(tokenizer: PreTrainedTokenizerFast, dialogue: dict[str, Any], length: int) -> Row | None:
    """(ids, labels) of one dialogue; labels are -100 outside assistant turns.

    None where it is longer than `length` tokens.
    """
    encoded = tokenizer.apply_chat_template(
        dialogue["messages"], tools=dialogue.get("tools") or None, tokenize=True,
        return_dict=True, return_assistant_tokens_mask=True)
    ids, mask = encoded["input_ids"], encoded["assistant_masks"]
    if len(ids) > length:
        return None
    return ids, [i if m else -100 for i, m in zip(ids, mask, strict=True)]


def batches(rows: list[Row], size: int, epochs: float, seed: int) -> list[list[Row]]:
    """Batches of about equal length, so that little is spent on padding; order by seed."""
    shuffle = random.Random(seed)
    made: list[list[Row]] = []
    want = int(len(rows) * epochs / size)
    while len(made) < want:
        order = sorted(rows, key=lambda r: len(r[0]) + shuffle.uniform(-20, 20))
        group = [order[i : i + size] for i in range(0, len(order) - size + 1, size)]
        shuffle.shuffle(group)
        made += group
    return made[:want]


def pad(rows: list[Row], filler: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Right-padded ids and labels, each (batch, longest)."""
    longest = max(len(ids) for ids, _ in rows)
    ids = torch.full((len(rows), longest), filler)
    labels = torch.full((len(rows), longest), -100)
    for i, (row, label) in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        labels[i, : len(label)] = torch.tensor(label)
    return ids, labels


def kind_of(dialogue: dict[str, Any]) -> str:
    """The tool called first, with `+` where there is a second call; `none` without a call; and
    `not_found` where what was found does not answer."""
    if dialogue["messages"][-1]["content"] == "[not_found]":
        return "not_found"
    calls = [call["function"]["name"] for m in dialogue["messages"]
             for call in m.get("tool_calls") or ()]
    return calls[0] + "+" * (len(calls) > 1) if calls else "none"


def balanced(lines: list[str], kinds: dict[str, int], seed: int) -> list[str]:
    """As many dialogues of each kind as `kinds` says, repeated where need be, shuffled."""
    held: dict[str, list[str]] = {}
    for line in lines:
        held.setdefault(kind_of(json.loads(line)), []).append(line)
    shuffle = random.Random(seed)
    found: list[str] = []
    for kind, rows in held.items():
        shuffle.shuffle(rows)
        wanted = kinds.get(kind, len(rows))
        found += (rows * (1 + wanted // len(rows)))[:wanted]
    shuffle.shuffle(found)
    return found


def train_lora(recipe: Recipe, dialogues: Path, start: Path | None = None) -> Path:
    """Train the adapter on a JSONL of `{messages, tools}`; returns its folder (peft format).

    `start` is an adapter to go on from.
    """
    from peft import LoraConfig, PeftModel, get_peft_model

    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    base = recipe.folder / "base"
    tokenizer = PreTrainedTokenizerFast.from_pretrained(base)
    part = recipe.lora
    lines = dialogues.read_text(encoding="utf-8").splitlines()
    lines = balanced(lines, part.kinds, recipe.seed)
    rows = [r for line in lines[: part.dialogues]
            if (r := encode(tokenizer, json.loads(line), part.length))]
    if not rows:
        raise SystemExit(f"no dialogue of {dialogues} is shorter than {part.length} tokens")
    model: Any = Qwen3ForCausalLM.from_pretrained(base, dtype=torch.float32)
    if start is None:
        model = get_peft_model(model, LoraConfig(
            r=part.rank, lora_alpha=part.alpha, target_modules=TARGETS, task_type="CAUSAL_LM"))
    else:
        model = PeftModel.from_pretrained(model, str(start), is_trainable=True)
    model.to(recipe.device).train()
    model.print_trainable_parameters()
    plan = batches(rows, part.batch, part.epochs, recipe.seed)
    filler = int(tokenizer.pad_token_id)

    def step_loss(step: int) -> torch.Tensor:
        ids, labels = pad(plan[step], filler)
        inner = model.base_model.model
        return language_loss(inner, ids.to(recipe.device), labels.to(recipe.device), recipe.device)

    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=part.lr,
                                  betas=(0.9, 0.95), weight_decay=0.0)
    mean = sum(len(ids) for batch in plan for ids, _ in batch) // max(1, len(plan))
    train(model, step_loss, len(plan), [optimizer], (0.03, 0.9), mean, recipe.folder / "lora-run",
          part.checkpoint_minutes)
    out = recipe.folder / "adapter"
    model.to(torch.bfloat16).save_pretrained(out)
    return out
