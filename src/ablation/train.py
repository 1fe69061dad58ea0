"""Training of a variant: the steps that the chain has not trained already, in a temporary folder."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from src.ablation.mix import TooFewRowsError, mixed, sample
from src.ablation.results import Trained
from src.files import read_jsonl, write_jsonl
from src.recipe.stages import FINAL, STAGES, model
from src.training.run import StageFiles, train_stage

if TYPE_CHECKING:
    from src.params.schema import StageParams
    from src.params.variant import Variant


def train_variant(variant: Variant, seed: int, folder: Path) -> tuple[Path, Path, list[Trained]]:
    """Train the variant's own steps one after another; models and data of its own go to `folder`.

    Returns:
        the model that retrieval training started from, the result, and what every step trained here took.
    """
    before = after = model(variant.start)
    earlier = {step: (STAGES[step].data, block) for step, block in variant.blocks.items()}
    taken: list[Trained] = []
    for step in variant.trained:
        before, after = after, folder / step
        data, whole = training_rows(variant, step, folder), STAGES[step].data
        files = StageFiles(
            name=f"{variant.name}, {step}",
            data=data,
            model_in=before,
            model_out=after,
            curve=folder / f"{step}.csv",
            log=Path(f"logs/ablate_{variant.name}_{step}.jsonl"),
            whole=None if data == whole else whole,
        )
        rows = sum(1 for _ in read_jsonl(data))
        block = for_updates(variant.blocks[step], rows, variant.updates if step == FINAL else None)
        train_stage(files, block, variant.runtime, seed, earlier, compiled=variant.compiled)
        taken.append(
            {
                "step": step,
                "rows": rows,
                "batch_size": block.batch_size,
                "epochs": block.epochs,
                "optimizer_steps": len(files.curve.read_text(encoding="utf-8").splitlines()) - 1,
            }
        )
    return before, after, taken


def for_updates(block: StageParams, rows: int, updates: int | None) -> StageParams:
    """The block with as many epochs as make so many optimizer steps (None: its own).

    A few steps more where texts that stand often fill further batches.
    """
    if updates is None:
        return block
    return block.model_copy(update={"epochs": updates / math.ceil(rows / block.batch_size)})


def training_rows(variant: Variant, step: str, folder: Path) -> Path:
    """The file that a step trains on: the chain's own; for retrieval a sample of it or a mix, of the variant's rows.

    Where there are fewer rows than params say, all variants train on as many as there are.

    Raises:
        TooFewRowsError: the batch is larger than that, or a source of the mix has too few rows.
    """
    path = STAGES[step].data
    rows = list(read_jsonl(path))
    wanted = variant.rows if step == FINAL and variant.rows else len(rows)
    size, batch = min(wanted, len(rows)), variant.blocks[step].batch_size
    if batch > size:
        raise TooFewRowsError(f"its {step} batch of {batch} is larger than the {size} rows")
    if step != FINAL or (size == len(rows) and not variant.mix):
        return path
    seed = variant.sample_seed
    drawn = mixed(rows, variant.mix, size, seed) if variant.mix else sample(rows, size, seed)
    write_jsonl(folder / "train.jsonl", drawn)
    dev = path.with_name("dev.jsonl")
    if dev.exists():  # training looks for it beside its rows
        shutil.copyfile(dev, folder / "dev.jsonl")
    return folder / "train.jsonl"
