"""Texts that are cut and rows that are in no batch."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np

from src.params.schema import StageParams
from src.training.distributed import world
from src.training.speed import SpeedLog
from src.training.tasks import Task


def report_unseen(name: str, stage: StageParams, task: Task, left_out: int, speed: SpeedLog) -> None:
    """Log it; the first process prints it too, in a line each. `left_out`: rows of an epoch in no batch."""
    texts, cut = len(task.rows.texts), len(task.tokens.cut)
    speed.write(rows=len(task.rows), texts=texts, texts_cut=cut, rows_left_out=left_out)
    lines = []
    if cut:
        limit = f"max_length {stage.max_length}"
        lines.append(f"{cut} of {texts} texts are longer than {limit} and are cut: {', '.join(cut_by_column(task))}")
    if left_out > 1:
        lines.append(
            f"{left_out} rows are left out of each epoch, since their texts stand in every batch; "
            "a smaller batch_size or false_negatives: mask takes them in"
        )
    for line in lines if world()[0] == 0 else ():
        print(f"{name}: {line}", file=sys.stderr)


def cut_by_column(task: Task) -> Iterator[str]:
    """`anchor 0 of 2,000`: how many of the different texts of each column are cut."""
    for column, ids in zip(task.rows.columns, task.rows.ids.T, strict=True):
        texts = np.unique(ids)
        yield f"{column} {np.isin(texts, task.tokens.cut).sum():,} of {len(texts):,}"
