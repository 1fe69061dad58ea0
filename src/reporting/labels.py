"""Names beside the points of a chart, where they hide little of points and lines, and never each other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from src.reporting import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Boxes = NDArray[np.float64]  # (n, 4): left, low, right, high in typographic points
_SIZE = 7.5  # of the letters
_WIDTH = 0.58 * _SIZE  # of a letter, about
_MARK = 3.5  # half a marker
_OUTSIDE = 100.0  # a point beyond the frame counts as so much hidden
_STEPS = 40  # of a line between two points
# Where a name may stand, best first: to the right, left, above, below, and between these.
_DISTANCES = (0.0, 8.0, 18.0)  # beyond the marker
_SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))


class Name(NamedTuple):
    """What a point is called, where it lies in the data's units, and its colour."""

    text: str
    point: tuple[float, float]
    colour: str


def name_points(axes: Axes, names: Sequence[Name], lines: Sequence[Sequence[tuple[float, float]]] = ()) -> None:
    """Write every name on that side of its point where it hides least of points and `lines`, and no other name.

    A name that would lie on another one everywhere is left out. Call it last: positions are those of the chart as it
    is laid out now.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()  # the layout is made on drawing
    points = _in_points(axes, [name.point for name in names])
    along = [_around(_along(_in_points(axes, line)), 1.0) for line in lines]
    drawn, written = np.concatenate([_around(points, _MARK), *along]), np.empty((0, 4))
    frame = np.array(axes.get_window_extent().extents) * 72 / figure.dpi
    for name, point in zip(names, points, strict=True):
        boxes = np.array([_box(name.text, point, side, further) for further in _DISTANCES for side in _SIDES])
        outside = np.maximum(np.hstack([frame[:2] - boxes[:, :2], boxes[:, 2:] - frame[2:]]), 0).sum(axis=1)
        hidden = _overlap(boxes, drawn).sum(axis=1) + _OUTSIDE * outside
        hidden[_overlap(boxes, written).sum(axis=1) > 0] = np.inf
        if np.isinf(hidden.min()):
            continue
        best = boxes[int(np.argmin(hidden))]
        middle = (best[:2] + best[2:]) / 2 - point
        style.label(axes, name.text, name.point, tuple(middle), color=name.colour, ha="center", va="center")
        written = np.vstack([written, best])


def _in_points(axes: Axes, points: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    pixels: NDArray[np.float64] = axes.transData.transform(np.reshape(points, (-1, 2)))
    return pixels * 72 / axes.figure.dpi


def _along(line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points along a line through the given ones."""
    shares = np.linspace(0, 1, _STEPS)[:, None]
    parts = [a + shares * (b - a) for a, b in pairwise(line)]
    return np.concatenate(parts) if parts else np.empty((0, 2))


def _around(points: NDArray[np.float64], reach: float) -> Boxes:
    return np.hstack([points - reach, points + reach])


def _box(text: str, point: NDArray[np.float64], side: tuple[int, int], further: float) -> NDArray[np.float64]:
    half = np.array([len(text) * _WIDTH, 1.3 * _SIZE]) / 2
    middle = point + np.array(side) * (half + _MARK + 1 + further)
    return np.concatenate([middle - half, middle + half])


def _overlap(boxes: Boxes, others: Boxes) -> NDArray[np.float64]:
    """Areas that each box shares with each of the others: (boxes, others)."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    return np.maximum(high - low, 0).prod(axis=2)
