"""The tables that we write and read again: one writer and one reader, so that any id comes back as it went.

A `.csv` quotes as RFC 4180 says. A `.tsv` has no quoting, as BEIR's judgements have none: a quote is a letter, and a
cell holds neither tab nor line break.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from src.errors import UserError
from src.files import PathLike, read_text, write_text


def write_table(path: PathLike, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a header and rows; lines end in a bare newline on every system.

    Raises:
        UserError: a cell of a .tsv holds a tab or a line break.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, **_convention(path), lineterminator="\n")
    try:
        writer.writerow(header)
        writer.writerows(rows)
        if "\r" in buffer.getvalue() and Path(path).suffix == ".tsv":  # the writer lets it pass, the reader would not
            raise csv.Error("carriage return")
    except csv.Error as error:
        raise UserError(f"{path}: a cell holds a tab or a line break, which a .tsv cannot hold") from error
    write_text(path, buffer.getvalue())


def read_table(path: PathLike) -> tuple[list[str], list[list[str]]]:
    """The header and the rows, as text.

    Raises:
        UserError: the file is missing or malformed, a column stands twice, or a row has more or fewer cells.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""), **_convention(path), strict=True)
    try:
        header = check_header(next(reader, []), path)
        rows = []
        for row in reader:
            if len(row) != len(header):
                raise UserError(f"{path}:{reader.line_num}: {len(row)} cells; the header has {len(header)}")
            rows.append(row)
    except csv.Error as error:
        raise UserError(f"{path}:{reader.line_num}: malformed: {error}") from error
    return header, rows


def check_header(header: list[str], path: PathLike) -> list[str]:
    """The header of a table. Raises UserError where it is empty or a column stands twice in it."""
    if not header:
        raise UserError(f"{path}: empty; expected a header line with column names")
    twice = next((name for place, name in enumerate(header) if name in header[:place]), None)
    if twice is not None:
        raise UserError(f"{path}: column {twice!r} stands twice")
    return header


def _convention(path: PathLike) -> dict[str, Any]:
    if Path(path).suffix == ".tsv":
        return {"delimiter": "\t", "quoting": csv.QUOTE_NONE, "quotechar": None}
    return {"delimiter": ","}
