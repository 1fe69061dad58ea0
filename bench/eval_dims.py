"""`python -m bench.eval_dims`: what five dimensions cost beyond one encoding pass, and what a query costs in each.

The judged figure is the time of evaluating five dimensions (encoding, ranking, run files, measures) over the time of
the encoding in that same run, so that a busy machine disturbs both alike; the encoder is of MiniLM's size, an eighth
of the paper's work for a token, so the share of everything else is larger here than there. Beside it
sentence-transformers' evaluator once per dimension. Then query latency over 100,000 random vectors at every dimension
in float32, int8, binary, and binary rescored by int8, one query at a time and 32 at once, on one thread; and what that
encoder takes for those queries. Medians of 21 repeats with their quartiles.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.common import alternate, build_gte, ratio, write_result
from src.errors import run_command
from src.evaluation import dense, encode, metrics, runs
from src.evaluation.beir import EvalSet, rules
from src.evaluation.quantise import RESCORE, rank_quantised
from src.params import load_params

SIZE = {"vocab_size": 4000, "hidden_size": 384, "layers": 6, "heads": 12, "intermediate_size": 1536, "max_length": 128}
DOCUMENTS, QUERIES, RUNS = 1000, 100, 3
DIMS = (384, 256, 128, 64, 32)
DEPTH = 100
INDEXED, BATCH, K, REPEATS = 100_000, 32, 10, 21
RESCORED = RESCORE * K
GOAL = 1.05


def main(_: list[str]) -> None:
    """Time the two sides in turn, then the searches."""
    torch.manual_seed(0)
    data = toy_set(np.random.default_rng(0))
    parts: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = build_gte(Path(scratch) / "gte", data.documents, SIZE)
        model = dense.load_dense("gte", str(folder), torch.device("cpu"), max_length=SIZE["max_length"])
        sides = {
            "five_dims": lambda: parts.append(five_dims(model, data, Path(scratch))),
            "evaluator_per_dim": lambda: evaluators(model, data),
        }
        seconds = alternate(sides, RUNS)
    parts = parts[-RUNS:]
    ours = [part["encoding"] + part["five_dims"] for part in parts]
    shares = [took / part["encoding"] for took, part in zip(ours, parts, strict=True)]
    write_result(
        "eval_dims",
        round(statistics.median(shares), 4),
        unit="times one encoding pass",
        goal=GOAL,
        higher_is_better=False,
        ours={f"{name}_seconds": [round(part[name], 3) for part in parts] for name in parts[0]},
        baseline={"what": "an evaluator per dimension", "seconds": rounded(seconds["evaluator_per_dim"])},
        runs=RUNS,
        times_as_fast=round(ratio(seconds | {"ours": ours}, "evaluator_per_dim", "ours"), 2),
        size={"documents": DOCUMENTS, "queries": QUERIES, "dims": DIMS, "depth": DEPTH, "encoder": SIZE},
        note="five_dims: ranking, run files and measures of all five; small_forms: int8 and binary runs besides",
        latency=latencies(model, data, sorted({*load_params().eval.dims, 768, 512, 384, 256, 128, 64}, reverse=True)),
    )


def rounded(seconds: list[float]) -> list[float]:
    """To milliseconds."""
    return [round(value, 3) for value in seconds]


def toy_set(generator: np.random.Generator) -> EvalSet:
    """Random words at the lengths of abstracts and of claims."""
    syllables = ["ka", "le", "mi", "ğu", "şı", "ran", "tor", "ben", "çok", "yaz", "dün", "süt"]
    words = ["".join(generator.choice(syllables, size=3)) for _ in range(1500)]

    def texts(count: int, low: int, high: int) -> list[str]:
        return [" ".join(generator.choice(words, size=generator.integers(low, high))) for _ in range(count)]

    ids = [f"d{number:04d}" for number in range(DOCUMENTS, 0, -1)]
    asked = [f"q{number:03d}" for number in range(QUERIES)]
    qrels = {query: {ids[number]: 1} for number, query in enumerate(asked)}
    documents, queries = texts(DOCUMENTS, 40, 110), texts(QUERIES, 8, 20)
    return EvalSet("toy", ids, documents, asked, queries, qrels, rules("toy", queries, documents), {}, False)


def encode_set(model: dense.DenseModel, data: EvalSet) -> list[Any]:
    """Queries and documents as vectors, without the cache."""
    vectors = []
    for texts in (data.queries, data.documents):
        out = np.empty((len(texts), model.dim), dtype=np.float32)
        encode.encode_into(out, model.encoder, texts, "", batch_size=64, what="bench")
        vectors.append(out)
    return vectors


def five_dims(model: dense.DenseModel, data: EvalSet, folder: Path) -> dict[str, float]:
    """Seconds of what the evaluation does: encode, then rank, write and score every dimension from the saved run."""
    marks = [time.perf_counter()]
    queries, documents = encode_set(model, data)
    marks.append(time.perf_counter())
    for dim in DIMS:
        path = folder / f"{dim}.trec"
        runs.write_run(path, dense.rank(queries, documents, data, DEPTH, dim=dim), str(dim))
        metrics.per_query(data.qrels, runs.read_run(path))
    marks.append(time.perf_counter())
    for dim in DIMS:
        rank_quantised(queries, documents, data, K, dim)
    marks.append(time.perf_counter())
    names = ("encoding", "five_dims", "small_forms")
    return {name: end - start for name, start, end in zip(names, marks, marks[1:], strict=False)}


def evaluators(model: dense.DenseModel, data: EvalSet) -> None:
    """sentence-transformers' evaluator once per dimension, as its documentation has it."""
    from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator

    for dim in DIMS:
        InformationRetrievalEvaluator(
            dict(zip(data.query_ids, data.queries, strict=True)),
            dict(zip(data.document_ids, data.documents, strict=True)),
            {query: set(judged) for query, judged in data.qrels.items()},
            truncate_dim=dim,
            batch_size=64,
            write_csv=False,
        )(model.encoder)


