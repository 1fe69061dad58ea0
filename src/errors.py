"""What a user sees when something is wrong: one line, an exit code, and nothing half-written."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable


class UserError(Exception):
    """A fault that the user can mend; the message names the file, row or key and what was expected."""


def run_stage(main: Callable[[list[str]], None]) -> None:
    """Run `main(argv)` as a program: faults become one line on stderr and a non-zero exit status.

    `--debug` anywhere on the command line, or TURKEMBED_DEBUG=1, shows the traceback instead.
    """
    arguments = [a for a in sys.argv[1:] if a != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1 or os.environ.get("TURKEMBED_DEBUG", "") not in ("", "0")
    try:
        main(arguments)
    except KeyboardInterrupt:
        print("interrupted: nothing half-written is kept; the same command goes on from here", file=sys.stderr)
        sys.exit(130)
    except (UserError, OSError, MemoryError) as error:
        if debug:
            raise
        print(f"error: {one_line(error)}", file=sys.stderr)
        sys.exit(1)


def one_line(error: BaseException) -> str:
    """The fault in one line; system errors say which file and, for a full disk, what to do."""
    if isinstance(error, UserError):
        return " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        advice = " (free some space and run the same command again)" if error.errno in (28, 122) else ""
        return f"{where}{error.strerror}{advice}"
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
