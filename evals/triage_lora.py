"""A LoRA classifier on the bundled base, for the table of classifiers: a short run on one core.

Mean of the last layer's states -> one linear layer; the base learns only through low-rank updates.
Trained on a sample of rows, once over, each cut to `LENGTH` tokens; tested like the others.

    python -m evals triage_lora --labelled FILE [--train FILE] [--rows N] --json OUT
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cityllm.config import Settings
from cityllm.petitions.segment import Segmenter
from cityllm.petitions.taxonomy import Taxonomy
from cityllm.petitions.training import read_rows
from evals.command import parser, write
from evals.machine import machine
from evals.triage_models import figures
from finetune.petition_data import examples
from finetune.triage import body

LENGTH, TEST_LENGTH = 96, 192
BATCH, RATE, RANK = 16, 2e-3, 16


def lora(base: Path, texts: Sequence[str], codes: Sequence[str], tests: Sequence[str],
         ) -> tuple[list[str], np.ndarray]:
    """Labels and (T, K) scores of `tests`, after one pass over `texts`."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import PreTrainedTokenizerFast, Qwen3Model

    torch.manual_seed(0)
    torch.set_num_threads(1)
    names = sorted(set(codes))
    tokenizer = PreTrainedTokenizerFast.from_pretrained(base)
    model: Any = get_peft_model(
        Qwen3Model.from_pretrained(base, dtype=torch.float32),
        LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules=[
            "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]))
    head = torch.nn.Linear(model.config.hidden_size, len(names))
    learnt = [*(one for one in model.parameters() if one.requires_grad), *head.parameters()]
    steps = -(-len(texts) // BATCH)
    rate = torch.optim.AdamW(learnt, lr=RATE, weight_decay=0.01)
    fall = torch.optim.lr_scheduler.OneCycleLR(rate, RATE, total_steps=steps)
    counts = np.array([codes.count(name) for name in names])
    loss = torch.nn.CrossEntropyLoss(torch.tensor(counts.sum() / counts / len(names)).float())

    def scores(part: Sequence[str], length: int) -> torch.Tensor:
        read = tokenizer(list(part), padding=True, truncation=True, max_length=length,
                         return_tensors="pt", return_token_type_ids=False)
        states = model(**read).last_hidden_state
        seen = read["attention_mask"].unsqueeze(-1)
        return head((states * seen).sum(1) / seen.sum(1).clamp(min=1))

    dice = np.random.default_rng(0)
    for at, rows in enumerate(np.array_split(dice.permutation(len(texts)), steps)):
        rate.zero_grad()
        lost = loss(scores([texts[row] for row in rows], LENGTH),
                    torch.tensor([names.index(codes[row]) for row in rows]))
        lost.backward()
        rate.step()
        fall.step()
        if at % 20 == 0:
            print(f"step {at} of {steps}, loss {lost.item():.3f}", flush=True)
    with torch.no_grad():
        found = [scores(tests[at:at + BATCH], TEST_LENGTH).numpy()
                 for at in range(0, len(tests), BATCH)]
    return names, np.vstack(found)


def compare(labelled: Path, trained_on: Path | None, rows: int, settings: Settings,
            ) -> dict[str, Any]:
    """One row of the table."""
    tree = Taxonomy.load(settings.pack)
    measured, _ = read_rows(labelled)
    right = [str(tree.find(row.label))[:2] for row in measured]
    tests = [row.text for row in measured]
    if trained_on:
        held, _ = read_rows(trained_on)
        cutter = Segmenter.learn(row.text for row in held)
        texts = [row.text.replace(" ", "") for row in held]
        tests = [cutter.cut(text).replace(" ", "") for text in tests]
        codes = [str(tree.find(row.label))[:2] for row in held]
    else:
        ours = list(examples())
        texts, codes = [body(row) for row in ours], [row.base.code[:2] for row in ours]
    some = np.random.default_rng(0).permutation(len(texts))[:rows]
    began = time.perf_counter()
    labels, scored = lora(settings.weights / "base", [texts[at] for at in some],
                          [codes[at] for at in some], tests)
    columns = [at for at, label in enumerate(labels) if label in right]
    said = [labels[columns[at]] for at in scored[:, columns].argmax(axis=1)]
    return {"trained_on": trained_on.name if trained_on else "our own", "rows": len(some),
            "model": f"LoRA rank {RANK} on the bundled base, one pass",
            **figures(right, said), "seconds": time.perf_counter() - began}


def main(argv: list[str]) -> int:
    """Print the row and write it to OUT."""
    given = parser("triage_lora", __doc__, "labelled", maybe=("train",))
    given.add_argument("--rows", type=int, default=2000, metavar="N")
    options = given.parse_args(argv)
    found = {**compare(options.labelled, options.train, options.rows, Settings()),
             "machine": machine()}
    write(options.json, found)
    print(found)
    return 0
