"""How BM25 cuts words, its k1, and fusion with a dense encoder, compared on Turkish that no evaluation set holds.

TRAIN is a JSON lines file with anchor, positive and source. The documents are PASSAGES distinct positives of SOURCE,
whole; the queries are anchors of theirs, two a passage and 2,000 at most; a seed draws both. Akana's roots are measured
where akana is installed, hybrids where MODEL, a name in params/models, is given.
"""

from __future__ import annotations

import importlib.util
import random
import sys
from functools import cache
from pathlib import Path

from src.errors import UserError, run_command
from src.evaluation import fusion, lexical, metrics, runs
from src.evaluation.beir import EvalSet, rules
from src.files import read_jsonl
from src.recipe.systems import LEMMA
from src.reporting.tables import Cell, Table

SEED = 13
QUERIES = 2000
DEPTH = 100
MEASURES = ("nDCG@10", "P@1", "R@100")


def main(arguments: list[str]) -> None:
    """Print the table."""
    path, source, passages, *model = arguments
    if not passages.isdecimal() or passages == "0":
        raise UserError(f"PASSAGES {passages}: expected a number from 1")
    data = carve(Path(path), source, int(passages))
    runs_of = {name: bm25(data, tokenize) for name, tokenize in {**lexical.tokenizers(), **roots()}.items()}
    runs_of[f"{LEMMA}, words of two letters or more"] = bm25(data, longer(lexical.lemmas()))
    runs_of[f"{LEMMA}, k1 1.5"] = bm25(data, lexical.lemmas(), k1=1.5)
    for name in model:
        runs_of[name] = dense(data, name)
        runs_of |= {row: fuse([runs_of[LEMMA], runs_of[name]], DEPTH) for row, fuse in fusion.FUSIONS.items()}
    rows: list[list[Cell]] = []
    for name, run in runs_of.items():
        means = metrics.means(metrics.per_query(data.qrels, run))
        rows.append([name, *(means[measure] for measure in MEASURES)])
    print(f"{source}: {len(data.queries):,} queries, {len(data.documents):,} documents\n")
    print(Table("lexical_dev", ["row", *MEASURES], rows).markdown())


def carve(path: Path, source: str, passages: int) -> EvalSet:
    """Rows of a source as an evaluation set: a sample of its documents, and a sample of their queries."""
    rows = [row for row in read_jsonl(path) if row["source"] == source]
    if not rows:
        raise UserError(f"{path}: no row of source {source!r}")
    drawn = random.Random(SEED)
    texts = list(dict.fromkeys(row["positive"] for row in rows))
    kept = set(drawn.sample(range(len(texts)), min(passages, len(texts))))
    documents = {text: f"d{row:06}" for row, text in enumerate(texts) if row in kept}
    relevant: dict[str, dict[str, int]] = {}
    for row in rows:
        if row["positive"] in documents:
            relevant.setdefault(row["anchor"], {})[documents[row["positive"]]] = 1
    queries = drawn.sample(sorted(relevant), min(QUERIES, 2 * passages, len(relevant)))
    by_id = {document: text for text, document in reversed(documents.items())}  # by id, descending
    ids = [f"q{number}" for number in range(len(queries))]
    qrels = {id_: relevant[query] for id_, query in zip(ids, queries, strict=True)}
    texts = list(by_id.values())
    return EvalSet(source, list(by_id), texts, ids, queries, qrels, rules(source, queries, texts), {}, False)


def bm25(data: EvalSet, tokenize: lexical.Tokenizer, k1: float = lexical.K1) -> runs.Run:
    """The run of BM25."""
    return runs.from_rows(*lexical.Bm25(data.documents, tokenize, k1).search(data.queries, DEPTH), data, DEPTH)


def longer(tokenize: lexical.Tokenizer) -> lexical.Tokenizer:
    """Without words of one letter."""
    return lambda text: [word for word in tokenize(text) if len(word) > 1]


def roots() -> dict[str, lexical.Tokenizer]:
    """Akana's root of each word, the first of its analyses; nothing where it is not installed."""
    if not importlib.util.find_spec("akana"):
        print("akana is not installed: its row is left out", file=sys.stderr)
        return {}
    analyze = importlib.import_module("akana").Morphology().analyze

    @cache
    def root(word: str) -> str:
        return next((str(analysis["root"]) for analysis in analyze(word)), word)

    return {"akana": lambda text: [root(word) for word in lexical.words(text)]}


def dense(data: EvalSet, name: str) -> runs.Run:
    """The run of a model of params/models; its vectors are cached."""
    import torch

    from src.evaluation import published

    descriptor = published.read_descriptor(name)
    run, _ = published.rank_published(name, descriptor, data, depth=DEPTH, batch_size=64, device=torch.device("cpu"))
    return run


if __name__ == "__main__":
    run_command(main, "TRAIN SOURCE PASSAGES [MODEL]", "data/external/retrieval/train.jsonl thquad 2000")
