"""Hard negatives that a model finds for its own training rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from src.training.dataset import Rows

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_TEXTS_AT_ONCE = 128


def with_hard_negatives(rows: Rows, model: SentenceTransformer, margin: float, seed: int) -> Rows:
    """The rows with a third column, `negative`: for each query the best-scored passage of another row.

    A passage that scores above the query's positive - margin is passed over: it is likely an answer too. A row for
    which nothing qualifies gets a passage drawn at random, so that every row is kept.
    Negatives that the rows have already are replaced.

    Args:
        rows: rows that rank (anchor, positive).
        model: the encoder that ranks; it cuts texts at its own limit.
        margin: in cosine.
    """
    from datasets import Dataset
    from sentence_transformers.util import mine_hard_negatives

    pairs = rows.ids[:, :2]
    given = {
        name: [rows.texts[text] for text in pairs[:, column]] for column, name in enumerate(("anchor", "positive"))
    }
    mined = mine_hard_negatives(
        Dataset.from_dict(given),
        model,
        absolute_margin=margin,
        num_negatives=1,
        sampling_strategy="top",
        output_format="triplet",
        query_prompt="",  # the rows' texts have theirs
        corpus_prompt="",
        batch_size=_TEXTS_AT_ONCE,
        verbose=False,
    )
    numbers = {text: number for number, text in enumerate(rows.texts)}
    found = {(numbers[row["anchor"]], numbers[row["positive"]]): numbers[row["negative"]] for row in mined}
    drawn = random_negatives(pairs, seed)
    negatives = [
        found.get((anchor, positive), other) for (anchor, positive), other in zip(pairs.tolist(), drawn, strict=True)
    ]
    ids = np.column_stack([pairs, np.array(negatives, dtype=np.int64)])
    return replace(rows, columns=(*rows.columns[:2], "negative"), ids=ids)


def random_negatives(pairs: np.ndarray, seed: int) -> list[int]:
    """For each (anchor, positive) of text numbers, the positive of another row, drawn with the seed.

    It is never the row's own passage unless all rows share one.
    """
    passages = np.unique(pairs[:, 1])
    if len(passages) == 1:
        return [int(text) for text in pairs[:, 1]]
    drawn = np.random.default_rng(seed).integers(0, len(passages) - 1, size=len(pairs))
    own = np.searchsorted(passages, pairs[:, 1])
    return [int(text) for text in passages[drawn + (drawn >= own)]]
