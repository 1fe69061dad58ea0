"""Similarity distillation: a term that holds similarities between a batch's texts to those of a teacher.

Training for retrieval moves queries to their passages. What it need not change is which queries are alike and which
passages are alike, and that is what semantic similarity measures. So the term compares texts of one column with each
other (queries with queries, passages with passages), as relational distillation does (Park et al. 2019, arXiv
1904.05068), and leaves the similarities between the columns to the ranking loss. The teacher is the model that
training starts from.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from src.training.dataset import Tokens
from src.training.distributed import exchange, process_rows
from src.training.encoding import GradientCache, mini_batches
from src.training.frozen import encode
from src.training.matryoshka import Matryoshka
from src.training.objective import LossAndGradients, Targets, Term

_TEXTS_AT_ONCE = 32_768  # padded together, to bound memory


@dataclass(frozen=True)
class SimilarityDistillation(Term):
    """weight · Σ over prefixes and columns of mean (cos - teacher's cos)², over pairs of different rows."""

    matryoshka: Matryoshka
    weight: float

    def of_batch(self, vectors: Tensor, targets: Targets) -> LossAndGradients:
        """The weighted term and its gradient at `vectors`, for a batch of two rows at least."""
        assert targets.teacher is not None
        rows = targets.rows
        leaf = vectors.detach().float().requires_grad_()
        with torch.enable_grad():
            terms = [
                share * (_cosines(student, dim) - _cosines(teacher, dim)).square().sum() / (rows * (rows - 1))
                for student, teacher in zip(leaf.split(rows), targets.teacher.float().split(rows), strict=True)
                for dim, share in zip(self.matryoshka.dims, self.matryoshka.weights, strict=True)
            ]
            term = self.weight * torch.stack(terms).sum()
        return LossAndGradients(term.detach(), torch.autograd.grad(term, leaf))


def _cosines(vectors: Tensor, dim: int) -> Tensor:
    """(rows, rows) cosines of the first `dim` dimensions; the diagonal is 1 up to rounding and cancels out."""
    unit = nn.functional.normalize(vectors[:, :dim], dim=1)
    return unit @ unit.T


def teacher_embeddings(model: nn.Module, tokens: Tokens, budget: int, device: torch.device) -> NDArray[np.float32]:
    """Embeddings of all texts by the model as it stands, (texts, D); each process encodes its share.

    Args:
        budget: tokens encoded at once.
    """
    count = len(tokens.lengths)
    own, parts = process_rows(count), []
    cache = GradientCache(partial(encode, model.to(device).eval()))
    with torch.inference_mode():
        for start in range(0, len(own), _TEXTS_AT_ONCE):
            batches = mini_batches(tokens, own[start : start + _TEXTS_AT_ONCE], budget)
            parts.append(cache.forward((batch.to(device) for batch in batches), keep_tokens=0))
        whole = exchange(torch.cat(parts), torch.from_numpy(own).to(device), count)
    embeddings: NDArray[np.float32] = whole.cpu().numpy()
    return embeddings
