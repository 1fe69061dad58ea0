"""Does what retrieval training took from semantic similarity go with retrieval errors?

For every query, what changed in retrieval between two checkpoints is set against how the embedding space moved there:

    query_shift        1 - cosine of the query's vectors before and after
    positive_shift     the same of its relevant documents, mean
    match_change       change of the cosine of query and relevant document, mean
    local_forgetting   how much worse the STS pairs nearest to the query are judged: of each pair, the distance between
                       the rank of its cosine and the rank of its gold score, after minus before, in shares of all
                       ranks; mean over the nearest pairs, by the model before

Retrieval's side is the change of nDCG@10, and the change of the margin: cosine of the best relevant document minus that
of the best other one, which moves also where ranks do not. A query that stood first before can only fall, so every
correlation is also given with nDCG@10 before held fixed (partial rank correlation).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from typing_extensions import TypedDict  # typing's own carries too little for pydantic before Python 3.12

from src.evaluation.significance import Clusters, Draws, interval, resampled_rows
from src.table_files import read_table, write_table

if TYPE_CHECKING:
    from src.evaluation.beir import EvalSet

Values = NDArray[np.float64]
SHIFTS = ("query_shift", "positive_shift", "match_change", "local_forgetting")
RETRIEVAL = ("ndcg_change", "margin_change")
NEAREST = 20  # STS pairs around a query: a few, so that it is local, and enough for a mean


class Correlation(TypedDict):
    """Spearman's correlation over queries, and with nDCG@10 before held fixed; each with its interval."""

    spearman: float
    interval: list[float]
    partial: float
    partial_interval: list[float]


class SetErrors(TypedDict):
    """A set's queries: how many got better and worse, {retrieval measure: {shift: correlation}}."""

    queries: int
    better: int
    worse: int
    correlations: dict[str, dict[str, Correlation]]


class ForgettingErrors(TypedDict):
    """reports/forgetting_errors.json; `protocol`: between which models, against which pairs, how intervals are made."""

    protocol: dict[str, Any]
    sets: dict[str, SetErrors]


@dataclass(frozen=True)
class Space:
    """One checkpoint's unit vectors (float64): of a set's queries and documents, and of both sides of the STS pairs."""

    queries: Values
    documents: Values
    first: Values
    second: Values


def changes(
    before: Space, after: Space, data: EvalSet, scores: Values, ndcg: tuple[Values, Values]
) -> dict[str, Values]:
    """Every measure of a query, {name: (queries,)}.

    Args:
        scores: gold scores of the STS pairs.
        ndcg: (queries,) nDCG@10 before and after.
    """
    relevant = relevant_rows(data)
    shift = 1 - (before.documents * after.documents).sum(axis=1)
    match = [
        [float((space.queries[q] @ space.documents[rows].T).mean()) for q, rows in enumerate(relevant)]
        for space in (before, after)
    ]
    return {
        "ndcg_before": ndcg[0],
        "ndcg_change": ndcg[1] - ndcg[0],
        "margin_change": margins(after, relevant) - margins(before, relevant),
        "query_shift": 1 - (before.queries * after.queries).sum(axis=1),
        "positive_shift": np.array([shift[rows].mean() for rows in relevant]),
        "match_change": np.array(match[1]) - np.array(match[0]),
        "local_forgetting": local_forgetting(before, after, scores),
    }


def relevant_rows(data: EvalSet) -> list[NDArray[np.int64]]:
    """For every query, the rows of its relevant documents."""
    row = {id_: number for number, id_ in enumerate(data.document_ids)}
    return [
        np.array([row[id_] for id_, grade in data.qrels[query].items() if grade > 0 and id_ in row], dtype=np.int64)
        for query in data.query_ids
    ]


def margins(space: Space, relevant: list[NDArray[np.int64]]) -> Values:
    """Cosine of the best relevant document minus that of the best other one, (queries,)."""
    of_queries = []
    for query, rows in zip(space.queries, relevant, strict=True):
        cosines = space.documents @ query
        best = cosines[rows].max()
        cosines[rows] = -np.inf
        of_queries.append(best - cosines.max())
    return np.array(of_queries)


