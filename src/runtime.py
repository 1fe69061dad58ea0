"""The machine side of a run: threads, instruction set and device, set from params before torch is imported."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING

from src.errors import UserError

if TYPE_CHECKING:
    import torch

    from src.params.schema import RuntimeParams

# One ceiling for the three libraries that pick their kernels by processor, so that most x86-64 machines take the
# same path and round alike.
_INSTRUCTION_SETS = {
    "avx2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "AVX2,STRICT"},
    "native": {},
}


def set_environment(runtime: RuntimeParams) -> None:
    """Set the variables that torch, MKL, oneDNN and the Hub client read when they are imported; so call it first."""
    threads = str(runtime.threads)
    os.environ.update(_INSTRUCTION_SETS[runtime.instruction_set])
    os.environ.update({"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "OMP_WAIT_POLICY": "PASSIVE"})
    os.environ["TOKENIZERS_PARALLELISM"] = "true" if runtime.threads > 1 else "false"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    if not sys.stderr.isatty():  # in a log, others' bars show a state every half minute, as ours do (src/progress.py)
        os.environ.update({"TQDM_MININTERVAL": "30", "TQDM_MAXINTERVAL": "30"})
    if runtime.offline:
        os.environ.update({"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"})
    if runtime.deterministic:
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"


def imported(name: str) -> ModuleType:
    """A module, imported while Python's garbage collector rests; what it holds is never looked through later either.

    Torch and its kin make a million objects and no garbage: looking for some took a quarter of a stage's start.
    """
    gc.disable()
    module = importlib.import_module(name)
    gc.freeze()
    gc.enable()
    return module


def use_threads(runtime: RuntimeParams) -> None:
    """Hold torch to the number of threads in params and, where asked, to deterministic kernels."""
    import torch

    torch.set_num_threads(runtime.threads)
    torch.use_deterministic_algorithms(runtime.deterministic, warn_only=True)
    # Nothing here reads memory before it writes it; to fill that first took a tenth of a step's time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def device(runtime: RuntimeParams) -> torch.device:
    """The device that params name; `auto` is the GPU where there is one.

    Raises:
        UserError: params ask for CUDA and there is none.
    """
    import torch

    if runtime.device == "cuda" and not torch.cuda.is_available():
        raise UserError("params.yaml: runtime.device is cuda, but torch sees no GPU; use auto or cpu")
    if runtime.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(runtime.device)
