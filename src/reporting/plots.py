"""The data of DVC's plots: the figures' numbers as CSV, so that `dvc plots diff` can lay two runs over each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from src.recipe import systems
from src.reporting import names
from src.reporting.inputs import Inputs
from src.reporting.retrieval_tables import MEASURES
from src.reporting.tables import Cell
from src.table_files import write_table

SHOWN = ("nDCG@10", "R@10", "R@100", "MRR@10", "P@1")


def write_all(inputs: Inputs, folder: Path) -> None:
    """Write models.csv, dimensions.csv, memory.csv, forgetting.csv and, where there are ablations, ablation.csv.

    Retrieval scores stand beside the protocol that they were measured under.
    dimensions.csv tells of the first set alone: DVC draws one line through all rows of a file.
    """
    evaluations = inputs.evaluations.items()
    models: list[list[Cell]] = [
        [model_label(row, name, inputs), name, names.protocol(evaluation), *(scores[measure] for measure in MEASURES)]
        for name, evaluation in evaluations
        for row, scores in evaluation["models"].items()
    ]
    _write(folder / "models.csv", ["model", "set", "protocol", *MEASURES], models)
    dims: list[list[Cell]] = [
        [
            inputs.main["set"],
            names.protocol(inputs.main),
            int(dim),
            found["bytes_per_document"],
            *(found[measure] for measure in SHOWN),
        ]
        for dim, found in inputs.main["matryoshka"].items()
    ]
    _write(folder / "dimensions.csv", ["set", "protocol", "dimensions", "bytes", *SHOWN], dims)
    memory: list[list[Cell]] = [
        [name, names.protocol(evaluation), form, int(dim), found["bytes_per_document"], found["nDCG@10"]]
        for name, evaluation in evaluations
        for dim, forms in evaluation["quantisation"].items()
        for form, found in forms.items()
    ]
    _write(folder / "memory.csv", ["set", "protocol", "form", "dimensions", "bytes", "nDCG@10"], memory)
    forgetting: list[list[Cell]] = [
        [int(dim), found["before"], found["after"]] for dim, found in inputs.sts["forgetting"]["dims"].items()
    ]
    _write(folder / "forgetting.csv", ["dimensions", "before", "after"], forgetting)


def model_label(row: str, set_name: str, inputs: Inputs) -> str:
    """The model, and the set where there are several, so that no two bars share a label."""
    return systems.label(row) if len(inputs.evaluations) == 1 else f"{systems.label(row)}, {set_name}"


def _write(path: Path, header: Sequence[str], rows: list[list[Cell]]) -> None:
    write_table(path, header, [[f"{cell:.6g}" if isinstance(cell, float) else cell for cell in row] for row in rows])
