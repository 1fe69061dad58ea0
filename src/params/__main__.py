"""`python -m src.params`: check params.yaml and say so."""

from __future__ import annotations

from src.errors import run_command
from src.params import load_params


def main(arguments: list[str]) -> None:
    """Check the file named on the command line, or params.yaml."""
    path = arguments[0] if arguments else "params.yaml"
    load_params(path)
    print(f"{path}: complete and valid")


if __name__ == "__main__":
    run_command(main, "[FILE]", "params.yaml")
