"""What the evaluation stages write and the report reads; docs/evaluation.md says how the values are made."""

from __future__ import annotations

from typing import Any, TypedDict

Scores = dict[str, float]


class Significance(TypedDict, total=False):
    """Differences between every two systems: how they were tested, and {measure: pairs}; empty for a single one."""

    interval: str
    test: str
    p_floor: float
    seed: int
    pairs: dict[str, list[dict[str, Any]]]


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
