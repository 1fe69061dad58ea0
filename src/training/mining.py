"""Hard negatives mined by the model itself (sentence-transformers' `mine_hard_negatives`)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from sentence_transformers.util import mine_hard_negatives

from src.errors import UserError
from src.training.dataset import Rows
from src.training.relevance import Relevance

_TEXTS_AT_ONCE = 128
Numbers = NDArray[np.int64]


def with_hard_negatives(rows: Rows, model: SentenceTransformer, margin: float, max_length: int, seed: int) -> Rows:
    """The rows with a third column, `negative`: for each query the best-scored passage of another row.

    Known positives of the query (`src.training.relevance`) are never taken, nor a passage that scores above the
    query's positive - margin, which is likely to be relevant too. A row without any other passage gets one drawn at
    random, so that every row is kept. Negatives that the rows have already are replaced.

    Args:
        rows: rows that rank (anchor, positive).
        model: the encoder that ranks.
        margin: in cosine.
        max_length: tokens at which it cuts texts; its own limit, which is saved with it, stays as it is.

    Raises:
        UserError: every passage is a known positive of some query.
    """
    relevance, pairs = Relevance(rows.relevant), rows.same[:, :2]
    limit, model.max_seq_length = model.max_seq_length, max_length
    mined = _mined(rows, relevance, model, margin)
    model.max_seq_length = limit
    drawn = random_negatives(rows, relevance, seed)
    same = [mined.get(tuple(pair), other) for pair, other in zip(pairs.tolist(), drawn, strict=True)]
    passages = _first_texts(rows, 1)
    ids = np.column_stack([rows.ids[:, :2], [passages[text] for text in same]])
    columns = (*rows.columns[:2], "negative")
    return replace(rows, columns=columns, ids=ids, same=np.column_stack([pairs, same]))


def _first_texts(rows: Rows, column: int) -> dict[int, int]:
    """{number in `same`: number in `ids` of the first such text} of a column: equal texts are encoded once."""
    numbers, first_rows = np.unique(rows.same[:, column], return_index=True)
    return dict(zip(numbers.tolist(), rows.ids[first_rows, column].tolist(), strict=True))


def _mined(rows: Rows, relevance: Relevance, model: SentenceTransformer, margin: float) -> dict[tuple[int, ...], int]:
    """{(query, positive): negative} by numbers in `same`, where one qualifies.

    sentence-transformers excludes the positives that it is given for a query, so it gets all known ones.
    """
    queries, passages = _first_texts(rows, 0), _first_texts(rows, 1)
    known = dict.fromkeys(map(tuple, [*rows.same[:, :2].tolist(), *relevance.pairs.tolist()]))
    pairs = [(query, text) for query, text in known if query in queries and text in passages]
    anchors = [rows.texts[queries[query]] for query, _ in pairs]
    positives = [rows.texts[passages[text]] for _, text in pairs]
    mined = mine_hard_negatives(
        Dataset.from_dict({"anchor": anchors, "positive": positives}),
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
    query_of = {rows.texts[text]: query for query, text in queries.items()}
    passage_of = {rows.texts[text]: passage for passage, text in passages.items()}
    return {(query_of[row["anchor"]], passage_of[row["positive"]]): passage_of[row["negative"]] for row in mined}


def random_negatives(rows: Rows, relevance: Relevance, seed: int) -> list[int]:
    """For each row the positive of another one, as a number in `same`, drawn with the seed; no known positive.

    Raises:
        UserError: every passage is a known positive of a query.
    """
    passages, own = np.unique(rows.same[:, 1], return_inverse=True)
    random = np.random.default_rng(seed)
    drawn_rows = random.integers(0, max(1, len(passages) - 1), size=len(rows))
    drawn = passages[np.minimum(drawn_rows + (drawn_rows >= own), len(passages) - 1)]
    for row, query in enumerate(rows.same[:, 0].tolist()):
        relevant = relevance.of(query)
        if drawn[row] not in relevant:
            continue
        others = np.setdiff1d(passages, relevant, assume_unique=True)
        if not len(others):
            text = rows.texts[rows.ids[row, 0]]
            raise UserError(f"{rows.path}: every passage answers {text[:60]!r}; hard_negatives finds it no negative")
        drawn[row] = random.choice(others)
    return [int(text) for text in drawn]
