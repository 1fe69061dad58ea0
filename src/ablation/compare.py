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

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ttest_ind

from src.ablation import results
from src.ablation.record import SUMMARY, of_before, over_seeds, read_clusters, read_pairs, read_queries
from src.ablation.results import Comparison, Difference, LeftOut, MeasuredSimilarity, Point, Protocol, Summary
from src.checked import read_result
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
        cosines: (seeds, pairs) of the STS pairs.
        before: Spearman's correlation of the model that retrieval training started from, mean over seeds.
    """

    name: str
    summary: Summary
    queries: dict[str, Values]
    clusters: dict[str, Clusters]
    cosines: Values
    before: float


def read_rows(folder: Path, names: list[str], reference: str) -> tuple[list[Row], Values, Summary]:
    """The rows of the variants, the reference first, with interpolations; gold scores; the reference's summary.

    Raises:
        UserError: the reference was left out, or a variant was measured on other queries or pairs, or under other
            settings, than the reference.
    """
    rows: list[Row] = []
    scores: Values | None = None
    summaries = read_summaries(folder, [reference, *names])
    if reference not in summaries:
        reason = read_result(LeftOut, folder / reference / SUMMARY)["left_out"]
        raise UserError(f"ablations/params.yaml: the reference {reference!r} was left out, since {reason}")
    head = summaries[reference]
    for name, summary in summaries.items():
        queries = read_queries(folder / name / "queries.tsv")
        clusters = read_clusters(folder / name / "queries.tsv")
        gold, cosines = read_pairs(folder / name / "pairs.tsv")
        scores = gold if scores is None else scores
        whole = [run for run in queries if "@" not in run]
        if summary["settings"] != head["settings"] or len(gold) != len(scores):
            raise UserError(f"{folder / name / SUMMARY}: other settings than {reference}'s; run `make ablations` again")
        for suffix in dict.fromkeys(run.partition("@")[2] for run in queries):
            runs = [run for run in queries if run.partition("@")[2] == suffix]
            rows.append(
                Row(
                    f"{name}@{suffix}" if suffix else name,
                    summary,
                    {key: np.stack([queries[run][key] for run in runs]) for key in summary["sets"]},
                    clusters,
                    np.stack([cosines[run] for run in runs]),
                    float(np.mean([spearman(cosines[of_before(run)], gold) for run in whole])),
                )
            )
    assert scores is not None
    return rows, scores, head


def read_summaries(folder: Path, names: Iterable[str]) -> dict[str, Summary]:
    """{NAME: summary} of the variants that were trained."""
    paths = {name: folder / name / SUMMARY for name in names}
    return {name: read_result(Summary, path) for name, path in paths.items() if "left_out" not in read_json(path)}


def compare_all(folder: Path, ablations: AblationParams, draws: Draws) -> Comparison:
    """What reports/ablation/comparison.json holds, from what each variant of params left in FOLDER/NAME/."""
    paths = {name: folder / name / SUMMARY for name in ablations.variants}
    comparison = compare(*read_rows(folder, list(paths), ablations.reference), draws)
    filed = {name: read_json(path) for name, path in paths.items()}
    left_out = [name for name, value in filed.items() if "left_out" in value]
    comparison["left_out"] = {name: read_result(LeftOut, paths[name])["left_out"] for name in left_out}
    comparison["origins"] = {name: value["origin"] for name, value in filed.items()}
    return comparison


def compare(rows: list[Row], scores: Values, head: Summary, draws: Draws) -> Comparison:
    """What reports/ablation/comparison.json holds. `rows`: the reference first."""
    by_name = {row.name: row for row in rows}
    reference = rows[0]
    table = {row.name: _untested(row, head["sets"], scores) for row in rows}
    families: dict[str, list[Row]] = {}
    for row in rows[1:]:
        against = row.summary["row"].get("against", reference.name)
        if against in by_name:  # it may have been left out
            families.setdefault(against, []).append(row)
    for name, others in families.items():
        _test(by_name[name], others, scores, draws, table)
    value = {
        "reference": reference.name,
        "settings": head["settings"],
        "protocol": protocol(reference.clusters, draws),
        "sets": head["sets"],
        "sts_set": head["sts_set"],
        "rows": table,
        "pareto": pareto(rows, table),
    }
    rounded: Comparison = round_floats(value, DECIMALS)
    return rounded


def _untested(row: Row, sets: list[str], scores: Values) -> results.Row:
    """A row before it is compared."""
    correlations, last = of_seeds(row, scores), row.summary["trained"][-1]
    return {
        "path": row.summary["path"],
        "row": row.summary["row"],
        "pairs": round(last["rows"] * last["epochs"]),
        "updates": last["optimizer_steps"],
        "retrieval": {name: over_seeds(row.queries[name].mean(axis=1)) for name in sets},
        "sts": {
            **over_seeds(correlations),
            "before": row.before,
            "drop": row.before - float(correlations.mean()),
        },
    }


def of_seeds(row: Row, scores: Values) -> Values:
    """Spearman's correlation of every seed."""
    return np.array([spearman(cosines, scores) for cosines in row.cosines])


