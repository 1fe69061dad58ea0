"""The table of semantic similarity, from saved values of every pair and triplet: reports/eval/sts.json.

FOLDER/pairs.parquet holds a row a scored pair: `score`, the gold one, then MODEL/DIMENSION/SIMILARITY; vectors are cut
to the dimension and brought back to unit length. FOLDER/triplets.parquet, where the data have triplets, holds a row
each: MODEL/DIMENSION says whether the positive is nearer to the anchor than the negative.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.evaluation import similarity
from src.evaluation.packed import read_columns
from src.evaluation.results import DECIMALS, Scores, Similarity, SimilarityRules, Triplets
from src.evaluation.significance import Draws
from src.files import round_floats
from src.recipe.stages import BEFORE, CHECKPOINTS, FINAL

Vectors = Mapping[str, Mapping[str, NDArray[np.float32]]]  # by model and column
Columns = dict[str, NDArray[Any]]
PAIRS, TRIPLETS = "pairs.parquet", "triplets.parquet"
SCORE = "score"
TRIPLET = ("anchor", "positive", "negative")


def pair_values(vectors: Vectors, scores: NDArray[np.float64], dims: list[int]) -> Columns:
    """The columns of pairs.parquet."""
    values: Columns = {SCORE: scores}
    for model, columns in vectors.items():
        for dim in dims:
            sides = [similarity.unit(columns[side], dim) for side in similarity.SIDES]
            for kind, of_kind in similarity.similarities(*sides).items():
                values[f"{model}/{dim}/{kind}"] = of_kind.astype(np.float32)
    return values


def triplet_values(vectors: Vectors, dims: list[int]) -> Columns:
    """The columns of triplets.parquet; none where the data have no triplets."""
    return {
        f"{model}/{dim}": similarity.triplets_right(*(similarity.unit(columns[part], dim) for part in TRIPLET))
        for model, columns in vectors.items()
        if TRIPLET[0] in columns
        for dim in dims
    }


def summarise(folder: Path, protocol: SimilarityRules, names: tuple[str, str], draws: Draws) -> Similarity:
    """What reports/eval/sts.json holds: every checkpoint at every dimension, and what was forgotten between two.

    Args:
        folder: of pairs.parquet and triplets.parquet.
        protocol: the facts that are not in the values.
        names: of the scored pairs and of the triplets.
    """
    pairs = read_columns(folder / PAIRS)
    scores = pairs.pop(SCORE)
    table: dict[str, dict[str, dict[str, Scores]]] = {}
    for column, values in pairs.items():
        model, dim, kind = column.split("/")
        correlations = similarity.correlation(values.astype(np.float64), scores)
        table.setdefault(model, {}).setdefault(dim, {})[kind] = correlations
    before, after = (
        np.stack([pairs[f"{model}/{dim}/cosine"].astype(np.float64) for dim in table[FINAL]])
        for model in (BEFORE, FINAL)
    )
    by_dim = dict(zip(table[FINAL], similarity.forgetting(before, after, scores, draws), strict=True))
    whole = next(iter(by_dim))
    value = {
        "set": names[0],
        "protocol": {"pairs": len(scores), **protocol},
        "models": {model: dims[whole]["cosine"] for model, dims in table.items()},
        "dims": table,
        "nli": _accuracy(names[1], folder / TRIPLETS) if (folder / TRIPLETS).is_file() else None,
        "forgetting": {**by_dim[whole], "from": BEFORE, "to": FINAL, "dims": by_dim},
    }
    rounded: Similarity = round_floats(value, DECIMALS)
    return rounded


def _accuracy(name: str, path: Path) -> Triplets:
    """Share of the triplets whose positive is nearer, by model and dimension."""
    accuracy: dict[str, Scores] = {model: {} for model in CHECKPOINTS}
    right = read_columns(path)
    for column, values in right.items():
        model, dim = column.split("/")
        accuracy[model][dim] = float(values.mean())
    return {"set": name, "triplets": len(next(iter(right.values()))), "accuracy": accuracy}
