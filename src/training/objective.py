"""What is minimised on a batch: a loss, and terms added to it; their arguments and results."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple, Self

import torch
from torch import Tensor

from src.params.schema import StageParams
from src.training.dataset import Columns
from src.training.sampler import BatchPlan, Ids


class LossAndGradients(NamedTuple):
    """A loss (float32 scalar) and its gradient at each embedding matrix, of the same shapes."""

    loss: Tensor
    gradients: tuple[Tensor, ...]


class Targets(NamedTuple):
    """What there is of a batch beside its texts' vectors.

    Attributes:
        rows: B, rows of the batch; its vectors are (columns · B, D), column after column.
        gold: (B,) float32 gold scores of scored pairs.
        ignored: (B, (columns - 1) · B) bool, documents that are no negatives of a query.
        teacher: (columns · B, D) float32, the texts' embeddings by a teacher.
    """

    rows: int
    gold: Tensor | None = None
    ignored: Tensor | None = None
    teacher: Tensor | None = None

    def to(self, device: torch.device) -> Targets:
        """The same on a device."""
        return Targets(self.rows, *(None if tensor is None else tensor.to(device) for tensor in self[1:]))


class Term(ABC):
    """A part of what is minimised on a batch."""

    @abstractmethod
    def of_batch(self, vectors: Tensor, targets: Targets) -> LossAndGradients:
        """The value at a batch's vectors and the gradients, which make up the vectors' one after another."""


class Loss(Term):
    """What a task is trained by: it says how its rows look and how its batches are drawn.

    A new loss is a subclass of this, with a line in `losses.LOSSES` and its name in the schema's `loss`.

    Attributes:
        columns: what it reads of a row.
        competing: the other texts of a batch are negatives, so that no text may stand in a batch twice.
        masks_relevant: known positives of a query are masked.
    """

    columns: ClassVar[Columns]
    competing: ClassVar[bool]
    masks_relevant: bool = False

    @classmethod
    @abstractmethod
    def of(cls, stage: StageParams) -> Self:
        """The loss that a stage's params describe."""

    def plan(self, texts: Ids, batch_size: int, epochs: float, seed: int) -> BatchPlan:
        """Batches of rows with these (rows, columns) numbers of texts."""
        return BatchPlan(texts, batch_size, epochs, seed, competing=self.competing, masked=self.masks_relevant)
