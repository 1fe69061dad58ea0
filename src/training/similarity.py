"""A term that holds the similarities between a batch's texts to those of the model before.

Training for retrieval moves queries to their passages. What it need not change is which queries are alike and which
passages are alike, and that is what semantic similarity measures. So the term compares texts of one column with each
other (queries with queries, passages with passages), as relational distillation does (Park et al. 2019, arXiv
1904.05068), and leaves the similarities between the columns to the ranking loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from src.training.distributed import exchange, own_places
from src.training.encoding import mini_batches
from src.training.losses import LossAndGradients, Matryoshka

if TYPE_CHECKING:
    from src.training.dataset import Tokens

_TEXTS_AT_ONCE = 32_768  # padded together, to bound memory


@dataclass(frozen=True)
class KeptSimilarity:
    """weight · Σ over prefixes and columns of mean (cos - cos of the model before)², over pairs of different rows."""

    matryoshka: Matryoshka
    weight: float

    def __call__(self, columns: Tensor, before: Tensor, rows: int) -> tuple[Tensor, Tensor]:
        """The term and its gradient.

        Args:
            columns: (columns · rows, D) float32 vectors, column after column.
            before: the same texts' vectors by the model before, same shape.
            rows: rows of the batch, two at least.

        Returns:
            the weighted term (scalar), and its gradient at `columns`, same shape.
        """
        leaf = columns.detach().float().requires_grad_()
        with torch.enable_grad():
            terms = [
                share * (_cosines(now, dim) - _cosines(then, dim)).square().sum() / (rows * (rows - 1))
                for now, then in zip(leaf.split(rows), before.float().split(rows), strict=True)
                for dim, share in zip(self.matryoshka.dims, self.matryoshka.weights, strict=True)
            ]
            term = self.weight * torch.stack(terms).sum()
        (gradient,) = torch.autograd.grad(term, leaf)
        return term.detach(), gradient

    def added(self, result: LossAndGradients, columns: Tensor, before: Tensor, rows: int) -> LossAndGradients:
        """A loss and its gradients with the term added."""
        term, gradient = self(columns, before, rows)
        parts = gradient.split([len(part) for part in result.gradients])
        gradients = tuple(given + part for given, part in zip(result.gradients, parts, strict=True))
        return LossAndGradients(result.loss + term, gradients)


def _cosines(vectors: Tensor, dim: int) -> Tensor:
    """(rows, rows) cosines of the first `dim` dimensions; the diagonal is 1 up to rounding and cancels out."""
    unit = nn.functional.normalize(vectors[:, :dim], dim=1)
    return unit @ unit.T


def vectors_before(model: nn.Module, tokens: Tokens, budget: int, device: torch.device) -> NDArray[np.float32]:
    """Vectors of all texts by the model as it stands, (texts, D); each process encodes its share.

    Args:
        budget: tokens encoded at once.
    """
    count = len(tokens.lengths)
    own = own_places(count)
    model.to(device).eval()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(own), _TEXTS_AT_ONCE):
            texts = own[start : start + _TEXTS_AT_ONCE]
            batches = mini_batches(tokens, texts, budget)
            places = np.concatenate([batch.places for batch in batches])
            features = ({"input_ids": b.ids.to(device), "attention_mask": b.mask.to(device)} for b in batches)
            found = torch.cat([model(feature)["sentence_embedding"].float() for feature in features])
            parts.append(found[torch.from_numpy(np.argsort(places)).to(device)])
    whole = exchange(torch.cat(parts), torch.from_numpy(own).to(device), count)
    vectors: NDArray[np.float32] = whole.cpu().numpy()
    return vectors
