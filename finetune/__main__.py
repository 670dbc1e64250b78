"""`python -m finetune STEP --recipe NAME`: tokenizer, base, dialogues, anneal, lora, export, all.

Each step may be stopped and started again; it goes on from its last checkpoint. `retriever` trains
the choice of tools alone, straight into the weights, in half a minute.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cityllm.config import Settings
    from finetune.recipe import Recipe

STEPS = ("tokenizer", "base", "dialogues", "anneal", "lora", "export")


def main(argv: list[str] | None = None) -> int:
    """Run one step, or all in order; 2 where the training data are missing."""
    parser = argparse.ArgumentParser(prog="python -m finetune", description=__doc__)
    parser.add_argument("step", choices=(*STEPS, "retriever", "all"))
    parser.add_argument("--recipe", default="cpu", help="cpu, gpu, smoke, or a YAML file")
    parser.add_argument("--shared", type=Path, help="development data; default CITYLLM_SHARED")
    parser.add_argument("--weights", type=Path, help="where to export; default the bundled folder")
    parser.add_argument("--halves", type=Path, nargs=2, metavar="DIR",
                        help="embedders of `finetune.embedder --halves`: dialogues then hold what "
                             "search finds for questions that it has not learnt from")
    parser.add_argument("--start", type=Path, metavar="DIR",
                        help="an adapter that the step lora goes on from")
    options = parser.parse_args(argv)

    from cityllm.config import load_settings
    from finetune.recipe import load_recipe

    settings = load_settings()
    recipe = load_recipe(options.recipe)
    data = options.shared or settings.shared
    if data is None or not (data / "laws").is_dir():
        print("没有训练数据：请用 --shared 或 CITYLLM_SHARED 指明含 laws/ 的文件夹。\n"
              "No training data: name the folder that holds laws/ by --shared or CITYLLM_SHARED.",
              file=sys.stderr)
        return 2
    recipe.folder.mkdir(parents=True, exist_ok=True)
    for step in STEPS if options.step == "all" else (options.step,):
        began = time.monotonic()
        _run(step, recipe, data, options.weights or settings.weights, settings, options.halves,
             options.start)
        print(f"{step}: {time.monotonic() - began:.0f} s")
    return 0


def _run(step: str, recipe: Recipe, data: Path, weights: Path, settings: Settings,
         embedders: list[Path] | None, start: Path | None = None) -> None:
    if step == "tokenizer":
        from finetune.tokenizer import train_from_data

        train_from_data(data, recipe)
    elif step == "base":
        from finetune.base import train_base

        train_base(recipe, data)
    elif step == "dialogues":
        from app import build, petition_desk
        from cityllm.petitions.similar import Case, Cases
        from finetune.dialogues import write_dialogues
        from finetune.petition_data import examples

        toolbox = build(settings).toolbox
        toolbox.desk = petition_desk(settings, Cases.build(
            Case(f"{number}", one.title or one.text[:40], one.text)
            for number, one in enumerate(examples(copies=1))))
        if embedders:
            from finetune.unseen import halves

            ranks = settings.weights / "embedder" / "reranker.npz"
            toolbox.search = halves(toolbox.ledger, recipe.folder / "halves", embedders, ranks)
        else:
            toolbox.search = toolbox.search.leaving_out()
        print(write_dialogues(recipe, toolbox))
    elif step == "retriever":
        from finetune.cases import cases
        from finetune.dialogues import learn_tools

        right = learn_tools(cases(recipe.seed), weights / "retriever.npz")
        print(f"{right:.3f} of the training questions; measure it: python -m evals answers")
    elif step == "anneal":
        from finetune.anneal import train_anneal

        train_anneal(recipe, data)
    elif step == "lora":
        from finetune.lora import train_lora

        train_lora(recipe, recipe.folder / "dialogues.jsonl", start)
    else:
        from finetune.export import export

        for path in export(recipe, weights):
            print(f"{path.stat().st_size / 2**20:7.2f} MiB  {path.name}")


if __name__ == "__main__":
    sys.exit(main())
