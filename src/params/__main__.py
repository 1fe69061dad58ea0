"""`python -m src.params`: check params.yaml and ablations/params.yaml, and that the data they name are there."""

from __future__ import annotations

from src.data.present import check_data
from src.errors import run_command
from src.params import load_ablations, load_params
from src.params.load import ABLATIONS


def main(arguments: list[str]) -> None:
    """Check the file named on the command line, or both."""
    path = arguments[0] if arguments else "params.yaml"
    params = load_params(path)
    if not arguments:
        load_ablations(params)
        path += f" and {ABLATIONS}"
    check_data(params)
    print(f"{path}: complete and valid")


if __name__ == "__main__":
    run_command(main, "[FILE]", "params.yaml")
