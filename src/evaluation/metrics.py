"""Measures of a run as trec_eval defines them, per query first, means second."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from src.evaluation.beir import Qrels
from src.evaluation.runs import Run

NAMES = (
    *(f"P@{depth}" for depth in (1, 3, 5, 10)),
    *(f"R@{depth}" for depth in (1, 5, 10, 100)),
    "MRR@10",
    *(f"nDCG@{depth}" for depth in (1, 3, 5, 10, 100)),
    "MAP@10",
    "MAP",
)
# In ir-measures, where it has another name. MRR@10 is reciprocal rank, cut off below.
_THEIRS = {"MRR@10": "RR", "MAP@10": "AP@10", "MAP": "AP"}
# The columns of tables and charts; the others stand in the files, for comparison with what others publish.
SHOWN = tuple(name for name in NAMES if name not in ("nDCG@1", "nDCG@3", "nDCG@5", "nDCG@100", "MAP@10"))
MAIN = "nDCG@10"  # what systems are compared by
# Where there is little room.
BRIEF = tuple(name for name in NAMES if name in ("P@1", "R@10", "R@100", "MRR@10", MAIN))
# Compared between every two systems; each is a family of its own in Holm's correction.
TESTED = tuple(name for name in NAMES if name in ("P@1", "MRR@10", MAIN))
SHALLOW = tuple(name for name in BRIEF if name != "R@100")  # of a run of depth 10
PerQuery = dict[str, NDArray[np.float64]]


def per_query(qrels: Qrels, run: Run) -> PerQuery:
    """Every measure for every query of `qrels`, in their order: {measure: (queries,)}.

    A query for which the run holds nothing counts as zero (trec_eval's `-c`). Relevant is a judgement of 1 or more;
    nDCG takes the judgement as gain. MAP, nDCG@100 and R@100 see no deeper than the run. MRR@10 is trec_eval's
    reciprocal rank, zero where the first relevant document stands below rank 10: so all measures break ties alike.
    """
    import ir_measures
    from ir_measures.providers import registry

    measures = {ir_measures.parse_measure(_THEIRS.get(name, name)): name for name in NAMES}
    position = {query: row for row, query in enumerate(qrels)}
    values = {name: np.zeros(len(qrels)) for name in NAMES}
    scores = {query: dict(hits) for query, hits in run.items() if query in position}
    for value in registry["pytrec_eval"].evaluator(list(measures), qrels).iter_calc(scores):
        values[measures[value.measure]][position[value.query_id]] = value.value
    reciprocal = values["MRR@10"]
    values["MRR@10"] = np.where(reciprocal > 0.0999, reciprocal, 0.0)
    return values


def means(values: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    """The mean of every measure over queries."""
    return {name: float(per.mean()) for name, per in values.items()}


def table(query_ids: list[str], values: PerQuery) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a per-query file; six digits, since the mean is taken from the run and not from here."""
    columns = [values[name] for name in NAMES]
    rows = [[query, *(f"{column[row]:.6g}" for column in columns)] for row, query in enumerate(query_ids)]
    return ["query-id", *NAMES], rows
