"""On PYTHONPATH of a run: each file of the repository that a stage opens for reading, as a line in READS_LOG."""

import os
import sys

_ROOT = os.getcwd() + os.sep
_COMMAND = " ".join(["python", *sys.orig_argv[1:]])
_LOG = os.open(os.environ["READS_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT) if "READS_LOG" in os.environ else None


def _note(event: str, arguments: tuple) -> None:
    if event != "open" or not isinstance(arguments[0], str) or arguments[2] & (os.O_WRONLY | os.O_RDWR):
        return
    path = os.path.abspath(arguments[0])
    if path.startswith(_ROOT):
        os.write(_LOG, f"{_COMMAND}\t{path[len(_ROOT) :]}\n".encode())


if _LOG is not None and sys.orig_argv[1:2] == ["-m"]:
    sys.addaudithook(_note)
