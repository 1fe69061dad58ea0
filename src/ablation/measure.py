"""What a variant is measured by: every retrieval set, and semantic similarity of sentence pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from src.errors import UserError
from src.evaluation import dense, metrics
from src.evaluation.beir import PREPARED, prepared_set
from src.evaluation.encode import encode_into
from src.evaluation.similarity import cosine, pearson, read_pairs, spearman, unit
from src.model.positions import limit_length
from src.model.prompts import prompts_of

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
        spearman, pearson: of the cosines with the gold scores.
    """

    queries: dict[str, PerQuery]
    cosines: NDArray[np.float64]
    spearman: float
    pearson: float

    def means(self) -> dict[str, dict[str, float]]:
        """{set: {measure: mean over queries}}."""
        return {name: {key: float(v.mean()) for key, v in values.items()} for name, values in self.queries.items()}


def read_benchmarks(options: Measuring | EvalParams) -> Benchmarks:
    """The prepared evaluation sets and the test split of the scored pairs."""
    sets = {name: prepared_set(name, item) for name, item in options.sets.items()}
    if not STS.exists():
        raise UserError(f"{STS}: no such file; ablations measure semantic similarity on the test split of data.sts")
    return Benchmarks(sets, read_pairs(STS))


def measure(
    model: SentenceTransformer, benchmarks: Benchmarks, options: Measuring | EvalParams, device: torch.device
) -> Measured:
    """The model's values at its whole vectors."""
    model, prompts = ready(model, options, device), prompts_of(model)
    queries = {}
    for name, data in benchmarks.sets.items():
        query_vectors = encode(model, data.queries, prompts.query, options.batch_size)
        documents = encode(model, data.documents, prompts.document, options.batch_size)
        run = dense.rank(query_vectors, documents, data, options.depth, device=device)
        queries[name] = metrics.per_query(data.qrels, run)
    cosines, scores = pair_cosines(model, benchmarks.pairs, options), benchmarks.pairs.scores
    return Measured(queries, cosines, spearman(cosines, scores), pearson(cosines, scores))


def measure_pairs(
    model: SentenceTransformer, benchmarks: Benchmarks, options: Measuring | EvalParams, device: torch.device
) -> NDArray[np.float64]:
    """Cosines of the scored pairs, (pairs,); no retrieval."""
    return pair_cosines(ready(model, options, device), benchmarks.pairs, options)


def pair_cosines(model: SentenceTransformer, pairs: Pairs, options: Measuring | EvalParams) -> NDArray[np.float64]:
    """Cosine of every scored pair, (pairs,)."""
    prompt = prompts_of(model).query
    first, second = (encode(model, texts, prompt, options.batch_size) for texts in (pairs.first, pairs.second))
    size = first.shape[1]
    return cosine(unit(first, size), unit(second, size))


def ready(model: SentenceTransformer, options: Measuring | EvalParams, device: torch.device) -> SentenceTransformer:
    """The model on its device, cutting texts where params say."""
    model = model.to(device)
    model.eval()
    limit_length(model, options.max_length)
    return model


def encode(model: SentenceTransformer, texts: list[str], prompt: str, batch_size: int) -> NDArray[np.float32]:
    """Vectors (texts, D), each text after the prompt; not cached, since the model is not kept."""
    vectors = np.empty((len(texts), model.get_embedding_dimension() or 0), dtype=np.float32)
    encode_into(vectors, model, texts, prompt, batch_size=batch_size, what="ablation")
    return vectors
