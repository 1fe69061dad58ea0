"""`python -m bench.topk`: exact top-100 of 300 queries over a million vectors of 768 dimensions, and its memory.

Beside it a plain flat search in torch: one matrix product over all documents, then topk.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.common import ratio, write_result
from src.errors import run_command
from src.evaluation.topk import search

DOCUMENTS, DIM, QUERIES, K, RUNS = 1_000_000, 768, 300, 100, 3
GOAL_GIB = 1.5


def main(_: list[str]) -> None:
    """Time both searches in turn, compare their answers, write the peak memory of ours above the vectors."""
    documents, queries = unit_vectors(DOCUMENTS, 0), unit_vectors(QUERIES, 1)
    sides: dict[str, Callable[[], tuple[Any, Any]]] = {
        "ours": lambda: search(queries, documents, K),
        "flat": lambda: flat(queries, documents),
    }
    answers, seconds, peaks = {}, {name: [] for name in sides}, {name: [] for name in sides}  # type: ignore[var-annotated]
    for run in range(1 + RUNS):
        for name, side in sides.items():
            before = reset_peak()
            start = time.perf_counter()
            answers[name] = side()
            took = time.perf_counter() - start
            if run:
                seconds[name].append(round(took, 3))
                peaks[name].append(round((peak() - before) / 2**30, 3))
    write_result(
        "topk",
        max(peaks["ours"]),
        unit="GiB above the vectors",
        goal=GOAL_GIB,
        higher_is_better=False,
        ours={"seconds": seconds["ours"], "peak_gib": peaks["ours"]},
        baseline={"what": "torch flat search", "seconds": seconds["flat"], "peak_gib": peaks["flat"]},
        runs=RUNS,
        times_as_fast=round(ratio(seconds, "flat", "ours"), 3),
        median_seconds={name: statistics.median(taken) for name, taken in seconds.items()},
        same_documents=same(answers["ours"][1], answers["flat"][1]),
        size={"documents": DOCUMENTS, "dim": DIM, "queries": QUERIES, "k": K},
        note="ours also scales vectors to unit length, orders ties by row and computes final scores in float64",
    )


def unit_vectors(count: int, seed: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Random unit vectors (count, 768), made in place so that making them leaves no peak behind."""
    generator = np.random.default_rng(seed)
    vectors = np.empty((count, DIM), dtype=np.float32)
    for start in range(0, count, 50_000):
        block = vectors[start : start + 50_000]
        generator.standard_normal(out=block, dtype=np.float32)
        block /= np.linalg.norm(block, axis=1, keepdims=True)
    return vectors


def flat(queries: Any, documents: Any) -> tuple[Any, Any]:
    """Scores and rows of the plain search."""
    found = (torch.from_numpy(queries) @ torch.from_numpy(documents).T).topk(K)
    return found.values.numpy(), found.indices.numpy()


def same(ours: Any, theirs: Any) -> float:
    """Share of the flat search's documents that ours finds too, in any order."""
    return float(np.mean([len(np.intersect1d(a, b)) / K for a, b in zip(ours, theirs, strict=True)]))


def reset_peak() -> int:
    """Set the kernel's record of peak memory back to what is resident now (bytes), and return that."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _status("VmRSS")


def peak() -> int:
    """Peak resident memory since the reset, in bytes."""
    return _status("VmHWM")


def _status(key: str) -> int:
    found = re.search(rf"{key}:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    if not found:
        raise SystemExit(f"/proc/self/status has no {key}: memory is measured on Linux only")
    return int(found.group(1)) * 1024


if __name__ == "__main__":
    run_command(main)
