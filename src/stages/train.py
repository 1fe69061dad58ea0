"""Stages train_nli, train_sts, train_retrieval: one step of the recipe, on the model that the step before it made."""

from __future__ import annotations

from pathlib import Path

from src.params import Params, load_params
from src.recipe.stages import EARLIER, FINAL, STAGES, model
from src.training.launch import launch
from src.training.remedies import Remedies
from src.training.run import StepFiles, train_step


def run(params: Params, name: str) -> None:
    """Train the step of this name, in as many processes as params say."""
    launch(train, [name], params.launch.processes, params.runtime)


def train(arguments: list[str]) -> None:
    """Train the step in this process."""
    name, params = arguments[0], load_params()
    stage = STAGES[name]
    files = StepFiles(
        name=name,
        data=stage.data,
        model_in=model(stage.starts_from),
        model_out=model(name),
        curve=Path(f"reports/training/{name}.csv"),
        log=Path(f"logs/train_{name}.jsonl"),
    )
    remedies = retrieval_remedies(params) if name == FINAL else None
    train_step(files, stage.params(params), params.runtime, params.seed, remedies, compiled=params.launch.compile)


def retrieval_remedies(params: Params) -> Remedies:
    """The retrieval step's remedies, with the sets that it may rehearse."""
    earlier = {name: (STAGES[name].data, STAGES[name].params(params)) for name in EARLIER}
    return Remedies(params.train.remedies, earlier)
