"""The gradients of one batch, whatever the memory and the number of processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from src.errors import UserError
from src.training import distributed, memory
from src.training.batches import Batch, BatchSource
from src.training.encoding import GradientCache, MiniBatch, random_state, set_random_state
from src.training.losses import CoSent, LossAndGradients, Ranking
from src.training.rehearsal import MixedSource
from src.training.similarity import KeptSimilarity

Done = TypeVar("Done")


class CachedStep:
    """Loss and parameter gradients of a batch by gradient caching, within the memory there is."""

    def __init__(
        self,
        model: nn.Module,
        objective: Ranking | CoSent,
        source: BatchSource | MixedSource,
        *,
        rehearsed: Sequence[Ranking | CoSent] = (),
        kept: KeptSimilarity | None = None,
        autocast: Callable[[], AbstractContextManager[object]] = nullcontext,
        keep_tokens: int | None = None,
        say: Callable[..., None] = lambda **_: None,
    ) -> None:
        """
        Args:
            model: a sentence-transformers encoder.
            rehearsed: losses of the batches whose task is 1, 2, ….
            kept: what holds batches with vectors of the model before to them.
            keep_tokens: token positions whose activations are held for the backward pass; None: as memory allows.
            say: takes what is worth logging, as keywords.
        """
        self.model: Any = model
        self.source, self.keep_tokens, self.say = source, keep_tokens, say
        self.objective: Ranking | CoSent = objective
        self.rehearsed, self.kept = rehearsed, kept
        self.device = next(model.parameters()).device
        self.cache = GradientCache(self._encode, autocast)

    def run(self, batch: Batch) -> Tensor:
        """Add the batch's gradients to the parameters'; its loss. Out of memory: over again in smaller pieces.

        Raises:
            UserError: memory does not hold a single text.
            FloatingPointError: the loss is no finite number.
        """
        self.model.train()
        rng = random_state(self.device)
        while (loss := self._attempt(batch)) is None:
            self.model.zero_grad()
            set_random_state(rng, self.device)
            self._halve(batch)
        distributed.sum_gradients(self.model)
        return loss

    def evaluate(self, batch: Batch) -> Tensor:
        """The batch's loss without gradients, dropout off."""
        self.model.eval()
        parts = [part.to(self.device) for part in batch.mini_batches]
        vectors = self._vectors(parts, keep_tokens=0)
        return self._own_loss(distributed.exchange(vectors, batch.places.to(self.device), batch.texts), batch).loss

    def _attempt(self, batch: Batch) -> Tensor | None:
        """The step once; None where any process ran out of memory."""
        if batch.budget != self.source.budget:  # cut before memory ran out
            batch.mini_batches = self.source.again(batch).mini_batches
            batch.budget = self.source.budget
        parts = [part.to(self.device) for part in batch.mini_batches]
        vectors = self._within_memory(lambda: self._forward(parts))
        if vectors is None:
            return None
        places = batch.places.to(self.device)
        whole = distributed.exchange(vectors, places, batch.texts)
        result = self._within_memory(lambda: self._loss(whole, batch))
        if result is None:
            return None
        if not torch.isfinite(result.loss):
            raise FloatingPointError(f"the loss is {float(result.loss)}")
        gradient = torch.cat(result.gradients)[places]
        return self._within_memory(lambda: self._backward(parts, gradient, result.loss))

    def _forward(self, parts: list[MiniBatch]) -> Tensor:
        if self.keep_tokens is None and parts:
            self.keep_tokens = self._tokens_that_fit(parts[0])
        return self._vectors(parts, self.keep_tokens or 0)

    def _vectors(self, parts: list[MiniBatch], keep_tokens: int) -> Tensor:
        if not parts:  # the rest of an epoch may have fewer rows than there are processes
            return torch.empty((0, self.model.get_embedding_dimension()), device=self.device)
        return self.cache.forward(parts, keep_tokens)

    def _backward(self, parts: list[MiniBatch], gradient: Tensor, loss: Tensor) -> Tensor:
        self.cache.backward(parts, gradient)
        return loss

    def _tokens_that_fit(self, part: MiniBatch) -> int:
        """Token positions whose activations memory holds, from what one mini-batch saves."""
        rng = random_state(self.device)
        each = memory.saved_bytes(lambda: self.cache.encode(part), self.model) / part.tokens
        set_random_state(rng, self.device)
        free = memory.free_bytes(self.device, self.model)
        keep = max(0, int(free / each) - self.source.budget)
        budget = self.source.budget
        self.say(mini_batch_tokens=budget, bytes_per_token=round(each), free_bytes=free, keep_tokens=keep)
        return keep

    def _loss(self, vectors: Tensor, batch: Batch) -> LossAndGradients:
        """The loss of the whole batch's vectors, whose rows are the batch's columns one after another."""
        result = self._own_loss(vectors, batch)
        if batch.before is None or self.kept is None:
            return result
        return self.kept.added(result, vectors, batch.before.to(self.device), len(batch.rows))

    def _own_loss(self, vectors: Tensor, batch: Batch) -> LossAndGradients:
        """The loss of the batch's task."""
        objective = (self.objective, *self.rehearsed)[batch.task]
        first, others = vectors[: len(batch.rows)], vectors[len(batch.rows) :]
        if isinstance(objective, CoSent):
            assert batch.ratings is not None
            return objective(first, others, batch.ratings.to(self.device))
        return objective(first, others, None if batch.ignored is None else batch.ignored.to(self.device))

    def _encode(self, ids: Tensor, mask: Tensor) -> Tensor:
        vectors: Tensor = self.model({"input_ids": ids, "attention_mask": mask})["sentence_embedding"]
        return vectors

    def _within_memory(self, work: Callable[[], Done]) -> Done | None:
        """What `work` gives; None where memory did not suffice in some process."""
        done: Done | None
        try:
            done = work()
        except (RuntimeError, MemoryError) as error:
            if not memory.is_out_of_memory(error):
                raise
            done = None
        return None if distributed.anywhere(done is None, self.device) else done

    def _halve(self, batch: Batch) -> None:
        """Hold fewer activations; where none are held already, encode fewer tokens at once.

        Raises:
            UserError: one text at a time is too much already.
        """
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        if self.keep_tokens:
            self.keep_tokens = self.keep_tokens // 2 if self.keep_tokens > 2 * self.source.budget else 0
        elif distributed.anywhere(any(len(part.places) > 1 for part in batch.mini_batches), self.device):
            self.source.budget //= 2
        else:
            raise UserError(
                "out of memory with one text at a time; lower max_length or batch_size, or freeze embeddings or layers"
            )
        self.say(out_of_memory=True, keep_tokens=self.keep_tokens, mini_batch_tokens=self.source.budget)