def latencies(model: dense.DenseModel, data: EvalSet, dims: list[int]) -> dict[str, Any]:
    """Milliseconds of encoding a query, and of a search for the 10 best by dimension and form, one at a time and 32.

    On one thread: so forms are compared alike (numpy's bit counts know no more), and a busy machine disturbs least.
    """
    torch.set_num_threads(1)
    generator = np.random.default_rng(0)
    table: dict[str, Any] = {
        "documents": INDEXED,
        "k": K,
        "batch": BATCH,
        "threads": torch.get_num_threads(),
        "unit": "ms a query",
        "encoding": both(lambda texts: model.encoder.encode(texts, batch_size=BATCH), data.queries),
        "dims": {},
    }
    for dim in dims:
        documents = generator.standard_normal((INDEXED, dim), dtype=np.float32)
        queries = generator.standard_normal((BATCH, dim), dtype=np.float32)
        table["dims"][str(dim)] = {form: both(find, queries) for form, find in searches(documents).items()}
    return table


def searches(documents: Any) -> dict[str, Callable[[Any], object]]:
    """A search over the documents in each form: products of floats, products of bytes, Hamming distance of bits.

    The rescored form is the binary search for 4 × k documents and the products of those alone.
    """
    floats = torch.from_numpy(documents)
    bytes_ = to_bytes(floats)
    words = np.ascontiguousarray(to_words(documents).T)  # a row for each word: counts add up over whole rows

    def hamming(queries: Any, count: int = K) -> list[Any]:
        found = []
        for bits in to_words(queries):
            distance = np.bitwise_count(words ^ bits[:, None]).sum(axis=0, dtype=np.uint16)
            found.append(np.argpartition(distance, count)[:count])
        return found

    def rescored(queries: Any) -> list[Any]:
        found = zip(hamming(queries, RESCORED), torch.from_numpy(queries), strict=True)
        return [(bytes_[rows].float() @ query).topk(K) for rows, query in found]

    return {
        "float32": lambda queries: (torch.from_numpy(queries) @ floats.T).topk(K),
        "int8": lambda queries: torch._int_mm(to_bytes(torch.from_numpy(queries)), bytes_.T).topk(K),
        "binary": hamming,
        "binary_rescored": rescored,
    }


def to_bytes(vectors: torch.Tensor) -> torch.Tensor:
    """int8 with one step for all dimensions: what a product of bytes costs does not depend on the steps."""
    return (vectors * 30).clamp(-128, 127).to(torch.int8)


def to_words(vectors: Any) -> Any:
    """Sign bits in whole 64-bit words (n, words)."""
    bits = np.packbits(vectors > 0, axis=1)
    padded = np.pad(bits, ((0, 0), (0, -bits.shape[1] % 8)))
    return np.ascontiguousarray(padded).view(np.uint64)


def both(work: Callable[[Any], object], queries: Any) -> dict[str, dict[str, float]]:
    """The time of one query, and of each of 32 at once."""
    return {f"batch_{size}": milliseconds(work, queries[:size]) for size in (1, BATCH)}


def milliseconds(work: Callable[[Any], object], queries: Any) -> dict[str, float]:
    """Median and quartiles of the time of 21 repeats after a first one, per query."""
    work(queries)
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work(queries)
        taken.append(1000 * (time.perf_counter() - start) / len(queries))
    low, median, high = statistics.quantiles(taken, n=4)
    return {"median": round(median, 3), "low": round(low, 3), "high": round(high, 3)}


if __name__ == "__main__":
    run_command(main)
