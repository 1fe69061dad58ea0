"""What a run leaves behind: its curve, with the dev split's where it has one; and the progress bar that shows it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from src.progress import bar
from src.table_files import write_table

CURVE_HEADER = ("step", "epoch", "loss", "learning_rate", "grad_norm")
DEV = "dev_loss"  # a further column of runs with a dev split, blank at steps that were not followed by its evaluation
LOSS = CURVE_HEADER.index("loss")
SHOWN = 20  # steps whose mean loss the bar shows: single batches scatter, and the last one of an epoch is smaller
Curve = list[list[float]]
"""The values of CURVE_HEADER at each step; nothing where no step was trained."""


class Record:
    """The curve of a run: one point a step, shown as it grows."""

    def __init__(self, name: str, steps: int, steps_per_epoch: int, quiet: bool = False) -> None:
        self.name, self.steps, self.steps_per_epoch, self.quiet = name, steps, steps_per_epoch, quiet
        self.points: Curve = []
        self._bar: Any = None

    def add(self, step: int, logs: dict[str, float]) -> None:
        """One point from the trainer's log; its closing summary has no gradient norm and is passed over."""
        if "grad_norm" not in logs:
            return
        epoch = round(step / self.steps_per_epoch, 4)
        self.points.append([step, epoch, *(float(logs[name]) for name in CURVE_HEADER[2:])])
        self._show(step)

    def _show(self, step: int) -> None:
        if self._bar is None:
            self._bar = bar(self.name, "step", self.steps, done=step - 1, quiet=self.quiet)
        recent = [point[LOSS] for point in self.points[-SHOWN:]]
        self._bar.set_postfix(loss=f"{sum(recent) / len(recent):.3f}", refresh=False)
        self._bar.update(1)

    def close(self) -> None:
        """End the progress bar's line, so that what is said next begins on one of its own."""
        if self._bar is not None:
            self._bar.close()


def write_curve(path: Path, points: Curve, dev: Iterable[Sequence[float]] = ()) -> None:
    """A curve as CSV, six significant digits; `dev`: step and loss of the dev split's, where there is one."""
    losses = {int(step): f"{loss:.6g}" for step, loss in dev}
    header = (*CURVE_HEADER, DEV) if losses else CURVE_HEADER
    rows = [
        (int(step), epoch, *(f"{value:.6g}" for value in values), losses.get(int(step), ""))[: len(header)]
        for step, epoch, *values in points
    ]
    write_table(path, header, rows)
