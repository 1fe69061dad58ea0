"""The loop: sentence-transformers' trainer with our batches, gradient cache and losses in place of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from transformers import PrinterCallback

from src.errors import UserError
from src.training.dataset import Rows, Tokens
from src.training.encoding import GradientCache, MiniBatch, mini_batches
from src.training.losses import CoSent, LossAndGradients, Ranking
from src.training.record import Record
from src.training.sampler import BatchPlan

Batch = dict[str, Any]


class BatchSource(Dataset[Batch]):
    """Row numbers to a batch on the CPU: mini-batches of tokens, and what the loss needs beside the vectors."""

    def __init__(self, rows: Rows, tokens: Tokens, budget: int, mask_same_text: bool) -> None:
        self.rows, self.tokens, self.budget, self.mask_same_text = rows, tokens, budget, mask_same_text

    def __len__(self) -> int:
        return len(self.rows)

    def __getitems__(self, numbers: list[int]) -> Batch:
        picked = np.asarray(numbers)
        ids = self.rows.ids[picked]
        batch: Batch = {"rows": picked, "mini_batches": mini_batches(self.tokens, ids.T.ravel(), self.budget)}
        if self.rows.ratings is not None:
            batch["ratings"] = torch.from_numpy(self.rows.ratings[picked])
        elif self.mask_same_text:
            batch["ignored"] = torch.from_numpy(same_text(ids))
        return batch


def same_text(ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Documents that are no negatives of a query, since their text is its positive or answers the same query.

    Args:
        ids: (B, columns) numbers of texts; column 0 queries, column 1 positives, then negatives.

    Returns:
        (B, B · (columns - 1)) bool; False at a query's own positive.
    """
    documents = ids[:, 1:].T.ravel()
    same = documents[None, :] == ids[:, 1, None]
    same[:, : len(ids)] |= ids[:, 0, None] == ids[None, :, 0]
    np.fill_diagonal(same[:, : len(ids)], False)
    return same


class EncoderTrainer(SentenceTransformerTrainer):
    """Trains on a plan of batches; the loss sees the whole batch, the encoder sees mini-batches."""

    def __init__(
        self,
        model: SentenceTransformer,
        args: SentenceTransformerTrainingArguments,
        *,
        objective: Ranking | CoSent,
        source: BatchSource,
        plan: BatchPlan,
        record: Record,
        keep_tokens: int,
    ) -> None:
        super().__init__(model=model, args=args, loss=nn.Identity())
        self.remove_callback(PrinterCallback)  # the record shows progress
        self.objective: Ranking | CoSent = objective
        self.source, self.plan, self.record = source, plan, record
        self.cache = GradientCache(self._encode, keep_tokens, self.compute_loss_context_manager)

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """No model card: it would carry times and samples of the data."""

    def get_train_dataloader(self) -> DataLoader[Batch]:
        """Batches in the plan's order."""
        return DataLoader(self.source, batch_sampler=_Lists(self.plan), collate_fn=_as_it_is)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Each step's loss, learning rate and gradient norm go to the record."""
        self.record.add(self.state.global_step, logs)
        super().log(logs, start_time)

    def training_step(self, model: nn.Module, inputs: Batch, num_items_in_batch: Any = None) -> Tensor:  # noqa: ARG002
        """Gradients of one batch; returns its loss."""
        model.train()
        batches = [self._to_device(batch) for batch in inputs["mini_batches"]]
        vectors = self.cache.forward(batches)
        result, gradient = self._loss(vectors, inputs)
        if not torch.isfinite(result.loss):
            raise UserError(self._stopped("loss", float(result.loss), inputs))
        self.cache.backward(batches, gradient)
        return result.loss

    def _loss(self, vectors: Tensor, inputs: Batch) -> tuple[LossAndGradients, Tensor]:
        """The loss, and its gradient at `vectors`, whose rows are the batch's columns one after another."""
        count = len(inputs["rows"])
        first, others = vectors[:count], vectors[count:]
        if isinstance(self.objective, CoSent):
            result = self.objective(first, others, inputs["ratings"].to(vectors.device))
        else:
            ignored = inputs.get("ignored")
            result = self.objective(first, others, None if ignored is None else ignored.to(vectors.device))
        return result, torch.cat(result.gradients)

    def _encode(self, ids: Tensor, mask: Tensor) -> Tensor:
        return self.model({"input_ids": ids, "attention_mask": mask})["sentence_embedding"]

    def _to_device(self, batch: MiniBatch) -> MiniBatch:
        device = self.args.device
        ids, mask = batch.ids.to(device, non_blocking=True), batch.mask.to(device, non_blocking=True)
        return MiniBatch(batch.places, ids, mask)

    def _stopped(self, what: str, value: float, inputs: Batch) -> str:
        rows = ", ".join(str(row + 1) for row in inputs["rows"][:8])
        return (
            f"training stopped at step {self.state.global_step + 1}: the {what} is {value}; lower the learning rate, "
            f"or look at the batch: rows {rows}{', …' if len(inputs['rows']) > 8 else ''} of {self.source.rows.path}"
        )


class _Lists:
    """A plan as a batch sampler: lists of row numbers."""

    def __init__(self, plan: BatchPlan) -> None:
        self.plan = plan

    def __len__(self) -> int:
        return len(self.plan)

    def __iter__(self) -> Any:
        return (batch.tolist() for batch in self.plan)


def _as_it_is(batch: Any) -> Any:
    return batch
