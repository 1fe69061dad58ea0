"""A stage's params as the trainer's arguments, and what it does against forgetting."""

from __future__ import annotations

import math

from sentence_transformers import SentenceTransformerTrainingArguments

from src.params.schema import AntiForgettingParams, RuntimeParams, StageParams, TrainParams
from src.runtime import device

_NONE = AntiForgettingParams(replay_share=0.0, replay_sets=["sts"], distillation_weight=0.0, interpolation=1.0)


def anti_forgetting(stage: StageParams) -> AntiForgettingParams:
    """What the stage adds to the paper's recipe against forgetting."""
    return stage.anti_forgetting if isinstance(stage, TrainParams) else _NONE


def arguments(
    stage: StageParams, runtime: RuntimeParams, seed: int, steps: int
) -> SentenceTransformerTrainingArguments:
    """The trainer's arguments for a stage of so many optimizer steps.

    Raises:
        UserError: params ask for a GPU and there is none.
    """
    return SentenceTransformerTrainingArguments(
        output_dir="logs/trainer",  # nothing is written there
        num_train_epochs=1,  # the plan holds all epochs
        per_device_train_batch_size=stage.batch_size,
        learning_rate=stage.learning_rate,
        lr_scheduler_type="constant_with_warmup" if stage.schedule == "constant" else stage.schedule,
        warmup_steps=math.ceil(stage.warmup_ratio * steps),
        weight_decay=stage.weight_decay,
        optim="adamw_torch_fused",
        max_grad_norm=1.0,
        bf16=runtime.precision == "bf16",
        use_cpu=device(runtime).type == "cpu",
        seed=seed,
        logging_steps=1,
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        save_steps=stage.checkpoint_steps,
        report_to=[],
    )
