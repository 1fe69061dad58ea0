"""Stages train_nli, train_sts, train_retrieval: a stage of the recipe, on the model that the one before it made."""

from __future__ import annotations

from pathlib import Path

from src.params import Params, load_params
from src.recipe.stages import EARLIER, STAGES, model
from src.training.launch import launch
from src.training.run import StageFiles, train_stage


def run(params: Params, name: str) -> None:
    """Train the stage of this name, in as many processes as params say."""
    launch(train, [name], params.launch.processes, params.runtime)


def train(arguments: list[str]) -> None:
    """Train the stage in this process."""
    name, params = arguments[0], load_params()
    stage = STAGES[name]
    files = StageFiles(
        name=name,
        data=stage.data,
        model_in=model(stage.starts_from),
        model_out=model(name),
        curve=Path(f"reports/training/{name}.csv"),
        log=Path(f"logs/train_{name}.jsonl"),
    )
    earlier = {name: (STAGES[name].data, params.block(STAGES[name])) for name in EARLIER}
    train_stage(files, params.block(stage), params.runtime, params.seed, earlier, compiled=params.launch.compile)
