"""What a variant is measured by: every retrieval set, and semantic similarity of sentence pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from src.evaluation import dense, metrics
from src.evaluation.beir import PREPARED, prepared_set
from src.evaluation.similarity import SIDES, cosine, read_pairs, unit

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

    from src.evaluation.beir import EvalSet
    from src.evaluation.metrics import PerQuery
    from src.evaluation.similarity import Pairs
    from src.params.schema import EvalParams
    from src.params.variant import Measuring

STS = PREPARED / "sts" / "test.jsonl"


@dataclass(frozen=True)
class Benchmarks:
    """The sets that every variant is measured on."""

    sets: dict[str, EvalSet]
    pairs: Pairs


@dataclass(frozen=True)
class Measured:
    """One model's values.

    Attributes:
        queries: {set: {measure: (queries,)}}.
        cosines: (pairs,) of the STS pairs.
    """

    queries: dict[str, PerQuery]
    cosines: NDArray[np.float64]

    def means(self) -> dict[str, dict[str, float]]:
        """{set: {measure: mean over queries}}."""
        return {name: metrics.means(values) for name, values in self.queries.items()}


def read_benchmarks(options: Measuring | EvalParams) -> Benchmarks:
    """The prepared evaluation sets and the test split of the scored pairs."""
    sets = {name: prepared_set(name, item) for name, item in options.sets.items()}
    return Benchmarks(sets, read_pairs(STS))


def measure(encoder: SentenceTransformer, benchmarks: Benchmarks, options: Measuring, device: torch.device) -> Measured:
    """The encoder's values at its whole vectors."""
    model = dense.in_memory("ablation", encoder, device, options.max_length)
    runs = {
        name: dense.search_set(model, data, options.depth, options.batch_size, device)
        for name, data in benchmarks.sets.items()
    }
    queries = {name: metrics.per_query(benchmarks.sets[name].qrels, run) for name, run in runs.items()}
    return Measured(queries, pair_cosines(encoder, benchmarks, options, device))


def pair_cosines(
    encoder: SentenceTransformer, benchmarks: Benchmarks, options: Measuring, device: torch.device
) -> NDArray[np.float64]:
    """Cosine of every scored pair, (pairs,)."""
    model = dense.in_memory("ablation", encoder, device, options.max_length)
    vectors = dense.embed_columns(model, benchmarks.pairs.columns(), options.batch_size, device)
    return cosine(*(unit(vectors[side], model.dim) for side in SIDES))
