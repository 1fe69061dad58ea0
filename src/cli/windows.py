"""Long documents read in windows: a document scores as its best window does, instead of by one vector of its beginning.

    python -m src.cli.windows pairs_dev 64 128 256

measures the chain's base and its result, and their z-score hybrids with BM25 of lemmas, on a set of eval.sets whose
stages have run: by whole documents (cut at eval.max_length) and by windows of so many tokens, which overlap by a
quarter. Choose a size on a dev set. Writes the runs to data/windows/SET.parquet, nDCG@10 of every query to SET.tsv.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import torch

from src.errors import UserError, run_command
from src.evaluation import dense, runs
from src.evaluation.beir import EvalSet, prepared_set
from src.evaluation.fusion import z_score_sum
from src.evaluation.metrics import MAIN, per_query
from src.evaluation.packed import write_runs
from src.evaluation.runs import Run
from src.evaluation.significance import Clusters, Draws, Values, clusters_of, tested_differences
from src.evaluation.topk import unit
from src.params import load_params
from src.params.schema import EvalParams
from src.recipe.stages import BASE, FINAL
from src.recipe.systems import LEMMA
from src.runtime import device
from src.table_files import write_table

FOLDER = Path("data/windows")


def main(arguments: list[str]) -> None:
    """Write the runs of a set and print nDCG@10, with the difference of each size from whole documents.

    Raises:
        UserError: a size is no whole number above 1, or eval.sets has no such set.
    """
    params = load_params()
    name, *sizes = arguments
    if not all(size.isdecimal() and int(size) > 1 for size in sizes):
        raise UserError(f"{' '.join(sizes)}: expected sizes in tokens, whole numbers above 1")
    if name not in params.eval.sets:
        raise UserError(f"{name}: expected one set of eval.sets: {', '.join(params.eval.sets)}")
    data = prepared_set(name, params.eval.sets[name])
    lexical, *whole = (runs.read_run(f"reports/runs/{name}/{row}.trec") for row in (LEMMA, BASE, FINAL))
    where = device(params.runtime)
    made: dict[str, Run] = {}
    for model, run in zip((BASE, FINAL), whole, strict=True):
        encoder = dense.load_checkpoint(model, params.eval, where)
        of_model = {model: run} | {
            f"{model}-{size}": rank(encoder, data, int(size), params.eval, where) for size in sizes
        }
        for label, found in of_model.items():
            made |= {label: found, f"hybrid_z of {label}": z_score_sum([lexical, found], params.eval.depth)}
    values = {label: per_query(data.qrels, run)[MAIN] for label, run in made.items()}
    clusters = clusters_of(data.qrels)
    write_runs(FOLDER / f"{name}.parquet", made)
    rows = zip(data.qrels, clusters, *([f"{value:.6g}" for value in of_run] for of_run in values.values()), strict=True)
    write_table(FOLDER / f"{name}.tsv", ["set", "query-id", "cluster", *values], ([name, *row] for row in rows))
    print("\n".join(compared(values, clusters, Draws.of(params.eval))))


def rank(model: dense.DenseModel, data: EvalSet, size: int, options: EvalParams, where: torch.device) -> Run:
    """The run of a set by windows of `size` tokens."""
    pieces = [windows(model.encoder.tokenizer, document, size) for document in data.documents]
    starts = [0, *accumulate(map(len, pieces))][:-1]
    cut = replace(data, documents=[piece for of_document in pieces for piece in of_document])
    queries, vectors = (unit(part) for part in dense.embed_set(model, cut, options.batch_size, where))
    scores = np.maximum.reduceat((queries @ vectors.T).numpy(), starts, axis=1)
    hits = ([*zip(data.document_ids, of_query, strict=True)] for of_query in scores.tolist())
    return {query: runs.order(found)[: options.depth] for query, found in zip(data.query_ids, hits, strict=True)}


def windows(tokenizer: Any, text: str, size: int) -> list[str]:
    """The text in pieces of at most `size` tokens, each from the last quarter of the one before on."""
    options = {"add_special_tokens": False, "truncation": False, "return_offsets_mapping": True}
    places = tokenizer(text, verbose=False, **options)["offset_mapping"]
    if len(places) <= size:
        return [text]
    step = size - size // 4
    firsts = range(0, len(places) - size // 4, step)
    return [text[places[first][0] : places[min(first + size, len(places)) - 1][1]] for first in firsts]


def compared(values: Mapping[str, Values], clusters: Clusters, draws: Draws) -> Iterator[str]:
    """A line for each run: nDCG@10, and the difference from the same system on whole documents."""
    for label, of_run in values.items():
        whole = label.partition("-")[0]
        change = ""
        if whole != label:
            (tested,) = tested_differences((of_run - values[whole])[:, None], draws, clusters)
            low, high = tested["interval"]
            change = f" ({tested['difference']:+.4f} [{low:.4f}, {high:.4f}], p {tested['p']:.2g})"
        yield f"{label}: {MAIN} {of_run.mean():.4f}{change}"


if __name__ == "__main__":
    run_command(main, "SET TOKENS …", "pairs_dev 64 128 256")
