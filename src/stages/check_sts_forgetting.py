"""Stage check_sts_forgetting: what retrieval training did to semantic similarity, at every dimension."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from src.data.prepared import read_rows
from src.evaluation import dense, similarity_table, truncation
from src.evaluation.packed import write_columns
from src.evaluation.results import SimilarityRules, TruncatedTexts
from src.evaluation.significance import Draws
from src.evaluation.similarity import read_pairs
from src.evaluation.similarity_table import PAIRS, TRIPLET, TRIPLETS
from src.files import fresh_dir, write_json
from src.params import Params
from src.recipe.stages import CHECKPOINTS
from src.runtime import device

if TYPE_CHECKING:
    import torch


STS = Path("data/prepared/sts/test.jsonl")
NLI = Path("data/prepared/nli/dev.jsonl")
VALUES = Path("data/similarity")


def run(params: Params) -> None:
    """Write data/similarity, the values of every pair and triplet, and from them reports/eval/sts.json."""
    pairs = read_pairs(STS)
    triplets = list(read_rows(NLI, TRIPLET)) if NLI.exists() else []
    texts = pairs.columns() | {column: [row[column] for row in triplets] for column in TRIPLET if triplets}
    encoded = {name: encode(name, texts, params, device(params.runtime)) for name in CHECKPOINTS}
    vectors = {name: columns for name, (columns, _) in encoded.items()}
    dims = sorted(params.eval.dims, reverse=True)
    draws = Draws.of(params.eval)
    protocol = rules(params, {name: cut for name, (_, cut) in encoded.items()})
    with fresh_dir(VALUES) as folder:
        write_columns(folder / PAIRS, similarity_table.pair_values(vectors, pairs.scores, dims))
        if triplets:
            write_columns(folder / TRIPLETS, similarity_table.triplet_values(vectors, dims))
        names = (params.data.sts.name, params.data.nli.name)
        write_json("reports/eval/sts.json", similarity_table.summarise(folder, protocol, names, draws))


def rules(params: Params, cut: dict[str, TruncatedTexts]) -> SimilarityRules:
    """How pairs are measured, in words, and how many sentences each checkpoint cuts."""
    return {
        "split": "test",
        "backend": params.eval.backend,
        "vectors": "cut to the dimension, brought back to unit length",
        "interval": f"paired bootstrap, percentile, {params.eval.bootstrap_resamples} resamples of pairs, 95 %",
        "seed": params.eval.seed,
        "truncation": cut,
    }


def encode(
    name: str, texts: dict[str, list[str]], params: Params, device: torch.device
) -> tuple[dict[str, NDArray[np.float32]], TruncatedTexts]:
    """Vectors of every column by one checkpoint, and how many texts of each it cuts."""
    model = dense.load_checkpoint(name, params.eval, device)
    dense.check_dims(params.eval.dims, model)
    vectors = dense.embed_columns(model, texts, params.eval.batch_size, device)
    return vectors, truncation.of_columns(model, texts)
