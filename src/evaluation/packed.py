"""What results are recomputed from without a text: a set's judgements and runs, and columns of values, as Parquet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
from numpy.typing import NDArray

from src.errors import UserError
from src.evaluation.beir import Qrels
from src.evaluation.metrics import PerQuery, per_query
from src.evaluation.runs import Run
from src.table_files import write_table

QRELS = ("query-id", "corpus-id", "score")
COLUMNS = ("system", "query", "document", "score")


def write_columns(path: Path, columns: Mapping[str, Any]) -> None:
    """A Parquet file; floats are split by bytes, like ones together, which takes a fifth off the file of a run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pyarrow.table(columns)
    numbers = [field.name for field in table.schema if pyarrow.types.is_floating(field.type)]
    others = [name for name in table.column_names if name not in numbers]
    pyarrow.parquet.write_table(table, path, compression="zstd", use_dictionary=others, use_byte_stream_split=numbers)


def read_columns(path: Path) -> dict[str, NDArray[Any]]:
    """The columns of a Parquet file. Raises UserError where it is missing or something else."""
    try:
        table = pyarrow.parquet.read_table(path)
    except (OSError, pyarrow.ArrowException) as error:
        raise UserError(f"{path}: expected a Parquet file of values: {error}") from error
    return {name: table[name].to_numpy() for name in table.column_names}


def write_qrels(path: Path, qrels: Qrels) -> None:
    """The judgements of a set in BEIR's form, in their order."""
    write_table(path, QRELS, [(query, *judged) for query, judgements in qrels.items() for judged in judgements.items()])


def write_runs(path: Path, runs: Mapping[str, Run]) -> None:
    """All runs of a set: system, query, document and score, in the order of their ranks."""
    rows = [(name, query, *hit) for name, run in runs.items() for query, hits in run.items() for hit in hits]
    columns = dict(zip(COLUMNS, zip(*rows, strict=True), strict=True))
    write_columns(path, {**columns, "score": pyarrow.array(columns["score"], pyarrow.float32())})


def score_runs(path: Path, qrels: Qrels) -> dict[str, PerQuery]:
    """{system: measures per query} of a file that `write_runs` wrote. Raises UserError as `read_columns`."""
    return {system: per_query(qrels, run) for system, run in read_runs(path).items()}


def read_runs(path: Path) -> dict[str, Run]:
    """{system: run} of a file that `write_runs` wrote. Raises UserError as `read_columns`."""
    columns = read_columns(path)
    if missing := set(COLUMNS) - set(columns):
        raise UserError(f"{path}: no column {min(missing)}; expected {', '.join(COLUMNS)}")
    runs: dict[str, Run] = {}
    for system, query, document, score in zip(*(columns[name].tolist() for name in COLUMNS), strict=True):
        runs.setdefault(system, {}).setdefault(query, []).append((document, score))
    return runs
