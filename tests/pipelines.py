"""A pipeline run in this process: what `dvc exp run` would do, without a process for each stage."""

import shlex
import sys

import pytest
from dvc.repo import Repo
from dvc.repo.reproduce import plan_repro
from dvc.utils.cli_parse import to_path_overrides
from dvc.utils.hydra import apply_overrides

from tests.checkout import Checkout
from tests.stages import run_stage

COMMAND = "python -m src.stages "


def set_profile(checkout: Checkout, name: str, changes: list[str]) -> None:
    """Write into the files of params what `dvc exp run $(python -m src.profile NAME) -S CHANGE …` would."""
    flags = shlex.split(checkout.run(sys.executable, "-m", "src.profile", name).stdout)
    for path, overrides in to_path_overrides([*flags[1::2], *changes]).items():
        apply_overrides(checkout.path / path, overrides)


def run_pipeline(checkout: Checkout, *targets: str) -> None:
    """Do what `dvc repro` would of what never ran, in its order, without a process for each stage.

    Then DVC takes the results as its own, misses no file that a stage declares, and has nothing to do.
    """
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(checkout.path)
        with Repo() as repo:
            stages = [stage for target in targets for stage in repo.stage.collect(target)]
            commands = [stage.cmd for stage in plan_repro(repo.index.graph, stages)]
        for command in commands:
            run_stage(*command.removeprefix(COMMAND).split())
    checkout.run("dvc", "commit", "--force", "--with-deps", *targets)
    assert "Running stage" not in checkout.run("dvc", "repro", *targets).stdout
