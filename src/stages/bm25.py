"""Stage bm25: rank an evaluation set's documents by BM25 over plain words, stems and lemmas."""

from __future__ import annotations

from src.evaluation import lexical, runs
from src.evaluation.beir import prepared_set
from src.files import fresh_dir
from src.params import Params


def run(params: Params, name: str) -> None:
    """Write data/bm25/SET/{bm25,bm25_stem,bm25_lemma}.trec."""
    data = prepared_set(name, params.eval.sets[name])
    with fresh_dir(f"data/bm25/{name}") as folder:
        for row, ranked in lexical.rank(data, params.eval.depth):
            runs.write_run(folder / f"{row}.trec", ranked, row)
    print(f"{name}: {len(data.queries)} queries ranked against {len(data.documents)} documents by BM25")
