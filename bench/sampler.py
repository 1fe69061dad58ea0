"""`python -m bench.sampler`: one epoch of batches without duplicates over a million rows, ours and the stock sampler's.

Rows are drawn like MS MARCO's triples: half a million queries, 700 thousand passages, each row a query with a positive
and a negative, so most texts come more than once. The stock sampler is timed on a tenth of the rows.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from src.errors import run_command

ROWS, QUERIES, PASSAGES, BATCH, GOAL = 1_000_000, 500_000, 700_000, 1024, 10.0


def main(_: list[str]) -> None:
    """Time the sampler at several batch sizes; check its batches; write the slowest."""
    from bench.common import write_result
    from src.training.sampler import epoch_batches

    texts = rows_like_msmarco(ROWS)
    seconds, left_out = {}, {}
    for batch_size in (256, BATCH, 4096):
        start = time.perf_counter()
        batches = epoch_batches(texts, batch_size, seed=1, epoch=0)
        seconds[batch_size] = time.perf_counter() - start
        left_out[batch_size] = ROWS - sum(map(len, batches))
        check(texts, batches)
    write_result(
        "sampler",
        round(max(seconds.values()), 2),
        unit="s for 1 M rows",
        goal=GOAL,
        higher_is_better=False,
        ours={"seconds_by_batch_size": seconds, "rows_left_out_by_batch_size": left_out},
        baseline={"rows": ROWS // 10, "seconds": stock_seconds(texts[: ROWS // 10])},
    )


def rows_like_msmarco(count: int) -> Any:
    """(count, 3) ids of query, positive and negative."""
    random = np.random.default_rng(0)
    columns = [random.integers(0, QUERIES, count)]
    columns += [QUERIES + random.integers(0, PASSAGES, count) for _ in range(2)]
    return np.stack(columns, axis=1)


def check(texts: Any, batches: list[Any]) -> None:
    """Every batch holds each text once.

    Raises:
        SystemExit: one does not.
    """
    for batch in batches:
        inside = [text for row in texts[batch].tolist() for text in set(row)]
        if len(inside) != len(set(inside)):
            raise SystemExit("a text stands twice in a batch")


def stock_seconds(texts: Any) -> float:
    """Seconds of sentence-transformers' NO_DUPLICATES sampler for an epoch of these rows."""
    import torch
    from datasets import Dataset
    from sentence_transformers.base.sampler import NoDuplicatesBatchSampler

    names = ("anchor", "positive", "negative")
    rows = Dataset.from_dict({name: [str(text) for text in texts[:, i]] for i, name in enumerate(names)})
    sampler = NoDuplicatesBatchSampler(rows, BATCH, drop_last=False, generator=torch.Generator(), seed=1)
    start = time.perf_counter()
    for _ in sampler:
        pass
    return time.perf_counter() - start


if __name__ == "__main__":
    run_command(main)
