"""The training stages: their settings, their curves and their work."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from src.recipe.stages import STAGES
from src.reporting import names, style
from src.reporting.inputs import Inputs
from src.reporting.section import Part, Section
from src.reporting.tables import Cell, Table, share

if TYPE_CHECKING:
    from src.params.schema import StageParams

LAST = 5  # steps whose mean is the loss at the end


TITLES = {
    "mlm": "masked language modelling",
    **{name: f"{place}. {stage.title}" for place, (name, stage) in enumerate(STAGES.items(), 1)},
    "colbert": "late-interaction baseline",
}
SMOOTHED = 40  # points above which a running mean is drawn besides


def recipe(inputs: Inputs) -> Table:
    """The three steps with their settings."""
    params = inputs.params
    rows = [
        _step(
            f"{place}. {stage.title}",
            getattr(params.data, name).name,
            stage.params(params),
            _steps(inputs, name),
        )
        for place, (name, stage) in enumerate(STAGES.items(), 1)
    ]
    header = [
        "step",
        "data",
        "loss",
        "dimensions",
        "batch",
        "epochs",
        "optimizer steps",
        "learning rate",
        "tokens",
        "frozen",
    ]
    return Table("recipe", header, rows)


def _steps(inputs: Inputs, name: str) -> int:
    return len(inputs.curves.get(name, {}).get("step", []))


def _step(label: str, data_name: str, step: StageParams, taken: int) -> list[Cell]:
    loss = {"mnrl": "multiple negatives ranking", "cosent": "CoSENT"}[step.loss]
    frozen = [f"{step.freeze_layers} layers"] if step.freeze_layers else []
    frozen += ["embeddings"] if step.freeze_embeddings else []
    dims = ", ".join(map(str, step.dims))
    rate = f"{step.learning_rate:g}"
    return [
        label,
        data_name,
        loss,
        dims,
        step.batch_size,
        f"{step.epochs:g}",
        taken,
        rate,
        step.max_length,
        ", ".join(frozen) or None,
    ]


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
    count = len(inputs.curves)
    columns = min(count, 2)
    rows = -(-count // columns)
    data = ", ".join(getattr(inputs.params.data, key).name for key in STAGES)
    synthetic = any(inputs.cards[key]["synthetic"] for key in STAGES)
    note = (
        f"Training data: {names.marked(data, synthetic)}. Thin: every batch (an epoch's last is smaller); thick: "
        "running mean. Losses of different steps are not of one kind."
    )
    size = (7.0, 1.2 + 2.1 * rows)
    with style.chart(target, "Training curves", note, size=size, grid=(rows, columns)) as axes:
        for place, (name, curve) in zip(axes, inputs.curves.items(), strict=False):
            loss = np.array(curve["loss"])
            long = len(loss) > SMOOTHED
            place.plot(curve["step"], loss, color=style.SKY if long else style.BLUE, linewidth=0.8 if long else 1.6)
            if long:
                place.plot(curve["step"], running_mean(loss, len(loss) // 20), color=style.BLUE)
            place.set_title(f"{TITLES[name]}, n = {len(loss)} steps")
            place.set_ylabel("loss")
            place.set_xlabel("optimizer step")
            place.set_ylim(min(0.0, loss.min()), np.quantile(loss, 0.98) * 1.1)
        for place in axes[count:]:
            place.set_visible(False)


def running_mean(values: np.ndarray, width: int) -> np.ndarray:
    """The mean of up to `width` values on each side of every value."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    places = np.arange(len(values))
    low, high = np.maximum(places - width, 0), np.minimum(places + width + 1, len(values))
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
    batches = {
        "mlm": params.base_model.mlm.batch_size,
        **{name: stage.params(params).batch_size for name, stage in STAGES.items()},
        "colbert": params.colbert.batch_size,
    }
    rows: list[list[Cell]] = [
        [
            name,
            len(curve["step"]),
            batches[name],
            len(curve["step"]) * batches[name],
            curve["loss"][0],
            fmean(curve["loss"][-LAST:]),
        ]
        for name, curve in inputs.curves.items()
    ]
    header = ["training", "optimizer steps", "batch", "examples seen, at most", "first loss", "last loss"]
    notes = f"Last loss: mean of the last {LAST} steps; single batches scatter, and an epoch's last one is smaller."
    return Table("work", header, rows, notes=notes)
