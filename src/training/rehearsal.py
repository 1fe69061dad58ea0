"""Rehearsal: some batches of a step come from the steps before, so that what those taught is not forgotten.

A share of the optimizer steps trains on rated pairs or triplets instead of retrieval pairs, each with its own loss.
Number of steps and pairs in a batch stay the same, so a run with rehearsal sees as many pairs as one without.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from src.training.batches import Batch, BatchSource
from src.training.sampler import BatchPlan, epoch_batches

if TYPE_CHECKING:
    from src.params.schema import StepParams
    from src.training.dataset import Rows

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Rehearsed:
    """The rows of an earlier step, and how it trained on them."""

    rows: Rows
    step: StepParams

    def batches(self, size: int, seed: int) -> Iterator[Numbers]:
        """Batches of `size` rows (all of them where there are fewer), epoch after epoch, without an end."""
        competing = self.step.loss == "mnrl"
        ids = self.rows.same if competing else np.arange(len(self.rows))[:, None]
        masked = self.step.false_negatives != "keep"
        for epoch in count():
            batches = epoch_batches(ids, min(size, len(ids)), seed, epoch, masked)
            whole = [batch for batch in batches if 2 * len(batch) > size]  # no small rest
            yield from whole or batches


class MixedPlan:
    """A plan with some of its batches replaced by rehearsed ones, evenly spread; sets take turns."""

    def __init__(
        self, plan: BatchPlan, rows: int, rehearsed: Sequence[Rehearsed], *, share: float, size: int, seed: int
    ) -> None:
        """`rows`: of the plan's own set; `share`: of the steps; `size`: rows of a rehearsed batch."""
        self.plan, self.rows, self.rehearsed = plan, rows, rehearsed
        self.share, self.size, self.seed = share, size, seed
        self.steps, self.steps_per_epoch = plan.steps, plan.steps_per_epoch

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[Numbers]:
        """Row numbers; those of the n-th rehearsed set follow on the rows of all sets before it."""
        sizes = [self.rows, *(len(item.rows) for item in self.rehearsed)]
        offsets = np.cumsum(sizes)[:-1].tolist()
        others = [item.batches(self.size, self.seed) for item in self.rehearsed]
        own, turn = iter(self.plan), 0
        for step in range(self.steps):
            if math.floor((step + 1) * self.share) == math.floor(step * self.share):
                yield next(own)
                continue
            which = turn % len(others)
            turn += 1
            yield next(others[which]) + offsets[which]

    def left_out(self) -> int:
        """Rows of the plan's own first epoch that found no batch free of their texts."""
        return self.plan.left_out()


class MixedSource(Dataset[Batch]):
    """Several sources as one: rows are numbered through, and a batch holds rows of one source, its `task`."""

    def __init__(self, sources: Sequence[BatchSource]) -> None:
        self.sources = sources
        self.starts = np.concatenate([[0], np.cumsum([len(source) for source in sources])])

    @property
    def budget(self) -> int:
        """Tokens of a mini-batch."""
        return self.sources[0].budget

    @budget.setter
    def budget(self, tokens: int) -> None:
        for source in self.sources:
            source.budget = tokens

    def __len__(self) -> int:
        return int(self.starts[-1])

    def __getitems__(self, numbers: list[int]) -> Batch:
        task = int(np.searchsorted(self.starts, numbers[0], side="right")) - 1
        batch = self.sources[task].batch(np.asarray(numbers) - self.starts[task], self.budget)
        return replace(batch, task=task)

    def again(self, batch: Batch) -> Batch:
        """The same rows, cut anew."""
        return replace(self.sources[batch.task].again(batch), task=batch.task)

    def path_of(self, batch: Batch) -> str:
        """The file of a batch's rows, for messages."""
        return self.sources[batch.task].path_of(batch)