def pair_errors(space: Space, scores: Values) -> Values:
    """Of every STS pair, how far the rank of its cosine lies from the rank of its gold score, in [0, 1]."""
    cosines = (space.first * space.second).sum(axis=1)
    return np.abs(rankdata(cosines) - rankdata(scores)) / len(scores)


def local_forgetting(before: Space, after: Space, scores: Values) -> Values:
    """How much worse the STS pairs nearest to each query are judged after than before, (queries,)."""
    worse = pair_errors(after, scores) - pair_errors(before, scores)
    nearness = np.maximum(before.queries @ before.first.T, before.queries @ before.second.T)
    nearest = np.argsort(-nearness, axis=1, kind="stable")[:, : min(NEAREST, len(scores))]
    of_queries: Values = worse[nearest].mean(axis=1)
    return of_queries


def write_points(path: Path, queries: Sequence[str], values: Mapping[str, Values]) -> None:
    """A line a query, its id first: the points of a scatter plot, and what correlations are computed from."""
    lines = [[query, *(f"{column[row]:.9g}" for column in values.values())] for row, query in enumerate(queries)]
    write_table(path, ["query-id", *values], lines)


def read_points(path: Path) -> dict[str, Values]:
    """{measure: (queries,)} of a file that `write_points` wrote."""
    header, rows = read_table(path)
    return {name: np.array([float(row[column]) for row in rows]) for column, name in enumerate(header) if column}


def summary(values: Mapping[str, Values], draws: Draws, clusters: Clusters) -> SetErrors:
    """Counts and correlations of a set's queries."""
    change = values["ndcg_change"]
    return {
        "queries": len(change),
        "better": int((change > 0).sum()),
        "worse": int((change < 0).sum()),
        "correlations": correlations(values, draws, clusters),
    }


def correlations(values: Mapping[str, Values], draws: Draws, clusters: Clusters) -> dict[str, dict[str, Correlation]]:
    """{retrieval measure: {shift: {"spearman", "interval", "partial", "partial_interval"}}}; clusters are resampled."""
    names = (*SHIFTS, *RETRIEVAL, "ndcg_before")
    table = np.stack([values[name] for name in names])
    resamples = [rank_correlations(table[:, rows]) for rows in resampled_rows(draws, clusters)]
    matrices = np.stack([rank_correlations(table), *resamples])  # the observed ones first
    return {
        target: {shift: _entry(matrices, names.index(shift), names.index(target)) for shift in SHIFTS}
        for target in RETRIEVAL
    }


def _entry(matrices: Values, x: int, y: int) -> Correlation:
    plain, partial = matrices[:, x, y], partial_correlation(matrices, x, y, fixed=matrices.shape[1] - 1)
    low, high = interval(np.stack([plain[1:], partial[1:]], axis=1))
    return {
        "spearman": float(plain[0]),
        "interval": [float(low[0]), float(high[0])],
        "partial": float(partial[0]),
        "partial_interval": [float(low[1]), float(high[1])],
    }


def rank_correlations(table: Values) -> Values:
    """Spearman's correlations between the rows of (rows, queries): (rows, rows); 0 where one does not vary."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nan_to_num(np.corrcoef(rankdata(table, axis=1))))


def partial_correlation(matrix: Values, x: int, y: int, fixed: int) -> Values:
    """Of x and y with a third variable held fixed, (samples,); 0 where that explains one of them wholly."""
    xy, xf, yf = matrix[:, x, y], matrix[:, x, fixed], matrix[:, y, fixed]
    scale = np.sqrt(np.clip(1 - xf**2, 0, None) * np.clip(1 - yf**2, 0, None))
    return np.divide(xy - xf * yf, scale, out=np.zeros_like(xy), where=scale > 1e-9)
