"""Batches in which no text stands twice.

Where two rows share a query or a passage, one row's positive would be an in-batch negative of the other.
Sentence-transformers' NO_DUPLICATES sampler scans all remaining rows for every batch; here one shuffle assigns rows to
batches, one sort detects clashes, and only the rows that clash move.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]


def epoch_batches(texts: Ids, batch_size: int, seed: int, epoch: int, masked: bool = False) -> list[Ids]:
    """One epoch of batches: row numbers, every row once where its texts allow it.

    Args:
        texts: (rows, columns) ids of the rows' texts; equal ids are equal texts, whatever the column.
        batch_size: rows in each batch but the last, which holds the rest.
        seed, epoch: decide the order; the same two give the same batches everywhere.
        masked: the loss masks equal texts, so a row whose texts stand in every batch already may go anywhere.

    Returns:
        ceil(rows / batch_size) batches at most. Unless masked, a row whose texts stand in every batch already is left
        out of this epoch; another shuffle leaves out others. Batches of one row are dropped: nothing competes.
    """
    order = np.random.default_rng([seed, epoch]).permutation(len(texts))
    batch_of_row = np.arange(len(texts)) // batch_size
    clashing = _clashes(texts[order], batch_of_row)
    batches = _move(texts, order, batch_of_row, clashing, masked)
    return [batch for batch in batches if len(batch) > 1]


def _clashes(texts: Ids, batch_of_row: Ids) -> NDArray[np.bool_]:
    """Which rows share a text with an earlier row of the same batch: (rows,) bool."""
    rows, columns = texts.shape
    keys = (batch_of_row[:, None] * (texts.max() + 1) + texts).ravel()
    owners = np.repeat(np.arange(rows), columns)
    sorting = np.argsort(keys, kind="stable")
    keys, owners = keys[sorting], owners[sorting]
    # A row may hold one text in two columns; that is no clash between rows.
    repeated = (keys[1:] == keys[:-1]) & (owners[1:] != owners[:-1])
    clashing = np.zeros(rows, dtype=bool)
    clashing[owners[1:][repeated]] = True
    return clashing


def _move(texts: Ids, order: Ids, batch_of_row: Ids, clashing: NDArray[np.bool_], masked: bool) -> list[Ids]:
    """The batches, each clashing row moved into the first one with room that holds none of its texts."""
    count = int(batch_of_row[-1]) + 1
    stay, batch_of_stay = order[~clashing], batch_of_row[~clashing]
    moving = order[clashing]
    room = np.bincount(batch_of_row, minlength=count) - np.bincount(batch_of_stay, minlength=count)
    search = _BatchSearch(room.tolist(), _batches_of_texts(texts, stay, batch_of_stay, moving))
    rows, batches = stay.tolist(), batch_of_stay.tolist()
    for row in moving.tolist():
        ids = set(texts[row].tolist())
        batch = search.first_without(ids)
        if batch == count and masked:
            batch = search.first_open(0)
        if batch < count:
            rows.append(row)
            batches.append(batch)
            search.add(batch, ids)
    sorting = np.argsort(batches, kind="stable")
    return np.split(np.array(rows)[sorting], np.searchsorted(np.array(batches)[sorting], np.arange(1, count)))


class _BatchSearch:
    """The first batch with room for a moving row.

    Batches only ever fill up and get more texts, so a text's search goes on where its last one ended: a text that
    stands in most batches is not looked up in all of them for each of its rows.
    """

    def __init__(self, room: list[int], used: dict[int, set[int]]) -> None:
        """`room`: rows that each batch still takes; `used`: the batches that hold a text."""
        self._room, self._used = room, used
        # Each batch, or a later one where it is full; the last entry stands for none.
        self._next = [batch if rows else batch + 1 for batch, rows in enumerate([*room, 1])]
        self._tried = dict.fromkeys(used, 0)

    def first_open(self, batch: int) -> int:
        """The first batch from `batch` on that has room; the number of batches where there is none."""
        while self._next[batch] != batch:
            self._next[batch] = self._next[self._next[batch]]
            batch = self._next[batch]
        return batch

    def first_without(self, texts: set[int]) -> int:
        """The first batch with room that holds none of the texts; the number of batches where there is none."""
        for text in texts:
            self._tried[text] = self._first(self._tried[text], [self._used[text]])
        return self._first(max(self._tried[text] for text in texts), [self._used[text] for text in texts])

    def _first(self, batch: int, taken: list[set[int]]) -> int:
        batch = self.first_open(batch)
        while any(batch in batches for batches in taken):
            batch = self.first_open(batch + 1)
        return batch

    def add(self, batch: int, texts: set[int]) -> None:
        """Put a row with these texts into the batch."""
        self._room[batch] -= 1
        if not self._room[batch]:
            self._next[batch] = batch + 1
        for text in texts:
            self._used[text].add(batch)


def _batches_of_texts(texts: Ids, stay: Ids, batch_of_stay: Ids, moving: Ids) -> dict[int, set[int]]:
    """For the texts of the moving rows alone: the batches that hold them already."""
    used: dict[int, set[int]] = {int(text): set() for text in np.unique(texts[moving])}
    wanted = np.zeros(texts.max() + 1, dtype=bool)
    wanted[list(used)] = True
    rows, columns = np.nonzero(wanted[texts[stay]])
    for text, batch in zip(texts[stay][rows, columns].tolist(), batch_of_stay[rows].tolist(), strict=True):
        used[text].add(batch)
    return used


class BatchPlan:
    """All batches of a run, epoch after epoch, so that a run can start at any step."""

    def __init__(
        self, texts: Ids, batch_size: int, epochs: float, seed: int, *, competing: bool = True, masked: bool = False
    ) -> None:
        """`competing=False` leaves equal texts where they fall: pairs with gold scores do not compete."""
        self._texts = texts if competing else np.arange(len(texts))[:, None]
        self._batch_size, self._seed, self._masked = batch_size, seed, masked
        self.steps_per_epoch = len(self._epoch(0))
        self.steps = max(1, round(epochs * self.steps_per_epoch))

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[Ids]:
        step, epoch = 0, 0
        while step < self.steps:
            batches = self._epoch(epoch)[: self.steps - step]
            yield from batches
            step, epoch = step + len(batches), epoch + 1

    def endless(self) -> Iterator[Ids]:
        """Epoch after epoch without an end, less the small rest that an epoch may close with."""
        for epoch in count():
            batches = self._epoch(epoch)
            yield from [batch for batch in batches if 2 * len(batch) > self._batch_size] or batches

    def left_out(self) -> int:
        """Rows that the first epoch leaves out, since every batch holds one of their texts."""
        return len(self._texts) - sum(len(batch) for batch in self._epoch(0))

    def _epoch(self, epoch: int) -> list[Ids]:
        return epoch_batches(self._texts, self._batch_size, self._seed, epoch, self._masked)
