"""Is a difference more than chance? Paired bootstrap intervals and paired randomisation tests over queries.

Both draw queries (or signs) once for all rows of the table, so that every comparison is paired and reproducible.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
LEVEL = 0.95
# Measures between which rows are compared; each is a family of its own in Holm's correction.
TESTED = ("P@1", "MRR@10", "nDCG@10")
_BLOCK = 512


def bootstrap_means(values: Values, resamples: int, seed: int) -> Values:
    """Means over resampled queries: (queries, columns) → (resamples, columns), columns resampled together."""
    count = len(values)
    generator = np.random.default_rng(seed)
    parts = []
    for size in _blocks(resamples):
        drawn = generator.integers(0, count, size=(size, count))
        weights = np.stack([np.bincount(row, minlength=count) for row in drawn])
        parts.append(weights @ values / count)
    return np.concatenate(parts)


def interval(means: Values) -> tuple[Values, Values]:
    """Percentile bounds at 95 % of resampled means (resamples, columns)."""
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return low, high


def intervals(rows: Mapping[str, Mapping[str, Values]], resamples: int, seed: int) -> dict[str, dict[str, list[float]]]:
    """{row: {measure: [low, high]}} for {row: {measure: (queries,)}}."""
    keys = [(row, measure) for row, values in rows.items() for measure in values]
    low, high = interval(
        bootstrap_means(np.stack([rows[row][measure] for row, measure in keys], axis=1), resamples, seed)
    )
    result: dict[str, dict[str, list[float]]] = {row: {} for row in rows}
    for (row, measure), lowest, highest in zip(keys, low, high, strict=True):
        result[row][measure] = [float(lowest), float(highest)]
    return result


def randomisation_p(differences: Values, resamples: int, seed: int) -> Values:
    """Two-sided p-values of paired randomisation tests: (queries, comparisons) → (comparisons,).

    Under the null hypothesis each query's difference may as well have the other sign. p is the share of `resamples`
    sign flips (the observed one included) whose mean is at least as far from zero as the observed mean (Smucker,
    Allan and Carterette, CIKM 2007).
    """
    generator = np.random.default_rng(seed)
    observed = np.abs(differences.sum(axis=0))
    # Sums that are equal but for rounding count as equal.
    threshold = observed - 1e-9 * np.maximum(1.0, observed)
    extreme = np.zeros(differences.shape[1])
    for size in _blocks(resamples):
        signs = generator.integers(0, 2, size=(size, len(differences))) * 2.0 - 1.0
        extreme += (np.abs(signs @ differences) >= threshold).sum(axis=0)
    return (extreme + 1) / (resamples + 1)


def holm(p_values: Sequence[float] | Values) -> Values:
    """Holm's step-down correction: p-values that may be compared with the level as they are (Holm 1979)."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected


def resamples_for(pairs: int, asked: int) -> int:
    """At least `asked`, and enough that the smallest p-value of `pairs` tests stays below the level after Holm."""
    return max(asked, int(np.ceil(2 * pairs / (1 - LEVEL))))


def compare(rows: Mapping[str, Mapping[str, Values]], resamples: int, seed: int) -> dict[str, Any]:
    """Every pair of rows on the tested measures: difference of means, its interval, p, p after Holm, verdict."""
    pairs = list(combinations(rows, 2))
    if not pairs:
        return {}
    flips = resamples_for(len(pairs), resamples)
    return {
        "interval": f"paired bootstrap, percentile, {resamples} resamples of queries, level {LEVEL:g}",
        "test": f"paired randomisation, two-sided, {flips} sign flips; Holm over {len(pairs)} pairs of each measure",
        "seed": seed,
        "pairs": {
            measure: _compare(rows, pairs, measure, resamples=resamples, flips=flips, seed=seed) for measure in TESTED
        },
    }


def _compare(
    rows: Mapping[str, Mapping[str, Values]],
    pairs: list[tuple[str, str]],
    measure: str,
    *,
    resamples: int,
    flips: int,
    seed: int,
) -> list[dict[str, Any]]:
    differences = np.stack([rows[a][measure] - rows[b][measure] for a, b in pairs], axis=1)
    low, high = interval(bootstrap_means(differences, resamples, seed))
    p = randomisation_p(differences, flips, seed)
    corrected = holm(p)
    return [
        {
            "a": a,
            "b": b,
            "difference": float(differences[:, i].mean()),
            "interval": [float(low[i]), float(high[i])],
            "p": float(p[i]),
            "p_holm": float(corrected[i]),
            "significant": bool(corrected[i] < 1 - LEVEL),
        }
        for i, (a, b) in enumerate(pairs)
    ]


def _blocks(total: int) -> Iterator[int]:
    """Sizes that add up to `total`, none so large that its draws would fill memory."""
    for start in range(0, total, _BLOCK):
        yield min(_BLOCK, total - start)
