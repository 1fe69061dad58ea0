"""Weight interpolation between two checkpoints.

Linear interpolation between a model and its fine-tuned form keeps much of both (Wortsman et al. 2022, "Robust
fine-tuning of zero-shot models", arXiv 2109.01903). It costs no training, only the evaluation of the mixture.
"""

from __future__ import annotations

import torch
from torch import nn

from src.errors import UserError


def interpolate(before: nn.Module, after: nn.Module, share: float) -> None:
    """(1 - share) · before + share · after of every floating-point tensor, in place in `after`.

    Raises:
        UserError: the two are not of one architecture.
    """
    start, trained = before.state_dict(), after.state_dict()
    if start.keys() != trained.keys() or any(start[name].shape != trained[name].shape for name in trained):
        raise UserError("the two checkpoints have different weights; interpolation needs one architecture")
    after.load_state_dict(
        {
            name: torch.lerp(start[name].to(value), value, share) if value.is_floating_point() else value
            for name, value in trained.items()
        }
    )
