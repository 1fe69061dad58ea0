"""One retrieval step of the paper's encoder at its real size (305 M parameters, random weights) on the CPU, 16 triples.

The step is the recipe's: gradient cache, Matryoshka ranking loss, AdamW, the layers frozen that params/paper.yaml
freezes. Texts are random tokens in lengths like MS MARCO's. `flops_per_s` calibrates `python -m src.plan`.
"""

from __future__ import annotations

import resource
import statistics
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.common import write_result
from src.errors import run_command
from src.plan.cost import encoder_size, training_flops
from src.plan.stages import mean_length
from src.profile import profile_params

if TYPE_CHECKING:
    import torch

    from src.training.encoding import MiniBatch

BATCH, STEPS = 16, 4
# Tokens of queries, positives and negatives: mean and spread of the logarithm (MS MARCO is skewed to the right).
LENGTHS = ((12, 0.3), (93, 0.4), (93, 0.4))


def main(_: list[str]) -> None:
    """Take a few steps on one batch; the first warms up and is not counted."""
    import torch

    torch.manual_seed(0)
    params = profile_params("paper")
    model = real_model()
    frozen = params.train.freeze_embeddings, params.train.freeze_layers
    freeze(model, *frozen)
    batches, lengths = random_batch(params.train.max_length)
    seconds, losses = steps(model, batches, params.train)
    if losses[-1] >= losses[0]:
        raise RuntimeError(f"the loss did not fall over {STEPS} steps on one batch: {losses}")
    size, tokens = encoder_size(params.base_model), int(lengths.sum())
    median = statistics.median(seconds)
    write_result(
        "gte_step",
        round(median, 2),
        unit="s per step",
        goal=60.0,
        higher_is_better=False,
        ours={
            "batch": BATCH,
            "tokens": tokens,
            "parameters": size.parameters,
            "peak_memory_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2, 2),
            "losses": [round(loss, 4) for loss in losses],
        },
        runs=len(seconds),
        flops_per_s=round(training_flops(size, tokens, mean_length(tuple(lengths)), *frozen) / median),
    )


def real_model() -> torch.nn.Module:
    """GteModel with the configuration of gte-multilingual-base, converted as published checkpoints are."""
    from transformers import GteConfig, GteModel

    from src.model.original import native_config

    original = {
        "vocab_size": 250_048,
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "hidden_dropout_prob": 0.0,
        "max_position_embeddings": 8192,
        "rope_theta": 20_000,
        "rope_scaling": {"type": "ntk", "factor": 8.0},
    }
    return GteModel(GteConfig(**native_config(original, "gte-multilingual-base")))


def freeze(model: Any, embeddings: bool, layers: int) -> None:
    """What the paper's profile does not train."""
    model.embeddings.requires_grad_(not embeddings)
    for layer in model.layers[:layers]:
        layer.requires_grad_(False)


def random_batch(max_length: int) -> tuple[list[MiniBatch], np.ndarray]:
    """Mini-batches of 16 triples of random tokens, and the lengths of their 48 texts."""
    from src.training.dataset import Tokens
    from src.training.encoding import mini_batches

    generator = np.random.default_rng(0)
    drawn = [np.clip(generator.lognormal(np.log(mean), spread, BATCH), 5, max_length) for mean, spread in LENGTHS]
    lengths = np.concatenate(drawn).astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    flat = generator.integers(10, 250_000, starts[-1]).astype(np.int32)
    return mini_batches(Tokens(flat, starts, 1, np.arange(0)), np.arange(3 * BATCH), 8192), lengths


def steps(model: Any, batches: list[MiniBatch], step: Any) -> tuple[list[float], list[float]]:
    """Seconds of each step but the first, and the loss before each."""
    import torch
    from torch.nn.functional import normalize

    from src.training.encoding import GradientCache
    from src.training.losses import Ranking
    from src.training.matryoshka import Matryoshka

    def encode(batch: MiniBatch) -> torch.Tensor:
        return normalize(model(input_ids=batch.ids, attention_mask=batch.mask).last_hidden_state[:, 0], dim=1)

    loss = Ranking(Matryoshka.of(step.dims), step.temperature)
    cache = GradientCache(encode)
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=step.learning_rate, fused=True)
    seconds, losses = [], []
    for _ in range(STEPS):
        start = time.perf_counter()
        vectors = cache.forward(batches, keep_tokens=65_536)
        result = loss(vectors[:BATCH], vectors[BATCH:])
        cache.backward(batches, torch.cat(result.gradients))
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.perf_counter() - start)
        losses.append(result.loss.item())
    return seconds[1:], losses


if __name__ == "__main__":
    run_command(main)
