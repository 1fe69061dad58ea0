"""What the evaluation stages write and the report reads: one shape for both, checked where a file is read.

docs/evaluation.md says how the values are made.
"""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict  # typing's own carries too little for pydantic before Python 3.12

Scores = dict[str, float]


class Tested(TypedDict):
    """A difference with its interval, its p-value before and after Holm's correction, and the verdict."""

    difference: float
    interval: list[float]
    p: float
    p_holm: float
    significant: bool


class Pair(Tested):
    """The difference of two systems in one measure."""

    a: str
    b: str


class Significance(TypedDict, total=False):
    """Differences between every two systems: how they were tested, and {measure: pairs}; empty for a single one."""

    interval: str
    test: str
    p_floor: float
    seed: int
    pairs: dict[str, list[Pair]]


class Evaluation(TypedDict):
    """reports/eval/SET.json of a retrieval set."""

    set: str
    protocol: dict[str, Any]
    dropped: dict[str, int]
    models: dict[str, Scores]
    intervals: dict[str, dict[str, list[float]]]
    matryoshka: dict[str, dict[str, Any]]  # by dimension: measures, bytes_per_document, loss and its tests
    quantisation: dict[str, dict[str, Scores]]  # by dimension and form: measures, bytes_per_document
    significance: Significance
    settings: dict[str, Any]


class Change(TypedDict):
    """Spearman's correlation at a dimension before and after retrieval training; `drop` is before less after."""

    before: float
    after: float
    drop: float
    interval: list[float]
    verdict: str


class Forgetting(Change):
    """The change of whole vectors, between which models, and of every dimension."""

    dims: dict[str, Change]


class Triplets(TypedDict):
    """Accuracy on NLI triplets, by model and dimension."""

    set: str
    triplets: int
    accuracy: dict[str, Scores]


class Similarity(TypedDict):
    """reports/eval/sts.json."""

    set: str
    protocol: dict[str, Any]
    models: dict[str, Scores]
    dims: dict[str, dict[str, dict[str, Scores]]]  # by model, dimension and similarity
    nli: Triplets | None
    forgetting: Forgetting


class Correlation(TypedDict):
    """Spearman's correlation over queries, and with nDCG@10 before held fixed; each with its interval."""

    spearman: float
    interval: list[float]
    partial: float
    partial_interval: list[float]


class SetErrors(TypedDict):
    """A set's queries: how many got better and worse, {retrieval measure: {shift: correlation}}, the worst losses."""

    queries: int
    better: int
    worse: int
    correlations: dict[str, dict[str, Correlation]]
    worst: list[dict[str, Any]]


class ForgettingErrors(TypedDict):
    """reports/forgetting_errors.json."""

    protocol: dict[str, Any]
    sets: dict[str, SetErrors]
