"""`python -m bench.gpu`: the paper's training step on one GPU: one run of a few minutes, without a network.

GTE at its real size (random weights) takes retrieval steps in bf16 at batch 1,024 and, with no more than 40 GiB of
the GPU left free, 4,096, on random tokens in lengths like MS MARCO's. Measured: pairs and tokens a second, share of the
GPU's measured bf16 matrix peak, peak memory; at batch 1,024 in turn with the stock cached loss (mini-batch 32) on the
same encoder. Writes reports/bench/gpu_step.json. Without a GPU everything runs at toy size on the CPU, to prove
the script; then the file has no value.
"""

from __future__ import annotations

import gc
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from src.errors import run_command

GOAL_RATIO, GOAL_PEAK, GOAL_GIB = 3.0, 0.45, 40.0
# Tokens of queries and passages: mean and spread of the logarithm; MS MARCO is skewed to the right.
LENGTHS = ((12, 0.3), (93, 0.4))


@dataclass(frozen=True)
class Scale:
    """How large everything is."""

    size: dict[str, int]
    batches: tuple[int, ...]
    runs: int
    dims: tuple[int, ...]


REAL = Scale(
    {
        "vocab_size": 250048,
        "hidden_size": 768,
        "layers": 12,
        "heads": 12,
        "intermediate_size": 3072,
        "max_length": 512,
    },
    (1024, 4096),
    4,
    (768, 512, 256, 128, 64),
)
TOY = Scale(
    {"vocab_size": 500, "hidden_size": 32, "layers": 2, "heads": 2, "intermediate_size": 64, "max_length": 256},
    (64, 256),
    2,
    (32, 16),
)


def main(_: list[str]) -> None:
    """Measure what the machine allows and write it."""
    import torch

    from bench.common import build_gte, write_result
    from src.training.encoder import load_encoder
    from src.training.speed import matrix_peak

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    scale = REAL if device.type == "cuda" else TOY
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        model = load_encoder(build_gte(Path(folder) / "base", ["bir iki üç", "dört beş"] * 50, scale.size)).to(device)
    peak = matrix_peak(device)
    found = {
        str(batch): measure(Steps(model, scale, batch), batch == scale.batches[0], peak) for batch in scale.batches
    }
    real = device.type == "cuda"
    write_result(
        "gpu_step",
        found[str(scale.batches[0])]["times_faster_than_stock"] if real else None,
        unit="times faster than stock at mini-batch 32",
        goal=GOAL_RATIO,
        higher_is_better=True,
        ours=found,
        baseline={"what": "MatryoshkaLoss over CachedMNRL, mini-batch 32, the same encoder, optimizer and autocast"},
        runs=scale.runs,
        note="" if real else "No GPU: toy size on a CPU. It proves that the script runs and says nothing of a GPU.",
        matrix_peak_tflops=round(peak / 1e12, 2),
        goals={"share_of_peak": GOAL_PEAK, "peak_memory_gib_at_4096": GOAL_GIB},
    )


def measure(steps: Steps, with_stock: bool, peak: float) -> dict[str, Any]:
    """Speed and memory of our steps; `with_stock`: in turn with the stock loss, on all of the GPU."""
    import torch

    from bench.common import ratio
    from src.training.speed import peak_memory

    device = steps.device
    ballast = None if with_stock else fill(device)
    held = 0 if ballast is None else ballast.numel()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    steps.ours()
    memory = peak_memory(device) - held
    sides = {"ours": steps.ours} | ({"stock_32": steps.stock} if with_stock else {})
    seconds = time_in_turn(sides, steps.scale.runs, device)
    described = steps.described(statistics.median(seconds["ours"]), peak) | {"seconds": seconds}
    if with_stock:
        described["times_faster_than_stock"] = round(ratio(seconds, "stock_32", "ours"), 2)
    return described | {"peak_memory_gib": round(memory / 2**30, 2)}


def fill(device: Any) -> Any:
    """Bytes that leave 40 GiB of the GPU for everything else; None where it has no more."""
    import torch

    if device.type != "cuda":
        return None
    gc.collect()
    torch.cuda.empty_cache()  # what the batch before held would else count as taken, and yet be used
    free, total = torch.cuda.mem_get_info(device)
    surplus = total - int(GOAL_GIB * 2**30)
    return torch.empty(min(surplus, free), dtype=torch.uint8, device=device) if surplus > 0 else None


