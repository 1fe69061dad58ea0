"""`python -m src.train nli|sts|retrieval`: one step of the recipe, on the model that the step before it made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from src.errors import run_command
from src.params import Params, load_params
from src.runtime import set_environment
from src.training.launch import launch

if TYPE_CHECKING:
    from src.training.remedies import Remedies

BEFORE = {"nli": "base", "sts": "nli", "retrieval": "sts"}
BLOCK = {"nli": "nli", "sts": "sts", "retrieval": "train"}


def main(arguments: list[str]) -> None:
    """Train the step named on the command line, in as many processes as params say."""
    params = load_params()
    set_environment(params.runtime)
    launch(train, arguments, params.launch.processes, params.runtime)


def train(arguments: list[str]) -> None:
    """Train the step in this process."""
    from src.training.run import StepFiles, train_step

    name, params = arguments[0], load_params()
    files = StepFiles(
        name=name,
        data=Path(f"data/prepared/{name}/train.jsonl"),
        model_in=Path(f"models/{BEFORE[name]}"),
        model_out=Path(f"models/{name}"),
        curve=Path(f"reports/training/{name}.csv"),
        log=Path(f"logs/train_{name}.jsonl"),
    )
    remedies = retrieval_remedies(params) if name == "retrieval" else None
    train_step(
        files, getattr(params, BLOCK[name]), params.runtime, params.seed, remedies, compiled=params.launch.compile
    )


def retrieval_remedies(params: Params) -> Remedies:
    """The retrieval step's remedies, with the sets that it may rehearse."""
    from src.training.remedies import Remedies

    earlier = {
        name: (Path(f"data/prepared/{name}/train.jsonl"), getattr(params, BLOCK[name])) for name in ("nli", "sts")
    }
    return Remedies(params.train.remedies, earlier)


if __name__ == "__main__":
    run_command(main, "nli|sts|retrieval", "nli")
