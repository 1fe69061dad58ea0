"""How fast a run is: a line a step in logs/, which git does not track since it is different every time."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from torch import nn

from src.training.first_token import last_layer
from src.training.tasks import Batch


class SpeedLog:
    """Counts what a step computes and how long it takes."""

    def __init__(self, path: Path | None, model: nn.Module, device: torch.device) -> None:
        """`path` None: nothing is written."""
        self.path, self.device = path, device
        self.model = model
        self.peak = matrix_peak(device) if path else 0.0
        self._start = time.perf_counter()

    def write(self, **event: Any) -> None:
        """Write one line."""
        if self.path:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(event) + "\n")

    def begin(self) -> None:
        """A step starts."""
        self._start = time.perf_counter()

    def step(self, number: int, batch: Batch, kept: int) -> None:
        """A step has ended. `kept`: token positions that were encoded once instead of twice."""
        if not self.path:
            return
        seconds = time.perf_counter() - self._start
        computed = sum(part.tokens for part in batch.mini_batches)
        real = int(sum(int(part.mask.sum()) for part in batch.mini_batches))
        texts = sum(len(part.indices) for part in batch.mini_batches)
        skipped = all(part.states is not None for part in batch.mini_batches)
        flops = step_flops(self.model, real, texts, skipped) / seconds
        self.write(
            step=number,
            seconds=round(seconds, 4),
            pairs_per_second=round(len(batch.rows) / seconds, 1),
            tokens_per_second=round(real / seconds),
            padding_waste=round(computed / real - 1, 4),
            encoded_once=round(kept / computed, 4),
            gflops=round(flops / 1e9, 1),
            share_of_peak=round(flops / self.peak, 4),
            peak_memory_mb=round(peak_memory(self.device) / 1e6),
        )


def step_flops(model: nn.Module, tokens: int, texts: int, skipped: bool = False) -> int:
    """Arithmetic that a step must do: 2 FLOP a parameter and token forward, 4 backward (Kaplan et al. 2020).

    A frozen layer needs no gradient of its weights (2 less), and where nothing below it is trained none of its input
    (2 less). The embedding table and attention scores are left out, and so is what the last layer does where only its
    first token is read (`first_token`): at one token a text. Padding and second encodings are not counted, so they
    lower the share of the peak.

    Args:
        skipped: the step starts from kept outputs of the frozen layers (`frozen`), which then do nothing.
    """
    layers = [child for name, child in model.named_modules() if name.endswith("layers") or name.endswith("layer")]
    stack = next((child for child in layers if isinstance(child, nn.ModuleList)), nn.ModuleList())
    last = last_layer(model) if isinstance(model, SentenceTransformer) else None
    below = any(weight.requires_grad for name, weight in model.named_parameters() if "embeddings" in name)
    flops = 0
    for layer in stack:
        trained = any(weight.requires_grad for weight in layer.parameters())
        factor = 6 if trained else 4 if below else 0 if skipped else 2
        below |= trained
        parts = (layer.self_attn.q_proj, layer.self_attn.o_proj, layer.mlp) if layer is last else ()
        once = sum(weight.numel() for part in parts for weight in part.parameters())
        everywhere = sum(weight.numel() for weight in layer.parameters()) - once
        flops += factor * (everywhere * tokens + once * texts)
    return flops


def peak_memory(device: torch.device) -> int:
    """Most bytes held so far: by tensors on a GPU, by the process on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def matrix_peak(device: torch.device) -> float:
    """FLOP/s of a large square matrix product, the best of a few; bf16 on a GPU and float32 on a CPU."""
    size = 8192 if device.type == "cuda" else 1024
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    matrix = torch.ones(size, size, device=device, dtype=dtype)
    best = 0.0
    for _ in range(5):
        start = time.perf_counter()
        matrix @ matrix
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = max(best, 2 * size**3 / (time.perf_counter() - start))
    return best
