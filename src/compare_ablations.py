"""Stage compare_ablations: every variant against the reference, and the evidence for it in git."""

from __future__ import annotations

import shutil
from pathlib import Path

from src.errors import run_command
from src.files import fresh_dir, write_json
from src.params import load_params
from src.runtime import set_environment

EVIDENCE = Path("reports/ablation")


def main(_: list[str]) -> None:
    """Write reports/ablation/, what each variant of params left, and reports/ablation.json; show it as a table."""
    params = load_params()
    set_environment(params.runtime)
    from src.ablation.compare import compare, read_rows
    from src.ablation.record import FOLDER
    from src.ablation.table import markdown
    from src.evaluation.significance import Draws

    names = list(params.ablation.variants)
    rows, scores, head = read_rows(FOLDER, names, params.ablation.reference)
    draws = Draws(params.eval.bootstrap_resamples, params.eval.seed)
    comparison = compare(rows, scores, head, draws)
    with fresh_dir(EVIDENCE) as folder:
        for name in names:
            shutil.copytree(FOLDER / name, folder / name)
    write_json(EVIDENCE.with_suffix(".json"), comparison)
    print(markdown(comparison))


if __name__ == "__main__":
    run_command(main)
