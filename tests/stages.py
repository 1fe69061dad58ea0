"""Stages in this process, in the folder that the test is in, as `python -m src.stages` runs them."""

import os
from unittest.mock import patch

from src.stages.__main__ import main


def run_stage(name: str, *argument: str) -> None:
    """Raises what the stage raises: the runner's one-line form is tests/unit/test_commands.py's.

    The threads and variables of params stay the stage's own: two threads a test process, on as many cores as there
    are test processes, wait for each other most of the time.
    """
    with patch("torch.set_num_threads"), patch.dict(os.environ):
        main([name, *argument])
