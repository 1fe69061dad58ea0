"""What of the data training does not see: texts that are cut, rows that fit no batch."""

from __future__ import annotations

import sys

import numpy as np

from src.params.schema import StageParams
from src.training.distributed import world
from src.training.speed import SpeedLog
from src.training.tasks import Task


def report_unseen(name: str, stage: StageParams, task: Task, left_out: int, speed: SpeedLog) -> None:
    """Log it; the first process prints it too, in a line each. `left_out`: rows of an epoch in no batch."""
    texts, cut = len(task.rows.texts), len(task.tokens.cut)
    speed.say(rows=len(task.rows), texts=texts, texts_cut=cut, rows_left_out=left_out)
    if world()[0] != 0:
        return
    if cut:
        print(
            f"{name}: {cut} of {texts} texts are longer than max_length {stage.max_length} and are cut: "
            + ", ".join(cut_by_column(task)),
            file=sys.stderr,
        )
    if left_out > 1:
        print(
            f"{name}: {left_out} rows are left out of each epoch, since their texts stand in every batch; "
            "a smaller batch_size or false_negatives: mask takes them in",
            file=sys.stderr,
        )


def cut_by_column(task: Task) -> list[str]:
    """`anchor 0 of 2,000`: how many of the different texts of each column are cut."""
    texts = [np.unique(column) for column in task.rows.ids.T]
    cut = [np.isin(numbers, task.tokens.cut).sum() for numbers in texts]
    named = zip(task.rows.columns, cut, texts, strict=True)
    return [f"{column} {count:,} of {len(numbers):,}" for column, count, numbers in named]
