"""Stage compare_ablations: every variant against the reference, from what stage `ablate` left in git."""

from __future__ import annotations

from src.errors import UserError, run_stage
from src.files import write_json
from src.params import load_params
from src.runtime import set_environment


def main(arguments: list[str]) -> None:
    """Write reports/ablation.json, and show it as a table."""
    if arguments:
        raise UserError(f"no argument expected, found {arguments[0]!r}")
    params = load_params()
    set_environment(params.runtime)
    from src.ablation.compare import compare, read_rows
    from src.ablation.record import FOLDER
    from src.ablation.table import markdown

    rows, scores, head = read_rows(FOLDER, list(params.ablation.variants), params.ablation.reference)
    draws = params.eval.bootstrap_resamples, params.eval.seed
    comparison = compare(rows, scores, head, *draws)
    write_json(FOLDER.with_suffix(".json"), comparison)
    print(markdown(comparison))


if __name__ == "__main__":
    run_stage(main)
