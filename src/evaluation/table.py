"""The table of a set: measures, intervals and tests, all from the run files on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from src.errors import UserError
from src.evaluation import significance
from src.evaluation.beir import EvalSet
from src.evaluation.metrics import MAIN, SHALLOW, PerQuery, means, per_query, table
from src.evaluation.quantise import bytes_per_document
from src.evaluation.results import DECIMALS, Evaluation, Scores, Settings, Shortened, Tested
from src.evaluation.runs import read_run
from src.files import round_floats
from src.recipe.stages import CHECKPOINTS, FINAL
from src.recipe.systems import FORMS, HYBRIDS, LATE, LEXICAL, at_dim, quantised
from src.table_files import write_table

# Quantised runs are saved no deeper, so their measures stop here.
QUANTISED_DEPTH = 10


def score_runs(folder: Path, names: Sequence[str], data: EvalSet) -> dict[str, PerQuery]:
    """{name: measures per query} of FOLDER/NAME.trec, the saved runs.

    Raises:
        UserError: a run is missing, or names a query or document that the set does not have.
    """
    known_queries, known_documents = set(data.query_ids), set(data.document_ids)
    scored = {}
    for name in names:
        path = folder / f"{name}.trec"
        run = read_run(path)
        for query, hits in run.items():
            strangers = {document for document, _ in hits} - known_documents
            if query not in known_queries or strangers:
                what = f"document {min(strangers)}" if strangers else f"query {query}"
                raise UserError(f"{path}: {what} is not in {data.name}; the run belongs to another version of the set")
        scored[name] = per_query(data.qrels, run)
    return scored


def write_per_query(folder: Path, scored: Mapping[str, PerQuery], data: EvalSet) -> None:
    """FOLDER/NAME.tsv for each row: a line for each query."""
    for name, values in scored.items():
        write_table(folder / f"{name}.tsv", *table(data.query_ids, values))


def of_systems(
    data: EvalSet,
    scored: Mapping[str, PerQuery],
    dims: Sequence[int],
    published: Sequence[str],
    *,
    draws: significance.Draws,
    settings: Settings,
) -> Evaluation:
    """What reports/eval/SET.json holds.

    Args:
        scored: measures per query by the names of the runs (src/recipe/systems.py).
        dims: of the retrieval model; its whole vector has no run of its own.
        published: names of the published models.
        draws: how intervals are made; tests draw from its seed.
    """
    models = {row: scored[row] for row in (*LEXICAL, LATE, *CHECKPOINTS, *HYBRIDS, *published)}
    by_dim = {dim: scored.get(at_dim(FINAL, dim), scored[FINAL]) for dim in sorted(dims, reverse=True)}
    clusters = significance.clusters_of(data.qrels)
    summary: Evaluation = {
        "set": data.name,
        "protocol": data.protocol,
        "dropped": data.dropped,
        "models": {name: means(values) for name, values in models.items()},
        "intervals": significance.intervals(models, draws, clusters),
        "matryoshka": matryoshka(by_dim, draws, clusters),
        "quantisation": {str(dim): quantisation(scored, dim, values) for dim, values in by_dim.items()},
        "significance": significance.compare(models, draws, clusters),
        "settings": settings,
    }
    rounded: Evaluation = round_floats(summary, DECIMALS)
    return rounded


def matryoshka(
    dims: Mapping[int, PerQuery], draws: significance.Draws, clusters: significance.Clusters
) -> dict[str, Shortened]:
    """Measures of each dimension, index bytes, and what of nDCG@10 is lost against the largest (with interval)."""
    full = next(iter(dims.values()))[MAIN]
    lost = np.stack([full - values[MAIN] for values in dims.values()], axis=1)
    whole = Tested(difference=0.0, interval=[0.0, 0.0], p=1.0, p_holm=1.0, significant=False)
    tested = [whole, *significance.tested_differences(lost[:, 1:], draws, clusters)]
    return {
        str(dim): {
            **means(values),
            "bytes_per_document": bytes_per_document(dim)["float32"],
            "loss": loss["difference"],
            "loss_interval": loss["interval"],
            "loss_relative": float(loss["difference"] / full.mean()) if full.any() else 0.0,
            "loss_p_holm": loss["p_holm"],
        }
        for (dim, values), loss in zip(dims.items(), tested, strict=True)
    }


def quantisation(scored: Mapping[str, PerQuery], dim: int, whole: PerQuery) -> dict[str, Scores]:
    """{form: measures and bytes a document} of a dimension, float32 first, as deep as the runs of codes."""
    sizes = bytes_per_document(dim)
    rows = {"float32": whole} | {form: scored[quantised(FINAL, dim, form)] for form in FORMS}
    return {
        form: {**{name: float(values[name].mean()) for name in SHALLOW}, "bytes_per_document": sizes[form]}
        for form, values in rows.items()
    }
