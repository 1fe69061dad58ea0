"""Training of the late-interaction baseline with sentence-transformers' own loss and trainer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from datasets import Dataset
from sentence_transformers import MultiVectorEncoder, MultiVectorEncoderTrainer, MultiVectorEncoderTrainingArguments
from sentence_transformers.multi_vector_encoder.losses import MultiVectorMultipleNegativesRankingLoss
from torch.utils.data import BatchSampler
from transformers import PrinterCallback

from src.errors import UserError
from src.model.prompts import Prompts
from src.training import stock
from src.training.dataset import RANKED, Rows, read_rows
from src.training.record import Curve, Record
from src.training.sampler import BatchPlan
from src.training.stock import OwnTrainer

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from src.params.schema import ColbertParams, RuntimeParams

# Queries scored against the batch's documents at once: their token-by-token table stays in the processor's cache.
_SCORED_AT_ONCE = 8


def from_dense(encoder: SentenceTransformer, dim: int) -> MultiVectorEncoder:
    """The encoder's transformer with a new projection of each token to `dim` values, at unit length.

    Neither query expansion nor marker tokens: the tokenizer of a small base has none of them.
    """
    from sentence_transformers.base.modules import Normalize
    from sentence_transformers.base.modules.dense import Dense
    from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask

    tokens = "token_embeddings"
    projection = Dense(
        in_features=encoder.get_embedding_dimension() or 0,
        out_features=dim,
        bias=False,
        activation_function=torch.nn.Identity(),
        module_input_name=tokens,
    )
    modules = [encoder[0], projection, MultiVectorMask(), Normalize(module_input_name=tokens)]
    return MultiVectorEncoder(modules=modules, device=str(encoder.device))


def read_pairs(path: Path, batch_size: int) -> Rows:
    """The rows of a training file as the dense retrieval stage reads them, negatives included, without prompts.

    Raises:
        UserError: a row lacks a text, or there are fewer rows than a batch holds.
    """
    rows = read_rows(path, RANKED, Prompts())
    if len(rows) < batch_size:
        raise UserError(f"colbert.batch_size: {batch_size} is more than the {len(rows)} rows of {path}")
    return rows


class Batches(BatchSampler):
    """A plan's batches (src/training/sampler.py), all epochs of it, as the stock trainer takes them."""

    def __init__(self, plan: BatchPlan, batch_size: int) -> None:
        super().__init__(range(len(plan)), batch_size, drop_last=False)
        self.plan = plan

    def __len__(self) -> int:
        return len(self.plan)

    def __iter__(self) -> Iterator[list[int]]:
        return (batch.tolist() for batch in self.plan)


class ColbertTrainer(OwnTrainer, MultiVectorEncoderTrainer):
    """The stock trainer with our batches and our record of the curve."""

    record: Record
    plan: BatchPlan

    def get_batch_sampler(self, *_: Any, **__: Any) -> Batches:
        """The plan's batches."""
        return Batches(self.plan, self.args.per_device_train_batch_size)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Each step's loss, learning rate and gradient norm go to the record."""
        self.record.add(self.state.global_step, logs)
        super().log(logs, start_time)
        if not math.isfinite(logs.get("loss", 0.0)):
            step = self.state.global_step
            raise UserError(f"colbert: the loss at step {step} is {logs['loss']}; lower colbert.learning_rate")


def fit(
    model: MultiVectorEncoder,
    rows: Rows,
    params: ColbertParams,
    runtime: RuntimeParams,
    *,
    epochs: float,
    seed: int,
) -> Curve:
    """Train `model` in place on in-batch negatives and those of the rows (MaxSim, cross-entropy); returns the curve.

    Batches are those of the dense stages: no text stands twice, since it would be a false negative of itself.
    """
    plan = BatchPlan(rows.same, params.batch_size, epochs, seed)
    settings = stock.arguments(params, runtime, seed, len(plan))
    arguments = MultiVectorEncoderTrainingArguments(**settings, save_strategy="no")
    loss = MultiVectorMultipleNegativesRankingLoss(model, score_mini_batch_size=_SCORED_AT_ONCE)
    columns = {name: [rows.texts[text] for text in rows.ids[:, number]] for number, name in enumerate(rows.columns)}
    trainer = ColbertTrainer(model=model, args=arguments, train_dataset=Dataset.from_dict(columns), loss=loss)
    trainer.plan = plan
    trainer.remove_callback(PrinterCallback)
    trainer.record = Record("colbert", len(plan), plan.steps_per_epoch)
    with closing(trainer.record):
        trainer.train()
    return trainer.record.points
