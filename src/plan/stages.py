"""Each stage of a run as steps, tokens, arithmetic and memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from src.data.columns import KINDS
from src.params import Params
from src.params.schema import ColbertParams, MlmParams, StageParams
from src.plan.cost import FLOAT, HALF, Size, activation_bytes, forward_flops, state_bytes, training_flops
from src.plan.volume import Volume, unrelated
from src.recipe.stages import CHECKPOINTS, Stage
from src.training.sampler import BatchPlan

AUTO_MINI_BATCH = 2048  # tokens that fit at once where params say `auto`, which halves as memory ends
LEAST_USES = 1.5  # of a token in a run, from which on training keeps what frozen layers give for it
Block = StageParams | ColbertParams | MlmParams


class StagePlan(NamedTuple):
    """One stage.

    Attributes:
        steps: of the optimizer, 0 where nothing is trained.
        tokens: read in all, over the epochs.
        forward, flops: floating-point operations of encoding all tokens once, from kept outputs where there are any,
            and of the whole stage, without the second encoding of gradient caching.
        fixed, of_token: bytes of weights, moments and scores, and of what the backward pass needs of a token.
        batch_tokens, at_once: tokens of a step, and those of them that have to fit into memory at once.
        disk: bytes of what is kept of frozen layers.
    """

    name: str
    volume: Volume
    steps: int
    tokens: float
    forward: float
    flops: float
    fixed: float
    of_token: float = 0.0
    batch_tokens: float = 0.0
    at_once: float = 0.0
    disk: float = 0.0

    def memory(self, tokens: float) -> float:
        """Bytes of a step that encodes so many tokens at once."""
        return self.fixed + tokens * self.of_token

    def kept_share(self, memory: float) -> float:
        """The share of a batch whose graph fits into `memory` bytes."""
        return min(1.0, (memory - self.fixed) / (self.batch_tokens * self.of_token)) if self.steps else 1.0


def mean_length(tokens: tuple[float, ...]) -> float:
    """The length that a token sees around it: longer texts hold more of the tokens."""
    return sum(count * count for count in tokens) / sum(tokens)


@dataclass(frozen=True)
class Planner:
    """Plans of the stages of these params, on an encoder of this size."""

    params: Params
    size: Size

    def _trained(
        self, name: str, volume: Volume, block: Block, *, steps: int, epochs: float, kept_bytes: int = 0
    ) -> StagePlan:
        """A training stage, without the layer and the scores of its loss.

        Args:
            kept_bytes: of each number that is kept of the frozen layers' outputs; 0: none are.
        """
        half, size = self.params.runtime.precision == "bf16", self.size
        batch_tokens: float = min(block.batch_size, volume.rows) * sum(volume.tokens)
        at_once, frozen = batch_tokens, (False, 0)
        if isinstance(block, StageParams):
            mini_batch = AUTO_MINI_BATCH if block.mini_batch_tokens == "auto" else block.mini_batch_tokens
            at_once, frozen = min(mini_batch, batch_tokens), (block.freeze_embeddings, block.freeze_layers)
        once, length = volume.rows * sum(volume.tokens), mean_length(volume.tokens)
        forward = forward_flops(size, epochs * once, length, size.layers - (frozen[1] if kept_bytes else 0))
        flops, kept = training_flops(size, epochs * once, length, *frozen), 0.0
        if kept_bytes:  # frozen layers see each distinct text once, before the first step
            flops = 3 * forward + forward_flops(size, once * volume.distinct, length, frozen[1])
            kept = kept_bytes * size.hidden * once * volume.distinct
        fixed, of_token = state_bytes(size, *frozen, half), activation_bytes(size, *frozen, half)
        totals = volume, steps, epochs * once, forward, flops
        return StagePlan(name, *totals, fixed, of_token, batch_tokens, at_once, disk=kept)

    def chain_stage(self, stage: Stage, volume: Volume) -> StagePlan:
        """A training stage of the recipe: its steps are counted by the code that makes its batches."""
        block, name = self.params.block(stage), f"train_{stage.name}"
        competing, masked = KINDS[stage.name].score is None, block.false_negatives != "keep"
        batches = BatchPlan(
            volume.texts, block.batch_size, block.epochs, self.params.seed, competing=competing, masked=masked
        )
        pays = block.epochs / volume.distinct >= LEAST_USES
        kept_bytes = {"none": 0, "fp16": HALF, "fp32": FLOAT}[block.frozen_cache] if pays else 0
        volume = volume.cut(block.max_length)
        plan = self._trained(name, volume, block, steps=batches.steps, epochs=block.epochs, kept_bytes=kept_bytes)
        scores = min(block.batch_size, volume.rows) ** 2 * (len(volume.tokens) - 1)
        # Scores, and a gradient for each Matryoshka dimension.
        return plan._replace(fixed=plan.fixed + FLOAT * scores * (len(block.dims) + 3))

    def mlm(self, text: Volume) -> StagePlan:
        """Masked language modelling; its vocabulary layer runs on the masked tokens alone."""
        block = self.params.base_model.mlm
        pieces = unrelated(math.ceil(text.rows * text.tokens[0] / block.max_length), (block.max_length,), text.source)
        steps = math.ceil(pieces.rows / block.batch_size * block.epochs)
        plan = self._trained("base_model", pieces, block, steps=steps, epochs=block.epochs)
        head = block.mask_probability * self.size.vocabulary
        head_flops = 6 * self.size.hidden * (head + block.mask_probability * self.size.hidden)
        head_bytes = 3 * FLOAT * head  # logits, their logarithms, their gradient
        return plan._replace(flops=plan.flops + plan.tokens * head_flops, of_token=plan.of_token + head_bytes)

    def colbert(self, pairs: Volume) -> StagePlan:
        """The late-interaction baseline: the retrieval stage's rows, negatives included; no gradient cache."""
        block, epochs = self.params.colbert, self.params.colbert_epochs
        steps = max(1, round(math.ceil(pairs.rows / block.batch_size) * epochs))
        return self._trained("train_colbert", pairs.cut(block.max_length), block, steps=steps, epochs=epochs)

    def evaluation(self, name: str, volume: Volume) -> StagePlan:
        """Encoding an evaluation set once with each model of the chain and late interaction, for all dimensions."""
        texts = volume.cut(self.params.eval.max_length)
        tokens = (len(CHECKPOINTS) + 1) * texts.rows * sum(texts.tokens)
        flops = forward_flops(self.size, tokens, mean_length(texts.tokens))
        return StagePlan(f"eval_retrieval@{name}", texts, 0, tokens, flops, flops, fixed=FLOAT * self.size.parameters)
