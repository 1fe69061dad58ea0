"""Stage eval_retrieval: every model on one evaluation set, from saved runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch

from src.checked import read_result
from src.evaluation import dense, late, lexical, quantise, runs, table, truncation
from src.evaluation.beir import EvalSet, prepared_set
from src.evaluation.fusion import FUSIONS, RRF_K
from src.evaluation.results import Evaluation, Settings, System, Truncated
from src.evaluation.significance import Draws
from src.evaluation.table import QUANTISED_DEPTH
from src.evaluation.topk import Floats
from src.files import fresh_dir, write_json
from src.model.origin import read_origin
from src.params import Params
from src.recipe.stages import BASE, CHECKPOINTS, FINAL, model
from src.recipe.systems import HYBRIDS, LATE, LEMMA, LEXICAL, at_dim, quantised
from src.runtime import device


def run(params: Params, name: str) -> None:
    """Write reports/{runs/SET,per_query/SET,eval/SET.json}, and data/runs/SET: the runs of smaller vectors."""
    data = prepared_set(name, params.eval.sets[name])
    with (
        fresh_dir(f"reports/runs/{name}") as systems,
        fresh_dir(f"data/runs/{name}") as smaller,
        fresh_dir(f"reports/per_query/{name}") as queries,
    ):
        folders = Folders(systems, smaller, queries)
        cut = write_runs(folders, data, params, device(params.runtime))
        write_json(f"reports/eval/{name}.json", score(folders, data, params, cut))


class Folders(NamedTuple):
    """Where the runs of whole systems, those of smaller vectors and the values of every query go."""

    systems: Path
    smaller: Path
    queries: Path


def write_runs(folders: Folders, data: EvalSet, params: Params, device: torch.device) -> dict[str, Truncated]:
    """Write the run of every row and of every dimension of the retrieval model; how many texts each encoder cuts."""
    folder = folders.systems
    depth, batch_size = params.eval.depth, params.eval.batch_size
    for row in (*LEXICAL, *params.eval.published):
        made_by = "bm25" if row in LEXICAL else "published"
        shutil.copyfile(f"data/{made_by}/{data.name}/{row}.trec", folder / f"{row}.trec")
    colbert = late.load_late(LATE, "models/colbert", device)
    runs.write_run(folder / f"{LATE}.trec", late.rank_late(colbert, data, depth, batch_size), LATE)
    cut = {LATE: truncation.of_set(colbert, data)}
    for row in CHECKPOINTS:
        cut[row] = write_dense(folders, row, data, params, device)
    fused = [runs.read_run(folder / f"{row}.trec") for row in (LEMMA, FINAL)]
    for row, fuse in FUSIONS.items():
        runs.write_run(folder / f"{row}.trec", fuse(fused, depth), row)
    return cut


def write_dense(folders: Folders, row: str, data: EvalSet, params: Params, device: torch.device) -> Truncated:
    """Encode once; write the run of whole vectors, of the retrieval model also those of smaller ones; texts cut."""
    encoder = dense.load_checkpoint(row, params.eval, device)
    queries, documents = dense.embed_set(encoder, data, params.eval.batch_size, device)
    whole = dense.rank(queries, documents, data, params.eval.depth, device=device)
    runs.write_run(folders.systems / f"{row}.trec", whole, row)
    if row == FINAL:
        dense.check_dims(params.eval.dims, encoder)
        for name, run in smaller_runs(queries, documents, data, params, device):
            runs.write_run(folders.smaller / f"{name}.trec", run, name)
    return truncation.of_set(encoder, data)


def smaller_runs(
    queries: Floats, documents: Floats, data: EvalSet, params: Params, device: torch.device
) -> Iterator[tuple[str, runs.Run]]:
    """The runs of every shorter vector and of every form of it, by their names."""
    for dim in params.eval.dims:
        if dim < queries.shape[1]:
            run = dense.rank(queries, documents, data, params.eval.depth, dim=dim, device=device)
            yield at_dim(FINAL, dim), run
        for form, run in quantise.rank_quantised(queries, documents, data, QUANTISED_DEPTH, dim).items():
            yield quantised(FINAL, dim, form), run


def score(folders: Folders, data: EvalSet, params: Params, cut: dict[str, Truncated]) -> Evaluation:
    """The summary of the saved runs; writes the per-query files on the way."""
    models = table.score_runs(folders.systems, [*LEXICAL, LATE, *CHECKPOINTS, *HYBRIDS, *params.eval.published], data)
    small = table.score_runs(folders.smaller, sorted(path.stem for path in folders.smaller.glob("*.trec")), data)
    shorter = {at_dim(FINAL, dim) for dim in params.eval.dims} & set(small)
    table.write_per_query(folders.queries, models | {name: small[name] for name in shorter}, data)
    published = read_result(dict[str, System], f"data/published/{data.name}/models.json")
    cut |= {name: system["truncation"] for name, system in published.items() if "truncation" in system}
    settings: Settings = {
        "depth": params.eval.depth,
        "max_length": params.eval.max_length,
        "backend": params.eval.backend,
        "truncation": cut,
        "scores": "six decimals; ties by document id, descending, as trec_eval",
        "relevant": "judgement of 1 or more",
        "bm25": f"Lucene's form, k1 {lexical.K1:g}, b {lexical.B:g}; Turkish lower case, words cut at the apostrophe",
        "bm25_stem": "as bm25, with Snowball's Turkish stemmer",
        "bm25_lemma": "as bm25, with simplemma's Turkish lemmas",
        "hybrid": f"reciprocal rank fusion (k {RRF_K}) of {LEMMA} and {FINAL}",
        "hybrid_z": f"sum of the z-scores of {LEMMA} and {FINAL}",
        "binary_rescored": f"best {quantise.RESCORE} × {QUANTISED_DEPTH} by Hamming distance, rescored by int8",
        "quantised_depth": QUANTISED_DEPTH,
        "published": published,
    }
    if weights := read_origin(model(BASE)).get("weights"):
        settings["base_weights"] = weights
    draws = Draws.of(params.eval)
    return table.of_systems(
        data, models | small, params.eval.dims, params.eval.published, draws=draws, settings=settings
    )
