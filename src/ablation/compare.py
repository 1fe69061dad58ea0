"""Every variant against the reference: differences with intervals, tests over queries and pairs, and verdicts.

reports/ablation/comparison.json:

    reference       the variant that the others are compared with
    settings        what all variants share: seeds
    protocol        how intervals and tests are made
    sets, sts_set   names of the sets
    rows            {NAME: row}; an interpolation of the reference is the row NAME@SHARE
    left_out        {NAME: reason} of variants that the data are too few for
    origins         {NAME: origin} of all variants, left out or not (src/ablation/origin.py)
    pareto          [{"share", "retrieval": {SET: nDCG@10}, "spearman"}] of the reference, share ascending

A row:

    path, row       its steps, and what params say of it
    against         the variant that it is compared with: the reference, or what params name
    pairs, updates  retrieval pairs that it trained on, epochs counted, and optimizer steps
    retrieval       {SET: {"mean", "sd", "difference", "interval", "p", "p_holm", "significant", "p_seeds"}} of nDCG@10
    sts             the same of Spearman's correlation, with "before" and "drop"; "drop_share" is the row's drop as a
                    share of the reference's, where that is notable

The reference has neither difference nor test, nor has a row that would be compared with one that was left out. Holm's
correction is over the rows compared with one variant. "sd" and "p_seeds" are there with two seeds or more.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ttest_ind

from src.ablation import results
from src.ablation.record import PAIRS, QUERIES, SUMMARY, of_before, over_seeds, read_pairs, read_queries
from src.ablation.results import Comparison, Difference, LeftOut, MeasuredSimilarity, Point, Protocol, Summary
from src.checked import validated
from src.errors import UserError
from src.evaluation.metrics import MAIN
from src.evaluation.results import DECIMALS, Tested
from src.evaluation.significance import (
    Clusters,
    Draws,
    interval,
    interval_words,
    test_words,
    tested_differences,
    verdicts,
)
from src.evaluation.similarity import resampled_spearman, spearman
from src.files import read_json, round_floats

if TYPE_CHECKING:
    from src.params import AblationParams

Values = NDArray[np.float64]
NOTABLE_DROP = 0.01  # a share of less is a share of noise: a correlation over a thousand pairs is known to about 0.01
_HOLM = "Holm over the rows compared with one variant"


@dataclass(frozen=True)
class Row:
    """A line of the comparison: per-query and per-pair values of every seed.

    Attributes:
        summary: of its variant.
        queries: {set: (seeds, queries)} nDCG@10.
        clusters: {set: (queries,)} what intervals and tests draw.
        scores: (pairs,) gold scores of the STS pairs.
        cosines: (seeds, pairs) of them.
        spearman: (seeds,) correlation of the two.
        before: that of the model that retrieval training started from, mean over seeds.
    """

    name: str
    summary: Summary
    queries: dict[str, Values]
    clusters: dict[str, Clusters]
    scores: Values
    cosines: Values
    spearman: Values
    before: float


def compare_all(folder: Path, ablations: AblationParams, draws: Draws) -> Comparison:
    """What reports/ablation/comparison.json holds, from what each variant of params left in FOLDER/NAME/.

    Raises:
        UserError: the reference was left out, or a variant was measured on other sets or pairs, or with other settings,
            than the reference.
    """
    trained, left_out = read_summaries(folder, ablations.variants)
    name = ablations.reference
    if name in left_out:
        reason = left_out[name]["left_out"]
        raise UserError(f"ablations/params.yaml: the reference {name!r} was left out, since {reason}")
    rows = read_rows(folder, {name: trained[name]} | trained)
    reference = rows[0]
    table = {row.name: _untested(row) for row in rows}
    for base in rows:
        others = [row for row in rows[1:] if row.summary["row"].get("against", reference.name) == base.name]
        if others:
            _test(base, others, draws, table)
    value = {
        "reference": reference.name,
        "settings": reference.summary["settings"],
        "protocol": protocol(reference.clusters, draws),
        "sets": reference.summary["sets"],
        "sts_set": reference.summary["sts_set"],
        "rows": table,
        "pareto": pareto(reference.name, table),
        "left_out": {name: summary["left_out"] for name, summary in left_out.items()},
        "origins": {name: (left_out.get(name) or trained[name])["origin"] for name in ablations.variants},
    }
    rounded: Comparison = round_floats(value, DECIMALS)
    return rounded


def read_summaries(folder: Path, names: Iterable[str]) -> tuple[dict[str, Summary], dict[str, LeftOut]]:
    """{NAME: summary} of the variants that were trained, and of those that were left out."""
    trained: dict[str, Summary] = {}
    left_out: dict[str, LeftOut] = {}
    for name in names:
        path = folder / name / SUMMARY
        value = read_json(path)
        if "left_out" in value:
            left_out[name] = validated(LeftOut, value, path)
        else:
            trained[name] = validated(Summary, value, path)
    return trained, left_out


def read_rows(folder: Path, summaries: Mapping[str, Summary]) -> list[Row]:
    """The rows of the variants, the first of which is the reference, each before its interpolations."""
    rows: list[Row] = []
    for name, summary in summaries.items():
        rows += rows_of(name, summary, folder / name)
        reference, row = rows[0], rows[-1]
        same = all(summary[key] == reference.summary[key] for key in ("settings", "sets"))
        if not same or len(row.scores) != len(reference.scores):
            where, what = folder / name / SUMMARY, "other settings, sets or pairs"
            raise UserError(f"{where}: {what} than {reference.name}'s; run `make ablations` again")
    return rows


def rows_of(name: str, summary: Summary, folder: Path) -> Iterator[Row]:
    """The row of a variant, then those of its interpolations."""
    queries, clusters = read_queries(folder / QUERIES)
    scores, cosines = read_pairs(folder / PAIRS)
    runs_of_row: dict[str, list[str]] = {}
    for run in queries:
        _, *share = run.partition("@")
        runs_of_row.setdefault("".join([name, *share]), []).append(run)
    before = float(np.mean([spearman(cosines[of_before(run)], scores) for run in runs_of_row[name]]))
    for row, runs in runs_of_row.items():
        of_runs = np.stack([cosines[run] for run in runs])
        yield Row(
            row,
            summary,
            {key: np.stack([queries[run][key] for run in runs]) for key in summary["sets"]},
            clusters,
            scores,
            of_runs,
            np.array([spearman(of_run, scores) for of_run in of_runs]),
            before,
        )


def _untested(row: Row) -> results.Row:
    """A row before it is compared."""
    last = row.summary["trained"][-1]
    return {
        "path": row.summary["path"],
        "row": row.summary["row"],
        "pairs": round(last["rows"] * last["epochs"]),
        "updates": last["optimizer_steps"],
        "retrieval": {name: over_seeds(values.mean(axis=1)) for name, values in row.queries.items()},
        "sts": {**over_seeds(row.spearman), "before": row.before, "drop": row.before - float(row.spearman.mean())},
    }


def _test(base: Row, others: list[Row], draws: Draws, table: dict[str, results.Row]) -> None:
    """Write into the table how the rows differ from the one that they are compared with."""
    for name in base.queries:
        for row, tested in zip(others, retrieval_tests(base, others, name, draws), strict=True):
            table[row.name]["retrieval"][name] |= tested
    for row, tested in zip(others, sts_tests(base, others, draws), strict=True):
        table[row.name]["against"] = base.name
        table[row.name]["sts"] |= tested
        add_drop_share(table[row.name]["sts"], table[base.name]["sts"])


def protocol(clusters: Mapping[str, Clusters], draws: Draws) -> Protocol:
    """What results.Protocol holds."""
    return {
        "retrieval": f"{MAIN}, mean over seeds of every query's value",
        "retrieval_test": {name: f"{test_words(of_set)}; {_HOLM}" for name, of_set in clusters.items()},
        "retrieval_interval": {name: interval_words(draws, of_set) for name, of_set in clusters.items()},
        "sts": "Spearman's correlation of cosines with gold scores, mean over seeds",
        "sts_test": f"paired bootstrap over pairs, two-sided, {draws.resamples} resamples; {_HOLM}",
        "resamples": draws.resamples,
        "p_seeds": "Welch's t-test between the seeds' means; small numbers of seeds see large differences only",
        "seed": draws.seed,
    }


def retrieval_tests(reference: Row, others: list[Row], name: str, draws: Draws) -> list[Difference]:
    """Each row's difference from the reference on one set, over queries."""
    base, *values = (row.queries[name] for row in (reference, *others))
    differences = np.stack([of_row.mean(axis=0) - base.mean(axis=0) for of_row in values], axis=1)
    tested = tested_differences(differences, draws, reference.clusters[name])
    return _with_seeds(tested, [of_row.mean(axis=1) for of_row in values], base.mean(axis=1))


