"""A resolved variant: what stage `resolve` writes to data/variants/NAME.json, the params of stage `ablate`."""

from __future__ import annotations

from pathlib import Path

from src.checked import validated
from src.errors import UserError
from src.files import read_json
from src.params.block import Block, Settings
from src.params.schema import EvalSetParams, RuntimeParams, StageParams, TrainParams

FOLDER = Path("data/variants")


class Measuring(Block):
    """How results are measured: those keys of the block `eval` that variants use."""

    sets: dict[str, EvalSetParams]
    depth: int
    batch_size: int
    max_length: int


class Variant(Block):
    """What one row of params asks for, and every parameter that decides its figures.

    Attributes:
        row: as params have it.
        path: the steps in their order.
        start: the model of the chain that training starts from, such as models/sts.
        trained: the steps that are trained here; those before them the chain has trained already in the same way.
        blocks: the params of each step that is trained or replayed, the row's changes laid over the recipe's.
        mix: share of each source among the retrieval pairs; empty: as they come.
        interpolations: shares of the trained weights at which the result is measured too.
        rows: of its retrieval step, drawn by `sample_seed`; null: all.
        updates: optimizer steps of its retrieval step, in place of epochs.
        sts_set: name of the scored pairs.
        code: fingerprint of the code and packages that train it (src/ablation/origin.py).
    """

    name: str
    row: Settings
    path: tuple[str, ...]
    start: str
    trained: tuple[str, ...]
    blocks: dict[str, TrainParams | StageParams]
    mix: dict[str, float]
    interpolations: tuple[float, ...]
    rows: int | None
    updates: int | None
    seeds: list[int]
    sample_seed: int
    runtime: RuntimeParams
    compiled: bool
    measuring: Measuring
    sts_set: str
    code: str


def read_variant(name: str, folder: Path = FOLDER) -> Variant:
    """The variant as stage `resolve` wrote it.

    Raises:
        UserError: there is none of this name.
    """
    path = folder / f"{name}.json"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.json"))) or "none"
        raise UserError(
            f"expected one variant of {folder}: {known}; `dvc repro ablations/dvc.yaml:resolve` writes them"
        )
    return validated(Variant, read_json(path), path)
