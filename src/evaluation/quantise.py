"""Smaller indexes: int8 and binary codes of a dimension's vectors, searched and rescored.

Codes are sentence-transformers' (`quantize_embeddings`). A search compares the float query with what the codes stand
for, which is what sentence-transformers' own searches do when they rescore.
"""

from __future__ import annotations

from dataclasses import dataclass
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
# Scores in memory at once, of one kind.
_SCORES = 32 << 20


def rank_quantised(queries: Floats, documents: Floats, data: EvalSet, depth: int, dim: int) -> dict[str, Run]:
    """Runs of a dimension's vectors kept as int8, as bits, and as bits rescored by int8.

    - `int8`: the float query against every int8 code (rescoring all there is).
    - `binary`: Hamming distance between bits of query and document.
    - `binary_rescored`: the best 4 × depth by Hamming distance, reordered by the float query against int8 codes.
    """
    held = Codes.of(unit(documents[:, :dim]).numpy())
    k = runs.search_depth(data, depth)
    found: dict[str, list[tuple[Floats, Rows]]] = {form: [] for form in FORMS}
    step = max(1, _SCORES // len(documents))
    for start in range(0, len(queries), step):
        asked = unit(queries[start : start + step, :dim]).numpy()
        int8, bits = int8_scores(asked, held), binary_scores(asked, held)
        found["int8"].append(best(int8, k))
        found["binary"].append(best(bits, k))
        candidates = best(bits, min(RESCORE * k, bits.shape[1]))[1]
        found["binary_rescored"].append(best(int8, k, candidates))
    return {
        form: runs.from_rows(np.concatenate([s for s, _ in parts]), np.concatenate([r for _, r in parts]), data, depth)
        for form, parts in found.items()
    }


def bytes_per_document(dim: int) -> dict[str, int]:
    """Memory of an index entry in each form; rescoring reads int8 codes besides, which may lie on disk."""
    return {"float32": 4 * dim, "int8": dim, "binary": (dim + 7) // 8, "binary_rescored": (dim + 7) // 8}


@dataclass(frozen=True)
class Codes:
    """The documents of an index in both forms: int8 codes with their ranges, and bits as ±1."""

    int8: NDArray[np.int8]
    low: NDArray[np.float64]
    step: NDArray[np.float64]
    signs: Floats

    @classmethod
    def of(cls, documents: Floats) -> Codes:
        """Quantise vectors (documents, dim); a dimension's range is that of the documents."""
        from sentence_transformers.util import quantize_embeddings

        ranges = np.vstack([documents.min(axis=0), documents.max(axis=0)])
        step = (ranges[1].astype(np.float64) - ranges[0]) / 255
        codes = np.asarray(quantize_embeddings(documents, "int8", ranges=ranges))
        return cls(codes, ranges[0].astype(np.float64), np.where(step == 0, 1.0, step), _signs(documents))


def int8_scores(queries: Floats, held: Codes) -> Floats:
    """Inner products of float queries with int8 documents (queries, documents).

    A code c of dimension j stands for low_j + (c + 128) · step_j.
    """
    asked = queries.astype(np.float64)
    constant = asked @ (held.low + 128 * held.step)
    return ((asked * held.step) @ held.int8.T.astype(np.float64) + constant[:, None]).astype(np.float32)


def binary_scores(queries: Floats, held: Codes) -> Floats:
    """Dimensions whose sign agrees less those whose sign differs: dim - 2 × Hamming distance, a whole number."""
    return _signs(queries) @ held.signs.T


def _signs(vectors: Floats) -> Floats:
    """The bits that sentence-transformers would store, as ±1."""
    from sentence_transformers.util import quantize_embeddings

    bits = np.unpackbits(np.asarray(quantize_embeddings(vectors, "ubinary")), axis=1, count=vectors.shape[1])
    return bits.astype(np.float32) * 2 - 1


def best(scores: Floats, k: int, candidates: Rows | None = None) -> tuple[Floats, Rows]:
    """The k best of each row of scores, ties to the lower document row; among `candidates` (queries, any) if given."""
    if candidates is None:
        rows = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    else:
        ascending = np.sort(candidates, axis=1)
        among = np.take_along_axis(scores, ascending, axis=1)
        rows = np.take_along_axis(ascending, np.argsort(-among, axis=1, kind="stable")[:, :k], axis=1)
    return np.take_along_axis(scores, rows, axis=1), rows.astype(np.int64)
