"""All runs of a set as one Parquet file, and its judgements: every number is recomputed from them without a text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow
import pyarrow.parquet

from src.errors import UserError
from src.evaluation.beir import Qrels
from src.evaluation.metrics import PerQuery, per_query
from src.evaluation.runs import Run
from src.table_files import write_table

QRELS = ("query-id", "corpus-id", "score")
COLUMNS = ("system", "query", "document", "score")


def write_qrels(path: Path, qrels: Qrels) -> None:
    """The judgements of a set in BEIR's form, in their order."""
    write_table(path, QRELS, [(query, *judged) for query, judgements in qrels.items() for judged in judgements.items()])


def write_runs(path: Path, runs: Mapping[str, Run]) -> None:
    """All runs of a set: system, query, document and score, in the order of their ranks."""
    rows = [(name, query, *hit) for name, run in runs.items() for query, hits in run.items() for hit in hits]
    columns = dict(zip(COLUMNS, zip(*rows, strict=True), strict=True))
    columns["score"] = pyarrow.array(columns["score"], pyarrow.float32())
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.table(columns), path, compression="zstd")


def score_runs(path: Path, qrels: Qrels) -> dict[str, PerQuery]:
    """{system: measures per query} of a file that `write_runs` wrote. Raises UserError as `read_runs`."""
    return {system: per_query(qrels, run) for system, run in read_runs(path).items()}


def read_runs(path: Path) -> dict[str, Run]:
    """{system: run} of a file that `write_runs` wrote.

    Raises:
        UserError: it is missing or something else.
    """
    try:
        columns = pyarrow.parquet.read_table(path, columns=list(COLUMNS))
    except (OSError, pyarrow.ArrowException) as error:
        raise UserError(f"{path}: expected a Parquet file of runs: {error}") from error
    runs: dict[str, Run] = {}
    for system, query, document, score in zip(*(column.to_pylist() for column in columns.columns), strict=True):
        runs.setdefault(system, {}).setdefault(query, []).append((document, score))
    return runs
