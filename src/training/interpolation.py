"""Weights between two checkpoints: what was learned before, and what was learned last.

Linear interpolation between a model and its fine-tuned form keeps much of both (Wortsman et al. 2022, "Robust
fine-tuning of zero-shot models", arXiv 2109.01903). It costs no training, only the evaluation of the mixture.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from src.errors import UserError


def interpolated(before: Mapping[str, Tensor], after: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """(1 - share) · before + share · after of every floating-point tensor; others are taken from `after`.

    Raises:
        UserError: the two are not states of one architecture.
    """
    if before.keys() != after.keys() or any(before[name].shape != after[name].shape for name in after):
        raise UserError("the two checkpoints have different weights; interpolation needs one architecture")
    return {
        name: torch.lerp(before[name].to(value), value, share) if value.is_floating_point() else value.clone()
        for name, value in after.items()
    }


def interpolate(before: nn.Module, after: nn.Module, share: float) -> None:
    """Move `after` back towards `before`, in place: share 1 leaves it as it is, share 0 undoes its training."""
    if share < 1.0:
        after.load_state_dict(interpolated(before.state_dict(), after.state_dict(), share))