def sts_tests(reference: Row, others: list[Row], draws: Draws) -> list[Difference]:
    """Each row's difference from the reference in Spearman's correlation, over pairs."""
    rows = [reference, *others]
    runs = resampled_spearman(np.concatenate([row.cosines for row in rows]), reference.scores, draws)
    of_rows = np.split(runs, np.cumsum([len(row.cosines) for row in rows])[:-1], axis=1)
    drawn = np.stack([of_row.mean(axis=1) for of_row in of_rows], axis=1)  # mean over seeds: (resamples, rows)
    differences = drawn[:, 1:] - drawn[:, :1]
    below, above = (differences <= 0).sum(axis=0), (differences >= 0).sum(axis=0)
    p = np.minimum(1.0, 2 * (np.minimum(below, above) + 1) / (draws.resamples + 1))
    observed = np.array([row.spearman.mean() for row in others]) - reference.spearman.mean()
    tested = verdicts(observed, interval(differences), p)
    return _with_seeds(tested, [row.spearman for row in others], reference.spearman)


def _with_seeds(tested: list[Tested], others: list[Values], base: Values) -> list[Difference]:
    """The tests of rows with Welch's t-test between the seeds of each, (seeds,), and those of the reference.

    It is left out with fewer than two seeds in a group, or where neither varies.
    """
    differences: list[Difference] = []
    for test, values in zip(tested, others, strict=True):
        differences.append({**test})
        if min(len(values), len(base)) >= 2 and (values.std() or base.std()):
            differences[-1]["p_seeds"] = _between_seeds(values, base)
    return differences


def _between_seeds(values: Values, base: Values) -> float:
    """Welch's p. A model before training is the same at every seed, which scipy would warn of; its test allows it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Precision loss occurred", RuntimeWarning)
        return float(ttest_ind(values, base, equal_var=False).pvalue)


def add_drop_share(row: MeasuredSimilarity, reference: MeasuredSimilarity) -> None:
    """The row's drop as a share of the reference's, where both start from the same model and that drop is notable."""
    same_start = abs(row["before"] - reference["before"]) < 1e-9
    if same_start and reference["drop"] >= NOTABLE_DROP:
        row["drop_share"] = row["drop"] / reference["drop"]


def pareto(reference: str, table: Mapping[str, results.Row]) -> list[Point]:
    """Retrieval against similarity over the mixing weight of the reference; the trained model is share 1."""
    names = [name.partition("@") for name in table]
    shares = {"".join(parts): float(parts[2] or 1.0) for parts in names if parts[0] == reference}
    if len(shares) < 2:
        return []
    return [
        {
            "share": share,
            "retrieval": {key: measured["mean"] for key, measured in table[name]["retrieval"].items()},
            "spearman": table[name]["sts"]["mean"],
        }
        for name, share in sorted(shares.items(), key=lambda item: item[1])
    ]
