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
from src.ablation.record import FOLDER
from src.ablation.results import Comparison, Measured
from src.ablation.table import markdown
from src.errors import UserError
from src.evaluation.metrics import MAIN
from src.evaluation.significance import Draws
from src.files import read_json, read_text, write_json, write_text
from src.params import AblationParams
from src.params.load import ABLATIONS
from src.profile import PARAMS
from src.record.check import Line, json_line, numbers_line
from src.record.evidence import ablations_at, params_of

VARIANTS = "ablations.yaml"
TABLE = "TABLE.md"


def file(root: Path, folder: Path) -> None:
    """Write the record of those variants of ablations/params.yaml that were trained under `root`.

    Raises:
        UserError: one of them has not been trained, or was measured otherwise than the reference.
    """
    shutil.copyfile(root / PARAMS, folder / PARAMS)
    shutil.copyfile(root / ABLATIONS, folder / VARIANTS)
    for name in compared(folder)[0].variants:
        if not (root / FOLDER / name).is_dir():
            raise UserError(f"{root / FOLDER / name}: no such folder; `dvc repro ablations/dvc.yaml:ablate@{name}`")
        shutil.copytree(root / FOLDER / name, folder / name)
    render(folder)


def render(folder: Path) -> None:
    """Write comparison.json and TABLE.md from what the variants left."""
    ablations, draws = compared(folder)
    comparison = compare_all(folder, ablations, draws)
    write_json(folder / COMPARISON, comparison)
    write_text(folder / TABLE, page(comparison))


def compared(folder: Path) -> tuple[AblationParams, Draws]:
    """The variants of a record, and how they are compared."""
    params = params_of(folder)
    return ablations_at(folder / VARIANTS, params), Draws.of(params.eval)


def page(comparison: Comparison) -> str:
    """TABLE.md."""
    seeds = ", ".join(map(str, comparison["settings"]["seeds"]))
    head = f"Mean and deviation over seeds {seeds}; in brackets the difference from the row compared with"
    return f"# Variants\n\n{head} and its interval.\n\n{markdown(comparison)}\n"


def check(folder: Path) -> Iterator[Line]:
    """A line for the comparison, the table and each variant's own figures, computed from queries and pairs."""
    ablations, draws = compared(folder)
    comparison = compare_all(folder, ablations, draws)
    yield json_line(COMPARISON, read_json(folder / COMPARISON), comparison)
    yield numbers_line(TABLE, read_text(folder / TABLE), page(comparison))
    for name, summary in read_summaries(folder, ablations.variants)[0].items():
        filed = {"sts": summary["sts"]["spearman"]} | {key: of[MAIN] for key, of in summary["retrieval"].items()}
        row = comparison["rows"][name]
        again = {key: _over_seeds(of) for key, of in ({"sts": row["sts"]} | row["retrieval"]).items()}
        yield json_line(f"{name}/summary.json, main values", filed, again)


def _over_seeds(measured: Measured) -> dict[str, object]:
    return {key: value for key, value in measured.items() if key in ("mean", "sd")}
