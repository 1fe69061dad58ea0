"""The loop: sentence-transformers' trainer with our batches, gradients and checkpoints in place of its own.

Why the trainer and not a loop of our own: optimizer, schedule, clipping, autocast, processes and the callbacks that
users know come with it, and once texts are tokenised ahead and logging is one line, it costs a step next to nothing
(`python -m bench.train_step` measures the whole against the stock trainer).
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from typing import Any

import torch
from safetensors.torch import load_file
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from torch import Tensor, nn
from torch.utils.data import DataLoader, default_convert
from transformers import PrinterCallback

from src.errors import UserError
from src.params.schema import RuntimeParams, StageParams
from src.training import checkpoints, stock
from src.training.checkpoints import Checkpoints
from src.training.dev import BestOnDev
from src.training.distributed import world
from src.training.record import Record
from src.training.speed import SpeedLog
from src.training.step import CachedStep
from src.training.stock import OwnTrainer
from src.training.tasks import Batch, RunPlan, TaskBatches


class EncoderTrainer(OwnTrainer, SentenceTransformerTrainer):
    """Trains on a plan of batches; the loss sees the whole batch, the encoder sees mini-batches."""

    def __init__(
        self,
        model: SentenceTransformer,
        args: SentenceTransformerTrainingArguments,
        name: str,
        batches: TaskBatches,
        plan: RunPlan,
        *,
        speed: SpeedLog,
        saved: Checkpoints,
        best: BestOnDev,
    ) -> None:
        """`name`: of the stage, for messages; `saved`: its checkpoints; `best`: the weights of the lowest dev loss."""
        # The optimizer takes the parameters of the trainer's loss, so the loss must hold the model.
        super().__init__(model=model, args=args, loss=nn.Sequential(model))
        self.remove_callback(PrinterCallback)  # the record shows progress
        self.batches, self.plan, self.speed, self.saved, self.best = batches, plan, speed, saved, best
        self.record = Record(name, plan.steps, plan.steps_per_epoch, quiet=world()[0] != 0)
        self.step = CachedStep(model, batches, autocast=self.compute_loss_context_manager, log=speed.write)
        self.last_batch: Batch | None = None

    def fit(self) -> None:
        """Train to the end, from the last whole checkpoint where there is one."""
        last = self.saved.latest()
        if last is not None:
            state = checkpoints.load_state(last)
            self.record.points, self.best.measured = state["points"], state["dev"]
            self.best.weights = load_file(last / "best.safetensors")
        with closing(self.record):
            self.train(resume_from_checkpoint=None if last is None else str(last))
        self.best.restore(self.model)

    def training_step(self, model: nn.Module, inputs: Any, num_items_in_batch: Any = None) -> Tensor:  # noqa: ARG002
        """Gradients of one Batch; returns its loss.

        Raises:
            UserError: the loss is no finite number, or memory does not hold a single text.
        """
        self.last_batch = inputs
        self.speed.begin()
        try:
            return self.step.run(inputs)
        except FloatingPointError as error:
            raise UserError(self._stopped(str(error))) from error

    def _clip_grad_norm(self, model: nn.Module) -> Any:
        norm = super()._clip_grad_norm(model)
        if not torch.isfinite(torch.as_tensor(norm)):
            raise UserError(self._stopped(f"the gradient's norm is {float(norm)}"))
        return norm

    def _stopped(self, why: str) -> str:
        assert self.last_batch is not None
        rows, path = self.last_batch.rows, self.batches.tasks[self.last_batch.task].rows.path
        shown = ", ".join(str(row + 1) for row in rows[:8]) + (", …" if len(rows) > 8 else "")
        return (
            f"{self.record.name}: stopped at step {self.state.global_step + 1}: {why}; lower learning_rate, "
            f"or look at rows {shown} of {path}"
        )

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Each step's loss, learning rate and gradient norm go to the record, its speed to the log."""
        if "grad_norm" in logs and self.last_batch is not None:
            self.record.add(self.state.global_step, logs)
            self.speed.step(self.state.global_step, self.last_batch, self.step.cache.kept)
            if self.best.is_due(self.state.global_step, self.state.max_steps):
                self.best.measure(self.state.global_step, self.model, self.step.evaluate)
        super().log(logs, start_time)

    def get_train_dataloader(self) -> DataLoader[Batch]:
        """Batches in the plan's order; for a GPU, a second process makes them ready while it computes.

        Not with kept states of frozen layers: they are too large for the memory that processes share.
        """
        # default_convert leaves a Batch as it is.
        workers = 1 if self.args.device.type == "cuda" and self.batches.tasks[0].tokens.states is None else 0
        plan: Any = self.plan  # torch types a batch sampler's batches as lists
        return DataLoader(self.batches, batch_sampler=plan, collate_fn=default_convert, num_workers=workers)

    # The trainer's own checkpoints are pickles; these four take their place.

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:  # noqa: ARG002
        if self.state.global_step == self.state.max_steps:
            return  # the model itself is written next
        self.state.log_history = []  # the record has it
        files = {
            "state.json": {
                "points": self.record.points,
                "dev": self.best.measured,
                "schedule": self.lr_scheduler.state_dict(),
            },
            "trainer_state.json": asdict(self.state),
        }
        self.saved.save(self.state.global_step, self.model, self.optimizer, files, self.best.weights)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:  # noqa: ARG002
        checkpoints.load_model(resume_from_checkpoint, self.model)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            checkpoints.load_optimizer(checkpoint, self.optimizer)
            self.lr_scheduler.load_state_dict(checkpoints.load_state(checkpoint)["schedule"])

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            checkpoints.load_rng(checkpoint)


def arguments(
    stage: StageParams, runtime: RuntimeParams, seed: int, steps: int
) -> SentenceTransformerTrainingArguments:
    """The trainer's arguments for a stage of so many optimizer steps. Raises UserError as `stock.arguments` does."""
    return SentenceTransformerTrainingArguments(
        **stock.arguments(stage, runtime, seed, steps),
        lr_scheduler_type="constant_with_warmup" if stage.schedule == "constant" else stage.schedule,
        weight_decay=stage.weight_decay,
        optim="adamw_torch_fused",
        max_grad_norm=1.0,
        save_steps=stage.checkpoint_steps,
    )
