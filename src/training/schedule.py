"""The learning rate over a run: up in the warm-up, then down. No step has a rate of zero: it would teach nothing."""

from __future__ import annotations

import math
from typing import Literal

import torch

Schedule = Literal["linear", "cosine", "constant"]


def share_of_rate(step: int, steps: int, warmup: int, schedule: Schedule = "linear") -> float:
    """The share of the learning rate at `step` of `steps`, counted from 0; in (0, 1].

    Linear over the warm-up, from 1 / (warmup + 1). `get_scheduler` of transformers begins at 0 instead, so of the few
    steps of a large batch the first teaches nothing.
    """
    if step < warmup:
        return (step + 1) / (warmup + 1)
    left = (steps - step) / max(1, steps - warmup)
    match schedule:
        case "constant":
            return 1.0
        case "cosine":
            return 0.5 * (1 - math.cos(math.pi * left))
    return left


def scheduler(
    optimizer: torch.optim.Optimizer, steps: int, warmup: int, schedule: Schedule = "linear"
) -> torch.optim.lr_scheduler.LambdaLR:
    """The schedule of a run of `steps` optimizer steps, of which `warmup` are warm-up."""
    # torch also asks for the rate after the last step.
    return torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: share_of_rate(min(step, steps - 1), steps, warmup, schedule)
    )
