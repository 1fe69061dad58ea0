"""Smaller indexes: int8 and binary codes of a dimension's vectors, searched and rescored.

Codes are sentence-transformers' (`quantize_embeddings`). A search compares the float query with what the codes stand
for, which is what sentence-transformers' own searches do when they rescore.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from src.evaluation import runs
from src.evaluation.beir import EvalSet
from src.evaluation.runs import rounded
from src.evaluation.topk import Floats, best, merge, nothing, unit

if TYPE_CHECKING:
    from src.evaluation.runs import Run

# Candidates by Hamming distance per document that is wanted, before they are rescored.
RESCORE = 4
# Scores in memory at once, of one kind; and documents at once, where queries are few.
_SCORES = 8 << 20
_DOCUMENTS_AT_ONCE = 16_384


def rank_quantised(queries: Floats, documents: Floats, data: EvalSet, depth: int, dim: int) -> dict[str, Run]:
    """Runs of a dimension's vectors kept as int8, as bits, and as bits rescored by int8.

    - `int8`: the float query against every int8 code (rescoring all there is).
    - `binary`: Hamming distance between bits of query and document.
    - `binary_rescored`: the best 4 × depth by Hamming distance, reordered by the float query against int8 codes.

    Documents are coded block by block, so that memory does not grow with them.
    """
    query_vectors, held = unit(queries[:, :dim]).numpy(), documents[:, :dim]
    block = max(1, min(_DOCUMENTS_AT_ONCE, _SCORES // len(query_vectors)))
    scale = Scale.of(held, block)
    k = runs.search_depth(data, depth)
    wanted = min(RESCORE * k, len(held))
    int8, bits = nothing(len(query_vectors)), nothing(len(query_vectors))
    for start in range(0, len(held), block):
        vectors = unit(held[start : start + block]).numpy()
        int8 = merge(*int8, torch.from_numpy(int8_scores(query_vectors, scale.codes(vectors), scale)), start, k)
        bits = merge(*bits, torch.from_numpy(binary_scores(query_vectors, vectors)), start, wanted)
    ranked = {
        "int8": int8,
        "binary": (bits[0][:, :k], bits[1][:, :k]),
        "binary_rescored": best(_rescored(query_vectors, held, bits[1], scale), bits[1], k),
    }
    return {form: runs.from_rows(scores.numpy(), rows.numpy(), data, depth) for form, (scores, rows) in ranked.items()}


def _rescored(query_vectors: Floats, held: Floats, candidates: torch.Tensor, scale: Scale) -> torch.Tensor:
    """The int8 score of each query's candidates (queries, candidates)."""
    scores = [
        int8_scores(query[None], scale.codes(unit(held[rows]).numpy()), scale)
        for query, rows in zip(query_vectors, candidates.numpy(), strict=True)
    ]
    return torch.from_numpy(np.concatenate(scores))


def bytes_per_document(dim: int) -> dict[str, int]:
    """Memory of an index entry in each form; rescoring reads int8 codes besides, which may lie on disk."""
    return {"float32": 4 * dim, "int8": dim, "binary": (dim + 7) // 8, "binary_rescored": (dim + 7) // 8}


@dataclass(frozen=True)
class Scale:
    """How int8 codes stand for values: a code c of dimension j for low_j + (c + 128) · step_j."""

    ranges: Floats

    @classmethod
    def of(cls, documents: Floats, block: int) -> Scale:
        """A dimension's range is that of the documents at unit length (documents, dim)."""
        low, high = np.float32(np.inf), np.float32(-np.inf)
        for start in range(0, len(documents), block):
            vectors = unit(documents[start : start + block]).numpy()
            low, high = np.minimum(low, vectors.min(axis=0)), np.maximum(high, vectors.max(axis=0))
        return cls(np.vstack([low, high]))

    @property
    def low(self) -> NDArray[np.float64]:
        """The value of code -128 in each dimension."""
        return self.ranges[0].astype(np.float64)

    @property
    def step(self) -> NDArray[np.float64]:
        """The difference between neighbouring codes in each dimension."""
        step = (self.ranges[1].astype(np.float64) - self.ranges[0]) / 255
        return np.where(step == 0, 1.0, step)

    def codes(self, vectors: Floats) -> NDArray[np.int8]:
        """Codes of vectors at unit length (n, dim)."""
        from sentence_transformers.util import quantize_embeddings

        return np.asarray(quantize_embeddings(vectors, "int8", ranges=self.ranges))


def int8_scores(queries: Floats, codes: NDArray[np.int8], scale: Scale) -> Floats:
    """Inner products of float queries with int8 documents (queries, documents)."""
    exact = queries.astype(np.float64)
    constant = exact @ (scale.low + 128 * scale.step)
    return rounded((exact * scale.step) @ codes.T.astype(np.float64) + constant[:, None])


def binary_scores(queries: Floats, documents: Floats) -> Floats:
    """Dimensions whose sign agrees less those whose sign differs: dim - 2 × Hamming distance, a whole number."""
    return _signs(queries) @ _signs(documents).T


def _signs(vectors: Floats) -> Floats:
    """The bits that sentence-transformers would store, as ±1."""
    from sentence_transformers.util import quantize_embeddings

    bits = np.unpackbits(np.asarray(quantize_embeddings(vectors, "ubinary")), axis=1, count=vectors.shape[1])
    return bits.astype(np.float32) * 2 - 1
