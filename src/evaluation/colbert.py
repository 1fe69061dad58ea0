"""Training of the late-interaction baseline with sentence-transformers' own loss and trainer."""

from __future__ import annotations

import math
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from sentence_transformers import MultiVectorEncoder, MultiVectorEncoderTrainer, MultiVectorEncoderTrainingArguments
from sentence_transformers.base.sampler import BatchSamplers
from sentence_transformers.multi_vector_encoder.losses import MultiVectorMultipleNegativesRankingLoss
from transformers import PrinterCallback

from src.errors import UserError
from src.files import read_jsonl
from src.runtime import device
from src.training.record import Record
from src.training.schedule import OwnSchedule

if TYPE_CHECKING:
    from datasets import Dataset
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


def read_pairs(path: Path, batch_size: int) -> Dataset:
    """Anchor and positive of a training file.

    Raises:
        UserError: a row lacks a column, or there are fewer rows than a batch holds.
    """
    from datasets import Dataset

    columns: dict[str, list[str]] = {"anchor": [], "positive": []}
    for number, row in enumerate(read_jsonl(path), 1):
        for name, values in columns.items():
            if not isinstance(row.get(name), str):
                raise UserError(f"{path}:{number}: expected a text in `{name}`")
            values.append(row[name])
    if len(columns["anchor"]) < batch_size:
        raise UserError(f"colbert.batch_size: {batch_size} is more than the {len(columns['anchor'])} rows of {path}")
    return Dataset.from_dict(columns)


class ColbertTrainer(OwnSchedule, MultiVectorEncoderTrainer):
    """The stock trainer with our record of the curve and no model card, which would carry times."""

    record: Record

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """None."""

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Each step's loss, learning rate and gradient norm go to the record."""
        self.record.add(self.state.global_step, logs)
        super().log(logs, start_time)
        if not math.isfinite(logs.get("loss", 0.0)):
            step = self.state.global_step
            raise UserError(f"colbert: the loss at step {step} is {logs['loss']}; lower colbert.learning_rate")


def fit(
    model: MultiVectorEncoder, pairs: Dataset, params: ColbertParams, runtime: RuntimeParams, *, seed: int, output: str
) -> Record:
    """Train `model` in place on in-batch negatives (MaxSim, cross-entropy); returns the curve.

    Batches hold no text twice, since it would be a false negative of itself.
    """
    steps_per_epoch = len(pairs) // params.batch_size
    arguments = MultiVectorEncoderTrainingArguments(
        output_dir=output,
        num_train_epochs=params.epochs,
        per_device_train_batch_size=params.batch_size,
        batch_sampler=BatchSamplers.NO_DUPLICATES,
        dataloader_drop_last=True,
        learning_rate=params.learning_rate,
        warmup_steps=math.ceil(params.warmup_ratio * params.epochs * steps_per_epoch),
        bf16=runtime.precision == "bf16",
        use_cpu=device(runtime).type == "cpu",  # also where `auto` finds no GPU: bf16 is refused otherwise
        seed=seed,
        logging_steps=1,
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        save_strategy="no",
        report_to=[],
    )
    loss = MultiVectorMultipleNegativesRankingLoss(model, score_mini_batch_size=_SCORED_AT_ONCE)
    trainer = ColbertTrainer(model=model, args=arguments, train_dataset=pairs, loss=loss)
    trainer.remove_callback(PrinterCallback)
    trainer.record = Record("colbert", math.ceil(params.epochs * steps_per_epoch), steps_per_epoch)
    with closing(trainer.record):
        trainer.train()
    return trainer.record
