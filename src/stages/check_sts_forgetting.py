"""Stage check_sts_forgetting: what retrieval training did to semantic similarity, at every dimension."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.evaluation import dense, similarity, truncation
from src.evaluation.similarity import read_pairs
from src.files import read_jsonl, round_floats, write_json
from src.params import Params
from src.recipe.stages import BEFORE, CHECKPOINTS, FINAL
from src.runtime import device

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from src.evaluation.dense import DenseModel

    Vectors = dict[str, dict[str, NDArray[np.float32]]]

STS = Path("data/prepared/sts/test.jsonl")
NLI = Path("data/prepared/nli/dev.jsonl")
TRIPLET = ("anchor", "positive", "negative")
PLACES = 6


def run(params: Params) -> None:
    """Write reports/eval/sts.json."""
    pairs = read_pairs(STS)
    triplets = list(read_jsonl(NLI)) if NLI.exists() else []
    texts = {"first": pairs.first, "second": pairs.second}
    texts |= {column: [row[column] for row in triplets] for column in TRIPLET if triplets}
    encoded = {name: encode(name, texts, params, device(params.runtime)) for name in CHECKPOINTS}
    vectors = {name: found for name, (found, _) in encoded.items()}
    found = summarise(vectors, pairs.scores, params)
    found["protocol"]["truncation"] = {name: cut for name, (_, cut) in encoded.items()}
    write_json("reports/eval/sts.json", round_floats(found, PLACES))


def encode(
    name: str, texts: dict[str, list[str]], params: Params, device: torch.device
) -> tuple[dict[str, Any], dict[str, int]]:
    """Vectors of every column by one checkpoint, and how many texts of each it cuts."""
    model: DenseModel = dense.load_dense(
        name, f"models/{name}", device, max_length=params.eval.max_length, backend=params.eval.backend
    )
    dense.check_dims(params.eval.dims, model)
    vectors = {
        column: dense.embed(
            model,
            rows,
            model.prompts.of(column),
            batch_size=params.eval.batch_size,
            what=f"similarity, {column}",
            targets=[str(device)],
        )
        for column, rows in texts.items()
    }
    return vectors, truncation.of_columns(model, texts)


def summarise(vectors: Vectors, scores: NDArray[np.float64], params: Params) -> dict[str, Any]:
    """What reports/eval/sts.json holds: every checkpoint at every dimension, and what was forgotten between two."""
    dims = sorted(params.eval.dims, reverse=True)
    table: dict[str, dict[str, Any]] = {
        name: {
            str(dim): similarity.correlations(
                similarity.unit(columns["first"], dim), similarity.unit(columns["second"], dim), scores
            )
            for dim in dims
        }
        for name, columns in vectors.items()
    }
    return {
        "set": params.data.sts.name,
        "protocol": {
            "pairs": len(scores),
            "split": "test",
            "backend": params.eval.backend,
            "vectors": "cut to the dimension, brought back to unit length",
            "interval": f"paired bootstrap, percentile, {params.eval.bootstrap_resamples} resamples of pairs, 95 %",
            "seed": params.eval.seed,
        },
        "models": {name: by_dim[str(dims[0])]["cosine"] for name, by_dim in table.items()},
        "dims": table,
        "nli": nli(vectors, dims, params),
        "forgetting": forgetting(vectors, scores, dims, params),
    }


def nli(vectors: Vectors, dims: list[int], params: Params) -> dict[str, Any] | None:
    """Triplet accuracy on the NLI dev split; None where the data has none."""
    if "negative" not in vectors[CHECKPOINTS[0]]:
        return None
    accuracy = {
        name: {
            str(dim): similarity.triplet_accuracy(*(similarity.unit(columns[part], dim) for part in TRIPLET))
            for dim in dims
        }
        for name, columns in vectors.items()
    }
    return {"set": params.data.nli.name, "triplets": len(vectors[CHECKPOINTS[0]]["anchor"]), "accuracy": accuracy}


def forgetting(vectors: Vectors, scores: NDArray[np.float64], dims: list[int], params: Params) -> dict[str, Any]:
    """Spearman (cosine) before and after retrieval training: whole vectors at the top, every dimension below."""

    def cosines(name: str, dim: int) -> NDArray[np.float64]:
        parts = (similarity.unit(vectors[name][column], dim) for column in ("first", "second"))
        return similarity.cosine(*parts)

    by_dim = {
        str(dim): similarity.forgetting(
            cosines(BEFORE, dim), cosines(FINAL, dim), scores, params.eval.bootstrap_resamples, params.eval.seed
        )
        for dim in dims
    }
    return {**by_dim[str(dims[0])], "from": BEFORE, "to": FINAL, "dims": by_dim}
