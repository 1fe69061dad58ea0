"""Each stage of a run as steps, tokens, arithmetic and memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from src.plan.cost import Frozen, Size, activation_bytes, cast_bytes, forward_flops, loss_bytes, state_bytes
from src.plan.cost import training_flops as flops_of_training
from src.plan.volume import Volume, evaluation_set, training_set
from src.recipe.stages import CHECKPOINTS
from src.recipe.systems import LATE
from src.training.losses import loss_of

if TYPE_CHECKING:
    from src.params.schema import Params, StageParams

# Tokens of a mini-batch where params say `auto`.
AUTO_MINI_BATCH = 8192


@dataclass(frozen=True)
class StagePlan:
    """One stage.

    Attributes:
        tokens: computed in all, over the epochs.
        batch_tokens: of one optimizer step; 0 where nothing is trained.
        flops: without the second forward of gradient caching.
        again: floating-point operations of encoding everything a second time.
        fixed_bytes: weights, gradients, moments, 16-bit copies and the loss's matrices.
        token_bytes: held for the backward pass, a token.
        mini_batch: tokens that have to fit at least.
    """

    name: str
    rows: int
    steps: int
    tokens: float
    batch_tokens: float
    flops: float
    again: float
    fixed_bytes: float
    token_bytes: float
    mini_batch: int
    source: str


def stages(params: Params, size: Size) -> tuple[list[StagePlan], list[str]]:
    """The stages whose data are known, and notes on those whose data are not or are estimated."""
    pretrained = params.base_model.source != "scratch" or not params.base_model.mlm.epochs
    keys = ("nli", "sts", "retrieval") if pretrained else ("text", "nli", "sts", "retrieval")
    volumes = {key: training_set(params, key) for key in keys}
    notes = [
        f"data.{key}: nothing is known about {getattr(params.data, key).path}; put the data there"
        for key, volume in volumes.items()
        if volume is None
    ]
    planned: list[StagePlan] = []
    if text := volumes.get("text"):
        planned.append(mlm_plan(text, params, size))
        notes.append("base_model: steps follow from tokens, which are estimated until its tokenizer is trained")
    for key, step in (("nli", params.nli), ("sts", params.sts), ("retrieval", params.train)):
        if volume := volumes[key]:
            planned.append(step_plan(f"train_{key}", step, volume.cut(step.max_length), size, params))
    if retrieval := volumes["retrieval"]:
        planned.append(colbert_plan(retrieval.cut(params.colbert.max_length), params, size))
    return planned + evaluation_plans(params, size, notes), notes


def step_plan(name: str, step: StageParams, volume: Volume, size: Size, params: Params) -> StagePlan:
    """A training step of the recipe: its steps are counted by the code that makes its batches."""
    half = params.runtime.precision == "bf16"
    frozen = Frozen(step.freeze_embeddings, step.freeze_layers)
    batch = min(step.batch_size, volume.rows)
    steps = loss_of(step).plan(volume.texts, step.batch_size, step.epochs, params.seed).steps
    tokens = step.epochs * volume.rows * sum(volume.tokens)
    length = mean_length(volume.tokens)
    documents = batch * (len(volume.tokens) - 1)
    fixed = state_bytes(size, frozen) + cast_bytes(size, half) + loss_bytes(batch, documents, len(step.dims))
    return StagePlan(
        name=name,
        rows=volume.rows,
        steps=steps,
        tokens=tokens,
        batch_tokens=batch * sum(volume.tokens),
        flops=flops_of_training(size, tokens, length, frozen),
        again=forward_flops(size, tokens, length),
        fixed_bytes=fixed,
        token_bytes=activation_bytes(size, frozen, half),
        mini_batch=AUTO_MINI_BATCH if step.mini_batch_tokens == "auto" else step.mini_batch_tokens,
        source=volume.source,
    )


def mean_length(tokens: tuple[float, ...]) -> float:
    """The length that a token sees around it: longer texts hold more of the tokens."""
    return sum(count * count for count in tokens) / sum(tokens)


def mlm_plan(volume: Volume, params: Params, size: Size) -> StagePlan:
    """Masked language modelling; its vocabulary layer runs on the hidden tokens alone."""
    settings = params.base_model.mlm
    half = params.runtime.precision == "bf16"
    tokens = volume.rows * sum(volume.tokens) * settings.epochs
    batch_tokens = settings.batch_size * settings.max_length
    length = min(mean_length(volume.tokens), settings.max_length)
    head = 6 * settings.mask_probability * (size.hidden**2 + size.hidden * size.vocabulary)
    hidden_logits = 3 * 4 * settings.mask_probability * size.vocabulary  # logits, their logarithms, their gradient
    return StagePlan(
        name="base_model",
        rows=volume.rows,
        steps=max(1, math.ceil(tokens / batch_tokens)),
        tokens=tokens,
        batch_tokens=batch_tokens,
        flops=flops_of_training(size, tokens, length, Frozen()) + head * tokens,
        again=0.0,
        fixed_bytes=state_bytes(size, Frozen()) + cast_bytes(size, half),
        token_bytes=activation_bytes(size, Frozen(), half) + hidden_logits,
        mini_batch=batch_tokens,
        source=volume.source,
    )


def colbert_plan(volume: Volume, params: Params, size: Size) -> StagePlan:
    """The late-interaction baseline: pairs alone, no gradient cache, so that a batch has to fit whole."""
    block, half = params.colbert, params.runtime.precision == "bf16"
    pair = volume.tokens[:2]
    batch = min(block.batch_size, volume.rows)
    steps = max(1, math.ceil(volume.rows // batch * block.epochs))  # the stock trainer drops the last, smaller batch
    tokens = steps * batch * sum(pair)
    return StagePlan(
        name="train_colbert",
        rows=volume.rows,
        steps=steps,
        tokens=tokens,
        batch_tokens=batch * sum(pair),
        flops=flops_of_training(size, tokens, mean_length(pair), Frozen()),
        again=0.0,
        fixed_bytes=state_bytes(size, Frozen()) + cast_bytes(size, half),
        token_bytes=activation_bytes(size, Frozen(), half),
        mini_batch=math.ceil(batch * sum(pair)),
        source=volume.source,
    )


def evaluation_plans(params: Params, size: Size, notes: list[str]) -> list[StagePlan]:
    """Encoding every evaluation set once with each model of the chain; all dimensions come from the same vectors."""
    models = (*CHECKPOINTS, LATE)
    planned = []
    for name, item in params.eval.sets.items():
        counts = evaluation_set(item, params)
        if counts is None:
            notes.append(f"eval_retrieval@{name}: nothing is known about {item.path}")
            continue
        documents, long, queries, short, source = counts
        lengths = min(long, params.eval.max_length), min(short, params.eval.max_length)
        once = documents * lengths[0] + queries * lengths[1]
        flops = forward_flops(size, documents * lengths[0], lengths[0]) + forward_flops(
            size, queries * lengths[1], lengths[1]
        )
        planned.append(
            StagePlan(
                name=f"eval_retrieval@{name}",
                rows=documents + queries,
                steps=0,
                tokens=len(models) * once,
                batch_tokens=0,
                flops=len(models) * flops,
                again=0.0,
                fixed_bytes=4 * size.parameters,
                token_bytes=0.0,
                mini_batch=0,
                source=source,
            )
        )
    return planned
