"""Gradient caching: a batch of any size through an encoder of any memory, with the exact gradient.

GradCache (Gao et al. 2021, arXiv 2101.06983) encodes a batch in mini-batches without a graph, takes the loss and its
gradient at the embeddings, then encodes each mini-batch again with a graph and sends its gradient back. Three changes
make it cheaper and leave the result alone:

- All texts of the batch, queries and passages alike, are sorted by length before they are cut into mini-batches of a
  budget of tokens, so that next to no padding is computed. The vectors are put back into the batch's order.
- As many mini-batches as memory allows keep their graph from the first time; only the rest is encoded twice.
- The backward passes run in the same order whether a graph was kept or not, so memory changes no bit of the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from src.training.dataset import Tokens

RandomState = tuple[Tensor, Tensor | None]
"""Of the CPU and, where the model is on one, of the GPU."""


@dataclass
class MiniBatch:
    """Texts that are encoded together: their indices in the batch, (texts, length) token ids and attention mask."""

    indices: NDArray[np.int64]
    ids: Tensor
    mask: Tensor
    states: Tensor | None = None  # (texts, length, size) output of the frozen layers, where it is kept
    embedding: Tensor | None = None  # with its graph, where it is kept
    rng: RandomState | None = None  # the state before the first encoding, where it is not

    @property
    def tokens(self) -> int:
        """Token positions computed, padding included."""
        return self.ids.numel()

    def to(self, device: torch.device) -> MiniBatch:
        """The same on a device; copies run while the host goes on."""
        states = None if self.states is None else self.states.to(device, non_blocking=True)
        ids, mask = (part.to(device, non_blocking=True) for part in (self.ids, self.mask))
        return replace(self, ids=ids, mask=mask, states=states)


Encode = Callable[[MiniBatch], Tensor]
"""A mini-batch to its texts' (texts, D) vectors."""


def cut_by_tokens(lengths: NDArray[np.int64], budget: int) -> list[NDArray[np.int64]]:
    """Indices of texts in groups of like length, longest first; rows × longest stays within the budget.

    A single text longer than the budget makes a group of its own.
    """
    order = np.argsort(-lengths, kind="stable")
    groups, start = [], 0
    while start < len(order):
        rows = max(1, budget // int(lengths[order[start]]))
        groups.append(order[start : start + rows])
        start += rows
    return groups


def mini_batches(tokens: Tokens, texts: NDArray[np.int64], budget: int) -> list[MiniBatch]:
    """The texts of a batch, cut and padded."""
    batches = []
    for indices in cut_by_tokens(tokens.lengths[texts], budget):
        ids, mask, states = tokens.padded(texts[indices])
        kept = None if states is None else torch.from_numpy(states)
        batches.append(MiniBatch(indices, torch.from_numpy(ids), torch.from_numpy(mask), kept))
    return batches


class GradientCache:
    """Encode mini-batches and send gradients back through them."""

    def __init__(self, encoder: Encode, autocast: Callable[[], AbstractContextManager[object]] = nullcontext) -> None:
        self.encoder, self.autocast = encoder, autocast
        self.kept = 0  # token positions whose graphs the last `forward` kept

    def forward(self, batches: Iterable[MiniBatch], keep_tokens: int) -> Tensor:
        """Vectors of all texts in the batch's order: (texts, D) float32, outside any graph.

        Graphs of the first mini-batches are kept, up to `keep_tokens` token positions.
        """
        self.kept, parts, indices = 0, [], []
        for batch in batches:
            keep = self.kept + batch.tokens <= keep_tokens
            batch.rng = None if keep else random_state(batch.ids.device)
            with torch.set_grad_enabled(keep):
                vectors = self.encode(batch)
            batch.embedding = vectors if keep else None
            self.kept += batch.tokens if keep else 0
            parts.append(vectors.detach())
            indices.append(batch.indices)
        order = torch.from_numpy(np.argsort(np.concatenate(indices)))
        return torch.cat(parts)[order.to(parts[0].device)]

    def backward(self, batches: Sequence[MiniBatch], gradient: Tensor) -> None:
        """Add the parameters' gradients for a (texts, D) gradient at the vectors."""
        for batch in batches:
            vectors = self._encode_again(batch) if batch.embedding is None else batch.embedding
            vectors.backward(gradient[torch.from_numpy(batch.indices).to(gradient.device)])
            batch.embedding = None

    def encode(self, batch: MiniBatch) -> Tensor:
        """Vectors of a mini-batch, (texts, D) float32."""
        with self.autocast():
            return self.encoder(batch).float()

    def _encode_again(self, batch: MiniBatch) -> Tensor:
        """The first encoding over again, dropout included, this time with a graph."""
        assert batch.rng is not None
        device = batch.ids.device
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            set_random_state(batch.rng, device)
            return self.encode(batch)


def random_state(device: torch.device) -> RandomState:
    """The state that dropout on the device draws from."""
    return torch.get_rng_state(), torch.cuda.get_rng_state(device) if device.type == "cuda" else None


def set_random_state(state: RandomState, device: torch.device) -> None:
    """Restore a state of `random_state`."""
    torch.set_rng_state(state[0])
    if state[1] is not None:
        torch.cuda.set_rng_state(state[1], device)
