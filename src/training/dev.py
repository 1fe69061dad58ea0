"""The loss on the dev split while training, and the weights of the lowest one (`dev_steps` in params)."""

from __future__ import annotations

import math
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path

from sentence_transformers import SentenceTransformer
from torch import Tensor, nn

from src.errors import UserError
from src.params.schema import StageParams
from src.training.checkpoints import restore, trained_weights
from src.training.frozen import FrozenOutputs
from src.training.tasks import Batch, read_task


def best_on_dev(
    path: Path, stage: StageParams, model: SentenceTransformer, *, budget: int, steps: int, frozen: FrozenOutputs
) -> BestOnDev:
    """The dev split of a stage in batches like the training's; no batches where `dev_steps` is 0.

    Args:
        budget: tokens encoded at once.
        steps: of the run.
        frozen: the outputs of frozen layers, where they are kept; and the log.

    Raises:
        UserError: params ask for it and there is no dev split, or fewer than two rows.
    """
    if not stage.dev_steps:
        return BestOnDev([], 0, frozen.log)
    if not path.is_file():
        raise UserError(
            f"{path}: no such file; dev_steps {stage.dev_steps} needs a dev split: set dev_rows of the data"
        )
    task = read_task(path, stage, model, stage.batch_size, seed=0)
    frozen.attach(task, epochs=math.ceil(steps / stage.dev_steps))
    batches = [task.batch(rows, budget) for rows in task.plan]
    if not batches:
        raise UserError(f"{path}: {len(task.rows)} rows; dev_steps needs two or more")
    return BestOnDev(batches, stage.dev_steps, frozen.log)


class BestOnDev:
    """The losses on the dev split so far, [step, loss] each, and the trained weights that gave the lowest."""

    def __init__(self, batches: list[Batch], every: int, log: Callable[..., None]) -> None:
        """`batches`: of the dev split, if any; `every`: so many steps they are evaluated; `log`: takes keywords."""
        self.batches, self.every, self.log = batches, every, log
        self.measured: list[list[float]] = []
        self.weights: dict[str, Tensor] = {}

    def is_due(self, step: int, last: int) -> bool:
        """Whether to evaluate after this step; the last one always counts."""
        return bool(self.batches) and (step % self.every == 0 or step == last)

    def measure(self, step: int, model: nn.Module, loss_of: Callable[[Batch], Tensor]) -> None:
        """The mean loss of the dev split's rows, logged; the weights are kept where it is the lowest."""
        rows = sum(len(batch.rows) for batch in self.batches)
        loss = sum(float(loss_of(batch)) * len(batch.rows) for batch in self.batches) / rows
        self.log(step=step, dev_loss=loss)
        if loss < self.lowest()[1]:
            self.weights = {name: value.to("cpu", copy=True) for name, value in trained_weights(model).items()}
        self.measured.append([step, loss])

    def lowest(self) -> tuple[float, float]:
        """Step and loss of the lowest loss so far; one that is NaN does not count."""
        finite = [(step, loss) for step, loss in self.measured if math.isfinite(loss)]
        return min(finite, key=itemgetter(1), default=(0, math.inf))

    def restore(self, model: nn.Module) -> None:
        """Give the model the best weights, where some were kept."""
        if self.weights:
            step, loss = self.lowest()
            self.log(best_step=step, dev_loss=loss)
            restore(model, self.weights)
