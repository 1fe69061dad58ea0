"""Smaller indexes: int8 and binary codes of a dimension's vectors, searched and rescored.

Codes are sentence-transformers' (`quantize_embeddings`). A search compares the float query with what the codes stand
for, which is what sentence-transformers' own searches do when they rescore.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from src.evaluation import runs
from src.evaluation.beir import EvalSet
from src.evaluation.topk import Floats, Rows, unit

if TYPE_CHECKING:
    from src.evaluation.runs import Run

# Candidates by Hamming distance per document that is wanted, before they are rescored.
RESCORE = 4
FORMS = ("int8", "binary", "binary_rescored")
Codes = NDArray[np.int8] | NDArray[np.uint8]


def rank_quantised(queries: Floats, documents: Floats, data: EvalSet, depth: int, dim: int) -> dict[str, Run]:
    """Runs of a dimension's vectors kept as int8, as bits, and as bits rescored by int8.

    - `int8`: the float query against every int8 code (rescoring all there is).
    - `binary`: Hamming distance between bits of query and document.
    - `binary_rescored`: the best 4 × depth by Hamming distance, reordered by the float query against int8 codes.
    """
    asked, held = unit(queries[:, :dim]).numpy(), unit(documents[:, :dim]).numpy()
    k = runs.search_depth(data, depth)
    int8 = int8_scores(asked, held)
    bits = binary_scores(asked, held)
    candidates = best(bits, min(RESCORE * k, bits.shape[1]))[1]
    found = {
        "int8": best(int8, k),
        "binary": best(bits, k),
        "binary_rescored": best(int8, k, candidates),
    }
    return {name: runs.from_rows(scores, rows, data, depth) for name, (scores, rows) in found.items()}


def bytes_per_document(dim: int) -> dict[str, int]:
    """Memory of an index entry in each form; rescoring reads int8 codes besides, which may lie on disk."""
    return {"float32": 4 * dim, "int8": dim, "binary": (dim + 7) // 8, "binary_rescored": (dim + 7) // 8}


def int8_scores(queries: Floats, documents: Floats) -> Floats:
    """Inner products of float queries with int8 documents (queries, documents).

    A code c of dimension j stands for low_j + (c + 128) · step_j, low_j and step_j from the documents' range.
    """
    from sentence_transformers.util import quantize_embeddings

    ranges = np.vstack([documents.min(axis=0), documents.max(axis=0)])
    codes = np.asarray(quantize_embeddings(documents, "int8", ranges=ranges))
    steps = (ranges[1].astype(np.float64) - ranges[0]) / 255
    steps[steps == 0] = 1.0
    asked = queries.astype(np.float64)
    constant = asked @ (ranges[0] + 128 * steps)
    return ((asked * steps) @ codes.T.astype(np.float64) + constant[:, None]).astype(np.float32)


def binary_scores(queries: Floats, documents: Floats) -> Floats:
    """Dimensions whose sign agrees less those whose sign differs: dim - 2 × Hamming distance, a whole number."""
    from sentence_transformers.util import quantize_embeddings

    dim = queries.shape[1]
    signs = [
        np.unpackbits(np.asarray(quantize_embeddings(vectors, "ubinary")), axis=1, count=dim).astype(np.float32) * 2 - 1
        for vectors in (queries, documents)
    ]
    return signs[0] @ signs[1].T


def best(scores: Floats, k: int, candidates: Rows | None = None) -> tuple[Floats, Rows]:
    """The k best of each row of scores, ties to the lower document row; among `candidates` (queries, any) if given."""
    if candidates is None:
        rows = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    else:
        ascending = np.sort(candidates, axis=1)
        among = np.take_along_axis(scores, ascending, axis=1)
        rows = np.take_along_axis(ascending, np.argsort(-among, axis=1, kind="stable")[:, :k], axis=1)
    return np.take_along_axis(scores, rows, axis=1), rows.astype(np.int64)
