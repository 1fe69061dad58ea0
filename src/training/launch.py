"""Several training processes on this machine, where params ask for them and no launcher has started them already."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from src.errors import UserError, run_stage

if TYPE_CHECKING:
    from src.params.schema import RuntimeParams


_FIRST_SPEAKS = 30.0  # seconds; an import may take as long on a busy machine


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
    import torch.multiprocessing as mp

    port = _free_port()
    try:
        mp.spawn(_one, (work, arguments, processes, port), nprocs=processes)
    except mp.ProcessExitedException as error:  # it has said why
        sys.exit(error.exit_code)


def check_devices(processes: int, runtime: RuntimeParams) -> None:
    """One GPU a process, unless params say that processes share the CPU."""
    if runtime.device == "cpu":
        return
    import torch

    gpus = torch.cuda.device_count()
    if processes > gpus:
        raise UserError(
            f"params.yaml: launch.processes is {processes}, but there are {gpus} GPUs; lower it, "
            "or set runtime.device to cpu"
        )


def _one(rank: int, work: Callable[[list[str]], None], arguments: list[str], processes: int, port: int) -> None:
    """A process of the group: what torchrun would have set, then the stage."""
    group: dict[str, Any] = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": processes, "LOCAL_WORLD_SIZE": processes}
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in (group | address).items()})
    sys.argv = [sys.argv[0], *arguments]
    run_stage(partial(_work, work, rank))


def _work(work: Callable[[list[str]], None], rank: int, arguments: list[str]) -> None:
    """The stage; the first process speaks for all of a fault that all of them meet."""
    try:
        work(arguments)
    except UserError:
        if rank:
            time.sleep(_FIRST_SPEAKS)  # by then the first one has spoken and ended this one
        raise


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
