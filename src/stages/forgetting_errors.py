"""Stage forgetting_errors: whether the STS drop goes with retrieval errors, query by query."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from src.ablation import forgetting
from src.ablation.forgetting import NEAREST, Space
from src.ablation.measure import read_benchmarks
from src.evaluation import dense, metrics
from src.evaluation.beir import EvalSet
from src.evaluation.results import DECIMALS, SetErrors
from src.evaluation.significance import Draws, clusters_of, interval_words
from src.evaluation.similarity import Pairs, unit
from src.files import fresh_dir, round_floats, write_json
from src.params import Params
from src.recipe.stages import BEFORE, FINAL
from src.runtime import device

FOLDER = Path("reports/forgetting_errors")


def run(params: Params) -> None:
    """Write reports/forgetting_errors.json and reports/forgetting_errors/SET.csv: the points of a scatter plot."""
    benchmarks = read_benchmarks(params.eval)
    where = device(params.runtime)
    with fresh_dir(FOLDER) as folder:
        sets = {name: one_set(data, benchmarks.pairs, params, where, folder) for name, data in benchmarks.sets.items()}
    protocol = {
        "from": BEFORE,
        "to": FINAL,
        "sts_set": params.data.sts.name,
        "nearest_pairs": NEAREST,
        "interval": {
            name: interval_words(Draws.of(params.eval), clusters_of(data.qrels))
            for name, data in benchmarks.sets.items()
        },
        "partial": "nDCG@10 before held fixed",
        "seed": params.eval.seed,
    }
    write_json(FOLDER.with_suffix(".json"), round_floats({"protocol": protocol, "sets": sets}, DECIMALS))


def one_set(data: EvalSet, pairs: Pairs, params: Params, device: torch.device, folder: Path) -> SetErrors:
    """The correlations of one set; writes its scatter points."""
    before, ndcg_before = space(BEFORE, data, pairs, params, device)
    after, ndcg_after = space(FINAL, data, pairs, params, device)
    values = forgetting.changes(before, after, data, pairs.scores, (ndcg_before, ndcg_after))
    path = folder / f"{data.name}.csv"
    forgetting.write_points(path, data.query_ids, values)
    return forgetting.summary(forgetting.read_points(path), Draws.of(params.eval), clusters_of(data.qrels))


def space(
    name: str, data: EvalSet, pairs: Pairs, params: Params, device: torch.device
) -> tuple[Space, NDArray[np.float64]]:
    """A checkpoint's unit vectors and its nDCG@10 of every query."""
    model = dense.load_checkpoint(name, params.eval, device)
    batch_size = params.eval.batch_size
    queries, documents = dense.embed_set(model, data, batch_size, device)
    sides = dense.embed_columns(model, pairs.columns(), batch_size, device)
    run = dense.rank(queries, documents, data, params.eval.depth, device=device)
    vectors = (unit(part, model.dim) for part in (queries, documents, *sides.values()))
    return Space(*vectors), metrics.per_query(data.qrels, run)[metrics.MAIN]
