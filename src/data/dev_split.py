"""A dev split drawn from train: no text of it, whatever its column, stands in train."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from src.data.columns import Kind
from src.data.text import identity
from src.data.training_set import Split
from src.errors import UserError
from src.strict_json import Row


def split_off(kind: Kind, split: Split, count: int, seed: int) -> Split:
    """Move about `count` rows of `split` into a new one, drawn with the seed.

    Rows that share a text (`src.data.text.identity`), directly or through other rows, go together. So there are fewer
    rows where no groups of rows add up to `count`, and more where every group is larger.

    Raises:
        UserError: the smallest group is more than half of the rows.
    """
    groups = connected(kind, split.rows)
    sizes = np.bincount(groups)
    chosen = _chosen(sizes, count, np.random.default_rng(seed).permutation(len(sizes)))
    moved = int(sizes[chosen].sum())
    if 2 * moved > max(len(split.rows), 2 * count):
        raise UserError(
            f"dev_rows {count}: shared texts tie {moved} of the {len(split.rows)} rows together, so that no dev split "
            "without texts of train is left; set it to 0 or give a dev file"
        )
    to_dev = np.zeros(len(sizes), dtype=bool)
    to_dev[chosen] = True
    dev = Split(rows=[row for row, group in zip(split.rows, groups, strict=True) if to_dev[group]], read=moved)
    split.rows = [row for row, group in zip(split.rows, groups, strict=True) if not to_dev[group]]
    split.dropped["moved to dev"] += moved
    return dev


def connected(kind: Kind, rows: Sequence[Row]) -> NDArray[np.int64]:
    """The number of each row's group: rows that share a text are in one, as are those that a chain of rows joins."""
    from scipy.cluster.hierarchy import DisjointSet

    groups, holders = DisjointSet(range(len(rows))), dict[str, int]()  # the first row that holds a text
    for number, row in enumerate(rows):
        for column in kind.texts:
            if column in row:
                groups.merge(number, holders.setdefault(identity(row[column]), number))
    numbers: dict[int, int] = {}  # of groups, in the order of their first rows
    return np.array([numbers.setdefault(groups[row], len(numbers)) for row in range(len(rows))], dtype=np.int64)


def _chosen(sizes: NDArray[np.int64], count: int, order: NDArray[np.int64]) -> list[int]:
    """Groups in their drawn order that fit into `count` rows; the smallest one where none fits."""
    chosen, left = [], count
    for group in order.tolist():
        if sizes[group] <= left:
            chosen.append(group)
            left -= int(sizes[group])
        if not left:
            break
    return chosen or [int(order[np.argmin(sizes[order])])]