def _test(base: Row, others: list[Row], scores: Values, draws: Draws, table: dict[str, results.Row]) -> None:
    """Write into the table how the rows differ from the one that they are compared with."""
    for name in base.queries:
        for row, tested in zip(others, retrieval_tests(base, others, name, draws), strict=True):
            table[row.name]["retrieval"][name] |= tested
    for row, tested in zip(others, sts_tests(base, others, scores, draws), strict=True):
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
    base = reference.queries[name]
    differences = np.stack([row.queries[name].mean(axis=0) - base.mean(axis=0) for row in others], axis=1)
    seeds = [p_seeds(row.queries[name].mean(axis=1), base.mean(axis=1)) for row in others]
    return _with_seeds(tested_differences(differences, draws, reference.clusters[name]), seeds)


def sts_tests(reference: Row, others: list[Row], scores: Values, draws: Draws) -> list[Difference]:
    """Each row's difference from the reference in Spearman's correlation, over pairs."""
    rows = [reference, *others]
    runs = resampled_spearman(np.concatenate([row.cosines for row in rows]), scores, draws)
    of_rows = np.split(runs, np.cumsum([len(row.cosines) for row in rows])[:-1], axis=1)
    drawn = np.stack([of_row.mean(axis=1) for of_row in of_rows], axis=1)  # mean over seeds: (resamples, rows)
    differences = drawn[:, 1:] - drawn[:, :1]
    below, above = (differences <= 0).sum(axis=0), (differences >= 0).sum(axis=0)
    p = np.minimum(1.0, 2 * (np.minimum(below, above) + 1) / (draws.resamples + 1))
    base, *correlations = (of_seeds(row, scores) for row in rows)
    observed = np.array([values.mean() for values in correlations]) - base.mean()
    seeds = [p_seeds(values, base) for values in correlations]
    return _with_seeds(verdicts(observed, interval(differences), p), seeds)


def p_seeds(values: Values, base: Values) -> float | None:
    """Welch's t-test between two groups of seeds; None with fewer than two in a group, or where neither varies."""
    if min(len(values), len(base)) < 2 or not (values.std() or base.std()):
        return None
    return float(ttest_ind(values, base, equal_var=False).pvalue)


def _with_seeds(tested: list[Tested], seeds: list[float | None]) -> list[Difference]:
    return [{**test} if p is None else {**test, "p_seeds": p} for test, p in zip(tested, seeds, strict=True)]


def add_drop_share(row: MeasuredSimilarity, reference: MeasuredSimilarity) -> None:
    """The row's drop as a share of the reference's, where both start from the same model and that drop is notable."""
    same_start = abs(row["before"] - reference["before"]) < 1e-9
    if same_start and reference["drop"] >= NOTABLE_DROP:
        row["drop_share"] = row["drop"] / reference["drop"]


def pareto(rows: list[Row], table: Mapping[str, results.Row]) -> list[Point]:
    """Retrieval against similarity over the mixing weight of the reference; the trained model is share 1."""
    names = [row.name.partition("@") for row in rows]
    shares = {"".join(parts): float(parts[2] or 1.0) for parts in names if parts[0] == rows[0].name}
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
