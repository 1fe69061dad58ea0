"""Are the data there that params name? Checked before anything runs, so that all that is missing stands in one line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from src.data.columns import KINDS
from src.data.hub_descriptor import is_hub_set
from src.data.readers import find_split
from src.errors import UserError

if TYPE_CHECKING:
    from src.params import Params

# Splits without which a run cannot be finished: similarity is measured on the test split of `sts`.
REQUIRED = {"text": ("train",), "nli": ("train",), "sts": ("train", "test"), "retrieval": ("train",)}
EVALUATION = ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv")


def check_data(params: Params) -> None:
    """Raises UserError that lists every missing folder and file of params, and what may be missing."""
    written = tuple(f"data/{name}/" for name in params.synthesize.into)  # by stage `synthesize`
    missing: list[str] = []
    for name in KINDS:
        path = getattr(params.data, name).path
        if not path.startswith(written) and not is_hub_set(Path(path)):
            missing += missing_splits(Path(path), name)
    for name, item in params.eval.sets.items():
        if not item.path.startswith(written) and not is_hub_set(Path(item.path)):
            missing += missing_evaluation(Path(item.path), name, Path(params.eval.path))
    if missing:
        raise UserError(
            f"missing: {'; '.join(missing)}. Optional: dev splits (train gives its own where dev_rows is above 0), "
            "source.json. docs/data.md has the layout"
        )


def missing_splits(folder: Path, name: str) -> list[str]:
    """What a training set lacks."""
    columns = f"columns {', '.join((*KINDS[name].required, *filter(None, [KINDS[name].score])))}"
    absent = [split for split in REQUIRED[name] if not (folder.is_dir() and find_split(folder, split, required=False))]
    return [f"{folder}/{split} (.jsonl, .csv, .tsv or .parquet; {columns})" for split in absent]


def missing_evaluation(folder: Path, name: str, around: Path) -> list[str]:
    """What an evaluation set lacks; where its folder is not there, which ones are."""
    if not folder.is_dir():
        others = sorted(path.name for path in around.iterdir() if path.is_dir()) if around.is_dir() else []
        return [f"{folder} (eval.sets names {name}; {around} holds {', '.join(others) or 'nothing'})"]
    return [f"{folder / file}" for file in EVALUATION if not (folder / file).is_file()]
