"""Stage bm25: rank an evaluation set's documents by BM25 over plain words, stems and lemmas."""

from __future__ import annotations

from src.evaluation import lexical, runs
from src.evaluation.beir import load_eval_set
from src.files import fresh_dir
from src.params import Params


def run(params: Params, name: str) -> None:
    """Write data/bm25/SET/{bm25,bm25_stem,bm25_lemma}.trec."""
    options = params.eval.sets[name]
    data = load_eval_set(f"data/prepared/{name}", name, options.title, options.protocol, options.drop_self_hits)
    with fresh_dir(f"data/bm25/{name}") as folder:
        for row, tokenize in lexical.tokenizers().items():
            depth = runs.search_depth(data, params.eval.depth)
            scores, rows = lexical.search(data.documents, data.queries, depth, tokenize)
            runs.write_run(folder / f"{row}.trec", runs.from_rows(scores, rows, data, params.eval.depth), row)
    print(f"{name}: {len(data.queries)} queries ranked against {len(data.documents)} documents by BM25")
