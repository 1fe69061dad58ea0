"""The loop: sentence-transformers' trainer with our batches, gradients and checkpoints in place of its own.

Why the trainer and not a loop of our own: optimizer, schedule, clipping, autocast, processes and the callbacks that
users know come with it, and once texts are tokenised ahead and logging is one line, it costs a step next to nothing
(`python -m bench.train_step` measures the whole against the stock trainer).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from typing import Any

import torch
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import PrinterCallback

from src.errors import UserError
from src.training import checkpoints
from src.training.batches import Batch, BatchSource, PlanSampler
from src.training.checkpoints import Checkpoints
from src.training.dev import BestOnDev
from src.training.encoder import compiled_layers
from src.training.first_token import first_token_only
from src.training.losses import CoSent, Ranking
from src.training.record import Record
from src.training.rehearsal import MixedPlan, MixedSource
from src.training.sampler import BatchPlan
from src.training.schedule import OwnSchedule
from src.training.similarity import KeptSimilarity
from src.training.speed import SpeedLog
from src.training.step import CachedStep


class EncoderTrainer(OwnSchedule, SentenceTransformerTrainer):
    """Trains on a plan of batches; the loss sees the whole batch, the encoder sees mini-batches."""

    def __init__(
        self,
        model: SentenceTransformer,
        args: SentenceTransformerTrainingArguments,
        *,
        objective: Ranking | CoSent,
        source: BatchSource | MixedSource,
        plan: BatchPlan | MixedPlan,
        record: Record,
        speed: SpeedLog,
        saved: Checkpoints,
        rehearsed: Sequence[Ranking | CoSent] = (),
        kept: KeptSimilarity | None = None,
        best: BestOnDev | None = None,
        compiled: bool = False,
    ) -> None:
        """`rehearsed`, `kept`: as CachedStep takes them; `best`: keeps the weights that do best on the dev split."""
        # The optimizer takes the parameters of the trainer's loss, so the loss must hold the model.
        super().__init__(model=model, args=args, loss=nn.Sequential(model))
        self.remove_callback(PrinterCallback)  # the record shows progress
        self.source, self.plan, self.record, self.speed, self.saved = source, plan, record, speed, saved
        self.step = CachedStep(
            model,
            objective,
            source,
            rehearsed=rehearsed,
            kept=kept,
            autocast=self.compute_loss_context_manager,
            say=self.speed.say,
        )
        self.last_batch: Batch | None = None
        self.best, self.compiled = best, compiled

    def fit(self) -> None:
        """Train to the end, from the last whole checkpoint where there is one."""
        last = self.saved.latest()
        if last is not None:
            state = checkpoints.load_state(last)
            self.record.points = state["points"]
            if self.best is not None:
                self.best.load(state["best"], last / "best.safetensors")
        with closing(self.record), first_token_only(self.model), compiled_layers(self.model, self.compiled):
            self.train(resume_from_checkpoint=None if last is None else str(last))
        if self.best is not None:
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
        rows = self.last_batch.rows
        shown = ", ".join(str(row + 1) for row in rows[:8]) + (", …" if len(rows) > 8 else "")
        return (
            f"{self.record.name}: stopped at step {self.state.global_step + 1}: {why}; lower learning_rate, "
            f"or look at rows {shown} of {self.source.path_of(self.last_batch)}"
        )

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Each step's loss, learning rate and gradient norm go to the record, its speed to the log."""
        if "grad_norm" in logs and self.last_batch is not None:
            self.record.add(self.state.global_step, logs)
            self.speed.step(self.state.global_step, self.last_batch, self.step.cache.kept)
            if self.best is not None and self.best.is_due(self.state.global_step, self.state.max_steps):
                self.best.look(self.state.global_step, self.model, self.step.evaluate)
        super().log(logs, start_time)

    def get_train_dataloader(self) -> DataLoader[Batch]:
        """Batches in the plan's order; for a GPU, a second process makes them ready while it computes."""
        workers = 1 if self.args.device.type == "cuda" else 0
        sampler = PlanSampler(self.plan)
        return DataLoader(self.source, batch_sampler=sampler, collate_fn=_as_it_is, num_workers=workers)

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """No model card: it would carry times and samples of the data."""

    # The trainer's own checkpoints are pickles; these four take their place.

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:  # noqa: ARG002
        if self.state.global_step == self.state.max_steps:
            return  # the model itself is written next
        assert self.lr_scheduler is not None and self.optimizer is not None
        self.state.log_history = []  # the record has it
        files = {
            "state.json": {
                "points": self.record.points,
                "schedule": self.lr_scheduler.state_dict(),
                "best": {} if self.best is None else self.best.state(),
            },
            "trainer_state.json": asdict(self.state),
        }
        best = {} if self.best is None else self.best.weights
        self.saved.save(self.state.global_step, self.model, self.optimizer, files, best)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:  # noqa: ARG002
        checkpoints.load_model(resume_from_checkpoint, self.model)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            assert self.lr_scheduler is not None and self.optimizer is not None
            checkpoints.load_optimizer(checkpoint, self.optimizer)
            self.lr_scheduler.load_state_dict(checkpoints.load_state(checkpoint)["schedule"])

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            checkpoints.load_rng(checkpoint)


def _as_it_is(batch: Any) -> Any:
    return batch
