"""`python -m src.cli.side_by_side [ablations]`: `dvc repro`, two stages at a time where they do not need each other.

DVC runs one stage after the other, but lets several `dvc repro` work in one folder. Half of a small run is imports and
other work of one core, so on a processor two stages at once take less time than one after the other, with the same
results. What is stale, and where a killed run goes on, DVC alone decides. On a GPU, whose memory a stage may need
whole, this is a plain `dvc repro`.
"""

from __future__ import annotations

import subprocess
from contextlib import ExitStack
from pathlib import Path

from src.errors import UserError, run_command
from src.params import Params, load_ablations, load_params
from src.recipe.stages import STAGES

Targets = list[str]

LOG = Path("logs/side_by_side.txt")
ABLATIONS = "ablations/dvc.yaml"
TRAINING = [f"train_{name}" for name in STAGES]
# What both sides of the first pair start from; then pairs of which neither side needs the other.
FIRST = ["prepare", "prepare_eval", "base_model"]
PAIRS = [
    (TRAINING, ["train_colbert", "bm25", "eval_published"]),
    (["eval_retrieval"], ["check_sts_forgetting"]),
]


def main(arguments: list[str]) -> None:
    """Reproduce the pipeline, or that of the variants.

    Raises:
        UserError: a stage failed.
    """
    params = load_params()
    first, pairs, pipeline = variants(params) if arguments else (FIRST, PAIRS, [])
    if params.runtime.device == "cpu":
        repro(first)
        for shown, other in pairs:
            repro(["--single-item", *shown], ["--single-item", *other])
    repro(pipeline)


def variants(params: Params) -> tuple[Targets, list[tuple[Targets, Targets]], Targets]:
    """The stages that all variants start from, the variants in two halves, and their pipeline."""
    names = [f"{ABLATIONS}:ablate@{name}" for name in load_ablations(params).variants]
    return [*FIRST, *TRAINING[:-1], f"{ABLATIONS}:resolve"], [(names[::2], names[1::2])], [ABLATIONS]


def repro(shown: Targets, other: Targets | None = None) -> None:
    """Run `dvc repro` with these arguments, and with others beside it, whose output follows when both have ended."""
    command = ["dvc", "--wait-for-lock", "repro"]
    LOG.parent.mkdir(exist_ok=True)
    with LOG.open("w+", encoding="utf-8") as log, ExitStack() as running:
        processes = [running.enter_context(subprocess.Popen([*command, *shown]))]
        if other:
            processes.append(running.enter_context(subprocess.Popen([*command, *other], stdout=log, stderr=log)))
        statuses = [process.wait() for process in processes]
        log.seek(0)
        print(log.read(), end="", flush=True)
    if any(statuses):
        raise UserError("a stage failed, see above; the same command goes on from there")


if __name__ == "__main__":
    run_command(main, "[ablations]", "ablations")
