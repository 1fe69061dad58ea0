"""The trainings: their settings, their work and their curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from src.errors import UserError
from src.recipe import systems
from src.recipe.stages import STAGES
from src.recipe.systems import LATE
from src.reporting import names, style
from src.reporting.inputs import Inputs, read_columns
from src.reporting.tables import Cell, Table, share
from src.training.record import DEV

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from src.params.schema import ColbertParams, MlmParams, Params, StageParams

MLM = "mlm"
FOLDER = "reports/training"
TITLES = {
    MLM: "masked language modelling",
    **{name: f"{number}. {stage.title}" for number, (name, stage) in enumerate(STAGES.items(), 1)},
    LATE: "late-interaction baseline",
}
LOSSES = {"mnrl": "multiple negatives ranking", "cosent": "CoSENT"}  # in words; another goes by its own name
SETTINGS = ("step", "data", "loss", "dimensions", "batch", "epochs", "learning rate", "tokens", "frozen")
SMOOTHED = 40  # points above which a running mean is drawn besides
Curve = dict[str, list[float]]


def read_curves(root: Path) -> dict[str, Curve]:
    """The curves of a run by step; one that was not trained is left out."""
    paths = {name: root / FOLDER / f"{name}.csv" for name in TITLES}
    return {name: curve for name, path in paths.items() if (curve := read_curve(path))}


def read_curve(path: Path) -> Curve:
    """{column: values} of a training curve, those of the dev split with gaps; empty where it has no point."""
    try:
        columns = read_columns(path)
        columns[DEV] = [cell or "nan" for cell in columns.get(DEV, [])]
        numbers = {name: [float(cell) for cell in cells] for name, cells in columns.items()}
    except ValueError as error:
        raise UserError(f"{path}: expected numbers: {error}") from error
    return numbers if any(numbers.values()) else {}


def recipe(inputs: Inputs, curves: Mapping[str, Curve]) -> Table:
    """Settings and work of every training: language modelling, the three steps, the late-interaction baseline."""
    params = inputs.params
    mlm = params.base_model.mlm
    late = params.colbert.model_copy(update={"epochs": params.colbert_epochs})
    rows = {MLM: _settings(MLM, [params.data.text.name, "masked tokens", None], mlm)} if MLM in curves else {}
    rows |= chain(params)
    learnt = ["multiple negatives ranking of MaxSim", f"{late.dim} a token"]
    rows[LATE] = _settings(LATE, [params.data.retrieval.name, *learnt], late)
    batches = {MLM: mlm.batch_size, LATE: late.batch_size}
    batches |= {name: params.block(stage).batch_size for name, stage in STAGES.items()}
    worked = [row + _work(curves.get(name), batches[name]) for name, row in rows.items()]
    header = [*SETTINGS, "optimizer steps", "examples seen, at most", "first loss", "last epoch's loss"]
    notes = f"The last epoch's loss is the mean of its batches. {late_differences(inputs)}"
    return Table("recipe", header, worked, notes=notes)


def chain(params: Params) -> dict[str, list[Cell]]:
    """{step: its SETTINGS} of the three steps."""
    rows = {}
    for name, stage in STAGES.items():
        block = params.block(stage)
        frozen = {f"{block.freeze_layers} layers": block.freeze_layers, "embeddings": block.freeze_embeddings}
        learnt = [LOSSES.get(block.loss, block.loss), ", ".join(map(str, block.dims))]
        parts = ", ".join(words for words, used in frozen.items() if used)
        rows[name] = _settings(name, [getattr(params.data, name).name, *learnt], block, parts or None)
    return rows


def _settings(
    name: str, learnt: Sequence[Cell], block: StageParams | ColbertParams | MlmParams, frozen: Cell = None
) -> list[Cell]:
    rates = [f"{block.epochs:g}", f"{block.learning_rate:g}"]
    return [TITLES[name], *learnt, block.batch_size, *rates, block.max_length, frozen]


def _work(curve: Curve | None, batch_size: int) -> list[Cell]:
    if not curve:
        return [0, 0, None, None]
    return [steps(curve), steps(curve) * batch_size, curve["loss"][0], last_loss(curve)]


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
    """Optimizer steps of a training."""
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


def draw_curves(inputs: Inputs, curves: Mapping[str, Curve], target: Path) -> None:
    """The loss of every step that was trained."""
    columns = min(len(curves), 2)
    rows = -(-len(curves) // columns)
    data = ", ".join(getattr(inputs.params.data, key).name for key in STAGES)
    synthetic = any(inputs.cards[key]["synthetic"] for key in STAGES)
    note = (
        f"Training data: {names.marked(data, synthetic)}. Thin: every batch (an epoch's last is smaller); thick: "
        "running mean. Losses of different steps are not of one kind; where all are above zero the axis is logarithmic."
    )
    size = (7.0, 1.2 + 2.1 * rows)
    with style.chart(target, "Training curves", note, size=size, grid=(rows, columns)) as panels:
        for axes, (name, curve) in zip(panels, curves.items(), strict=False):
            loss = np.array(curve["loss"])
            long = len(loss) > SMOOTHED
            axes.plot(curve["step"], loss, color=style.SKY if long else style.BLUE, linewidth=0.8 if long else 1.6)
            if long:
                axes.plot(curve["step"], running_mean(loss, len(loss) // 20), color=style.BLUE)
            draw_dev(axes, curve)
            axes.set_title(f"{TITLES[name]}, n = {steps(curve)} steps")
            axes.set_ylabel("loss")
            axes.set_xlabel("optimizer step")
            if loss.min() > 0:
                style.plain_logarithm(axes)
        for axes in panels[len(curves) :]:
            axes.set_visible(False)


def draw_dev(axes: Axes, curve: Curve) -> None:
    """The dev split's loss, where it was evaluated."""
    if not curve[DEV]:
        return
    loss = np.array(curve[DEV])
    measured = ~np.isnan(loss)
    axes.plot(np.array(curve["step"])[measured], loss[measured], "o-", color=style.VERMILLION, label="dev split")
    axes.legend(loc="upper right")


def running_mean(values: np.ndarray, width: int) -> np.ndarray:
    """The mean of up to `width` values on each side of every value."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    indices = np.arange(len(values))
    low, high = np.maximum(indices - width, 0), np.minimum(indices + width + 1, len(values))
    return (sums[high] - sums[low]) / (high - low)


def last_loss(curve: Curve) -> float:
    """The mean loss of the last epoch, or of all steps of a shorter training: batches scatter."""
    last = [loss for epoch, loss in zip(curve["epoch"], curve["loss"], strict=True) if epoch > curve["epoch"][-1] - 1]
    return fmean(last)
