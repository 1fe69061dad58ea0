"""TREC runs: the files from which every retrieval number is computed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.errors import UserError
from src.evaluation.beir import EvalSet
from src.files import atomic_text, read_text

Run = dict[str, list[tuple[str, float]]]
# Decimals that decide a ranking. Beyond them BLAS, threads, batches and padding would: the same text in two documents
# scores alike to about 1e-7.
SCORE_DECIMALS = 6


def rounded(scores: NDArray[Any]) -> NDArray[np.float32]:
    """Scores as every retriever ranks them: to SCORE_DECIMALS decimals, as float32."""
    return np.round(np.asarray(scores, dtype=np.float64), SCORE_DECIMALS).astype(np.float32)


def from_rows(scores: NDArray[np.float32], rows: NDArray[np.int64], data: EvalSet, depth: int) -> Run:
    """The run of a search.

    Args:
        scores, rows: (queries, k), rounded and best first; `rows` number `data.document_ids`, -1 where there was no
            further hit.
        depth: documents kept per query, counted after self-hits are removed where the set asks for that.
    """
    run: Run = {}
    for query, row_scores, row_documents in zip(data.query_ids, scores, rows, strict=True):
        hits = [
            (data.document_ids[row], float(score))
            for score, row in zip(row_scores, row_documents, strict=True)
            if row >= 0 and not (data.drop_self_hits and data.document_ids[row] == query)
        ]
        run[query] = hits[:depth]
    return run


def search_depth(data: EvalSet, depth: int) -> int:
    """How many documents to search for so that `depth` are left: one more where a query may find itself."""
    return min(depth + int(data.drop_self_hits), len(data.document_ids))


def order(hits: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Hits as trec_eval ranks them: by rounded float32 score, ties by document id, both descending."""
    scores = rounded(np.array([score for _, score in hits]))
    alike = [(document, float(score)) for (document, _), score in zip(hits, scores, strict=True)]
    by_id = sorted(alike, key=lambda hit: hit[0].encode(), reverse=True)
    return sorted(by_id, key=lambda hit: -hit[1])


def write_run(path: str | Path, run: Run, tag: str) -> None:
    """Write `qid Q0 docid rank score tag` lines; scores are the shortest text that reads back as the same float32."""
    with atomic_text(path) as stream:
        for query, hits in run.items():
            for rank, (document, score) in enumerate(hits, 1):
                stream.write(f"{query} Q0 {document} {rank} {np.float32(score)!s} {tag}\n")


def read_run(path: str | Path) -> Run:
    """The run of a TREC file, in its order.

    Raises:
        UserError: a line has not six columns, a score is no finite number, or a document occurs twice for a query.
    """
    run: Run = {}
    seen: set[tuple[str, str]] = set()
    for number, line in enumerate(read_text(path).splitlines(), 1):
        fields = line.split()
        if len(fields) != 6:
            raise UserError(f"{path}:{number}: {len(fields)} columns; expected qid Q0 docid rank score tag")
        query, _, document, _, score, _ = fields
        if (query, document) in seen:
            raise UserError(f"{path}:{number}: document {document} occurs twice for query {query}")
        seen.add((query, document))
        run.setdefault(query, []).append((document, _finite(path, number, score)))
    return run


def _finite(path: str | Path, number: int, score: str) -> float:
    try:
        value = float(score)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"{path}:{number}: score {score!r} is no finite number")
    return value
