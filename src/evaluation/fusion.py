"""Several rankings as one: by ranks (reciprocal rank fusion) or by scores (sum of z-scores)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from src.evaluation.runs import Run, order
from src.recipe.systems import HYBRIDS

# The constant of Cormack, Clarke and Büttcher (SIGIR 2009): how much the first ranks stand out.
RRF_K = 60


def reciprocal_rank_fusion(runs: Sequence[Run], depth: int) -> Run:
    """Score each document by the sum over runs of 1 / (RRF_K + rank); a run without it adds nothing."""
    fused: Run = {}
    for query, rankings in _by_query(runs):
        scores: dict[str, float] = {}
        for ranking in rankings:
            for rank, document in enumerate(ranking, 1):
                scores[document] = scores.get(document, 0.0) + 1.0 / (RRF_K + rank)
        fused[query] = order(list(scores.items()))[:depth]
    return fused


def z_score_sum(runs: Sequence[Run], depth: int) -> Run:
    """Score each document by the sum over runs of its z-score among the query's candidates, the hits of any run.

    A candidate that a run lacks gets that run's lowest score: it came after all that were kept. A run without hits, or
    whose hits all score alike, adds nothing.
    """
    fused: Run = {}
    for query, rankings in _by_query(runs):
        candidates = sorted({document for ranking in rankings for document in ranking})
        scores = np.sum([_z_scores(ranking, candidates) for ranking in rankings], axis=0)
        fused[query] = order(list(zip(candidates, scores.tolist(), strict=True)))[:depth]
    return fused


Fusion = Callable[[Sequence[Run], int], Run]
FUSIONS: dict[str, Fusion] = dict(zip(HYBRIDS, (reciprocal_rank_fusion, z_score_sum), strict=True))


def _by_query(runs: Sequence[Run]) -> Iterator[tuple[str, list[dict[str, float]]]]:
    """Each query of any run, with each run's scores of its documents, best first."""
    for query in dict.fromkeys(query for run in runs for query in run):
        yield query, [dict(run.get(query, [])) for run in runs]


def _z_scores(ranking: Mapping[str, float], candidates: Sequence[str]) -> NDArray[np.float64]:
    if len(set(ranking.values())) < 2:
        return np.zeros(len(candidates))
    lowest = min(ranking.values())
    scores = np.array([ranking.get(document, lowest) for document in candidates])
    standardised: NDArray[np.float64] = (scores - scores.mean()) / scores.std()
    return standardised
