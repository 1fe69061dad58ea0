"""Several training processes on this machine, where params ask for them and no launcher has started them already."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import multiprocessing
from torch.distributed.elastic.utils.distributed import get_free_port

from src.errors import UserError, run_stage
from src.params.schema import RuntimeParams

_FIRST_REPORTS = 30.0  # seconds until the first process has said what is wrong; an import may take as long


def launch(work: Callable[[list[str]], None], arguments: list[str], processes: int, runtime: RuntimeParams) -> None:
    """Run `work(arguments)` in so many processes of one torch.distributed group, or here where one is enough.

    `accelerate launch -m src.stages train NAME` and torchrun start the processes themselves, also on several
    machines; then this is one of them, and params' count is passed over. accelerate, inside the trainer, joins the
    group either way.

    Raises:
        UserError: more processes than GPUs, or `device: auto` without any.
    """
    if processes == 1 or "WORLD_SIZE" in os.environ:
        work(arguments)
        return
    check_devices(processes, runtime)
    try:
        multiprocessing.spawn(_one, (work, arguments, processes, get_free_port()), nprocs=processes)
    except multiprocessing.ProcessExitedException as error:  # it has said why
        sys.exit(error.exit_code)


def check_devices(processes: int, runtime: RuntimeParams) -> None:
    """One GPU a process, unless params say that processes share the CPU."""
    gpus = torch.cuda.device_count()
    if runtime.device != "cpu" and processes > gpus:
        raise UserError(
            f"params.yaml: launch.processes is {processes}, but there are {gpus} GPUs; lower it, "
            "or set runtime.device to cpu"
        )


def _one(rank: int, work: Callable[[list[str]], None], arguments: list[str], processes: int, port: int) -> None:
    """A process of the group: what torchrun would have set, then the stage."""
    group = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": processes, "LOCAL_WORLD_SIZE": processes}
    os.environ.update({name: str(number) for name, number in (group | {"MASTER_PORT": port}).items()})
    os.environ["MASTER_ADDR"] = "127.0.0.1"
    sys.argv = [sys.argv[0], *arguments]
    run_stage(partial(_work, work, rank))


def _work(work: Callable[[list[str]], None], rank: int, arguments: list[str]) -> None:
    """The stage; of a fault that all processes meet, the first one alone writes the line."""
    try:
        work(arguments)
    except UserError:
        if rank:
            time.sleep(_FIRST_REPORTS)  # by then the first one has ended, and with it this one
        raise
