"""Several training processes as one: each encodes its share of the batch, all see the whole batch's loss.

Vectors are exchanged, then every process computes the same loss on the whole batch and keeps the gradient of its own
rows. The loss stage is a small part of a step, so doing it everywhere costs less than a second exchange would, and
the loss is the one that a single process computes. Parameter gradients are summed, since the loss is a mean over the
whole batch already. Outside of a launch all of this does nothing.
"""

from __future__ import annotations

import os

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn


def world() -> tuple[int, int]:
    """(this process's rank, number of processes), as launchers say them, even before the processes have met."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def process_device(device: torch.device) -> torch.device:
    """This process's GPU where several share the machine, even before they have met."""
    local = os.environ.get("LOCAL_RANK")
    return torch.device("cuda", int(local)) if device.type == "cuda" and local else device


def process_rows(rows: int) -> NDArray[np.int64]:
    """Which of so many rows this process encodes: one run of neighbours."""
    rank, size = world()
    return np.array_split(np.arange(rows), size)[rank]


def exchange(vectors: Tensor, indices: Tensor, total: int) -> Tensor:
    """All processes' vectors, (total, D), of which this one has (own texts, D) at these indices."""
    if world()[1] == 1:
        return vectors
    whole = vectors.new_zeros(total, vectors.shape[1])
    whole[indices] = vectors
    dist.all_reduce(whole)  # every row is written by one process and zero elsewhere: the sum is exact
    return whole


def sum_gradients(model: nn.Module) -> None:
    """Add up the parameters' gradients over the processes, in the same order everywhere."""
    if world()[1] == 1:
        return
    for parameter in model.parameters():
        if parameter.requires_grad:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            dist.all_reduce(parameter.grad)


def in_any_process(flag: bool, device: torch.device) -> bool:
    """Whether the flag is set in any process."""
    if world()[1] == 1:
        return flag
    flags = torch.tensor(float(flag), device=device)
    dist.all_reduce(flags, op=dist.ReduceOp.MAX)
    return bool(flags)


def gather_states(state: Tensor) -> Tensor:
    """One row a process, of a state of the same size everywhere."""
    size = world()[1]
    if size == 1:
        return state[None]
    parts = [torch.empty_like(state) for _ in range(size)]
    dist.all_gather(parts, state)
    return torch.stack(parts)
