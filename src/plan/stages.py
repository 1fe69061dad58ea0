"""Each stage of a run as steps, tokens, arithmetic and memory."""

from __future__ import annotations

import math
from dataclasses import dataclass

from src.data.columns import KINDS
from src.params import Params
from src.plan.cost import FLOAT, HALF, Size, activation_bytes, forward_flops, state_bytes, training_flops
from src.plan.volume import Volume, unrelated
from src.recipe.stages import CHECKPOINTS, Stage
from src.training.sampler import BatchPlan

AUTO_MINI_BATCH = 2048  # tokens that fit at once where params say `auto`, which halves as memory ends
LEAST_USES = 1.5  # of a token in a run, from which on training keeps what frozen layers give for it


@dataclass(frozen=True)
class StagePlan:
    """One stage on the encoder `size`, in 16 bits where `half`.

    Attributes:
        steps, batch: of the optimizer, 0 where nothing is trained; rows of one.
        at_once: tokens that have to fit into memory at once; None: a whole batch.
        lower: the key of params that lowers them.
        frozen: whether the embeddings are, and how many layers.
        kept_bytes: of each number that is kept of the frozen layers' outputs; 0: none are.
        more_flops, more_bytes, score_bytes: beyond the encoder's: of each token, and of the loss.
    """

    name: str
    size: Size
    half: bool
    volume: Volume
    epochs: float
    steps: int = 0
    batch: int = 0
    lower: str = ""
    at_once: int | None = None
    frozen: tuple[bool, int] = (False, 0)
    kept_bytes: int = 0
    more_flops: float = 0.0
    more_bytes: float = 0.0
    score_bytes: float = 0.0

    @property
    def tokens(self) -> float:
        """Read in all, over the epochs."""
        return self.epochs * self.volume.rows * sum(self.volume.tokens)

    @property
    def distinct_tokens(self) -> float:
        """Of the texts, each once."""
        return self.tokens / self.epochs * self.volume.distinct

    @property
    def batch_tokens(self) -> float:
        return min(self.batch, self.volume.rows) * sum(self.volume.tokens)

    @property
    def least_tokens(self) -> float:
        return self.batch_tokens if self.at_once is None else min(self.at_once, self.batch_tokens)

    @property
    def forward(self) -> float:
        """Floating-point operations of encoding everything once, from kept outputs where there are any."""
        layers = self.size.layers - (self.frozen[1] if self.kept_bytes else 0)
        return forward_flops(self.size, self.tokens, mean_length(self.volume.tokens), layers)

    @property
    def flops(self) -> float:
        """Floating-point operations, without the second encoding of gradient caching."""
        length = mean_length(self.volume.tokens)
        if not self.steps:
            return self.forward
        if self.kept_bytes:  # frozen layers see each distinct text once, before the first step
            return 3 * self.forward + forward_flops(self.size, self.distinct_tokens, length, self.frozen[1])
        return training_flops(self.size, self.tokens, length, *self.frozen) + self.tokens * self.more_flops

    @property
    def disk(self) -> float:
        """Bytes of what is kept of frozen layers."""
        return self.kept_bytes * self.size.hidden * self.distinct_tokens

    def memory(self, tokens: float) -> float:
        """Bytes of weights, moments and scores, and of what the backward pass needs of so many tokens."""
        if not self.steps:
            return FLOAT * self.size.parameters
        of_token = activation_bytes(self.size, *self.frozen, self.half) + self.more_bytes
        return state_bytes(self.size, *self.frozen, self.half) + self.score_bytes + tokens * of_token

    def kept_share(self, memory: float) -> float:
        """The share of a batch whose graph fits into `memory` bytes; negative where not even the weights do."""
        if not self.steps:
            return 1.0
        return min(1.0, (memory - self.memory(0)) / (self.memory(self.batch_tokens) - self.memory(0)))


def mean_length(tokens: tuple[float, ...]) -> float:
    """The length that a token sees around it: longer texts hold more of the tokens."""
    return sum(count * count for count in tokens) / sum(tokens)


def _half(params: Params) -> bool:
    return params.runtime.precision == "bf16"


def chain_stage(stage: Stage, volume: Volume, size: Size, params: Params) -> StagePlan:
    """A training stage of the recipe: its steps are counted by the code that makes its batches."""
    block = params.block(stage)
    competing, masked = KINDS[stage.name].score is None, block.false_negatives != "keep"
    batches = BatchPlan(volume.texts, block.batch_size, block.epochs, params.seed, competing=competing, masked=masked)
    scores = min(block.batch_size, volume.rows) ** 2 * (len(volume.tokens) - 1)
    pays = block.epochs / volume.distinct >= LEAST_USES
    return StagePlan(
        *(f"train_{stage.name}", size, _half(params), volume.cut(block.max_length), block.epochs),
        *(batches.steps, block.batch_size, f"{stage.block}.mini_batch_tokens (the result stays the same)"),
        at_once=AUTO_MINI_BATCH if block.mini_batch_tokens == "auto" else block.mini_batch_tokens,
        frozen=(block.freeze_embeddings, block.freeze_layers),
        kept_bytes={"none": 0, "fp16": HALF, "fp32": FLOAT}[block.frozen_cache] if pays else 0,
        score_bytes=FLOAT * scores * (len(block.dims) + 3),  # scores, and a gradient for each Matryoshka dimension
    )


def mlm(text: Volume, size: Size, params: Params) -> StagePlan:
    """Masked language modelling; its vocabulary layer runs on the masked tokens alone."""
    block = params.base_model.mlm
    pieces = unrelated(math.ceil(text.rows * text.tokens[0] / block.max_length), (block.max_length,), text.source)
    head = block.mask_probability * size.vocabulary
    return StagePlan(
        *("base_model", size, _half(params), pieces, block.epochs),
        *(math.ceil(pieces.rows / block.batch_size * block.epochs), block.batch_size, "base_model.mlm.batch_size"),
        more_flops=6 * size.hidden * (head + block.mask_probability * size.hidden),
        more_bytes=3 * FLOAT * head,  # logits, their logarithms, their gradient
    )


def colbert(pairs: Volume, size: Size, params: Params) -> StagePlan:
    """The late-interaction baseline: the retrieval stage's rows, negatives included; no gradient cache."""
    block, epochs = params.colbert, params.colbert_epochs
    steps = max(1, round(math.ceil(pairs.rows / block.batch_size) * epochs))
    volume = pairs.cut(block.max_length)
    return StagePlan(
        *("train_colbert", size, _half(params), volume, epochs, steps, block.batch_size, "colbert.batch_size")
    )


def evaluation(name: str, volume: Volume, size: Size, params: Params) -> StagePlan:
    """Encoding an evaluation set once with each model of the chain and late interaction, for all dimensions."""
    models = len(CHECKPOINTS) + 1
    return StagePlan(f"eval_retrieval@{name}", size, _half(params), volume.cut(params.eval.max_length), models)
