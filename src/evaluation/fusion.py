"""Two rankings as one: reciprocal rank fusion."""

from __future__ import annotations

from collections.abc import Sequence

from src.evaluation.runs import Run, order

# The constant of Cormack, Clarke and Büttcher (SIGIR 2009): how much the first ranks stand out.
RRF_K = 60


def reciprocal_rank_fusion(runs: Sequence[Run], depth: int, k: int = RRF_K) -> Run:
    """Score each document by the sum over runs of 1 / (k + rank); a run without it adds nothing."""
    fused: Run = {}
    for query in dict.fromkeys(query for run in runs for query in run):
        scores: dict[str, float] = {}
        for run in runs:
            for rank, (document, _) in enumerate(run.get(query, []), 1):
                scores[document] = scores.get(document, 0.0) + 1.0 / (k + rank)
        fused[query] = order(list(scores.items()))[:depth]
    return fused
