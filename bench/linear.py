"""`python -m bench.linear`: how the time of an epoch grows with rows and with the batch size, 256 to 4,096 pairs.

The same 4,096 pairs (random tokens, lengths like MS MARCO's cut at 48) pass through a small GTE (2 layers, 256
dimensions) in batches of 256, 1,024 and 4,096, once with every text encoded twice, as a batch beyond memory needs,
and once with the activations kept that `mini_batch_tokens: auto` would keep. The first is like with like, and its
value is judged; the second also shows what memory buys: a batch that fits is spared its second encoding.
Measured in CPU seconds of one thread, which other programs on the machine disturb less than the clock on the wall.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.errors import run_command

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

if TYPE_CHECKING:
    from src.training.dataset import Tokens
    from src.training.step import CachedStep

ROWS, BATCHES, DIMS, GOAL = 4096, (256, 1024, 4096), (256, 128, 64, 32), 1.15
SIZE = {
    "vocab_size": 12000,
    "hidden_size": 256,
    "layers": 2,
    "heads": 4,
    "intermediate_size": 512,
    "max_length": 48,
}


def main(_: list[str]) -> None:
    """An epoch of each batch size in both ways; write how far the slowest is from the fastest."""
    import torch

    from bench.common import build_gte, write_result
    from bench.gpu import random_tokens
    from src.training.encoder import load_encoder

    torch.set_num_threads(1)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        model = load_encoder(build_gte(Path(folder) / "base", ["bir iki üç", "dört beş"] * 50, SIZE))
    tokens = random_tokens(ROWS, SIZE)
    # Memory that a process takes for the first time is slow, and what it held counts as taken: so once ahead of all.
    keep = int(epoch(model, tokens, BATCHES[-1], None)["keep_tokens"])
    twice = {size: epoch(model, tokens, size, 0) for size in BATCHES}
    as_fits = {size: epoch(model, tokens, size, keep) for size in BATCHES}
    half = epoch(model, tokens, BATCHES[0], 0, rows=ROWS // 2)
    write_result(
        "linear",
        spread(twice),
        unit="times the fastest batch size's epoch, all texts encoded twice",
        goal=GOAL,
        higher_is_better=False,
        ours={"encoded_twice": twice, "as_memory_allows": as_fits, "clock": "CPU seconds of one thread"},
        as_memory_allows=spread(as_fits),
        rows_doubled=round(twice[BATCHES[0]]["seconds"] / half["seconds"], 3),
    )


def spread(epochs: dict[int, dict[str, float]]) -> float:
    """Seconds of the slowest epoch over those of the fastest."""
    seconds = [found["seconds"] for found in epochs.values()]
    return round(max(seconds) / min(seconds), 3)


def epoch(model: Any, tokens: Tokens, size: int, keep_tokens: int | None, rows: int = ROWS) -> dict[str, float]:
    """Seconds of the parts of an epoch in batches of `size`, padding waste, and the share of tokens encoded once."""
    import torch

    from src.training.first_token import first_token_only

    step, clock = stepper(model, tokens, keep_tokens), Clock()
    clock.watch(step)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5, fused=True)
    computed = kept = 0
    start = time.process_time()
    with first_token_only(model):
        for first in range(0, rows, size):
            batch = step.batches.tasks[0].batch(np.arange(first, first + size), step.batches.budget)
            step.run(batch)
            computed += sum(part.tokens for part in batch.mini_batches)
            kept += step.cache.kept
            clock.timed("optimizer", optimizer.step)()
            optimizer.zero_grad()
    seconds = time.process_time() - start
    real = int(tokens.lengths[:rows].sum() + tokens.lengths[ROWS : ROWS + rows].sum())
    described = {"seconds": round(seconds, 2), "padding_waste": round(computed / real - 1, 3)}
    described |= {"encoded_once": round(kept / computed, 3), "keep_tokens": step.keep_tokens or 0}
    return described | clock.parts()


def stepper(model: Any, tokens: Tokens, keep_tokens: int | None) -> CachedStep:
    """Our step on these tokens; `keep_tokens` None: as memory allows."""
    from src.training.dataset import Rows
    from src.training.losses import Ranking
    from src.training.matryoshka import Matryoshka
    from src.training.memory import AUTO_TOKENS
    from src.training.step import CachedStep
    from src.training.tasks import Task, TaskBatches

    ids = np.arange(2 * ROWS).reshape(2, ROWS).T
    rows = Rows(Path("random"), ("anchor", "positive"), [], ids, None, ids, ids)
    loss = Ranking(Matryoshka.of(DIMS), 0.05)
    task = Task(rows, tokens, loss, loss.plan(ids, ROWS, 1, seed=0))
    return CachedStep(model, TaskBatches([task], AUTO_TOKENS["cpu"]), keep_tokens=keep_tokens)


class Clock:
    """CPU seconds by part of a step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its time counted for a part."""

        def counted(*arguments: Any) -> Any:
            start = time.process_time()
            try:
                return function(*arguments)
            finally:
                self.seconds[part] = self.seconds.get(part, 0.0) + time.process_time() - start

        return counted

    def watch(self, step: CachedStep) -> None:
        """Count the parts of a step; backward includes the second encodings."""
        cache: Any = step.cache
        cache.forward = self.timed("forward", cache.forward)
        cache._encode_again = self.timed("second_forward", cache._encode_again)
        cache.backward = self.timed("backward", cache.backward)
        step.build_cache = self.timed("loss", step.build_cache)  # type: ignore[method-assign]

    def parts(self) -> dict[str, float]:
        """Seconds of each part, backward without the second encodings."""
        again = self.seconds.setdefault("second_forward", 0.0)
        found = self.seconds | {"backward": self.seconds["backward"] - again}
        return {f"{part}_seconds": round(seconds, 2) for part, seconds in found.items()}


if __name__ == "__main__":
    run_command(main)
