"""Rows of ids joined with the texts that the ids name, in batches: MS MARCO's triples have 1 M rows of three ids.

Texts lie in one file on disk that is mapped into memory; ids are numbers in a sorted NumPy array, found by bisection.
So memory holds ids (8 bytes each) and one batch of texts, never a Python object for each row.
"""

from __future__ import annotations

import mmap
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow

_NUMBER = re.compile(rb"0|-?[1-9][0-9]{0,17}")
Ids = NDArray[Any]  # int64, or bytes of a fixed width where an id is no number


@dataclass(frozen=True)
class Texts:
    """Texts by id.

    Attributes:
        ids: sorted.
        order: position in `texts` of each of `ids`.
        texts: in the order of the files, memory-mapped.
        repeated: how many ids stood there before; the first one counts.
    """

    ids: Ids
    order: NDArray[np.int64]
    texts: pyarrow.LargeStringArray
    repeated: int

    def find(self, keys: Ids) -> NDArray[np.int64]:
        """Position of the text of each key; -1 where there is none."""
        if not len(self.ids):
            return np.full(len(keys), -1, dtype=np.int64)
        if keys.dtype.kind != self.ids.dtype.kind:
            keys = keys.astype(bytes) if self.ids.dtype.kind == "S" else _numbers(keys)
        nearest = np.minimum(np.searchsorted(self.ids, keys), len(self.ids) - 1)
        return np.where(self.ids[nearest] == keys, self.order[nearest], -1)


def id_array(column: pyarrow.Array) -> Ids:
    """Ids as int64 where each is a whole number (or the decimal digits of one), else as bytes; null becomes -1.

    Leading zeros make an id a name: `07` and `7` differ.
    """
    import pyarrow
    import pyarrow.compute as pc

    if not pyarrow.types.is_integer(column.type):
        text = column.cast(pyarrow.string()).fill_null("-1")
        if not pc.all(pc.match_substring_regex(text, f"^({_NUMBER.pattern.decode()})$")).as_py():
            return np.array([value.encode() for value in text.to_pylist()], dtype=bytes)
        column = text
    return column.cast(pyarrow.int64()).fill_null(-1).to_numpy(zero_copy_only=False)


def _numbers(keys: Ids) -> NDArray[np.int64]:
    """Names as the numbers that they spell; what is no number finds nothing (no id is that small)."""
    lowest = np.iinfo(np.int64).min
    return np.array([int(key) if _NUMBER.fullmatch(key) else lowest for key in keys.tolist()], dtype=np.int64)


def read_texts(batches: Iterable[pyarrow.RecordBatch], scratch: Path) -> Texts:
    """The table with the columns `id` and `text`; its texts go to the file `scratch`, which must outlive the result."""
    import pyarrow

    ids, lengths = [], []
    with scratch.open("wb") as stream:
        for batch in batches:
            texts = batch.column("text").cast(pyarrow.large_string()).fill_null("")
            offsets = np.frombuffer(texts.buffers()[1], dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
            stream.write(memoryview(texts.buffers()[2] or b"")[offsets[0] : offsets[-1]])
            lengths.append(np.diff(offsets))
            ids.append(id_array(batch.column("id")))
    return _sorted(_same_kind(ids), _mapped(scratch, lengths))


def _mapped(path: Path, lengths: list[NDArray[np.int64]]) -> pyarrow.LargeStringArray:
    import pyarrow

    offsets = np.concatenate([np.zeros(1, dtype=np.int64), *lengths]).cumsum()
    if not offsets[-1]:
        return pyarrow.array([""] * (len(offsets) - 1), pyarrow.large_string())
    with path.open("rb") as stream:
        mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    buffers = [None, pyarrow.py_buffer(offsets), pyarrow.py_buffer(mapped)]
    return pyarrow.Array.from_buffers(pyarrow.large_string(), len(offsets) - 1, buffers)


def _same_kind(parts: list[Ids]) -> Ids:
    """One array; all bytes where one part is."""
    if not parts:
        return np.empty(0, dtype=np.int64)
    if any(part.dtype.kind == "S" for part in parts):
        parts = [part.astype(bytes) for part in parts]
    return np.concatenate(parts)


def _sorted(ids: Ids, texts: pyarrow.LargeStringArray) -> Texts:
    order = np.argsort(ids, kind="stable")
    ids = ids[order]
    first = np.ones(len(ids), dtype=bool)
    first[1:] = ids[1:] != ids[:-1]
    return Texts(ids[first], order[first], texts, int((~first).sum()))


def join(
    batches: Iterable[pyarrow.RecordBatch], lookups: dict[str, tuple[str, Texts]], counts: Counter[str]
) -> Iterator[pyarrow.RecordBatch]:
    """Rows with each id column replaced by its text; a row with an unknown id or an empty text is dropped.

    Args:
        batches: columns of ids, named as in the result.
        lookups: by column: what its ids are called in `counts`, and its texts.
        counts: gets `rows`, and the dropped rows under the first reason that holds.
    """
    import pyarrow

    for batch in batches:
        counts["rows"] += len(batch)
        keep = np.ones(len(batch), dtype=bool)
        numbers = {}
        for column, (name, table) in lookups.items():
            numbers[column] = table.find(id_array(batch.column(column)))
            known = (numbers[column] >= 0) & batch.column(column).is_valid().to_numpy(zero_copy_only=False)
            counts[f"unknown {name}"] += int((keep & ~known).sum())
            keep &= known
        texts = {
            column: table.texts.take(pyarrow.array(numbers[column][keep])) for column, (_, table) in lookups.items()
        }
        joined = pyarrow.RecordBatch.from_pydict(texts)
        whole = _all_filled(joined)
        counts["empty text"] += int((~whole).sum())
        yield joined.filter(pyarrow.array(whole))


def _all_filled(batch: pyarrow.RecordBatch) -> NDArray[np.bool_]:
    import pyarrow.compute as pc

    filled = np.ones(len(batch), dtype=bool)
    for column in batch.columns:
        length = pc.utf8_length(pc.utf8_trim_whitespace(column))
        filled &= length.to_numpy(zero_copy_only=False) > 0
    return filled
