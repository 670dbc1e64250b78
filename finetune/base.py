"""Pre-train the base from scratch: Qwen3 architecture, Muon for matrices, AdamW for the rest.

Half law text, half chat in the model's own format. A checkpoint every few minutes; started again,
it goes on where it stopped. Writes `loss.csv`, `loss.png` and the model to the recipe's folder.
"""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from finetune.recipe import ModelPart, Recipe, TrainPart
from finetune.sources import conversations, law_texts

Tokens = NDArray[np.uint16]


def new_model(part: ModelPart, vocab_size: int, seed: int) -> Qwen3ForCausalLM:
    """A Qwen3 of the recipe's size with random weights."""
    torch.manual_seed(seed)
    return Qwen3ForCausalLM(Qwen3Config(
        vocab_size=vocab_size, hidden_size=part.hidden_size,
        intermediate_size=part.hidden_size * 11 // 4, num_hidden_layers=part.layers,
        num_attention_heads=part.hidden_size // 64, head_dim=64,
        num_key_value_heads=max(1, part.hidden_size // 128), tie_word_embeddings=True,
        max_position_embeddings=part.context,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        bos_token_id=None, eos_token_id=2, pad_token_id=0))


def pack(tokenizer: PreTrainedTokenizerFast, data: Path, recipe: Recipe) -> Tokens:
    """Token ids of shape (n,) for one run: laws and chats in turn, each ended by its own mark.

    Kept as `tokens.npy` in the recipe's folder, so that a later sitting sees the same order.
    """
    path = recipe.folder / "tokens.npy"
    if path.exists():
        return np.load(path, mmap_mode="r")
    end = tokenizer.convert_tokens_to_ids("<|endoftext|>")
    laws = law_texts(data, recipe.seed)
    chats = [tokenizer.apply_chat_template(c, tokenize=False)
             for c in conversations(data, recipe.seed)]
    ids: list[int] = []
    want = recipe.base.tokens
    for start in range(0, max(len(laws), len(chats)), 500):
        for group in (laws[start : start + 500], chats[start : start + 500]):
            if group:
                for row in tokenizer(group, add_special_tokens=False)["input_ids"]:
                    ids += [*row, end]
        if len(ids) > want:
            break
    tokens = np.asarray(ids, dtype=np.uint16)
    rows = len(tokens) // recipe.base.length
    order = np.random.default_rng(recipe.seed).permutation(rows)
    tokens = tokens[: rows * recipe.base.length].reshape(rows, -1)[order].reshape(-1)
    np.save(path, tokens)
    return tokens


def optimizers(model: torch.nn.Module, lr: float, muon_lr: float) -> list[torch.optim.Optimizer]:
    """Muon on the matrices of the blocks, AdamW on embeddings and norms."""
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    rest = [p for n, p in model.named_parameters() if p.ndim != 2 or "embed" in n]
    return [torch.optim.Muon(matrices, lr=muon_lr, weight_decay=0.0, momentum=0.95),
            torch.optim.AdamW(rest, lr=lr, betas=(0.9, 0.95), weight_decay=0.0)]


def schedule(step: int, steps: int, warmup: float, cooldown: float) -> float:
    """Warm-up, plateau, then linear to a twentieth: the factor on the learning rate."""
    up = min(1.0, (step + 1) / max(1, warmup * steps))
    down = min(1.0, (steps - step) / max(1, cooldown * steps))
    return min(up, 0.05 + 0.95 * down)


class Checkpoint:
    """Model, optimisers and step in one file, replaced atomically."""

    def __init__(self, path: Path, minutes: float) -> None:
        self.path, self.every, self._last = path, minutes * 60, time.monotonic()

    def load(self, model: torch.nn.Module, opts: list[torch.optim.Optimizer]) -> int:
        """Restore both in place; returns the step to go on from, 0 where there is none."""
        if not self.path.exists():
            return 0
        state: dict[str, Any] = torch.load(self.path, weights_only=True)
        model.load_state_dict(state["model"])
        for opt, kept in zip(opts, state["optimizers"], strict=True):
            opt.load_state_dict(kept)
        return int(state["step"])

    def save(self, step: int, model: torch.nn.Module, opts: list[torch.optim.Optimizer],
             force: bool = False) -> None:
        """Write if the interval has passed, or if forced."""
        if not force and time.monotonic() - self._last < self.every:
            return
        self._last = time.monotonic()
        partial = self.path.with_suffix(".partial")
        torch.save({"step": step, "model": model.state_dict(),
                    "optimizers": [o.state_dict() for o in opts]}, partial)
        partial.replace(self.path)


def train(model: torch.nn.Module, step_loss: Callable[[int], torch.Tensor], steps: int,
          opts: list[torch.optim.Optimizer], rates: tuple[float, float], tokens_per_step: int,
          folder: Path, minutes: float) -> None:
    """The loop that base and LoRA share: progress, tokens per second, log, checkpoints, picture."""
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = Checkpoint(folder / "checkpoint.pt", minutes)
    first = checkpoint.load(model, opts)
    peak = [[g["lr"] for g in o.param_groups] for o in opts]
    if first:
        peak = [[g.setdefault("peak", g["lr"]) for g in o.param_groups] for o in opts]
    for opt, lrs in zip(opts, peak, strict=True):
        for group, lr in zip(opt.param_groups, lrs, strict=True):
            group["peak"] = lr
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with (folder / "loss.csv").open("a", newline="") as log, Progress(*columns) as progress:
        writer = csv.writer(log)
        task = progress.add_task("train", total=steps, completed=first)
        mean, began, done = 0.0, time.monotonic(), 0
        for step in range(first, steps):
            factor = schedule(step, steps, *rates)
            for opt in opts:
                for group in opt.param_groups:
                    group["lr"] = group["peak"] * factor
            loss = step_loss(step)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for opt in opts:
                opt.step()
                opt.zero_grad(set_to_none=True)
            value = float(loss.detach())
            if not math.isfinite(value):
                raise RuntimeError(f"loss is {value} at step {step}: lower the learning rate")
            mean = value if not mean else 0.95 * mean + 0.05 * value
            done += tokens_per_step
            if step % 10 == 0 or step == steps - 1:
                rate = done / (time.monotonic() - began)
                writer.writerow([step, f"{value:.4f}", f"{mean:.4f}", f"{rate:.0f}"])
                log.flush()
                progress.update(task, completed=step + 1,
                                description=f"loss {mean:.3f}  {rate:,.0f} tokens/s")
            checkpoint.save(step + 1, model, opts)
        checkpoint.save(steps, model, opts, force=True)
    picture(folder)


def picture(folder: Path) -> None:
    """Draw `loss.csv` as `loss.png`."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = np.atleast_2d(np.loadtxt(folder / "loss.csv", delimiter=","))
    figure, axes = pyplot.subplots(figsize=(7, 4))
    axes.plot(rows[:, 0], rows[:, 1], alpha=0.3, label="loss")
    axes.plot(rows[:, 0], rows[:, 2], label="moving mean")
    axes.set_xlabel("step")
    axes.set_ylabel("cross-entropy, nats per token")
    axes.legend()
    figure.tight_layout()
    figure.savefig(folder / "loss.png", dpi=120)
    pyplot.close(figure)


def language_loss(model: Any, ids: torch.Tensor, labels: torch.Tensor, device: str) -> torch.Tensor:
    """Mean next-token cross-entropy; `ids` and `labels` (batch, length), -100 is not counted.

    Logits are made only where a label counts: on a CPU the vocabulary is half of the work.
    """
    with torch.autocast(device, torch.bfloat16):
        hidden = model.model(input_ids=ids).last_hidden_state[:, :-1]
        target = labels[:, 1:]
        keep = target != -100
        logits = model.lm_head(hidden[keep])
    return torch.nn.functional.cross_entropy(logits.float(), target[keep])


def run_steps(model: Any, tokens: Tokens, part: TrainPart, recipe: Recipe, folder: Path) -> None:
    """Train on rows of `tokens` (n,) in order, `part.batch` rows a step."""
    per_step = part.batch * part.length
    rows = len(tokens) // part.length

    def step_loss(step: int) -> torch.Tensor:
        picks = [(step * part.batch + i) % rows for i in range(part.batch)]
        batch = np.stack([tokens[p * part.length : (p + 1) * part.length] for p in picks])
        ids = torch.from_numpy(batch.astype(np.int64)).to(recipe.device)
        return language_loss(model, ids, ids, recipe.device)

    train(model, step_loss, part.tokens // per_step, optimizers(model, part.lr, part.muon_lr),
          (part.warmup, part.cooldown), per_step, folder, part.checkpoint_minutes)


def train_base(recipe: Recipe, data: Path) -> Path:
    """Pre-train at a constant rate; returns the run's folder. `anneal` ends it and saves."""
    torch.set_num_threads(recipe.threads)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(recipe.folder / "tokenizer")
    tokens = pack(tokenizer, data, recipe)
    model = new_model(recipe.model, len(tokenizer), recipe.seed).to(recipe.device)
    folder = recipe.folder / "base-run"
    run_steps(model, tokens, recipe.base, recipe, folder)
    return folder
