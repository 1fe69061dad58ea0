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


def run_command(main: Callable[[list[str]], None], takes: str = "", example: str = "") -> None:
    """`run_as` for the module that `main` is in: its name, and its docstring."""
    module = sys.modules[main.__module__]
    name = module.__spec__.name.removesuffix(".__main__") if module.__spec__ else "-"
    run_as(main, f"python -m {name}", module.__doc__ or "", takes, example)


def run_as(main: Callable[[list[str]], None], command: str, about: str, takes: str, example: str) -> None:
    """`run_stage` for a command line: `--help` prints usage, what the command is about, and an example.

    Args:
        takes: the arguments as usage shows them: `[A]` may be left out, `a|b` is one of these words, `…` is any more.
        example: arguments to try.
    """
    usage, shown = f"{command} {takes}".strip(), f"{command} {example}".strip()
    arguments = [a for a in sys.argv[1:] if a != "--debug"]
    if "--help" in arguments or "-h" in arguments:
        print(f"usage: {usage} [--debug]\n\n{about.strip()}\n\nexample: {shown}")
        return

    def checked(given: list[str]) -> None:
        if not _fits(given, takes.split()):
            raise UserError(f"usage: {usage}, as in: {shown}; found {' '.join(given) or 'no argument'}")
        main(given)

    run_stage(checked)


def _fits(given: list[str], takes: list[str]) -> bool:
    """Whether the arguments are as many as `takes` has words, and among the words that it lists."""
    least = sum(word[0] not in "[…" for word in takes)
    most = sys.maxsize if "…" in takes else len(takes)
    listed = zip(given, (word.strip("[]").split("|") for word in takes), strict=False)
    return least <= len(given) <= most and all(a in words for a, words in listed if len(words) > 1)


def one_line(error: BaseException) -> str:
    """The fault in one line; system errors say which file and, for a full disk, what to do."""
    if isinstance(error, UserError):
        return " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        advice = " (free some space and run the same command again)" if error.errno in (28, 122) else ""
        return f"{where}{error.strerror}{advice}"
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
