"""Columns of a data file in Arrow batches, so that a large file is never in memory whole."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from src.data.readers import read_rows
from src.errors import UserError
from src.table_files import check_header

if TYPE_CHECKING:
    import pyarrow

BATCH = 16_384  # rows


def batches(path: Path, columns: dict[str, str], optional: tuple[str, ...] = ()) -> Iterator[pyarrow.RecordBatch]:
    """Batches with the columns `ours: theirs`, named as ours; an optional one may be missing.

    Raises:
        UserError: a column is missing, or the file is damaged; names the file.
    """
    import pyarrow

    try:
        for batch in _parquet(path, columns) if path.suffix == ".parquet" else _rows(path, columns):
            missing = [name for name in columns.values() if name not in batch.schema.names]
            if [name for name in missing if name not in optional]:
                columns_there = ", ".join(batch.schema.names)
                raise UserError(
                    f"{path.name}: no column `{missing[0]}`; found {columns_there} (see `columns` of hub.yaml)"
                )
            kept = {ours: theirs for ours, theirs in columns.items() if theirs not in missing}
            yield pyarrow.RecordBatch.from_arrays([batch.column(name) for name in kept.values()], list(kept))
    except (pyarrow.ArrowException, OSError) as error:
        raise UserError(f"{path}: cannot be read ({str(error).splitlines()[0]})") from error


def _parquet(path: Path, columns: dict[str, str]) -> Iterator[pyarrow.RecordBatch]:
    import pyarrow
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path, memory_map=True) as file:
        check_header(file.schema_arrow.names, path)
        there = [name for name in columns.values() if name in file.schema_arrow.names]
        if not there:
            yield pyarrow.RecordBatch.from_pylist([], schema=file.schema_arrow)
            return
        yield from file.iter_batches(batch_size=BATCH, columns=there)


def _rows(path: Path, columns: dict[str, str]) -> Iterator[pyarrow.RecordBatch]:
    import pyarrow

    rows = (row for _, row in read_rows(path))
    while chunk := list(islice(rows, BATCH)):
        names = list(dict.fromkeys(name for row in chunk for name in row))
        schema = [name for name in names if name in columns.values()] or names
        yield pyarrow.RecordBatch.from_pydict({name: _column(path, chunk, name) for name in schema})


def _column(path: Path, rows: list[dict[str, object]], name: str) -> pyarrow.Array:
    """A column of one type; of texts where there are several. NaN is how pandas writes what is missing."""
    import pyarrow

    values = [row.get(name) for row in rows]
    values = [None if isinstance(value, float) and math.isnan(value) else value for value in values]
    try:
        return pyarrow.array(values)
    except (pyarrow.ArrowException, OverflowError) as error:
        other = next((value for value in values if isinstance(value, list | dict)), None)
        if other is not None:
            expected = "expected text or numbers"
            raise UserError(f"{path}: column `{name}` holds {other!r} among others; {expected}") from error
        return pyarrow.array([None if value is None else str(value) for value in values])
