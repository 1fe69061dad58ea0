"""The data of DVC's plots: the figures' numbers as CSV, so that `dvc plots diff` can lay two runs over each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from src.files import write_csv
from src.reporting import names
from src.reporting.inputs import Inputs
from src.reporting.retrieval_tables import MEASURES
from src.reporting.tables import Cell

SHOWN = ("nDCG@10", "R@10", "R@100", "MRR@10", "P@1")


def write_all(inputs: Inputs, folder: Path) -> None:
    """Write models.csv, dimensions.csv, memory.csv, forgetting.csv and, where there are ablations, ablation.csv."""
    evaluations = inputs.evaluations.items()
    models: list[list[Cell]] = [
        [name, names.model(row), *(scores[measure] for measure in MEASURES)]
        for name, evaluation in evaluations
        for row, scores in evaluation["models"].items()
    ]
    _write(folder / "models.csv", ["set", "model", *MEASURES], models)
    dims: list[list[Cell]] = [
        [name, int(dim), found["bytes_per_document"], *(found[measure] for measure in SHOWN)]
        for name, evaluation in evaluations
        for dim, found in evaluation["matryoshka"].items()
    ]
    _write(folder / "dimensions.csv", ["set", "dimensions", "bytes", *SHOWN], dims)
    memory: list[list[Cell]] = [
        [name, form, int(dim), found["bytes_per_document"], found["nDCG@10"]]
        for name, evaluation in evaluations
        for dim, forms in evaluation["quantisation"].items()
        for form, found in forms.items()
    ]
    _write(folder / "memory.csv", ["set", "form", "dimensions", "bytes", "nDCG@10"], memory)
    sts = inputs.sts["forgetting"]["dims"].items()
    forgetting: list[list[Cell]] = [[int(dim), key, found[key]] for dim, found in sts for key in ("before", "after")]
    _write(folder / "forgetting.csv", ["dimensions", "retrieval training", "Spearman"], forgetting)
    if inputs.ablation:
        _write(folder / "ablation.csv", ["set", "variant", "nDCG@10", "Spearman"], ablation_rows(inputs))


def ablation_rows(inputs: Inputs) -> list[list[Cell]]:
    """Every variant on every set."""
    assert inputs.ablation is not None
    return [
        [name, variant, row["retrieval"][name]["mean"], row["sts"]["mean"]]
        for name in inputs.ablation["sets"]
        for variant, row in inputs.ablation["rows"].items()
    ]


def _write(path: Path, header: Sequence[str], rows: list[list[Cell]]) -> None:
    write_csv(path, header, [[f"{cell:.6g}" if isinstance(cell, float) else cell for cell in row] for row in rows])
