"""The gradients of one batch, whatever the memory and the number of processes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial, reduce
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from src.errors import UserError
from src.training import distributed, memory
from src.training.encoding import GradientCache, MiniBatch, random_state, set_random_state
from src.training.frozen import encode
from src.training.objective import LossAndGradients
from src.training.tasks import Batch, TaskBatches

Done = TypeVar("Done")


class CachedStep:
    """Loss and parameter gradients of a batch by gradient caching, within the memory there is."""

    def __init__(
        self,
        model: nn.Module,
        batches: TaskBatches,
        *,
        autocast: Callable[[], AbstractContextManager[object]] = nullcontext,
        keep_tokens: int | None = None,
        log: Callable[..., None] = lambda **_: None,
    ) -> None:
        """
        Args:
            model: a sentence-transformers encoder.
            batches: where the batches come from; their budget of tokens falls with the memory.
            keep_tokens: token positions whose activations are held for the backward pass; None: as memory allows.
            log: takes events as keywords.
        """
        self.model: Any = model
        self.batches, self.keep_tokens, self.log = batches, keep_tokens, log
        self.device = next(model.parameters()).device
        self.cache = GradientCache(partial(encode, model), autocast)

    def run(self, batch: Batch) -> Tensor:
        """Add the batch's gradients to the parameters'; its loss. Out of memory: over again in smaller pieces.

        Raises:
            UserError: memory does not hold a single text.
            FloatingPointError: the loss is no finite number.
        """
        self.model.train()
        rng = random_state(self.device)
        while (loss := self.cache_step(batch)) is None:
            self.model.zero_grad()
            set_random_state(rng, self.device)
            self.take_less_memory(batch)
        distributed.sum_gradients(self.model)
        return loss

    def evaluate(self, batch: Batch) -> Tensor:
        """The batch's loss without gradients, dropout off."""
        self.model.eval()
        parts = [part.to(self.device) for part in batch.mini_batches]
        vectors = self.forward_no_grad(parts, keep_tokens=0)
        return self.build_cache(distributed.exchange(vectors, batch.indices.to(self.device), batch.texts), batch).loss

    def cache_step(self, batch: Batch) -> Tensor | None:
        """GradCache's three passes; None where any process ran out of memory."""
        self.batches.cut_again(batch)  # it may have been cut before memory ran out
        parts = [part.to(self.device) for part in batch.mini_batches]
        vectors = self._within_memory(lambda: self.forward_no_grad(parts, self._tokens_to_keep(parts)))
        if vectors is None:
            return None
        indices = batch.indices.to(self.device)
        whole = distributed.exchange(vectors, indices, batch.texts)
        result = self._within_memory(lambda: self.build_cache(whole, batch))
        if result is None:
            return None
        if not torch.isfinite(result.loss):
            raise FloatingPointError(f"the loss is {float(result.loss)}")
        gradient = torch.cat(result.gradients)[indices]
        return self._within_memory(lambda: self.forward_backward(parts, gradient, result.loss))

    def forward_no_grad(self, parts: list[MiniBatch], keep_tokens: int) -> Tensor:
        """Vectors of this process's texts, (texts, D), outside any graph; graphs of `keep_tokens` tokens are kept."""
        if not parts:  # the rest of an epoch may have fewer rows than there are processes
            return torch.empty((0, self.model.get_embedding_dimension()), device=self.device)
        return self.cache.forward(parts, keep_tokens)

    def build_cache(self, vectors: Tensor, batch: Batch) -> LossAndGradients:
        """The sum of the batch's terms, and its gradient at the vectors of the whole batch."""
        targets = batch.targets.to(self.device)
        return reduce(_sum, (term.of_batch(vectors, targets) for term in batch.terms))

    def forward_backward(self, parts: list[MiniBatch], gradient: Tensor, loss: Tensor) -> Tensor:
        """Send the gradient at the vectors back to the parameters; the loss."""
        self.cache.backward(parts, gradient)
        return loss

    def take_less_memory(self, batch: Batch) -> None:
        """Hold fewer activations; where none are held already, encode fewer tokens at once.

        Raises:
            UserError: one text at a time is too much already.
        """
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        if self.keep_tokens:
            self.keep_tokens = self.keep_tokens // 2 if self.keep_tokens > 2 * self.batches.budget else 0
        elif distributed.in_any_process(any(len(part.indices) > 1 for part in batch.mini_batches), self.device):
            self.batches.budget //= 2
        else:
            raise UserError(
                "out of memory with one text at a time; lower max_length or batch_size, or freeze embeddings or layers"
            )
        self.log(out_of_memory=True, keep_tokens=self.keep_tokens, mini_batch_tokens=self.batches.budget)

    def _tokens_to_keep(self, parts: list[MiniBatch]) -> int:
        """Token positions whose activations memory holds, from what the first mini-batch of the run saves."""
        if self.keep_tokens is None and parts:
            rng = random_state(self.device)
            each = memory.saved_bytes(lambda: self.cache.encode(parts[0]), self.model) / parts[0].tokens
            set_random_state(rng, self.device)
            free, budget = memory.free_bytes(self.device, self.model), self.batches.budget
            self.keep_tokens = max(0, int(free / each) - budget)
            self.log(
                mini_batch_tokens=budget, bytes_per_token=round(each), free_bytes=free, keep_tokens=self.keep_tokens
            )
        return self.keep_tokens or 0

    def _within_memory(self, work: Callable[[], Done]) -> Done | None:
        """What `work` gives; None where memory did not suffice in some process."""
        done: Done | None
        try:
            done = work()
        except (RuntimeError, MemoryError) as error:
            if not memory.is_out_of_memory(error):
                raise
            done = None
        return None if distributed.in_any_process(done is None, self.device) else done


def _sum(first: LossAndGradients, second: LossAndGradients) -> LossAndGradients:
    gradient = torch.cat(first.gradients) + torch.cat(second.gradients)
    return LossAndGradients(first.loss + second.loss, (gradient,))
