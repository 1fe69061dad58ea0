"""The tables that we write and read again: one writer and one reader, so that any id comes back as it went.

A `.csv` quotes as RFC 4180 says. A `.tsv` has no quoting, as BEIR's judgements have none: a quote is a letter, and a
field holds neither tab nor line break. Users' tables are read by the same rules (`src.data.readers`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from src.errors import UserError
from src.files import PathLike, read_text, write_text


def write_table(path: PathLike, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a header and rows; lines end in a bare newline on every system.

    Raises:
        UserError: a field of a .tsv holds a tab or a line break.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, **_convention(path), lineterminator="\n")
    try:
        writer.writerow(header)
        writer.writerows(rows)
        if "\r" in buffer.getvalue() and is_tsv(path):  # the writer lets it pass, the reader would not
            raise csv.Error("carriage return")
    except csv.Error as error:
        raise UserError(f"{path}: a field holds a tab or a line break, which a .tsv cannot hold") from error
    write_text(path, buffer.getvalue())


def read_table(path: PathLike) -> tuple[list[str], list[list[str]]]:
    """The header and the rows, as text. Raises UserError as `numbered_rows`, and where the file is missing."""
    rows = [fields for _, fields in numbered_rows(io.StringIO(read_text(path), newline=""), path)]
    return rows[0], rows[1:]


def numbered_rows(lines: Iterable[str], path: PathLike) -> Iterator[tuple[int, list[str]]]:
    """The header of a table, then its rows, each with the number of its last line, from 1; blank lines are passed over.

    Raises:
        UserError: the table is empty or malformed, a column stands twice, or a row has more or fewer fields.
    """
    reader = csv.reader(lines, **_convention(path), strict=True)
    try:
        header = check_header(next(reader, []), path)
        yield reader.line_num, header
        for fields in filter(None, reader):
            if len(fields) != len(header):
                hint = "; a .tsv has no quoting" if is_tsv(path) and '"' in "".join(fields) else ""
                raise UserError(f"{path}:{reader.line_num}: {len(fields)} fields; the header has {len(header)}{hint}")
            yield reader.line_num, fields
    except csv.Error as error:
        raise UserError(f"{path}:{reader.line_num}: malformed: {error}") from error


def check_header(header: list[str], path: PathLike) -> list[str]:
    """The header of a table. Raises UserError where it is empty or a column stands twice in it."""
    if not header:
        raise UserError(f"{path}: empty; expected a header line with column names")
    twice = next((name for number, name in enumerate(header) if name in header[:number]), None)
    if twice is not None:
        raise UserError(f"{path}: column {twice!r} stands twice")
    return header


def is_tsv(path: PathLike) -> bool:
    """Whether a table's name, packed or not, says that a tab separates its fields."""
    return str(path).removesuffix(".gz").endswith(".tsv")


def _convention(path: PathLike) -> dict[str, Any]:
    return {"delimiter": "\t", "quoting": csv.QUOTE_NONE, "quotechar": None} if is_tsv(path) else {"delimiter": ","}