class Steps:
    """Optimizer steps on one random batch: ours and the stock loss's, on the same encoder."""

    def __init__(self, model: Any, scale: Scale, pairs: int) -> None:
        import torch

        from src.training.dataset import Rows
        from src.training.losses import Ranking
        from src.training.matryoshka import Matryoshka
        from src.training.memory import AUTO_TOKENS
        from src.training.step import CachedStep
        from src.training.tasks import Task, TaskBatches

        self.model, self.scale, self.pairs = model, scale, pairs
        self.device = next(model.parameters()).device
        ids = np.arange(2 * pairs).reshape(2, pairs).T
        self.tokens = random_tokens(pairs, scale.size)
        rows = Rows(Path("random"), ("anchor", "positive"), [], ids, None, ids, ids)
        loss = Ranking(Matryoshka.of(scale.dims), 0.05)
        task = Task(rows, self.tokens, loss, loss.plan(ids, pairs, 1, seed=0))
        batches = TaskBatches([task], AUTO_TOKENS[self.device.type])
        self.batch = task.batch(np.arange(pairs), batches.budget)
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5, fused=True)
        self.step = CachedStep(model, batches, autocast=self.autocast)

    def autocast(self) -> Any:
        """bf16 on a GPU, float32 on a CPU."""
        import torch

        return torch.autocast("cuda", torch.bfloat16) if self.device.type == "cuda" else nullcontext()

    def ours(self) -> None:
        """One step of ours."""
        from src.training.first_token import first_token_only

        with first_token_only(self.model):
            self.step.run(self.batch)
        self._update()

    def stock(self) -> None:
        """One step with the stock loss, its features padded to the longest text of a column, as its trainer does."""
        import torch
        from sentence_transformers.sentence_transformer import losses

        features = []
        for column in range(2):
            texts = np.arange(self.pairs) + column * self.pairs
            ids, mask = (torch.from_numpy(part).to(self.device) for part in self.tokens.padded(texts)[:2])
            features.append({"input_ids": ids, "attention_mask": mask})
        cached = losses.CachedMultipleNegativesRankingLoss(self.model, mini_batch_size=32)
        loss: Any = losses.MatryoshkaLoss(self.model, cached, list(self.scale.dims))
        with self.autocast():
            value = loss(features, None)
        value.backward()
        self._update()

    def _update(self) -> None:
        self.optimizer.step()
        self.optimizer.zero_grad()

    def described(self, seconds: float, peak: float) -> dict[str, Any]:
        """Speed of a step of so many seconds."""
        from src.training.speed import step_flops

        real = int(self.tokens.lengths.sum())
        flops = step_flops(self.model, real, 2 * self.pairs) / seconds
        computed = sum(part.tokens for part in self.batch.mini_batches)
        return {
            "pairs_per_second": round(self.pairs / seconds, 1),
            "tokens_per_second": round(real / seconds),
            "tflops": round(flops / 1e12, 3),
            "share_of_peak": round(flops / peak, 4),
            "padding_waste": round(computed / real - 1, 4),
            "encoded_once": round(self.step.cache.kept / computed, 4),
        }


def random_tokens(pairs: int, size: dict[str, int]) -> Any:
    """Tokens of `pairs` queries, then as many passages."""
    from src.training.dataset import Tokens

    random = np.random.default_rng(0)
    lengths = np.concatenate([random.lognormal(np.log(mean), spread, pairs) for mean, spread in LENGTHS])
    lengths = lengths.astype(np.int64).clip(4, size["max_length"])
    starts = np.concatenate([[0], np.cumsum(lengths)])
    return Tokens(
        random.integers(5, size["vocab_size"], starts[-1], dtype=np.int32),
        starts,
        pad_id=0,
        cut=np.arange(0),
    )


def time_in_turn(sides: dict[str, Callable[[], None]], runs: int, device: Any) -> dict[str, list[float]]:
    """Seconds of each side, in turn, the GPU's queue emptied before and after; one warm-up each."""
    import torch

    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for run in range(runs + 1):
        for name, side in sides.items():
            start = time.perf_counter()
            side()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            if run:
                seconds[name].append(round(time.perf_counter() - start, 4))
    return seconds


if __name__ == "__main__":
    run_command(main)
