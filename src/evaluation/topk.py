"""Exact nearest neighbours by cosine, block by block: bounded memory, and the same answer whatever the block size.

A float32 matrix product picks candidates; their scores are then computed in float64 from the float32 vectors and
rounded to six decimals. So neither block size nor threads nor a document's place in a block changes a score, and
equal vectors have equal scores. Ties go to the lower row.
"""

from __future__ import annotations

import warnings

import numpy as np
import torch
from numpy.typing import NDArray

from src.errors import UserError
from src.evaluation.runs import SCORE_DECIMALS

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]

# Spare candidates beyond k, so that a float32 rounding near rank k rarely calls for the slow way.
_SPARE = 32
# Vectors of a block, and scores of a block, each take at most this much: scores that stay in the processor's cache
# are looked through several times faster than scores in memory.
_BLOCK_BYTES = 24 << 20
_QUERIES_AT_ONCE = 1024
_UNIT_ROUNDOFF = 2.0**-24
# Lengths whose squares keep clear of float32's ends; a model's vectors are near 1, and never beyond these.
_SHORTEST, _LONGEST = 1e-15, 1e15


def search(
    queries: Floats,
    documents: Floats,
    k: int,
    *,
    dim: int | None = None,
    block: int | None = None,
    device: torch.device | str = "cpu",
) -> tuple[Floats, Rows]:
    """The k documents nearest to each query by cosine over the first `dim` dimensions.

    Args:
        queries, documents: (queries, d), (documents, d); may be memory-mapped files. Rows need not have unit length.
        dim: vectors are cut to this many dimensions and brought back to unit length; None: all.
        block: documents compared at once; None: as many as fit 24 MiB.

    Returns:
        Scores (float32) and rows (queries, k), best first, ties by lower row.
    """
    dim = dim or queries.shape[1]
    k = min(k, len(documents))
    block = block or max(1, _BLOCK_BYTES // (4 * max(dim, min(len(queries), _QUERIES_AT_ONCE))))
    parts = [
        _search(unit(queries[start : start + _QUERIES_AT_ONCE, :dim]), documents, k, block, device)
        for start in range(0, len(queries), _QUERIES_AT_ONCE)
    ]
    return np.concatenate([scores for scores, _ in parts]), np.concatenate([rows for _, rows in parts])


def unit(vectors: Floats) -> torch.Tensor:
    """The rows at unit length (float32); a row of zeros stays as it is.

    Raises:
        UserError: a row is so long or short that its length has no float32, or holds NaN.
    """
    tensor = torch.from_numpy(np.array(vectors, dtype=np.float32))
    return tensor / _lengths(tensor)[:, None]


def _lengths(vectors: torch.Tensor) -> torch.Tensor:
    """The length of each row, 1 for a row of zeros; squares beyond float32 would pass for infinity or zero."""
    lengths = vectors.norm(dim=1)
    ordinary = (lengths >= _SHORTEST) & (lengths <= _LONGEST)
    if ordinary.all():
        return lengths
    zeros = ~vectors.any(dim=1)
    wrong = torch.nonzero(~ordinary & ~zeros).flatten()
    if len(wrong):
        largest = float(vectors[wrong[0]].abs().max())
        raise UserError(f"{len(wrong)} vectors cannot be compared: the first has {largest:g} as its largest number")
    return lengths.masked_fill(zeros, 1.0)


def _search(
    queries: torch.Tensor, documents: Floats, k: int, block: int, device: torch.device | str
) -> tuple[Floats, Rows]:
    approximate, rows = _candidates(queries, documents, k + _SPARE, block, device)
    exact = _exact(queries, documents, rows)
    scores, rows = best(exact, rows, k)
    if rows.shape[1] == len(documents):
        return scores.numpy(), rows.numpy()
    # What was left out has a float32 score no higher than the last candidate's; twice the product's error bound above
    # it, and a rounding more, nothing can be missing. Elsewhere (ties, or scores close together) look at every row.
    error = 2 * (queries.shape[1] + 4) * _UNIT_ROUNDOFF
    unsure = scores[:, -1] - approximate.min(dim=1).values <= 2 * error + 10.0**-SCORE_DECIMALS
    if unsure.any() and approximate.shape[1] < len(documents):
        scores[unsure], rows[unsure] = _exhaustive(queries[unsure].double(), documents, k, block)
    return scores.numpy(), rows.numpy()


def _candidates(
    queries: torch.Tensor, documents: Floats, count: int, block: int, device: torch.device | str
) -> tuple[torch.Tensor, torch.Tensor]:
    """The best `count` rows by float32 product, with their scores.

    Vectors are read where they lie: it is their products that are divided by their lengths.
    """
    queries = queries.to(device)
    scores, rows = nothing(len(queries), device)
    for start in range(0, len(documents), block):
        vectors = _view(documents[start : start + block, : queries.shape[1]]).to(device)
        product = queries @ vectors.T
        product /= _lengths(vectors)
        scores, rows = merge(scores, rows, product, start, count)
    return scores.cpu(), rows.cpu()


def _view(vectors: Floats) -> torch.Tensor:
    """The vectors as a tensor that shares their memory; nobody writes to it, so a read-only file will do."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return torch.from_numpy(np.asarray(vectors, dtype=np.float32))


def _exact(queries: torch.Tensor, documents: Floats, rows: torch.Tensor) -> torch.Tensor:
    """Cosines of each query with its candidate rows, summed in float64 and rounded (queries, candidates)."""
    dim = queries.shape[1]
    scores = torch.empty(rows.shape, dtype=torch.float32)
    for query, candidates in enumerate(rows.numpy()):
        vectors = unit(documents[candidates, :dim]).double()
        scores[query] = rounded(vectors @ queries[query].double())
    return scores


def rounded(scores: torch.Tensor) -> torch.Tensor:
    """Scores as every retriever ranks them (src.evaluation.runs.rounded)."""
    return scores.double().round(decimals=SCORE_DECIMALS).float()


def best(scores: torch.Tensor, rows: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The best k: by score, then by lower row."""
    by_row = rows.sort(dim=1)
    scores, rows = scores.gather(1, by_row.indices), by_row.values
    by_score = scores.sort(dim=1, descending=True, stable=True)
    return by_score.values[:, :k], rows.gather(1, by_score.indices[:, :k])


def _exhaustive(queries: torch.Tensor, documents: Floats, k: int, block: int) -> tuple[torch.Tensor, torch.Tensor]:
    scores, rows = nothing(len(queries))
    for start in range(0, len(documents), block):
        vectors = unit(documents[start : start + block, : queries.shape[1]])
        scores, rows = merge(scores, rows, rounded(queries @ vectors.double().T), start, k)
    return scores, rows


def merge(
    scores: torch.Tensor, rows: torch.Tensor, product: torch.Tensor, start: int, k: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """The best k of the blocks so far and of a block of scores whose first row is `start`.

    Blocks must come in order of rows: the sort is stable, so earlier rows win ties.
    """
    if scores.shape[1] == k:
        product, columns = _above(product, scores[:, -1:])
    else:
        columns = torch.arange(product.shape[1], device=product.device).expand(len(product), -1)
    scores, rows = torch.cat([scores, product], 1), torch.cat([rows, columns + start], 1)
    best = scores.sort(dim=1, descending=True, stable=True)
    return best.values[:, :k], rows.gather(1, best.indices[:, :k])


def _above(product: torch.Tensor, threshold: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The few scores of each query above its threshold, with their columns in order; rows are filled up with -inf."""
    above = product > threshold
    query, column = above.nonzero(as_tuple=True)
    counts = above.sum(dim=1)
    place = torch.arange(len(query), device=product.device) - (counts.cumsum(0) - counts)[query]
    shape = (len(product), int(counts.max()))
    scores, columns = product.new_full(shape, -torch.inf), column.new_zeros(shape)
    scores[query, place], columns[query, place] = product[query, column], column
    return scores, columns


def nothing(queries: int, device: torch.device | str = "cpu") -> tuple[torch.Tensor, torch.Tensor]:
    """Scores and rows before the first block."""
    return torch.empty(queries, 0, device=device), torch.empty(queries, 0, dtype=torch.long, device=device)
