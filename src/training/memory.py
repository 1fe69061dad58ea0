"""How many token positions of activations fit into memory, so that their texts need not be encoded twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psutil
import torch
from torch import Tensor, nn

from src.training.distributed import world

# Token positions encoded at once where params say `auto`. On a CPU the activations of a mini-batch should stay in its
# cache (measured: 1,024 to 2,048 are fastest at 128 to 256 dimensions); a GPU wants enough rows to fill its cores.
AUTO_TOKENS = {"cpu": 2048, "cuda": 32768}

_CPU_SHARE = 0.25  # of the free memory; the rest is for the system and the user's other programs
_GPU_SHARE = 0.85
_ADAM_AND_GRADIENT = 12  # bytes a trained parameter needs beside its weight: gradient and two moments in float32


def saved_bytes(encode: Callable[[], Tensor], model: nn.Module) -> int:
    """Bytes that one encoding keeps for its backward pass, weights not counted."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    seen: dict[int, int] = {}

    def count(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            seen[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        encode()  # the graph, and what it keeps, is let go when this returns
    return sum(seen.values())


def free_bytes(device: torch.device, model: nn.Module) -> int:
    """Bytes that activations may take on the device, after what the optimizer will need."""
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        free = _GPU_SHARE * (torch.cuda.mem_get_info(device)[0] + unused)
    else:
        free = _CPU_SHARE * _free_on_host() / world()[1]
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    return max(0, int(free) - _ADAM_AND_GRADIENT * trained)


def _free_on_host() -> int:
    """Bytes free on the machine or in this process's container, whichever is less."""
    free = int(psutil.virtual_memory().available)
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    try:
        return min(free, int(limit.read_text()) - int(used.read_text()))
    except (OSError, ValueError):  # no container, or no limit ("max")
        return free


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the GPU or the machine has no memory left."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
