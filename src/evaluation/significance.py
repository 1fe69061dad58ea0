"""Is a difference more than chance? Paired bootstrap intervals and paired randomisation tests over clusters of queries.

Queries that share a relevant document are not independent: five questions on one paragraph succeed and fail together.
So what is drawn, or given another sign, is the cluster of queries that relevant documents connect, as a whole (the
cluster bootstrap; Field and Welsh 2007). Where no two queries share a document, each is a cluster of its own.

Clusters (or signs) are drawn once for all rows of the table, so that every comparison is paired and reproducible.
Intervals and sign flips are ours although scipy has both. Where queries are independent, `scipy.stats.bootstrap` gives
the same bounds and `permutation_test` the same p-values (tests/unit/test_significance.py), but they know no clusters
and take longer over many columns: a table's bootstrap was measured at 0.3 s here and 1.4 to 19 s there, by its batches;
100,000 sign flips of clusters of documents at 7.4 s and 46 s. scipy has no Holm, and statsmodels is no dependency.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from src.evaluation.metrics import TESTED
from src.evaluation.results import Pair, Significance, Tested

if TYPE_CHECKING:
    from src.evaluation.beir import Qrels
    from src.params.schema import EvalParams

Values = NDArray[np.float64]
Clusters = NDArray[np.int64]
Drawn = NDArray[np.int64]
LEVEL = 0.95
FLIPS = 100_000  # of signs, at least: the smallest p-value is 1 / (FLIPS + 1), so a correction leaves it small
EXACT = 16  # clusters up to which all sign flips, 2 to their number, are taken
_BLOCK = 512


@dataclass(frozen=True)
class Draws:
    """Resamples of the bootstrap, and the seed of all that is drawn."""

    resamples: int
    seed: int

    @classmethod
    def of(cls, options: EvalParams) -> Draws:
        """As params have them."""
        return cls(options.bootstrap_resamples, options.seed)


def clusters_of(qrels: Qrels) -> Clusters:
    """The cluster of every query of `qrels`, in their order: (queries,) numbers from 0, by first appearance.

    Two queries are of one cluster where they share a relevant document (a judgement of 1 or more), directly or through
    others.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    edges = [(row, name) for row, judged in enumerate(qrels.values()) for name, score in judged.items() if score > 0]
    documents = {name: len(qrels) + number for number, name in enumerate(dict.fromkeys(name for _, name in edges))}
    ends = [row for row, _ in edges], [documents[name] for _, name in edges]
    size = len(qrels) + len(documents)
    _, component = connected_components(coo_array((np.ones(len(edges)), ends), shape=(size, size)), directed=False)
    clusters: Clusters = component[: len(qrels)].astype(np.int64)
    return clusters


def resampled(draws: Draws, count: int) -> Iterator[Drawn]:
    """Blocks of resamples, (resamples, count) numbers below `count`: what every bootstrap draws."""
    generator = np.random.default_rng(draws.seed)
    for size in _blocks(draws.resamples):
        yield generator.integers(0, count, size=(size, count))


def bootstrap_means(values: Values, draws: Draws, clusters: Clusters) -> Values:
    """Means over resampled clusters: (queries, columns) → (resamples, columns), columns resampled together.

    A resample holds as many clusters as there are; its mean is that of all queries in it.
    """
    sums, sizes = _sums(values, clusters), np.bincount(clusters)
    parts = []
    for drawn in resampled(draws, len(sizes)):
        weights = np.stack([np.bincount(row, minlength=len(sizes)) for row in drawn])
        parts.append(weights @ sums / (weights @ sizes)[:, None])
    return np.concatenate(parts)


def resampled_rows(draws: Draws, clusters: Clusters) -> Iterator[Drawn]:
    """The queries of each resample of clusters, for statistics that are no mean."""
    members = np.split(np.argsort(clusters, kind="stable"), np.cumsum(np.bincount(clusters))[:-1])
    for drawn in resampled(draws, len(members)):
        yield from (np.concatenate([members[cluster] for cluster in row]) for row in drawn)


def _sums(values: Values, clusters: Clusters) -> Values:
    """Sums of each cluster's rows: (queries, columns) → (clusters, columns)."""
    sums = np.zeros((clusters.max() + 1, values.shape[1]))
    np.add.at(sums, clusters, values)
    return sums


def interval(means: Values) -> tuple[Values, Values]:
    """Percentile bounds at 95 % of resampled means (resamples, columns)."""
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return low, high


def intervals(
    rows: Mapping[str, Mapping[str, Values]], draws: Draws, clusters: Clusters
) -> dict[str, dict[str, list[float]]]:
    """{row: {measure: [low, high]}} for {row: {measure: (queries,)}}."""
    keys = [(row, measure) for row, values in rows.items() for measure in values]
    stacked = np.stack([rows[row][measure] for row, measure in keys], axis=1)
    low, high = interval(bootstrap_means(stacked, draws, clusters))
    result: dict[str, dict[str, list[float]]] = {row: {} for row in rows}
    for (row, measure), lowest, highest in zip(keys, low, high, strict=True):
        result[row][measure] = [float(lowest), float(highest)]
    return result


