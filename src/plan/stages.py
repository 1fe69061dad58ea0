"""Each stage of a run as steps, tokens, arithmetic and memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from src.plan.cost import Frozen, Size, activation_bytes, cast_bytes, forward_flops, loss_bytes, state_bytes
from src.plan.cost import training_flops as flops_of_training
from src.plan.volume import Volume, evaluation_set, training_set

if TYPE_CHECKING:
    from src.params.schema import Params, StepParams

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
    """The stages whose data are known, and notes on those whose data are not."""
    planned: list[StagePlan] = []
    notes: list[str] = []
    steps = (
        ("nli", "train_nli", params.nli),
        ("sts", "train_sts", params.sts),
        ("retrieval", "train_retrieval", params.train),
    )
    for key, name, step in steps:
        volume = training_set(params, key)
        if volume is None:
            notes.append(f"{name}: nothing is known about {getattr(params.data, key).path}; put the data there")
        else:
            planned.append(
                step_plan(name, step, volume.cut(getattr(params.data, key).max_rows, step.max_length), size, params)
            )
    if params.base_model.source == "scratch" and params.base_model.mlm.epochs:
        text = training_set(params, "text")
        planned[:0] = [mlm_plan(text, params, size)] if text else []
    retrieval = training_set(params, "retrieval")
    if retrieval:
        planned.append(
            colbert_plan(retrieval.cut(params.data.retrieval.max_rows, params.colbert.max_length), params, size)
        )
    planned += evaluation_plans(params, size, notes)
    return planned, notes


def step_plan(name: str, step: StepParams, volume: Volume, size: Size, params: Params) -> StagePlan:
    """A training step of the recipe, at its batch size."""
    half = params.runtime.precision == "bf16"
    frozen = Frozen(step.freeze_embeddings, step.freeze_layers)
    batch = min(step.batch_size, volume.rows)
    steps = max(1, round(volume.rows // batch * step.epochs))
    batch_tokens = batch * sum(volume.tokens)
    tokens = steps * batch_tokens
    length = mean_length(volume.tokens)
    documents = batch * (len(volume.tokens) - 1)
    fixed = state_bytes(size, frozen) + cast_bytes(size, half) + loss_bytes(batch, documents, len(step.dims))
    return StagePlan(
        name=name,
        rows=volume.rows,
        steps=steps,
        tokens=tokens,
        batch_tokens=batch_tokens,
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
    steps = max(1, round(volume.rows // batch * block.epochs))
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
    models = ("base", "nli", "sts", "retrieval", "colbert")
    planned = []
    for name, item in params.eval.sets.items():
        counts = evaluation_set(item.path)
        if counts is None:
            notes.append(f"eval_retrieval@{name}: nothing is known about {item.path}")
            continue
        documents, long, queries, short = counts
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
                source="published" if name.startswith("scifact_tr") else "counted",
            )
        )
    return planned
