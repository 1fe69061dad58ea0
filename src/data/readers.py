"""What users bring, read one way: JSON lines, CSV, TSV, Parquet or plain text, compressed or not.

`read_rows` gives (row number, {column: value}); the number is the line of a text file and counts from 1. `batches`
gives the same rows as Arrow's batches of chosen columns, for the files of the Hub.
"""

from __future__ import annotations

import csv
import gzip
import math
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from src.errors import UserError
from src.files import naming_faults
from src.strict_json import Row, as_object, parse_json, parse_lines
from src.table_files import check_header, is_tsv, numbered_rows

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

SUFFIXES = (".jsonl", ".csv", ".tsv", ".parquet", ".txt")
MAX_LINE = 16 * 1024 * 1024  # characters of one line; no passage has as many
# A gzip file may unpack to so many times its size, or so many characters where that is more: text packs to a fifth or a
# tenth, and what packs a hundred times better is a mistake or a bomb.
MAX_RATIO, MIN_UNPACKED = 100, 64 * 1024 * 1024
BATCH = 16_384  # rows


def find_split(folder: Path, split: str, required: bool) -> Path | None:
    """The one file of a split, such as train.jsonl or train.csv.gz.

    Raises:
        UserError: the folder or a required split is missing, or two files could be meant.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; expected a data set with {split}.jsonl (or .csv, .tsv, .parquet)")
    names = [f"{split}{suffix}{packed}" for suffix in SUFFIXES for packed in ("", ".gz")]
    files = [folder / name for name in names if (folder / name).is_file()]
    if len(files) > 1:
        raise UserError(f"{folder}: both {files[0].name} and {files[1].name} are there; keep one of them")
    if not files and required:
        raise UserError(f"{folder}: no {split} file; expected one of {', '.join(names[::2])}, each also as .gz")
    return files[0] if files else None


def read_rows(path: Path) -> Iterator[tuple[int, Row]]:
    """The rows of a file of any kind.

    Raises:
        UserError: the file is missing, damaged, of an unknown kind, or a row is malformed; names file and row.
    """
    kind = Path(path.name.removesuffix(".gz")).suffix
    if kind == ".parquet":
        with _parquet(path) as file:
            read = file.iter_batches(BATCH)
            yield from enumerate((row for batch in read for row in batch.to_pylist()), 1)
    elif kind in _READERS:
        with naming_faults(path):
            yield from _READERS[kind](_lines(path), path)
    else:
        raise UserError(f"{path}: unknown kind of file; expected {', '.join(SUFFIXES)} (.gz allowed)")


def batches(path: Path, columns: dict[str, str], optional: tuple[str, ...] = ()) -> Iterator[pyarrow.RecordBatch]:
    """Batches with the columns `ours: theirs`, named as ours; an optional one may be missing.

    Raises:
        UserError: as `read_rows`, and where a column is missing.
    """
    import pyarrow

    if path.suffix == ".parquet":
        with _parquet(path) as file:
            kept = _present(columns, file.schema_arrow.names, optional, path)
            for batch in file.iter_batches(BATCH, columns=list(kept.values())):
                yield pyarrow.RecordBatch.from_arrays([batch.column(name) for name in kept.values()], list(kept))
        return
    rows = (row for _, row in read_rows(path))
    while chunk := list(islice(rows, BATCH)):
        kept = _present(columns, list(dict.fromkeys(name for row in chunk for name in row)), optional, path)
        yield pyarrow.RecordBatch.from_pydict({ours: _column(path, chunk, theirs) for ours, theirs in kept.items()})


def _lines(path: Path) -> Iterator[str]:
    """The lines of a file, each held to MAX_LINE, a packed file to what text can pack to."""
    packed = path.suffix == ".gz"
    longest = sys.maxsize - 1 if ".json" in path.suffixes else MAX_LINE  # an array may stand on one line
    unpacked = 0
    try:
        stream: TextIO
        with (gzip.open if packed else open)(path, "rt", encoding="utf-8-sig", newline="") as stream:
            most = max(MAX_RATIO * path.stat().st_size, MIN_UNPACKED) if packed else sys.maxsize
            for number, line in enumerate(iter(lambda: stream.readline(longest + 1), ""), 1):
                unpacked += len(line)
                if len(line) > longest:
                    raise UserError(f"{path}:{number}: longer than {MAX_LINE} characters; expected one row a line")
                if unpacked > most:
                    raise UserError(f"{path}:{number}: unpacks to more than {most} characters, as no text does")
                if "\0" in line:
                    raise UserError(f"{path}:{number}: holds NUL bytes; it is no text file")
                yield line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path}: damaged or truncated gzip file ({error})") from error


def _json(lines: Iterable[str], path: Path) -> Iterator[tuple[int, Row]]:
    """A .json file, as found on the Hub: JSON lines, or one array of objects."""
    lines, start = iter(lines), []
    for line in lines:
        start.append(line)
        if line.strip():
            break
    if not start or not start[-1].lstrip().startswith("["):
        yield from parse_lines(chain(start, lines), path)
        return
    for number, row in enumerate(parse_json("".join([*start, *lines]), path), 1):
        yield number, as_object(row, f"{path}: item {number}")


def _table(lines: Iterable[str], path: Path) -> Iterator[tuple[int, Row]]:
    """A .csv or .tsv; the number is that of a row's last line. A .tsv that was quoted all the same is refused."""
    csv.field_size_limit(MAX_LINE)
    header: list[str] = []
    for number, fields in numbered_rows(lines, path):
        if is_tsv(path):
            _refuse_quotes(path, number, fields)
        if header:
            yield number, dict(zip(header, fields, strict=True))
        header = header or fields


def _refuse_quotes(path: Path, number: int, fields: list[str]) -> None:
    for field in fields:
        quoted = len(field) > 1 and field[0] == field[-1] == '"'
        if quoted and (number == 1 or ('""' in field[1:-1] and '"' not in field[1:-1].replace('""', ""))):
            raise UserError(
                f"{path}:{number}: {field[:40]} is quoted as in CSV; a .tsv has no quoting: save it as .csv or .jsonl"
            )


def _plain(lines: Iterable[str], _: Path) -> Iterator[tuple[int, Row]]:
    return ((number, {"text": line}) for number, line in enumerate(lines, 1) if line.strip())


_READERS = {".jsonl": parse_lines, ".json": _json, ".csv": _table, ".tsv": _table, ".txt": _plain}


@contextmanager
def _parquet(path: Path) -> Iterator[pyarrow.parquet.ParquetFile]:
    import pyarrow.parquet

    try:
        with naming_faults(path), pyarrow.parquet.ParquetFile(path, memory_map=True) as file:
            check_header(file.schema_arrow.names, path)
            yield file
    except (pyarrow.ArrowException, OSError, OverflowError) as error:  # OverflowError: a date that Python has not
        raise UserError(f"{path}: no readable Parquet file ({str(error).splitlines()[0]})") from error


def _present(columns: dict[str, str], names: list[str], optional: tuple[str, ...], path: Path) -> dict[str, str]:
    """Those of `columns` that are among the names of a file."""
    missing = [name for name in columns.values() if name not in names and name not in optional]
    if missing:
        there = ", ".join(names)
        raise UserError(f"{path.name}: no column `{missing[0]}`; found {there} (see `columns` of hub.yaml)")
    return {ours: theirs for ours, theirs in columns.items() if theirs in names}


def _column(path: Path, rows: list[Row], name: str) -> pyarrow.Array:
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
