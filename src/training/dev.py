"""Looking at the dev split while training, and keeping the weights that did best there (`dev_steps` in params)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from torch import Tensor, nn

from src.errors import UserError
from src.model.prompts import prompts_of
from src.params.schema import StepParams
from src.training.batches import Batch, BatchSource
from src.training.dataset import read_rows, tokenise
from src.training.sampler import BatchPlan


def best_on_dev(
    path: Path, step: StepParams, model: SentenceTransformer, budget: int, say: Callable[..., None]
) -> BestOnDev | None:
    """The dev split of a step in batches like the training's; None where params do not ask for it.

    Raises:
        UserError: params ask for it and there is no dev split, or fewer than two rows.
    """
    if not step.dev_steps:
        return None
    if not path.is_file():
        raise UserError(f"{path}: no such file; dev_steps {step.dev_steps} needs a dev split: set dev_rows of the data")
    rows = read_rows(path, step.loss, prompts_of(model))
    competing, masked = step.loss == "mnrl", step.false_negatives != "keep"
    plan = BatchPlan(rows.same, min(step.batch_size, len(rows)), 1, seed=0, competing=competing, masked=masked)
    tokens = tokenise(model.tokenizer, rows.texts, step.max_length, quiet=True)
    source = BatchSource(rows, tokens, budget, mask_relevant=competing and masked)
    batches = [source.batch(numbers, budget) for numbers in plan]
    if not batches:
        raise UserError(f"{path}: {len(rows)} rows; dev_steps needs two or more")
    return BestOnDev(batches, step.dev_steps, say)


class BestOnDev:
    """The lowest loss on the dev split so far, and the trained weights that gave it."""

    def __init__(self, batches: list[Batch], every: int, say: Callable[..., None]) -> None:
        """`batches`: the dev split; `every`: steps between two looks; `say` takes what is worth logging."""
        self.batches, self.every, self.say = batches, every, say
        self.step, self.loss = 0, float("inf")
        self.weights: dict[str, Tensor] = {}

    def is_due(self, step: int, last: int) -> bool:
        """Whether to look after this step; the last one always counts."""
        return step % self.every == 0 or step == last

    def look(self, step: int, model: nn.Module, loss_of: Callable[[Batch], Tensor]) -> None:
        """Measure the mean loss of the dev split's pairs; keep the weights where it is the lowest."""
        pairs = sum(len(batch.rows) for batch in self.batches)
        loss = sum(float(loss_of(batch)) * len(batch.rows) for batch in self.batches) / pairs
        self.say(step=step, dev_loss=loss)
        if loss < self.loss:
            self.step, self.loss = step, loss
            trained = ((name, value) for name, value in model.named_parameters() if value.requires_grad)
            self.weights = {name: value.detach().to("cpu", copy=True) for name, value in trained}

    def restore(self, model: nn.Module) -> None:
        """Give the model the best weights."""
        self.say(best_step=self.step, dev_loss=self.loss)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if name in self.weights:
                    parameter.copy_(self.weights[name])

    def state(self) -> dict[str, Any]:
        """Step and loss of the best weights, as JSON; before the first look there are none."""
        return {"step": self.step, "loss": self.loss} if self.weights else {}

    def load(self, state: dict[str, Any], weights: Path) -> None:
        """Go on from a checkpoint's state and file of weights."""
        if state:
            self.step, self.loss, self.weights = state["step"], state["loss"], load_file(weights)
