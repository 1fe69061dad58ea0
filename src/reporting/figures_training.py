"""Figures of training and of what it did to semantic similarity."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from src.recipe.stages import STAGES
from src.reporting import names, style
from src.reporting.figures_retrieval import powers_of_two
from src.reporting.inputs import Inputs
from src.reporting.similarity_tables import caption

TITLES = {
    "mlm": "masked language modelling",
    **{name: f"{place}. {stage.title}" for place, (name, stage) in enumerate(STAGES.items(), 1)},
    "colbert": "late-interaction baseline",
}
SMOOTHED = 40  # points above which a running mean is drawn besides


def curves(inputs: Inputs, folder: Path) -> bool:
    """The loss of every step that was trained; False where none was."""
    if not inputs.curves:
        return False
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
    with style.chart(folder, "training", "Training curves", note, size=size, grid=(rows, columns)) as axes:
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

    return True


def running_mean(values: np.ndarray, width: int) -> np.ndarray:
    """The mean of up to `width` values on each side of every value."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    places = np.arange(len(values))
    low, high = np.maximum(places - width, 0), np.minimum(places + width + 1, len(values))
    return (sums[high] - sums[low]) / (high - low)


def forgetting(inputs: Inputs, folder: Path) -> None:
    """Spearman's correlation before and after retrieval training at every dimension, and its change."""
    sts = inputs.sts
    dims = sts["forgetting"]["dims"]
    sizes = [int(dim) for dim in dims]
    note = f"{caption(sts, inputs.cards['sts']['synthetic'])}. Right: paired bootstrap, 95 %."
    title = "Semantic similarity before and after retrieval training"
    with style.chart(folder, "forgetting", title, note, size=(7.0, 3.6), grid=(1, 2)) as (left, right):
        for number, (key, label) in enumerate((("before", "before"), ("after", "after"))):
            values = [found[key] for found in dims.values()]
            left.plot(sizes, values, marker=style.MARKERS[number], color=style.SERIES[number], label=label)
        style.pad(left, [found[key] for found in dims.values() for key in ("before", "after")], 0.25)
        left.set_ylabel("Spearman, cosine")
        left.legend()
        change = np.array([-found["drop"] for found in dims.values()])
        low, high = zip(*((-found["interval"][1], -found["interval"][0]) for found in dims.values()), strict=True)
        around = np.stack([change - np.array(low), np.array(high) - change])
        right.axhline(0, color=style.GREY, linewidth=0.9)
        right.errorbar(sizes, change, yerr=around, fmt="o", color=style.BLACK, capsize=3)
        right.set_ylabel("change (after − before)")
        for axes in (left, right):
            powers_of_two(axes, sorted(sizes))
            axes.set_xlabel("dimensions")
