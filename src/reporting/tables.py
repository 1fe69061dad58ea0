"""A table: Markdown in the report, CSV for programs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from src.table_files import write_table

Value = str | int | float | None


class Marked(NamedTuple):
    """A value with a sign behind it, such as †, which the CSV leaves out."""

    value: Value
    sign: str


Cell = Value | Marked
PLACES = 4
NONE = "–"
_INTERVAL = re.compile(r"\[[^]]*\]")
_LONGEST = 160  # characters of a text that is quoted


@dataclass(frozen=True)
class Table:
    """Rows under a header.

    Attributes:
        name: of its files.
        rows: floats are shown with four digits; None is a dash.
        caption: what stands above it: set, protocol, n.
        notes: what stands below it: how to read it.
    """

    name: str
    header: Sequence[str]
    rows: list[list[Cell]]
    caption: str = ""
    notes: str = ""

    def markdown(self) -> str:
        """Caption, table and notes; columns of numbers stand right."""
        right = [self._is_numeric(column) for column in range(len(self.header))]
        lines = [_line(self.header), _line(["---:" if number else "---" for number in right])]
        lines += [_line([show(cell) for cell in row]) for row in self.rows]
        parts = (self.caption and f"*{self.caption}*", "\n".join(lines), self.notes)
        return "\n\n".join(filter(None, parts)) + "\n"

    def write(self, folder: Path) -> None:
        """FOLDER/NAME.csv."""
        write_table(folder / f"{self.name}.csv", self.header, [[_raw(cell) for cell in row] for row in self.rows])

    def _is_numeric(self, column: int) -> bool:
        cells = [show(cell) for row in self.rows if (cell := row[column]) is not None]
        return bool(cells) and all(_looks_numeric(cell) for cell in cells)


def _looks_numeric(text: str) -> bool:
    """One number, with its interval or marks; a list of them may break into lines."""
    several = ", " in _INTERVAL.sub("", text)
    return text[:1] in "+-[0123456789" and not several and not any(letter.isalpha() for letter in text)


def show(cell: Cell) -> str:
    """A cell as a reader sees it, on one line."""
    if cell is None:
        return NONE
    if isinstance(cell, Marked):
        return show(cell.value) + cell.sign
    if isinstance(cell, float):
        return f"{cell:.{PLACES}f}"
    return f"{cell:,}" if isinstance(cell, int) else escape(cell)


def escape(text: str) -> str:
    """Text that cannot break out of a cell."""
    return " ".join(text.split()).replace("|", "\\|")


def plain(text: str) -> str:
    """Text of a data set: one line, not too long, without meaning to Markdown or HTML."""
    line = " ".join(text.split())
    line = line if len(line) <= _LONGEST else line[: _LONGEST - 1].rstrip() + "…"
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>#&" else letter for letter in line)


def starred(value: Value, significant: bool) -> Cell:
    """A value with a star where it is significant."""
    return Marked(value, "\\*") if significant else value


def interval(bounds: Sequence[float]) -> str:
    """Two bounds as `[0.123, 0.456]`."""
    return f"[{bounds[0]:.3f}, {bounds[1]:.3f}]"


def opposite(bounds: Sequence[float]) -> tuple[float, float]:
    """The interval of -x from that of x: of a change, where a loss was measured."""
    return -bounds[1], -bounds[0]


def share(value: float) -> str:
    """A share as `23 %`."""
    return f"{100 * value:.0f} %"


def percent(share: float) -> str:
    """A share with its sign: `+3.2 %`."""
    return f"{100 * share:+.1f} %"


def _raw(cell: Cell) -> str | int:
    value = cell.value if isinstance(cell, Marked) else cell
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else value


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
