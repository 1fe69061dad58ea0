"""`python -m src.params`: check params.yaml and ablations/params.yaml, and that the data they name are there."""

from __future__ import annotations

from src.data.present import check_data
from src.errors import run_command
from src.params import load_ablations, load_params


def main(_: list[str]) -> None:
    """Check both files."""
    params = load_params()
    load_ablations(params)
    check_data(params)
    print("params.yaml and ablations/params.yaml: complete and valid")


if __name__ == "__main__":
    run_command(main)
