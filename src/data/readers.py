"""Rows of a data set from a folder of JSON lines, CSV, TSV, Parquet or plain text, compressed or not.

A reader yields (row number, {column: value}); the number is the line of a text file and counts from 1.
"""

from __future__ import annotations

import csv
import gzip
import itertools
import sys
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from src.errors import UserError
from src.strict_json import Row, parse_json, parse_object
from src.table_files import check_header

SUFFIXES = (".jsonl", ".csv", ".tsv", ".parquet", ".txt")
MAX_LINE = 16 * 1024 * 1024  # characters of one line; no passage has as many
# A gzip file may unpack to so many times its size, or so many characters where that is more: text packs to a fifth or a
# tenth, and what packs a hundred times better is a mistake or a bomb.
MAX_RATIO, MIN_UNPACKED = 100, 64 * 1024 * 1024


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
    try:
        if kind == ".parquet":
            yield from _parquet(path)
        elif kind in _READERS:
            with _open(path) as stream:
                yield from _READERS[kind](path, _lines(path, stream))
        else:
            raise UserError(f"{path}: unknown kind of file; expected {', '.join(SUFFIXES)} (.gz allowed)")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path}: damaged or truncated gzip file ({error})") from error
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error


def _open(path: Path) -> TextIO:
    opener = gzip.open if path.suffix == ".gz" else open
    return opener(path, "rt", encoding="utf-8-sig", newline="")


def _lines(path: Path, stream: TextIO) -> Iterator[str]:
    """The lines of a file, each held to MAX_LINE, a packed file to what text can pack to."""
    most = max(MAX_RATIO * path.stat().st_size, MIN_UNPACKED) if path.suffix == ".gz" else None
    longest = sys.maxsize - 1 if ".json" in path.suffixes else MAX_LINE  # an array may stand on one line
    unpacked = 0
    for number, line in enumerate(iter(lambda: stream.readline(longest + 1), ""), 1):
        unpacked += len(line)
        if len(line) > longest:
            raise UserError(f"{path}:{number}: longer than {MAX_LINE} characters; expected one row a line")
        if most is not None and unpacked > most:
            raise UserError(f"{path}:{number}: unpacks to more than {most} characters, as no text does")
        yield line


def _jsonl(path: Path, lines: Iterable[str]) -> Iterator[tuple[int, Row]]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield number, parse_object(line, path, number)


def _json(path: Path, lines: Iterable[str]) -> Iterator[tuple[int, Row]]:
    """A .json file, as found on the Hub: JSON lines, or one array of objects."""
    lines, start = iter(lines), []
    for line in lines:
        start.append(line)
        if line.strip():
            break
    if not start or not start[-1].lstrip().startswith("["):
        yield from _jsonl(path, itertools.chain(start, lines))
        return
    for number, row in enumerate(parse_json("".join([*start, *lines]), path), 1):
        if not isinstance(row, dict):
            raise UserError(f"{path}: item {number} is a JSON {type(row).__name__}; expected an object")
        yield number, row


def _csv(path: Path, lines: Iterable[str]) -> Iterator[tuple[int, Row]]:
    """Rows of a table whose fields may be quoted (RFC 4180); the number is that of a row's last line."""
    csv.field_size_limit(MAX_LINE)
    reader = csv.reader((_no_nul(path, line) for line in lines), strict=True)
    try:
        yield from _named(path, ((reader.line_num, fields) for fields in reader))
    except csv.Error as error:
        raise UserError(f"{path}:{reader.line_num}: malformed: {error}") from error


def _tsv(path: Path, lines: Iterable[str]) -> Iterator[tuple[int, Row]]:
    """Rows of a table without quoting: a quote is a letter. A file that was quoted all the same is refused."""
    fields_of = (_no_nul(path, line).rstrip("\r\n").split("\t") for line in lines)
    yield from _named(path, ((number, _unquoted(path, number, fields)) for number, fields in enumerate(fields_of, 1)))


def _unquoted(path: Path, number: int, fields: list[str]) -> list[str]:
    for field in fields:
        quoted = len(field) > 1 and field[0] == field[-1] == '"'
        if quoted and (number == 1 or ('""' in field[1:-1] and '"' not in field[1:-1].replace('""', ""))):
            raise UserError(
                f"{path}:{number}: {field[:40]} is quoted as in CSV; a .tsv has no quoting: save it as .csv or .jsonl"
            )
    return fields


def _named(path: Path, rows: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, Row]]:
    """Rows under the names of the first; blank lines are passed over."""
    header = check_header(next(rows, (1, []))[1], path)
    for number, fields in rows:
        if fields in ([], [""]):
            continue
        if len(fields) != len(header):
            quotes = "; a .tsv has no quoting" if ".tsv" in path.suffixes and '"' in "".join(fields) else ""
            raise UserError(f"{path}:{number}: {len(fields)} fields; the header has {len(header)}{quotes}")
        yield number, dict(zip(header, fields, strict=True))


def _no_nul(path: Path, line: str) -> str:
    if "\0" in line:
        raise UserError(f"{path}: holds NUL bytes; it is no text file")
    return line


def _plain(path: Path, lines: Iterable[str]) -> Iterator[tuple[int, Row]]:
    for number, line in enumerate(lines, 1):
        if _no_nul(path, line).strip():
            yield number, {"text": line}


def _parquet(path: Path) -> Iterator[tuple[int, Row]]:
    import pyarrow
    import pyarrow.parquet

    try:
        number = 0
        with pyarrow.parquet.ParquetFile(path) as file:
            check_header(file.schema_arrow.names, path)
            for batch in file.iter_batches(batch_size=4096):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except FileNotFoundError:
        raise
    except (pyarrow.ArrowException, OSError, OverflowError) as error:  # OverflowError: a date that Python has not
        raise UserError(f"{path}: no readable Parquet file ({str(error).splitlines()[0]})") from error


_READERS = {".jsonl": _jsonl, ".json": _json, ".csv": _csv, ".tsv": _tsv, ".txt": _plain}
