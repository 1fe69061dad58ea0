"""The prefixes of a vector that a Matryoshka loss trains (Kusupati et al. 2022, arXiv 2205.13147)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

EPSILON = 1e-12  # of a vector's norm, as in torch.nn.functional.normalize


@dataclass(frozen=True)
class Matryoshka:
    """The prefixes of the vector that are trained: dimensions, ascending, and the weight of each one's loss."""

    dims: tuple[int, ...]
    weights: tuple[float, ...]

    @classmethod
    def of(cls, dims: Sequence[int], weights: Sequence[float] | None = None) -> Matryoshka:
        """From dims in any order; without weights each prefix counts 1, as in sentence-transformers."""
        pairs = sorted(zip(dims, weights or [1.0] * len(dims), strict=True))
        return cls(tuple(dim for dim, _ in pairs), tuple(weight for _, weight in pairs))

    def bands(self) -> list[slice]:
        """The columns that each prefix adds to the one before."""
        return [slice(low, high) for low, high in zip((0, *self.dims[:-1]), self.dims, strict=True)]

    def inverse_norms(self, vectors: Tensor) -> Tensor:
        """1 / norm of every prefix of every row: (prefixes, rows)."""
        squares = self.running(vectors[:, band].square().sum(dim=1) for band in self.bands())
        return squares.sqrt_().clamp_(min=EPSILON).reciprocal_()

    @staticmethod
    def running(values: Iterable[Tensor]) -> Tensor:
        """Running sums of each band's values, stacked; `cumsum` is not deterministic on a GPU."""
        return torch.stack(list(accumulate(values)))
