"""Rows of ids joined with the texts that the ids name: MS MARCO's triples have 1 M rows of three ids.

Arrow holds the texts and looks the ids up: there is no Python object for each row.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow
import pyarrow.compute as pc

BATCH = 16_384  # rows


class Texts(NamedTuple):
    """Texts and their ids as text, in the order of the files; of equal ids the first one counts."""

    ids: pyarrow.ChunkedArray
    texts: pyarrow.ChunkedArray

    @property
    def repeated(self) -> int:
        """How many ids stood there before."""
        return len(self.ids) - int(pc.count_distinct(self.ids, mode="all").as_py())


def read_texts(batches: Iterable[pyarrow.RecordBatch]) -> Texts:
    """The table with the columns `id` and `text`."""
    schema = pyarrow.schema({"id": pyarrow.string(), "text": pyarrow.large_string()})
    table = pyarrow.Table.from_batches((batch.select(schema.names).cast(schema) for batch in batches), schema)
    return Texts(*table.combine_chunks().columns)  # of one chunk, since to take from many copies them all


def join(
    batches: Iterable[pyarrow.RecordBatch], lookups: dict[str, tuple[str, Texts]], counts: Counter[str]
) -> Iterator[pyarrow.RecordBatch]:
    """Rows with each id column replaced by its text; a row with an unknown id or an empty text is dropped.

    An id is text, or a whole number as its decimal digits: `7` and 7 are one, `07` is another.

    Args:
        batches: columns of ids, named as in the result.
        lookups: by column: what its ids are called in `counts`, and its texts.
        counts: gets `rows`, and the dropped rows under the first reason that holds.
    """
    schema = pyarrow.schema(dict.fromkeys(lookups, pyarrow.string()))
    rows = pyarrow.Table.from_batches((batch.select(schema.names).cast(schema) for batch in batches), schema)
    counts["rows"] += len(rows)
    keep = np.ones(len(rows), dtype=bool)
    positions = {}
    for column, (name, table) in lookups.items():
        positions[column] = pc.index_in(rows[column], table.ids, skip_nulls=True).fill_null(-1).to_numpy()
        known = positions[column] >= 0
        counts[f"unknown {name}"] += int((keep & ~known).sum())
        keep &= known
    for chosen in np.split(np.flatnonzero(keep), range(BATCH, len(rows), BATCH)):
        texts = {column: table.texts.take(positions[column][chosen]) for column, (_, table) in lookups.items()}
        filled = [pc.not_equal(pc.utf8_trim_whitespace(column), "") for column in texts.values()]
        joined = pyarrow.table(texts).filter(functools.reduce(pc.and_, filled))
        counts["empty text"] += len(chosen) - len(joined)
        yield from joined.to_batches()
