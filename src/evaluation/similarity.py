"""Semantic similarity of sentence pairs: the correlations of the paper's Table III, and how they change in training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from src.data.prepared import read_rows
from src.errors import UserError
from src.evaluation.results import Change
from src.evaluation.significance import Draws, interval, resampled

Vectors = NDArray[np.float64]
Values = NDArray[np.float64]
SIDES = ("first", "second")  # of a pair


@dataclass(frozen=True)
class Pairs:
    """Sentence pairs with gold scores (0–5)."""

    first: list[str]
    second: list[str]
    scores: Values

    def columns(self) -> dict[str, list[str]]:
        """The sentences of both sides, by their names."""
        return dict(zip(SIDES, (self.first, self.second), strict=True))


def read_pairs(path: Path) -> Pairs:
    """Raises UserError where a column is missing, or where all scores are the same, so that nothing can correlate."""
    rows = list(read_rows(path, ("sentence1", "sentence2"), "score"))
    scores = np.array([row["score"] for row in rows], dtype=np.float64)
    if len(np.unique(scores)) < 2:
        raise UserError(f"{path}: {len(rows)} pairs with one score; a correlation needs two different scores or more")
    return Pairs([row["sentence1"] for row in rows], [row["sentence2"] for row in rows], scores)


def unit(vectors: NDArray[np.float32], dim: int) -> Vectors:
    """The first `dim` dimensions (n, dim) at unit length, in float64."""
    cut = np.asarray(vectors[:, :dim], dtype=np.float64)
    return cut / np.maximum(np.linalg.norm(cut, axis=1, keepdims=True), np.finfo(np.float64).tiny)


def cosine(a: Vectors, b: Vectors) -> Values:
    """Of each row of a with the same row of b, rounded to float32: what differs by less is a tie."""
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return _round((a * b).sum(axis=1) / np.maximum(lengths, np.finfo(np.float64).tiny))


def _round(values: Values) -> Values:
    return values.astype(np.float32).astype(np.float64)


# Distances count negatively, so that more is more similar.
SIMILARITIES: dict[str, Callable[[Vectors, Vectors], Values]] = {
    "cosine": cosine,
    "dot": lambda a, b: (a * b).sum(axis=1),
    "euclidean": lambda a, b: -np.linalg.norm(a - b, axis=1),
    "manhattan": lambda a, b: -np.abs(a - b).sum(axis=1),
}


def similarities(first: Vectors, second: Vectors) -> dict[str, Values]:
    """{similarity: (pairs,)} of the vectors' rows, rounded to float32."""
    return {name: _round(similarity(first, second)) for name, similarity in SIMILARITIES.items()}


def correlation(values: Values, scores: Values) -> dict[str, float]:
    """Both correlations of the similarities of pairs with gold scores."""
    return {"spearman": spearman(values, scores), "pearson": pearson(values, scores)}


def pearson(a: Values, b: Values) -> float:
    """Pearson's correlation; 0 where a side does not vary."""
    return float(_pearson(a[None], b[None])[0])


def spearman(a: Values, b: Values) -> float:
    """Spearman's correlation: Pearson's of the ranks, ties sharing their mean rank."""
    return pearson(rankdata(a), rankdata(b))


def _pearson(a: Values, b: Values) -> Values:
    """Of each row of a with the same row of b: (n, pairs) → (n,)."""
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    scale = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    return np.divide((a * b).sum(axis=1), scale, out=np.zeros(len(a)), where=scale > 0)


def triplets_right(anchor: Vectors, positive: Vectors, negative: Vectors) -> NDArray[np.bool_]:
    """(triplets,) whether the positive is nearer to the anchor by cosine than the negative; a tie is no success."""
    right: NDArray[np.bool_] = cosine(anchor, positive) > cosine(anchor, negative)
    return right


def forgetting(before: Values, after: Values, scores: Values, draws: Draws) -> list[Change]:
    """What Spearman's correlation lost between two checkpoints, a row each; a positive drop means that it fell.

    Args:
        before, after: (rows, pairs) cosines of the same pairs by the two checkpoints, such as a row a dimension.

    Returns:
        Of each row before, after, drop, the paired bootstrap interval of the drop (pairs resampled, the same ones for
        all rows), and a verdict in words.
    """
    drawn = resampled_spearman(np.concatenate([before, after]), scores, draws)
    bounds = interval(drawn[:, : len(before)] - drawn[:, len(before) :])
    return [
        _change(spearman(first, scores), spearman(last, scores), low, high)
        for first, last, low, high in zip(before, after, *bounds, strict=True)
    ]


def _change(before: float, after: float, low: float, high: float) -> Change:
    verdict = "fell" if low > 0 else "rose" if high < 0 else "no significant change"
    return {
        "before": before,
        "after": after,
        "drop": before - after,
        "interval": [float(low), float(high)],
        "verdict": verdict,
    }


def resampled_spearman(cosines: Values, scores: Values, draws: Draws) -> Values:
    """Spearman's correlation of each row (rows, pairs) with the gold scores, in resamples of the pairs.

    Returns:
        (resamples, rows); the pairs are drawn for all rows together.
    """
    parts = []
    for drawn in resampled(draws, len(scores)):
        gold = rankdata(scores[drawn], axis=1)
        parts.append(np.stack([_pearson(rankdata(row[drawn], axis=1), gold) for row in cosines], axis=1))
    return np.concatenate(parts)