def randomisation_p(differences: Values, seed: int, clusters: Clusters) -> Values:
    """Two-sided p-values of paired randomisation tests: (queries, comparisons) → (comparisons,).

    Under the null hypothesis each cluster's differences may as well have the other sign. p is the share of sign flips
    whose sum is at least as far from zero as the observed sum (Smucker, Allan and Carterette, CIKM 2007): of all of
    them for EXACT clusters or fewer, else of FLIPS drawn ones and the observed one.
    """
    sums = _sums(differences, clusters)
    observed = np.abs(sums.sum(axis=0))
    # Sums that are equal but for rounding count as equal.
    threshold = observed - 1e-9 * np.maximum(1.0, observed)
    extreme = np.zeros(differences.shape[1])
    for signs in _signs(len(sums), seed):
        extreme += (np.abs(signs @ sums) >= threshold).sum(axis=0)
    return extreme / 2 ** len(sums) if len(sums) <= EXACT else (extreme + 1) / (FLIPS + 1)


def _signs(count: int, seed: int) -> Iterator[Values]:
    """Blocks of sign flips, (flips, clusters): all there are, or FLIPS drawn ones."""
    if count <= EXACT:
        bits = np.arange(2**count)[:, None] >> np.arange(count) & 1
        yield np.asarray(bits * 2.0 - 1.0, dtype=np.float64)
        return
    generator = np.random.default_rng(seed)
    for size in _blocks(FLIPS):
        yield np.asarray(generator.integers(0, 2, size=(size, count)) * 2.0 - 1.0, dtype=np.float64)


def p_floor(clusters: Clusters) -> float:
    """The smallest p-value that the randomisation test can give."""
    count = int(clusters.max()) + 1
    return 2.0 / 2**count if count <= EXACT else 1 / (FLIPS + 1)


def holm(p_values: Sequence[float] | Values) -> Values:
    """Holm's step-down correction: p-values that may be compared with the level as they are (Holm 1979)."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected


def compare(rows: Mapping[str, Mapping[str, Values]], draws: Draws, clusters: Clusters) -> Significance:
    """Every pair of rows on the tested measures: difference of means, its interval, p, p after Holm, verdict."""
    pairs = list(combinations(rows, 2))
    if not pairs:
        return {}
    tested: dict[str, list[Pair]] = {}
    for measure in TESTED:
        differences = np.stack([rows[a][measure] - rows[b][measure] for a, b in pairs], axis=1)
        tests = tested_differences(differences, draws, clusters)
        tested[measure] = [{"a": a, "b": b, **test} for (a, b), test in zip(pairs, tests, strict=True)]
    return {
        "interval": interval_words(draws, clusters),
        "test": f"{test_words(clusters)}; Holm over {len(pairs)} pairs of each measure",
        "p_floor": p_floor(clusters),
        "seed": draws.seed,
        "pairs": tested,
    }


def tested_differences(differences: Values, draws: Draws, clusters: Clusters) -> list[Tested]:
    """Differences of queries (queries, comparisons), tested as one family."""
    bounds = interval(bootstrap_means(differences, draws, clusters))
    return verdicts(differences.mean(axis=0), bounds, randomisation_p(differences, draws.seed, clusters))


def interval_words(draws: Draws, clusters: Clusters) -> str:
    """How intervals are made, for a table's note."""
    return f"paired bootstrap, percentile, {draws.resamples} resamples of {_drawn(clusters)}, level {LEVEL:g}"


def test_words(clusters: Clusters) -> str:
    """How p-values are made, for a table's note."""
    count = int(clusters.max()) + 1
    flips = f"all {2**count}" if count <= EXACT else f"{FLIPS}"
    return f"paired randomisation, two-sided, {flips} sign flips of {_drawn(clusters)}"


def _drawn(clusters: Clusters) -> str:
    count = int(clusters.max()) + 1
    if count == len(clusters):
        return f"{count} queries"
    return f"{count} clusters of the {len(clusters)} queries, connected by relevant documents"


def verdicts(differences: Values, bounds: tuple[Values, Values], p: Values) -> list[Tested]:
    """Differences (comparisons,) with their bounds and p-values, corrected as one family."""
    corrected = holm(p)
    return [
        {
            "difference": float(difference),
            "interval": [float(bounds[0][number]), float(bounds[1][number])],
            "p": float(p[number]),
            "p_holm": float(corrected[number]),
            "significant": bool(corrected[number] < 1 - LEVEL),
        }
        for number, difference in enumerate(differences)
    ]


def _blocks(total: int) -> Iterator[int]:
    """Sizes that add up to `total`, none so large that its draws would fill memory."""
    for start in range(0, total, _BLOCK):
        yield min(_BLOCK, total - start)
