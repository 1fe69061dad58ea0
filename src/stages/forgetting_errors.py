"""Stage forgetting_errors: whether the STS drop goes with retrieval errors, query by query."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from src.ablation import forgetting
from src.ablation.forgetting import NEAREST, Space
from src.ablation.measure import read_benchmarks
from src.evaluation import dense, metrics
from src.evaluation.beir import EvalSet
from src.evaluation.results import DECIMALS
from src.evaluation.significance import Draws, clusters_of, interval_words
from src.evaluation.similarity import Pairs, unit
from src.files import fresh_dir, round_floats, write_json
from src.params import Params
from src.recipe.stages import BEFORE, FINAL
from src.runtime import device

FOLDER = Path("reports/forgetting_errors")


def run(params: Params) -> None:
    """Write reports/forgetting_errors.json and reports/forgetting_errors/SET.csv: the points of a scatter plot."""
    benchmarks, draws, sets, intervals = read_benchmarks(params.eval), Draws.of(params.eval), {}, {}
    with fresh_dir(FOLDER) as folder:
        for name, data in benchmarks.sets.items():
            path, clusters = folder / f"{name}.csv", clusters_of(data.qrels)
            (before, ndcg_before), (after, ndcg_after) = (
                space(model, data, benchmarks.pairs, params) for model in (BEFORE, FINAL)
            )
            ndcg = ndcg_before, ndcg_after
            values = forgetting.changes(before, after, data, benchmarks.pairs.scores, ndcg)
            forgetting.write_points(path, data.query_ids, values)
            sets[name] = forgetting.summary(forgetting.read_points(path), draws, clusters)
            intervals[name] = interval_words(draws, clusters)
    protocol = {
        "from": BEFORE,
        "to": FINAL,
        "sts_set": params.data.sts.name,
        "nearest_pairs": NEAREST,
        "interval": intervals,
        "partial": "nDCG@10 before held fixed",
        "seed": params.eval.seed,
    }
    write_json(FOLDER.with_suffix(".json"), round_floats({"protocol": protocol, "sets": sets}, DECIMALS))


def space(name: str, data: EvalSet, pairs: Pairs, params: Params) -> tuple[Space, NDArray[np.float64]]:
    """A checkpoint's unit vectors and its nDCG@10 of every query."""
    where, batch_size = device(params.runtime), params.eval.batch_size
    model = dense.load_checkpoint(name, params.eval, where)
    queries, documents = dense.embed_set(model, data, batch_size, where)
    sides = dense.embed_columns(model, pairs.columns(), batch_size, where)
    run = dense.rank(queries, documents, data, params.eval.depth, device=where)
    vectors = (unit(part, model.dim) for part in (queries, documents, *sides.values()))
    return Space(*vectors), metrics.per_query(data.qrels, run)[metrics.MAIN]
