"""Rows of random tokens and the tasks made of them, for tests of training without a tokenizer."""

from pathlib import Path

import numpy as np

from src.training.dataset import Rows, Tokens
from src.training.objective import Loss
from src.training.tasks import Task


def tokens_of(lengths, pad_id=0, cut=0) -> Tokens:
    """Texts of these many random tokens, the first `cut` of which were cut."""
    starts = np.concatenate([[0], np.cumsum(lengths)])
    flat = np.random.default_rng(0).integers(3, 50, starts[-1]).astype(np.int32)
    return Tokens(flat, starts, pad_id, np.arange(cut))


def rows_of(ids, texts=(), gold=None, path="rows") -> Rows:
    """Rows with these (rows, columns) numbers of texts, every two of which differ."""
    ids = np.array(ids)
    return Rows(Path(path), ("anchor", "positive", "negative")[: ids.shape[1]], list(texts), ids, gold, ids, ids[:, :2])


def pairs(count: int) -> np.ndarray:
    """The numbers of so many pairs of texts of their own."""
    return np.arange(2 * count).reshape(count, 2)


def task_of(rows: Rows, loss: Loss, tokens: Tokens, batch_size: int, epochs: float = 1) -> Task:
    """A task of rows, in batches of so many."""
    return Task(rows, tokens, loss, loss.plan(rows.same, batch_size, epochs, seed=1))
