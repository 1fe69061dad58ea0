"""What our two trainers, of dense encoders and of late interaction, have in common over transformers' own."""

from __future__ import annotations

import math
from typing import Any

import torch

from src.params.schema import ColbertParams, RuntimeParams, StageParams
from src.runtime import device
from src.strict_json import JsonObject
from src.training.schedule import scheduler


class OwnTrainer:
    """A mixin for transformers' trainers: our schedule in place of `get_scheduler`'s, and no model card."""

    lr_scheduler: Any
    optimizer: Any
    args: Any

    def create_scheduler(self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None) -> Any:
        """The scheduler of the run, made once."""
        if self.lr_scheduler is None:
            kind = self.args.lr_scheduler_type.value.removesuffix("_with_warmup")
            warmup = self.args.get_warmup_steps(num_training_steps)
            self.lr_scheduler = scheduler(optimizer or self.optimizer, num_training_steps, warmup, kind)
            self._created_lr_scheduler = True
        return self.lr_scheduler

    def add_model_card_callback(self, default_args_dict: JsonObject) -> None:
        """No model card: it would carry times and samples of the data."""


def arguments(block: StageParams | ColbertParams, runtime: RuntimeParams, seed: int, steps: int) -> JsonObject:
    """Arguments of a trainer for so many optimizer steps.

    Raises:
        UserError: params ask for a GPU and there is none.
    """
    return {
        "output_dir": "logs/trainer",  # nothing is written there
        "num_train_epochs": 1,  # the plan holds all epochs
        "per_device_train_batch_size": block.batch_size,
        "learning_rate": block.learning_rate,
        "warmup_steps": math.ceil(block.warmup_ratio * steps),
        "bf16": runtime.precision == "bf16",
        "use_cpu": device(runtime).type == "cpu",  # also where `auto` finds no GPU: bf16 is refused otherwise
        "seed": seed,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "disable_tqdm": True,
        "report_to": [],
    }
