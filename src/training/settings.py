"""A step's params as the loss and as the trainer's arguments."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformerTrainingArguments

    from src.params.schema import RuntimeParams, StepParams
    from src.training.losses import CoSent, Ranking


def objective(step: StepParams) -> Ranking | CoSent:
    """The loss that params describe."""
    from src.training.losses import CoSent, Matryoshka, Ranking

    matryoshka = Matryoshka.of(step.dims, step.dim_weights)
    if step.loss == "cosent":
        return CoSent(matryoshka, step.temperature)
    margin = step.false_negatives if isinstance(step.false_negatives, float) else None
    return Ranking(matryoshka, step.temperature, step.symmetric, margin)


def arguments(step: StepParams, runtime: RuntimeParams, seed: int, steps: int) -> SentenceTransformerTrainingArguments:
    """The trainer's arguments for a step of so many optimizer steps.

    Raises:
        UserError: params ask for a GPU and there is none.
    """
    from sentence_transformers import SentenceTransformerTrainingArguments

    from src.runtime import device

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
        use_cpu=device(runtime).type == "cpu",
        seed=seed,
        logging_steps=1,
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        save_steps=step.checkpoint_steps,
        report_to=[],
    )
