"""One step of the recipe from files to files: what `python -m src.train` and the ablations call."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from src.errors import UserError
from src.files import fresh_dir

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformerTrainingArguments

    from src.params.schema import RuntimeParams, StepParams
    from src.training.dataset import Rows
    from src.training.losses import CoSent, Ranking


@dataclass(frozen=True)
class StepFiles:
    """Where a step reads and writes."""

    name: str  # of the step, for messages and the progress bar
    data: Path  # JSON lines
    model_in: Path  # sentence-transformers folders
    model_out: Path
    curve: Path  # CSV
    log: Path  # JSON lines: speed and memory, not for git


def train_step(files: StepFiles, step: StepParams, runtime: RuntimeParams, seed: int) -> None:
    """Train the model in `files.model_in` on `files.data`; write the trained model and its curve.

    Raises:
        UserError: the data, the model and the params do not fit each other, or the loss is no number any more.
    """
    from src.runtime import device, seed_everything, use_threads
    from src.training.dataset import read_rows, tokenise
    from src.training.encoder import fit, load_encoder
    from src.training.record import Record
    from src.training.sampler import BatchPlan
    from src.training.trainer import BatchSource, EncoderTrainer

    rows = read_rows(files.data, step.loss)
    check_batch(files.name, step, rows)
    use_threads(runtime)
    seed_everything(seed)
    model = load_encoder(files.model_in, device(runtime))
    fit(model, step, files.name)
    tokens = tokenise(model.tokenizer, rows.texts, step.max_length)
    plan = BatchPlan(rows.ids, step.batch_size, step.epochs, seed, distinct=step.loss == "mnrl")
    budget = 8192 if step.mini_batch_tokens == "auto" else step.mini_batch_tokens
    record = Record(files.name, plan.steps, plan.steps_per_epoch)
    trainer = EncoderTrainer(
        model,
        arguments(step, runtime, seed, plan.steps),
        objective=objective(step),
        source=BatchSource(rows, tokens, budget, mask_same_text=step.false_negatives == "mask"),
        plan=plan,
        record=record,
        keep_tokens=65536,
    )
    trainer.train()
    with fresh_dir(files.model_out) as folder:
        model.save_pretrained(str(folder), create_model_card=False, safe_serialization=True)
    record.write(files.curve)


def check_batch(name: str, step: StepParams, rows: Rows) -> None:
    """Refuse a batch that is larger than the data.

    Raises:
        UserError: one line that names the key, its value and what the data allow.
    """
    if step.batch_size > len(rows):
        raise UserError(
            f"{name}: batch_size {step.batch_size} is larger than the {len(rows)} rows of {rows.path}; lower it"
        )


def objective(step: StepParams) -> Ranking | CoSent:
    """The loss that params describe."""
    from src.training.losses import CoSent, Matryoshka, Ranking

    matryoshka = Matryoshka.of(step.dims, step.dim_weights)
    if step.loss == "cosent":
        return CoSent(matryoshka, step.temperature)
    margin = step.false_negatives if isinstance(step.false_negatives, float) else None
    return Ranking(matryoshka, step.temperature, step.symmetric, margin)


def arguments(step: StepParams, runtime: RuntimeParams, seed: int, steps: int) -> SentenceTransformerTrainingArguments:
    """The trainer's arguments for a step of so many optimizer steps."""
    from sentence_transformers import SentenceTransformerTrainingArguments

    return SentenceTransformerTrainingArguments(
        output_dir="logs/trainer",  # nothing is written there
        num_train_epochs=1,  # the plan holds all epochs
        per_device_train_batch_size=step.batch_size,
        learning_rate=step.learning_rate,
        lr_scheduler_type="constant_with_warmup" if step.schedule == "constant" else step.schedule,
        warmup_steps=math.ceil(step.warmup_ratio * steps),
        weight_decay=step.weight_decay,
        optim="adamw_torch_fused",
        max_grad_norm=1.0,
        bf16=runtime.precision == "bf16",
        use_cpu=runtime.device == "cpu",
        seed=seed,
        logging_steps=1,
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        save_strategy="no",
        report_to=[],
    )
