"""Charts that several topics draw: differences with their intervals around zero, and measures by dimension."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from src.reporting import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Effect(NamedTuple):
    """A difference, its interval, and what stands beside it."""

    difference: float
    interval: Sequence[float]
    words: str = ""


def forest(axes: Axes, labels: Sequence[str], series: Mapping[str, Sequence[Effect]], colour: int = 0) -> None:
    """Differences with their intervals around zero, a row for each label from top to bottom.

    Args:
        series: effects in the order of the labels, by what they are called; several stand below each other in a row.
        colour: number of the first one's.
    """
    axes.axvline(0, color=style.GREY, linewidth=0.9)
    rows = np.arange(len(labels))[::-1]
    for number, effects in enumerate(series.values()):
        middle = np.array([effect.difference for effect in effects])
        low, high = np.array([effect.interval for effect in effects]).T
        around = np.maximum(np.stack([middle - low, high - middle]), 0)
        heights = rows + 0.3 * ((len(series) - 1) / 2 - number) / max(1, len(series) - 1)
        looks: dict[str, Any] = {"fmt": style.MARKERS[colour + number], "color": style.SERIES[colour + number]}
        axes.errorbar(middle, heights, xerr=around, capsize=3, elinewidth=1.1, **looks)
        for height, effect in zip(heights, effects, strict=True):
            axes.text(1.02, height, effect.words, transform=axes.get_yaxis_transform(), va="center", fontsize=7.5)
    axes.set_yticks(rows, labels, fontsize=8)
    axes.set_ylim(-0.6, len(labels) - 0.4)
    axes.margins(x=0.1)
    axes.locator_params(axis="x", nbins=5)
    axes.grid(axis="y", visible=False)


def by_dimension(
    target: Path,
    words: tuple[str, str, str],
    levels: Mapping[str, Mapping[int, float]],
    changes: tuple[str, Mapping[str, Mapping[int, Effect]]],
) -> None:
    """Levels at each dimension as lines, and beside them changes around zero.

    Args:
        words: title, note and measure.
        levels: {line: {dimension: value}}.
        changes: what they are of, and {series: {dimension: effect}}.
    """
    title, note, measure = words
    what, series = changes
    dims = sorted({dim for values in levels.values() for dim in values})
    with style.chart(target, title, note, size=(7.6, 3.8), grid=(1, 2)) as (left, right):
        for number, (label, values) in enumerate(levels.items()):
            looks: dict[str, Any] = {"marker": style.MARKERS[number], "color": style.SERIES[number]}
            left.plot(list(values), list(values.values()), label=label, **looks)
        left.set_ylabel(measure)
        style.powers_of_two(left, dims)
        left.set_xlabel("dimensions")
        style.legend_below(left)
        shown = sorted({dim for effects in series.values() for dim in effects}, reverse=True)
        forest(right, [f"{dim}" for dim in shown], {name: [by[dim] for dim in shown] for name, by in series.items()})
        right.set_ylabel("dimensions")
        right.set_title(what)
