"""`python -m src.cli.compare_ablations`: the variants against the reference, into reports/ablation/ (`make ablations`).

No stage of DVC: what is in reports/ablation/ is an input of the report, made where somebody asks for it by name.
"""

from __future__ import annotations

import shutil

from src.ablation.compare import compare_all
from src.ablation.evidence import COMPARISON, EVIDENCE, PLOT
from src.ablation.record import FOLDER
from src.ablation.table import markdown, write_plot
from src.errors import run_command
from src.evaluation.significance import Draws
from src.files import fresh_dir, write_json, write_text
from src.params import load_ablations, load_params
from src.runtime import set_environment

README = """# Ablations

Made by `make ablations`, an input of the report: every variant against the reference (comparison.json), and what the
tests are made from (NAME/). docs/ablations.md says what each file holds.
"""


def main(_: list[str]) -> None:
    """Write reports/ablation/, what each variant of params left and their comparison; show it as a table."""
    params = load_params()
    ablations = load_ablations(params)
    set_environment(params.runtime)
    names = list(ablations.variants)
    comparison = compare_all(FOLDER, ablations, Draws.of(params.eval))
    with fresh_dir(EVIDENCE) as folder:
        for name in names:
            shutil.copytree(FOLDER / name, folder / name)
        write_json(folder / COMPARISON, comparison)
        write_plot(folder / PLOT, comparison)
        write_text(folder / "README.md", README)
    print(markdown(comparison))
    print(*(f"{name}: left out, since {reason}" for name, reason in comparison["left_out"].items()), sep="\n")


if __name__ == "__main__":
    run_command(main)
