"""`python -m bench.finetune_cpu [RUNS]`: fine-tuning multilingual-e5-small for retrieval on the CPU, time and memory.

256 pairs of questions and passages (TURKEMBED_DATA/retrieval where that is set, else invented text), cut at 256
tokens; the embeddings and the lower six of twelve layers frozen, dropout 0. The stock side is
SentenceTransformerTrainer with MatryoshkaLoss over CachedMultipleNegativesRankingLoss at its fastest mini-batch, with
the same freezing. Ours starts from kept outputs of the frozen layers, as every step does from the second epoch on:
once with the activations that memory allows (`ours`), once with as few as possible (`lean`). The sides take turns, and
each step is a process of its own, so that the peak of its memory is its own. Needs the package index the first time.

Memory is what a process holds at the peak of the step; `more` is that less what it held before, with the model loaded.
Processor seconds stand beside those of the clock: other work on the machine disturbs them less.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from bench.common import Watched, ratio, write_result
from bench.train_step import our_step, our_trainer, pairs, stock_step
from src.errors import run_command

os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

PAIRS, TRIAL_PAIRS, RUNS = 256, 32, "3"
PRECISIONS = ("fp32", "bf16")
STEP: dict[str, Any] = {"dims": [384, 192, 96], "freeze_embeddings": True, "freeze_layers": 6}
KEPT = STEP | {"frozen_cache": "fp16"}
LEAN_TOKENS = 1024
GOAL, GOAL_MEMORY = 4.0, 0.5


def main(arguments: list[str]) -> None:
    """Measure in float32 and in bf16 on both sides; write reports/bench/finetune_cpu.json."""
    (runs,) = map(int, arguments or [RUNS])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["DVC_ROOT"] = name
        rows, source = pairs(PAIRS)
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=spawn, max_tasks_per_child=1) as pool:
            pool.submit(write_base, folder).result()
            float32, bf16 = (measure(pool, folder, rows, precision, runs) for precision in PRECISIONS)
    write_result(
        "finetune_cpu",
        float32.pop("value"),
        unit="times the pairs/s of the stock trainer at its best mini-batch",
        goal=GOAL,
        higher_is_better=True,
        ours=float32.pop("ours"),
        baseline=float32.pop("stock"),
        runs=runs,
        goal_memory=GOAL_MEMORY,
        **float32,
        bf16=bf16,
        data=source,
    )


def write_base(folder: Path) -> None:
    """The encoder without dropout as folder/base."""
    from src.evaluation.published import read_descriptor
    from src.model.encoder import save_encoder, set_dropout
    from src.model.load import load_encoder

    told = read_descriptor("multilingual-e5-small-q4")
    encoder = load_encoder(told.source, told.revision)
    set_dropout(encoder, 0.0)
    save_encoder(encoder, folder / "base")


def measure(
    pool: ProcessPoolExecutor, folder: Path, rows: list[dict[str, str]], precision: str, runs: int
) -> dict[str, Any]:
    """Find the stock trainer's best mini-batch, let ours fill its cache, then take turns."""
    few = rows[:TRIAL_PAIRS]
    trials = {size: pool.submit(stock, folder, few, size, precision).result()[0].cpu_seconds for size in (8, 16, 32)}
    best = min(trials, key=lambda size: trials[size])
    pool.submit(fill, folder, rows, precision).result()
    calls: dict[str, tuple[Any, ...]] = {"stock": (stock, best), "ours": (ours, False), "lean": (ours, True)}
    seen: dict[str, list[Watched]] = {side: [] for side in calls}
    losses: dict[str, float] = {}
    for _ in range(runs):
        for side, (step, option) in calls.items():
            taken, losses[side] = pool.submit(step, folder, rows, option, precision).result()
            print(precision, side, taken, losses[side], flush=True)
            seen[side].append(taken)
    if max(losses.values()) - min(losses.values()) > 1e-3 * min(losses.values()):
        raise SystemExit(f"not the same loss: {losses}")
    return {"precision": precision, "losses": losses, "mini_batch": best, "trials_cpu_seconds": trials} | compared(seen)


def stock(folder: Path, rows: list[dict[str, str]], mini_batch: int, precision: str) -> tuple[Watched, float]:
    """The stock trainer's step."""
    return stock_step(folder, rows, mini_batch, precision=precision, **STEP)


def fill(folder: Path, rows: list[dict[str, str]], precision: str) -> None:
    """Keep what frozen layers give for the rows, as a first epoch does."""
    our_trainer(folder, rows, precision=precision, **KEPT, epochs=2)


def ours(folder: Path, rows: list[dict[str, str]], lean: bool, precision: str) -> tuple[Watched, float]:
    """Our step from what frozen layers gave before."""
    if lean:
        return our_step(folder, rows, precision=precision, keep_tokens=0, mini_batch_tokens=LEAN_TOKENS, **KEPT)
    return our_step(folder, rows, precision=precision, **KEPT)


def compared(seen: dict[str, list[Watched]]) -> dict[str, Any]:
    """What each side took, and the ratios of medians to the stock side."""
    seconds = {side: [run.seconds for run in runs] for side, runs in seen.items()}
    cpu = {side: [run.cpu_seconds for run in runs] for side, runs in seen.items()}
    sides: dict[str, Any] = {}
    for side, runs in seen.items():
        peak = statistics.median(run.memory_peak for run in runs)
        more = statistics.median(run.memory_peak - run.memory_before for run in runs)
        sides[side] = {
            "pairs_per_second": round(PAIRS / statistics.median(seconds[side]), 2),
            "seconds": [round(value, 2) for value in seconds[side]],
            "cpu_seconds": [round(value, 2) for value in cpu[side]],
            "peak_memory_mb": peak,
            "more_memory_mb": more,
        }
    for side in ("ours", "lean"):
        sides[side] |= {
            "times_faster": round(ratio(seconds, "stock", side), 2),
            "times_faster_cpu_seconds": round(ratio(cpu, "stock", side), 2),
            "share_of_peak_memory": round(sides[side]["peak_memory_mb"] / sides["stock"]["peak_memory_mb"], 2),
            "share_of_more_memory": round(sides[side]["more_memory_mb"] / sides["stock"]["more_memory_mb"], 2),
        }
    return {"value": sides["ours"]["times_faster"], **sides}


if __name__ == "__main__":
    run_command(main, "[RUNS]", RUNS)
