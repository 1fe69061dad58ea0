"""From row numbers to what a training step takes: mini-batches of tokens, and what the loss needs beside vectors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from src.training.dataset import Rows, Tokens
from src.training.distributed import own_places
from src.training.encoding import MiniBatch, mini_batches
from src.training.relevance import Relevance
from src.training.sampler import BatchPlan

if TYPE_CHECKING:
    from src.training.rehearsal import MixedPlan


@dataclass
class Batch:
    """One optimizer step's rows.

    Attributes:
        rows: numbers of the rows, (B,).
        columns: texts a row.
        places: where this process's texts stand among the B · columns of the batch, column after column.
        mini_batches: this process's texts, cut by `budget` tokens.
        ratings: (B,) float32 of rated pairs.
        ignored: (B, documents) bool, documents that are no negatives.
        before: (B · columns, D) float32, the texts' vectors by the model before, where they are to be held to.
        task: which of several losses the rows are for.
    """

    rows: NDArray[np.int64]
    columns: int
    places: Tensor
    mini_batches: list[MiniBatch]
    budget: int
    ratings: Tensor | None
    ignored: Tensor | None
    before: Tensor | None = None
    task: int = 0

    @property
    def texts(self) -> int:
        """Texts of the whole batch."""
        return len(self.rows) * self.columns

    def __contains__(self, key: object) -> bool:
        """The trainer asks for `labels`, to scale losses by tokens; there are none."""
        return False


class BatchSource(Dataset[Batch]):
    """The rows as torch's DataLoader takes them: a list of row numbers gives a whole batch."""

    def __init__(self, rows: Rows, tokens: Tokens, budget: int, mask_relevant: bool) -> None:
        """`budget`: tokens of a mini-batch; `mask_relevant`: find the documents that are known to be no negatives."""
        self.rows, self.tokens, self.budget = rows, tokens, budget
        self.relevance = Relevance(rows.relevant) if mask_relevant else None
        self.before: NDArray[np.float32] | None = None  # (texts, D) of the model before, where they are to be held to

    def __len__(self) -> int:
        return len(self.rows)

    def __getitems__(self, numbers: list[int]) -> Batch:
        return self.batch(np.asarray(numbers), self.budget)

    def batch(self, rows: NDArray[np.int64], budget: int) -> Batch:
        """The batch of these rows, cut by `budget` tokens."""
        ids = self.rows.ids[rows]
        columns = ids.shape[1]
        own = own_places(len(rows))
        ratings = self.rows.ratings
        return Batch(
            rows=rows,
            columns=columns,
            places=torch.from_numpy(np.concatenate([own + column * len(rows) for column in range(columns)])),
            mini_batches=mini_batches(self.tokens, ids[own].T.ravel(), budget),
            budget=budget,
            ratings=None if ratings is None else torch.from_numpy(ratings[rows]),
            ignored=None if self.relevance is None else torch.from_numpy(self.relevance.ignored(self.rows.same[rows])),
            before=None if self.before is None else torch.from_numpy(self.before[ids.T.ravel()]),
        )

    def again(self, batch: Batch) -> Batch:
        """The same rows, cut by the budget as it is now."""
        return self.batch(batch.rows, self.budget)

    def path_of(self, batch: Batch) -> str:  # noqa: ARG002
        """The file of a batch's rows, for messages."""
        return str(self.rows.path)


class PlanSampler:
    """A plan of batches as torch's batch sampler: lists of row numbers."""

    def __init__(self, plan: BatchPlan | MixedPlan) -> None:
        self.plan = plan

    def __len__(self) -> int:
        return len(self.plan)

    def __iter__(self) -> Iterator[list[int]]:
        return (batch.tolist() for batch in self.plan)
