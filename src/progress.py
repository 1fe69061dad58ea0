"""Progress bars: a bar that moves where there is a terminal; in a file, a pipe or CI a line every half minute."""

from __future__ import annotations

import sys
import time
from typing import Any

SECONDS = 30  # between two lines of a log


class _Lines:
    """What tqdm writes, thinned out for a log: a state every so often, and the last one."""

    def __init__(self) -> None:
        self.state, self.written = "", time.monotonic()

    def write(self, text: str) -> None:
        """A state of the bar; a bare newline ends it."""
        self.state = text.strip() or self.state
        if time.monotonic() - self.written >= (1 if text == "\n" else SECONDS):
            print(self.state, file=sys.stderr, flush=True)
            self.written = time.monotonic()

    def flush(self) -> None:
        """Nothing is held back."""


def bar(what: str, unit: str, total: int | None = None, done: int = 0, quiet: bool = False) -> Any:
    """A bar on stderr (tqdm's) for work of more than two seconds; close it, or use it in a `with` block.

    Args:
        what: stands before the bar.
        unit: of the counts, as in `step`.
        done: counted before this run.
        quiet: show nothing.
    """
    from tqdm import tqdm  # once src.runtime has set how other libraries' bars go

    stream = None if sys.stderr.isatty() else _Lines()
    settings: dict[str, Any] = {"disable": quiet, "mininterval": 1, "delay": 2, "file": stream}
    return tqdm(total=total, initial=done, desc=what, unit=unit, **settings)
