"""A record of variants alone, such as a search on dev or several seeds: what was compared, and the values it came from.

params.yaml, ablations.yaml     what decides the result: the recipe, and the variants of it
NAME/                           what variant NAME left: values of every query and pair (src/ablation/record.py)
comparison.json, TABLE.md       every variant against the reference, as `compare_all` gives it from these
environment.json                packages, processor, cores, memory; the commit
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from src.ablation.compare import compare_all, read_summaries
from src.ablation.evidence import COMPARISON
from src.ablation.record import FOLDER, PAIRS, QUERIES, over_seeds, read_pairs, read_queries
from src.ablation.results import Comparison, Measured, Summary
from src.ablation.table import markdown
from src.errors import UserError
from src.evaluation.metrics import MAIN
from src.evaluation.significance import Draws
from src.evaluation.similarity import spearman
from src.files import read_json, read_text, write_json, write_text
from src.params import AblationParams, Params
from src.params.load import ABLATIONS
from src.profile import PARAMS
from src.record.check import Line, commit_line, json_line, numbers_line
from src.record.evidence import ablations_at, params_of
from src.record.facts import environment

VARIANTS = "ablations.yaml"
TABLE = "TABLE.md"


def is_of_variants(folder: Path) -> bool:
    """Whether a record is one of variants alone."""
    return (folder / VARIANTS).is_file()


def file_variants(root: Path, folder: Path) -> None:
    """Write the record of those variants of ablations/params.yaml that were trained under `root`.

    Raises:
        UserError: one of them has not been trained, or was measured otherwise than the reference.
    """
    shutil.copyfile(root / PARAMS, folder / PARAMS)
    shutil.copyfile(root / ABLATIONS, folder / VARIANTS)
    for name in settings(folder)[1].variants:
        if not (root / FOLDER / name).is_dir():
            raise UserError(f"{root / FOLDER / name}: no such folder; `dvc repro ablations/dvc.yaml:ablate@{name}`")
        shutil.copytree(root / FOLDER / name, folder / name)
    write_json(folder / "environment.json", environment())
    render_variants(folder)


def render_variants(folder: Path) -> None:
    """Write comparison.json and TABLE.md from what the variants left."""
    params, ablations = settings(folder)
    comparison = compare_all(folder, ablations, Draws.of(params.eval))
    write_json(folder / COMPARISON, comparison)
    write_text(folder / TABLE, page(comparison))


def settings(folder: Path) -> tuple[Params, AblationParams]:
    """The recipe and the variants of a record."""
    params = params_of(folder)
    return params, ablations_at(folder / VARIANTS, params)


def page(comparison: Comparison) -> str:
    """TABLE.md."""
    seeds = ", ".join(str(seed) for seed in comparison["settings"]["seeds"])
    head = (
        f"# Variants\n\nMean and deviation over seeds {seeds}; in brackets the difference from the row compared with.\n"
    )
    return f"{head}{markdown(comparison)}\n"


def check_variants(folder: Path) -> Iterator[Line]:
    """A line for the comparison, the table and each variant's own figures, computed from queries and pairs."""
    params, ablations = settings(folder)
    yield commit_line(folder)
    comparison = compare_all(folder, ablations, Draws.of(params.eval))
    yield json_line(COMPARISON, read_json(folder / COMPARISON), comparison)
    yield numbers_line(TABLE, read_text(folder / TABLE), page(comparison))
    for name, summary in read_summaries(folder, ablations.variants)[0].items():
        yield json_line(f"{name}/summary.json, main values", main_values(summary), recomputed(folder / name, summary))


def main_values(summary: Summary) -> dict[str, object]:
    """What a variant's summary says of its main measures."""
    retrieval = {name: scores[MAIN] for name, scores in summary["retrieval"].items()}
    return {"spearman": summary["sts"]["spearman"], **retrieval}


def recomputed(folder: Path, summary: Summary) -> dict[str, Measured]:
    """The same from the values of every query and pair."""
    queries, _ = read_queries(folder / QUERIES)
    gold, cosines = read_pairs(folder / PAIRS)
    seeds = [run for run in queries if "@" not in run]
    of_seeds = {"spearman": [spearman(cosines[seed], gold) for seed in seeds]}
    of_seeds |= {name: [float(queries[seed][name].mean()) for seed in seeds] for name in summary["sets"]}
    return {key: over_seeds(values) for key, values in of_seeds.items()}
