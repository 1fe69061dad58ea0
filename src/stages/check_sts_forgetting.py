"""Stage check_sts_forgetting: what retrieval training did to semantic similarity, at every dimension."""

from __future__ import annotations

from pathlib import Path

from src.data.prepared import read_rows
from src.evaluation import dense, similarity_table, truncation
from src.evaluation.packed import write_columns
from src.evaluation.results import SimilarityRules
from src.evaluation.significance import Draws
from src.evaluation.similarity import read_pairs
from src.evaluation.similarity_table import PAIRS, TRIPLET, TRIPLETS
from src.files import fresh_dir, write_json
from src.params import Params
from src.recipe.stages import CHECKPOINTS
from src.runtime import device

STS = Path("data/prepared/sts/test.jsonl")
NLI = Path("data/prepared/nli/dev.jsonl")
VALUES = Path("data/similarity")


def run(params: Params) -> None:
    """Write data/similarity, the values of every pair and triplet, and from them reports/eval/sts.json."""
    pairs, where = read_pairs(STS), device(params.runtime)
    triplets = list(read_rows(NLI, TRIPLET)) if NLI.exists() else []
    texts = pairs.columns() | {column: [row[column] for row in triplets] for column in TRIPLET if triplets}
    vectors, cut = {}, {}
    for name in CHECKPOINTS:
        model = dense.load_checkpoint(name, params.eval, where)
        dense.check_dims(params.eval.dims, model)
        vectors[name] = dense.embed_columns(model, texts, params.eval.batch_size, where)
        cut[name] = truncation.of_columns(model, texts)
    rules: SimilarityRules = {
        "split": "test",
        "backend": params.eval.backend,
        "vectors": "cut to the dimension, brought back to unit length",
        "interval": f"paired bootstrap, percentile, {params.eval.bootstrap_resamples} resamples of pairs, 95 %",
        "seed": params.eval.seed,
        "truncation": cut,
    }
    dims, names = sorted(params.eval.dims, reverse=True), (params.data.sts.name, params.data.nli.name)
    with fresh_dir(VALUES) as folder:
        write_columns(folder / PAIRS, similarity_table.pair_values(vectors, pairs.scores, dims))
        if triplets:
            write_columns(folder / TRIPLETS, similarity_table.triplet_values(vectors, dims))
        write_json("reports/eval/sts.json", similarity_table.summarise(folder, rules, names, Draws.of(params.eval)))
