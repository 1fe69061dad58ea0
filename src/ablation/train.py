"""Training of a variant: the steps that the chain has not trained already, in a temporary folder."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.ablation.mix import mixed, sample
from src.errors import UserError
from src.files import read_jsonl, write_jsonl

if TYPE_CHECKING:
    from src.ablation.variants import Variant
    from src.params.schema import Params

PREPARED = Path("data/prepared")
MODELS = Path("models")


@dataclass(frozen=True)
class Trained:
    """The models around a variant's last step, and what every step of it took.

    Attributes:
        before: the model that retrieval training started from.
        after: the result.
        steps: {"step", "rows", "batch_size", "epochs", "optimizer_steps"} of each step trained here.
    """

    before: Path
    after: Path
    steps: list[dict[str, Any]]


def train_variant(variant: Variant, params: Params, seed: int, folder: Path) -> Trained:
    """Train the variant's own steps one after another; models and data of its own go to `folder`."""
    from src.training.run import StepFiles, train_step

    before = after = MODELS / variant.start
    taken = []
    for step in variant.trained:
        before, after = after, folder / step
        data, whole = training_rows(variant, step, params, folder), PREPARED / step / "train.jsonl"
        files = StepFiles(
            name=f"{variant.name}, {step}",
            data=data,
            model_in=before,
            model_out=after,
            curve=folder / f"{step}.csv",
            log=Path(f"logs/ablate_{variant.name}_{step}.jsonl"),
            whole=None if data == whole else whole,
        )
        block = variant.blocks[step]
        added = remedies(variant) if step == "retrieval" else None
        train_step(files, block, params.runtime, seed, added, compiled=params.launch.compile)
        taken.append(
            {
                "step": step,
                "rows": sum(1 for _ in read_jsonl(files.data)),
                "batch_size": block.batch_size,
                "epochs": block.epochs,
                "optimizer_steps": len(files.curve.read_text(encoding="utf-8").splitlines()) - 1,
            }
        )
    return Trained(before, after, taken)


def training_rows(variant: Variant, step: str, params: Params, folder: Path) -> Path:
    """The file that a step trains on: the chain's own; for retrieval a sample of it or a mix, of `ablation.rows` rows.

    Raises:
        UserError: a mix without a size, or with more rows of a source than there are.
    """
    path = PREPARED / step / "train.jsonl"
    size = params.ablation.rows
    if step != "retrieval" or (size is None and not variant.mix):
        return path
    if size is None:
        raise UserError("params.yaml: ablation.rows is needed for mixes of equal size")
    rows = list(read_jsonl(path))
    if len(rows) < size:
        raise UserError(f"params.yaml: ablation.rows is {size}, but {path} has {len(rows)} rows; lower it")
    chosen = mixed(rows, variant.mix, size, params.seed) if variant.mix else sample(rows, size, params.seed)
    write_jsonl(folder / "train.jsonl", chosen)
    dev = path.with_name("dev.jsonl")
    if dev.exists():  # training looks for it beside its rows
        shutil.copyfile(dev, folder / "dev.jsonl")
    return folder / "train.jsonl"


def remedies(variant: Variant) -> Any:
    """The retrieval step's remedies; rehearsal reads the chain's own sets."""
    from src.training.remedies import Remedies

    earlier = {step: (PREPARED / step / "train.jsonl", variant.blocks[step]) for step in ("nli", "sts")}
    return Remedies(variant.blocks["retrieval"].remedies, earlier)  # type: ignore[attr-defined]
