"""reports/metrics.json and the few numbers that `dvc metrics show` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from src.evaluation.metrics import MAIN
from src.evaluation.results import Evaluation
from src.files import round_floats
from src.recipe.stages import FINAL
from src.recipe.systems import LEMMA
from src.reporting.inputs import Inputs

PLACES = 6
SHOWN_PLACES = 4
COLUMNS = 8  # of `dvc metrics show`: more would not fit a terminal
_STS_COLUMNS = 2


def merge(inputs: Inputs) -> dict[str, Any]:
    """The value of reports/metrics.json.

    {SET: {MODEL: {measure: value}}} of every retrieval set, then of the STS set; `forgetting`: before, after, drop;
    `matryoshka`: {DIM: {measure: value}} of the retrieval model on the first set; `protocol`: the rules of each set.
    No set is called like another key (`src.recipe.systems.TOPICS`); params are refused where one is.
    """
    sts = inputs.sts
    merged: dict[str, Any] = {name: evaluation["models"] for name, evaluation in inputs.evaluations.items()}
    merged[sts["set"]] = sts["models"]
    merged["forgetting"] = {key: sts["forgetting"][key] for key in ("before", "after", "drop")}
    merged["matryoshka"] = matryoshka(inputs)
    protocols = {name: evaluation["protocol"] for name, evaluation in inputs.evaluations.items()}
    rated = sts["protocol"] | {"synthetic": bool(inputs.cards["sts"]["synthetic"])}
    merged["protocol"] = protocols | {sts["set"]: rated}
    rounded: dict[str, Any] = round_floats(merged, PLACES)
    return rounded


def matryoshka(inputs: Inputs) -> dict[str, dict[str, Any]]:
    """Of each dimension, the retrieval model's measures on the first set, bytes a document, and its STS correlation.

    No p-values: they are no measure, and on another processor those of chance differences are others altogether.
    """
    similarity = inputs.sts["dims"][FINAL]
    return {
        dim: {key: value for key, value in cut.items() if isinstance(value, int | float) and key != "loss_p_holm"}
        | {"spearman": similarity[dim]["cosine"]["spearman"]}
        for dim, cut in inputs.main["matryoshka"].items()
    }


def half(dims: Mapping[str, Any]) -> str | None:
    """The largest measured dimension that is at most half of the whole vector; None where there is none."""
    sizes = sorted(map(int, dims), reverse=True)
    return next((str(size) for size in sizes if 2 * size <= sizes[0]), None)


def summary(inputs: Inputs) -> dict[str, dict[str, float]]:
    """The value of reports/summary.json: few columns, each under its set, so that no two sets are ever compared."""
    room = max(1, (COLUMNS - _STS_COLUMNS) // len(inputs.evaluations))
    shown = list(inputs.evaluations.items())[: COLUMNS - _STS_COLUMNS]
    columns = {name: dict(list(headline(evaluation).items())[:room]) for name, evaluation in shown}
    columns[inputs.sts["set"]] = {
        "spearman": inputs.sts["forgetting"]["after"],
        "spearman_drop": inputs.sts["forgetting"]["drop"],
    }
    rounded: dict[str, dict[str, float]] = round_floats(columns, SHOWN_PLACES)
    return rounded


def headline(evaluation: Evaluation) -> dict[str, float]:
    """A set's numbers in the order in which they give way when there are many sets."""
    models = evaluation["models"]
    columns = {MAIN: models[FINAL][MAIN]}
    for name, row in (("bm25", LEMMA), ("colbert", "colbert")):
        if row in models:
            columns[f"{name}_{MAIN}"] = models[row][MAIN]
    columns["P@1"] = models[FINAL]["P@1"]
    cut = half(evaluation["matryoshka"])
    if cut:
        columns[f"loss_at_{cut}_dims"] = evaluation["matryoshka"][cut]["loss_relative"]
    return columns
