"""What a variant leaves in data/ablation, for DVC to keep; `src.cli.compare_ablations` puts it under reports/, for git.

NAME/summary.json:

    variant, row, path      its name, its row of params as it stands there, its steps in their order
    start                   the chain's model that training started from: base, nli or sts
    trained                 one entry a step trained here: step, rows, batch_size, epochs, optimizer_steps
    settings                what all variants share: seeds
    origin                  fingerprints of what the figures came from (src/ablation/origin.py)
    sets, sts_set           names of the sets
    retrieval               {SET: {measure: {"mean", "sd"}}} over seeds ("sd" with two seeds or more)
    sts                     {"spearman", "pearson", "spearman_before", "drop"}, each {"mean", "sd"}; before and drop
                            concern the model that retrieval training started from
    left_out                the reason, instead of all figures, where the data are too few for the variant
NAME/queries.tsv   set, query-id, its cluster (src/evaluation/significance.py), then nDCG@10 of every run
NAME/pairs.tsv     gold score of every STS pair, then its cosine in every run and, as SEED:before, in the model before

A run is named by its seed; SEED@SHARE is an interpolation: share 0 is the model before, share 1 the trained one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from src.ablation import results
from src.ablation.results import LeftOut, Origin, Summary, Trained
from src.errors import UserError
from src.evaluation.metrics import MAIN
from src.evaluation.results import DECIMALS
from src.evaluation.significance import Clusters, clusters_of
from src.evaluation.similarity import correlation, spearman
from src.files import round_floats
from src.table_files import read_table, write_table

if TYPE_CHECKING:
    from src.ablation.measure import Benchmarks, Measured
    from src.params.variant import Variant

FOLDER = Path("data/ablation")
SUMMARY, QUERIES, PAIRS = "summary.json", "queries.tsv", "pairs.tsv"
Values = NDArray[np.float64]


@dataclass(frozen=True)
class SeedRun:
    """A variant at one seed: its result, the pairs' cosines in the model before, and mixtures of the two by share."""

    seed: int
    after: Measured
    before: Values
    steps: list[Trained]
    mixtures: dict[float, Measured]


def summary(variant: Variant, runs: list[SeedRun], scores: Values, origin: Origin) -> Summary:
    """The value of NAME/summary.json; `scores` are the pairs' gold ones."""
    means = [run.after.means() for run in runs]
    after = [correlation(run.after.cosines, scores) for run in runs]
    before = [spearman(run.before, scores) for run in runs]
    value = {
        "variant": variant.name,
        "row": variant.row,
        "path": list(variant.path),
        "start": variant.start,
        "trained": runs[0].steps,
        "settings": {"seeds": variant.seeds},
        "origin": origin,
        "sets": list(means[0]),
        "sts_set": variant.sts_set,
        "retrieval": {
            name: {measure: over_seeds([of_seed[name][measure] for of_seed in means]) for measure in means[0][name]}
            for name in means[0]
        },
        "sts": {
            "spearman": over_seeds([of_seed["spearman"] for of_seed in after]),
            "pearson": over_seeds([of_seed["pearson"] for of_seed in after]),
            "spearman_before": over_seeds(before),
            "drop": over_seeds([b - of_seed["spearman"] for b, of_seed in zip(before, after, strict=True)]),
        },
    }
    rounded: Summary = round_floats(value, DECIMALS)
    return rounded


def over_seeds(values: Sequence[float] | Values) -> results.Measured:
    """Mean over seeds, and the sample's standard deviation where there are two or more."""
    measured: results.Measured = {"mean": float(np.mean(values))}
    if len(values) > 1:
        measured["sd"] = float(np.std(values, ddof=1))
    return measured


def left_out(variant: Variant, reason: str, origin: Origin) -> LeftOut:
    """The value of NAME/summary.json where the data are too few for the variant."""
    return {"variant": variant.name, "row": variant.row, "left_out": reason, "origin": origin}


def write_runs(folder: Path, seeds: list[SeedRun], benchmarks: Benchmarks) -> None:
    """Write queries.tsv and pairs.tsv."""
    runs = {str(run.seed): run.after for run in seeds}
    runs |= {f"{run.seed}@{share:g}": mixture for run in seeds for share, mixture in sorted(run.mixtures.items())}
    queries = [
        [name, query, cluster, *(f"{run.queries[name][MAIN][row]:.6g}" for run in runs.values())]
        for name, data in benchmarks.sets.items()
        for row, (query, cluster) in enumerate(zip(data.query_ids, clusters_of(data.qrels), strict=True))
    ]
    write_table(folder / QUERIES, ["set", "query-id", "cluster", *runs], queries)
    cosines = {name: run.cosines for name, run in runs.items()}
    cosines |= {of_before(str(run.seed)): run.before for run in seeds}
    pairs = [
        [f"{score:.9g}", *(f"{values[row]:.9g}" for values in cosines.values())]  # nine digits: float32 reads back
        for row, score in enumerate(benchmarks.pairs.scores)
    ]
    write_table(folder / PAIRS, ["score", *cosines], pairs)


def of_before(run: str) -> str:
    """The column of pairs.tsv with the cosines of the model that a run's retrieval training started from."""
    return f"{run}:before"


def read_queries(path: Path) -> tuple[dict[str, dict[str, Values]], dict[str, Clusters]]:
    """{run: {set: (queries,) nDCG@10}} and {set: (queries,) cluster of each query} of a queries.tsv."""
    header, rows = _table(path)
    of_sets: dict[str, list[list[str]]] = {}
    for name, _, *values in rows:
        of_sets.setdefault(name, []).append(values)
    columns = {name: np.array(values, dtype=np.float64).T for name, values in of_sets.items()}
    runs = {run: {name: columns[name][place] for name in columns} for place, run in enumerate(header[3:], 1)}
    return runs, {name: values[0].astype(np.int64) for name, values in columns.items()}


def read_pairs(path: Path) -> tuple[Values, dict[str, Values]]:
    """Gold scores (pairs,) and {run: (pairs,) cosines} of a pairs.tsv."""
    header, rows = _table(path)
    scores, *cosines = np.array(rows, dtype=np.float64).T
    return scores, dict(zip(header[1:], cosines, strict=True))


def _table(path: Path) -> tuple[list[str], list[list[str]]]:
    header, rows = read_table(path)
    if not rows:
        raise UserError(f"{path}: a table without rows; run `dvc repro` for its stage again")
    return header, rows
