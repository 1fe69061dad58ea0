"""Training in processes of its own, forked from one that has imported what they need: an import costs seconds."""

import os
from collections.abc import Callable
from functools import cache
from multiprocessing import forkserver, get_context
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import Any
from unittest.mock import patch

from src.errors import UserError
from src.params import load_params
from src.runtime import set_environment
from tests.checkout import ROOT

PARAMS = load_params(ROOT / "params.yaml")
RUNTIME = PARAMS.runtime.model_copy(update={"threads": 1})


@cache
def _server() -> ForkServerContext:
    context = get_context("forkserver")
    context.set_forkserver_preload(["src.training.run"])
    with patch.dict(os.environ, PYTHONPATH=str(ROOT)):
        set_environment(RUNTIME)
        forkserver.ensure_running()
    return context


def start(work: Callable[..., None], *arguments: Any, **variables: object) -> ForkServerProcess:
    """`work(*arguments)` in a process of its own with these environment variables."""
    process = _server().Process(target=_run, args=(work, arguments, {n: str(v) for n, v in variables.items()}))
    process.start()
    return process


def _run(work: Callable[..., None], arguments: tuple[Any, ...], variables: dict[str, str]) -> None:
    os.environ.update(variables)
    work(*arguments)


def stop(arguments: list[str]) -> None:
    """A stage that finds a fault. It stands here since launched processes import the module that it stands in."""
    raise UserError(f"{arguments[0]}: no such file")


def finish(*processes: ForkServerProcess) -> None:
    """Wait until all have ended well."""
    for process in processes:
        process.join(300)
    assert [process.exitcode for process in processes] == [0] * len(processes)
