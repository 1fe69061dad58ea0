"""The training stages: their settings, their curves and their work."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from src.recipe import systems
from src.recipe.stages import FINAL, STAGES
from src.recipe.systems import LATE
from src.reporting import names, style
from src.reporting.inputs import Curve, Inputs
from src.reporting.model_card import frozen_parts
from src.reporting.section import Part, Section
from src.reporting.tables import Cell, Table, share

if TYPE_CHECKING:
    from src.params.schema import ColbertParams, StageParams

TITLES = {
    "mlm": "masked language modelling",
    **{name: f"{number}. {stage.title}" for number, (name, stage) in enumerate(STAGES.items(), 1)},
    LATE: "late-interaction baseline",
}
LOSSES = {"mnrl": "multiple negatives ranking", "cosent": "CoSENT"}  # in words; another goes by its own name
SMOOTHED = 40  # points above which a running mean is drawn besides


def recipe(inputs: Inputs) -> Table:
    """The three steps with their settings, and beside them the late-interaction baseline."""
    header = ["step", "data", "loss", "dimensions", "batch", "epochs"]
    header += ["optimizer steps", "learning rate", "tokens", "frozen"]
    late = inputs.params.colbert
    learnt = ["multiple negatives ranking of MaxSim", f"{late.dim} a token"]
    rows = [_chain_row(name, inputs) for name in STAGES]
    rows.append([*_row(LATE, learnt, late, inputs.params.colbert_epochs, inputs), None])
    return Table("recipe", header, rows, notes=late_differences(inputs))


def _chain_row(name: str, inputs: Inputs) -> list[Cell]:
    block = inputs.params.block(STAGES[name])
    loss = LOSSES.get(block.loss, block.loss)
    row = _row(name, [loss, ", ".join(map(str, block.dims))], block, block.epochs, inputs)
    return [*row, frozen_parts(block) or None]


def _row(name: str, learnt: list[str], block: StageParams | ColbertParams, epochs: float, inputs: Inputs) -> list[Cell]:
    taken = steps(inputs.curves[name]) if name in inputs.curves else 0
    data = getattr(inputs.params.data, name if name in STAGES else FINAL)
    rates: list[Cell] = [block.batch_size, f"{epochs:g}", taken, f"{block.learning_rate:g}", block.max_length]
    return [TITLES[name], data.name, *learnt, *rates]


def late_differences(inputs: Inputs) -> str:
    """What the late-interaction baseline has of the retrieval step, and what it has not."""
    params, train = inputs.params, inputs.params.train
    seen = params.colbert_epochs / train.epochs
    return (
        f"The late-interaction baseline starts from {systems.label(params.colbert.start)}, has the pairs and given "
        f"negatives of the retrieval step, {seen:.3g} times as often, and its rule that no text stands twice in a "
        f"batch. It differs in this: batches of {params.colbert.batch_size:,} for {train.batch_size:,} (no gradient "
        "cache), one size of vector (no Matryoshka), nothing frozen, no prompts, no dev loss, no anti-forgetting, no "
        "mined negatives or masks."
    )


def steps(curve: Curve) -> int:
    """Optimizer steps of a training; a long one has a point for several of them."""
    return int(curve["step"][-1])


def beyond_the_paper(inputs: Inputs) -> str:
    """Anti-forgetting and negatives of the retrieval step, in words."""
    train = inputs.params.train
    kept = train.anti_forgetting
    said = {
        f"replay of {' and '.join(kept.replay_sets)} in {share(kept.replay_share)} of the steps": kept.replay_share,
        f"similarity distillation with weight {kept.distillation_weight:g}": kept.distillation_weight,
        f"weight interpolation, {share(kept.interpolation)} of the trained weights": kept.interpolation < 1,
        f"one mined hard negative a pair, margin {train.hard_negative_margin:g}": train.hard_negatives,
        f"false negatives: {train.false_negatives}": train.false_negatives != "keep",
    }
    return "; ".join(words for words, used in said.items() if used) or "nothing"


def draw_curves(inputs: Inputs, target: Path) -> None:
    """The loss of every step that was trained."""
    columns = min(len(inputs.curves), 2)
    rows = -(-len(inputs.curves) // columns)
    data = ", ".join(getattr(inputs.params.data, key).name for key in STAGES)
    synthetic = any(inputs.cards[key]["synthetic"] for key in STAGES)
    note = (
        f"Training data: {names.marked(data, synthetic)}. Thin: every batch (an epoch's last is smaller); thick: "
        "running mean. Losses of different steps are not of one kind; where all are above zero the axis is logarithmic."
    )
    size = (7.0, 1.2 + 2.1 * rows)
    with style.chart(target, "Training curves", note, size=size, grid=(rows, columns)) as panels:
        for axes, (name, curve) in zip(panels, inputs.curves.items(), strict=False):
            loss = np.array(curve["loss"])
            long = len(loss) > SMOOTHED
            axes.plot(curve["step"], loss, color=style.SKY if long else style.BLUE, linewidth=0.8 if long else 1.6)
            if long:
                axes.plot(curve["step"], running_mean(loss, len(loss) // 20), color=style.BLUE)
            axes.set_title(f"{TITLES[name]}, n = {steps(curve)} steps")
            axes.set_ylabel("loss")
            axes.set_xlabel("optimizer step")
            if loss.min() > 0:
                style.plain_logarithm(axes)
        for axes in panels[len(inputs.curves) :]:
            axes.set_visible(False)


def running_mean(values: np.ndarray, width: int) -> np.ndarray:
    """The mean of up to `width` values on each side of every value."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    indices = np.arange(len(values))
    low, high = np.maximum(indices - width, 0), np.minimum(indices + width + 1, len(values))
    return (sums[high] - sums[low]) / (high - low)


def work_section(inputs: Inputs) -> Section:
    """What the run cost that does not depend on the machine."""
    parts: list[Part] = [
        "Steps and sizes are the same on every machine. Seconds, memory and energy are not, so they stay out of the "
        "metrics: each training writes them to `logs/`, and `reports/records/` keeps them with the processor they "
        "were taken on. Benchmarks are in `reports/bench/`.",
        work(inputs),
    ]
    return Section("Work", "optimizer steps, pairs and parameters behind the numbers", parts)


def work(inputs: Inputs) -> Table:
    """Optimizer steps and pairs of every training."""
    params = inputs.params
    batches = {name: params.block(stage).batch_size for name, stage in STAGES.items()}
    batches |= {"mlm": params.base_model.mlm.batch_size, "colbert": params.colbert.batch_size}
    rows: list[list[Cell]] = [
        [name, steps(curve), batches[name], steps(curve) * batches[name], curve["loss"][0], last_loss(curve)]
        for name, curve in inputs.curves.items()
    ]
    header = ["training", "optimizer steps", "batch", "examples seen, at most", "first loss", "last epoch's loss"]
    notes = "The last epoch's loss is the mean of its steps, or of all steps of a shorter training: batches scatter."
    return Table("work", header, rows, notes=notes)


def last_loss(curve: Curve) -> float:
    """The mean loss of the last epoch."""
    last = [loss for epoch, loss in zip(curve["epoch"], curve["loss"], strict=True) if epoch > curve["epoch"][-1] - 1]
    return fmean(last)
